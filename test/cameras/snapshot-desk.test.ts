import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CameraError, SnapshotDesk } from '../../src/cameras/index.ts';
import { SimulatedClock } from '../../src/platform/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';

const id = (name: string) => name as SourceId;

interface Asked {
  signal: AbortSignal;
  answer(picture: number): void;
  fail(): void;
}

function rig() {
  const clock = new SimulatedClock();
  const asked: Asked[] = [];
  const snapshot = (signal?: AbortSignal) =>
    new Promise<Uint8Array>((resolve, reject) => {
      const answer = (picture: number) => resolve(Uint8Array.of(picture));
      asked.push({ signal: signal!, answer, fail: () => reject(new CameraError('unreachable')) });
      signal!.addEventListener('abort', () => reject(new CameraError('cancelled')));
    });
  const desk = new SnapshotDesk({ clock, driver: () => ({ snapshot }) });
  return { clock, desk, asked };
}

test('two are fetched from a camera at once, and a third caller shares the newer', async () => {
  const { clock, desk, asked } = rig();
  const first = desk.get(id('a'));
  await clock.advance(1_500);
  const second = desk.get(id('a'));
  await clock.advance(1_500);
  const third = desk.get(id('a'));
  await clock.advance(0);
  assert.equal(asked.length, 2);
  asked[1]!.answer(2);
  await clock.advance(0);
  assert.deepEqual([(await second).bytes, (await third).bytes], [Uint8Array.of(2), Uint8Array.of(2)]);
  assert.deepEqual((await third).askedAt, clock.now() - 1_500);
  asked[0]!.answer(1);
  assert.deepEqual((await first).bytes, Uint8Array.of(1));
});

test('a failure is not shared with those who come after it', async () => {
  const { clock, desk, asked } = rig();
  const failing = desk.get(id('a'));
  await clock.advance(0);
  asked[0]!.fail();
  await assert.rejects(failing, { trouble: 'unreachable' });
  const next = desk.get(id('a'));
  await clock.advance(0);
  asked[1]!.answer(5);
  assert.deepEqual((await next).bytes, Uint8Array.of(5));
});

test('the camera is given up when the last who waits has gone, and not before', async () => {
  const { clock, desk, asked } = rig();
  const [one, two] = [new AbortController(), new AbortController()];
  const calls = [desk.get(id('a'), one.signal), desk.get(id('a'), two.signal)];
  await clock.advance(0);
  one.abort();
  await assert.rejects(calls[0]!, { trouble: 'cancelled' });
  assert.equal(asked[0]!.signal.aborted, false);
  two.abort();
  await assert.rejects(calls[1]!, { trouble: 'cancelled' });
  assert.equal(asked[0]!.signal.aborted, true);
  await assert.rejects(desk.get(id('a'), AbortSignal.abort()), { trouble: 'cancelled' });
  const fresh = desk.get(id('a'));
  await clock.advance(0);
  asked[1]!.answer(7);
  assert.deepEqual((await fresh).bytes, Uint8Array.of(7), 'nobody gets what was given up');
});

test('eight are fetched at once from all cameras', async () => {
  const { clock, desk, asked } = rig();
  const calls = Array.from({ length: 8 }, (_, i) => desk.get(id(`cam${i}`)));
  await clock.advance(0);
  await assert.rejects(desk.get(id('more')), { code: 'ERR_CAMERAS_SNAPSHOTS', kind: 'exhausted' });
  for (const { answer } of asked) answer(1);
  await Promise.all(calls);
  const next = desk.get(id('more'));
  await clock.advance(0);
  asked[8]!.answer(9);
  assert.deepEqual((await next).bytes, Uint8Array.of(9));
});
