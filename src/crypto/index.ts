export {
  CHUNK_SIZE,
  CHUNK_TAG_SIZE,
  CHUNKED_HEADER_SIZE,
  CHUNKED_SALT_SIZE,
  type ChunkedKeys,
  type ChunkOpener,
  ChunkSealer,
  deriveChunkedKeys,
  openChunked,
  openChunkedSync,
  SEALED_CHUNK_SIZE,
  type SyncChunkOpener,
} from './chunked-encryption.ts';
export {
  CPACE_KEY_SIZE,
  CPACE_SEED_SIZE,
  CPACE_SHARE_SIZE,
  Cpace,
  type CpaceInput,
  type CpaceMessage,
  cpaceGenerator,
  cpaceScalarMult,
} from './cpace.ts';
export {
  generateXWingPair,
  hpkeKeySchedule,
  hpkeOpen,
  hpkeSeal,
  X_WING_ENC_SIZE,
  X_WING_PUBLIC_KEY_SIZE,
  X_WING_SEED_SIZE,
  type XWingPair,
  xWingDecapsulate,
  xWingEncapsulate,
  xWingPairOfSeed,
  xWingPublicKey,
} from './hpke.ts';
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
