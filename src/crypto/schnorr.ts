import { schnorr } from '@noble/curves/secp256k1.js';

/** The x-only public key (32 bytes) of a secp256k1 secret scalar (BIP-340). */
export function schnorrPublicKey(secretKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return schnorr.getPublicKey(secretKey) as Uint8Array<ArrayBuffer>;
}

/** BIP-340 signature, 64 bytes, over a 32-byte digest; `auxiliary` is 32 fresh random bytes. */
export function schnorrSign(secretKey: Uint8Array, digest: Uint8Array, auxiliary: Uint8Array): Uint8Array<ArrayBuffer> {
  return schnorr.sign(digest, secretKey, auxiliary) as Uint8Array<ArrayBuffer>;
}

/** True when `signature` is a BIP-340 signature of `publicKey` over `digest`; false for anything malformed. */
export function schnorrVerify(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || digest.length !== 32 || signature.length !== 64) return false;
  try {
    return schnorr.verify(signature, digest, publicKey);
  } catch {
    return false;
  }
}
