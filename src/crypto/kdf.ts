import { concatBytes } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import type { Hashes } from './suite.ts';

const EMPTY = new Uint8Array(0);

/** HKDF-Extract with SHA-256 (RFC 5869 section 2.2): 32 bytes. An empty salt stands for 32 zero bytes. */
export function hkdfExtractSha256(hashes: Hashes, salt: Uint8Array, secret: Uint8Array): Uint8Array<ArrayBuffer> {
  return hashes.hmacSha256(salt.length === 0 ? new Uint8Array(32) : salt, secret);
}

/** HKDF-Expand with SHA-256 (RFC 5869 section 2.3); `length` at most 255 * 32 bytes. */
export function hkdfExpandSha256(
  hashes: Hashes,
  key: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return expand((data) => hashes.hmacSha256(key, data), 32, info, length);
}

/** HKDF-Expand with SHA-512 (RFC 5869 section 2.3); `length` at most 255 * 64 bytes. */
export function hkdfExpandSha512(
  hashes: Hashes,
  key: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return expand((data) => hashes.hmacSha512(key, data), 64, info, length);
}

/** HKDF with SHA-256, both steps. */
export function hkdfSha256(
  hashes: Hashes,
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return hkdfExpandSha256(hashes, hkdfExtractSha256(hashes, salt, secret), info, length);
}

function expand(
  mac: (data: Uint8Array) => Uint8Array<ArrayBuffer>,
  hashLength: number,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  assert(length > 0 && length <= 255 * hashLength, 'an HKDF output of 1 to 255 blocks');
  const blocks: Uint8Array[] = [];
  let block: Uint8Array = EMPTY;
  for (let i = 1; blocks.length * hashLength < length; i++) {
    block = mac(concatBytes(block, info, Uint8Array.of(i)));
    blocks.push(block);
  }
  return concatBytes(...blocks).slice(0, length);
}
