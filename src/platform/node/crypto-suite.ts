import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto';
import { concatBytes, isZero } from '../../bytes/index.ts';
import type { Hashes, KeyPair, SyncAeadKey, SyncCryptoSuite } from '../../crypto/index.ts';

type Octets = Uint8Array<ArrayBuffer>;

const octets = (buffer: Buffer): Octets =>
  new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length);
const fixed = (digest: Buffer): Octets => Uint8Array.from(digest);

// DER in front of raw keys: SubjectPublicKeyInfo and PrivateKeyInfo of RFC 8410 (X25519) and of FIPS 203 seeds (RFC 9935).
const X25519_SPKI = Uint8Array.from([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0]);
const X25519_PKCS8 = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20]);
const ML_KEM_768_OID = [0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 2];
const ML_KEM_768_SPKI = Uint8Array.from([0x30, 0x82, 4, 0xb2, ...ML_KEM_768_OID, 3, 0x82, 4, 0xa1, 0]);
const ML_KEM_768_PKCS8_SEED = Uint8Array.from([0x30, 0x54, 2, 1, 0, ...ML_KEM_768_OID, 4, 0x42, 0x80, 0x40]);
const ML_KEM_768_PUBLIC_KEY = 1184;
const ML_KEM_768_CIPHERTEXT = 1088;

/** Hashes of OpenSSL. */
export const nodeHashes: Hashes = {
  sha256: (data) => fixed(hash('sha256', data, 'buffer')),
  sha512: (data) => fixed(hash('sha512', data, 'buffer')),
  sha3_256: (data) => fixed(hash('sha3-256', data, 'buffer')),
  hmacSha256: (key, data) => fixed(createHmac('sha256', key).update(data).digest()),
  hmacSha512: (key, data) => fixed(createHmac('sha512', key).update(data).digest()),
  sha256Stream() {
    const running = createHash('sha256');
    return {
      update: (data) => {
        running.update(data);
      },
      digest: () => fixed(running.digest()),
    };
  },
};

/** Every primitive from node:crypto (OpenSSL 3.5 in Node 24). Chance comes from OpenSSL's own generator. */
export function createNodeSuite(): SyncCryptoSuite {
  return {
    name: 'node',
    hashes: nodeHashes,
    aead: { key: (key) => aeadKey(key) },
    x25519: {
      generate() {
        const pair = generateKeyPairSync('x25519');
        return { publicKey: rawPublic(pair.publicKey, X25519_SPKI.length), secret: pair.privateKey };
      },
      fromScalar: (scalar) => pairOf(concatBytes(X25519_PKCS8, scalar), X25519_SPKI.length),
      shared(pair, publicKey) {
        if (publicKey.length !== 32) return null;
        try {
          const secret = fixed(
            diffieHellman({ privateKey: pair.secret as KeyObject, publicKey: publicOf(X25519_SPKI, publicKey) }),
          );
          return isZero(secret) ? null : secret;
        } catch {
          return null; // OpenSSL refuses low-order points itself
        }
      },
    },
    mlKem768: {
      generate() {
        const pair = generateKeyPairSync('ml-kem-768');
        return { publicKey: rawPublic(pair.publicKey, ML_KEM_768_SPKI.length), secret: pair.privateKey };
      },
      fromSeed: (seed) => pairOf(concatBytes(ML_KEM_768_PKCS8_SEED, seed), ML_KEM_768_SPKI.length),
      encapsulate(publicKey) {
        if (publicKey.length !== ML_KEM_768_PUBLIC_KEY) return null;
        try {
          const { ciphertext, sharedKey } = encapsulate(publicOf(ML_KEM_768_SPKI, publicKey));
          return { ciphertext: fixed(ciphertext), sharedSecret: fixed(sharedKey) };
        } catch {
          return null;
        }
      },
      decapsulate(pair, ciphertext) {
        if (ciphertext.length !== ML_KEM_768_CIPHERTEXT) return null;
        return fixed(decapsulate(pair.secret as KeyObject, ciphertext));
      },
    },
  };
}

function aeadKey(key: Uint8Array): SyncAeadKey {
  const secret = createSecretKey(key);
  const sealInto = (nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array, into: Uint8Array) => {
    const cipher = createCipheriv('aes-256-gcm', secret, nonce);
    if (additional.length > 0) cipher.setAAD(additional);
    const body = cipher.update(plaintext);
    cipher.final();
    into.set(body);
    into.set(cipher.getAuthTag(), body.length);
    free(body);
  };
  return {
    seal(nonce, additional, plaintext) {
      const out = new Uint8Array(plaintext.length + 16);
      sealInto(nonce, additional, plaintext, out);
      return out;
    },
    sealInto,
    open(nonce, additional, ciphertext) {
      const length = ciphertext.length - 16;
      if (length < 0) return null;
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce);
      if (additional.length > 0) decipher.setAAD(additional);
      decipher.setAuthTag(ciphertext.subarray(length));
      const body = decipher.update(ciphertext.subarray(0, length));
      try {
        decipher.final();
      } catch {
        body.fill(0);
        return null;
      }
      return octets(body);
    },
  };
}

/**
 * Gives a large buffer's memory back at once. Left to the collector, 64 KiB for each message count as memory pressure and bring
 * a full collection every few hundred messages, which costs more than the cipher.
 */
function free(buffer: Buffer): void {
  const whole = buffer.buffer as ArrayBuffer;
  if (buffer.length >= 16_384 && whole.byteLength === buffer.length) whole.transfer(0);
}

function publicOf(prefix: Uint8Array, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(concatBytes(prefix, raw)), format: 'der', type: 'spki' });
}

function rawPublic(key: KeyObject, prefixLength: number): Octets {
  return fixed(key.export({ format: 'der', type: 'spki' }).subarray(prefixLength));
}

function pairOf(pkcs8: Octets, prefixLength: number): KeyPair {
  const secret = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  return { publicKey: rawPublic(createPublicKey(secret), prefixLength), secret };
}
