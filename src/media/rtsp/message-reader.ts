import { fromUtf8 } from '../../bytes/index.ts';

/** A camera's answer to one of our requests. Header names lower-case; values of a name that came more than once, in order. */
export interface RtspAnswer {
  kind: 'answer';
  status: number;
  headers: ReadonlyMap<string, readonly string[]>;
  body: string;
}

/** Something a camera asks of us. */
export interface RtspDemand {
  kind: 'demand';
  method: string;
  headers: ReadonlyMap<string, readonly string[]>;
}

/** Who takes what a reader finds. */
export interface RtspListener {
  /** An interleaved frame (RFC 2326 section 10.12): its payload lies from `start` to `end` in `bytes`, good for this call only. */
  onFrame(channel: number, bytes: Uint8Array, start: number, end: number): void;
  onMessage(message: RtspAnswer | RtspDemand): void;
}

/** Why a byte stream cannot be read on. */
export type RtspFault = 'malformed' | 'too-large';

/** What a camera may make us hold. Descriptions of real cameras are below 4 KiB. */
const HEAD_BYTES_MAX = 16 * 1024;
const BODY_BYTES_MAX = 256 * 1024;
const HEADERS_MAX = 64;
const FRAME_HEAD_BYTES = 4;
/** Longest piece that is carried over from one read to the next. */
const CARRY_BYTES_MAX = FRAME_HEAD_BYTES + 65_535;
const DOLLAR = 0x24;
const CR = 13;
const LF = 10;

/**
 * Cuts what a camera sends over RTSP 1.0 (RFC 2326) into answers, demands and interleaved frames, whatever way it is cut into
 * pieces. Frames that lie whole in a piece are handed on where they lie; only one that reaches over the edge is copied.
 *
 * Total: `push` gives null, or a fault, after which it must not be used again. Holds one message or one frame at most.
 */
export class RtspReader {
  readonly #listener: RtspListener;
  /** The beginning of a frame that reaches over the edge of a piece. */
  #carry = new Uint8Array(0);
  #carried = 0;
  /** The head of a message as far as it came, then its body. */
  #text: number[] = [];
  #message: (RtspAnswer | RtspDemand) | null = null;
  #body: Uint8Array<ArrayBuffer> | null = null;
  #bodyFilled = 0;

  constructor(listener: RtspListener) {
    this.#listener = listener;
  }

  push(bytes: Uint8Array): RtspFault | null {
    let at = 0;
    while (at < bytes.length) {
      if (this.#carried > 0) at = this.#fillCarry(bytes, at);
      else if (this.#body) at = this.#fillBody(bytes, at);
      else if (this.#text.length === 0 && bytes[at] === DOLLAR) at = this.#frame(bytes, at);
      else {
        const next = this.#head(bytes, at);
        if (typeof next === 'string') return next;
        at = next;
      }
    }
    return null;
  }

  /** A frame that begins at `at`; gives where reading goes on. */
  #frame(bytes: Uint8Array, at: number): number {
    const left = bytes.length - at;
    if (left >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
      if (end <= bytes.length) {
        this.#listener.onFrame(bytes[at + 1]!, bytes, at + FRAME_HEAD_BYTES, end);
        return end;
      }
    }
    if (this.#carry.length === 0) this.#carry = new Uint8Array(CARRY_BYTES_MAX);
    this.#carry.set(bytes.subarray(at));
    this.#carried = left;
    return bytes.length;
  }

  #fillCarry(bytes: Uint8Array, from: number): number {
    const carry = this.#carry;
    let at = from;
    while (this.#carried < FRAME_HEAD_BYTES && at < bytes.length) carry[this.#carried++] = bytes[at++]!;
    if (this.#carried < FRAME_HEAD_BYTES) return at;
    const whole = FRAME_HEAD_BYTES + ((carry[2]! << 8) | carry[3]!);
    const taken = Math.min(whole - this.#carried, bytes.length - at);
    carry.set(bytes.subarray(at, at + taken), this.#carried);
    this.#carried += taken;
    if (this.#carried === whole) {
      this.#carried = 0;
      this.#listener.onFrame(carry[1]!, carry, FRAME_HEAD_BYTES, whole);
    }
    return at + taken;
  }

  /** The head of a message up to its empty line. Line ends may be CRLF or LF; empty lines in front are passed over. */
  #head(bytes: Uint8Array, from: number): number | RtspFault {
    const text = this.#text;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (text.length === 0) {
        if (byte === CR || byte === LF) continue;
        if (byte === DOLLAR) return at;
        if (byte < 0x41 || byte > 0x5a) return 'malformed';
      }
      if (text.length === HEAD_BYTES_MAX) return 'too-large';
      text.push(byte);
      if (byte !== LF) continue;
      const last = text.length - 2;
      if (text[last] !== LF && !(text[last] === CR && text[last - 1] === LF)) continue;
      const fault = this.#headDone();
      return fault ?? at + 1;
    }
    return bytes.length;
  }

  #headDone(): RtspFault | null {
    const read = parseHead(fromUtf8(Uint8Array.from(this.#text)) ?? latin1(this.#text));
    this.#text = [];
    if (typeof read === 'string') return read;
    if (read.bodyBytes === 0) this.#listener.onMessage(read.message);
    else {
      this.#message = read.message;
      this.#body = new Uint8Array(read.bodyBytes);
      this.#bodyFilled = 0;
    }
    return null;
  }

  #fillBody(bytes: Uint8Array, at: number): number {
    const body = this.#body!;
    const taken = Math.min(body.length - this.#bodyFilled, bytes.length - at);
    body.set(bytes.subarray(at, at + taken), this.#bodyFilled);
    this.#bodyFilled += taken;
    if (this.#bodyFilled === body.length) {
      const message = this.#message!;
      this.#body = null;
      this.#message = null;
      if (message.kind === 'answer') message.body = fromUtf8(body) ?? latin1(body);
      this.#listener.onMessage(message);
    }
    return at + taken;
  }
}

const ANSWER = /^RTSP\/1\.\d{1,2} ([1-5]\d\d)(?: |$)/;
const DEMAND = /^([A-Z_]{3,16}) [\x21-\x7e]{1,2048} RTSP\/1\.\d{1,2}$/;
const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})[ \t]*:[ \t]*(.*?)[ \t]*$/;

function parseHead(text: string): { message: RtspAnswer | RtspDemand; bodyBytes: number } | RtspFault {
  const lines = text.split(/\r?\n/);
  const headers = new Map<string, string[]>();
  const first = lines[0]!;
  let count = 0;
  for (const line of lines.slice(1)) {
    if (line === '') break;
    if (++count > HEADERS_MAX) return 'too-large';
    const match = HEADER.exec(line);
    if (!match) continue; // a line that is no header tells nothing; some cameras fold or misspell one
    const name = match[1]!.toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), match[2]!]);
  }
  const length = headers.get('content-length')?.[0] ?? '0';
  if (!/^\d{1,9}$/.test(length)) return 'malformed';
  const bodyBytes = Number(length);
  if (bodyBytes > BODY_BYTES_MAX) return 'too-large';
  const status = ANSWER.exec(first)?.[1];
  if (status) return { message: { kind: 'answer', status: Number(status), headers, body: '' }, bodyBytes };
  const method = DEMAND.exec(first)?.[1];
  return method ? { message: { kind: 'demand', method, headers }, bodyBytes } : 'malformed';
}

function latin1(bytes: ArrayLike<number>): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
