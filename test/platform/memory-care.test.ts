import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { SimulatedClock } from '../../src/platform/index.ts';
import { careForMemory } from '../../src/platform/node/index.ts';

const place = globalThis as { gc?: unknown };
const before = place.gc;
afterEach(() => {
  place.gc = before;
});

test('garbage is collected twice a minute, until it is ended', async () => {
  const asked: unknown[] = [];
  place.gc = (options: unknown) => void asked.push(options);
  const clock = new SimulatedClock();
  const end = careForMemory(clock);
  await clock.advance(95_000);
  assert.deepEqual(asked, Array(3).fill({ type: 'major', execution: 'async' }));
  end();
  await clock.advance(95_000);
  assert.equal(asked.length, 3);
});

test('without the engine’s leave nothing is done', async () => {
  delete place.gc;
  const clock = new SimulatedClock();
  const end = careForMemory(clock);
  await clock.advance(95_000);
  end();
});
