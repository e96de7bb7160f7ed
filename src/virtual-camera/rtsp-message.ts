/** One request of RFC 2326 6. Header names are lower case; headers sent twice are joined with `, `. */
export interface RtspRequest {
  method: string;
  /** As written: an rtsp URL, or `*`. */
  url: string;
  /** `1.0`, or another number the server does not speak. */
  version: string;
  headers: ReadonlyMap<string, string>;
  body: Buffer;
  cseq: number;
}

/** What a client's bytes amount to. After `bad` the reader gives nothing more: its place in the stream is lost. */
export type RtspInput =
  | { kind: 'request'; request: RtspRequest }
  | { kind: 'frame'; channel: number; payload: Buffer }
  | { kind: 'bad'; status: number; reason: string; cseq: number | undefined };

/** Request line and headers together. */
export const HEAD_BYTES_MAX = 16 * 1024;
export const HEADERS_MAX = 64;
export const BODY_BYTES_MAX = 16 * 1024;
export const URL_LENGTH_MAX = 2048;

const HEADER_END = /\r?\n\r?\n/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;
/** Headers that mean nothing when sent twice. */
const SINGLE = new Set(['cseq', 'content-length', 'session', 'authorization']);

/** Reads requests and interleaved frames from one connection. Total and bounded, whatever comes and however it is cut. */
export class RtspReader {
  #buffer: Buffer = Buffer.alloc(0);
  /** Up to here there is no end of a head. */
  #searched = 0;
  #lost = false;

  /** Takes the next bytes; gives what they complete, in order. */
  push(chunk: Uint8Array): RtspInput[] {
    const inputs: RtspInput[] = [];
    // Piece by piece, so that what waits here never exceeds one head, body or frame by more than a piece.
    for (let at = 0; at < chunk.length && !this.#lost; at += 65_536) {
      const piece = chunk.subarray(at, at + 65_536);
      this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, piece]) : Buffer.from(piece);
      for (let input = this.#next(); input; input = this.#next()) {
        inputs.push(input);
        if (input.kind === 'bad') {
          this.#lost = true;
          this.#buffer = Buffer.alloc(0);
          break;
        }
      }
    }
    return inputs;
  }

  #next(): RtspInput | null {
    while (this.#buffer.length > 0 && (this.#buffer[0] === 0x0d || this.#buffer[0] === 0x0a)) this.#drop(1);
    if (this.#buffer.length === 0) return null;
    return this.#buffer[0] === 0x24 ? this.#frame() : this.#request();
  }

  #frame(): RtspInput | null {
    if (this.#buffer.length < 4) return null;
    const end = 4 + this.#buffer.readUInt16BE(2);
    if (this.#buffer.length < end) return null;
    const channel = this.#buffer[1]!;
    const payload = Buffer.from(this.#buffer.subarray(4, end));
    this.#drop(end);
    return { kind: 'frame', channel, payload };
  }

  #request(): RtspInput | null {
    const from = Math.max(0, this.#searched - 3);
    const window = this.#buffer.toString('latin1', from, HEAD_BYTES_MAX + 4);
    const match = HEADER_END.exec(window);
    if (!match) {
      this.#searched = this.#buffer.length;
      return this.#buffer.length > HEAD_BYTES_MAX ? bad(400, 'head too long') : null;
    }
    const headEnd = from + match.index;
    const bodyAt = headEnd + match[0].length;
    const head = parseHead(this.#buffer.toString('latin1', 0, headEnd));
    if ('kind' in head) return head;
    const bodyEnd = bodyAt + head.bodyBytes;
    if (this.#buffer.length < bodyEnd) {
      this.#searched = headEnd;
      return null;
    }
    const body = Buffer.from(this.#buffer.subarray(bodyAt, bodyEnd));
    this.#drop(bodyEnd);
    return { kind: 'request', request: { ...head.request, body } };
  }

  #drop(count: number): void {
    this.#buffer = this.#buffer.subarray(count);
    this.#searched = 0;
  }
}

type Head = { request: Omit<RtspRequest, 'body'>; bodyBytes: number };

function parseHead(text: string): Head | (RtspInput & { kind: 'bad' }) {
  const [first, ...lines] = text.split(/\r?\n/);
  if (lines.length > HEADERS_MAX) return bad(400, 'too many headers');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !TOKEN.test(name) || hasControl(value)) return bad(400, 'malformed header');
    const before = headers.get(name);
    if (before !== undefined && SINGLE.has(name)) return bad(400, `${name} given twice`);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const cseqText = headers.get('cseq') ?? '';
  const cseq = /^\d{1,10}$/.test(cseqText) ? Number(cseqText) : undefined;
  const parts = /^([A-Z_]{1,32}) ([\x21-\x7e]+) RTSP\/(\d\.\d)$/.exec(first!);
  if (!parts) return bad(400, 'malformed request line', cseq);
  if (parts[2]!.length > URL_LENGTH_MAX) return bad(414, 'URL too long', cseq);
  if (cseq === undefined) return bad(400, 'no usable CSeq');
  const lengthText = headers.get('content-length') ?? '0';
  if (!/^\d{1,15}$/.test(lengthText)) return bad(400, 'malformed Content-Length', cseq);
  const bodyBytes = Number(lengthText);
  if (bodyBytes > BODY_BYTES_MAX) return bad(413, 'body too long', cseq);
  return { request: { method: parts[1]!, url: parts[2]!, version: parts[3]!, headers, cseq }, bodyBytes };
}

function hasControl(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 9) || code === 0x7f) return true;
  }
  return false;
}

function bad(status: number, reason: string, cseq?: number): RtspInput & { kind: 'bad' } {
  return { kind: 'bad', status, reason, cseq };
}

const REASONS: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  451: 'Parameter Not Understood',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  457: 'Invalid Range',
  459: 'Aggregate Operation Not Allowed',
  460: 'Only Aggregate Operation Allowed',
  461: 'Unsupported Transport',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'RTSP Version Not Supported',
  551: 'Option not supported',
};

export interface RtspResponse {
  status: number;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | undefined;
}

/** The bytes of one answer; `cseq` is left out where the request had none. */
export function writeResponse(response: RtspResponse, cseq: number | undefined): Buffer {
  const body = Buffer.from(response.body ?? '', 'utf8');
  const lines = [`RTSP/1.0 ${response.status} ${REASONS[response.status] ?? 'Unknown'}`];
  if (cseq !== undefined) lines.push(`CSeq: ${cseq}`);
  lines.push('Server: Constitute virtual camera');
  for (const [name, value] of Object.entries(response.headers ?? {})) lines.push(`${name}: ${value}`);
  if (body.length > 0) lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** The path of an rtsp URL without query and closing slash, `*` for `*`, or `null` where it is no rtsp URL. Total. */
export function pathOf(url: string): string | null {
  if (url === '*') return '*';
  const match = /^rtspu?:\/\/[^/?#\s]{1,300}(\/[^?#\s]*)?(\?[^#\s]*)?$/i.exec(url);
  if (!match) return null;
  return (match[1] ?? '/').replace(/\/+$/, '') || '/';
}
