import type { NvrClient } from '../client/index.ts';
import { isNvrError } from '../errors.ts';
import { isZoneKey } from '../protocol/index.ts';
import type { ClientOptions } from './client-listings.ts';
import { nodeNotFound, usageError } from './errors.ts';
import { connectTo, isUnreachable } from './node-link.ts';
import { searchNode } from './node-search.ts';
import { type Pairing, PairingStore, WAYS_MAX, type Ways } from './pairing-store.ts';
import { harmless } from './terminal.ts';
import type { World } from './world.ts';

const VIA = /^(gateway|node)=(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*):(\d{1,5})$/;

export interface FindOptions extends ClientOptions {
  via?: string[];
  zone?: string[];
}

/**
 * `client find`: looks for a paired node that has moved, and remembers whom to ask. While the node is reached, an owner's or admin's
 * device learns from it whom that is.
 */
export async function findCommand(world: World, options: FindOptions): Promise<void> {
  const store = new PairingStore(world.files, world.env);
  const pairing = await store.choose(options.node);
  const named = waysOf(options, pairing.ways);
  const reached = named ? null : await learn(world, pairing);
  const ways = named ?? reached ?? pairing.ways;
  if (reached || (ways && ways !== pairing.ways)) await store.save({ ...pairing, ...(ways ? { ways } : {}) });
  if (reached) return tell(world, { ...pairing, ways: reached }, options);
  if (!ways)
    throw usageError('expected --via gateway=HOST:PORT (or node=) and --zone KEY: nobody is known yet who may know');
  const found = await searchNode(world, { ...pairing, ways }, ways);
  if (!found) throw nodeNotFound(pairing.name);
  // What a record says is a hint; the node proves itself before it is believed.
  await connectTo(world, found, async () => {});
  await store.save(found);
  tell(world, found, options);
}

/** What the running node knows of those who meet it, or null where it is not reached or tells this device nothing. */
async function learn(world: World, pairing: Pairing): Promise<Ways | null> {
  try {
    return await connectTo(world, pairing, (client) => learnFrom(client));
  } catch (error) {
    if (isUnreachable(error) || isNvrError(error, 'denied')) return null;
    throw error;
  }
}

async function learnFrom(client: NvrClient): Promise<Ways | null> {
  const { zones, peers } = await client.call('swarm.status', {});
  const known = peers.flatMap(({ address, kind, configured }) => {
    const at = address.lastIndexOf(':');
    const host = address.slice(0, at).replace(/^\[|\]$/g, '');
    const asked = configured && (kind === 'gateway' || kind === 'node');
    return asked ? [{ kind, host, port: Number(address.slice(at + 1)) }] : [];
  });
  if (zones.length === 0 || known.length === 0) return null;
  return { zones: zones.slice(0, WAYS_MAX).map(({ key }) => key), peers: known.slice(0, WAYS_MAX) };
}

function waysOf({ via, zone }: FindOptions, before: Ways | undefined): Ways | null {
  if (!via && !zone) return null;
  const peers = (via ?? []).map((text) => {
    const parts = VIA.exec(text);
    const port = Number(parts?.[3]);
    if (!parts || port < 1 || port > 65_535) throw usageError('expected --via as gateway=HOST:PORT or node=HOST:PORT');
    return { kind: parts[1] as 'gateway' | 'node', host: parts[2]!.replace(/^\[|\]$/g, ''), port };
  });
  if (zone?.some((key) => !isZoneKey(key))) throw usageError('expected --zone as the 20 characters of a zone key');
  const ways = {
    zones: (zone ?? before?.zones ?? []).slice(0, WAYS_MAX),
    peers: (via ? peers : (before?.peers ?? [])).slice(0, WAYS_MAX),
  };
  if (ways.zones.length === 0) throw usageError('expected --zone: without it nobody answers');
  if (ways.peers.length === 0) throw usageError('expected --via: whom to ask');
  return ways;
}

function tell({ terminal }: World, { nodeId, name, addresses, ways }: Pairing, options: FindOptions): void {
  if (options.json) terminal.out(`${JSON.stringify({ node: nodeId, name, addresses, ways: ways ?? null })}\n`);
  else
    terminal.out(
      `${harmless(name)} is at ${addresses.join(' ')}; ${ways?.peers.length ?? 0} others are remembered who may know\n`,
    );
}
