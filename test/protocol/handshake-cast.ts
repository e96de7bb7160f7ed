import { fromHex, toHex } from '../../src/bytes/index.ts';
import {
  type CryptoSuite,
  createNobleSuite,
  createWebSuite,
  type KeyPair,
  schnorrPublicKey,
} from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import { signCertificate } from '../../src/protocol/certificate.ts';
import { HandshakeInitiator, HandshakeResponder } from '../../src/protocol/handshake.ts';
import type { HandshakePayload } from '../../src/protocol/handshake-payload.ts';
import type { DeviceKey } from '../../src/protocol/ids.ts';

export const NOW = 1_795_000_000_000;
export const node = createNodeSuite();
export const web = await createWebSuite(globalThis.crypto);
const chance = new SeededRandom(3);
export const noble = createNobleSuite((length) => chance.bytes(length));
export const suites: CryptoSuite[] = [node, web, noble];

/** Everything a handshake draws from chance, fixed. Hex. */
export interface Script {
  nodeSecretKey: string;
  nodeStatic: string;
  nodeEphemeral: string;
  encapsulation: string;
  clientSecretKey: string;
  clientStatic: string;
  clientEphemeral: string;
  clientKemSeed: string;
  invitationId?: string;
  invitationSecret?: string;
}

export function scriptOf(seed: number, pairing: boolean): Script {
  const random = new SeededRandom(seed);
  const hex = (length: number) => toHex(random.bytes(length));
  return {
    nodeSecretKey: hex(32),
    nodeStatic: hex(32),
    nodeEphemeral: hex(32),
    encapsulation: hex(32),
    clientSecretKey: hex(32),
    clientStatic: hex(32),
    clientEphemeral: hex(32),
    clientKemSeed: hex(64),
    ...(pairing ? { invitationId: hex(16), invitationSecret: hex(16) } : {}),
  };
}

const bytes = (hex: string): Uint8Array<ArrayBuffer> => fromHex(hex)!;

const encapsulations = new Map<string, ReturnType<typeof noble.mlKem768.encapsulate>>();

/** Encapsulation with given randomness; remembered, because tests repeat it thousands of times. */
function encapsulated(randomness: string, key: Uint8Array): ReturnType<typeof noble.mlKem768.encapsulate> {
  const name = `${randomness} ${toHex(key)}`;
  const known = encapsulations.get(name);
  if (known !== undefined) return known;
  const made = createNobleSuite(() => bytes(randomness)).mlKem768.encapsulate(key);
  encapsulations.set(name, made);
  return made;
}

/** A suite that plays its part by the script: ephemerals, KEM key and encapsulation are fixed. */
export function scripted(suite: CryptoSuite, ephemeral: string, { clientKemSeed, encapsulation }: Script): CryptoSuite {
  return {
    ...suite,
    x25519: { ...suite.x25519, generate: () => suite.x25519.fromScalar(bytes(ephemeral)) },
    mlKem768: {
      ...suite.mlKem768,
      generate: () => suite.mlKem768.fromSeed(bytes(clientKemSeed)),
      encapsulate: (key) => encapsulated(encapsulation, key),
    },
  };
}

/** The two sides of a script, ready to shake hands. */
export interface Cast {
  nodeId: DeviceKey;
  nodeKey: KeyPair;
  clientKey: KeyPair;
  device: DeviceKey;
  nodePayload: HandshakePayload;
  clientPayload: HandshakePayload;
  initiator(
    suite?: CryptoSuite,
    change?: { nodeId?: DeviceKey; nodeKey?: Uint8Array; secret?: Uint8Array },
  ): Promise<HandshakeInitiator>;
  responder(suite?: CryptoSuite): Promise<HandshakeResponder>;
}

export function castOf(script: Script): Cast {
  const nodeSecret = bytes(script.nodeSecretKey);
  const nodeId = toHex(schnorrPublicKey(nodeSecret)) as DeviceKey;
  const clientSecret = bytes(script.clientSecretKey);
  const nodeKey = node.x25519.fromScalar(bytes(script.nodeStatic)) as KeyPair;
  const clientKey = node.x25519.fromScalar(bytes(script.clientStatic)) as KeyPair;
  const life = { createdAtS: NOW / 1000, expiresAtS: NOW / 1000 + 86_400 };
  const sign = (secret: Uint8Array, role: 'client' | 'node', key: KeyPair) =>
    JSON.parse(
      signCertificate(
        node.hashes,
        secret,
        { role, channelKey: key.publicKey, node: nodeId, ...life },
        new Uint8Array(32),
      ),
    );
  const { invitationId, invitationSecret } = script;
  const wrapKey = new SeededRandom(9).bytes(1216);
  return {
    nodeId,
    nodeKey,
    clientKey,
    device: toHex(schnorrPublicKey(clientSecret)) as DeviceKey,
    nodePayload: { certificate: sign(nodeSecret, 'node', nodeKey) },
    clientPayload: {
      certificate: sign(clientSecret, 'client', clientKey),
      ...(invitationId ? { pairing: { label: 'kitchen tablet', wrapKey } } : {}),
    },
    async initiator(suite = node, change = {}) {
      return new HandshakeInitiator(scripted(suite, script.clientEphemeral, script), {
        nodeId: change.nodeId ?? nodeId,
        nodeKey: change.nodeKey ?? nodeKey.publicKey,
        staticKey: await suite.x25519.fromScalar(bytes(script.clientStatic)),
        ...(invitationId
          ? { invitation: { id: bytes(invitationId), secret: change.secret ?? bytes(invitationSecret!) } }
          : {}),
      });
    },
    async responder(suite = node) {
      return new HandshakeResponder(scripted(suite, script.nodeEphemeral, script), {
        nodeId,
        staticKey: await suite.x25519.fromScalar(bytes(script.nodeStatic)),
        invitationSecret: (id) => (toHex(id) === invitationId ? bytes(invitationSecret!) : null),
      });
    },
  };
}
