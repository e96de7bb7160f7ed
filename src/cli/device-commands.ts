import { fromHex } from '../bytes/index.ts';
import { invitationText, loadConfig, machineAddresses, nodeAddresses } from '../daemon/index.ts';
import { INVITATION_EXPIRES_MS, printInvitation } from '../protocol/index.ts';
import { nothingNamed, severalNamed, usageError } from './errors.ts';
import { deviceNamed } from './grant-commands.ts';
import { type FolderOptions, withIdentity } from './node-commands.ts';
import { withOperatorOrFolder } from './operator-link.ts';
import { roleNamed, rolesAtOf } from './role-options.ts';
import { harmless, printTable, timeText } from './terminal.ts';
import { parseLength } from './time-text.ts';
import type { World } from './world.ts';

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
    for (const { id, role, expiresAt } of invitations) {
      world.terminal.err(`invitation ${id.slice(0, 16)} (${role}) waits until ${timeText(expiresAt)}\n`);
    }
  });
}

/** `devices invite`: one more invitation; a running node is asked for it, so that it knows at once, and notes it. */
export async function devicesInviteCommand(
  world: World,
  options: FolderOptions & { role: string; at?: string[]; expires: string; qr: boolean },
): Promise<void> {
  const role = roleNamed(options.role);
  const terms = { role, ...rolesAtOf(options.at, role) };
  const { min, max } = INVITATION_EXPIRES_MS;
  const expiresMs = parseLength(options.expires);
  if (expiresMs === null || expiresMs < min || expiresMs > max) {
    throw usageError('expected --expires from 1m to 24h');
  }
  const made = await withOperatorOrFolder(world, options, {
    asked: async (client) => {
      const { devices } = await client.call('devices.list', {});
      const { id, expiresAt, invitation } = await client.call('devices.invite', { ...terms, expiresMs });
      return { id, expiresAt, invitation, first: devices.length === 0 };
    },
    beside: async (identity, folder) => {
      const { config } = await loadConfig(world.files, folder);
      const addresses = nodeAddresses(config, config.listen, machineAddresses());
      if (addresses.length === 0)
        throw usageError('expected addresses or listen in config.yaml to name where the node is reached');
      const { id, secret, expiresAt } = await identity.invite({ ...terms, expiresMs });
      const code = {
        id: fromHex(id, 16)!,
        nodeId: identity.nodeId,
        channelKey: identity.channelKey.publicKey,
        secret,
        expiresAt,
        addresses,
      };
      const { hashes } = world.suite;
      const { viewer } = config;
      const invitation = viewer === null ? printInvitation(hashes, code) : printInvitation(hashes, code, viewer);
      return { id, expiresAt, invitation, first: identity.devices().length === 0 };
    },
  });
  const { id, expiresAt, invitation, first } = made;
  // The first device becomes owner, whatever its invitation says.
  const granted = first ? 'owner' : role;
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ id, role: granted, expiresAt, invitation })}\n`);
    return;
  }
  world.terminal.out(invitationText({ text: invitation, expiresAt }, world.clock.now(), { qr: options.qr }));
  world.terminal.err(`the device will be ${granted}\n`);
}

/** `devices withdraw`: takes a waiting invitation back; a running node does it itself and notes it. */
export async function devicesWithdrawCommand(world: World, beginning: string, options: FolderOptions): Promise<void> {
  const { id, removed } = await withOperatorOrFolder(world, options, {
    asked: async (client) => {
      const id = invitationNamed((await client.call('devices.list', {})).invitations, beginning);
      return { id, ...(await client.call('invitations.remove', { id })) };
    },
    beside: async (identity) => {
      const id = invitationNamed(identity.invitations(), beginning);
      return { id, removed: await identity.withdraw(id) };
    },
  });
  if (!removed) throw nothingNamed('invitation', beginning);
  if (options.json) world.terminal.out(`${JSON.stringify({ id, removed })}\n`);
  else world.terminal.out(`took invitation ${id.slice(0, 16)} back\n`);
}

/** The id of the one waiting invitation that begins so. */
function invitationNamed(invitations: readonly { id: string }[], beginning: string): string {
  if (!/^[0-9a-f]{4,32}$/.test(beginning))
    throw usageError('expected at least four characters of its id: devices list');
  const found = invitations.map(({ id }) => id).filter((id) => id.startsWith(beginning));
  if (found.length > 1) throw severalNamed('invitation', beginning, found);
  if (found[0] === undefined) throw nothingNamed('invitation', beginning);
  return found[0];
}

/** `devices remove`: unpairs a device; a running node does it itself, closes its channels and notes it. */
export async function devicesRemoveCommand(world: World, name: string, options: FolderOptions): Promise<void> {
  const { device, label, removed } = await withOperatorOrFolder(world, options, {
    asked: async (client) => {
      const found = deviceNamed((await client.call('devices.list', {})).devices, name);
      return { ...found, ...(await client.call('devices.remove', { device: found.device })) };
    },
    beside: async (identity) => {
      const found = deviceNamed(identity.devices(), name);
      return { ...found, removed: await identity.remove(found.device) };
    },
  });
  if (options.json) world.terminal.out(`${JSON.stringify({ device, removed })}\n`);
  else world.terminal.out(`removed ${harmless(label)} (${device.slice(0, 16)})\n`);
}
