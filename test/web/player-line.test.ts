import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MediaLine } from '../../web/src/player/media-line.ts';
import { offsetOf } from '../../web/src/player/node-clock.ts';

const T0 = 1_795_000_000_000_000;
const piece = (mediaStart: number, startUs: number, more: { endUs?: number; keyframe?: boolean } = {}) => ({
  mediaStart,
  startUs,
  endUs: startUs + 200_000,
  keyframe: false,
  pictures: 5,
  ...more,
});

describe('the line on which a video plays', () => {
  it('puts fragments of a run where their own times say', () => {
    const line = new MediaLine();
    const first = line.place(piece(5_000, T0, { keyframe: true }));
    assert.equal(first.begins, true);
    assert.equal(first.fragment.start, 1);
    assert.equal(first.offset, -4_999);
    const second = line.place(piece(5_000.2, T0 + 200_100));
    assert.equal(second.begins, false);
    assert.equal(second.offset, first.offset);
    assert.ok(Math.abs(second.fragment.start - 1.2) < 1e-9);
  });

  it('puts a new run as much later as it came, whatever its clock says', () => {
    const line = new MediaLine();
    line.place(piece(5_000, T0));
    line.begin();
    const next = line.place(piece(0, T0 + 9_000_000));
    assert.equal(next.begins, true);
    assert.ok(Math.abs(next.fragment.start - 10) < 1e-9);
    assert.equal(line.wallUs(10.1), T0 + 9_100_000);
    assert.equal(line.wallUs(5), null, 'nothing lies between');
  });

  it('does not write over what is there when the node’s clock goes back', () => {
    const line = new MediaLine();
    const { fragment } = line.place(piece(0, T0));
    line.begin();
    const next = line.place(piece(0, T0 - 3_600_000_000));
    assert.ok(next.fragment.start > fragment.end);
    assert.equal(line.wallUs(next.fragment.start), T0 - 3_600_000_000);
  });

  it('sees a jump inside a stream, and none where a camera’s clock drifts', () => {
    const line = new MediaLine();
    line.place(piece(0, T0));
    assert.equal(line.place(piece(700, T0 + 200_000)).begins, true);
    assert.equal(line.place(piece(700.2, T0 + 400_000)).begins, false);
    // Left out by the node: both clocks went on.
    assert.equal(line.place(piece(703.2, T0 + 3_400_000)).begins, false);
    const drifting = new MediaLine();
    drifting.place(piece(0, T0));
    for (let count = 1; count < 40_000; count++) {
      const { begins } = drifting.place(piece(count * 0.2, T0 + count * 200_100));
      assert.equal(begins, false);
      drifting.forget(count * 0.2 - 20);
    }
    assert.ok(drifting.size < 130, `${drifting.size}`);
  });

  it('tells keyframes and forgets', () => {
    const line = new MediaLine();
    for (let count = 0; count < 50; count++)
      line.place(piece(count * 0.2, T0 + count * 200_000, { keyframe: count % 10 === 0 }));
    assert.ok(Math.abs(line.keyframe(1, 6.5)! - 5) < 1e-9);
    assert.ok(Math.abs(line.keyframe(5.01, 7)! - 7) < 1e-9);
    assert.equal(line.keyframe(5.01, 6.9), null);
    line.forget(8);
    assert.equal(line.wallUs(4), null);
    assert.notEqual(line.wallUs(8.5), null);
    line.forget(1_000);
    assert.equal(line.size, 0);
  });

  it('never overlaps two runs and always knows the time of the newest fragment', () => {
    const run = fc.record({
      mediaStart: fc.double({ min: 0, max: 1e6, noNaN: true }),
      after: fc.integer({ min: -5_000_000, max: 60_000_000 }),
      count: fc.integer({ min: 1, max: 8 }),
      init: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 8 }), (runs) => {
        const line = new MediaLine();
        let at = T0;
        let end = 0;
        for (const { mediaStart, after, count, init } of runs) {
          at += after;
          if (init) line.begin();
          for (let index = 0; index < count; index++, at += 200_000) {
            const { fragment, begins } = line.place(piece(mediaStart + index * 0.2, at));
            if (begins) assert.ok(fragment.start >= end - 1e-6, 'runs do not overlap');
            end = fragment.end;
            assert.ok(Math.abs(line.wallUs(fragment.start + 0.05)! - (at + 50_000)) <= 101, 'the time is known');
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the clock of a node', () => {
  it('is told by the quickest answer', () => {
    const offset = offsetOf([
      { askedAt: 1_000, answeredAt: 1_200, nodeAt: 6_190 },
      { askedAt: 2_000, answeredAt: 2_004, nodeAt: 7_002 },
    ]);
    assert.deepEqual(offset, { ms: 5_000.5, uncertaintyMs: 2.5 });
    assert.equal(offsetOf([]), null);
  });

  it('is never wrong by more than it says', () => {
    const probe = fc.record({ there: fc.integer({ min: 0, max: 900 }), back: fc.integer({ min: 0, max: 900 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(probe, { minLength: 1, maxLength: 6 }),
        (ahead, trips) => {
          const probes = trips.map(({ there, back }, index) => {
            const askedAt = 1e12 + index * 5_000 + 0.25;
            return { askedAt, answeredAt: askedAt + there + back, nodeAt: Math.floor(askedAt + there + ahead) };
          });
          const { ms, uncertaintyMs } = offsetOf(probes)!;
          assert.ok(Math.abs(ms - ahead) <= uncertaintyMs + 0.5);
        },
      ),
    );
  });
});
