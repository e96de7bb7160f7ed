/** Where a camera sends a track, as its answer to SETUP says (RFC 2326 section 12.39). */
export type AnsweredTransport =
  | { transport: 'tcp'; channels: readonly [number, number] }
  | { transport: 'udp'; serverPorts: readonly [number, number] | null };

const PARAMETERS_MAX = 32;
/** Longest URL that is put together. */
const URL_MAX = 4_096;
const TIMEOUT_S_USUAL = 60;

/**
 * Reads the Transport header of an answer; null where it is none we asked for. `channels` stands in where a camera that sends
 * interleaved does not say how.
 */
export function parseAnsweredTransport(header: string, channels: readonly [number, number]): AnsweredTransport | null {
  const [profile, ...parameters] = header
    .split(',', 1)[0]!
    .split(';', PARAMETERS_MAX)
    .map((part) => part.trim());
  const values = new Map<string, string>();
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=', 2);
    values.set(name!.trim().toLowerCase(), value.trim());
  }
  const interleaved = values.get('interleaved');
  if (/^RTP\/AVPF?\/TCP$/i.test(profile!)) {
    const pair = interleaved === undefined ? channels : pairOf(interleaved, 255);
    return pair && { transport: 'tcp', channels: pair };
  }
  if (!/^RTP\/AVPF?(?:\/UDP)?$/i.test(profile!) || values.has('multicast')) return null;
  const ports = values.get('server_port');
  const pair = ports === undefined ? null : pairOf(ports, 65_535);
  if (ports !== undefined && (!pair || pair[0] === 0)) return null;
  return { transport: 'udp', serverPorts: pair };
}

function pairOf(text: string, most: number): readonly [number, number] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return null;
  const first = Number(match[1]);
  const second = match[2] === undefined ? first + 1 : Number(match[2]);
  return first <= most && second <= most && first !== second ? [first, second] : null;
}

/** Reads the Session header (RFC 2326 section 12.37): its id and after how many seconds without a sign of life it ends. */
export function parseSession(header: string): { id: string; timeoutS: number } | null {
  const match = /^\s*([\x21-\x3a\x3c-\x7e]{1,256})\s*(?:;\s*timeout\s*=\s*(\d{1,6}))?/i.exec(header);
  if (!match) return null;
  const timeoutS = Number(match[2] ?? TIMEOUT_S_USUAL);
  return { id: match[1]!, timeoutS: timeoutS > 0 ? timeoutS : TIMEOUT_S_USUAL };
}

/**
 * RTP timestamps of the moment at which sending begins, by the URL they are told for (RFC 2326 section 12.33); what is not
 * understood is left out.
 */
export function parseRtpInfo(header: string): Map<string, number> {
  const times = new Map<string, number>();
  for (const entry of header.slice(0, URL_MAX * 4).split(',', PARAMETERS_MAX)) {
    const url = /(?:^|;)\s*url\s*=\s*"?([^;"\s]{1,2048})/i.exec(entry)?.[1];
    const time = /;\s*rtptime\s*=\s*(\d{1,10})/i.exec(entry)?.[1];
    if (url !== undefined && time !== undefined && Number(time) < 2 ** 32) times.set(url, Number(time));
  }
  return times;
}

/**
 * The URL a track (or the whole, for `*` and an empty `control`) is asked for: RFC 2326 appendix C.1.1. Relative ones are put behind
 * `base` with one slash between, queries and all, as cameras mean it. Null where it is no RTSP URL, is too long, or holds what no
 * request line may. It is a name in a request and never dialled: a camera may know itself by another address than we do.
 */
export function controlUrl(base: string, control: string): string | null {
  const whole = control === '' || control === '*';
  const absolute = /^rtsps?:\/\//i.test(control);
  const url = whole
    ? base
    : absolute
      ? control
      : `${base}${base.endsWith('/') ? '' : '/'}${control.replace(/^\//, '')}`;
  return url.length <= URL_MAX && /^rtsps?:\/\/[\x21-\x7e]+$/i.test(url) ? url : null;
}
