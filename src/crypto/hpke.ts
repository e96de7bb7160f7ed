import { shake256 } from '@noble/hashes/sha3.js';
import { concatBytes, utf8, wipe } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import { hkdfExpandSha256, hkdfExtractSha256 } from './kdf.ts';
import type { CryptoSuite, Hashes, KeyPair } from './suite.ts';

const ML_KEM_PUBLIC_KEY_SIZE = 1184;
const ML_KEM_CIPHERTEXT_SIZE = 1088;

/** X-Wing public key: ML-KEM-768 key (1,184 bytes), then X25519 key (32). */
export const X_WING_PUBLIC_KEY_SIZE = ML_KEM_PUBLIC_KEY_SIZE + 32;
/** X-Wing ciphertext, HPKE's `enc`: ML-KEM-768 ciphertext (1,088 bytes), then ephemeral X25519 key (32). */
export const X_WING_ENC_SIZE = ML_KEM_CIPHERTEXT_SIZE + 32;
export const X_WING_SEED_SIZE = 32;

const KEM_X_WING = 0x647a;
const KDF_HKDF_SHA256 = 1;
const AEAD_AES_256_GCM = 2;
const X_WING_LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c); // \.//^\

/** Both halves of an X-Wing key; the secrets may live where no code can read them. */
export interface XWingPair {
  mlKem: KeyPair;
  x25519: KeyPair;
}

/** An X-Wing key pair from its 32-byte seed (draft-connolly-cfrg-xwing-kem: SHAKE-256 to 96 bytes, d ‖ z ‖ scalar). */
export async function xWingPairOfSeed(suite: CryptoSuite, seed: Uint8Array): Promise<XWingPair> {
  assert(seed.length === X_WING_SEED_SIZE, 'an X-Wing seed of 32 bytes');
  const expanded = shake256(seed, { dkLen: 96 });
  const pair = {
    mlKem: await suite.mlKem768.fromSeed(expanded.subarray(0, 64)),
    x25519: await suite.x25519.fromScalar(expanded.subarray(64)),
  };
  wipe(expanded);
  return pair;
}

/** A fresh X-Wing key pair from the suite's own generators. */
export async function generateXWingPair(suite: CryptoSuite): Promise<XWingPair> {
  return { mlKem: await suite.mlKem768.generate(), x25519: await suite.x25519.generate() };
}

/** The 1,216-byte public key of a pair. */
export function xWingPublicKey(pair: XWingPair): Uint8Array<ArrayBuffer> {
  return concatBytes(pair.mlKem.publicKey, pair.x25519.publicKey);
}

/** A fresh shared secret (32 bytes) and its ciphertext (1,120 bytes), or `null` where the public key is malformed. */
export async function xWingEncapsulate(
  suite: CryptoSuite,
  publicKey: Uint8Array,
): Promise<{ enc: Uint8Array<ArrayBuffer>; sharedSecret: Uint8Array<ArrayBuffer> } | null> {
  if (publicKey.length !== X_WING_PUBLIC_KEY_SIZE) return null;
  const x25519Key = publicKey.subarray(ML_KEM_PUBLIC_KEY_SIZE);
  const mlKem = await suite.mlKem768.encapsulate(publicKey.subarray(0, ML_KEM_PUBLIC_KEY_SIZE));
  if (!mlKem) return null;
  const ephemeral = await suite.x25519.generate();
  const shared = await suite.x25519.shared(ephemeral, x25519Key);
  if (!shared) return null;
  const sharedSecret = combine(suite.hashes, mlKem.sharedSecret, shared, ephemeral.publicKey, x25519Key);
  wipe(mlKem.sharedSecret, shared);
  return { enc: concatBytes(mlKem.ciphertext, ephemeral.publicKey), sharedSecret };
}

/** The shared secret (32 bytes) of a ciphertext, or `null` where it is malformed; a foreign one gives an unrelated secret. */
export async function xWingDecapsulate(
  suite: CryptoSuite,
  pair: XWingPair,
  enc: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (enc.length !== X_WING_ENC_SIZE) return null;
  const ephemeralKey = enc.subarray(ML_KEM_CIPHERTEXT_SIZE);
  const mlKem = await suite.mlKem768.decapsulate(pair.mlKem, enc.subarray(0, ML_KEM_CIPHERTEXT_SIZE));
  const shared = await suite.x25519.shared(pair.x25519, ephemeralKey);
  if (!mlKem || !shared) return null;
  const secret = combine(suite.hashes, mlKem, shared, ephemeralKey, pair.x25519.publicKey);
  wipe(mlKem, shared);
  return secret;
}

/**
 * Seals one message to an X-Wing key: HPKE (RFC 9180) base mode, KEM 0x647A, HKDF-SHA-256, AES-256-GCM, sequence number 0.
 *
 * Gives `enc` (1,120 bytes) and the ciphertext (plaintext and 16-byte tag), or `null` where the public key is malformed.
 */
export async function hpkeSeal(
  suite: CryptoSuite,
  publicKey: Uint8Array,
  info: Uint8Array,
  additional: Uint8Array,
  plaintext: Uint8Array,
): Promise<{ enc: Uint8Array<ArrayBuffer>; ciphertext: Uint8Array<ArrayBuffer> } | null> {
  const sent = await xWingEncapsulate(suite, publicKey);
  if (!sent) return null;
  const { key, baseNonce } = hpkeKeySchedule(suite.hashes, sent.sharedSecret, info);
  const aead = await suite.aead.key(key);
  const ciphertext = await aead.seal(baseNonce, additional, plaintext);
  wipe(sent.sharedSecret, key);
  return { enc: sent.enc, ciphertext };
}

/** Opens what `hpkeSeal` made, with the pair or its 32-byte seed; `null` for anything else, without saying why. */
export async function hpkeOpen(
  suite: CryptoSuite,
  keyOrSeed: XWingPair | Uint8Array,
  enc: Uint8Array,
  info: Uint8Array,
  additional: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const pair = keyOrSeed instanceof Uint8Array ? await xWingPairOfSeed(suite, keyOrSeed) : keyOrSeed;
  const sharedSecret = await xWingDecapsulate(suite, pair, enc);
  if (!sharedSecret) return null;
  const { key, baseNonce } = hpkeKeySchedule(suite.hashes, sharedSecret, info);
  const aead = await suite.aead.key(key);
  wipe(sharedSecret, key);
  return aead.open(baseNonce, additional, ciphertext);
}

/**
 * Key and nonce of HPKE base mode (RFC 9180 section 5.1) for X-Wing and HKDF-SHA-256.
 *
 * `aeadId` enters the suite id; it is AES-256-GCM (2) in this program, published vectors of X-Wing use ChaCha20-Poly1305 (3).
 */
export function hpkeKeySchedule(
  hashes: Hashes,
  sharedSecret: Uint8Array,
  info: Uint8Array,
  aeadId: number = AEAD_AES_256_GCM,
): { key: Uint8Array<ArrayBuffer>; baseNonce: Uint8Array<ArrayBuffer> } {
  const suiteId = concatBytes(utf8('HPKE'), u16(KEM_X_WING), u16(KDF_HKDF_SHA256), u16(aeadId));
  const extract = (salt: Uint8Array, label: string, secret: Uint8Array) =>
    hkdfExtractSha256(hashes, salt, concatBytes(VERSION, suiteId, utf8(label), secret));
  const expand = (secret: Uint8Array, label: string, context: Uint8Array, length: number) =>
    hkdfExpandSha256(hashes, secret, concatBytes(u16(length), VERSION, suiteId, utf8(label), context), length);

  const context = concatBytes(
    Uint8Array.of(0), // mode base
    extract(NOTHING, 'psk_id_hash', NOTHING),
    extract(NOTHING, 'info_hash', info),
  );
  const secret = extract(sharedSecret, 'secret', NOTHING);
  const out = { key: expand(secret, 'key', context, 32), baseNonce: expand(secret, 'base_nonce', context, 12) };
  wipe(secret);
  return out;
}

const VERSION = utf8('HPKE-v1');
const NOTHING = new Uint8Array(0);
const u16 = (value: number) => Uint8Array.of(value >> 8, value & 255);

function combine(
  hashes: Hashes,
  mlKemSecret: Uint8Array,
  x25519Secret: Uint8Array,
  ephemeralKey: Uint8Array,
  recipientKey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const input = concatBytes(mlKemSecret, x25519Secret, ephemeralKey, recipientKey, X_WING_LABEL);
  const secret = hashes.sha3_256(input);
  wipe(input);
  return secret;
}
