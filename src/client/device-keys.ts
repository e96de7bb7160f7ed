import { toHex } from '../bytes/index.ts';
import { type CryptoSuite, type KeyPair, schnorrPublicKey } from '../crypto/index.ts';
import { CERTIFICATE_LIFE_S, type DeviceKey, signCertificate } from '../protocol/index.ts';
import type { DeviceKeys } from './api.ts';

/** A device's secrets and what its certificate says. The caller keeps the secrets, and signs anew before 30 days are over. */
export interface DeviceSecrets {
  /** secp256k1 scalar, 32 bytes. */
  secretKey: Uint8Array;
  /** X25519 scalar, 32 bytes, or a pair that the platform keeps. */
  channel: Uint8Array | KeyPair;
  /** X-Wing public key, 1,216 bytes. */
  wrapKey: Uint8Array;
  /** The node this certificate is for. */
  nodeId: DeviceKey;
  /** Epoch ms. */
  now: number;
  /** 32 random bytes for the signature. */
  auxiliary: Uint8Array;
}

/** This device's keys for one node, with a certificate that begins now and is good for 30 days. Deterministic. */
export async function createDeviceKeys(suite: CryptoSuite, secrets: DeviceSecrets): Promise<DeviceKeys> {
  const { secretKey, channel, wrapKey, nodeId, now, auxiliary } = secrets;
  const channelKey = channel instanceof Uint8Array ? await suite.x25519.fromScalar(channel) : channel;
  const createdAtS = Math.floor(now / 1000);
  const certificate = signCertificate(
    suite.hashes,
    secretKey,
    {
      role: 'client',
      channelKey: channelKey.publicKey,
      node: nodeId,
      createdAtS,
      expiresAtS: createdAtS + CERTIFICATE_LIFE_S,
    },
    auxiliary,
  );
  return { publicKey: toHex(schnorrPublicKey(secretKey)) as DeviceKey, certificate, channelKey, wrapKey };
}
