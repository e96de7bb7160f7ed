import { concatBytes, equalBytesConstantTime, utf8, wipe } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import { hkdfExpandSha512 } from './kdf.ts';
import type { AeadKey, CryptoSuite, Hashes, MaybePromise, SyncAeadKey, SyncCryptoSuite } from './suite.ts';

/** Plaintext bytes of every chunk but the last, which is always shorter (and may be empty). */
export const CHUNK_SIZE = 16_384;
/** The AES-GCM tag behind each chunk. */
export const CHUNK_TAG_SIZE = 16;
/** Stored bytes of every chunk but the last. */
export const SEALED_CHUNK_SIZE = CHUNK_SIZE + CHUNK_TAG_SIZE;
export const CHUNKED_SALT_SIZE = 24;
/** Salt (24 bytes), then key commitment (32 bytes): what stands before chunk 0. */
export const CHUNKED_HEADER_SIZE = CHUNKED_SALT_SIZE + 32;
/** The format's own limit; files of ours stop far earlier. */
const CHUNKS_MAX = 2 ** 38;

const LABEL = utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0');

/** What the key schedule gives for one message: the AES key, the nonce of chunk 0, and the commitment to all inputs. */
export interface ChunkedKeys {
  key: Uint8Array<ArrayBuffer>;
  base: Uint8Array<ArrayBuffer>;
  commitment: Uint8Array<ArrayBuffer>;
}

/**
 * Key schedule of C2SP chunked-encryption with AES-256-GCM ("Cobblestone-256").
 *
 * `fileKey` 32 bytes, `salt` 24 fresh random bytes, `context` whatever the message is bound to. Source:
 * c2sp.org/chunked-encryption.
 */
export function deriveChunkedKeys(
  hashes: Hashes,
  fileKey: Uint8Array,
  salt: Uint8Array,
  context: Uint8Array,
): ChunkedKeys {
  assert(fileKey.length === 32 && salt.length === CHUNKED_SALT_SIZE, 'a 32-byte key and a 24-byte salt');
  const okm = hkdfExpandSha512(hashes, fileKey, concatBytes(LABEL, salt, context), 76);
  const keys = { key: okm.slice(0, 32), base: okm.slice(32, 44), commitment: okm.slice(44) };
  wipe(okm);
  return keys;
}

/**
 * Seals the chunks of one message in order.
 *
 * There is no way to name a chunk index, so no index can ever meet two plaintexts: a caller whose write failed must start a
 * new message under a new key. Sealing after the final chunk asserts.
 */
export class ChunkSealer {
  /** Salt and commitment, 56 bytes, to be stored in front of chunk 0. */
  readonly header: Uint8Array<ArrayBuffer>;
  readonly #key: SyncAeadKey;
  readonly #base: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  #next = 0;
  #finished = false;

  constructor(suite: SyncCryptoSuite, fileKey: Uint8Array, salt: Uint8Array, context: Uint8Array) {
    const { key, base, commitment } = deriveChunkedKeys(suite.hashes, fileKey, salt, context);
    this.header = concatBytes(salt, commitment);
    this.#key = suite.aead.key(key);
    this.#base = base;
    wipe(key);
  }

  /** Chunks sealed so far; the index of the next one. */
  get count(): number {
    return this.#next;
  }

  /** Seals the next chunk: exactly 16,384 bytes make a chunk that others follow, fewer make the final one. */
  seal(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(plaintext.length + CHUNK_TAG_SIZE);
    this.sealInto(plaintext, out);
    return out;
  }

  /** Like `seal`, into a place of exactly the sealed length. */
  sealInto(plaintext: Uint8Array, into: Uint8Array): void {
    assert(!this.#finished, 'no chunk after the final one');
    assert(plaintext.length <= CHUNK_SIZE && this.#next < CHUNKS_MAX, 'a chunk within the limits');
    assert(into.length === plaintext.length + CHUNK_TAG_SIZE, 'room for exactly the sealed chunk');
    if (plaintext.length < CHUNK_SIZE) this.#finished = true;
    const nonce = nonceOf(this.#base, this.#next++, this.#nonce);
    if (this.#key.sealInto) this.#key.sealInto(nonce, NOTHING, plaintext, into);
    else into.set(this.#key.seal(nonce, NOTHING, plaintext));
  }
}

/** Opens chunks of one message in any order, several at once where the provider is asynchronous. */
export interface ChunkOpener {
  /**
   * The plaintext of chunk `index`, or `null` where it is not genuine at this place. The length alone tells a final chunk:
   * 16,400 stored bytes are never final, 16 to 16,399 always are; only one final chunk of a message is genuine.
   */
  open(index: number, sealed: Uint8Array): MaybePromise<Uint8Array<ArrayBuffer> | null>;
}

/** An opener that answers at once. */
export interface SyncChunkOpener extends ChunkOpener {
  open(index: number, sealed: Uint8Array): Uint8Array<ArrayBuffer> | null;
}

/**
 * Prepares opening the message whose first 56 bytes are `header`; `null` where the commitment says that key, salt or context
 * is another one, or a length is wrong. Nothing is decrypted yet.
 */
export async function openChunked(
  suite: CryptoSuite,
  fileKey: Uint8Array,
  header: Uint8Array,
  context: Uint8Array,
): Promise<ChunkOpener | null> {
  const keys = matchingKeys(suite.hashes, fileKey, header, context);
  if (!keys) return null;
  const key = await suite.aead.key(keys.key);
  wipe(keys.key);
  return openerOf(key, keys.base);
}

/** `openChunked` for a suite that answers at once. */
export function openChunkedSync(
  suite: SyncCryptoSuite,
  fileKey: Uint8Array,
  header: Uint8Array,
  context: Uint8Array,
): SyncChunkOpener | null {
  const keys = matchingKeys(suite.hashes, fileKey, header, context);
  if (!keys) return null;
  const key = suite.aead.key(keys.key);
  wipe(keys.key);
  return openerOf(key, keys.base) as SyncChunkOpener;
}

function matchingKeys(hashes: Hashes, fileKey: Uint8Array, header: Uint8Array, context: Uint8Array) {
  if (fileKey.length !== 32 || header.length !== CHUNKED_HEADER_SIZE) return null;
  const keys = deriveChunkedKeys(hashes, fileKey, header.subarray(0, CHUNKED_SALT_SIZE), context);
  if (equalBytesConstantTime(keys.commitment, header.subarray(CHUNKED_SALT_SIZE))) return keys;
  wipe(keys.key);
  return null;
}

function openerOf(key: AeadKey, base: Uint8Array): ChunkOpener {
  return {
    open(index, sealed) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= CHUNKS_MAX) return null;
      if (sealed.length < CHUNK_TAG_SIZE || sealed.length > SEALED_CHUNK_SIZE) return null;
      return key.open(nonceOf(base, index, new Uint8Array(12)), NOTHING, sealed);
    },
  };
}

const NOTHING = new Uint8Array(0);

function nonceOf(base: Uint8Array, index: number, out: Uint8Array): Uint8Array {
  out.set(base);
  for (let at = 11, left = index; left > 0; at--, left = Math.floor(left / 256)) out[at]! ^= left % 256;
  return out;
}
