import { fromHex, toHex } from '../../src/bytes/index.ts';
import { type CryptoSuite, createNobleSuite, type KeyPair, schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { signCertificate } from '../../src/protocol/certificate.ts';
import { CodeInitiator, CodeResponder } from '../../src/protocol/handshake-code.ts';
import type { HandshakePayload } from '../../src/protocol/handshake-payload.ts';
import type { DeviceKey } from '../../src/protocol/ids.ts';
import { pairingSecret } from '../../src/protocol/pairing-code.ts';
import { NOW, node, scripted, scriptOf } from './handshake-cast.ts';

const bytes = (hex: string) => fromHex(hex)!;

/** Everything that pairing by code draws from chance, fixed. Hex, but for the code. */
export interface CodeScript {
  code: string;
  sessionId: string;
  clientSeed: string;
  nodeSeed: string;
  nodeSecretKey: string;
  nodeStatic: string;
  nodeEphemeral: string;
  encapsulation: string;
  clientSecretKey: string;
  clientStatic: string;
  clientEphemeral: string;
  clientKemSeed: string;
}

export function codeScriptOf(seed: number, code = '04711815'): CodeScript {
  const random = new SeededRandom(seed + 1000);
  const hex = (length: number) => toHex(random.bytes(length));
  return { code, sessionId: hex(16), clientSeed: hex(64), nodeSeed: hex(64), ...scriptOf(seed, false) };
}

/** The two sides of a script. */
export function codeCastOf(script: CodeScript) {
  const nodeSecret = bytes(script.nodeSecretKey);
  const clientSecret = bytes(script.clientSecretKey);
  const nodeId = toHex(schnorrPublicKey(nodeSecret)) as DeviceKey;
  const nodeKey = node.x25519.fromScalar(bytes(script.nodeStatic)) as KeyPair;
  const clientKey = node.x25519.fromScalar(bytes(script.clientStatic)) as KeyPair;
  const sign = (secret: Uint8Array, role: 'client' | 'node', key: KeyPair) => {
    const life = { createdAtS: NOW / 1000, expiresAtS: NOW / 1000 + 86_400 };
    const claim = { role, channelKey: key.publicKey, node: nodeId, ...life };
    return JSON.parse(signCertificate(node.hashes, secret, claim, new Uint8Array(32)));
  };
  const nodePayload: HandshakePayload = { certificate: sign(nodeSecret, 'node', nodeKey) };
  const clientPayload: HandshakePayload = {
    certificate: sign(clientSecret, 'client', clientKey),
    pairing: { label: 'kitchen tablet', wrapKey: new SeededRandom(9).bytes(1216) },
  };
  return {
    nodeId,
    nodeKey,
    clientKey,
    nodePayload,
    clientPayload,
    async initiator(suite: CryptoSuite = node, change: { code?: string; seed?: Uint8Array } = {}) {
      return new CodeInitiator(scripted(suite, script.clientEphemeral, { ...script }), {
        secret: pairingSecret(suite.hashes, change.code ?? script.code),
        staticKey: await suite.x25519.fromScalar(bytes(script.clientStatic)),
        sessionId: bytes(script.sessionId),
        seed: change.seed ?? bytes(script.clientSeed),
      });
    },
    async responder(suite: CryptoSuite = node, change: { code?: string; seed?: Uint8Array } = {}) {
      return new CodeResponder(scripted(suite, script.nodeEphemeral, { ...script }), {
        secret: pairingSecret(suite.hashes, change.code ?? script.code),
        staticKey: await suite.x25519.fromScalar(bytes(script.nodeStatic)),
        seed: change.seed ?? bytes(script.nodeSeed),
      });
    },
  };
}

/** A suite whose chance is seeded. */
export const seeded = (seed: number): CryptoSuite => {
  const random = new SeededRandom(seed);
  return createNobleSuite((length) => random.bytes(length));
};
