import { fromHex } from '../../bytes/index.ts';

/** One stream a camera offers (SDP media description, RFC 8866 section 5.14), as far as recording goes by it. */
export interface OfferedMedia {
  kind: 'video' | 'audio';
  /** Encoding name in upper case: `H264`, `H265`, `MPEG4-GENERIC`, `OPUS`, `PCMA`…; empty where unknown. */
  encoding: string;
  payloadType: number;
  clockRate: number;
  /** Audio only; 1 where nothing is said. */
  channels: number;
  /** Names of the format's parameters in lower case (`a=fmtp`). */
  parameters: ReadonlyMap<string, string>;
  /** `a=control`; empty where there is none. */
  control: string;
  /** Plain RTP/AVP (or RTP/AVPF); false for SRTP and whatever else. */
  plain: boolean;
}

export interface SessionDescription {
  /** `a=control` of the whole session, `*` or empty where it says nothing. */
  control: string;
  /** In the order of the description; other kinds than picture and sound are left out. */
  media: readonly OfferedMedia[];
}

const LINES_MAX = 1_000;
const MEDIA_MAX = 32;
const PARAMETERS_MAX = 64;
const SETS_MAX = 32;
const SET_BYTES_MAX = 4_096;
const RATE_MAX = 1_000_000;
/** Payload types with a meaning of their own (RFC 3551 section 6), as far as cameras use them. */
const STATIC: Record<number, readonly [string, number, number]> = {
  0: ['PCMU', 8000, 1],
  8: ['PCMA', 8000, 1],
  9: ['G722', 8000, 1],
  10: ['L16', 44_100, 2],
  11: ['L16', 44_100, 1],
  14: ['MPA', 90_000, 1],
  26: ['JPEG', 90_000, 1],
  32: ['MPV', 90_000, 1],
};

/** Reads a session description (RFC 8866). Null where there is no picture and no sound in it. Total; reads 1,000 lines. */
export function parseSessionDescription(text: string): SessionDescription | null {
  let control = '';
  const media: Draft[] = [];
  /** False while lines belong to a media description of no interest. */
  let listening = true;
  for (const line of text.split(/\r\n|\n|\r/, LINES_MAX)) {
    const value = line.slice(2).trim();
    if (line.startsWith('m=')) {
      const draft = parseMedia(value);
      listening = draft !== null && media.length < MEDIA_MAX;
      if (draft && listening) media.push(draft);
    } else if (line.startsWith('a=') && listening) {
      const draft = media.at(-1);
      if (draft) addAttribute(draft, value);
      else if (value.startsWith('control:')) control = value.slice(8).trim();
    }
  }
  return media.length === 0 ? null : { control, media };
}

type Draft = { -readonly [K in keyof OfferedMedia]: OfferedMedia[K] } & { parameters: Map<string, string> };

function parseMedia(value: string): Draft | null {
  const match = /^(video|audio) \d{1,5}(?:\/\d{1,5})? ([A-Za-z/0-9]{3,32}) (\d{1,3})(?: |$)/.exec(value);
  if (!match || Number(match[3]) > 127) return null;
  const payloadType = Number(match[3]);
  const [encoding, clockRate, channels] = STATIC[payloadType] ?? ['', match[1] === 'video' ? 90_000 : 8000, 1];
  return {
    kind: match[1] as 'video' | 'audio',
    encoding,
    payloadType,
    clockRate,
    channels,
    parameters: new Map(),
    control: '',
    plain: /^RTP\/AVPF?(?:\/(?:UDP|TCP))?$/i.test(match[2]!),
  };
}

function addAttribute(draft: Draft, value: string): void {
  if (value.startsWith('control:')) draft.control = value.slice(8).trim();
  const match = /^(rtpmap|fmtp):(\d{1,3})\s+(.*)$/.exec(value);
  if (!match || Number(match[2]) !== draft.payloadType) return;
  if (match[1] === 'fmtp') {
    for (const part of match[3]!.split(';', PARAMETERS_MAX)) {
      const equals = part.indexOf('=');
      const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
      if (name !== '') draft.parameters.set(name, equals < 0 ? '' : part.slice(equals + 1).trim());
    }
    return;
  }
  const map = /^([^/\s]{1,32})\/(\d{1,7})(?:\/(\d{1,2}))?/.exec(match[3]!);
  if (!map || Number(map[2]) < 1 || Number(map[2]) > RATE_MAX) return;
  draft.encoding = map[1]!.toUpperCase();
  draft.clockRate = Number(map[2]);
  draft.channels = Math.max(1, Number(map[3] ?? 1));
}

/**
 * Parameter sets a description carries: `sprop-parameter-sets` of H.264 (RFC 6184 section 8.1), `sprop-vps`, `sprop-sps` and
 * `sprop-pps` of H.265 (RFC 7798 section 7.1). What cannot be decoded is left out: the sets in the stream count more anyway.
 */
export function describedParameterSets({ encoding, parameters }: OfferedMedia): Uint8Array[] {
  const names = encoding === 'H265' ? ['sprop-vps', 'sprop-sps', 'sprop-pps'] : ['sprop-parameter-sets'];
  const sets: Uint8Array[] = [];
  for (const name of names) {
    for (const text of (parameters.get(name) ?? '').split(',', SETS_MAX)) {
      const set = fromBase64(text.trim());
      if (set && set.length > 2 && set.length <= SET_BYTES_MAX) sets.push(set);
    }
  }
  return sets;
}

/** AudioSpecificConfig of an AAC stream in mode AAC-hbr (RFC 3640 section 4.1), null where it is sent another way or unknown. */
export function aacConfiguration({ encoding, parameters }: OfferedMedia): Uint8Array | null {
  const said = (name: string, usual: string) => (parameters.get(name) ?? usual).toLowerCase();
  if (encoding !== 'MPEG4-GENERIC' || said('mode', '') !== 'aac-hbr') return null;
  const widths = ['sizelength', 'indexlength', 'indexdeltalength'].map((name) => said(name, ''));
  const config = fromHex(said('config', ''));
  const usable = widths.join() === '13,3,3' && config !== null && config.length >= 2 && config.length <= 64;
  return usable ? config : null;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64, padding as it comes; null for anything else. */
function fromBase64(text: string): Uint8Array | null {
  const plain = text.replace(/={0,2}$/, '');
  if (plain.length > (SET_BYTES_MAX * 4) / 3 + 4 || plain.length % 4 === 1) return null;
  const out = new Uint8Array(Math.floor((plain.length * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const sign of plain) {
    const value = BASE64.indexOf(sign);
    if (value < 0) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 0xff;
    }
  }
  return out;
}
