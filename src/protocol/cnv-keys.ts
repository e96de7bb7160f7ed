import { utf8, wipe } from '../bytes/index.ts';
import { type CryptoSuite, type Hashes, hkdfSha256, type SyncCryptoSuite } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import { CHAIN_INDEX_LIMIT, type StoredHeader } from './cnv.ts';

const NEXT = utf8('constitute.cnv/2 chain next');
const WRAP = utf8('constitute.cnv/2 wrap');
const NO_SALT = new Uint8Array(0);
const NONCE_ZERO = new Uint8Array(12);

/** The chain key after `chainKey` (32 bytes each). The old one cannot be found from the new one. */
export function nextChainKey(hashes: Hashes, chainKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return hkdfSha256(hashes, chainKey, NO_SALT, NEXT, 32);
}

/**
 * Chain key `to` from chain key `from` (the epoch key is chain key 0); `null` where `to` is out of range, decided before any
 * step is made. At most 16,383 steps, about 0.2 s. `onStep` sees every key on the way.
 */
export function chainKeyAt(
  hashes: Hashes,
  chainKey: Uint8Array,
  from: number,
  to: number,
  onStep?: (index: number, key: Uint8Array) => void,
): Uint8Array<ArrayBuffer> | null {
  if (!Number.isInteger(to) || to < from || to >= CHAIN_INDEX_LIMIT) return null;
  let key: Uint8Array<ArrayBuffer> = chainKey.slice();
  for (let index = from; index < to; index++) {
    const next = nextChainKey(hashes, key);
    wipe(key);
    key = next;
    onStep?.(index + 1, key);
  }
  return key;
}

/** The key that wraps one segment's file key, once. */
export function wrapKeyOf(hashes: Hashes, chainKey: Uint8Array, segmentId: Uint8Array): Uint8Array<ArrayBuffer> {
  return hkdfSha256(hashes, chainKey, segmentId, WRAP, 32);
}

/** Wraps a 32-byte file key under its chain key: 48 bytes for the header, bound to the 256 bound bytes. */
export function wrapFileKey(
  suite: SyncCryptoSuite,
  chainKey: Uint8Array,
  segmentId: Uint8Array,
  bound: Uint8Array,
  fileKey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  assert(fileKey.length === 32, 'a file key of 32 bytes');
  const key = wrapKeyOf(suite.hashes, chainKey, segmentId);
  const wrapped = suite.aead.key(key).seal(NONCE_ZERO, suite.hashes.sha256(bound), fileKey);
  wipe(key);
  return wrapped;
}

/** The file key in a header, opened with the chain key of its index; `null` where key or header is another one. */
export async function unwrapFileKey(
  suite: CryptoSuite,
  chainKey: Uint8Array,
  stored: StoredHeader,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const key = wrapKeyOf(suite.hashes, chainKey, stored.header.segmentId);
  const aead = await suite.aead.key(key);
  wipe(key);
  return aead.open(NONCE_ZERO, suite.hashes.sha256(stored.bound), stored.wrappedKey);
}
