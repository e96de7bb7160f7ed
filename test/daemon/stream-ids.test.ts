import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/index.ts';
import { readStreamIds, StreamIds, writeStreamIds } from '../../src/daemon/stream-ids.ts';
import { SeededRandom, SimulatedFiles } from '../../src/platform/index.ts';
import type { SourceId, StreamId, StreamName } from '../../src/protocol/index.ts';

const place = (sourceId: string, stream: StreamName = 'main') => ({ sourceId: sourceId as SourceId, stream });

async function open(files: SimulatedFiles, seed = 1): Promise<StreamIds> {
  const ids = new StreamIds({ files, random: new SeededRandom(seed) }, '/data/streams.json');
  await ids.load();
  return ids;
}

test('an id is given once and found again, also after its source was away', async () => {
  const files = new SimulatedFiles();
  await files.makeFolder('/data');
  const first = await (await open(files, 1)).assign([place('front'), place('front', 'sub')]);
  assert.equal(new Set(first).size, 2);
  const later = await open(files, 2);
  const [other] = await later.assign([place('yard')]);
  assert.ok(!first.includes(other!));
  assert.deepEqual(await (await open(files, 3)).assign([place('front'), place('front', 'sub')]), first);
  assert.deepEqual((await open(files)).sources(), ['front', 'yard']);
});

test('nothing is written where nothing is new, and nothing is known that could not be written', async () => {
  const files = new SimulatedFiles();
  await files.makeFolder('/data');
  const ids = await open(files);
  await ids.assign([place('front')]);
  const calls = files.calls;
  await ids.assign([place('front')]);
  assert.equal(files.calls, calls);
  files.failAt(1, 'ENOSPC', null, 20);
  await assert.rejects(ids.assign([place('yard')]), { kind: 'exhausted' });
  files.heal();
  assert.deepEqual(ids.sources(), ['front']);
});

test('a file that is not ours is refused instead of being replaced', async () => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"version":2,"streams":{}}',
    '{"version":1}',
    '{"version":1,"streams":{"a":"b"}}',
  ]) {
    const files = new SimulatedFiles();
    await files.makeFolder('/data');
    await files.replace('/data/streams.json', utf8(text));
    await assert.rejects(open(files), { code: 'ERR_DAEMON_FILE', kind: 'corrupt' }, text);
  }
});

test('reading is the inverse of writing; any cut is refused, any change gives a value or a reason', () => {
  const id = fc.stringMatching(/^[0-9a-f]{32}$/);
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}\/(main|sub)$/);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, id), { selector: ([key]) => key, maxLength: 8 }), (entries) => {
      const ids = new Map(entries as [string, StreamId][]);
      if (new Set(ids.values()).size !== ids.size) return;
      const bytes = writeStreamIds(ids);
      const read = readStreamIds(bytes);
      assert.ok('ids' in read);
      assert.deepEqual(new Map([...read.ids].sort()), new Map([...ids].sort()));
      for (let size = 0; size < bytes.length - 1; size++) assert.ok('reason' in readStreamIds(bytes.subarray(0, size)));
    }),
    { numRuns: 50 },
  );
  const rng = new SeededRandom(9);
  const bytes = writeStreamIds(new Map([['front/main', 'ab'.repeat(16) as StreamId]]));
  for (let round = 0; round < 3000; round++) {
    const changed = bytes.slice();
    for (let n = 1 + rng.below(4); n > 0; n--) changed[rng.below(changed.length)] = rng.below(256);
    const read = readStreamIds(changed);
    assert.ok('ids' in read || read.reason.startsWith('expected'));
  }
});
