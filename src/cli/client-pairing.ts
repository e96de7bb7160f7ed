import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fromUtf8, toHex } from '../bytes/index.ts';
import { pairByCode } from '../client/index.ts';
import { schnorrPublicKey } from '../crypto/index.ts';
import {
  type DeviceKey,
  encodeAddress,
  isLabel,
  keyFingerprint,
  parseInvitation,
  readPairingCode,
  spokenFingerprint,
} from '../protocol/index.ts';
import { codeRefused, invitationRefused, usageError } from './errors.ts';
import { clientDeps, deviceKeys, freshScalar, pairWithNode } from './node-link.ts';
import { type Pairing, PairingStore } from './pairing-store.ts';
import { harmless, printTable, timeText } from './terminal.ts';
import type { World } from './world.ts';

const REASONS = {
  size: 'it is too short or too long',
  base64: 'it has characters that do not belong there, or was cut',
  version: 'it is of another version of this program',
  checksum: 'it was mistyped or cut',
  addresses: 'it names no address that can be used',
} as const;

export interface PairOptions {
  label?: string;
  name?: string;
  json?: boolean;
  /** Instead of an invitation: the code the node showed, or a file with it, and where the node is. */
  code?: string;
  codeFile?: string;
  address?: string;
}

/** `client pair`: makes keys, uses the invitation or the code up, pins the node. */
export async function pairCommand(world: World, text: string | undefined, options: PairOptions): Promise<void> {
  const byCode = options.code !== undefined || options.codeFile !== undefined;
  if (byCode === (text !== undefined)) throw usageError('expected an invitation, or --code with --address');
  if (text !== undefined) await pairByInvitation(world, text, options);
  else await pairByTypedCode(world, options);
}

async function pairByInvitation(world: World, text: string, options: PairOptions): Promise<void> {
  const invitation = parseInvitation(world.suite.hashes, text);
  if (typeof invitation === 'string') {
    throw invitationRefused(`this is no invitation: ${REASONS[invitation]}`);
  }
  const label = labelOf(options);
  const name = nameOf(options, invitation.nodeId);
  const { pairing, role } = await pairWithNode(world, invitation, { label, name });
  tellPaired(world, pairing, role, options);
}

async function pairByTypedCode(world: World, options: PairOptions): Promise<void> {
  const { address = '' } = options;
  if (encodeAddress(address) === null) throw usageError('expected --address as host:port');
  const code = readPairingCode(options.code ?? (await firstLine(world, options.codeFile!)));
  if (code === null) throw codeRefused();
  const label = labelOf(options);
  if (options.name !== undefined) nameOf(options, '' as DeviceKey);
  const { random, suite, clock } = world;
  const secretKey = freshScalar(world);
  const secrets = { secretKey, channelScalar: random.bytes(32), wrapSeed: random.bytes(32) };
  const channelKey = await suite.x25519.fromScalar(secrets.channelScalar);
  const device = toHex(schnorrPublicKey(secretKey)) as DeviceKey;
  // What is known of the node comes with its proof that it knows the code.
  const unproved = { ...secrets, device, pairedAt: clock.now(), addresses: [address] };
  const { connection, pin } = await pairByCode(clientDeps(world), {
    address,
    code,
    label,
    channelKey,
    device: async (nodeId) => {
      const keys = await deviceKeys(world, { ...unproved, nodeId, name: '', channelKey: channelKey.publicKey });
      return { ...keys, channelKey };
    },
    onPending: ({ pin: { nodeId } }) => {
      world.terminal.err('waits for somebody to approve this device; compare what both sides show\n');
      world.terminal.err(keysText(nodeId, device));
    },
    signal: world.interrupt,
  });
  const { nodeId, addresses } = pin;
  const pairing: Pairing = {
    ...unproved,
    nodeId,
    addresses,
    name: nameOf(options, nodeId),
    channelKey: pin.channelKey.slice() as Uint8Array<ArrayBuffer>,
  };
  try {
    await new PairingStore(world.files, world.env).save(pairing);
    tellPaired(world, pairing, connection.role, options);
  } finally {
    connection.close();
  }
}

function tellPaired(
  world: World,
  { nodeId, addresses, device, name }: Pairing,
  role: string,
  options: PairOptions,
): void {
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ node: nodeId, name, role, device, address: addresses[0] })}\n`);
    return;
  }
  world.terminal.out(`paired with ${name} at ${addresses[0]} as ${role}\n`);
  world.terminal.out(keysText(nodeId, device));
}

/** Both keys for comparing, in signs and in words. */
function keysText(node: DeviceKey, device: DeviceKey): string {
  const lines = (name: string, key: DeviceKey) =>
    `${name}  ${keyFingerprint(key)}\n        ${spokenFingerprint(key)}\n`;
  return lines('node  ', node) + lines('device', device);
}

function labelOf(options: PairOptions): string {
  return named(options.label ?? ownLabel());
}

function nameOf(options: PairOptions, nodeId: DeviceKey): string {
  return named(options.name ?? `node-${nodeId.slice(0, 8)}`);
}

function named(text: string): string {
  if (!isLabel(text)) throw usageError('expected names of 1 to 64 visible characters without space at either end');
  return text;
}

async function firstLine(world: World, file: string): Promise<string> {
  return fromUtf8(await world.files.read(resolve(world.cwd, file), 1024))?.split(/\r?\n/)[0] ?? '';
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
    keyFingerprint(nodeId),
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
