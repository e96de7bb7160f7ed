import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/bytes/index.ts';
import { NvrError } from '../../src/errors.ts';
import { boxesIn, findBox, free, mfra, mfraSize, needBox, prft, readMfra, readPrft } from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';

const time = fc.bigInt({ min: 0n, max: 2n ** 63n });

test('prft carries wall time to the microsecond, before and after 2036', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffff),
      fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
      time,
      (trackId, wallUs, mediaTime) => {
        const bytes = prft({ trackId, wallUs, mediaTime });
        assert.equal(bytes.length, 32);
        assert.deepEqual(readPrft(bytes, needBox(bytes, 'prft')), { trackId, wallUs, mediaTime });
      },
    ),
  );
});

test('mfra is found from its tail and read as written', () => {
  const entry = fc.record({ time, moofAt: fc.nat() }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.nat(0xffff), fc.array(entry, { maxLength: 40 }), (trackId, entries) => {
      const bytes = mfra(trackId, entries);
      assert.equal(bytes.length, 8 + 24 + 19 * entries.length + 16);
      assert.equal(mfraSize(bytes.subarray(-4), 10_000_000), bytes.length);
      assert.deepEqual(readMfra(bytes), { trackId, entries });
      assert.throws(() => readMfra(bytes.subarray(0, -1)), { kind: 'corrupt' });
    }),
  );
  assert.equal(mfraSize(new Uint8Array(4), 10_000), null);
  assert.equal(mfraSize(mfra(1, []).subarray(-4), 20), null, 'larger than the segment');
  assert.equal(mfraSize(new Uint8Array(3), 10_000), null);
});

test('a mutated mfra or prft is read or refused', () => {
  const random = new SeededRandom(5);
  const index = mfra(1, [
    { time: 0n, moofAt: 800 },
    { time: 12_800n, moofAt: 90_000 },
  ]);
  const reference = prft({ trackId: 1, wallUs: 1_795_000_000_000_000, mediaTime: 5n });
  for (let round = 0; round < 5_000; round++) {
    const bytes = (round % 2 ? index : reference).slice();
    bytes[random.below(bytes.length)] = random.below(256);
    try {
      if (round % 2) readMfra(bytes);
      else readPrft(bytes, needBox(bytes, 'prft'));
    } catch (error) {
      assert.ok(error instanceof NvrError && error.kind === 'corrupt', `${error}`);
    }
  }
});

test('free is exactly as large as asked, and boxes fill what they lie in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 8, max: 300 }), { maxLength: 8 }), (sizes) => {
      const bytes = concatBytes(...sizes.map(free));
      assert.deepEqual(
        [...boxesIn(bytes)].map((box) => box.end - box.start),
        sizes,
      );
      assert.equal(findBox(bytes, 'moov.trak'), null);
      if (bytes.length > 0) assert.throws(() => [...boxesIn(bytes.subarray(0, -1))], { code: 'ERR_MEDIA_MALFORMED' });
    }),
  );
});
