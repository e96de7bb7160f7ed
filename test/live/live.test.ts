import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLive, type Live, type LiveSink, type LiveUnit, type Subscription } from '../../src/live/index.ts';
import type { CapturedFragment, Run } from '../../src/media/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';

const place = { sourceId: 'front' as SourceId, stream: 'main' as const };
const START_US = 1_795_000_000_000_000;

function run(id: string): Run {
  const track = { id: 1, kind: 'video' as const, format: 'avc1', codec: 'avc1.64001f', timescale: 90_000 };
  return { id, init: { bytes: Uint8Array.of(1, 2, 3), tracks: [track] }, startUs: START_US };
}

function fragment(n: number, keyframe: boolean, size = 1000): CapturedFragment {
  const startUs = START_US + n * 200_000;
  const bytes = new Uint8Array(size).fill(n);
  return { bytes, keyframe, startUs, endUs: startUs + 200_000, monoUs: n, sampleCount: 5, videoDecodeTime: BigInt(n) };
}

function camera(options: Parameters<typeof createLive>[1] = {}): { live: Live; sink: LiveSink } {
  const live = createLive({ log: silentLog }, options);
  return { live, sink: live.sink(place) };
}

/** One word per unit that waits now: `i:run`, `k12` or `f12` (`k12-3`: three left out before), `g:cause`. */
async function drain(subscription: Subscription): Promise<string[]> {
  const told: string[] = [];
  while (subscription.waiting.units > 0) told.push(word((await subscription.next()).value));
  return told;
}

function word(unit: LiveUnit | undefined): string {
  if (!unit) return 'end';
  if (unit.kind === 'init') return `i:${unit.run}`;
  if (unit.kind === 'gap') return `g:${unit.cause}`;
  const n = (unit.startUs - START_US) / 200_000;
  return `${unit.keyframe ? 'k' : 'f'}${n}${unit.dropped ? `-${unit.dropped}` : ''}`;
}

test('a newcomer gets the init segment, then the fragments from the newest keyframe, then what comes', async () => {
  const { live, sink } = camera();
  sink.beginRun(run('aa'));
  for (let n = 0; n < 7; n++) sink.fragment(fragment(n, n % 5 === 0));
  const subscription = live.subscribe(place);
  assert.deepEqual(await drain(subscription), ['i:aa', 'k5', 'f6']);
  const next = subscription.next();
  sink.fragment(fragment(7, false));
  assert.equal(word((await next).value), 'f7');
});

test('the bytes are those the recorder gave, not a copy', async () => {
  const { live, sink } = camera();
  sink.beginRun(run('aa'));
  const captured = fragment(0, true);
  sink.fragment(captured);
  const subscription = live.subscribe(place);
  await subscription.next();
  const unit = (await subscription.next()).value as LiveUnit;
  assert.equal(unit.kind === 'fragment' && unit.bytes, captured.bytes);
});

test('a newcomer before the first run waits for it', async () => {
  const { live, sink } = camera();
  const subscription = live.subscribe(place);
  const first = subscription.next();
  assert.equal(subscription.next(), first, 'asking again waits for the same unit');
  sink.beginRun(run('aa'));
  assert.equal(word((await first).value), 'i:aa');
});

test('a run ends in a gap and the next begins with an init segment and a keyframe', async () => {
  const { live, sink } = camera();
  sink.beginRun(run('aa'));
  sink.fragment(fragment(0, true));
  const subscription = live.subscribe(place);
  sink.endRun({ cause: 'stalled', endUs: START_US + 200_000 });
  assert.equal(live.current(place), null);
  const late = live.subscribe(place);
  sink.beginRun(run('bb'));
  sink.fragment(fragment(9, false));
  sink.fragment(fragment(10, true));
  assert.deepEqual(await drain(subscription), ['i:aa', 'k0', 'g:stalled', 'i:bb', 'k10-1']);
  assert.deepEqual(await drain(late), ['i:bb', 'k10']);
  assert.equal(live.current(place)?.run, 'bb');
});

test('a slow reader drops to a keyframe, is told how much it missed, and holds a bounded number of bytes', async () => {
  const { live, sink } = camera({ queueBytesMax: 10_000 });
  sink.beginRun(run('aa'));
  const slow = live.subscribe(place);
  const fast = live.subscribe(place);
  const seen: string[] = [];
  for (let n = 0; n < 40; n++) {
    sink.fragment(fragment(n, n % 8 === 0));
    assert.ok(slow.waiting.ownBytes <= 10_000);
    seen.push(...(await drain(fast)));
  }
  assert.equal(seen.length, 41);
  assert.equal(fast.dropped, 0);
  const told = await drain(slow);
  assert.equal(told[0], 'i:aa');
  assert.match(told[1]!, /^k\d+-\d+$/);
  const [at, missed] = told[1]!.slice(1).split('-').map(Number);
  assert.equal(missed, at, 'every fragment before this keyframe was missed');
  assert.equal(slow.dropped, missed);
  assert.equal(told.length, 2 + 39 - at!, 'and none after it');
  assert.equal(live.status().droppedFragments, missed);
});

test('streams of one viewer share its budget', async () => {
  const live = createLive({ log: silentLog }, { queueBytesMax: 10_000 });
  const budget = live.budget();
  const places = ['a', 'b', 'c', 'd'].map((id) => ({ sourceId: id as SourceId, stream: 'sub' as const }));
  const sinks = places.map((each) => live.sink(each));
  for (const sink of sinks) sink.beginRun(run('aa'));
  const readers = places.map((each) => live.subscribe(each, { budget }));
  for (let n = 0; n < 60; n++) {
    for (const sink of sinks) sink.fragment(fragment(n, n % 4 === 0));
    const own = readers.reduce((sum, reader) => sum + reader.waiting.ownBytes, 0);
    assert.equal(own, budget.used);
    assert.ok(own <= 10_000, `${own} bytes wait`);
  }
  assert.ok(readers.some((reader) => reader.dropped > 0));
  for (const reader of readers) reader.end();
  assert.equal(budget.used, 0, 'an ended reader gives everything back');
});

test('a group of pictures beyond its bound is not kept: newcomers wait for the next keyframe', async () => {
  const { live, sink } = camera({ gopBytesMax: 4_500 });
  sink.beginRun(run('aa'));
  for (let n = 0; n < 6; n++) sink.fragment(fragment(n, n === 0));
  assert.equal(live.status().streams[0]!.gopBytes, 0);
  const subscription = live.subscribe(place);
  sink.fragment(fragment(6, false));
  sink.fragment(fragment(7, true));
  assert.deepEqual(await drain(subscription), ['i:aa', 'k7']);
  assert.equal(subscription.dropped, 0, 'what came before its first picture is not missed');
});

test('a camera that flaps does not grow the queue of a reader that does not read', async () => {
  const { live, sink } = camera();
  const subscription = live.subscribe(place);
  for (let n = 0; n < 2_000; n++) {
    sink.beginRun(run(String(n)));
    sink.fragment(fragment(n, true, 10));
    sink.endRun({ cause: 'ended', endUs: START_US });
    assert.ok(subscription.waiting.units <= 128);
  }
  const told = await drain(subscription);
  assert.equal(told.at(-1), 'g:ended');
  assert.equal(told.at(-3), 'i:1999');
});

test('a subscription ends by its signal, by leaving the loop, and with its source', async () => {
  const { live, sink } = camera();
  sink.beginRun(run('aa'));
  const controller = new AbortController();
  const aborted = live.subscribe(place, { signal: controller.signal });
  const removed = live.subscribe(place);
  await removed.next();
  const waiting = removed.next();
  sink.fragment(fragment(0, true));
  await waiting;
  controller.abort();
  assert.equal((await aborted.next()).done, true);
  for await (const unit of live.subscribe(place)) {
    assert.equal(unit.kind, 'init');
    break;
  }
  assert.equal(live.status().subscriptions, 1);
  const last = removed.next();
  live.removeSource(place.sourceId);
  assert.equal((await last).done, true);
  assert.throws(() => live.subscribe(place), { code: 'ERR_LIVE_STREAM_MISSING', kind: 'missing' });
  sink.fragment(fragment(1, true));
  assert.equal(live.status().streams.length, 0);
  assert.equal((await createEnded(live).next()).done, true);
});

function createEnded(live: Live): Subscription {
  live.sink(place);
  return live.subscribe(place, { signal: AbortSignal.abort() });
}

test('whatever a reader and a camera do, the order holds and nothing is counted twice', async () => {
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.constant('fragment') },
    { weight: 3, arbitrary: fc.constant('keyframe') },
    { weight: 1, arbitrary: fc.constant('run') },
    { weight: 4, arbitrary: fc.constant('read') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200 }), fc.integer({ min: 200, max: 3_000 }), async (steps, limit) => {
      const { live, sink } = camera({ queueBytesMax: limit, gopBytesMax: 1_500 });
      sink.beginRun(run('0'));
      sink.fragment(fragment(0, true, 100));
      const subscription = live.subscribe(place);
      const got: LiveUnit[] = [];
      let n = 1;
      let runs = 1;
      for (const each of steps) {
        if (each === 'read') {
          if (subscription.waiting.units > 0) got.push((await subscription.next()).value);
        } else if (each === 'run') {
          sink.endRun({ cause: 'ended', endUs: 0 });
          sink.beginRun(run(String(runs++)));
        } else {
          sink.fragment(fragment(n++, each === 'keyframe', 100));
        }
        assert.ok(subscription.waiting.ownBytes <= limit + 3 * 128);
      }
      while (subscription.waiting.units > 0) got.push((await subscription.next()).value);
      let current = '';
      let fresh = true;
      let last = -1;
      let missed = 0;
      for (const unit of got) {
        if (unit.kind === 'init') {
          current = unit.run;
          fresh = true;
        } else if (unit.kind === 'fragment') {
          const at = (unit.startUs - START_US) / 200_000;
          assert.equal(unit.run, current, 'an init segment stands before the fragments of its run');
          if (fresh || unit.dropped > 0) assert.ok(unit.keyframe, 'a picture begins with a keyframe');
          assert.equal(at, last + 1 + unit.dropped, 'what is missing is told');
          missed += unit.dropped;
          last = at;
          fresh = false;
        }
      }
      assert.equal(subscription.dropped, missed + (n - 1 - last));
    }),
    { numRuns: process.env['SLOW'] ? 5_000 : 400 },
  );
});

test('memory of a group of pictures nobody watched is given back, and never what somebody may still be sent', async () => {
  const { live, sink } = camera();
  sink.beginRun(run('aa'));
  const unseen = fragment(0, true, 10_000);
  sink.fragment(unseen);
  const second = fragment(1, true, 10_000);
  sink.fragment(second);
  assert.equal(unseen.bytes.length, 0, 'given back once the next group begins');
  assert.equal(second.bytes.length, 10_000);

  const subscription = live.subscribe(place);
  subscription.end();
  const third = fragment(2, true, 10_000);
  sink.fragment(third);
  assert.equal(second.bytes.length, 10_000, 'it was shown to a viewer, who has gone');
  const watching = live.subscribe(place);
  sink.fragment(fragment(3, true, 10_000));
  sink.endRun({ cause: 'stopped', endUs: START_US });
  assert.equal(third.bytes.length, 10_000);
  watching.end();
});
