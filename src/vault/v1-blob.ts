import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { fromHex, toHex, utf8 } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import type { FromFile } from '../protocol/index.ts';
import { importKeyRefused } from './errors.ts';

const MAGIC = utf8('CNRV1');
const NONCE_SIZE = 24;
const TAG_SIZE = 16;
/** SHA-256 over the lower-case hex text of the storage key that stands in the published template. */
const TEMPLATE_KEY = 'f8fb05f69a4bf7f8515dae3205a6e5b3f73d003ce8788add0a36b8f6f45d9a81';

/**
 * The key of a version 1 store from its 64 hex characters. Throws `ERR_VAULT_IMPORT_KEY` (`invalid`) for anything else, and for
 * the key of the published template, which everybody has.
 */
export function parseV1Key(hashes: Hashes, keyHex: string): Uint8Array<ArrayBuffer> {
  const text = keyHex.trim().toLowerCase();
  const key = fromHex(text, 32);
  if (!key) throw importKeyRefused('expected a storage key of 64 hex characters');
  if (toHex(hashes.sha256(utf8(text))) === TEMPLATE_KEY) {
    throw importKeyRefused('expected a key of your own, found the one of the published template');
  }
  return key;
}

/** True when bytes begin as a `CNRV1` blob does. */
export function isV1Blob(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Opens a `CNRV1` blob: magic, 24-byte nonce, XChaCha20-Poly1305 of a whole MP4 file without associated data. */
export function openV1Blob(key: Uint8Array, blob: Uint8Array): FromFile<Uint8Array<ArrayBuffer>> {
  const bodyAt = MAGIC.length + NONCE_SIZE;
  if (blob.length < bodyAt) return { ok: false, reason: 'encrypted blob too short' };
  if (!isV1Blob(blob)) return { ok: false, reason: 'invalid encrypted blob magic' };
  if (blob.length < bodyAt + TAG_SIZE) return { ok: false, reason: 'decrypt failed' };
  try {
    const opened = xchacha20poly1305(key, blob.subarray(MAGIC.length, bodyAt)).decrypt(blob.subarray(bodyAt));
    return { ok: true, value: opened as Uint8Array<ArrayBuffer> };
  } catch {
    return { ok: false, reason: 'decrypt failed' };
  }
}
