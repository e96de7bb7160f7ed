import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QUESTIONS_MAX } from '../../src/cameras/clock-measure.ts';
import { type CameraTime, measureOnvifClock } from '../../src/cameras/index.ts';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';

/** A camera that tells whole seconds, `offsetMs` away, with a way there and a way back. */
function camera(offsetMs: number, ways: { there: number; back: number; jitter?: number }, seed = 1) {
  const clock = new SimulatedClock();
  const random = new SeededRandom(seed);
  let asked = 0;
  const state = { offsetMs, failAt: 0 };
  const ask = async (): Promise<CameraTime> => {
    asked += 1;
    if (asked === state.failAt) throw new Error('gone');
    const jitter = () => (ways.jitter ? random.below(ways.jitter) : 0);
    const before = clock.now();
    await clock.sleep(ways.there + jitter());
    const second = Math.floor((clock.now() + state.offsetMs) / 1_000) * 1_000;
    await clock.sleep(ways.back + jitter());
    const half = (clock.now() - before) / 2;
    return { cameraAt: second, nodeAt: before + half, uncertaintyMs: half + 500 };
  };
  const stop = new AbortController();
  const measure = async () => {
    const measuring = measureOnvifClock(ask, clock, new SeededRandom(seed), stop.signal);
    measuring.catch(() => {});
    for (let i = 0; i < 12; i++) await clock.advance(1_000);
    return measuring;
  };
  return { clock, state, measure, stop, asked: () => asked };
}

test('the second’s edge is found: the truth lies in what is told, and that is little more than the way of a question', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -4_000_000, max: 4_000_000 }),
      fc.record({
        there: fc.integer({ min: 0, max: 60 }),
        back: fc.integer({ min: 0, max: 60 }),
        jitter: fc.integer({ min: 1, max: 30 }),
      }),
      fc.integer({ min: 1, max: 1_000 }),
      async (offsetMs, ways, seed) => {
        const { measure, asked } = camera(offsetMs, ways, seed);
        const { cameraAt, nodeAt, uncertaintyMs } = await measure();
        assert.ok(
          Math.abs(cameraAt - nodeAt - offsetMs) <= uncertaintyMs + 1,
          `${cameraAt - nodeAt} for ${offsetMs} ± ${uncertaintyMs}`,
        );
        assert.ok(
          uncertaintyMs <= ways.there + ways.back + 2 * ways.jitter! + 16,
          `${uncertaintyMs} for ${JSON.stringify(ways)}`,
        );
        assert.ok(asked() <= QUESTIONS_MAX);
      },
    ),
    { numRuns: process.env['SLOW'] ? 2_000 : 100 },
  ));

test('a near camera is read to within 16 ms, with at most 8 questions', async () => {
  const { measure, asked } = camera(123_456, { there: 1, back: 2 });
  const { uncertaintyMs } = await measure();
  assert.ok(uncertaintyMs <= 16, String(uncertaintyMs));
  assert.ok(asked() <= 8);
});

test('the first question that fails is told, a later one ends the measurement with what is known', async () => {
  const first = camera(0, { there: 5, back: 5 });
  first.state.failAt = 1;
  await assert.rejects(first.measure(), /gone/);
  const third = camera(250, { there: 5, back: 5 });
  third.state.failAt = 3;
  const { cameraAt, nodeAt, uncertaintyMs } = await third.measure();
  assert.ok(uncertaintyMs < 600 && Math.abs(cameraAt - nodeAt - 250) <= uncertaintyMs + 1);
  assert.equal(third.asked(), 3);
});

test('a clock that is set in between is believed as it was told last; giving up ends it', async () => {
  const moved = camera(0, { there: 2, back: 2 });
  const measuring = moved.measure();
  await moved.clock.advance(1_500);
  moved.state.offsetMs = 40_000;
  const { cameraAt, nodeAt, uncertaintyMs } = await measuring;
  assert.ok(Math.abs(cameraAt - nodeAt - 40_000) <= uncertaintyMs + 1);
  const given = camera(0, { there: 2, back: 2 });
  const ended = given.measure();
  given.stop.abort(new Error('enough'));
  await assert.rejects(ended, /enough/);
});

test('a node whose own calendar is set in between tells no mixture of both', async () => {
  const { clock, measure } = camera(0, { there: 2, back: 2 });
  const measuring = measure();
  await clock.advance(700);
  clock.step(-30_000);
  const { cameraAt, nodeAt, uncertaintyMs } = await measuring;
  // The camera here follows the calendar; what counts is that old and new readings are not put together.
  assert.ok(Math.abs(cameraAt - nodeAt) <= uncertaintyMs + 1);
});
