import { isZero } from '../bytes/index.ts';
import { createNobleSuite, nobleHashes } from './noble-suite.ts';
import type { AeadKey, CryptoSuite, KeyPair, MlKem768, X25519 } from './suite.ts';

/** The part of `globalThis.crypto` this suite uses. */
export interface WebCrypto {
  readonly subtle: SubtleCrypto;
  getRandomValues(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
}

type Octets = Uint8Array<ArrayBuffer>;

/**
 * Primitives of the platform's WebCrypto; what it lacks (older browsers: X25519, ML-KEM) comes from noble.
 *
 * Probes the platform once, hence asynchronous. Secret keys made by `generate` of native algorithms are non-extractable
 * `CryptoKey`s and may be kept in IndexedDB. Source: W3C WebCrypto, WICG "modern algorithms" draft for ML-KEM.
 */
export async function createWebSuite(web: WebCrypto): Promise<CryptoSuite> {
  const randomBytes = (length: number) => web.getRandomValues(new Uint8Array(length));
  const noble = createNobleSuite(randomBytes);
  const [hasX25519, hasMlKem] = await Promise.all([canGenerate(web, 'X25519'), canGenerate(web, 'ML-KEM-768')]);
  return {
    name: 'web',
    hashes: nobleHashes,
    aead: { key: (key) => importAead(web, key) },
    x25519: hasX25519 ? webX25519(web) : noble.x25519,
    mlKem768: hasMlKem ? webMlKem(web) : noble.mlKem768,
  };
}

async function canGenerate(web: WebCrypto, algorithm: 'X25519' | 'ML-KEM-768'): Promise<boolean> {
  try {
    const usages = algorithm === 'X25519' ? ['deriveBits'] : ['encapsulateBits', 'decapsulateBits'];
    await web.subtle.generateKey({ name: algorithm }, false, usages as KeyUsage[]);
    return true;
  } catch {
    return false;
  }
}

async function importAead(web: WebCrypto, key: Uint8Array): Promise<AeadKey> {
  const imported = await web.subtle.importKey('raw', key.slice(), 'AES-GCM', false, ['encrypt', 'decrypt']);
  const parameters = (nonce: Uint8Array, additional: Uint8Array) => ({
    name: 'AES-GCM',
    iv: nonce as Octets,
    additionalData: additional as Octets,
    tagLength: 128,
  });
  return {
    async seal(nonce, additional, plaintext) {
      return new Uint8Array(await web.subtle.encrypt(parameters(nonce, additional), imported, plaintext as Octets));
    },
    async open(nonce, additional, ciphertext) {
      if (ciphertext.length < 16) return null;
      try {
        return new Uint8Array(await web.subtle.decrypt(parameters(nonce, additional), imported, ciphertext as Octets));
      } catch {
        return null;
      }
    },
  };
}

// DER in front of a raw X25519 scalar: PrivateKeyInfo of RFC 8410.
const X25519_PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
// u-coordinate 9: the shared secret with it is the public key.
const X25519_BASE = Uint8Array.of(9, ...new Uint8Array(31));

function webX25519(web: WebCrypto): X25519 {
  const importPublic = (publicKey: Uint8Array) =>
    web.subtle.importKey('raw', publicKey as Octets, { name: 'X25519' }, true, []);
  const derive = async (secret: CryptoKey, publicKey: Uint8Array) =>
    new Uint8Array(
      await web.subtle.deriveBits(
        { name: 'X25519', public: await importPublic(publicKey) } as EcdhKeyDeriveParams,
        secret,
        256,
      ),
    );
  return {
    async generate() {
      const pair = (await web.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits'])) as CryptoKeyPair;
      return { publicKey: new Uint8Array(await web.subtle.exportKey('raw', pair.publicKey)), secret: pair.privateKey };
    },
    async fromScalar(scalar) {
      const pkcs8 = new Uint8Array(48);
      pkcs8.set(X25519_PKCS8);
      pkcs8.set(scalar, 16);
      const secret = await web.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']);
      pkcs8.fill(0);
      return { publicKey: await derive(secret, X25519_BASE), secret };
    },
    async shared(pair, publicKey) {
      if (publicKey.length !== 32) return null;
      try {
        const secret = await derive(pair.secret as CryptoKey, publicKey);
        return isZero(secret) ? null : secret;
      } catch {
        return null;
      }
    },
  };
}

/** The encapsulation calls that DOM typings do not name yet. */
interface KemSubtle {
  encapsulateBits(algorithm: string, key: CryptoKey): Promise<{ ciphertext: ArrayBuffer; sharedKey: ArrayBuffer }>;
  decapsulateBits(algorithm: string, key: CryptoKey, ciphertext: Uint8Array): Promise<ArrayBuffer>;
  importKey(
    format: string,
    key: Uint8Array,
    algorithm: string,
    extractable: boolean,
    uses: string[],
  ): Promise<CryptoKey>;
  exportKey(format: string, key: CryptoKey): Promise<ArrayBuffer>;
  generateKey(algorithm: string, extractable: boolean, uses: string[]): Promise<CryptoKeyPair>;
  getPublicKey(key: CryptoKey, uses: string[]): Promise<CryptoKey>;
}

function webMlKem(web: WebCrypto): MlKem768 {
  const subtle = web.subtle as unknown as KemSubtle;
  const name = 'ML-KEM-768';
  const pairOf = async (publicKey: CryptoKey, secret: CryptoKey): Promise<KeyPair> => ({
    publicKey: new Uint8Array(await subtle.exportKey('raw-public', publicKey)),
    secret,
  });
  return {
    async generate() {
      const pair = await subtle.generateKey(name, false, ['encapsulateBits', 'decapsulateBits']);
      return pairOf(pair.publicKey, pair.privateKey);
    },
    async fromSeed(seed) {
      const secret = await subtle.importKey('raw-seed', seed, name, false, ['decapsulateBits']);
      return pairOf(await subtle.getPublicKey(secret, ['encapsulateBits']), secret);
    },
    async encapsulate(publicKey) {
      try {
        const key = await subtle.importKey('raw-public', publicKey, name, true, ['encapsulateBits']);
        const { ciphertext, sharedKey } = await subtle.encapsulateBits(name, key);
        return { ciphertext: new Uint8Array(ciphertext), sharedSecret: new Uint8Array(sharedKey) };
      } catch {
        return null;
      }
    },
    async decapsulate(pair, ciphertext) {
      try {
        return new Uint8Array(await subtle.decapsulateBits(name, pair.secret as CryptoKey, ciphertext));
      } catch {
        return null;
      }
    },
  };
}
