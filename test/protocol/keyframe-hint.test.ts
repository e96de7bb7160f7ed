import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  encodeKeyframeHints,
  KEYFRAME_HINT_BYTES_MAX,
  KEYFRAME_HINTS_MAX,
  type KeyframeHint,
  KeyframeHints,
  parseKeyframeHints,
} from '../../src/protocol/index.ts';

const START = 1_795_000_000_040;
const MUTATIONS = process.env['SLOW'] ? 200_000 : 4_000;

/** Keyframes as a camera makes them: one after the other, in time and in the file. */
const hints = fc
  .array(
    fc.record({
      skip: fc.nat(2 ** 28 - 1),
      gap: fc.oneof(fc.nat(200_000), fc.nat(2 ** 28 - 1)),
      length: fc.nat(2 ** 28 - 1),
    }),
    { maxLength: KEYFRAME_HINTS_MAX, size: 'max' },
  )
  .map((steps) => {
    let [at, end] = [START, 0];
    return steps.map(({ skip, gap, length }): KeyframeHint => {
      const hint = { at: at + skip, offset: end + gap, length };
      [at, end] = [hint.at, hint.offset + length];
      return hint;
    });
  });

test('what was written is read', () => {
  fc.assert(
    fc.property(hints, (list) => {
      const bytes = encodeKeyframeHints(START, list);
      assert.ok(bytes.length <= KEYFRAME_HINT_BYTES_MAX);
      assert.deepEqual(parseKeyframeHints(START, bytes), list);
    }),
    { numRuns: 100 },
  );
});

test('the bytes are those of the document', () => {
  const list = [
    { at: START, offset: 1_200, length: 300 },
    { at: START + 1_000, offset: 500_000, length: 41_000 },
  ];
  // 0, 1200, 300 / 1000, 498500, 41000
  assert.equal(Buffer.from(encodeKeyframeHints(START, list)).toString('hex'), '00b009ac02e807c4b61ea8c002');
});

test('any bytes are a list that is written so and no other way, or nothing', () => {
  const random = new SeededRandom(3);
  const list = Array.from({ length: 40 }, (_, i) => ({
    at: START + i * 1_001,
    offset: 900 + i * 500_000,
    length: 40_000 + i,
  }));
  const good = encodeKeyframeHints(START, list);
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = i % 3 === 0 ? random.bytes(random.below(200)) : good.slice(0, good.length - random.below(20));
    for (let k = random.below(4); k > 0 && bytes.length > 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    const found = parseKeyframeHints(START, bytes);
    if (found) assert.deepEqual(encodeKeyframeHints(START, found), bytes);
  }
  assert.equal(parseKeyframeHints(START, good.slice(0, -1)), null);
  assert.equal(parseKeyframeHints(START, Uint8Array.of(0x80, 0x00, 1, 1)), null, 'a number in a longer form');
  assert.equal(parseKeyframeHints(START, new Uint8Array(KEYFRAME_HINT_BYTES_MAX + 1)), null);
  assert.equal(parseKeyframeHints(START, new Uint8Array(3 * (KEYFRAME_HINTS_MAX + 1))), null, 'too many');
  assert.deepEqual(parseKeyframeHints(START, new Uint8Array()), []);
});

test('a list ends before what its numbers do not reach', () => {
  const near = { at: START, offset: 10, length: 10 };
  for (const far of [
    { at: START + 2 ** 28, offset: 30, length: 10 },
    { at: START - 1, offset: 30, length: 10 },
    { at: START, offset: 20 + 2 ** 28, length: 10 },
    { at: START, offset: 30, length: 2 ** 28 },
  ]) {
    assert.deepEqual(parseKeyframeHints(START, encodeKeyframeHints(START, [near, far])), [near]);
  }
});

test('of very many keyframes an even choice is kept, the first always', () => {
  for (const count of [1, 256, 257, 600, 5_000]) {
    const gathered = new KeyframeHints();
    for (let i = 0; i < count; i++) gathered.add({ at: START + i * 40, offset: 1_000 + i * 500, length: 400 });
    const kept = gathered.upTo(Number.MAX_SAFE_INTEGER);
    assert.ok(
      kept.length <= KEYFRAME_HINTS_MAX && kept.length >= Math.min(count, KEYFRAME_HINTS_MAX / 2 - 1),
      `${count}`,
    );
    assert.equal(kept[0]!.at, START);
    const steps = new Set(kept.slice(1).map(({ at }, i) => at - kept[i]!.at));
    assert.ok(steps.size <= 1, `even steps: ${[...steps]}`);
    assert.equal(count <= 256 ? kept.length : 0, count <= 256 ? count : 0);
  }
});

test('what is not whole yet is not told', () => {
  const gathered = new KeyframeHints();
  for (let i = 0; i < 5; i++) gathered.add({ at: START + i, offset: i * 100, length: 90 });
  assert.deepEqual(
    gathered.upTo(289).map(({ offset }) => offset),
    [0, 100],
  );
  assert.deepEqual(
    gathered.upTo(290).map(({ offset }) => offset),
    [0, 100, 200],
  );
});
