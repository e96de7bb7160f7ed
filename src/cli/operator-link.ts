import { connect, createNvrClient, type DeviceKeys, type NvrClient } from '../client/index.ts';
import { type NodeState, readNodeState } from '../daemon/index.ts';
import { isNvrError } from '../errors.ts';
import type { Identity } from '../identity/index.ts';
import { CERTIFICATE_LIFE_S, checkResult, toSignedCertificate, unsignedCertificate } from '../protocol/index.ts';
import { nodeNotRunning } from './errors.ts';
import { type FolderOptions, withIdentity } from './node-commands.ts';
import { clientDeps, isUnreachable } from './node-link.ts';
import type { World } from './world.ts';

/**
 * Opens a channel to the node that runs on a data folder of this machine, as its operator: whoever can read the node's own key
 * is vouched for by it. There is no other door for local tools; what comes through this one is permitted and noted like the rest.
 */
export async function withOperator<T>(
  world: World,
  options: FolderOptions,
  work: (client: NvrClient, identity: Identity, running: NodeState) => Promise<T>,
): Promise<T> {
  return withIdentity(world, options, async (identity, folder) => {
    const running = await readNodeState(world.files, folder);
    if (!running || running.addresses.length === 0) throw nodeNotRunning(folder);
    const connection = await connect(clientDeps(world), {
      pin: {
        nodeId: identity.nodeId,
        channelKey: identity.channelKey.publicKey,
        addresses: running.local.length > 0 ? running.local : running.addresses,
      },
      device: await operatorKeys(world, identity),
      signal: world.interrupt,
    });
    try {
      return await work(createNvrClient({ connection, suite: world.suite, check: checkResult }), identity, running);
    } finally {
      connection.close();
    }
  });
}

/**
 * Lets the node that runs on a data folder do it (`asked`), as its operator: it knows at once, and notes who did what. Where no node runs,
 * `beside` does it on the folder.
 */
export async function withOperatorOrFolder<T>(
  world: World,
  options: FolderOptions,
  {
    asked,
    beside,
  }: {
    asked(client: NvrClient, identity: Identity, running: NodeState): Promise<T>;
    beside(identity: Identity, folder: string): Promise<T>;
  },
): Promise<T> {
  let begun = false;
  try {
    return await withOperator(world, options, (...link) => {
      begun = true;
      return asked(...link);
    });
  } catch (error) {
    // What a node that was killed left behind says that it runs; nobody answers there.
    const isAlone = isNvrError(error) && (error.code === 'ERR_CLI_NOT_RUNNING' || isUnreachable(error));
    if (begun || !isAlone) throw error;
    return withIdentity(world, options, beside);
  }
}

/** A key for this one channel, certified by the node itself. */
async function operatorKeys({ clock, suite }: World, identity: Identity): Promise<DeviceKeys> {
  const channelKey = await suite.x25519.generate();
  const createdAtS = Math.floor(clock.now() / 1000);
  const unsigned = unsignedCertificate(suite.hashes, {
    author: identity.nodeId,
    role: 'client',
    channelKey: channelKey.publicKey,
    node: identity.nodeId,
    createdAtS,
    expiresAtS: createdAtS + CERTIFICATE_LIFE_S,
  });
  const certificate = toSignedCertificate(unsigned, identity.sign(unsigned.digest));
  return { publicKey: identity.nodeId, certificate, channelKey, wrapKey: new Uint8Array(0) };
}
