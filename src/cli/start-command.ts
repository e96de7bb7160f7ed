import { join, resolve } from 'node:path';
import {
  createDaemon,
  greetingText,
  holdFolder,
  invitationText,
  prepareFolder,
  readEnvironment,
  readNodeState,
} from '../daemon/index.ts';
import {
  careForMemory,
  createNodeDatagrams,
  createNodeHttp,
  createNodeProcesses,
  createNodeSockets,
} from '../platform/node/index.ts';
import { versionOf, type World } from './world.ts';

/** `start`: runs the node until it is interrupted. */
export async function startCommand(
  world: World,
  options: { data?: string; qr: boolean; viewer?: string },
): Promise<void> {
  const { clock, random, files, suite, terminal, env, cwd, home, pid, interrupt } = world;
  const place = readEnvironment(env, { data: options.data, home, cwd });
  await files.makeFolder(place.folder);
  const other = await readNodeState(files, place.folder);
  const held = holdFolder(place.folder, () => other?.pid ?? null);
  try {
    const { config, added } = await prepareFolder(files, place.folder);
    const processes = createNodeProcesses();
    const log = world.log(config.log);
    const version = versionOf(world);
    const datagrams = createNodeDatagrams();
    const sockets = createNodeSockets();
    const http = createNodeHttp({ clock });
    const deps = { clock, random, files, suite, processes, datagrams, sockets, http, log };
    const viewerFolder = options.viewer === undefined ? join(home, 'web/dist') : resolve(cwd, options.viewer);
    const daemon = createDaemon(deps, { ...place, config, version, pid, viewerFolder });
    await daemon.start();
    // Whatever is wrong with the file is in the log.
    const careless = careForMemory(clock);
    const deaf = world.onHangup(() => void daemon.reload().catch(() => {}));
    try {
      const remarks = added ? [`no source was configured: the virtual camera ${added} was added to config.yaml`] : [];
      if (!processes.tied) remarks.push('setpriv is missing (package util-linux): children may survive a kill -9');
      terminal.out(
        greetingText({
          nodeId: daemon.nodeId,
          version,
          folder: place.folder,
          listening: daemon.listening(),
          sources: daemon.sources().map(({ id, name, enabled, streams }) => ({
            id,
            name,
            enabled,
            streams: streams.map(({ stream }) => stream),
          })),
          devices: daemon.devices(),
          viewer: daemon.viewerAddress(),
          remarks,
        }),
      );
      if (daemon.devices() === 0) {
        terminal.out(`\n${invitationText(await daemon.invite(), clock.now(), { qr: options.qr })}`);
      }
      await aborted(interrupt);
      terminal.err('stopping …\n');
    } finally {
      await daemon.stop();
      deaf();
      careless();
    }
    terminal.err('stopped\n');
  } finally {
    held.release();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
