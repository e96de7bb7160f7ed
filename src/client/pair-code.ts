import type { KeyPair } from '../crypto/index.ts';
import { assert, isNvrError } from '../errors.ts';
import {
  CodeInitiator,
  type DeviceKey,
  isDeviceKey,
  PAIRING_SESSION_SIZE,
  pairingSecret,
  verifyCertificate,
} from '../protocol/index.ts';
import type { ClientDeps, Connection, DeviceKeys, NodePin } from './api.ts';
import { ChannelClient, type Proved } from './channel-client.ts';
import { approach, letIn, type Talk, talkTo } from './handshake-client.ts';
import { codeNotTakenError, codeUnknownError, codeWrongError } from './pair-errors.ts';

/** How long a person may take to let a signer sign. The node allows as much. */
const SIGNING_MS = 55_000;

/** A device that comes with a typed code. */
export interface CodePairOptions {
  /** `host:port`: all that is known of the node beside the code. */
  address: string;
  /** Eight digits, as `readPairingCode` gives them. */
  code: string;
  /** What the person calls this device: 1 to 64 characters. */
  label: string;
  /** Static X25519 pair made for this node. */
  channelKey: KeyPair;
  /** Gives this device's keys for a node that has just proved that it knows the code, with a certificate over `channelKey`. */
  device(nodeId: DeviceKey): Promise<DeviceKeys>;
  /** Told that somebody must approve this device, by which key it knows the node and itself, and until when (epoch ms). */
  onPending?(waiting: { pin: NodePin; device: DeviceKey; expiresAt: number }): void;
  signal?: AbortSignal;
}

/**
 * Pairs this device with the node at an address by a typed code and opens a channel; keep `pin` and the keys.
 *
 * Tries once: each try costs one of the node's, and gives whoever answers one guess at the code, so it is for the person to repeat.
 * Errors (`NvrError`): `ERR_CLIENT_UNREACHABLE`, `_TIMEOUT` (`unavailable`), `_CODE_NOT_TAKEN`, `_CODE_WRONG`, `_REFUSED`
 * (`denied`), `_CODE_UNKNOWN` (`unauthenticated`), `_PROTOCOL`, `_CANCELLED`.
 */
export async function pairByCode(
  deps: ClientDeps,
  options: CodePairOptions,
): Promise<{ connection: Connection; pin: NodePin; device: DeviceKeys }> {
  const { address, signal } = options;
  let known: { pin: NodePin; device: DeviceKeys } | null = null;
  const told = (met: { pin: NodePin; device: DeviceKeys }) => {
    known = met;
  };
  try {
    const proved = await talkTo(deps, address, signal, (talk) => shakeByCode(deps, talk, options, told));
    return { connection: new ChannelClient(deps, proved), ...known! };
  } catch (error) {
    // The line may have broken after the node stored us, or while we waited: then it knows us already.
    const met = known as { pin: NodePin; device: DeviceKeys } | null;
    if (!met || !isNvrError(error, 'denied') || error.code !== 'ERR_CLIENT_REFUSED') throw error;
    const onPending = pendingTeller(options, met);
    const wish = { ...met, onPending, ...(signal ? { signal } : {}) };
    const proved = await approach(deps, address, wish).catch(() => {
      throw error;
    });
    return { connection: new ChannelClient(deps, proved), ...met };
  }
}

/** PC1, PC2, HS1, HS2, HS3, and the node's decision. */
async function shakeByCode(
  deps: ClientDeps,
  talk: Talk,
  options: CodePairOptions,
  onMet: (met: { pin: NodePin; device: DeviceKeys }) => void,
): Promise<Proved> {
  const { suite, random } = deps;
  const { line, allow } = talk;
  const { address, code, label, channelKey } = options;
  const initiator = new CodeInitiator(suite, {
    secret: pairingSecret(suite.hashes, code),
    staticKey: channelKey,
    sessionId: random.bytes(PAIRING_SESSION_SIZE),
    seed: random.bytes(64),
  });
  line.send(initiator.greet());
  const share = await line.next();
  if (!share) throw codeNotTakenError(address);
  const reason = initiator.readGreeting(share);
  if (reason) throw codeUnknownError(address, `its greeting fails (${reason})`);
  line.send(await initiator.hello());
  const answer = await line.next();
  if (!answer) throw codeWrongError(address);
  const told = await initiator.readAnswer(answer);
  if (typeof told === 'string') throw codeUnknownError(address, `its answer fails (${told})`);
  const nodeId = certifiedNode(deps, told.payload.certificate, told.nodeKey);
  if (typeof nodeId !== 'string') throw codeUnknownError(address, `its certificate fails (${nodeId.reason})`);
  allow(SIGNING_MS);
  const device = await options.device(nodeId);
  assert(device.channelKey === channelKey, 'keys with the channel key the handshake began with');
  const met = { pin: { nodeId, channelKey: told.nodeKey, addresses: [address] }, device };
  onMet(met);
  const pairing = { label, wrapKey: device.wrapKey };
  const { message, keys } = await initiator.finish({ certificate: device.certificate, pairing });
  line.send(message);
  const { role, opener } = await letIn(address, talk, keys, true, pendingTeller(options, met));
  return { nodeId, role, line, keys, opener };
}

function pendingTeller(
  { onPending }: CodePairOptions,
  { pin, device }: { pin: NodePin; device: DeviceKeys },
): (expiresAt: number) => void {
  return (expiresAt) => onPending?.({ pin, device: device.publicKey, expiresAt });
}

/** The node id in a certificate that this key's owner signed for the static key the handshake proved, or why there is none. */
function certifiedNode(deps: ClientDeps, certificate: unknown, channelKey: Uint8Array): DeviceKey | { reason: string } {
  const node = (certificate as { pubkey?: unknown }).pubkey;
  if (typeof node !== 'string' || !isDeviceKey(node)) return { reason: 'shape' };
  const checked = verifyCertificate(deps.suite.hashes, certificate, {
    role: 'node',
    channelKey,
    node,
    now: deps.now(),
  });
  return 'reason' in checked ? checked : node;
}
