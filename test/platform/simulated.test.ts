import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom, SimulatedClock } from '../../src/platform/index.ts';

test('the simulated clock runs timers in order, only as far as it is moved', async () => {
  const clock = new SimulatedClock(1_000_000);
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b ${clock.monotonic()}`));
  clock.after(10, () => {
    seen.push(`a ${clock.monotonic()}`);
    clock.after(5, () => seen.push(`nested ${clock.monotonic()}`));
  });
  const cancel = clock.after(12, () => seen.push('never'));
  cancel();
  await clock.advance(9);
  assert.deepEqual(seen, []);
  await clock.advance(11);
  assert.deepEqual(seen, ['a 10', 'nested 15', 'b 20']);
  assert.equal(clock.now(), 1_000_020);
  assert.equal(clock.monotonicUs(), 20_000);
});

test('a step of the calendar leaves the monotonic time alone', () => {
  const clock = new SimulatedClock(1_000_000);
  clock.step(-3_600_000);
  assert.equal(clock.now(), 1_000_000 - 3_600_000);
  assert.equal(clock.monotonic(), 0);
});

test('a simulated sleep ends on time or with its signal', async () => {
  const clock = new SimulatedClock();
  let woke = false;
  const sleeping = clock.sleep(100).then(() => (woke = true));
  await clock.advance(99);
  assert.equal(woke, false);
  await clock.advance(1);
  await sleeping;

  const stop = new AbortController();
  const stopped = clock.sleep(100, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(stopped, /enough/);
  await assert.rejects(clock.sleep(1, stop.signal), /enough/);
});

test('seeded chance repeats itself, and differs between seeds', () => {
  assert.deepEqual(new SeededRandom(7).bytes(33), new SeededRandom(7).bytes(33));
  assert.notDeepEqual(new SeededRandom(7).bytes(33), new SeededRandom(8).bytes(33));
  const random = new SeededRandom(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]!++;
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
});
