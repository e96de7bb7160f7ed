import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FragmentPiece } from '../../web/src/engine/messages.ts';
import { GLASS_EPOCH_S, middleOf, type Picture, PictureIndex } from '../../web/src/player/past-index.ts';
import { isAway, motionFor } from '../../web/src/player/past-motion.ts';

const T0 = 1_795_000_000_000_000;

/** A fragment of pictures with these lengths (µs) that begins at a wall time and a media time (s). */
function fragment(startUs: number, mediaStart: number, lengths: readonly number[], keyframe = false): FragmentPiece {
  const times: number[] = [];
  let at = mediaStart;
  for (const length of lengths) {
    times.push(at);
    at += length / 1e6;
  }
  const endUs = startUs + lengths.reduce((sum, each) => sum + each, 0);
  return {
    kind: 'fragment',
    bytes: new ArrayBuffer(0),
    keyframe,
    startUs,
    endUs,
    mediaStart,
    pictures: lengths.length,
    times,
  };
}

const even = (count: number, length = 40_000) => Array.from({ length: count }, () => length);

test('pictures are found by wall time with their exact edges, also of uneven lengths', () => {
  const lengths = fc.array(fc.integer({ min: 5_000, max: 200_000 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 1, maxLength: 12 }), (fragments) => {
      const index = new PictureIndex();
      const edges: number[] = [T0];
      let media = 77.5;
      for (const each of fragments) {
        index.lay(fragment(edges.at(-1)!, media, each));
        for (const length of each) edges.push(edges.at(-1)! + length);
        media += each.reduce((sum, length) => sum + length, 0) / 1e6;
      }
      let walked: Picture | null = index.pictureAt(T0);
      for (let i = 0; i + 1 < edges.length; i++) {
        const middle = (edges[i]! + edges[i + 1]!) / 2;
        const found = index.pictureAt(middle)!;
        assert.ok(Math.abs(found.startUs - edges[i]!) < 50 && Math.abs(found.endUs - edges[i + 1]!) < 50);
        assert.ok(Math.abs(found.glass - (edges[i]! / 1e6 - GLASS_EPOCH_S)) < 1e-4);
        assert.ok(found.glassEnd > found.glass);
        // Walking on meets each picture once, and back again.
        assert.ok(Math.abs(middleOf(walked!) * 1000 - middle) < 50);
        const back = index.previous(found);
        assert.equal(back === null, i === 0);
        if (back) assert.ok(Math.abs(back.endUs - edges[i]!) < 50);
        walked = index.next(walked!);
        assert.ok(Math.abs(index.wallAt((found.glass + found.glassEnd) / 2)! - middle) < 50);
      }
      assert.equal(walked, null);
      assert.equal(index.pictureAt(edges.at(-1)! + 1), null);
      assert.equal(index.pictureAt(T0 - 1_000), null);
    }),
    { numRuns: 100 },
  );
});

test('a fragment that does not say when its pictures are shown has them evenly spread', () => {
  const index = new PictureIndex();
  index.lay({ ...fragment(T0, 5, even(5)), times: [] });
  const third = index.pictureAt(T0 + 100_000)!;
  assert.ok(Math.abs(third.startUs - (T0 + 80_000)) < 1 && Math.abs(third.endUs - (T0 + 120_000)) < 1);
});

test('fragments of a run lie without a seam, however wall time strays from media time', () => {
  const index = new PictureIndex();
  for (let i = 0; i < 50; i++) {
    // The node's filter moves wall time by 7 µs each fragment.
    const length = 200_000 + 7;
    const piece = { ...fragment(T0 + i * length, 10 + i * 0.2, even(5)), endUs: T0 + (i + 1) * length };
    index.lay(piece);
  }
  const { fragments } = index;
  for (let i = 1; i < fragments.length; i++) {
    assert.equal(fragments[i]!.offset, fragments[0]!.offset);
    assert.ok(Math.abs(fragments[i]!.glass[0]! - fragments[i - 1]!.glassEnd) < 1e-4);
  }
  assert.equal(index.endOfStretch(T0 + 1), T0 + 50 * 200_007);
});

test('another run is laid by its wall time; between them is nothing', () => {
  const index = new PictureIndex();
  index.lay(fragment(T0, 100, even(5)));
  index.beginRun();
  index.lay(fragment(T0 + 5_000_000, 0, even(5), true));
  assert.equal(index.pictureAt(T0 + 1_000_000), null);
  const [first, second] = index.fragments;
  assert.ok(Math.abs(second!.glass[0]! - first!.glass[0]! - 5) < 1e-6);
  assert.equal(index.endOfStretch(T0), T0 + 200_000);
  // A step goes over the gap forwards; backwards too, once it is told that nothing lies between.
  assert.ok(Math.abs(index.next(index.pictureAt(T0 + 190_000)!)!.startUs - (T0 + 5_000_000)) < 1);
  const behind = index.pictureAt(T0 + 5_000_000)!;
  assert.equal(index.previous(behind), null);
  index.addGap({ kind: 'gap', startUs: T0 + 400_000, endUs: T0 + 5_000_000, cause: 'stalled' });
  assert.equal(index.previous(behind), null, 'pictures up to the gap are on their way');
  index.addGap({ kind: 'gap', startUs: T0 + 200_000, endUs: T0 + 5_000_000, cause: 'stalled' });
  index.addGap({ kind: 'gap', startUs: T0 + 400_000, endUs: T0 + 400_000, cause: 'stalled' });
  assert.ok(Math.abs(index.previous(behind)!.startUs - (T0 + 160_000)) < 1);
  assert.equal(index.aheadUs(T0 + 100_000), 300_000);
});

test('what comes twice lies there once; what is let go of is gone', () => {
  const index = new PictureIndex();
  for (let i = 0; i < 10; i++) index.lay(fragment(T0 + i * 200_000, i * 0.2, even(5), i % 5 === 0));
  index.lay(fragment(T0 + 5 * 200_000, 1, even(5), true));
  index.lay(fragment(T0 + 6 * 200_000, 1.2, even(5)));
  assert.equal(index.fragments.length, 10);
  const gone = index.dropBefore(T0 + 1_000_001);
  assert.equal(index.fragments.length, 5);
  assert.ok(Math.abs(gone! - (T0 / 1e6 - GLASS_EPOCH_S + 1)) < 1e-4);
  assert.equal(index.dropBefore(T0), null);
  index.clear();
  assert.equal(index.pictureAt(T0 + 1_500_000), null);
});

test('gaps are found by time, one that lasts to the end of time', () => {
  const index = new PictureIndex();
  index.addGap({ kind: 'gap', startUs: 100, endUs: 200, cause: 'stalled' });
  index.addGap({ kind: 'gap', startUs: 500, endUs: null, cause: 'full' });
  index.addGap({ kind: 'gap', startUs: 100, endUs: 250, cause: 'stalled' });
  assert.equal(index.gapAt(220)?.cause, 'stalled');
  assert.equal(index.gapAt(250), null);
  assert.equal(index.gapAt(1e15)?.cause, 'full');
});

const picture = { startUs: T0, endUs: T0 + 40_000, glass: 100, glassEnd: 100.04 };

test('a standing picture is away outside its own time, a running one where it is far off', () => {
  const still = { wanted: 100.02, picture, speed: 1, stands: true, away: false };
  assert.equal(isAway({ ...still, current: 100.02 }), false);
  assert.equal(isAway({ ...still, current: 100.001 }), false);
  assert.equal(isAway({ ...still, current: 100.04 }), true);
  assert.equal(isAway({ ...still, current: 99.99 }), true);
  const runs = { wanted: 100.02, picture, speed: 1, stands: false, away: false };
  assert.equal(isAway({ ...runs, current: 99.8 }), false);
  assert.equal(isAway({ ...runs, current: 99.6 }), true);
  assert.equal(isAway({ ...runs, current: 99.2, speed: 4 }), false);
  assert.equal(isAway({ ...runs, current: 100.02, away: true }), true);
});

test('a picture comes in step within two seconds and never swings', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.25, 0.5, 1, 2, 4),
      fc.double({ min: -0.3, max: 0.3, noNaN: true }),
      fc.boolean(),
      (speed, error, muted) => {
        let [clock, current] = [100, 100 - error * Math.max(1, speed)];
        let before = Math.abs(clock - current);
        const side = Math.sign(clock - current);
        const seconds = (muted ? 2.5 : 9) / Math.min(1, speed);
        for (let i = 0; i < seconds / 0.05; i++) {
          const motion = { current, wanted: clock, picture, speed, stands: false, away: false };
          const rate = motionFor(motion, muted);
          clock += 0.05 * speed;
          current += 0.05 * rate;
          const off = Math.abs(clock - current);
          assert.ok(off <= before + 1e-9, 'it only gets nearer');
          assert.ok(off < 1e-6 || Math.sign(clock - current) === side || off < 0.01 * speed, 'it does not swing over');
          before = off;
        }
        assert.ok(before < 0.02 * Math.max(1, speed), `${before} s off`);
      },
    ),
  );
});
