import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ClockMeasurement, type ClockWatchOptions, createClockWatch } from '../../src/cameras/index.ts';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A camera whose clock is off by `offsetMs` and runs away by `driftMsPerDay`, read by ONVIF (500 ms) or sender reports (10 ms). */
function camera(options: ClockWatchOptions & { offsetMs?: number; driftMsPerDay?: number; seed?: number } = {}) {
  const { offsetMs = 0, driftMsPerDay = 0, seed = 1, ...limits } = options;
  const clock = new SimulatedClock();
  const random = new SeededRandom(seed);
  const kept: ClockMeasurement[] = [];
  const watch = createClockWatch({ clock, keep: (measurement) => kept.push(measurement) }, limits);
  const state = { offsetMs, driftMsPerDay, wallAtStart: clock.now() };
  /** What its clock shows, whatever the node's calendar says. */
  const shows = () => state.wallAtStart + clock.monotonic() * (1 + state.driftMsPerDay / DAY) + state.offsetMs;
  const read = (by: 'onvif' | 'rtcp' = 'onvif') => {
    const uncertaintyMs = by === 'onvif' ? 500 : 10;
    const error = (random.below(2_001) / 1_000 - 1) * uncertaintyMs * 0.9;
    watch.take({ cameraAt: shows() + error, nodeAt: clock.now(), uncertaintyMs }, by);
  };
  const run = async (hours: number, by: 'onvif' | 'rtcp' = 'onvif', every = 10 * MINUTE) => {
    for (let ms = 0; ms < hours * HOUR; ms += every) {
      await clock.advance(every);
      read(by);
    }
  };
  return { clock, watch, kept, state, read, run };
}

test('nothing is known before the first reading; then the offset, with how wrong it may be', () => {
  const { watch, read } = camera({ offsetMs: 3_700_000 });
  assert.equal(watch.view(), null);
  read('rtcp');
  const view = watch.view()!;
  assert.ok(Math.abs(view.offsetMs - 3_700_000) <= 10);
  assert.deepEqual([view.uncertaintyMs, view.by, view.driftMsPerDay, view.alarm], [10, 'rtcp', null, true]);
});

test('drift is found out of rough readings, and alarms only when it is beyond doubt', async () => {
  for (const [driftMsPerDay, alarm] of [
    [0, false],
    [1_800, false],
    [-1_800, false],
    [25_000, true],
  ] as const) {
    const { watch, run } = camera({ driftMsPerDay, offsetMsMax: 1e9, seed: 7 });
    await run(0.9);
    assert.equal(watch.view()!.driftMsPerDay, null, 'not before an hour');
    await run(2);
    if (!alarm) assert.equal(watch.view()!.alarm, false, 'three hours of whole seconds say little of a day');
    await run(45);
    const view = watch.view()!;
    assert.ok(Math.abs(view.driftMsPerDay! - driftMsPerDay) < 250, `${view.driftMsPerDay} for ${driftMsPerDay}`);
    assert.equal(view.alarm, alarm);
  }
});

test('a quarter of readings that are wrong moves the drift little', async () => {
  const { clock, watch, state, read } = camera({ driftMsPerDay: 5_000 });
  for (let i = 0; i < 180; i++) {
    await clock.advance(15 * MINUTE);
    const honest = state.offsetMs;
    if (i % 4 === 3) state.offsetMs += 240;
    read('rtcp');
    state.offsetMs = honest;
  }
  assert.ok(Math.abs(watch.view()!.driftMsPerDay! - 5_000) < 100, String(watch.view()!.driftMsPerDay));
  assert.equal(watch.steps().camera, 0);
});

test('a camera’s clock that is set is found when a second reading agrees; the drift begins anew', async () => {
  const { watch, kept, state, clock, read, run } = camera({ driftMsPerDay: 1_000, offsetMs: -90_000 });
  await run(6, 'rtcp');
  assert.equal(watch.view()!.alarm, true);
  state.offsetMs = 0;
  await clock.advance(10 * MINUTE);
  read('rtcp');
  assert.ok(watch.view()!.offsetMs < -80_000, 'one reading alone may be wrong');
  await clock.advance(10 * MINUTE);
  read('rtcp');
  const view = watch.view()!;
  assert.ok(Math.abs(view.offsetMs) < 600);
  assert.deepEqual([view.alarm, view.driftMsPerDay, watch.steps()], [false, null, { camera: 1, node: 0 }]);
  const [before, after] = kept.slice(-2);
  assert.deepEqual([before!.step, after!.step], [false, true], 'both sides are kept');
  assert.equal(after!.at - before!.at, 10 * MINUTE);
  await run(5, 'rtcp');
  assert.ok(Math.abs(watch.view()!.driftMsPerDay! - 1_000) < 120);
  assert.equal(kept.filter(({ step }) => step).length, 1);
});

test('one wrong reading changes nothing', async () => {
  const { watch, state, clock, read, run } = camera();
  await run(3, 'rtcp');
  state.offsetMs = 500_000;
  await clock.advance(MINUTE);
  read('rtcp');
  state.offsetMs = 0;
  await run(3, 'rtcp');
  assert.deepEqual(watch.steps(), { camera: 0, node: 0 });
  assert.ok(Math.abs(watch.view()!.driftMsPerDay!) < 200);
});

test('a node whose own calendar is set knows it: the drift goes on, the offset is told by the new calendar', async () => {
  const { watch, kept, clock, run } = camera({ driftMsPerDay: 4_000 });
  await run(12, 'rtcp');
  clock.step(-50_000);
  await run(1, 'rtcp');
  const view = watch.view()!;
  assert.deepEqual(watch.steps(), { camera: 0, node: 1 });
  assert.ok(Math.abs(view.offsetMs - 50_000 - (13 / 24) * 4_000) < 60, String(view.offsetMs));
  assert.ok(Math.abs(view.driftMsPerDay! - 4_000) < 150);
  assert.equal(kept.filter(({ step }) => step).length, 1, 'who reads the kept ones does not draw a line across');
  for (const { offsetMs, at } of kept.slice(-1)) assert.ok(offsetMs > 50_000 && at <= clock.now());
});

test('a machine that slept did not have its calendar set', async () => {
  const { watch, clock, state, run } = camera({ driftMsPerDay: 1_000 });
  await run(4, 'rtcp');
  clock.step(8 * HOUR); // the monotonic clock stood still
  state.offsetMs += 8 * HOUR;
  await run(4, 'rtcp');
  assert.deepEqual(watch.steps(), { camera: 0, node: 0 });
  assert.ok(Math.abs(watch.view()!.offsetMs) < 600);
});

test('a better reading is shown for a while before worse ones; a limit has a hysteresis', async () => {
  const { watch, clock, state, read, run } = camera({ offsetMsMax: 1_000 });
  read('rtcp');
  await clock.advance(MINUTE);
  read('onvif');
  assert.equal(watch.view()!.by, 'rtcp');
  await clock.advance(61 * MINUTE);
  read('onvif');
  assert.equal(watch.view()!.by, 'onvif');
  const alarms: boolean[] = [];
  for (const offset of [900, 1_150, 900, 740, 900]) {
    state.offsetMs = offset;
    await run(0.5, 'rtcp');
    alarms.push(watch.view()!.alarm);
  }
  assert.deepEqual(alarms, [false, true, true, false, false]);
});

test('about one measurement an hour is kept, whatever comes, and nothing but numbers is taken', async () => {
  const { watch, kept, run } = camera();
  await run(24, 'rtcp', MINUTE);
  assert.ok(kept.length >= 22 && kept.length <= 25, String(kept.length));
  const before = watch.view();
  for (const wrong of [Number.NaN, Infinity, -Infinity]) {
    watch.take({ cameraAt: wrong, nodeAt: 0, uncertaintyMs: 0 }, 'rtcp');
    watch.take({ cameraAt: 0, nodeAt: wrong, uncertaintyMs: 0 }, 'rtcp');
    watch.take({ cameraAt: 0, nodeAt: 0, uncertaintyMs: wrong }, 'rtcp');
  }
  assert.deepEqual(watch.view(), before);
});

test('whatever is read, views are whole numbers and kept times do not run backwards', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          ms: fc.integer({ min: 0, max: 2 * HOUR }),
          step: fc.constantFrom(0, 0, 0, -5_000, 5_000, DAY),
          offset: fc.oneof(fc.integer({ min: -500, max: 500 }), fc.double({ noNaN: true, min: -1e12, max: 1e12 })),
          uncertaintyMs: fc.constantFrom(0, 5, 500, 1e6),
        }),
        { maxLength: 60 },
      ),
      async (readings) => {
        const clock = new SimulatedClock();
        const kept: ClockMeasurement[] = [];
        const watch = createClockWatch({ clock, keep: (each) => kept.push(each) });
        for (const { ms, step, offset, uncertaintyMs } of readings) {
          await clock.advance(ms);
          clock.step(step);
          watch.take({ cameraAt: clock.now() + offset, nodeAt: clock.now(), uncertaintyMs }, 'rtcp');
          const view = watch.view()!;
          assert.ok(Number.isInteger(view.offsetMs) && Number.isInteger(view.uncertaintyMs) && view.uncertaintyMs >= 0);
          assert.ok(view.driftMsPerDay === null || Number.isInteger(view.driftMsPerDay));
        }
        assert.ok(kept.length <= readings.length * 2);
        assert.ok(kept.every(({ offsetMs }) => Number.isInteger(offsetMs)));
      },
    ),
    { numRuns: process.env['SLOW'] ? 3_000 : 150 },
  ));
