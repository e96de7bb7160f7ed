import { createNodeDatagrams } from '../platform/node/index.ts';
import { findNode } from '../swarm/index.ts';
import type { Pairing, Ways } from './pairing-store.ts';
import type { World } from './world.ts';

const SEARCH_MS = 5_000;

/**
 * Asks the gateways and nodes that are known to meet this node where it is now: the pairing with the addresses (and the channel key) the
 * node itself signed, or null where nobody could tell. Whoever answers there must still prove to be the node.
 */
export async function searchNode(world: World, pairing: Pairing, ways: Ways): Promise<Pairing | null> {
  const { clock, random, suite } = world;
  const found = await findNode(
    { clock, random, hashes: suite.hashes, datagrams: createNodeDatagrams() },
    {
      peers: ways.peers.map((peer) => ({ ...peer, zones: ways.zones })),
      device: pairing.nodeId,
      timeoutMs: SEARCH_MS,
    },
  );
  if (!found || found.addresses.length === 0) return null;
  return { ...pairing, channelKey: found.channelKey, addresses: found.addresses };
}
