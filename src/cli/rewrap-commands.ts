import type { NvrClient } from '../client/index.ts';
import { isNvrError } from '../errors.ts';
import { silentLog } from '../platform/index.ts';
import { type RewrapReport, rewrapVault } from '../vault/index.ts';
import type { ClientOptions } from './client-listings.ts';
import { interrupted } from './errors.ts';
import type { FolderOptions } from './node-commands.ts';
import { withNode } from './node-link.ts';
import { withOperator } from './operator-link.ts';
import { withVaultFolder } from './vault-commands.ts';
import type { World } from './world.ts';

type Told = Pick<RewrapReport, 'files' | 'rewritten' | 'dropped' | 'added'> & { faults: string[] };

/**
 * `vault rewrap`: writes the key files of old recordings anew for the devices that are recipients now. A node that runs is asked to do
 * it; of one that does not, the folder is worked on directly. It may be broken off and done again.
 */
export async function vaultRewrapCommand(world: World, options: FolderOptions): Promise<void> {
  try {
    tell(world, await rewrapFolder(world, options), options);
  } catch (error) {
    if (world.interrupt.aborted) throw interrupted();
    if (!isNvrError(error) || error.code !== 'ERR_DAEMON_FOLDER_IN_USE') throw error;
    await withOperator(world, options, async (client) => tell(world, await rewrapOver(world, client), options));
  }
}

async function rewrapFolder(world: World, options: FolderOptions): Promise<Told> {
  const { clock, random, files, suite, terminal, interrupt } = world;
  return withVaultFolder(world, options, async ({ keys, settings }) => {
    const deps = { clock, random, files, suite, log: silentLog, keys };
    const report = await rewrapVault(deps, settings, { signal: interrupt }, ({ files: done, total }) => {
      if (done < total) terminal.err(`${done} of ${total} key files\n`);
    });
    const faults = report.faults.map(({ sourceId, stream, epochId, fault }) =>
      faultText(sourceId, stream, epochId, fault),
    );
    return { ...report, faults };
  });
}

/** `client rewrap`: the same as an owner device. */
export async function clientRewrapCommand(world: World, options: ClientOptions): Promise<void> {
  await withNode(world, options.node, async (client) => tell(world, await rewrapOver(world, client), options));
}

async function rewrapOver({ terminal, interrupt }: World, client: NvrClient): Promise<Told> {
  const sum: Told = { files: 0, rewritten: 0, dropped: 0, added: 0, faults: [] };
  for (let cursor: string | undefined; ; ) {
    const page = await client.call('keys.rewrap', cursor === undefined ? {} : { cursor }, { signal: interrupt });
    for (const name of ['files', 'rewritten', 'dropped', 'added'] as const) sum[name] += page[name];
    sum.faults.push(
      ...page.faults.map(({ source, stream, epochId, fault }) => faultText(source, stream, epochId, fault)),
    );
    if (page.cursor === undefined || page.cursor === cursor) return sum;
    terminal.err(`${sum.files} of ${page.total} key files\n`);
    cursor = page.cursor;
  }
}

function tell({ terminal }: World, told: Told, { json }: { json?: boolean }): void {
  const { files, rewritten, dropped, added, faults } = told;
  if (json) {
    terminal.out(`${JSON.stringify({ files, rewritten, dropped, added, faults })}\n`);
    return;
  }
  for (const fault of faults) terminal.out(`left as it is: ${fault}\n`);
  terminal.out(`${rewritten} of ${files} key files written anew: ${dropped} copies left out, ${added} added\n`);
}

function faultText(source: string, stream: string, epochId: number, fault: string): string {
  return `segments/${source}/${stream}/${epochId}.cnk: ${fault}`;
}
