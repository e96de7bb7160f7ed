import { equalBytesConstantTime, fromHex, toHex, utf8 } from '../../bytes/index.ts';
import { type Hashes, hkdfSha256 } from '../../crypto/index.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { countOf, readObject, textOf } from './strict-json.ts';

// The wire (docs/protocol/session-v1.md).

/** How far a hello's time may be off, seconds. */
export const HELLO_SKEW_S = 300;

// Our own choice: longer than any honest field, shorter than anything worth keeping.
const FIELD_MAX = 256;

/** The first frame of a client; texts as they were sent, because the proof covers them so. */
export interface Hello {
  identityId: string;
  devicePk: string;
  clientKey: string;
  /** Seconds since the epoch. */
  ts: number;
  proof: string;
}

/** Why a hello is refused, in the order in which it is asked; for log and counters, never for the peer. */
export type HelloReason = 'payload' | 'type' | 'identity' | 'device' | 'time' | 'proof' | 'key';

/** What a hello is held against. */
export interface HelloExpectation {
  identityId: string;
  /** 32 bytes. */
  identitySecret: Uint8Array;
  /** Seconds since the epoch. */
  nowS: number;
  /** Whether a client that claims this device key may come in at all. */
  mayEnter(devicePk: string): boolean;
}

/** A hello that holds: what it said, its X25519 key, and its proof as bytes. */
export interface CheckedHello {
  devicePk: string;
  ts: number;
  clientKey: Uint8Array<ArrayBuffer>;
  proof: Uint8Array<ArrayBuffer>;
}

/** A refusal, and whether whoever sent it knew the secret all the same. */
export interface RefusedHello {
  reason: HelloReason;
  proved: boolean;
}

/** The fields of a first frame, or why they are none. Total. */
export function parseHello(text: string): Hello | 'payload' | 'type' {
  const object = readObject(text);
  if (!object) return 'payload';
  const [type, identityId, devicePk, clientKey, proof] = [
    textOf(object, 'type'),
    textOf(object, 'identityId'),
    textOf(object, 'devicePk'),
    textOf(object, 'clientKey'),
    textOf(object, 'proof'),
  ];
  const ts = countOf(object, 'ts');
  if (type === null || identityId === null || devicePk === null || clientKey === null || proof === null)
    return 'payload';
  if (ts === null || [identityId, devicePk, clientKey, proof].some((each) => each.length > FIELD_MAX)) return 'payload';
  return type === 'hello' ? { identityId, devicePk, clientKey, ts, proof } : 'type';
}

/**
 * Holds a first frame against what is expected. Every check of a well-formed hello is made before any of them answers, so that
 * the time it takes says nothing about which one failed. Total.
 */
export function checkHello(hashes: Hashes, text: string, expected: HelloExpectation): CheckedHello | RefusedHello {
  const hello = parseHello(text);
  if (typeof hello === 'string') return { reason: hello, proved: false };
  const { devicePk, ts } = hello;
  // Either case of hex is the same bytes; what is compared, and remembered against replay, are the bytes.
  const proof = fromHex(hello.proof.toLowerCase(), 32) ?? new Uint8Array(32);
  const proved = equalBytesConstantTime(proof, proofOf(hashes, expected.identitySecret, hello));
  const clientKey = fromBase64(hello.clientKey.trim());
  const checks: [HelloReason, boolean][] = [
    ['identity', hello.identityId === expected.identityId],
    ['device', expected.mayEnter(devicePk)],
    ['time', Math.abs(expected.nowS - ts) <= HELLO_SKEW_S],
    ['proof', proved],
    ['key', clientKey?.length === 32],
  ];
  const failed = checks.find(([, good]) => !good);
  return failed ? { reason: failed[0], proved } : { devicePk, ts, clientKey: clientKey!, proof };
}

/** HMAC-SHA-256 over `identityId|devicePk|clientKey|ts`, texts as sent, `ts` decimal: 32 bytes. */
export function proofOf(
  hashes: Hashes,
  identitySecret: Uint8Array,
  hello: Omit<Hello, 'proof'>,
): Uint8Array<ArrayBuffer> {
  const { identityId, devicePk, clientKey, ts } = hello;
  return hashes.hmacSha256(identitySecret, utf8(`${identityId}|${devicePk}|${clientKey}|${ts}`));
}

/** The client's first frame, for whoever plays one. */
export function writeHello(hashes: Hashes, identitySecret: Uint8Array, hello: Omit<Hello, 'proof'>): string {
  const { identityId, devicePk, clientKey, ts } = hello;
  const proof = toHex(proofOf(hashes, identitySecret, hello));
  return JSON.stringify({ type: 'hello', identityId, devicePk, clientKey, ts, proof });
}

/** The node's answer; `at` is epoch ms. */
export function writeHelloAck(sessionId: string, serverKey: Uint8Array, at: number): string {
  return JSON.stringify({ type: 'hello_ack', sessionId, serverKey: toBase64(serverKey), ts: at });
}

/** The one key of a session, 32 bytes, from the X25519 result. */
export function sessionKey(
  hashes: Hashes,
  shared: Uint8Array,
  identitySecret: Uint8Array,
  { identityId, sessionId }: { identityId: string; sessionId: string },
): Uint8Array<ArrayBuffer> {
  return hkdfSha256(hashes, shared, identitySecret, utf8(`constitute-nvr:${identityId}:${sessionId}`), 32);
}

/** A version 4 UUID (RFC 9562) of 16 random bytes. */
export function uuidOf(random: Uint8Array): string {
  const bytes = random.slice(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
