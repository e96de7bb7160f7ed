import { hostname } from 'node:os';
import { fingerprintOf } from '../daemon/index.ts';
import { isLabel, parseInvitation } from '../protocol/index.ts';
import { invitationRefused, usageError } from './errors.ts';
import { pairWithNode } from './node-link.ts';
import { PairingStore } from './pairing-store.ts';
import { harmless, printTable, timeText } from './terminal.ts';
import type { World } from './world.ts';

const REASONS = {
  size: 'it is too short or too long',
  base64: 'it has characters that do not belong there, or was cut',
  version: 'it is of another version of this program',
  checksum: 'it was mistyped or cut',
  addresses: 'it names no address that can be used',
} as const;

/** `client pair`: makes keys, uses the invitation up, pins the node. */
export async function pairCommand(
  world: World,
  text: string,
  options: { label?: string; name?: string; json?: boolean },
): Promise<void> {
  const invitation = parseInvitation(world.suite.hashes, text);
  if (typeof invitation === 'string') {
    throw invitationRefused(`this is no invitation: ${REASONS[invitation]}`);
  }
  const label = options.label ?? ownLabel();
  const name = options.name ?? `node-${invitation.nodeId.slice(0, 8)}`;
  for (const each of [label, name]) {
    if (!isLabel(each)) throw usageError('expected names of 1 to 64 visible characters without space at either end');
  }
  const { pairing, role } = await pairWithNode(world, invitation, { label, name });
  const { nodeId, addresses, device } = pairing;
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ node: nodeId, name, role, device, address: addresses[0] })}\n`);
    return;
  }
  world.terminal.out(`paired with ${name} at ${addresses[0]} as ${role}\n`);
  world.terminal.out(`node    ${fingerprintOf(nodeId)}\n`);
  world.terminal.out(`device  ${fingerprintOf(device)}\n`);
}

/** `client nodes`: the nodes this user is paired with, the one used by default first. */
export async function nodesCommand(world: World, options: { json?: boolean; forget?: string }): Promise<void> {
  const store = new PairingStore(world.files, world.env);
  if (options.forget !== undefined) {
    const pairing = await store.choose(options.forget);
    await store.forget(pairing.nodeId);
    world.terminal.err(`forgot ${pairing.name}; the node still knows this device: remove it there as well\n`);
    return;
  }
  const pairings = await store.list();
  if (options.json) {
    const nodes = pairings.map(({ nodeId, name, addresses, device, pairedAt }) => ({
      node: nodeId,
      name,
      addresses,
      device,
      pairedAt,
    }));
    world.terminal.out(`${JSON.stringify({ nodes })}\n`);
    return;
  }
  if (pairings.length === 0) {
    world.terminal.err('paired with no node yet\n');
    return;
  }
  const rows = pairings.map(({ nodeId, name, addresses, pairedAt }) => [
    harmless(name),
    fingerprintOf(nodeId),
    timeText(pairedAt),
    addresses.join(' '),
  ]);
  printTable(world.terminal, ['NAME', 'NODE', 'PAIRED', 'ADDRESSES'], rows);
}

/** What the node's list of devices calls this one. */
function ownLabel(): string {
  const name = `${hostname()} (command line)`.slice(0, 64).trim();
  return isLabel(name) ? name : 'command line';
}
