import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeClock, createNodeRandom } from '../../src/platform/node/index.ts';

const clock = createNodeClock();

test('microseconds lie within the millisecond of the calendar', () => {
  for (let i = 0; i < 10_000; i++) {
    const before = Date.now();
    const us = clock.nowUs();
    const after = Date.now();
    assert.ok(Number.isInteger(us));
    assert.ok(us >= before * 1000 && us < (after + 1) * 1000, `${us} between ${before} and ${after}`);
  }
});

test('the monotonic clock is the kernel’s and runs on', () => {
  const a = clock.monotonicUs();
  const b = clock.monotonic() * 1000;
  const c = clock.monotonicUs();
  assert.ok(a <= b + 1 && b <= c + 1);
  assert.ok(Math.abs(a - Number(process.hrtime.bigint() / 1000n)) < 1_000_000);
});

test('a sleep ends by its time or by its signal, and leaves no timer', async () => {
  await clock.sleep(1);
  await assert.rejects(clock.sleep(60_000, AbortSignal.abort(new Error('gone'))), /gone/);
  const controller = new AbortController();
  const sleeping = clock.sleep(60_000, controller.signal);
  controller.abort(new Error('later'));
  await assert.rejects(sleeping, /later/);
});

test('a task waits longer than one timer can, and can be called off', async () => {
  let ran = 0;
  const cancel = clock.after(0x7fff_ffff + 1000, () => (ran += 1));
  const never = clock.after(0, () => (ran += 1));
  never();
  await clock.sleep(5);
  cancel();
  assert.equal(ran, 0);
  await new Promise<void>((done) => clock.after(0, done));
});

test('chance gives as many bytes as asked for, and other ones each time', () => {
  const random = createNodeRandom();
  assert.equal(random.bytes(0).length, 0);
  assert.notDeepEqual(random.bytes(32), random.bytes(32));
});
