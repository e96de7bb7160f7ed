import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MovieCutter, type MoviePiece } from '../../src/client/movie-cutter.ts';
import { isNvrError } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { record } from './sealed-recording.ts';

const slow = process.env['SLOW'] === '1';
const [stored] = record({ media: { seconds: 2, size: '96x64' } });
const movie = stored!.plaintext;

function cutWhole(bytes: Uint8Array, sizes: () => number): MoviePiece[] {
  const cutter = new MovieCutter();
  const pieces: MoviePiece[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(1, sizes());
    pieces.push(...cutter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return pieces;
}

const told = (pieces: MoviePiece[]) => pieces.map(({ kind, bytes, offset }) => `${kind} ${offset} ${bytes.length}`);

test('pieces are the same whatever the borders of the bytes', () => {
  const expected = told(cutWhole(movie, () => movie.length));
  assert.equal(expected.length, 1 + stored!.fragments.length);
  for (const { kind, offset, bytes } of cutWhole(movie, () => 1000)) {
    assert.deepEqual(bytes, movie.slice(offset, offset + bytes.length), `${kind} at ${offset}`);
  }
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new SeededRandom(seed);
      assert.deepEqual(told(cutWhole(movie, () => rng.below(2000))), expected);
    }),
    { numRuns: slow ? 300 : 40 },
  );
});

test('padding and unknown boxes are passed over, an empty one too', () => {
  const free = Uint8Array.of(0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65);
  const [init, fragment] = cutWhole(movie, () => 4096);
  const bytes = Uint8Array.from([...free, ...init!.bytes, ...free, ...free, ...fragment!.bytes]);
  assert.deepEqual(told(cutWhole(bytes, () => 5)), [
    `init 8 ${init!.bytes.length}`,
    `fragment ${24 + init!.bytes.length} ${fragment!.bytes.length}`,
  ]);
});

test('any bytes give pieces or one kind of error', () => {
  const rng = new SeededRandom(3);
  for (let round = 0; round < (slow ? 20_000 : 2000); round++) {
    const bytes = movie.slice(0, 4000);
    for (let n = 1 + rng.below(6); n > 0; n--) bytes[rng.below(bytes.length)] = rng.below(256);
    try {
      cutWhole(bytes, () => 1 + rng.below(700));
    } catch (error) {
      assert.ok(isNvrError(error, 'corrupt'), String(error));
    }
  }
});

test('a piece that would not end is refused before it is held', () => {
  const huge = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0x6d, 0x6f, 0x6f, 0x66);
  assert.throws(() => cutWhole(huge, () => 8), { code: 'ERR_CLIENT_MEDIA' });
  const skipped = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0x66, 0x72, 0x65, 0x65);
  assert.deepEqual(
    cutWhole(skipped, () => 8),
    [],
  );
});
