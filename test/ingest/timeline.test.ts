import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Piece, Timeline } from '../../src/ingest/timeline.ts';

const WALL_US = 1_795_000_000_000_000;
const LENGTH_US = 200_000;

/** A fragment whose last picture was taken `takenUs` after the beginning and arrived `delayUs` later. */
function piece(
  mediaEndUs: number,
  takenUs: number,
  delayUs: number,
  options: { stepUs?: number; lengthUs?: number } = {},
): Piece {
  const monoUs = Math.round(takenUs + delayUs);
  const arrival = { monoUs, wallUs: WALL_US + monoUs + (options.stepUs ?? 0) };
  return { arrival, mediaStartUs: mediaEndUs - (options.lengthUs ?? LENGTH_US), mediaEndUs };
}

/** Fragments of a camera that runs at `rate` and whose network delays by what `delay` says. */
function* steady(count: number, { rate = 1, delay = (_: number): number => 40_000 } = {}): Generator<Piece> {
  for (let i = 1; i <= count; i++) {
    yield piece(5_000_000 + i * LENGTH_US, (i * LENGTH_US) / rate, delay(i), { lengthUs: LENGTH_US });
  }
}

test('a steady camera keeps the wall time of its arrival, whole microseconds, without a gap', () => {
  const timeline = new Timeline(0);
  const pieces = [...steady(3_000)];
  let endUs = timeline.begin(pieces.slice(0, 1));
  assert.equal(endUs, WALL_US + 40_000);
  for (const [i, each] of pieces.entries()) {
    assert.equal(timeline.jumped(each), false);
    const place = timeline.place(each);
    assert.equal(place.startUs, endUs);
    assert.ok(Math.abs(place.endUs - (WALL_US + 40_000 + (i + 1) * LENGTH_US)) <= 1);
    endUs = place.endUs;
  }
});

test('the burst in which ffmpeg gives what it held back does not set the line', () => {
  const timeline = new Timeline(0);
  // Three fragments arrive together at 0.64 s, the next when it was taken.
  const burst = [1, 2, 3].map((i) => piece(i * LENGTH_US, i * LENGTH_US, 640_000 - i * LENGTH_US));
  const startUs = timeline.begin([...burst, piece(4 * LENGTH_US, 4 * LENGTH_US, 40_000)]);
  assert.equal(startUs, WALL_US + 40_000);
});

test('tiling, order and smoothness hold whatever arrives, over runs and calendar steps', () => {
  const step = fc.record({
    lengthUs: fc.integer({ min: 0, max: 2_000_000 }),
    delayUs: fc.integer({ min: 0, max: 4_000_000 }),
    stepUs: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -7e9, max: 7e9 }) },
    ),
    newRun: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.nat(2e9), (steps, aheadUs) => {
      const notBeforeUs = WALL_US - 1e9 + aheadUs;
      const timeline = new Timeline(notBeforeUs);
      let [mediaUs, takenUs, stepUs, endUs] = [0, 0, 0, notBeforeUs];
      for (const [i, each] of steps.entries()) {
        stepUs += each.stepUs;
        mediaUs += each.lengthUs;
        takenUs += each.lengthUs;
        const next = piece(mediaUs, takenUs, each.delayUs, { stepUs, lengthUs: each.lengthUs });
        if (i === 0 || each.newRun) {
          const startUs = timeline.begin([next]);
          assert.ok(startUs >= endUs, 'a run starts at or after the last end');
          endUs = startUs;
        }
        const place = timeline.place(next);
        assert.equal(place.startUs, endUs, 'fragments tile');
        assert.ok(Number.isSafeInteger(place.endUs) && place.endUs >= place.startUs);
        assert.ok(
          Math.abs(place.endUs - place.startUs - each.lengthUs) <= each.lengthUs * 0.005 + 2,
          'no jump, no jitter',
        );
        endUs = timeline.endUs;
        assert.equal(endUs, place.endUs);
      }
    }),
    { numRuns: process.env['SLOW'] ? 20_000 : 500 },
  );
});

test('a camera whose clock is off is followed', () => {
  for (const rate of [0.999, 1.001]) {
    const timeline = new Timeline(0);
    const pieces = [...steady(18_000, { rate })];
    timeline.begin(pieces.slice(0, 1));
    let worstUs = 0;
    for (const each of pieces) {
      assert.equal(timeline.jumped(each), false);
      const { endUs } = timeline.place(each);
      worstUs = Math.max(worstUs, Math.abs(endUs - each.arrival.wallUs));
    }
    assert.ok(worstUs < 60_000, `an hour at ${rate}: ${worstUs} µs off`);
  }
});

test('jitter of the network is not seen in the timeline', () => {
  const timeline = new Timeline(0);
  const pieces = [...steady(5_000, { delay: (i) => 40_000 + ((i * 7919) % 97) * 1_500 })];
  timeline.begin(pieces.slice(0, 8));
  for (const each of pieces) {
    const { startUs, endUs } = timeline.place(each);
    assert.ok(Math.abs(endUs - startUs - LENGTH_US) < 600, `${endUs - startUs}`);
  }
});

test('a calendar step inside a run bends the line, is told once, and far forward asks for a new run', () => {
  const timeline = new Timeline(0);
  timeline.begin([piece(LENGTH_US, LENGTH_US, 0)]);
  const told: number[] = [];
  let lastUs = 0;
  for (let i = 1; i <= 3_000; i++) {
    const next = piece(i * LENGTH_US, i * LENGTH_US, 0, { stepUs: i > 100 ? 1_500_000 : 0 });
    const stepUs = timeline.calendarStepUs(next.arrival);
    if (stepUs !== 0) told.push(stepUs);
    assert.equal(timeline.jumped(next), false);
    const { startUs, endUs } = timeline.place(next);
    assert.ok(Math.abs(endUs - startUs - LENGTH_US) <= 1_001);
    assert.equal(timeline.leftBehind(next.arrival), false);
    lastUs = endUs - next.arrival.wallUs;
  }
  assert.deepEqual(told, [1_500_000]);
  assert.ok(Math.abs(lastUs) < 20_000, `ten minutes later ${lastUs} µs are left of the step`);
  const far = piece(3_001 * LENGTH_US, 3_001 * LENGTH_US, 0, { stepUs: 3_600_000_000 });
  assert.equal(timeline.leftBehind(far.arrival), true);
});

test('a calendar set back leaves the stream ahead, in order, and it returns slowly', () => {
  const timeline = new Timeline(0);
  timeline.begin([piece(LENGTH_US, LENGTH_US, 0)]);
  timeline.place(piece(LENGTH_US, LENGTH_US, 0));
  const endUs = timeline.endUs;
  const first = piece(2 * LENGTH_US, 2 * LENGTH_US, 0, { stepUs: -60_000_000 });
  assert.equal(timeline.begin([first]), endUs, 'a new run begins where the old one ended');
  let aheadUs = 60_000_000;
  for (let i = 2; i < 3_002; i++) {
    const next = piece(i * LENGTH_US, i * LENGTH_US, 0, { stepUs: -60_000_000 });
    assert.equal(timeline.jumped(next), false);
    aheadUs = timeline.place(next).endUs - next.arrival.wallUs;
  }
  assert.ok(aheadUs < 57_500_000 && aheadUs > 56_000_000, `after ten minutes three seconds less: ${aheadUs}`);
});

test('timestamps that jump are found; frozen and congested networks are not jumps', () => {
  const begun = () => {
    const timeline = new Timeline(0);
    timeline.begin([piece(LENGTH_US, LENGTH_US, 40_000)]);
    for (let i = 1; i <= 50; i++) timeline.place(piece(i * LENGTH_US, i * LENGTH_US, 40_000));
    return timeline;
  };
  const atUs = 10_200_000;
  assert.equal(begun().jumped(piece(atUs, atUs, 40_000)), false);
  assert.equal(begun().jumped(piece(atUs + 10e6, atUs, 40_000, { lengthUs: 10_200_000 })), true, 'forward');
  assert.equal(begun().jumped(piece(atUs - 10e6, atUs, 40_000)), true, 'backward');

  const frozen = begun();
  for (let i = 51; i <= 90; i++) {
    const late = piece(i * LENGTH_US, i * LENGTH_US, Math.max(40_000, 18_200_000 - i * LENGTH_US));
    assert.equal(frozen.jumped(late), false, 'eight seconds arrive at once');
    frozen.place(late);
  }
  const hole = begun();
  const after = piece(18_200_000, 18_200_000, 40_000, { lengthUs: 8_200_000 });
  assert.equal(hole.jumped(after), false, 'a picture that stood still for eight seconds');
  assert.ok(Math.abs(hole.place(after).endUs - after.arrival.wallUs) < 2);

  const crawling = begun();
  let found = -1;
  for (let i = 1; i <= 30 && found < 0; i++) {
    const next = piece(10_000_000 + i * 25, 10_000_000 + i * 1_000_000, 40_000, { lengthUs: 25 });
    if (crawling.jumped(next)) found = i;
    else crawling.place(next);
  }
  assert.ok(found >= 15 && found <= 17, `media that hardly moves is found after ${found} s`);
});
