import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturedFragment } from '../../src/media/index.ts';
import { parseKeyframeHints, type SegmentId } from '../../src/protocol/index.ts';
import { Bench, openBytes, openStored, place, record, until } from './bench.ts';

const EVER = { ...place(), fromUs: 0, toUs: Number.MAX_SAFE_INTEGER } as const;

/** A vault that records `front/main` in segments of a minute, with so many fragments of 200 ms behind it. */
async function recording(fragments: number, options: ConstructorParameters<typeof Bench>[0] = {}) {
  const bench = new Bench({ segmentMs: 60_000, ...options });
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera({ pictureBytes: () => 9_000 });
  await writer.beginRun(camera.run());
  const startUs = camera.wallUs;
  await record(bench, writer, camera, fragments);
  await bench.clock.advance(1_000);
  await until(() => bench.durable.at(-1)?.endUs === camera.wallUs, 'everything is synced');
  return { bench, writer, camera, startUs };
}

const newest = (bench: Bench) => bench.vault.list({ ...EVER, order: 'newest', limit: 1 }).segments[0];

test('the segment being recorded is told up to its last synced fragment, in whole chunks, and opens so far', async () => {
  const { bench, camera, startUs } = await recording(20);
  const open = newest(bench)!;
  assert.deepEqual([open.state, open.startUs, open.endUs], ['open', startUs, camera.wallUs]);
  assert.equal((open.sizeBytes - 568) % 16_400, 0, 'whole chunks');
  assert.deepEqual(bench.vault.find(open.id), open);
  assert.ok(open.tracks.length > 0 && open.epochKeyId !== '');
  const { plaintext, complete } = await openStored(bench.vault, bench.deps.suite, open.id);
  assert.equal(complete, false, 'it has no final chunk');
  assert.ok(plaintext.length >= bench.durable.at(-1)!.plaintextBytes);
  await bench.vault.stop();
});

test('nothing is told before a whole fragment is synced', async () => {
  const bench = new Bench({ segmentMs: 60_000 });
  await bench.vault.start();
  const writer = bench.vault.openStream(place());
  const camera = bench.camera({ pictureBytes: () => 100 });
  await writer.beginRun(camera.run());
  assert.equal(newest(bench), undefined);
  await writer.fragment(camera.next(bench.clock.monotonicUs()));
  assert.equal(newest(bench), undefined);
  await bench.clock.advance(1_000);
  await until(() => bench.durable.length > 0, 'it is synced');
  assert.equal(newest(bench)?.state, 'open');
  await bench.vault.stop();
});

test('it is at every moment in one place: open, then closed, never in none and never in two', async () => {
  const { bench, writer, camera } = await recording(3, { segmentMs: 1_000 });
  const seen = new Map<SegmentId, string[]>();
  const look = () => {
    const { segments } = bench.vault.list({ ...EVER, order: 'oldest', limit: 1_000 });
    assert.equal(new Set(segments.map(({ id }) => id)).size, segments.length, 'each once');
    for (const [i, { seq }] of segments.entries()) assert.equal(seq, i + 1, 'none is missing in between');
    for (const { id, state } of segments) {
      const states = seen.get(id) ?? [];
      if (states.at(-1) !== state) seen.set(id, [...states, state]);
    }
    for (const id of seen.keys())
      assert.ok(
        segments.some((each) => each.id === id),
        'what was told stays',
      );
  };
  bench.files.onCall = look;
  for (let i = 0; i < 60; i++) {
    await record(bench, writer, camera, 1);
    look();
    await new Promise((resolve) => setImmediate(resolve));
  }
  bench.files.onCall = null;
  const closed = [...seen.values()].filter((states) => states.at(-1) === 'final');
  assert.ok(closed.length >= 8);
  assert.ok(closed.some((states) => states.join() === 'open,final'));
  await bench.vault.stop();
});

test('closing it under a reader changes none of the bytes told', async () => {
  const { bench, writer, camera } = await recording(12);
  const open = newest(bench)!;
  const reading = await bench.vault.read(open.id);
  const before = new Uint8Array(open.sizeBytes);
  assert.equal(await reading.read(before, 0), open.sizeBytes);
  await record(bench, writer, camera, 4);
  await writer.release();
  const closed = bench.vault.find(open.id)!;
  assert.equal(closed.state, 'final');
  assert.ok(closed.sizeBytes > open.sizeBytes);
  const after = new Uint8Array(open.sizeBytes + 5_000);
  assert.equal(await reading.read(after, 0), open.sizeBytes, 'no more than was told');
  assert.deepEqual(after.subarray(0, open.sizeBytes), before);
  await reading.close();
  await openBytes(bench.deps.suite, before, await bench.vault.fileKey(open.id));
  await bench.vault.stop();
});

test('a segment that fails is read as far as it was safe, and is one of the closed then', async () => {
  const { bench, writer, camera } = await recording(12);
  const open = newest(bench)!;
  const reading = await bench.vault.read(open.id);
  bench.files.failAt(1, 'EIO', 'write');
  await assert.rejects(async () => {
    for (let i = 0; i < 60; i++) await writer.fragment(camera.next(bench.clock.monotonicUs()));
  });
  bench.files.heal();
  const bytes = new Uint8Array(open.sizeBytes);
  assert.equal(await reading.read(bytes, 0), open.sizeBytes);
  await openBytes(bench.deps.suite, bytes, await bench.vault.fileKey(open.id));
  await reading.close();
  assert.equal(bench.vault.find(open.id)?.state, 'aborted');
  await bench.vault.stop();
});

test('pages hold it in its place, in both orders and whatever their size', async () => {
  const { bench } = await recording(33, { segmentMs: 1_000 });
  const all = bench.vault.list({ ...EVER, order: 'oldest', limit: 1_000 }).segments;
  assert.equal(all.at(-1)!.state, 'open');
  assert.ok(all.length >= 5);
  for (const order of ['oldest', 'newest'] as const) {
    for (let limit = 1; limit <= all.length + 1; limit++) {
      const found: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = bench.vault.list({ ...EVER, order, limit, ...(cursor ? { cursor } : {}) });
        assert.ok(page.segments.length <= limit);
        found.push(...page.segments.map(({ id }) => id));
        cursor = page.cursor;
        if (cursor === undefined) break;
      }
      const ids = all.map(({ id }) => id);
      assert.deepEqual(found, order === 'oldest' ? ids : ids.reverse(), `${order}, ${limit} a page`);
    }
  }
  const { startUs, endUs } = all.at(-1)!;
  const touching = (fromUs: number, toUs: number) =>
    bench.vault
      .list({ ...EVER, fromUs, toUs, order: 'oldest', limit: 9 })
      .segments.filter(({ state }) => state === 'open').length;
  assert.deepEqual([touching(startUs, startUs + 1), touching(endUs - 1, endUs), touching(endUs, endUs + 1)], [1, 1, 0]);
  assert.equal(bench.vault.list({ ...EVER, sourceId: 'yard' as never, order: 'oldest', limit: 9 }).segments.length, 0);
  await bench.vault.stop();
});

test('it counts as recorded, and a crash takes only what was not told', async () => {
  const { bench, camera, startUs } = await recording(20);
  const open = newest(bench)!;
  const edgesUs = [startUs, camera.wallUs, camera.wallUs + 1_000_000];
  const { coveredUs, stretches } = bench.vault.coverage({ ...place(), edgesUs, exactMax: 10 });
  assert.deepEqual([...coveredUs], [camera.wallUs - startUs, 0]);
  assert.deepEqual(stretches, [{ startUs, endUs: camera.wallUs }]);
  await bench.crash();
  const recovered = bench.vault.find(open.id)!;
  assert.equal(recovered.state, 'recovered');
  assert.ok(recovered.endUs >= open.endUs && recovered.sizeBytes >= open.sizeBytes);
  assert.deepEqual(
    [...bench.vault.coverage({ ...place(), edgesUs, exactMax: 10 }).coveredUs],
    [camera.wallUs - startUs, 0],
  );
  await bench.vault.stop();
});

test('keyframes are told of what is safe, the same ones when it is closed, and none after a rebuild', async () => {
  const { bench, writer, camera } = await recording(20);
  const open = newest(bench)!;
  const startAt = Math.floor(open.startUs / 1000);
  const told = parseKeyframeHints(startAt, bench.vault.keyframes(open.id)!)!;
  assert.equal(told.length, 4, 'every fifth fragment');
  const { plaintext } = await openStored(bench.vault, bench.deps.suite, open.id);
  for (const { offset, length } of told) {
    const text = (from: number) => Buffer.from(plaintext.subarray(from + 4, from + 8)).toString();
    assert.deepEqual([text(offset), text(offset + 32)], ['prft', 'moof']);
    assert.ok(offset + length <= plaintext.length);
  }
  const sent: CapturedFragment[] = [];
  for (let i = 0; i < 7; i++) {
    const fragment = camera.next(bench.clock.monotonicUs());
    sent.push(fragment);
    await writer.fragment(fragment);
  }
  await writer.release();
  const closed = parseKeyframeHints(startAt, bench.vault.keyframes(open.id)!)!;
  assert.deepEqual(closed.slice(0, 4), told);
  const late = sent.filter(({ keyframe }) => keyframe);
  assert.deepEqual(
    closed.slice(4).map(({ at, length }) => [at, length]),
    late.map(({ startUs, bytes }) => [Math.floor(startUs / 1000), bytes.length]),
  );
  await bench.restart();
  assert.equal(bench.vault.keyframes(open.id), null, 'the index of this bench is in memory only');
  await bench.vault.stop();
});
