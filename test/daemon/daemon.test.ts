import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDaemon, type Daemon, prepareFolder, readNodeState } from '../../src/daemon/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeFiles,
  createNodeHttp,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
  createNodeSuite,
} from '../../src/platform/node/index.ts';
import { parseInvitation, type SourceId } from '../../src/protocol/index.ts';
import { until } from '../support/wait.ts';

const base = mkdtempSync(join(tmpdir(), 'node-'));
after(() => rmSync(base, { recursive: true, force: true }));
const deps = {
  clock: createNodeClock(),
  random: createNodeRandom(),
  files: createNodeFiles(),
  processes: createNodeProcesses(),
  datagrams: createNodeDatagrams(),
  sockets: createNodeSockets(),
  http: createNodeHttp({ clock: createNodeClock() }),
  suite: createNodeSuite(),
  log: silentLog,
};

async function nodeOn(name: string, config: string): Promise<{ daemon: Daemon; folder: string }> {
  const folder = join(base, name);
  await deps.files.makeFolder(folder);
  writeFileSync(join(folder, 'config.yaml'), config);
  const { config: checked } = await prepareFolder(deps.files, folder);
  return { daemon: createDaemon(deps, { folder, config: checked, version: '0.0.1', pid: 1 }), folder };
}

test('cameras live apart: one that is down, one that is disabled, one with two streams', {
  timeout: 60_000,
}, async () => {
  const config = `
listen: [127.0.0.1:0, '127.0.0.1:0']
sources:
  dead: { url: 'rtsp://u:secret@127.0.0.1:9/x', name: Dead }
  off: { url: 'rtsp://127.0.0.1:9/y', enabled: false }
  front: { virtual: { size: 320x180, fps: 10, sub: true } }
`;
  const { daemon, folder } = await nodeOn('apart', config);
  await daemon.start();
  try {
    const stateOf = (id: string, stream = 'main') =>
      daemon
        .sources()
        .find((source) => source.id === id)
        ?.streams.find((each) => each.stream === stream)?.status;
    await until('both streams of the living camera run', () =>
      ['main', 'sub'].every((stream) => stateOf('front', stream)?.state === 'running'),
    );
    await until('the dead one was tried', () => stateOf('dead')?.cause === 'unreachable');
    assert.equal(stateOf('off')?.state, 'disabled');

    const [address] = daemon.listening();
    assert.equal(daemon.listening().length, 2);
    const health = await (await fetch(`http://${address}/health`)).text();
    assert.doesNotMatch(health, /secret|rtsp/);
    const { ok, sourceRuntime } = JSON.parse(health) as {
      ok: boolean;
      sourceRuntime: { sourceId: string; state: string }[];
    };
    assert.equal(ok, true);
    assert.deepEqual(
      sourceRuntime.map(({ sourceId, state }) => `${sourceId} ${state}`).filter((each) => !each.startsWith('dead')),
      ['front running', 'off stopped'],
    );

    const { text } = await daemon.invite();
    const invitation = parseInvitation(deps.suite.hashes, text);
    assert.ok(typeof invitation !== 'string');
    assert.equal(invitation.nodeId, daemon.nodeId);
    assert.deepEqual([...invitation.addresses].sort(), daemon.listening().sort());
    assert.deepEqual((await readNodeState(deps.files, folder))?.addresses.sort(), daemon.listening().sort());
  } finally {
    await daemon.stop();
  }
  assert.equal(await readNodeState(deps.files, folder), null);
  const ids = JSON.parse(readFileSync(join(folder, 'streams.json'), 'utf8')) as { streams: Record<string, string> };
  assert.deepEqual(Object.keys(ids.streams), ['dead/main', 'front/main', 'front/sub', 'off/main']);
});

test('what is configured no more keeps its recordings and is told as retained', async () => {
  const { daemon, folder } = await nodeOn(
    'retained',
    "listen: '127.0.0.1:0'\nsources: { a: { url: 'rtsp://127.0.0.1:9/a' } }\n",
  );
  await daemon.start();
  await daemon.stop();
  const again = await nodeOn(
    'retained',
    "listen: '127.0.0.1:0'\nsources: { b: { url: 'rtsp://127.0.0.1:9/b', enabled: false } }\n",
  );
  await again.daemon.start();
  try {
    const health = (await (await fetch(`http://${again.daemon.listening()[0]}/health`)).json()) as {
      retainedSources: SourceId[];
    };
    assert.deepEqual(health.retainedSources, ['a']);
    assert.equal(again.folder, folder);
  } finally {
    await again.daemon.stop();
  }
});

test('a port that is taken keeps the node from starting, and leaves nothing behind', async () => {
  const first = await nodeOn(
    'first',
    "listen: '127.0.0.1:0'\nsources: { b: { url: 'rtsp://127.0.0.1:9/b', enabled: false } }\n",
  );
  await first.daemon.start();
  try {
    const address = first.daemon.listening()[0];
    const second = await nodeOn('second', `listen: '${address}'\nsources: { b: { virtual: true } }\n`);
    await assert.rejects(second.daemon.start(), { code: 'ERR_DAEMON_LISTEN', kind: 'conflict' });
    await second.daemon.stop();
    assert.equal(await readNodeState(deps.files, second.folder), null);
    // The vault was let go: the same folder starts at once elsewhere.
    const third = await nodeOn(
      'second',
      "listen: '127.0.0.1:0'\nsources: { b: { url: 'rtsp://127.0.0.1:9/b', enabled: false } }\n",
    );
    await third.daemon.start();
    await third.daemon.stop();
  } finally {
    await first.daemon.stop();
  }
});
