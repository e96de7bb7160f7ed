import { loadConfig, readEnvironment } from '../daemon/index.ts';
import { createIdentity, type Identity } from '../identity/index.ts';
import { silentLog } from '../platform/index.ts';
import type { World } from './world.ts';

/** Options of commands that work on a data folder of this machine. */
export interface FolderOptions {
  data?: string;
  json?: boolean;
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
