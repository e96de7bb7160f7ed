import { toHex } from '../bytes/index.ts';
import {
  type ClientDeps,
  connect,
  createDeviceKeys,
  createNvrClient,
  type DeviceKeys,
  type NvrClient,
  pairConnect,
  type ReadPurpose,
} from '../client/index.ts';
import { schnorrPublicKey, xWingPairOfSeed, xWingPublicKey } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import { openNodeSocket } from '../platform/node/index.ts';
import { checkResult, type DeviceKey, type InvitationCode } from '../protocol/index.ts';
import { type Pairing, PairingStore } from './pairing-store.ts';
import type { World } from './world.ts';

/**
 * Opens a channel to the node of that name, lets `work` use it, and closes it again whatever happens. A node that is not where it was is
 * looked for in the swarm, where somebody is known who may know; what is found is kept.
 */
export async function withNode<T>(
  world: World,
  name: string | undefined,
  work: (client: NvrClient, pairing: Pairing) => Promise<T>,
  purpose: ReadPurpose = 'play',
): Promise<T> {
  const store = new PairingStore(world.files, world.env);
  const pairing = await store.choose(name);
  let begun = false;
  const once = (client: NvrClient) => {
    begun = true;
    return work(client, pairing);
  };
  try {
    return await connectTo(world, pairing, once, purpose);
  } catch (error) {
    if (begun || !pairing.ways || !isUnreachable(error)) throw error;
    world.terminal.err(`${pairing.name} is not where it was; asking the swarm …\n`);
    const { searchNode } = await import('./node-search.ts');
    const found = await searchNode(world, pairing, pairing.ways);
    if (!found) throw error;
    return connectTo(
      world,
      found,
      async (client) => {
        await store.save(found);
        return once(client);
      },
      purpose,
    );
  }
}

/** Opens a channel to a node as this user's device, lets `work` use it, and closes it again whatever happens. */
export async function connectTo<T>(
  world: World,
  pairing: Pairing,
  work: (client: NvrClient) => Promise<T>,
  purpose: ReadPurpose = 'play',
): Promise<T> {
  const { nodeId, channelKey, addresses } = pairing;
  const device = await deviceKeys(world, pairing);
  const connection = await connect(clientDeps(world), {
    pin: { nodeId, channelKey, addresses },
    device,
    signal: world.interrupt,
  });
  try {
    return await work(createNvrClient({ connection, suite: world.suite, check: checkResult, purpose }));
  } finally {
    connection.close();
  }
}

/** True where nobody, or somebody else, answered at the addresses of a node. */
export function isUnreachable(error: unknown): boolean {
  const codes = ['ERR_CLIENT_UNREACHABLE', 'ERR_CLIENT_TIMEOUT', 'ERR_CLIENT_NOT_ANSWERED', 'ERR_CLIENT_WRONG_NODE'];
  return isNvrError(error) && codes.includes(error.code);
}

/** Makes keys for the node of an invitation, pairs, keeps the pairing. Gives the role the node granted. */
export async function pairWithNode(
  world: World,
  invitation: InvitationCode,
  { label, name }: { label: string; name: string },
): Promise<{ pairing: Pairing; role: string }> {
  const { random } = world;
  const secretKey = freshScalar(world);
  const pairing: Pairing = {
    nodeId: invitation.nodeId,
    name,
    channelKey: invitation.channelKey.slice() as Uint8Array<ArrayBuffer>,
    addresses: [...invitation.addresses],
    pairedAt: world.clock.now(),
    device: toHex(schnorrPublicKey(secretKey)) as DeviceKey,
    secretKey,
    channelScalar: random.bytes(32),
    wrapSeed: random.bytes(32),
  };
  const device = await deviceKeys(world, pairing);
  const { connection, pin } = await pairConnect(clientDeps(world), {
    invitation,
    device,
    label,
    signal: world.interrupt,
  });
  const paired = { ...pairing, addresses: pin.addresses };
  try {
    await new PairingStore(world.files, world.env).save(paired);
    return { pairing: paired, role: connection.role };
  } finally {
    connection.close();
  }
}

/** What the client needs of this machine. */
export function clientDeps({ clock, random, suite }: World): ClientDeps {
  return {
    now: () => clock.now(),
    random,
    suite,
    openSocket: openNodeSocket,
    after: (ms, task) => clock.after(ms, task),
  };
}

/** This user's keys for one node, with a fresh certificate. */
export async function deviceKeys({ clock, random, suite }: World, pairing: Pairing): Promise<DeviceKeys> {
  const { secretKey, channelScalar, wrapSeed, nodeId } = pairing;
  const wrapKey = xWingPublicKey(await xWingPairOfSeed(suite, wrapSeed));
  const secrets = { secretKey, channel: channelScalar, wrapKey, nodeId, now: clock.now(), auxiliary: random.bytes(32) };
  return createDeviceKeys(suite, secrets);
}

/** 32 random bytes that are a secp256k1 scalar (all but one in 2^128 are). */
export function freshScalar({ random }: World): Uint8Array<ArrayBuffer> {
  for (;;) {
    const scalar = random.bytes(32);
    try {
      schnorrPublicKey(scalar);
      return scalar;
    } catch {
      // zero, or above the order of the group
    }
  }
}
