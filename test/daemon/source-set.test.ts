import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RecorderView } from '../../src/commands/index.ts';
import { loadConfig } from '../../src/daemon/config.ts';
import { ConfigKeeper } from '../../src/daemon/config-keeper.ts';
import { vaultOptions } from '../../src/daemon/index.ts';
import { keysToRestart } from '../../src/daemon/restart-keys.ts';
import { SourceSet } from '../../src/daemon/source-set.ts';
import { StreamIds } from '../../src/daemon/stream-ids.ts';
import { createLive } from '../../src/live/index.ts';
import { type Log, type LogFields, silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeFiles,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
  createNodeSuite,
} from '../../src/platform/node/index.ts';
import type { SourceId, StreamName } from '../../src/protocol/index.ts';
import { createVault } from '../../src/vault/index.ts';
import { createVirtualCamera } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { testKeys } from '../vault/bench.ts';

const base = mkdtempSync(join(tmpdir(), 'sources-'));
after(() => rmSync(base, { recursive: true, force: true }));

const PASSWORD = 'Zq7-not-to-be-seen';
const SMALL = { width: 160, height: 96, fps: 50, gop: 10, bitrate: 60_000 };
const EVER = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };

/** A generated camera that asks for a password; gives its address without a mount. */
async function camera(): Promise<string> {
  const deps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    processes: createNodeProcesses(),
  };
  const credentials = { scheme: 'digest' as const, username: 'u', password: PASSWORD };
  const made = createVirtualCamera(deps, { main: SMALL, sub: SMALL, credentials });
  await made.start();
  after(() => made.stop());
  return made.url('');
}

/** Everything of a node that a source touches: vault, live, recorders, the configuration that is kept. */
async function rig(name: string, text: string) {
  const lines: string[] = [];
  const note = (fields: LogFields, line: string) => void lines.push(`${line} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  const deps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    files: createNodeFiles(),
    processes: createNodeProcesses(),
    sockets: createNodeSockets(),
    datagrams: createNodeDatagrams(),
    suite: createNodeSuite(),
    log,
  };
  const folder = join(base, name);
  await deps.files.makeFolder(folder);
  const file = join(folder, 'config.yaml');
  writeFileSync(file, text);
  const { config } = await loadConfig(deps.files, folder);
  const vault = createVault({ ...deps, keys: testKeys }, { ...vaultOptions(config, folder, 1e12), segmentMs: 2_000 });
  const live = createLive({ log });
  const streamIds = new StreamIds(deps, join(folder, 'streams.json'));
  const sources = new SourceSet({ ...deps, vault: () => vault, live, streamIds });
  const keeper = new ConfigKeeper(
    {
      ...deps,
      reserve: (wanted) => sources.reserve(wanted),
      apply: (changed) => sources.apply(changed.sources),
      needsRestart: keysToRestart,
    },
    { folder, config },
  );
  await vault.start();
  await keeper.unseal(new Uint8Array(32).fill(7));
  await sources.start(keeper.current.sources);
  await keeper.start();
  return {
    ...{ folder, file, lines, vault, live, sources, keeper },
    status(id: string, stream: StreamName = 'main'): RecorderView | undefined {
      const source = sources.list().find((each) => each.id === id);
      return source?.streams.find((each) => each.stream === stream)?.status;
    },
    streamId: (id: string) => sources.list().find((each) => each.id === id)?.streams[0]?.streamId,
    segments: (id: string) =>
      vault.list({ sourceId: id as SourceId, stream: 'main', ...EVER, order: 'oldest', limit: 100 }).segments,
    gaps: (id: string) => vault.gaps({ sourceId: id as SourceId, stream: 'main', ...EVER, limit: 100 }),
    async stop() {
      await keeper.stop();
      await sources.stop();
      await vault.stop();
    },
  };
}

test('cameras come, change and go while another records without a gap', { timeout: 60_000 }, async () => {
  const url = `${await camera()}/main`;
  const node = await rig(
    'while',
    `# a node
sources:
  # stays
  first: { url: '${url}', username: u, password: ${PASSWORD} }
`,
  );
  try {
    await until('the first records', () => node.status('first')?.state === 'running');
    const since = node.status('first')!.since;

    // One comes, with its password.
    const wish = { source: 'second' as SourceId, url, username: 'u', password: PASSWORD, name: 'Second' };
    assert.deepEqual(await node.keeper.upsert(wish), { created: true, changed: true, restarted: true });
    await until('the second records', () => node.status('second')?.state === 'running');
    const id = node.streamId('second');
    await until('a segment of the second is stored', () => node.segments('second').length > 0);

    // Another name restarts nothing, nor does the same again.
    const begun = node.status('second')!.since;
    assert.equal((await node.keeper.upsert({ ...wish, name: 'Another' })).restarted, false);
    assert.equal((await node.keeper.upsert({ ...wish, name: 'Another' })).changed, false);
    assert.equal(node.status('second')!.since, begun);
    assert.equal(node.sources.list().find((each) => each.id === 'second')?.name, 'Another');

    // Another wish for its sound does: the recording goes on under the same stream id, behind a gap.
    assert.equal((await node.keeper.upsert({ ...wish, name: 'Another', audio: 'none' })).restarted, true);
    await until('the second records again', () => node.status('second')?.state === 'running');
    assert.equal(node.streamId('second'), id);
    await until('its gap is told', () => node.gaps('second').some(({ endUs }) => endUs !== null));
    assert.deepEqual(
      node.gaps('second').map(({ cause }) => cause),
      ['stopped'],
    );

    // It goes; who watches is told, what was recorded stays.
    const watching = node.live.subscribe({ sourceId: 'second' as SourceId, stream: 'main' });
    const kept = node.segments('second').length;
    assert.equal(await node.keeper.remove('second' as SourceId), true);
    for await (const _ of watching); // ends
    assert.ok(node.segments('second').length > kept, 'the open segment was closed in order');
    assert.equal(node.status('second'), undefined);
    assert.deepEqual(node.sources.retained(), ['second']);
    assert.equal(node.live.current({ sourceId: 'second' as SourceId, stream: 'main' }), null);

    // By the file it comes back, and finds its recordings.
    const text = readFileSync(node.file, 'utf8');
    writeFileSync(node.file, `${text}  second: { url: '${url}', enabled: false }\n`);
    await until('the file is taken', () => node.status('second') !== undefined);
    assert.equal(node.status('second')?.state, 'disabled');
    assert.equal(node.streamId('second'), id, 'the same id gets its old stream id back');
    assert.deepEqual(node.sources.retained(), []);

    // A broken file stops nothing.
    writeFileSync(node.file, `${text}  third: { url: 'file:///etc/passwd' }\n`);
    await until('the broken file is told', () => node.keeper.state.mistakes.length > 0);
    assert.match(node.keeper.state.mistakes.join(), /sources\.third\.url: expected a camera url/);
    assert.ok(node.lines.some((line) => line.startsWith('a changed configuration was refused')));
    assert.equal(node.status('second')?.state, 'disabled');

    // The first never noticed.
    assert.equal(node.status('first')?.state, 'running');
    assert.equal(node.status('first')?.since, since);
    assert.equal(node.status('first')?.restarts, 0);
    assert.deepEqual(node.gaps('first'), []);
    const stored = node.segments('first');
    assert.ok(stored.length >= 2);
    assert.equal(new Set(stored.map(({ run }) => run)).size, 1);
    for (const [i, { startUs }] of stored.entries()) if (i > 0) assert.equal(startUs, stored[i - 1]!.endUs);
    assert.ok(node.lines.every((line) => !line.includes(PASSWORD)));
  } finally {
    await node.stop();
  }
});

test('a small picture that is taken away ends for those who watch it, and the large one goes on', {
  timeout: 60_000,
}, async () => {
  const url = await camera();
  const text = (sub: string) => `sources: { cam: { url: '${url}/main', ${sub} username: u, password: ${PASSWORD} } }\n`;
  const node = await rig('small', text(`sub: '${url}/sub',`));
  try {
    await until('both run', () =>
      ['main', 'sub'].every((each) => node.status('cam', each as 'main')?.state === 'running'),
    );
    const watching = node.live.subscribe({ sourceId: 'cam' as SourceId, stream: 'sub' });
    writeFileSync(node.file, text(''));
    assert.equal(await node.keeper.reload(), 'applied');
    for await (const _ of watching); // ends
    assert.equal(node.status('cam', 'sub'), undefined);
    await until('the large one runs', () => node.status('cam')?.state === 'running');
    assert.throws(() => node.live.subscribe({ sourceId: 'cam' as SourceId, stream: 'sub' }), {
      code: 'ERR_LIVE_STREAM_MISSING',
    });
  } finally {
    await node.stop();
  }
});
