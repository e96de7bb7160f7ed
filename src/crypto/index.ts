export { hkdfExpandSha256, hkdfExpandSha512, hkdfExtractSha256, hkdfSha256 } from './kdf.ts';
export { createNobleSuite, nobleHashes } from './noble-suite.ts';
export { schnorrPublicKey, schnorrSign, schnorrVerify } from './schnorr.ts';
export type {
  Aead,
  AeadKey,
  CryptoSuite,
  Hashes,
  KeyPair,
  MaybePromise,
  MlKem768,
  SyncAead,
  SyncAeadKey,
  SyncCryptoSuite,
  X25519,
} from './suite.ts';
export { createWebSuite, type WebCrypto } from './web-suite.ts';
