import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceKey, SourceId } from '../../web/src/engine/messages.ts';
import { daysOf, momentOf, monthAfter, recordedDays } from '../../web/src/timeline/calendar-days.ts';
import type { Lane } from '../../web/src/timeline/coverage-source.ts';
import { beginningOf, blocksOf, hitOf, laneAt, laneLayout, standingOf } from '../../web/src/timeline/lane-layout.ts';
import { eventFrom, gapFrom, nearestTo } from '../../web/src/timeline/time-jumps.ts';
import { Scale } from '../../web/src/timeline/time-view.ts';
import { Zone } from '../../web/src/timeline/zone.ts';

const node = 'a'.repeat(64) as DeviceKey;
const camera = (source: string) => ({
  key: `${node}/${source}`,
  node,
  source: source as SourceId,
  stream: 'main' as const,
});

function lane(over: Partial<Lane> = {}): Lane {
  const length = over.buckets?.length ?? 10;
  return {
    camera: 'n/front',
    from: 0,
    bucketMs: 100,
    buckets: new Uint8Array(length).fill(255),
    known: new Uint8Array(length).fill(1),
    stretches: null,
    gaps: [],
    gapCounts: new Uint8Array(length),
    ...over,
  };
}

test('a height means a lane, the scale above them none', () => {
  for (const count of [1, 4, 9, 16]) {
    const layout = laneLayout(count, false);
    assert.equal(laneAt(layout, layout.scale - 1, count), null);
    for (let i = 0; i < count; i++) assert.equal(laneAt(layout, layout.scale + (i + 0.5) * layout.pitch, count), i);
    assert.equal(laneAt(layout, layout.scale + count * layout.pitch + 1, count), null);
    assert.ok(layout.height >= layout.scale + count * layout.pitch);
  }
});

test('what is recorded begins with the first of all cameras, once all of them are known', () => {
  const filled = (from: number, bytes: number[], known = bytes.map(() => 1)) =>
    lane({ camera: `n/${from}`, from, buckets: Uint8Array.from(bytes), known: Uint8Array.from(known) });
  const early = filled(0, [0, 0, 0, 9, 255, 255]);
  const late = filled(-100, [0, 0, 0, 0, 0, 0, 255]);
  assert.equal(beginningOf([early, late], ['n/0', 'n/-100'], 50, 600), 300);
  assert.equal(beginningOf([early, late], ['n/-100'], 50, 600), 500);
  assert.equal(beginningOf([early], ['n/0'], 350, 600), 350, 'what is seen begins within it');
  assert.equal(beginningOf([early], ['n/0'], 0, 250), 250, 'nothing yet');
  assert.equal(beginningOf([early], ['n/0', 'n/-100'], 50, 600), null, 'one has not been told');
  const partly = filled(0, [0, 0, 0, 9, 255, 255], [0, 1, 1, 1, 1, 0]);
  assert.equal(beginningOf([partly], ['n/0'], 50, 600), null);
  assert.equal(beginningOf([partly], ['n/0'], 100, 500), 300, 'what is not seen need not be known');
});

test('a pointer finds narrow events before gaps before what is recorded', () => {
  const scale = new Scale({ from: 0, to: 1_000 }, 1_000);
  const gap = { cause: 'unreachable' as const, from: 300, to: 400 };
  const with_ = lane({
    gaps: [gap],
    stretches: [
      { from: 0, to: 300 },
      { from: 400, to: 800 },
    ],
  });
  const long = { id: 1, kind: 'motion' as const, name: null, from: 100, to: 500 };
  const short = { id: 2, kind: 'line' as const, name: null, from: 350, to: 351 };
  assert.deepEqual(hitOf(with_, [long, short], scale, 350.5), { kind: 'event', event: short });
  assert.deepEqual(hitOf(with_, [long, short], scale, 200), { kind: 'event', event: long });
  assert.deepEqual(hitOf(with_, [short], scale, 353), { kind: 'event', event: short });
  assert.deepEqual(hitOf(with_, [], scale, 310), { kind: 'gap', gap });
  assert.deepEqual(hitOf(with_, [], scale, 299), { kind: 'gap', gap });
  assert.deepEqual(hitOf(with_, [], scale, 100), { kind: 'recorded' });
  assert.deepEqual(hitOf(with_, [], scale, 900), { kind: 'nothing' });
  const open = { id: 3, kind: 'motion' as const, name: null, from: 900, to: null };
  assert.deepEqual(hitOf(with_, [open], scale, 990), { kind: 'event', event: open });
});

test('coarse lanes say what is known of a bucket', () => {
  const known = new Uint8Array([1, 1, 1, 0]);
  const coarse = lane({ buckets: new Uint8Array([255, 10, 0, 0]), known, gapCounts: new Uint8Array([0, 3, 0, 0]) });
  assert.deepEqual(standingOf(coarse, 50), { kind: 'recorded' });
  assert.deepEqual(standingOf(coarse, 150), { kind: 'gaps', count: 3 });
  assert.deepEqual(standingOf(coarse, 250), { kind: 'nothing' });
  assert.deepEqual(standingOf(coarse, 350), { kind: 'unknown' });
  assert.deepEqual(standingOf(coarse, -1), { kind: 'unknown' });
  assert.deepEqual(standingOf(coarse, 400), { kind: 'unknown' });
});

test('blocks join what is alike and keep what is not', () => {
  const buckets = new Uint8Array([255, 255, 0, 128, 128, 2, 254]);
  const known = new Uint8Array([1, 1, 1, 1, 1, 1, 0]);
  assert.deepEqual(blocksOf(lane({ buckets, known }), 0, 700), [
    { from: 0, to: 200, level: 8, known: true },
    { from: 300, to: 500, level: 4, known: true },
    { from: 500, to: 600, level: 1, known: true },
    { from: 600, to: 700, level: 7, known: false },
  ]);
  assert.equal(blocksOf(lane({ buckets, known }), 150, 250).length, 1);
  assert.deepEqual(
    blocksOf(
      lane({
        stretches: [
          { from: 5, to: 9 },
          { from: 20, to: 30 },
        ],
      }),
      10,
      40,
    ),
    [{ from: 20, to: 30, level: 8, known: true }],
  );
});

test('the nearest place in a direction, not the one where one stands', () => {
  const places = [100_000, 200_000, 300_000].map((at) => ({ at, camera: 'c' }));
  assert.equal(nearestTo(places, 200_000, 1)?.at, 300_000);
  assert.equal(nearestTo(places, 200_000, -1)?.at, 100_000);
  // A moment after an event has begun to play, back means the one before it.
  assert.equal(nearestTo(places, 200_900, -1)?.at, 100_000);
  assert.equal(nearestTo(places, 202_000, -1)?.at, 200_000);
  assert.equal(nearestTo(places, 300_000, 1), null);
});

test('jumps ask each node once for events and each camera for gaps, and take the nearest', async () => {
  const asked: string[] = [];
  const call = async (_node: unknown, name: string, params: Record<string, unknown>) => {
    asked.push(`${name} ${params['order']} ${JSON.stringify(params['sources'] ?? params['source'])}`);
    if (name === 'events.list') {
      return {
        events: [
          { source: 'b', startAt: 9_000 },
          { source: 'a', startAt: 7_000 },
        ],
      };
    }
    return { gaps: [{ startAt: params['source'] === 'a' ? 8_000 : 6_500, endAt: null, cause: 'full' }] };
  };
  const cameras = [camera('a'), camera('b')];
  assert.deepEqual(await eventFrom(call as never, cameras, 5_000, 1), { at: 7_000, camera: `${node}/a` });
  assert.deepEqual(await gapFrom(call as never, cameras, 5_000, 1), { at: 6_750, camera: `${node}/b` });
  assert.deepEqual(asked, ['events.list oldest ["a","b"]', 'gaps.list oldest "a"', 'gaps.list oldest "b"']);
});

test('days of a month last from midnight to midnight by the clock', () => {
  const zone = new Zone('Europe/Madrid');
  const days = daysOf({ year: 2026, month: 10 }, zone);
  assert.equal(days.length, 31);
  assert.deepEqual(
    days
      .filter(({ from, to }) => to - from !== 86_400_000)
      .map(({ date, from, to }) => [date, (to - from) / 3_600_000]),
    [['2026-10-25', 25]],
  );
  assert.equal(days[0]!.weekday, 3);
  assert.deepEqual(monthAfter({ year: 2026, month: 1 }, -1), { year: 2025, month: 12 });
  assert.deepEqual(monthAfter({ year: 2026, month: 12 }, 13), { year: 2028, month: 1 });
});

test('a time of the clock on a day, also where it comes twice or not at all', () => {
  const madrid = new Zone('Europe/Madrid');
  const autumn = daysOf({ year: 2026, month: 10 }, madrid)[24]!;
  const at = (hour: number, minute: number) => new Date(momentOf(autumn, hour, minute, madrid)).toISOString();
  assert.equal(at(0, 30), '2026-10-24T22:30:00.000Z');
  assert.equal(at(2, 30), '2026-10-25T00:30:00.000Z');
  assert.equal(at(12, 0), '2026-10-25T11:00:00.000Z');
  assert.equal(at(23, 59), '2026-10-25T22:59:00.000Z');
  const newYork = new Zone('America/New_York');
  const spring = daysOf({ year: 2026, month: 3 }, newYork)[7]!;
  assert.equal(new Date(momentOf(spring, 2, 30, newYork)).toISOString(), '2026-03-08T07:00:00.000Z');
  assert.equal(new Date(momentOf(spring, 12, 15, newYork)).toISOString(), '2026-03-08T16:15:00.000Z');
  const kathmandu = new Zone('Asia/Kathmandu');
  const day = daysOf({ year: 2026, month: 11 }, kathmandu)[20]!;
  assert.equal(new Date(momentOf(day, 14, 22, kathmandu)).toISOString(), '2026-11-21T08:37:00.000Z');
});

test('recorded days take the camera that has most, as a share of the day', async () => {
  const zone = new Zone('Europe/Madrid');
  const call = async (_node: unknown, name: string, params: { from: number; timeZone: string }) => {
    assert.equal(name, 'calendar.days');
    assert.equal(params.timeZone, 'Europe/Madrid');
    assert.equal(params.from, Date.UTC(2026, 9, 31, 23));
    return { first: '2026-11-01', days: 30, lanes: [{ seconds: [0, 43_200] }, { seconds: [0, 100, 86_400] }] };
  };
  const found = await recordedDays(call as never, [camera('a'), camera('b')], { year: 2026, month: 11 }, zone);
  assert.deepEqual(
    [...found],
    [
      ['2026-11-02', { seconds: 43_200, share: 0.5 }],
      ['2026-11-03', { seconds: 86_400, share: 1 }],
    ],
  );
});
