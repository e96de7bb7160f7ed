import { resolve } from 'node:path';
import { fromUtf8 } from '../bytes/index.ts';
import { holdFolder, loadConfig, readNodeState, vaultKeys, vaultOptions } from '../daemon/index.ts';
import { silentLog } from '../platform/index.ts';
import { importV1, verifyVault } from '../vault/index.ts';
import { damageFound, nothingNamed, usageError } from './errors.ts';
import { type FolderOptions, withIdentity } from './node-commands.ts';
import { lengthText, sizeText } from './terminal.ts';
import type { World } from './world.ts';

/** How often a long look at the vault says how far it is; ms. */
const TELL_MS = 1_000;
const KEY_FILE_BYTES_MAX = 1024;

/** `vault verify`: compares every recording with the log, opens what the node can open. The node must not be running. */
export async function vaultVerifyCommand(world: World, options: FolderOptions): Promise<void> {
  const { terminal, clock, random, files, suite } = world;
  await withVaultFolder(world, options, async ({ keys, settings }) => {
    let toldAt = clock.monotonic();
    const report = await verifyVault({ clock, random, files, suite, log: silentLog, keys }, settings, (progress) => {
      if (clock.monotonic() - toldAt < TELL_MS) return;
      toldAt = clock.monotonic();
      const { segments, segmentsTotal, sizeBytes } = progress;
      terminal.err(`${segments} of ${segmentsTotal} segments, ${sizeText(sizeBytes)}\n`);
    });
    if (options.json) terminal.out(`${JSON.stringify(report)}\n`);
    else {
      for (const { severity, name, where, detail } of report.findings) {
        terminal.out(`${severity}: ${name} ${where}${detail ? `: ${detail}` : ''}\n`);
      }
      const rest = report.findingsTotal - report.findings.length;
      if (rest > 0) terminal.out(`and ${rest} more\n`);
      const read = `${report.segments} segments, ${report.leaves} leaves, ${sizeText(report.sizeBytes)}`;
      terminal.out(`${read} in ${lengthText(report.durationMs)}: ${report.sound ? 'sound' : 'DAMAGED'}\n`);
    }
    if (!report.sound) throw damageFound(`found ${report.findingsTotal} things, some of them damage`);
  });
}

/** Opens a data folder for work on its vault while no node runs on it. */
export async function withVaultFolder<T>(
  world: World,
  options: FolderOptions,
  work: (place: { keys: ReturnType<typeof vaultKeys>; settings: ReturnType<typeof vaultOptions> }) => Promise<T>,
): Promise<T> {
  return withIdentity(world, options, async (identity, folder) => {
    const running = await readNodeState(world.files, folder);
    const held = holdFolder(folder, () => running?.pid ?? null);
    try {
      const { config } = await loadConfig(world.files, folder);
      const { totalBytes } = await world.files.space(folder);
      return await work({ keys: vaultKeys(identity), settings: vaultOptions(config, folder, totalBytes) });
    } finally {
      held.release();
    }
  });
}

/** `vault import`: takes in recordings of version 1; the old files are only read. */
export async function vaultImportCommand(
  world: World,
  folder: string,
  options: FolderOptions & { keyFile: string; timeZone?: string },
): Promise<void> {
  const { terminal, clock, random, files, suite, cwd } = world;
  const keyHex = (fromUtf8(await files.read(resolve(cwd, options.keyFile), KEY_FILE_BYTES_MAX)) ?? '').trim();
  const timeZone = options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!isTimeZone(timeZone)) throw usageError('expected --time-zone as in Europe/Berlin or UTC');
  await withVaultFolder(world, options, async ({ keys, settings }) => {
    let toldAt = clock.monotonic();
    const deps = { clock, random, files, suite, log: silentLog, keys };
    const request = { folder: resolve(cwd, folder), keyHex, timeZone };
    const report = await importV1(deps, settings, request, ({ done, total }) => {
      if (clock.monotonic() - toldAt < TELL_MS) return;
      toldAt = clock.monotonic();
      terminal.err(`${done} of ${total} recordings\n`);
    });
    if (options.json) terminal.out(`${JSON.stringify(report)}\n`);
    else {
      for (const { path, reason } of report.refused) terminal.out(`left out: ${path}: ${reason}\n`);
      const { imported, found, alreadyThere, sizeBytes } = report;
      terminal.out(
        `${imported} of ${found} recordings taken in (${sizeText(sizeBytes)}), ${alreadyThere} were there already\n`,
      );
    }
    if (report.found === 0) throw nothingNamed('recording of version 1 below', folder);
  });
}

function isTimeZone(text: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: text }) !== null;
  } catch {
    return false;
  }
}
