import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, REFUSED_MS } from '../../src/ingest/backoff.ts';
import { SeededRandom } from '../../src/platform/index.ts';

test('waits double from half a second to eight, with a random half, for ever', () => {
  const backoff = new Backoff(new SeededRandom(1));
  const waits = Array.from({ length: 1_000 }, () => backoff.next(false));
  for (const [i, waitMs] of waits.entries()) {
    const fullMs = Math.min(8_000, 500 * 2 ** i);
    assert.ok(waitMs >= fullMs / 2 && waitMs <= fullMs, `wait ${i} of ${waitMs} ms`);
  }
  assert.ok(new Set(waits.map(Math.round)).size > 500, 'cameras do not come back in step');
  backoff.reset();
  assert.ok(backoff.next(false) <= 500);
});

test('after three refusals of the credentials at most one try a minute, until something else happens', () => {
  const backoff = new Backoff(new SeededRandom(2));
  const waits = Array.from({ length: 20 }, () => backoff.next(true));
  assert.ok(waits.slice(0, 2).every((waitMs) => waitMs < 2_000));
  assert.ok(waits.slice(2).every((waitMs) => waitMs >= REFUSED_MS));
  assert.ok(backoff.refused);
  assert.ok(backoff.next(false) <= 8_000);
  assert.equal(backoff.refused, false);
});
