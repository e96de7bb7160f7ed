import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { holdFolder } from '../../src/daemon/index.ts';
import { NodeParts } from '../../src/daemon/node-parts.ts';
import { readNodeState, writeNodeState } from '../../src/daemon/node-state.ts';
import { SimulatedFiles, silentLog } from '../../src/platform/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daemon-'));
after(() => rmSync(folder, { recursive: true }));

function parts(story: string[], failing: { start?: string; stop?: string } = {}) {
  const part = (name: string) => ({
    name,
    start: async () => {
      if (failing.start === name) throw new Error(`${name} does not start`);
      story.push(`+${name}`);
    },
    stop: async () => {
      story.push(`-${name}`);
      if (failing.stop === name) throw new Error(`${name} does not stop`);
    },
  });
  return new NodeParts(silentLog, ['a', 'b', 'c'].map(part));
}

test('parts start in order and stop backwards, once', async () => {
  const story: string[] = [];
  const all = parts(story);
  await all.start();
  await all.stop();
  await all.stop();
  assert.deepEqual(story, ['+a', '+b', '+c', '-c', '-b', '-a']);
});

test('where one does not start, those before it are stopped and its error is told', async () => {
  const story: string[] = [];
  await assert.rejects(parts(story, { start: 'c' }).start(), /c does not start/);
  assert.deepEqual(story, ['+a', '+b', '-b', '-a']);
});

test('one that does not stop cleanly does not keep the others from stopping', async () => {
  const story: string[] = [];
  const all = parts(story, { stop: 'b' });
  await all.start();
  await all.stop();
  assert.deepEqual(story.slice(3), ['-c', '-b', '-a']);
});

test('a data folder is held by one, and free again when it is let go', () => {
  const held = holdFolder(folder, () => null);
  assert.throws(() => holdFolder(folder, () => 42), { code: 'ERR_DAEMON_FOLDER_IN_USE', message: /process 42/ });
  held.release();
  holdFolder(folder, () => null).release();
});

test('what a node told of itself is read back, or nothing', async () => {
  const files = new SimulatedFiles();
  await files.makeFolder('/data');
  assert.equal(await readNodeState(files, '/data'), null);
  const state = { pid: 7, startedAt: 1_795_000_000_000, addresses: ['192.0.2.4:8456'], local: ['127.0.0.1:8456'] };
  await writeNodeState(files, '/data', state);
  assert.deepEqual(await readNodeState(files, '/data'), state);
  for (const text of [
    '',
    'null',
    '{}',
    '{"pid":1,"startedAt":2,"addresses":[]',
    '{"pid":"x","startedAt":2,"addresses":[]}',
  ]) {
    await files.replace('/data/node.json', utf8(text));
    assert.equal(await readNodeState(files, '/data'), null, text);
  }
  await files.replace('/data/node.json', utf8('{"pid":1,"startedAt":2,"addresses":["nonsense", 5, "[::1]:9"]}'));
  assert.deepEqual((await readNodeState(files, '/data'))?.addresses, ['[::1]:9']);
});
