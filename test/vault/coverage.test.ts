import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  createLeaf,
  GAP_CAUSES,
  type LogLeaf,
  PRUNE_CAUSES,
  type SourceId,
  streamAssignedLeaf,
} from '../../src/protocol/index.ts';
import type { StoredGap } from '../../src/vault/index.ts';
import type { LoggedLeaf } from '../../src/vault/log-file.ts';
import { type SegmentExtra, SegmentIndex } from '../../src/vault/segment-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'vault-coverage-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const RUNS = process.env['SLOW'] === '1' ? 600 : 80;
const place = { sourceId: 'front' as SourceId, stream: 'main' } as const;
const streamIds = [new Uint8Array(16).fill(3), new Uint8Array(16).fill(4)];
/** 2026-11-21 22:00 UTC: two hours before a new day. */
const BEGIN = 1_795_298_400_000_000;
const MS = 1_000;
const MINUTE = 60_000_000;
const SLOT = 5 * MINUTE;
const HOUR = 12 * SLOT;
const EVER = { ...place, fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };

function fed(index: SegmentIndex, leaves: readonly LogLeaf[]): void {
  const first = index.applied;
  const batch = leaves.map((leaf, i) => ({ index: first + i, leaf, hash: new Uint8Array(32).fill(1) }));
  index.feed(batch satisfies LoggedLeaf<SegmentExtra>[]);
  assert.equal(index.broken, null);
}

function idOf(seq: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, Math.imul(seq, 0x9e37_79b1) >>> 0);
  new DataView(id.buffer).setUint32(12, seq);
  return id;
}

const leafOf = (type: 'segment' | 'prune', stream: number, seq: number, startUs: number, endUs: number) =>
  createLeaf(type, {
    state: 'final',
    segmentId: idOf(seq),
    streamId: streamIds[stream]!,
    seq,
    startUs,
    endUs,
    fileBytes: 1_000,
    epochId: 1,
    ...(type === 'prune' ? { cause: PRUNE_CAUSES.age } : {}),
  });

const gapLeaf = (stream: number, startUs: number, endUs: number) =>
  createLeaf('gap', { streamId: streamIds[stream]!, startUs, endUs, cause: GAP_CAUSES.stalled });

interface Kept {
  stream: number;
  seq: number;
  startUs: number;
  endUs: number;
}

type Step = { kind: 'on' | 'away'; ms: number } | { kind: 'prune'; nth: number } | { kind: 'flush' };

/** What a camera may do: record on without a hole, be away for a while, lose its oldest segment or any other. */
const life: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('on' as const), ms: fc.integer({ min: 40, max: 90_000 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('away' as const), ms: fc.integer({ min: 0, max: 9_000_000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const), nth: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  ),
  { maxLength: 120, size: 'max' },
);

/** Lives through it on both streams by turns, as leaves; gives what is left. */
function live(index: SegmentIndex, steps: readonly Step[]) {
  const at = [BEGIN, BEGIN + 1_234];
  let kept: Kept[] = [];
  const gaps: StoredGap[] = [];
  let batch: LogLeaf[] = [];
  let seq = 0;
  for (const [i, step] of steps.entries()) {
    const stream = i % 7 === 6 ? 1 : 0;
    if (step.kind === 'on') {
      const endUs = at[stream]! + step.ms * MS + (step.ms % 3) * 333;
      seq += 1;
      kept.push({ stream, seq, startUs: at[stream]!, endUs });
      batch.push(leafOf('segment', stream, seq, at[stream]!, endUs));
      at[stream] = endUs;
    } else if (step.kind === 'away') {
      const endUs = at[stream]! + step.ms * MS;
      batch.push(gapLeaf(stream, at[stream]!, 0), gapLeaf(stream, at[stream]!, endUs));
      if (step.ms > 0) gaps.push({ startUs: at[stream]!, endUs, cause: 'stalled' });
      at[stream] = endUs;
    } else if (step.kind === 'prune') {
      const gone = step.nth < 25 ? kept[0] : kept[step.nth % Math.max(1, kept.length)];
      if (gone) batch.push(leafOf('prune', gone.stream, gone.seq, gone.startUs, gone.endUs));
      kept = kept.filter((each) => each !== gone);
    } else {
      fed(index, batch);
      batch = [];
    }
  }
  fed(index, batch);
  gaps.sort((a, b) => a.startUs - b.startUs);
  return { kept, gaps, untilUs: Math.max(...at) };
}

/** µs covered between two times, by looking at every segment; streams of one place count once. */
function bruteForce(kept: readonly Kept[], fromUs: number, toUs: number): number {
  let [sum, reached] = [0, fromUs];
  for (const { startUs, endUs } of kept.toSorted((a, b) => a.startUs - b.startUs)) {
    const [start, end] = [Math.max(startUs, reached), Math.min(endUs, toUs)];
    if (end > start) sum += end - start;
    reached = Math.max(reached, Math.min(endUs, toUs));
  }
  return sum;
}

const edgesOf = (fromUs: number, toUs: number, buckets: number) =>
  Array.from({ length: buckets + 1 }, (_, i) => fromUs + Math.floor((i * (toUs - fromUs)) / buckets));

function begun(path = ':memory:'): SegmentIndex {
  const index = SegmentIndex.open(path)!;
  index.begin('test');
  fed(
    index,
    streamIds.map((streamId) => streamAssignedLeaf({ ...place, streamId }, {})),
  );
  return index;
}

describe('what is recorded, as every segment tells it', () => {
  test('from near: to the microsecond, in buckets and in stretches', () => {
    fc.assert(
      fc.property(
        life,
        fc.nat(20_000),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 100 }),
        (steps, from, minutes, buckets) => {
          const index = begun();
          const { kept } = live(index, steps);
          const fromUs = BEGIN + from * 1_000 * MS;
          const toUs = fromUs + Math.min(minutes, 5 * buckets - 1) * MINUTE;
          const edgesUs = edgesOf(fromUs, toUs, buckets);
          const found = index.coverage({ ...place, edgesUs, exactMax: 400 }, []);
          // Holes of up to a millisecond are closed: each segment may have one on either side.
          for (const [i, us] of found.coveredUs.entries()) {
            const expected = bruteForce(kept, edgesUs[i]!, edgesUs[i + 1]!);
            assert.ok(us >= expected && us - expected <= MS * (kept.length + 1), `bucket ${i}: ${us}, not ${expected}`);
          }
          assert.ok(found.stretches);
          for (const [i, { startUs, endUs }] of found.stretches.entries()) {
            assert.ok(startUs >= fromUs && endUs <= toUs && startUs < endUs);
            if (i > 0) assert.ok(startUs > found.stretches[i - 1]!.endUs);
            assert.ok(endUs - startUs - bruteForce(kept, startUs, endUs) <= MS * kept.length);
          }
          const sum = found.stretches.reduce((all, { startUs, endUs }) => all + endUs - startUs, 0);
          assert.ok(sum - bruteForce(kept, fromUs, toUs) <= MS * (kept.length + 1));
          index.close();
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('from far: each whole slot of five minutes, or of an hour, to its units, whatever was fed and forgotten', () => {
    fc.assert(
      fc.property(life, fc.constantFrom(SLOT, HOUR), (steps, slotUs) => {
        const index = begun();
        const { kept, untilUs } = live(index, steps);
        const [first, last] = [Math.floor(BEGIN / slotUs) - 3, Math.ceil(untilUs / slotUs) + 3];
        const edgesUs = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * slotUs);
        // No stretch may be read: the slots must do.
        const found = index.coverage({ ...place, edgesUs, exactMax: -1 }, []);
        assert.equal(found.stretches, null);
        for (const [i, us] of found.coveredUs.entries()) {
          const sums = streamIds.map((_, stream) =>
            bruteForce(
              kept.filter((each) => each.stream === stream),
              edgesUs[i]!,
              edgesUs[i + 1]!,
            ),
          );
          const expected = Math.min(slotUs, sums[0]! + sums[1]!);
          const within = kept.filter(({ startUs, endUs }) => startUs < edgesUs[i + 1]! && endUs > edgesUs[i]!).length;
          assert.ok(Math.abs(us - expected) <= (slotUs / 60_000) * within, `slot ${i}: ${us}, not ${expected}`);
        }
        index.close();
      }),
      { numRuns: RUNS },
    );
  });

  test('after everything was forgotten nothing is left, not even a row', () => {
    fc.assert(
      fc.property(life, (steps) => {
        const index = begun();
        const { kept, untilUs } = live(
          index,
          steps.filter(({ kind }) => kind !== 'away'),
        );
        fed(
          index,
          kept.map((each) => leafOf('prune', each.stream, each.seq, each.startUs, each.endUs)),
        );
        for (const exactMax of [400, -1]) {
          const found = index.coverage({ ...place, edgesUs: edgesOf(BEGIN, untilUs + MINUTE, 9), exactMax }, []);
          assert.deepEqual([...found.coveredUs], Array(9).fill(0));
          if (exactMax > 0) assert.deepEqual(found.stretches, []);
        }
        index.close();
      }),
      { numRuns: RUNS },
    );
  });

  test('a day that is full is told as full, however its pieces lay', () => {
    const index = begun();
    const day = Math.ceil(BEGIN / 86_400_000_000) * 86_400_000_000;
    let at = day;
    const leaves: LogLeaf[] = [];
    for (let seq = 1; at < day + 86_400_000_000; seq++) {
      const endUs = Math.min(day + 86_400_000_000, at + 59_987_654);
      leaves.push(leafOf('segment', 0, seq, at, endUs));
      at = endUs;
    }
    fed(index, leaves);
    const edgesUs = edgesOf(day - 86_400_000_000, day + 2 * 86_400_000_000, 3);
    const { coveredUs } = index.coverage({ ...place, edgesUs, exactMax: -1 }, []);
    assert.deepEqual([...coveredUs], [0, 86_400_000_000, 0]);
    index.close();
  });

  test('what is being recorded counts beside what is closed, once', () => {
    const index = begun();
    fed(index, [leafOf('segment', 0, 1, BEGIN, BEGIN + MINUTE)]);
    const open = [{ startUs: BEGIN + MINUTE, endUs: BEGIN + MINUTE + 30_000_000 }];
    for (const exactMax of [400, -1]) {
      const edgesUs = edgesOf(BEGIN, BEGIN + 2 * SLOT, 2);
      const { coveredUs, stretches } = index.coverage({ ...place, edgesUs, exactMax }, open);
      assert.deepEqual([...coveredUs], [90_000_000, 0]);
      if (exactMax > 0) assert.deepEqual(stretches, [{ startUs: BEGIN, endUs: BEGIN + 90_000_000 }]);
    }
    index.close();
  });

  test('a place that never recorded has nothing', () => {
    const index = begun();
    const query = { ...place, sourceId: 'none' as SourceId, edgesUs: [0, 10, 20], exactMax: 4 };
    const found = index.coverage(query, []);
    assert.deepEqual([...found.coveredUs, ...found.gapsBegun], [0, 0, 0, 0]);
    assert.deepEqual([found.stretches, found.gaps], [[], []]);
    assert.deepEqual(index.gapPage({ ...EVER, ...query, order: 'oldest', limit: 5, lengthUsMin: 0, nowUs: 0 }), {
      gaps: [],
    });
    index.close();
  });
});

describe('what is missing', () => {
  test('is counted where it begins: each gap once, in its bucket from near, in its slot from far', () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 1, max: 60 }), fc.constantFrom(SLOT, HOUR), (steps, buckets, slotUs) => {
        const index = begun();
        const { gaps, untilUs } = live(index, steps);
        const fromUs = Math.floor(BEGIN / slotUs) * slotUs;
        const toUs = Math.ceil((untilUs + 1) / slotUs) * slotUs;
        const edgesUs = edgesOf(fromUs, toUs, buckets);
        const near = index.coverage({ ...place, edgesUs, exactMax: 400 }, []);
        assert.deepEqual(near.gaps, gaps);
        const expected = Array.from({ length: buckets }, (_, i) =>
          gaps.filter(({ startUs }) => startUs >= edgesUs[i]! && startUs < edgesUs[i + 1]!),
        );
        assert.deepEqual(
          [...near.gapsBegun],
          expected.map(({ length }) => length),
        );
        const slots = Array.from({ length: (toUs - fromUs) / slotUs + 1 }, (_, i) => fromUs + i * slotUs);
        const far = index.coverage({ ...place, edgesUs: slots, exactMax: -1 }, []);
        assert.equal(far.gaps, null);
        assert.deepEqual(
          [...far.gapsBegun],
          slots.slice(1).map((end, i) => gaps.filter(({ startUs }) => startUs >= slots[i]! && startUs < end).length),
        );
        index.close();
      }),
      { numRuns: RUNS },
    );
  });

  test('is listed page by page in both orders, as a plain filter would have it', () => {
    const order = fc.constantFrom('oldest' as const, 'newest' as const);
    fc.assert(
      fc.property(
        life,
        order,
        fc.integer({ min: 1, max: 9 }),
        fc.nat(9_000),
        fc.nat(40_000),
        (steps, order, limit, minS, fromS) => {
          const index = begun();
          const { gaps } = live(index, steps);
          const fromUs = BEGIN + fromS * 1_000 * MS - 10_000_000;
          const query = {
            ...place,
            fromUs,
            toUs: fromUs + 30_000 * 1_000 * MS,
            order,
            limit,
            lengthUsMin: minS * 1_000 * MS,
            nowUs: 0,
          };
          const expected = gaps.filter(
            ({ startUs, endUs }) => startUs < query.toUs && endUs! > fromUs && endUs! - startUs >= query.lengthUsMin,
          );
          const found: StoredGap[] = [];
          for (let cursor: string | undefined; ; ) {
            const page = index.gapPage({ ...query, ...(cursor ? { cursor } : {}) });
            assert.ok(page.gaps.length <= limit);
            found.push(...page.gaps);
            cursor = page.cursor;
            if (cursor === undefined) break;
          }
          const key = ({ startUs, endUs }: StoredGap) => `${startUs} ${endUs}`;
          assert.deepEqual(found.map(key).sort(), expected.map(key).sort());
          for (const [i, { startUs }] of found.entries()) {
            if (i === 0) continue;
            assert.ok(order === 'oldest' ? startUs >= found[i - 1]!.startUs : startUs <= found[i - 1]!.startUs);
          }
          index.close();
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('lasts as long as it has lasted', () => {
    const index = begun();
    fed(index, [gapLeaf(0, BEGIN, 0)]);
    const query = { ...EVER, order: 'newest', limit: 5, lengthUsMin: MINUTE } as const;
    assert.deepEqual(index.gapPage({ ...query, nowUs: BEGIN + MINUTE - 1 }).gaps, []);
    const lasting = { startUs: BEGIN, endUs: null, cause: 'stalled' };
    assert.deepEqual(index.gapPage({ ...query, nowUs: BEGIN + MINUTE }).gaps, [lasting]);
    index.close();
  });

  test('is looked at in bounded pieces: of very many short gaps a page may hold none and still go on', () => {
    const index = begun();
    const leaves: LogLeaf[] = [];
    for (let i = 0; i < 12_000; i++) leaves.push(gapLeaf(0, BEGIN + i * 2_000_000, BEGIN + i * 2_000_000 + 1_000_000));
    leaves.push(gapLeaf(0, BEGIN + 12_000 * 2_000_000, BEGIN + 12_000 * 2_000_000 + MINUTE));
    fed(index, leaves);
    const query = { ...EVER, order: 'oldest', limit: 5, lengthUsMin: MINUTE, nowUs: 0 } as const;
    const sizes: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = index.gapPage({ ...query, ...(cursor ? { cursor } : {}) });
      sizes.push(page.gaps.length);
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    assert.deepEqual(sizes, [0, 0, 1]);
    index.close();
  });

  test('a cursor of somebody else is refused', () => {
    const index = begun();
    for (const cursor of ['', 'x', '5', '5.', '.5', '5.5.5', '-5.1', '1e9.1', '99999999999999999.1']) {
      const query = { ...EVER, order: 'oldest', limit: 5, lengthUsMin: 0, nowUs: 0, cursor } as const;
      assert.throws(() => index.gapPage(query), { code: 'ERR_VAULT_CURSOR_INVALID', kind: 'invalid' }, cursor);
    }
    index.close();
  });
});

test('it is the same after closing and opening', () => {
  const path = join(folder, 'index.sqlite');
  const steps = fc.sample(life, { numRuns: 6, seed: 5 }).flat();
  const before = begun(path);
  const { untilUs } = live(before, steps);
  const ask = (index: SegmentIndex) =>
    [400, -1].map((exactMax) => index.coverage({ ...place, edgesUs: edgesOf(BEGIN, untilUs, 50), exactMax }, []));
  const told = ask(before);
  before.close();
  const again = SegmentIndex.open(path)!;
  assert.deepEqual(ask(again), told);
  again.close();
});

test('keyframes are kept with their segment and go with it', () => {
  const index = begun();
  const hints = Uint8Array.of(1, 2, 3);
  const extra = { run: new Uint8Array(16), tracks: [], keyframes: hints };
  const leaf = leafOf('segment', 0, 1, BEGIN, BEGIN + MINUTE);
  index.feed([{ index: index.applied, leaf, hash: new Uint8Array(32), extra }]);
  const id = Buffer.from(idOf(1)).toString('hex') as never;
  assert.deepEqual(index.keyframes(id), hints);
  fed(index, [leafOf('prune', 0, 1, BEGIN, BEGIN + MINUTE)]);
  assert.equal(index.keyframes(id), null);
  index.close();
});
