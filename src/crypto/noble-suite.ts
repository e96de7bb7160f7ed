import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { isZero } from '../bytes/index.ts';
import type { Hashes, KeyPair, SyncAeadKey, SyncCryptoSuite } from './suite.ts';

const ML_KEM_768_CIPHERTEXT = 1088;
const ML_KEM_768_PUBLIC_KEY = 1184;

type Octets = Uint8Array<ArrayBuffer>;

/** SHA-2, SHA-3 and HMAC of @noble/hashes. */
export const nobleHashes: Hashes = {
  sha256: (data) => sha256(data) as Octets,
  sha512: (data) => sha512(data) as Octets,
  sha3_256: (data) => sha3_256(data) as Octets,
  hmacSha256: (key, data) => hmac(sha256, key, data) as Octets,
  hmacSha512: (key, data) => hmac(sha512, key, data) as Octets,
  sha256Stream() {
    const running = sha256.create();
    return {
      update: (data) => {
        running.update(data);
      },
      digest: () => running.digest() as Octets,
    };
  },
};

/**
 * Every primitive in portable code: 20 to 50 times slower than native and, for AES, not constant time.
 * For origins without WebCrypto, and for tests that need reproducible key material (`randomBytes` may be seeded).
 */
export function createNobleSuite(randomBytes: (length: number) => Uint8Array<ArrayBuffer>): SyncCryptoSuite {
  return {
    name: 'noble',
    hashes: nobleHashes,
    aead: { key: (key) => nobleAeadKey(key.slice()) },
    x25519: {
      generate: () => x25519Pair(randomBytes(32)),
      fromScalar: (scalar) => x25519Pair(scalar.slice()),
      shared(pair, publicKey) {
        try {
          const secret = x25519.getSharedSecret(pair.secret as Uint8Array, publicKey) as Octets;
          return isZero(secret) ? null : secret;
        } catch {
          return null;
        }
      },
    },
    mlKem768: {
      generate: () => mlKemPair(randomBytes(64)),
      fromSeed: (seed) => mlKemPair(seed),
      encapsulate(publicKey) {
        if (publicKey.length !== ML_KEM_768_PUBLIC_KEY) return null;
        try {
          const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, randomBytes(32));
          return { ciphertext: cipherText as Octets, sharedSecret: sharedSecret as Octets };
        } catch {
          return null;
        }
      },
      decapsulate(pair, ciphertext) {
        if (ciphertext.length !== ML_KEM_768_CIPHERTEXT) return null;
        return ml_kem768.decapsulate(ciphertext, pair.secret as Uint8Array) as Octets;
      },
    },
  };
}

function nobleAeadKey(key: Octets): SyncAeadKey {
  return {
    seal: (nonce, additional, plaintext) => gcm(key, nonce, additional).encrypt(plaintext) as Octets,
    open(nonce, additional, ciphertext) {
      if (ciphertext.length < 16) return null;
      try {
        return gcm(key, nonce, additional).decrypt(ciphertext) as Octets;
      } catch {
        return null;
      }
    },
  };
}

function x25519Pair(scalar: Octets): KeyPair {
  return { publicKey: x25519.getPublicKey(scalar) as Octets, secret: scalar };
}

function mlKemPair(seed: Uint8Array): KeyPair {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  return { publicKey: publicKey as Octets, secret: secretKey };
}
