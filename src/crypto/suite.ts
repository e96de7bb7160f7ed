/** A value now or later: native providers of a browser are asynchronous, Node's and noble's are not. */
export type MaybePromise<T> = T | Promise<T>;

/** Hash functions; synchronous everywhere (short inputs in browsers, native in the daemon). */
export interface Hashes {
  sha256(data: Uint8Array): Uint8Array<ArrayBuffer>;
  sha512(data: Uint8Array): Uint8Array<ArrayBuffer>;
  sha3_256(data: Uint8Array): Uint8Array<ArrayBuffer>;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer>;
  hmacSha512(key: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer>;
  /** A running SHA-256. */
  sha256Stream(): { update(data: Uint8Array): void; digest(): Uint8Array<ArrayBuffer> };
}

/**
 * AES-256-GCM under one key. Nonces are 12 bytes, ciphertexts end in the 16-byte tag.
 * `open` gives `null` when the tag does not match; it never says why.
 */
export interface AeadKey {
  seal(nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): MaybePromise<Uint8Array<ArrayBuffer>>;
  open(nonce: Uint8Array, additional: Uint8Array, ciphertext: Uint8Array): MaybePromise<Uint8Array<ArrayBuffer> | null>;
  /** Only where the provider can spare an allocation: `seal` at once into `into`, plaintext length + 16 bytes. */
  sealInto?(nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array, into: Uint8Array): void;
}

/** An `AeadKey` that answers at once; the vault's writer needs one. */
export interface SyncAeadKey extends AeadKey {
  seal(nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer>;
  open(nonce: Uint8Array, additional: Uint8Array, ciphertext: Uint8Array): Uint8Array<ArrayBuffer> | null;
}

export interface Aead {
  /** Prepares a 32-byte AES key; the caller may wipe `key` once this has settled. */
  key(key: Uint8Array): MaybePromise<AeadKey>;
}

export interface SyncAead extends Aead {
  key(key: Uint8Array): SyncAeadKey;
}

/** A key pair whose secret half may live where no code can read it. `secret` belongs to the provider that made it. */
export interface KeyPair {
  publicKey: Uint8Array<ArrayBuffer>;
  secret: unknown;
}

/** X25519 (RFC 7748). Public keys and shared secrets are 32 bytes. */
export interface X25519 {
  generate(): MaybePromise<KeyPair>;
  /** The pair of a stored 32-byte scalar. */
  fromScalar(scalar: Uint8Array): MaybePromise<KeyPair>;
  /** The shared secret, or `null` where it is all zero (a low-order public key). */
  shared(pair: KeyPair, publicKey: Uint8Array): MaybePromise<Uint8Array<ArrayBuffer> | null>;
}

/** ML-KEM-768 (FIPS 203). Public key 1,184, ciphertext 1,088, shared secret 32 bytes. */
export interface MlKem768 {
  generate(): MaybePromise<KeyPair>;
  /** The pair of a stored 64-byte seed (d || z). */
  fromSeed(seed: Uint8Array): MaybePromise<KeyPair>;
  /** `null` where `publicKey` is malformed. */
  encapsulate(
    publicKey: Uint8Array,
  ): MaybePromise<{ ciphertext: Uint8Array<ArrayBuffer>; sharedSecret: Uint8Array<ArrayBuffer> } | null>;
  /** `null` where `ciphertext` has the wrong length (a wrong one of right length gives an unrelated secret). */
  decapsulate(pair: KeyPair, ciphertext: Uint8Array): MaybePromise<Uint8Array<ArrayBuffer> | null>;
}

/**
 * The primitives everything else is built from, in one bundle handed in by whoever assembles the program:
 * `createNodeSuite` (platform/node) in the daemon, `createWebSuite` in browsers, `createNobleSuite` where nothing native is.
 */
export interface CryptoSuite {
  readonly name: 'node' | 'web' | 'noble';
  readonly hashes: Hashes;
  readonly aead: Aead;
  readonly x25519: X25519;
  readonly mlKem768: MlKem768;
}

/** A suite whose AEAD answers at once. */
export interface SyncCryptoSuite extends CryptoSuite {
  readonly aead: SyncAead;
}
