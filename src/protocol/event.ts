import { fromHex, toHex, utf8 } from '../bytes/index.ts';
import { type Hashes, schnorrPublicKey, schnorrSign, schnorrVerify } from '../crypto/index.ts';
import { type DeviceKey, isDeviceKey } from './ids.ts';

/** A signed statement (Nostr NIP-01): what the ecosystem's records, grants and certificates are made of. */
export interface SignedEvent {
  /** SHA-256 of the canonical text, hex. */
  id: string;
  pubkey: DeviceKey;
  /** Seconds since the epoch. */
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  /** BIP-340, 64 bytes, hex. */
  sig: string;
}

/** What is signed, before it is. */
export type UnsignedEvent = Pick<SignedEvent, 'created_at' | 'kind' | 'tags' | 'content'>;

/** Bounds of an event from outside. A datagram is smaller anyway; files and channels are not. */
export const EVENT_LIMITS = { tags: 64, tagTexts: 16, tagText: 1_024, content: 16_384 } as const;

const SIGNATURE = /^[0-9a-f]{128}$/;

/** The event in a JSON value, all fields shaped and bounded, unknown ones dropped; null where one is not. Total. Nothing is verified. */
export function eventOf(value: unknown): SignedEvent | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>;
  // Ids have the shape of keys: 64 lower-case hex characters.
  if (typeof id !== 'string' || !isDeviceKey(id)) return null;
  if (typeof pubkey !== 'string' || !isDeviceKey(pubkey)) return null;
  if (typeof sig !== 'string' || !SIGNATURE.test(sig)) return null;
  if (!isCount(created_at, Number.MAX_SAFE_INTEGER) || !isCount(kind, 0xffff_ffff)) return null;
  if (typeof content !== 'string' || content.length > EVENT_LIMITS.content || !content.isWellFormed()) return null;
  if (!Array.isArray(tags) || tags.length > EVENT_LIMITS.tags || !tags.every(isTag)) return null;
  return { id, pubkey, created_at, kind, tags, content, sig };
}

/** SHA-256 over `[0,pubkey,created_at,kind,tags,content]` as compact JSON: the id, as bytes. */
export function eventDigest(hashes: Hashes, event: UnsignedEvent & { pubkey: string }): Uint8Array<ArrayBuffer> {
  const { pubkey, created_at, kind, tags, content } = event;
  return hashes.sha256(utf8(JSON.stringify([0, pubkey, created_at, kind, tags, content])));
}

/** True where the id is that of the fields and the signature is the author's. About 1.3 ms: ask everything cheaper first. */
export function verifyEvent(hashes: Hashes, event: SignedEvent): boolean {
  const digest = eventDigest(hashes, event);
  return toHex(digest) === event.id && schnorrVerify(fromHex(event.pubkey)!, digest, fromHex(event.sig)!);
}

/** Signs with a function that signs 32-byte digests: the node's key never leaves `identity`. */
export function signEventWith(
  hashes: Hashes,
  author: DeviceKey,
  event: UnsignedEvent,
  sign: (digest: Uint8Array) => Uint8Array,
): SignedEvent {
  const { created_at, kind, tags, content } = event;
  const digest = eventDigest(hashes, { pubkey: author, created_at, kind, tags, content });
  return { id: toHex(digest), pubkey: author, created_at, kind, tags, content, sig: toHex(sign(digest)) };
}

/** Signs with a secp256k1 scalar and 32 bytes of auxiliary randomness. The author follows from the key. */
export function signEvent(
  hashes: Hashes,
  secretKey: Uint8Array,
  event: UnsignedEvent,
  auxiliary: Uint8Array,
): SignedEvent {
  const author = toHex(schnorrPublicKey(secretKey)) as DeviceKey;
  return signEventWith(hashes, author, event, (digest) => schnorrSign(secretKey, digest, auxiliary));
}

/** The event as compact JSON in the ecosystem's field order. */
export function writeEvent({ id, pubkey, created_at, kind, tags, content, sig }: SignedEvent): string {
  return JSON.stringify({ id, pubkey, created_at, kind, tags, content, sig });
}

/** Values of every tag of that name, first value each. */
export function tagValues({ tags }: Pick<SignedEvent, 'tags'>, name: string): string[] {
  return tags.flatMap(([first, value]) => (first === name && value !== undefined ? [value] : []));
}

function isTag(tag: unknown): tag is string[] {
  if (!Array.isArray(tag) || tag.length > EVENT_LIMITS.tagTexts) return false;
  return tag.every((text) => typeof text === 'string' && text.length <= EVENT_LIMITS.tagText && text.isWellFormed());
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}
