import type { Command } from 'commander';
import { type CommandResult, keyFingerprint, PAIRING_CODE_EXPIRES_MS, printPairingCode } from '../protocol/index.ts';
import { nothingNamed, severalNamed, usageError } from './errors.ts';
import type { FolderOptions } from './node-commands.ts';
import { type Reach, type ReachOptions, reachingCommands, type Speaker } from './reach.ts';
import { roleNamed, rolesAtOf } from './role-options.ts';
import { harmless, printTable, timeText } from './terminal.ts';
import { parseLength } from './time-text.ts';
import type { World } from './world.ts';

type Pending = CommandResult<'pairing.pending'>;

/** `devices code`: one typed code, whether or not the node runs; shown here and kept nowhere. A running node is asked, and notes it. */
export async function devicesCodeCommand(
  world: World,
  options: FolderOptions & { role: string; at?: string[]; approve?: boolean; expires: string },
): Promise<void> {
  const role = roleNamed(options.role);
  const terms = { role, ...rolesAtOf(options.at, role) };
  const { min, max } = PAIRING_CODE_EXPIRES_MS;
  const expiresMs = parseLength(options.expires);
  if (expiresMs === null || expiresMs < min || expiresMs > max) throw usageError('expected --expires from 1m to 1h');
  const approve = options.approve ?? false;
  const { withOperatorOrFolder } = await import('./operator-link.ts');
  const { nodeId, address, made, first } = await withOperatorOrFolder(world, options, {
    asked: async (client, identity, running) => {
      const { devices } = await client.call('devices.list', {});
      const made = await client.call('pairing.code', { ...terms, approve, expiresMs });
      return { nodeId: identity.nodeId, address: running.addresses[0], made, first: devices.length === 0 };
    },
    beside: async (identity) => {
      const { digits, ...made } = await identity.pairing.make({ ...terms, approve, expiresMs });
      const first = identity.devices().length === 0;
      return { nodeId: identity.nodeId, address: undefined, made: { ...made, code: digits }, first };
    },
  });
  // The first device becomes owner, whatever its code says.
  const granted = first ? 'owner' : role;
  const { id, code, expiresAt } = made;
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ id, code, role: granted, approve: made.approve, expiresAt })}\n`);
    return;
  }
  const minutes = Math.max(1, Math.round((expiresAt - world.clock.now()) / 60_000));
  world.terminal.out(`code    ${printPairingCode(code)}\n`);
  world.terminal.out(`node    ${keyFingerprint(nodeId)}\n`);
  world.terminal.err(`for one device, within ${minutes} minutes, there:\n`);
  world.terminal.err(`  constitute-nvr client pair --address ${address ?? 'HOST:PORT'} --code CODE\n`);
  world.terminal.err(made.approve ? 'somebody must then approve it: devices pending\n' : `it will be ${granted}\n`);
}

/** Adds `pending`, `approve`, `reject` and `confirm` to `client`, for a paired device, or to `devices`, for the operator. */
export function addPairingDecisions(parent: Command, world: World, as: Speaker): void {
  const { command: decision, reach } = reachingCommands(parent, world, as);
  decision('pending', 'devices that wait for approval').action((options) =>
    pendingCommand(world, reach(options), options),
  );
  decision('approve', 'let a waiting device in')
    .argument('<fingerprint>', 'at least eight characters of it, as the new device shows it')
    .option('--role <role>', 'instead of the role its code promised')
    .option('--label <text>', 'what to call it')
    .action((beginning, options) => approveCommand(world, reach(options), beginning, options));
  decision('reject', 'turn a waiting device away')
    .argument('<fingerprint>', 'at least eight characters of it')
    .action((beginning, options) => rejectCommand(world, reach(options), beginning, options));
  decision('confirm', 'trust the key that answered the enrolment of the node')
    .argument('<fingerprint>', 'at least eight characters of it, as that device shows it')
    .option('--dismiss', 'forget it instead')
    .action((beginning, options) => confirmCommand(world, reach(options), beginning, options));
}

/** `pending`: who waits for a decision. */
export async function pendingCommand(world: World, reach: Reach, options: ReachOptions): Promise<void> {
  const pending = await reach((client) => client.call('pairing.pending', {}));
  if (options.json) {
    world.terminal.out(`${JSON.stringify(pending)}\n`);
    return;
  }
  const { code, devices, enrolments } = pending;
  if (code) {
    const approval = code.approve ? ', to be approved' : '';
    world.terminal.err(`a code (${code.role}${approval}) waits until ${timeText(code.expiresAt)}\n`);
  }
  if (devices.length === 0 && enrolments.length === 0) world.terminal.err('nobody waits\n');
  if (devices.length > 0) {
    const rows = devices.map(({ fingerprint, role, rolesAt = [], expiresAt, label }) => [
      fingerprint,
      [role, ...rolesAt.map(({ source, role: at }) => `${at} at ${source}`)].join(', '),
      timeText(expiresAt),
      harmless(label),
    ]);
    printTable(world.terminal, ['FINGERPRINT', 'WISHED', 'UNTIL', 'CALLS ITSELF'], rows);
    world.terminal.err('compare the fingerprint with the one on that device, then: approve FINGERPRINT\n');
  }
  if (enrolments.length > 0) {
    const rows = enrolments.map(({ fingerprint, identityId, at, identityLabel }) => [
      fingerprint,
      identityId,
      timeText(at),
      harmless(identityLabel),
    ]);
    printTable(world.terminal, ['ANSWERED BY', 'IDENTITY', 'AT', 'LABEL'], rows);
    world.terminal.err('compare the fingerprint with the one on that device, then: confirm FINGERPRINT\n');
  }
}

/** `approve`: lets the one waiting device in whose fingerprint begins so. */
export async function approveCommand(
  world: World,
  reach: Reach,
  beginning: string,
  options: ReachOptions & { role?: string; label?: string },
): Promise<void> {
  const wish = options.role === undefined ? null : roleNamed(options.role);
  await reach(async (client) => {
    const { device, fingerprint, role, sources, rolesAt, actions, pastMs, notBefore, notAfter } = waitingNamed(
      (await client.call('pairing.pending', {})).devices,
      'waiting device',
      beginning,
    );
    const label = options.label === undefined ? {} : { label: options.label };
    // Another role is another promise: what the code narrowed is of its own role.
    const promised = { sources, rolesAt, actions, pastMs, notBefore, notAfter };
    const terms = wish === null || wish === role ? promised : {};
    const result = await client.call('pairing.approve', {
      device,
      fingerprint,
      role: wish ?? role,
      ...terms,
      ...label,
    });
    if (!result.approved) throw nothingNamed('waiting device', beginning);
    if (options.json) world.terminal.out(`${JSON.stringify({ device, ...result })}\n`);
    else world.terminal.out(`let ${fingerprint} in as ${result.role}\n`);
  });
}

/** `reject`: turns the one waiting device away whose fingerprint begins so. */
export async function rejectCommand(
  world: World,
  reach: Reach,
  beginning: string,
  options: ReachOptions,
): Promise<void> {
  await reach(async (client) => {
    const { devices } = await client.call('pairing.pending', {});
    const { device, fingerprint } = waitingNamed(devices, 'waiting device', beginning);
    const result = await client.call('pairing.reject', { device });
    if (options.json) world.terminal.out(`${JSON.stringify({ device, ...result })}\n`);
    else world.terminal.out(result.rejected ? `turned ${fingerprint} away\n` : `${fingerprint} is gone already\n`);
  });
}

/** `confirm`: trusts, or with `dismiss` forgets, the key that answered the node's enrolment. */
export async function confirmCommand(
  world: World,
  reach: Reach,
  beginning: string,
  options: ReachOptions & { dismiss?: boolean },
): Promise<void> {
  await reach(async (client) => {
    const { enrolments } = await client.call('pairing.pending', {});
    const { signer, fingerprint } = waitingNamed(enrolments, 'answer', beginning);
    const accept = !options.dismiss;
    const { done } = await client.call('pairing.confirm', { signer, fingerprint, accept });
    if (!done) throw nothingNamed('answer', beginning);
    if (options.json) world.terminal.out(`${JSON.stringify({ signer, accepted: accept })}\n`);
    else world.terminal.out(accept ? `trusts ${fingerprint} for this identity\n` : `forgot ${fingerprint}\n`);
  });
}

/** The one of `all` whose fingerprint begins so; at least eight characters of it must have been looked at. */
function waitingNamed<T extends Pending['devices'][number] | Pending['enrolments'][number]>(
  all: readonly T[],
  what: string,
  beginning: string,
): T {
  const compared = beginning.toLowerCase().replace(/[\s:-]/g, '');
  if (!/^[0-9a-f]{8,64}$/.test(compared)) throw usageError('expected at least eight characters of the fingerprint');
  const found = all.filter((each) => ('device' in each ? each.device : each.signer).startsWith(compared));
  if (found.length > 1) {
    throw severalNamed(
      what,
      beginning,
      found.map(({ fingerprint }) => fingerprint),
    );
  }
  if (!found[0]) throw nothingNamed(what, beginning);
  return found[0];
}
