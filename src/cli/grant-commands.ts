import type { Command } from 'commander';
import type { NvrClient } from '../client/index.ts';
import {
  ACTIONS,
  type Action,
  type DeviceKey,
  type GrantFacts,
  isSourceId,
  ROLES,
  type SourceId,
} from '../protocol/index.ts';
import { nothingNamed, severalNamed, timeRefused, usageError } from './errors.ts';
import { type Reach, type ReachOptions, reachingCommands, type Speaker } from './reach.ts';
import { AT_OPTION, collected, roleNamed, rolesAtOf } from './role-options.ts';
import { harmless, lengthText, printTable, timeText } from './terminal.ts';
import { parseLength, parseTime, TIME_FORMS } from './time-text.ts';
import type { World } from './world.ts';

export interface GrantOptions extends ReachOptions {
  role: string;
  source?: string[];
  at?: string[];
  action?: string[];
  past?: string;
  from?: string;
  until?: string;
}

type Terms = Pick<GrantFacts, 'role'> &
  Partial<Pick<GrantFacts, 'sources' | 'rolesAt' | 'actions' | 'pastMs' | 'notBefore' | 'notAfter'>>;

/** Adds `grants`, `grant`, `revoke` and `trust-clock` to `client`, for a paired device, or to `devices`, for the operator. */
export function addGrantCommands(parent: Command, world: World, as: Speaker): void {
  const { command, reach } = reachingCommands(parent, world, as);
  command('grants', 'who may do what').action((options) => grantsCommand(world, reach(options), options));
  command('grant', 'let a paired device do something else, in place of what it may now')
    .argument('<device>', 'its label, or the beginning of its key')
    .requiredOption('--role <role>', ROLES.join(', '))
    .option('--source <id...>', 'only these sources')
    .option('--at <source=role>', AT_OPTION, collected)
    .option('--action <action...>', `only these of the role's: ${ACTIONS.join(', ')}`)
    .option('--past <length>', 'recordings no older than this, as in 7d')
    .option('--from <time>', 'from then on (docs/cli.md: times)')
    .option('--until <time>', 'until then')
    .action((device, options) => grantCommand(world, reach(options), device, options));
  command('revoke', 'take from a device what it may do; it stays paired')
    .argument('<device>', 'its label, or the beginning of its key')
    .option('--adopt', 'what it granted to others goes on')
    .action((device, options) => revokeCommand(world, reach(options), device, options));
  command('trust-clock', 'judge grants by the clock of the node again, after it once ran far ahead').action((options) =>
    trustClockCommand(world, reach(options), options),
  );
}

/** `grants`: what each paired device may do. */
export async function grantsCommand(world: World, reach: Reach, options: ReachOptions): Promise<void> {
  await reach(async (client) => {
    const { devices } = await client.call('devices.list', {});
    const { grants, judgedAt, clockAt } = await allGrants(client);
    if (options.json) {
      world.terminal.out(`${JSON.stringify({ judgedAt, clockAt, grants })}\n`);
      return;
    }
    const labelOf = (key: string) => devices.find(({ device }) => device === key)?.label ?? '';
    const rows = grants.map((grant) => [
      grant.device.slice(0, 16),
      grant.role,
      grant.state,
      grant.sources?.join(',') ?? 'all',
      grant.rolesAt?.map(({ source, role }) => `${source}=${role}`).join(',') ?? '-',
      grant.actions?.join(',') ?? 'all',
      grant.pastMs === undefined ? 'all' : lengthText(grant.pastMs),
      grant.notAfter === undefined ? '-' : timeText(grant.notAfter),
      harmless(labelOf(grant.device)),
    ]);
    printTable(
      world.terminal,
      ['DEVICE', 'ROLE', 'STATE', 'SOURCES', 'LOWER AT', 'ACTIONS', 'PAST', 'UNTIL', 'LABEL'],
      rows,
    );
    if (judgedAt - clockAt > 60_000) {
      world.terminal.err(`grants are judged by ${timeText(judgedAt)}, a time that the clock once had: trust-clock\n`);
    }
  });
}

/** `grant`: other terms for a paired device. */
export async function grantCommand(world: World, reach: Reach, name: string, options: GrantOptions): Promise<void> {
  const terms = termsOf(world, options);
  await reach(async (client) => {
    const { device, label } = deviceNamed((await client.call('devices.list', {})).devices, name);
    const grant = await client.call('grants.put', { device, ...terms });
    if (options.json) world.terminal.out(`${JSON.stringify(grant)}\n`);
    else world.terminal.out(`${harmless(label)} is ${grant.role} now (${grant.state})\n`);
  });
}

/** `revoke`: nothing for a device that stays paired. */
export async function revokeCommand(
  world: World,
  reach: Reach,
  name: string,
  options: ReachOptions & { adopt?: boolean },
): Promise<void> {
  await reach(async (client) => {
    const { device, label } = deviceNamed((await client.call('devices.list', {})).devices, name);
    const { revoked } = await client.call('grants.revoke', { device, adopt: options.adopt ?? false });
    if (options.json) world.terminal.out(`${JSON.stringify({ device, revoked })}\n`);
    else world.terminal.out(revoked ? `${harmless(label)} may nothing now\n` : `${harmless(label)} had no grant\n`);
  });
}

/** `trust-clock`: the way out after a clock ran ahead. */
export async function trustClockCommand(world: World, reach: Reach, options: ReachOptions): Promise<void> {
  const { judgedAt } = await reach((client) => client.call('grants.clock', {}));
  if (options.json) world.terminal.out(`${JSON.stringify({ judgedAt })}\n`);
  else world.terminal.out(`grants are judged by the clock again: ${timeText(judgedAt)}\n`);
}

async function allGrants(client: NvrClient) {
  const first = await client.call('grants.list', {});
  const grants = [...first.grants];
  for (let cursor = first.cursor; cursor !== undefined; ) {
    const page = await client.call('grants.list', { cursor });
    grants.push(...page.grants);
    cursor = page.cursor === cursor ? undefined : page.cursor;
  }
  return { ...first, grants };
}

function termsOf(world: World, { role: named, source, at, action, past, from, until }: GrantOptions): Terms {
  const role = roleNamed(named);
  if (source && !source.every(isSourceId)) throw usageError('expected --source as ids of sources');
  if (action && !action.every((each): each is Action => (ACTIONS as readonly string[]).includes(each))) {
    throw usageError(`expected --action to be of ${ACTIONS.join(', ')}`);
  }
  const pastMs = past === undefined ? undefined : parseLength(past);
  if (pastMs === null || pastMs === 0) throw usageError('expected --past as a length such as 7d');
  const timeOf = (text: string) => {
    const at = parseTime(text, world.clock.now());
    if (at === null) throw timeRefused(text, TIME_FORMS);
    return at;
  };
  return {
    role,
    ...(source ? { sources: source as SourceId[] } : {}),
    ...rolesAtOf(at, role),
    ...(action ? { actions: action as Action[] } : {}),
    ...(pastMs === undefined ? {} : { pastMs }),
    ...(from === undefined ? {} : { notBefore: timeOf(from) }),
    ...(until === undefined ? {} : { notAfter: timeOf(until) }),
  };
}

/** The one device of that label, or whose key begins so. */
export function deviceNamed(
  devices: readonly { device: string; label: string }[],
  name: string,
): { device: DeviceKey; label: string } {
  const labelled = devices.filter(({ label }) => label === name);
  const found =
    labelled.length > 0 ? labelled : devices.filter(({ device }) => name.length >= 4 && device.startsWith(name));
  const keys = found.map(({ device }) => device.slice(0, 16));
  if (found.length > 1) throw severalNamed('device', name, keys);
  if (!found[0]) throw nothingNamed('device', name);
  return { device: found[0].device as DeviceKey, label: found[0].label };
}
