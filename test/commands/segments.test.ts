import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/bytes/index.ts';
import { NvrError } from '../../src/errors.ts';
import type { SegmentId } from '../../src/protocol/index.ts';
import { deviceKey, fakeNode, refuses, START_AT, settle } from './fake-node.ts';

const MINUTE = 60_000;

test('segments are listed by time, in both orders, page by page', async () => {
  const node = fakeNode();
  for (let n = 0; n < 400; n++) node.vault.add(n);
  for (const order of ['oldest', 'newest'] as const) {
    const seen: number[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await node.ask('segments.list', {
        source: 'front',
        order,
        limit: 150,
        ...(cursor ? { cursor } : {}),
      });
      seen.push(...page.segments.map((each) => each.seq));
      cursor = page.cursor;
      pages++;
    } while (cursor);
    const all = Array.from({ length: 400 }, (_, n) => n);
    assert.deepEqual(seen, order === 'oldest' ? all : all.reverse());
    assert.equal(pages, 3);
  }
});

test('a span holds its start and not its end; times are rounded down and still tile', async () => {
  const node = fakeNode();
  for (let n = 0; n < 4; n++) node.vault.add(n);
  const list = async (from: number, to: number) =>
    (await node.ask('segments.list', { source: 'front', order: 'oldest', from, to })).segments;
  assert.deepEqual(
    (await list(START_AT + MINUTE + 1, START_AT + 2 * MINUTE)).map((each) => each.seq),
    [1],
  );
  assert.deepEqual(
    (await list(START_AT + 2 * MINUTE + 1, START_AT + 2 * MINUTE + 2)).map((each) => each.seq),
    [2],
  );
  const all = await list(0, START_AT + 99 * MINUTE);
  assert.equal(all[0]!.startAt, START_AT, '999 µs are dropped');
  for (let i = 1; i < all.length; i++) assert.equal(all[i]!.startAt, all[i - 1]!.endAt);
});

test('what was recorded by a source that is gone may still be read; what never was is missing', async () => {
  const node = fakeNode();
  node.vault.add(0);
  node.sources.length = 0;
  assert.equal((await node.ask('segments.list', { source: 'front' })).segments.length, 1);
  for (const method of ['segments.list', 'range.read'] as const) {
    const params = { source: 'attic', ...(method === 'range.read' ? { from: 0, to: 1 } : {}) };
    await refuses(node.ask(method, params), 'ERR_COMMANDS_SOURCE', 'missing');
  }
});

test('a cursor of somebody else is refused as a param', async () => {
  const node = fakeNode();
  node.vault.add(0);
  await refuses(node.ask('segments.list', { source: 'front', cursor: 'mine!' }), 'ERR_COMMANDS_PARAMS', 'invalid');
});

test('stored bytes come as they are stored, from any offset, in bounded units', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(7, { size: 700_001 });
  const bytes = node.vault.bytes.get(id)!;
  await fc.assert(
    fc.asyncProperty(fc.nat(700_001), fc.option(fc.nat(800_000), { nil: undefined }), async (offset, length) => {
      const call = node.call('segments.get', { segment: id, offset, ...(length === undefined ? {} : { length }) });
      await call.ended;
      const expected = bytes.subarray(offset, length === undefined ? undefined : offset + length);
      assert.deepEqual(concatBytes(...call.units.map((unit) => unit.bytes)), expected.slice());
      assert.ok(call.units.every((unit) => unit.bytes.length <= 262_144));
      assert.equal((call.result as { length: number }).length, expected.length);
      assert.equal(node.vault.open, 0);
    }),
    {
      numRuns: 60,
      examples: [
        [0, undefined],
        [700_001, undefined],
        [0, 0],
        [0, 568],
      ],
    },
  );
});

test('facts and key stand in the reply; a sealed segment names its epoch key only', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(3);
  const managed = await node.ask('segments.get', { segment: id, length: 0 });
  assert.equal(managed.fileKey, 'ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY');
  assert.deepEqual(managed.tracks[0], {
    id: 1,
    kind: 'video',
    format: 'avc1',
    codec: 'avc1.64001f',
    timescale: 90_000,
    width: 1280,
    height: 720,
  });
  node.vault.sealed = true;
  const sealed = await node.ask('segments.get', { segment: id, length: 0 });
  assert.equal(sealed.fileKey, undefined);
  assert.equal(sealed.epochKeyId, '71'.repeat(16));
  const rebuilt = node.vault.add(4, { epochKeyId: '', tracks: [] });
  assert.equal((await node.ask('segments.get', { segment: rebuilt.id, length: 0 })).epochKeyId, undefined);
});

test('what cannot be given is refused before any byte', async () => {
  const node = fakeNode();
  const { id, sizeBytes } = node.vault.add(3);
  await refuses(node.ask('segments.get', { segment: id, offset: sizeBytes + 1 }), 'ERR_COMMANDS_RANGE', 'invalid');
  const unknown = node.ask('segments.get', { segment: 'f'.repeat(32) });
  const error = await refuses(unknown, 'ERR_COMMANDS_SEGMENT', 'missing');
  assert.ok(!error.message.includes('ffff'));
  assert.equal(node.vault.open, 0);
});

test('a file that ends early breaks the transfer off instead of ending it well', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(3, { size: 400_000 });
  node.vault.bytes.set(id, node.vault.bytes.get(id)!.subarray(0, 300_000));
  await refuses(node.ask('segments.get', { segment: id }), 'ERR_COMMANDS_SEGMENT_SHORT', 'corrupt');
  assert.equal(node.vault.open, 0);
});

test('the disk is read only as far as the channel takes', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(3, { size: 5_000_000 });
  const call = node.call('segments.get', { segment: id });
  call.held = true;
  await settle();
  const readBytes = () => Math.max(...node.vault.reads.map((each) => each.position + each.length));
  assert.equal(call.units.length, 1);
  assert.equal(readBytes(), 262_144);
  call.release();
  await settle();
  assert.equal(call.units.length, 2);
  assert.equal(readBytes(), 524_288);
  call.cancel();
  await refuses(call.ended, 'ERR_COMMANDS_CANCELLED', 'cancelled');
  assert.equal(readBytes(), 524_288);
  assert.equal(node.vault.open, 0);
});

test('giving up closes the segment at once, even while a unit waits for credit', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(3, { size: 5_000_000 });
  const call = node.call('segments.get', { segment: id }, { as: 1 });
  call.held = true;
  await settle();
  assert.equal(node.vault.open, 1);
  await node.devices.remove(deviceKey(1));
  await settle();
  assert.equal(call.waiting, 1, 'the channel has not let go of the unit');
  assert.equal(node.vault.open, 0);
  call.release();
  await refuses(call.ended, 'ERR_COMMANDS_DENIED', 'denied');
});

test('a call that was given up before it began touches nothing', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(3);
  const call = node.call('segments.get', { segment: id });
  call.cancel();
  await refuses(call.ended, 'ERR_COMMANDS_CANCELLED', 'cancelled');
  assert.equal(node.vault.open, 0);
  assert.equal(call.units.length, 0);
});

test('thirty-two transfers of one channel hold at most 1.5 MiB, those of another their own', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(3, { size: 5_000_000 });
  const calls = Array.from({ length: 32 }, () => {
    const call = node.call('segments.get', { segment: id }, { session: 'one' });
    call.held = true;
    return call;
  });
  await settle();
  const inFlight = calls.reduce((sum, call) => sum + (call.units.at(-1)?.bytes.length ?? 0), 0);
  assert.ok(calls.every((call) => call.units.length === 1));
  assert.ok(inFlight <= 1.5 * 1024 * 1024, `${inFlight} bytes`);
  const other = node.call('segments.get', { segment: id }, { session: 'two' });
  await other.ended;
  assert.equal(other.units[0]!.bytes.length, 262_144);
  for (const call of calls) call.held = false;
  for (const call of calls) call.release();
  await Promise.all(calls.map((call) => call.ended));
  const again = node.call('segments.get', { segment: id }, { session: 'one' });
  await again.ended;
  assert.equal(again.units[0]!.bytes.length, 262_144, 'what was held is given back');
});

test('a range gives its segments with keys, oldest first, page by page', async () => {
  const node = fakeNode();
  for (let n = 0; n < 5; n++) node.vault.add(n);
  const params = { source: 'front', from: START_AT + MINUTE + 1, to: START_AT + 4 * MINUTE, limit: 2 };
  const first = await node.ask('range.read', params);
  assert.deepEqual(
    first.segments.map((each) => each.seq),
    [1, 2],
  );
  assert.ok(first.segments.every((each) => each.fileKey && !each.gapBefore));
  const second = await node.ask('range.read', { ...params, cursor: first.cursor });
  assert.deepEqual(
    second.segments.map((each) => each.seq),
    [3],
  );
  assert.equal(second.cursor, undefined);
  assert.equal(second.gap, undefined);
});

test('gaps are told with their cause in front of the segment after them', async () => {
  const node = fakeNode();
  const a = node.vault.add(0);
  const b = node.vault.add(3, { run: 'bb'.repeat(16) });
  node.vault.stored.push({ startUs: a.endUs, endUs: b.startUs, cause: 'stalled' });
  const whole = await node.ask('range.read', { source: 'front', from: START_AT, to: START_AT + 9 * MINUTE });
  const gap = { cause: 'stalled', startAt: START_AT + MINUTE, endAt: START_AT + 3 * MINUTE };
  assert.deepEqual(
    whole.segments.map((each) => each.gapBefore),
    [undefined, gap],
  );
  const page = await node.ask('range.read', {
    source: 'front',
    from: START_AT + 3 * MINUTE + 1,
    to: START_AT + 9 * MINUTE,
  });
  assert.deepEqual(page.segments[0]!.gapBefore, gap, 'also where the segment before is not on the page');
  const last = await node.ask('range.read', { source: 'front', from: START_AT, to: START_AT + 9 * MINUTE, limit: 1 });
  const next = await node.ask('range.read', {
    source: 'front',
    from: START_AT,
    to: START_AT + 9 * MINUTE,
    limit: 1,
    cursor: last.cursor,
  });
  assert.deepEqual(next.segments[0]!.gapBefore, gap, 'and where it was on the page before');
});

test('several causes in a row are one gap of the first cause; one without any is unknown', async () => {
  const node = fakeNode();
  const a = node.vault.add(0);
  const b = node.vault.add(2, { run: 'bb'.repeat(16) });
  const c = node.vault.add(5, { run: 'cc'.repeat(16) });
  const middle = a.endUs + 1_000_000;
  node.vault.stored.push(
    { startUs: a.endUs, endUs: middle, cause: 'crashed' },
    { startUs: middle, endUs: b.startUs, cause: 'unreachable' },
  );
  const { segments } = await node.ask('range.read', { source: 'front', from: START_AT, to: START_AT + 9 * MINUTE });
  assert.deepEqual(segments[1]!.gapBefore, {
    cause: 'crashed',
    startAt: START_AT + MINUTE,
    endAt: START_AT + 2 * MINUTE,
  });
  assert.deepEqual(segments[2]!.gapBefore, {
    cause: 'unknown',
    startAt: START_AT + 3 * MINUTE,
    endAt: START_AT + 5 * MINUTE,
  });
  assert.equal(c.seq, segments[2]!.seq);
});

test('a time inside a gap is told as such, with the way to the next recording', async () => {
  const node = fakeNode();
  const a = node.vault.add(0);
  const b = node.vault.add(10);
  node.vault.stored.push({ startUs: a.endUs, endUs: b.startUs, cause: 'full' });
  node.vault.stored.push({ startUs: b.endUs, endUs: null, cause: 'unauthorized' });
  const inside = await node.ask('range.read', {
    source: 'front',
    from: START_AT + 2 * MINUTE,
    to: START_AT + 3 * MINUTE,
  });
  assert.deepEqual(inside, {
    source: 'front',
    stream: 'main',
    segments: [],
    gap: { cause: 'full', startAt: START_AT + MINUTE, endAt: START_AT + 10 * MINUTE },
    next: START_AT + 10 * MINUTE,
  });
  const reaching = await node.ask('range.read', {
    source: 'front',
    from: START_AT + 2 * MINUTE,
    to: START_AT + 20 * MINUTE,
  });
  assert.equal(reaching.segments.length, 1);
  assert.equal(reaching.gap?.cause, 'full');
  assert.equal(reaching.next, undefined);
  const now = await node.ask('range.read', {
    source: 'front',
    from: START_AT + 30 * MINUTE,
    to: START_AT + 31 * MINUTE,
  });
  assert.deepEqual(now.gap, { cause: 'unauthorized', startAt: START_AT + 11 * MINUTE, endAt: null });
  assert.equal(now.next, undefined);
});

test('a segment pruned between listing and reading its key is missing, not a fault', async () => {
  const node = fakeNode();
  const { id } = node.vault.add(0);
  node.vault.fileKey = async () => {
    throw new NvrError('ERR_VAULT_SEGMENT_MISSING', 'missing', 'pruned');
  };
  await refuses(node.ask('segments.get', { segment: id as SegmentId }), 'ERR_COMMANDS_SEGMENT', 'missing');
  assert.equal(node.vault.open, 0);
  const range = await node.ask('range.read', { source: 'front', from: START_AT, to: START_AT + MINUTE });
  assert.deepEqual(range.segments, []);
});
