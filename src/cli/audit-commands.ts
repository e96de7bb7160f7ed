import { fromHex } from '../bytes/index.ts';
import { auditLine } from '../commands/index.ts';
import type { Identity } from '../identity/index.ts';
import { AUDIT_PAGE_MAX, type AuditListResult, type DeviceKey, isDeviceKey } from '../protocol/index.ts';
import { type AuditExpectation, type AuditQuery, readAudit, verifyAudit } from '../vault/index.ts';
import { type ClientOptions, timeOf } from './client-listings.ts';
import { damageFound, nothingNamed, severalNamed, usageError } from './errors.ts';
import { environmentOf, type FolderOptions, withIdentity } from './node-commands.ts';
import { withNode } from './node-link.ts';
import { harmless, printTable, timeText } from './terminal.ts';
import type { World } from './world.ts';

type AuditLine = AuditListResult['entries'][number];

/** What of the log is wanted, as typed. */
export interface AuditFilter {
  from?: string;
  to?: string;
  device?: string;
  limit: string;
  oldest?: boolean;
}

/** `audit`: what was done at the node of a data folder; read from its files, whether or not it runs. */
export async function auditListCommand(world: World, options: FolderOptions & AuditFilter): Promise<void> {
  const { folder } = environmentOf(world, options);
  const known = await devicesOf(world, options);
  const { limit, ...query } = queryOf(world, options, (name) => deviceNamed(known, name));
  const lines: AuditLine[] = [];
  for (let cursor: string | undefined; ; ) {
    const wish = { ...query, limit: limit - lines.length, ...(cursor === undefined ? {} : { cursor }) };
    const page = await readAudit(world.files, folder, wish);
    lines.push(...page.records.map(auditLine));
    if (page.cursor === undefined || lines.length >= limit) break;
    cursor = page.cursor;
  }
  tellLines(world, lines, known, options);
}

/** `client audit`: the same over a channel, for owners. */
export async function clientAuditCommand(world: World, options: ClientOptions & AuditFilter): Promise<void> {
  const { limit, ...query } = queryOf(world, options, wholeKey);
  await withNode(world, options.node, async (client) => {
    const lines: AuditLine[] = [];
    for (let cursor: string | undefined; ; ) {
      const wish = { ...query, limit: Math.min(limit - lines.length, AUDIT_PAGE_MAX) };
      const page = await client.call('audit.list', cursor === undefined ? wish : { ...wish, cursor });
      lines.push(...page.entries);
      if (page.cursor === undefined || page.cursor === cursor || lines.length >= limit) break;
      cursor = page.cursor;
    }
    tellLines(world, lines, [], options);
  });
}

/** `audit verify`: checks every byte of the log against the node's public key; exit code 9 where something was changed. */
export async function auditVerifyCommand(
  world: World,
  options: FolderOptions & { nodeKey?: string; head?: string },
): Promise<void> {
  const { files, suite, terminal } = world;
  const { folder } = environmentOf(world, options);
  const expected: AuditExpectation = { ...headOf(options.head), ...(await nodeKeyOf(world, options)) };
  const report = await verifyAudit({ files, hashes: suite.hashes }, folder, expected);
  if (options.json) terminal.out(`${JSON.stringify(report)}\n`);
  else {
    for (const { severity, name, where, detail } of report.findings) {
      terminal.out(`${severity}: ${name} ${where}${detail ? `: ${detail}` : ''}\n`);
    }
    const rest = report.findingsTotal - report.findings.length;
    if (rest > 0) terminal.out(`and ${rest} more\n`);
    const { first, leaves, entries, heads, signed, nodeId } = report;
    terminal.out(
      `node   ${nodeId}${expected.nodeId ? '' : ' (as its files say: compare it, or name it with --node-key)'}\n`,
    );
    terminal.out(`log    leaves ${first} to ${first + leaves}: ${entries} entries, ${heads} signatures\n`);
    if (signed) terminal.out(`head   ${signed.count}:${signed.root}  ${timeText(signed.at)}\n`);
    terminal.out(report.sound ? 'sound\n' : 'DAMAGED\n');
  }
  if (!report.sound) throw damageFound(`found ${report.findingsTotal} things in the audit log, some of them damage`);
}

function queryOf(
  world: World,
  { from, to, device, limit, oldest }: AuditFilter,
  deviceOf: (name: string) => DeviceKey,
): Omit<AuditQuery, 'cursor'> {
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 1) throw usageError('expected --limit as a whole number from 1 on');
  const query: Omit<AuditQuery, 'cursor'> = {
    order: oldest ? 'oldest' : 'newest',
    limit: count,
    ...(from === undefined ? {} : { from: timeOf(world, from) }),
    ...(to === undefined ? {} : { to: timeOf(world, to) }),
    ...(device === undefined ? {} : { device: deviceOf(device) }),
  };
  if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
    throw usageError('expected --from not to be after --to');
  }
  return query;
}

/** Devices that are paired now, for their labels; none where the keys of the node cannot be read. */
async function devicesOf(world: World, options: FolderOptions): Promise<ReturnType<Identity['devices']>> {
  return withIdentity(world, options, async (identity) => identity.devices()).catch(() => []);
}

/** A device by its label, or by its whole key or the beginning of it. */
function deviceNamed(known: ReturnType<Identity['devices']>, name: string): DeviceKey {
  if (isDeviceKey(name)) return name;
  const found = known.filter(({ device, label }) => label === name || (name.length >= 4 && device.startsWith(name)));
  const keys = found.map(({ device }) => device.slice(0, 16));
  if (found.length > 1) throw severalNamed('device', name, keys);
  if (!found[0]) throw nothingNamed('device', name);
  return found[0].device;
}

function wholeKey(name: string): DeviceKey {
  if (!isDeviceKey(name)) throw usageError('expected --device as a whole key, 64 characters');
  return name;
}

async function nodeKeyOf(
  world: World,
  options: FolderOptions & { nodeKey?: string },
): Promise<Pick<AuditExpectation, 'nodeId'>> {
  if (options.nodeKey === undefined) {
    // A copy of the log alone has no keys beside it.
    return withIdentity(world, options, async ({ nodeId }) => ({ nodeId: fromHex(nodeId, 32)! })).catch(() => ({}));
  }
  const nodeId = fromHex(options.nodeKey, 32);
  if (!nodeId) throw usageError('expected --node-key as 64 characters');
  return { nodeId };
}

function headOf(text: string | undefined): Pick<AuditExpectation, 'head'> {
  if (text === undefined) return {};
  const [, count, root] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (count === undefined || root === undefined) throw usageError('expected --head as audit verify printed it');
  return { head: { count: Number(count), root: fromHex(root)! } };
}

function tellLines(
  world: World,
  lines: readonly AuditLine[],
  known: ReturnType<Identity['devices']>,
  { json }: { json?: boolean },
): void {
  const { terminal } = world;
  if (json) {
    terminal.out(`${JSON.stringify({ entries: lines })}\n`);
    return;
  }
  if (lines.length === 0) {
    terminal.err('the audit log has nothing of this\n');
    return;
  }
  const nameOf = (key: string | null) =>
    key === null ? '-' : (known.find(({ device }) => device === key)?.label ?? key.slice(0, 16));
  const rows = lines.map((line) =>
    [timeText(line.at), eventOf(line), nameOf(line.device), line.source ?? '-', line.address ?? '-', aboutOf(line)].map(
      harmless,
    ),
  );
  printTable(terminal, ['TIME', 'EVENT', 'DEVICE', 'SOURCE', 'FROM', 'ABOUT'], rows);
}

function eventOf({ kind, event }: AuditLine): string {
  return kind === 'entry' ? (event ?? '') : kind.toUpperCase();
}

function aboutOf({ kind, detail = '', from, to, count, before, cause }: AuditLine): string {
  if (kind === 'lost') return `${count} entries (${cause})`;
  if (kind === 'dropped') return `everything before ${before} (${cause})`;
  const span = from === undefined || to === undefined ? '' : `${timeText(from)} to ${timeText(to)}`;
  return [detail, span].filter((text) => text !== '').join('  ');
}
