import { ByteReader, ByteWriter } from '../../bytes/index.ts';

/** Kinds of datagrams of our own form. */
export const NODE_KINDS = {
  hello: 1,
  cookie: 2,
  prove: 3,
  welcome: 4,
  record: 5,
  request: 6,
  ping: 7,
  pong: 8,
  bye: 9,
  find: 10,
  found: 11,
} as const;
export type NodeKind = keyof typeof NODE_KINDS;

/** Bytes in front of every datagram: magic 3, version 1, kind 1, hops 1, body length 2, check 16. */
export const NODE_HEADER_SIZE = 24;
/** Largest datagram of our own form. */
export const NODE_DATAGRAM_MAX = 1_232;
/** Size of HELLO and FIND: no answer to an address that has proved nothing is longer. */
export const NODE_QUESTION_SIZE = 1_200;
/** Size of COOKIE. */
export const NODE_COOKIE_SIZE = 56;
/** Largest packed event that RECORD carries; FOUND carries as much, being no longer than its question. */
export const NODE_EVENT_MAX = NODE_QUESTION_SIZE - NODE_HEADER_SIZE - 16;

/** 0xF5 stands in no UTF-8 text, so readers of JSON drop the datagram at its first byte. */
const MAGIC = [0xf5, 0x43, 0x4e] as const;
const VERSION = 2;
const CHECK_AT = 8;
const KIND_OF = new Map<number, NodeKind>(
  Object.entries(NODE_KINDS).map(([name, number]) => [number, name as NodeKind]),
);

/** One datagram of our own form, cut into its fields; nothing in it is believed yet. Views into the datagram. */
export interface NodeDatagram {
  kind: NodeKind;
  hops: number;
  /** A cookie, a code made with a zone's or a session's key, or zeros: what it is depends on the kind. */
  check: Uint8Array;
  body: Uint8Array;
}

/** Why a datagram is not one of our own form. */
export type NodeReason = 'size' | 'magic' | 'version' | 'kind' | 'length' | 'body';

/** Bodies of a fixed size, in bytes. */
const BODY_SIZES: Partial<Record<NodeKind, number>> = {
  hello: NODE_QUESTION_SIZE - NODE_HEADER_SIZE,
  cookie: NODE_COOKIE_SIZE - NODE_HEADER_SIZE,
  welcome: 130,
  request: 34,
  ping: 8,
  pong: 8,
  bye: 0,
  find: NODE_QUESTION_SIZE - NODE_HEADER_SIZE,
};

/** True where the first byte says that a datagram is of our own form and not of the old wire. */
export function isNodeDatagram(bytes: Uint8Array): boolean {
  return bytes[0] === MAGIC[0];
}

/** The fields of a datagram, or a reason. Total. */
export function parseNodeDatagram(bytes: Uint8Array): { datagram: NodeDatagram } | { reason: NodeReason } {
  if (bytes.length < NODE_HEADER_SIZE || bytes.length > NODE_DATAGRAM_MAX) return { reason: 'size' };
  if (bytes[0] !== MAGIC[0] || bytes[1] !== MAGIC[1] || bytes[2] !== MAGIC[2]) return { reason: 'magic' };
  if (bytes[3] !== VERSION) return { reason: 'version' };
  const kind = KIND_OF.get(bytes[4]!);
  if (!kind) return { reason: 'kind' };
  const body = bytes.subarray(NODE_HEADER_SIZE);
  if ((bytes[6]! << 8) + bytes[7]! !== body.length) return { reason: 'length' };
  const size = BODY_SIZES[kind];
  if (size !== undefined && body.length !== size) return { reason: 'body' };
  return { datagram: { kind, hops: bytes[5]!, check: bytes.subarray(CHECK_AT, NODE_HEADER_SIZE), body } };
}

/** A datagram of a kind; the check is 16 zero bytes unless given. */
export function encodeNodeDatagram(
  kind: NodeKind,
  body: Uint8Array,
  { check, hops = 0 }: { check?: Uint8Array; hops?: number } = {},
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(NODE_HEADER_SIZE + body.length);
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(VERSION).u8(NODE_KINDS[kind]).u8(hops).u16(body.length);
  if (check) writer.bytes(check, 16);
  else writer.zeros(16);
  return writer.bytes(body).finish();
}

/** Puts the check into a datagram made without one. */
export function stampCheck(datagram: Uint8Array, check: Uint8Array): void {
  datagram.set(check, CHECK_AT);
}

/** HELLO: `nonce` (16) and zeros up to 1,200 bytes. */
export function encodeHello(nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter(NODE_QUESTION_SIZE - NODE_HEADER_SIZE).bytes(nonce, 16).zeros(1_160).finish();
  return encodeNodeDatagram('hello', body);
}

/** COOKIE: the nonce of the HELLO it answers, then the cookie. */
export function encodeCookie(nonce: Uint8Array, cookie: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeNodeDatagram('cookie', new ByteWriter(32).bytes(nonce, 16).bytes(cookie, 16).finish());
}

/** What PROVE says: who asks to be a peer, and the zones it knows. Its check is the cookie. */
export interface ProveBody {
  nonce: Uint8Array;
  /** The key it expects at the other end, or 32 zeros. */
  expected: Uint8Array;
  author: Uint8Array;
  signature: Uint8Array;
  /** 16 bytes for each zone offered, 1 to 16 of them. */
  tags: Uint8Array[];
}

export function encodeProve(cookie: Uint8Array, prove: ProveBody): Uint8Array<ArrayBuffer> {
  const { nonce, expected, author, signature, tags } = prove;
  const writer = new ByteWriter(145 + tags.length * 16).bytes(nonce, 16).bytes(expected, 32).bytes(author, 32);
  writer.bytes(signature, 64).u8(tags.length);
  for (const tag of tags) writer.bytes(tag, 16);
  return encodeNodeDatagram('prove', writer.finish(), { check: cookie });
}

/** The fields of PROVE's body, or null. Total. */
export function proveBodyOf(body: Uint8Array): ProveBody | null {
  const count = body[144] ?? 0;
  if (count < 1 || count > 16 || body.length !== 145 + count * 16) return null;
  const reader = new ByteReader(body);
  const [nonce, expected, author, signature] = [16, 32, 32, 64].map((size) => reader.bytes(size)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  reader.skip(1);
  return { nonce, expected, author, signature, tags: Array.from({ length: count }, () => reader.bytes(16)) };
}

/** What WELCOME says: who answers, and which of the offered zones it knows too. */
export interface WelcomeBody {
  /** The asker's nonce and the answerer's. */
  nonce: Uint8Array;
  answerNonce: Uint8Array;
  author: Uint8Array;
  signature: Uint8Array;
  /** Bit n: the zone of tag n is shared. */
  shared: number;
}

/** WELCOME without its check, which is a code over the whole datagram. */
export function encodeWelcome({ nonce, answerNonce, author, signature, shared }: WelcomeBody): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(130).bytes(nonce, 16).bytes(answerNonce, 16).bytes(author, 32).bytes(signature, 64);
  return encodeNodeDatagram('welcome', writer.u16(shared).finish());
}

/** The fields of WELCOME's body, which `parseNodeDatagram` has measured. */
export function welcomeBodyOf(body: Uint8Array): WelcomeBody {
  const reader = new ByteReader(body);
  const [nonce, answerNonce] = [reader.bytes(16), reader.bytes(16)];
  return { nonce, answerNonce, author: reader.bytes(32), signature: reader.bytes(64), shared: reader.u16() };
}

/** What REQUEST asks for: all devices, all identities, or one device, of one shared zone. */
export const REQUEST_WANTS = { devices: 1, identities: 2, device: 3 } as const;

/** FIND: asks for one device's record, proving the zone; zeros up to 1,200 bytes. Its check is the cookie. */
export function encodeFind(
  cookie: Uint8Array,
  { nonce, tag, device }: { nonce: Uint8Array; tag: Uint8Array; device: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(NODE_QUESTION_SIZE - NODE_HEADER_SIZE)
    .bytes(nonce, 16)
    .bytes(tag, 16)
    .bytes(device, 32);
  return encodeNodeDatagram('find', writer.zeros(1_112).finish(), { check: cookie });
}
