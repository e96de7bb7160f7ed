import { fromHex } from '../bytes/index.ts';
import {
  invitationText,
  loadConfig,
  machineAddresses,
  nodeAddresses,
  readEnvironment,
  readNodeState,
} from '../daemon/index.ts';
import { createIdentity, type Identity } from '../identity/index.ts';
import { silentLog } from '../platform/index.ts';
import { INVITATION_EXPIRES_MS, printInvitation, ROLES, type Role } from '../protocol/index.ts';
import { nothingNamed, severalNamed, usageError } from './errors.ts';
import { harmless, printTable, timeText } from './terminal.ts';
import { parseLength } from './time-text.ts';
import type { World } from './world.ts';

/** After this long a running node knows of an invitation made beside it. */
const INVITATION_SEEN_MS = 400;

/** Options of commands that work on a data folder of this machine. */
export interface FolderOptions {
  data?: string;
  json?: boolean;
}

/** `devices list`: who is paired, and invitations that wait. */
export async function devicesListCommand(world: World, options: FolderOptions): Promise<void> {
  await withIdentity(world, options, async (identity) => {
    const devices = identity.devices();
    const invitations = identity.invitations().map(({ id, role, expiresAt }) => ({ id, role, expiresAt }));
    if (options.json) {
      const told = devices.map(({ device, role, label, pairedAt, lastSeenAt, wrapKeyId }) => ({
        device,
        role,
        label,
        pairedAt,
        lastSeenAt,
        wrapKeyId,
      }));
      world.terminal.out(`${JSON.stringify({ devices: told, invitations })}\n`);
      return;
    }
    if (devices.length === 0) world.terminal.err('no device is paired yet: constitute-nvr devices invite\n');
    else {
      const rows = devices.map(({ device, role, label, pairedAt, lastSeenAt }) => [
        device.slice(0, 16),
        role ?? 'none',
        timeText(pairedAt),
        timeText(lastSeenAt),
        harmless(label),
      ]);
      printTable(world.terminal, ['DEVICE', 'ROLE', 'PAIRED', 'LAST SEEN', 'LABEL'], rows);
    }
    for (const { role, expiresAt } of invitations) {
      world.terminal.err(`an invitation (${role}) waits until ${timeText(expiresAt)}\n`);
    }
  });
}

/** `devices invite`: one more invitation, whether or not the node runs. */
export async function devicesInviteCommand(
  world: World,
  options: FolderOptions & { role: string; expires: string; qr: boolean },
): Promise<void> {
  const role = ROLES.find((each) => each === options.role);
  if (!role) throw usageError(`expected --role to be one of ${ROLES.join(', ')}`);
  const { min, max } = INVITATION_EXPIRES_MS;
  const expiresMs = parseLength(options.expires);
  if (expiresMs === null || expiresMs < min || expiresMs > max) {
    throw usageError('expected --expires from 1m to 24h');
  }
  await withIdentity(world, options, async (identity, folder) => {
    const { config } = await loadConfig(world.files, folder);
    const running = await readNodeState(world.files, folder);
    const addresses = running?.addresses.length
      ? running.addresses
      : nodeAddresses(config, config.listen, machineAddresses());
    if (addresses.length === 0)
      throw usageError('expected addresses or listen in config.yaml to name where the node is reached');
    const { id, secret, expiresAt } = await identity.invite({ role, expiresMs });
    // A running node looks for new invitations four times a second; what is printed can be used at once.
    if (running) await world.clock.sleep(INVITATION_SEEN_MS);
    const code = {
      id: fromHex(id, 16)!,
      nodeId: identity.nodeId,
      channelKey: identity.channelKey.publicKey,
      secret,
      expiresAt,
      addresses,
    };
    const { hashes } = world.suite;
    const text = config.viewer === null ? printInvitation(hashes, code) : printInvitation(hashes, code, config.viewer);
    if (options.json) {
      world.terminal.out(`${JSON.stringify({ id, role: first(identity, role), expiresAt, invitation: text })}\n`);
      return;
    }
    world.terminal.out(invitationText({ text, expiresAt }, world.clock.now(), { qr: options.qr }));
    world.terminal.err(`the device will be ${first(identity, role)}\n`);
  });
}

/** `devices remove`: unpairs a device; a running node closes its channels within a second. */
export async function devicesRemoveCommand(world: World, name: string, options: FolderOptions): Promise<void> {
  await withIdentity(world, options, async (identity) => {
    const devices = identity.devices();
    const labelled = devices.filter(({ label }) => label === name);
    const found =
      labelled.length > 0 ? labelled : devices.filter(({ device }) => name.length >= 4 && device.startsWith(name));
    if (found.length > 1)
      throw severalNamed(
        'device',
        name,
        found.map(({ device }) => device.slice(0, 16)),
      );
    if (!found[0]) throw nothingNamed('device', name);
    const { device, label } = found[0];
    const removed = await identity.remove(device);
    if (options.json) world.terminal.out(`${JSON.stringify({ device, removed })}\n`);
    else world.terminal.out(`removed ${harmless(label)} (${device.slice(0, 16)})\n`);
  });
}

/** `config check`: reads the configuration as `start` would, and changes nothing. */
export async function configCheckCommand(world: World, options: FolderOptions): Promise<void> {
  const { folder } = environmentOf(world, options);
  const { config, text } = await loadConfig(world.files, folder);
  const sources = config.sources.map(({ id, name, enabled, input }) => ({
    id,
    name,
    enabled,
    kind: input.kind,
    // The address has no credentials in it.
    ...(input.kind === 'camera'
      ? { main: input.main.address, ...(input.sub ? { sub: input.sub.address } : {}) }
      : { main: 'virtual' }),
  }));
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ file: config.file, exists: text !== null, sources })}\n`);
    return;
  }
  world.terminal.out(text === null ? `${config.file} does not exist: defaults hold\n` : `${config.file} is in order\n`);
  for (const { id, enabled, main, ...rest } of sources) {
    const sub = 'sub' in rest ? ` and ${rest.sub}` : '';
    world.terminal.out(`  ${id}: ${main}${sub}${enabled ? '' : ' (disabled)'}\n`);
  }
}

/** The data folder that is meant. */
export function environmentOf(world: World, options: FolderOptions) {
  return readEnvironment(world.env, { data: options.data, home: world.home, cwd: world.cwd });
}

/** The node's identity of a data folder, opened beside a node that may be running. */
export async function withIdentity<T>(
  world: World,
  options: FolderOptions,
  work: (identity: Identity, folder: string) => Promise<T>,
): Promise<T> {
  const { clock, random, files, suite } = world;
  const place = environmentOf(world, options);
  const identity = createIdentity({ clock, random, files, suite, log: silentLog }, { ...place, create: false });
  await identity.start();
  try {
    return await work(identity, place.folder);
  } finally {
    await identity.stop();
  }
}

/** The first device becomes owner, whatever its invitation says. */
function first(identity: Identity, role: Role): Role {
  return identity.devices().length === 0 ? 'owner' : role;
}
