import { assert } from '../errors.ts';

/** Frame types (docs/protocol/channel.md section 6). */
export const FRAME = {
  ping: 0,
  request: 1,
  response: 2,
  data: 3,
  window: 4,
  cancel: 5,
  end: 6,
  event: 7,
  rekey: 8,
  goaway: 9,
} as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Flag bits. */
export const PING_NO_ANSWER = 1;
export const RESPONSE_END = 1;
export const DATA_LAST = 1;
export const DATA_KEYFRAME = 2;
export const DATA_INIT = 4;

export const FRAME_HEADER_SIZE = 8;
/** Most bytes of a frame with its padding: a Noise message without its tag. */
export const FRAME_MAX = 65_519;
/**
 * Most bytes of a DATA body this side sends. The protocol allows 7 more; with this size a WebSocket message stays below
 * 64 KiB, so its length field is short.
 */
export const DATA_BODY_MAX = 65_504;
/** Most bytes of a JSON-RPC body. */
export const RPC_BYTES_MAX = 65_024;
/** Largest stream number and largest credit. */
export const STREAM_MAX = 0x7fff_ffff;
export const CREDIT_MAX = 0x7fff_ffff;
/** Why a node says GOAWAY. */
export const GOAWAY_STOPPING = 1;
export const GOAWAY_AGE = 2;

const PING_BODY_MAX = 1024;
const CANCEL_BODY_MAX = 1024;
const PAD_STEP = 256;

/** One frame taken apart. `body` is a view into what was decoded. */
export interface Frame {
  type: FrameType;
  flags: number;
  stream: number;
  body: Uint8Array<ArrayBuffer>;
}

/** Which side wrote a frame. */
export type FrameSide = 'client' | 'node';

/** Why a frame is refused; it ends the channel. */
export type FrameReason = 'length' | 'type' | 'flags' | 'side' | 'stream' | 'body' | 'padding';

interface Rule {
  /** Bits that may be set. */
  flags: number;
  from: 'both' | FrameSide;
  stream: 'none' | 'some' | 'any';
  bodyMin: number;
  bodyMax: number;
  padded?: true;
}

const RULES: readonly Rule[] = [
  { flags: PING_NO_ANSWER, from: 'both', stream: 'none', bodyMin: 0, bodyMax: PING_BODY_MAX },
  { flags: 0, from: 'client', stream: 'some', bodyMin: 0, bodyMax: RPC_BYTES_MAX, padded: true },
  { flags: RESPONSE_END, from: 'node', stream: 'some', bodyMin: 0, bodyMax: RPC_BYTES_MAX, padded: true },
  { flags: 7, from: 'node', stream: 'some', bodyMin: 0, bodyMax: FRAME_MAX - FRAME_HEADER_SIZE },
  { flags: 0, from: 'client', stream: 'any', bodyMin: 4, bodyMax: 4 },
  { flags: 0, from: 'both', stream: 'some', bodyMin: 0, bodyMax: CANCEL_BODY_MAX },
  { flags: 0, from: 'node', stream: 'some', bodyMin: 8, bodyMax: 8 },
  { flags: 0, from: 'node', stream: 'any', bodyMin: 0, bodyMax: RPC_BYTES_MAX, padded: true },
  { flags: 0, from: 'both', stream: 'none', bodyMin: 0, bodyMax: 0 },
  { flags: 0, from: 'node', stream: 'none', bodyMin: 1, bodyMax: 1 },
];

/** A frame written by `side`, or why it is none. Total. */
export function decodeFrame(bytes: Uint8Array<ArrayBuffer>, side: FrameSide): Frame | FrameReason {
  if (bytes.length < FRAME_HEADER_SIZE || bytes.length > FRAME_MAX) return 'length';
  const type = bytes[0]!;
  const flags = bytes[1]!;
  const length = bytes[2]! * 256 + bytes[3]!;
  const stream = ((bytes[4]! << 24) | (bytes[5]! << 16) | (bytes[6]! << 8) | bytes[7]!) >>> 0;
  const rule = RULES[type];
  if (!rule) return 'type';
  if ((flags & ~rule.flags) !== 0) return 'flags';
  if (rule.from !== 'both' && rule.from !== side) return 'side';
  if (stream > STREAM_MAX || (stream === 0 ? rule.stream === 'some' : rule.stream === 'none')) return 'stream';
  const end = FRAME_HEADER_SIZE + length;
  if (length < rule.bodyMin || length > rule.bodyMax || end > bytes.length) return 'body';
  // An empty unit is one empty piece; an empty piece that is not the last would cost work and say nothing.
  if (type === FRAME.data && length === 0 && (flags & DATA_LAST) === 0) return 'body';
  const padding = bytes.length - end;
  if (padding !== (rule.padded ? paddingOf(end) : 0)) return 'padding';
  for (let at = end; at < bytes.length; at++) if (bytes[at] !== 0) return 'padding';
  return { type: type as FrameType, flags, stream, body: bytes.subarray(FRAME_HEADER_SIZE, end) };
}

/** The bytes of a frame, with its padding. A body that breaks the rules of its type is our own fault and asserts. */
export function encodeFrame(
  type: FrameType,
  flags: number,
  stream: number,
  body: Uint8Array,
  into?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const rule = RULES[type]!;
  assert(body.length >= rule.bodyMin && body.length <= rule.bodyMax, `a body that fits frame type ${type}`);
  const end = FRAME_HEADER_SIZE + body.length;
  const length = rule.padded ? end + paddingOf(end) : end;
  const bytes = into ? into.subarray(0, length) : new Uint8Array(length);
  bytes[0] = type;
  bytes[1] = flags;
  bytes[2] = body.length >>> 8;
  bytes[3] = body.length;
  bytes[4] = stream >>> 24;
  bytes[5] = stream >>> 16;
  bytes[6] = stream >>> 8;
  bytes[7] = stream;
  bytes.set(body, FRAME_HEADER_SIZE);
  bytes.fill(0, end);
  return bytes;
}

/** The credit of a WINDOW body, or null where it is 0 or too large. */
export function windowCredit(body: Uint8Array): number | null {
  const credit = ((body[0]! << 24) | (body[1]! << 16) | (body[2]! << 8) | body[3]!) >>> 0;
  return credit === 0 || credit > CREDIT_MAX ? null : credit;
}

/** The body of a WINDOW frame. */
export function windowBody(credit: number): Uint8Array<ArrayBuffer> {
  assert(credit > 0 && credit <= CREDIT_MAX, 'credit within its limits');
  return Uint8Array.of(credit >>> 24, credit >>> 16, credit >>> 8, credit);
}

/** The total of an END body; null where it is no exact number. */
export function endTotal(body: Uint8Array): number | null {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const total = view.getBigUint64(0);
  return total > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(total);
}

/** The body of an END frame. */
export function endBody(total: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(total));
  return bytes;
}

function paddingOf(length: number): number {
  return (PAD_STEP - (length % PAD_STEP)) % PAD_STEP;
}
