import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toBase64Url } from '../../src/bytes/index.ts';
import { GAP_CAUSES } from '../../src/protocol/index.ts';
import { type CoverageCamera, CoverageSource } from '../../web/src/timeline/coverage-source.ts';
import { bucketMsFor, joinGaps, joinSpans, TILE_BUCKETS, tilesOf } from '../../web/src/timeline/coverage-tile.ts';

const NOW = 1_795_004_123_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Asked {
  node: string;
  sources: { source: string; stream: string }[];
  from: number;
  to: number;
  buckets: number;
}

/** A node that recorded every even hour of UTC up to now, and says why not the odd ones. */
class FakeEngine {
  asked: Asked[] = [];
  now = NOW;
  /** Answers that are held back until `release`. */
  held: (() => void)[] | null = null;
  fails = false;
  missing = new Set<string>();

  call = (async (node: string, name: string, params: Omit<Asked, 'node'>) => {
    assert.equal(name, 'timeline.coverage');
    assert.equal(params.buckets, TILE_BUCKETS);
    assert.ok(params.sources.length <= 16);
    this.asked.push({ node, ...params });
    if (this.held) await new Promise<void>((resolve) => this.held!.push(resolve));
    if (this.fails) throw new Error('the link is away');
    return this.#answer(params);
  }) as never;

  release(): void {
    for (const resolve of this.held ?? []) resolve();
    this.held = this.held && [];
  }

  #answer({ sources, from, to, buckets }: Omit<Asked, 'node'>) {
    const known = sources.filter(({ source }) => !this.missing.has(source));
    const bucketMs = (to - from) / buckets;
    const fill = toBase64Url(
      Uint8Array.from({ length: buckets }, (_, i) => {
        const at = from + i * bucketMs;
        return at < this.now && Math.floor(at / HOUR) % 2 === 0 ? 255 : 0;
      }),
    );
    const turns: number[] = [];
    const gaps: number[] = [];
    let at = from;
    for (let hour = Math.floor(from / HOUR); hour * HOUR < Math.min(to, this.now); hour++) {
      const [start, end] = [Math.max(from, hour * HOUR), Math.min(to, (hour + 1) * HOUR, this.now)];
      if (hour % 2 === 1) {
        const lasts = (hour + 1) * HOUR > this.now;
        gaps.push(hour * HOUR, lasts ? 0 : HOUR, GAP_CAUSES.unreachable);
        continue;
      }
      turns.push(start - at, end - start);
      at = end;
    }
    const isExact = turns.length <= 100;
    const told = isExact ? { stretches: turns.length / 2, gaps: gaps.length / 3 } : { gapCounts: '1'.repeat(buckets) };
    return {
      lanes: known.map(({ source, stream }) => ({ source, stream, fill, ...told })),
      turns: isExact ? known.flatMap(() => turns) : [],
      gaps: isExact ? known.flatMap(() => gaps) : [],
      at: this.now,
    };
  }
}

const camera = (name: string, node = 'n1'): CoverageCamera => ({
  key: `${node}/${name}`,
  node: node as never,
  source: name as never,
});
const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

function rig() {
  const engine = new FakeEngine();
  const timers = new Set<() => void>();
  const source = new CoverageSource(
    engine,
    () => engine.now,
    (_, task) => {
      timers.add(task);
      return () => timers.delete(task);
    },
  );
  /** Lets so much time pass and rings what waits. */
  const pass = async (ms: number) => {
    engine.now += ms;
    const due = [...timers];
    timers.clear();
    for (const task of due) task();
    await settle();
  };
  return { engine, source, pass, timers };
}

describe('coverage of what is seen', () => {
  test('is asked for in tiles at the zoom of the view, cameras of a node together, and joined', async () => {
    const { engine, source } = rig();
    const store = source.view([camera('front'), camera('yard'), camera('gate', 'n2')], NOW - DAY, NOW, 1_440);
    assert.equal(store.get().length, 3);
    assert.ok(store.get().every(({ known }) => known.every((each) => each === 0)));
    await settle();
    const [lane] = store.get();
    assert.equal(lane!.bucketMs, 60_000);
    assert.ok(lane!.from <= NOW - DAY && lane!.from + lane!.buckets.length * 60_000 >= NOW);
    assert.ok(lane!.known.every((each) => each === 1));
    for (const [i, octet] of lane!.buckets.entries()) {
      const at = lane!.from + i * 60_000;
      assert.equal(octet, at < NOW && Math.floor(at / HOUR) % 2 === 0 ? 255 : 0);
    }
    for (const { from, to } of lane!.stretches!.slice(1, -1))
      assert.deepEqual([from % (2 * HOUR), to - from], [0, HOUR], 'whole across tiles');
    assert.ok(
      lane!.gaps.every(({ from }, i) => i === 0 || from > lane!.gaps[i - 1]!.from),
      'each once',
    );
    assert.ok(
      engine.asked.every(({ from, to }) => from % (60_000 * TILE_BUCKETS) === 0 && to - from === 60_000 * TILE_BUCKETS),
    );
    assert.equal(
      engine.asked.filter(({ node }) => node === 'n1').every(({ sources }) => sources.length === 2),
      true,
    );
    source.close();
  });

  test('is asked for once, however often the view moves, and kept when it comes back', async () => {
    const { engine, source } = rig();
    const cameras = [camera('front')];
    const [from, to] = [NOW - 9 * DAY, NOW - 8 * DAY];
    for (let i = 0; i < 30; i++) source.view(cameras, from + i * 1_000, to + i * 1_000, 1_440);
    await settle();
    const count = engine.asked.length;
    assert.ok(count <= 4);
    source.view(cameras, from - 40 * DAY, to - 40 * DAY, 1_440);
    await settle();
    source.view(cameras, from, to, 1_440);
    await settle();
    assert.ok(engine.asked.length <= 2 * count + 1, 'what is known is not asked again');
    assert.ok(source.lanes.get()[0]!.known.every((each) => each === 1));
    source.close();
  });

  test('no more than four questions run at once, the newest time first', async () => {
    const { engine, source } = rig();
    engine.held = [];
    source.view([camera('front')], NOW - 10 * DAY, NOW, 20_000);
    await settle();
    assert.equal(engine.asked.length, 4);
    assert.deepEqual(
      engine.asked.map(({ from }) => from),
      engine.asked.map(({ from }) => from).toSorted((a, b) => b - a),
    );
    // The view moved on: what was not asked yet is never asked.
    source.view([camera('front')], NOW - 60 * DAY, NOW - 60 * DAY + HOUR, 100);
    engine.release();
    await settle();
    engine.release();
    await settle();
    assert.equal(engine.asked.length, 5);
    source.close();
  });

  test('the right end is asked again every five seconds, the settled past is not', async () => {
    const { engine, source, pass } = rig();
    source.view([camera('front')], NOW - 2 * HOUR, NOW, 1_000);
    await settle();
    engine.asked.length = 0;
    for (let i = 0; i < 4; i++) await pass(5_000);
    const tiles = new Set(engine.asked.map(({ from }) => from));
    assert.deepEqual([engine.asked.length, tiles.size], [4, 1], 'the one that now lies in');
    assert.ok(engine.asked[0]!.to > NOW);
    engine.asked.length = 0;
    source.view([camera('front')], NOW - 9 * DAY, NOW - 9 * DAY + HOUR, 1_000);
    await settle();
    engine.asked.length = 0;
    await pass(5_000);
    assert.equal(engine.asked.length, 0);
    await pass(700_000);
    assert.ok(engine.asked.length > 0, 'but after ten minutes it is, for retention forgets');
    source.close();
    await pass(700_000);
  });

  test('before a tile has come, another zoom lends what it knows', async () => {
    const { engine, source } = rig();
    const [from, to] = [NOW - 20 * DAY, NOW - 19 * DAY];
    source.view([camera('front')], from, to, 1_440);
    await settle();
    engine.held = [];
    source.view([camera('front')], from + 6 * HOUR, from + 12 * HOUR, 1_440);
    const [lane] = source.lanes.get();
    assert.equal(lane!.bucketMs, 30_000);
    assert.ok(lane!.known.every((each) => each === 0));
    for (const [i, octet] of lane!.buckets.entries()) {
      const at: number = lane!.from + i * lane!.bucketMs;
      if (at >= from && at < to) assert.equal(octet, Math.floor(at / HOUR) % 2 === 0 ? 255 : 0, `${i}`);
    }
    assert.equal(lane!.stretches, null);
    source.close();
  });

  test('what could not be had is asked again later, and a camera the node does not tell of has nothing', async () => {
    const { engine, source, pass } = rig();
    engine.fails = true;
    engine.missing.add('attic');
    source.view([camera('front'), camera('attic')], NOW - HOUR, NOW, 500);
    await settle();
    const count = engine.asked.length;
    await pass(1_000);
    assert.equal(engine.asked.length, count, 'not at once');
    engine.fails = false;
    await pass(5_000);
    const [front, attic] = source.lanes.get();
    assert.ok(front!.buckets.some((each) => each > 0));
    assert.ok(attic!.buckets.every((each) => each === 0) && attic!.known.every((each) => each === 1));
    assert.deepEqual(attic!.stretches, []);
    source.close();
  });

  test('where there are too many gaps they are counted', async () => {
    const { source } = rig();
    source.view([camera('front')], NOW - 300 * DAY, NOW, 1_000);
    await settle();
    const [lane] = source.lanes.get();
    assert.equal(lane!.stretches, null);
    assert.ok(lane!.gapCounts.some((each) => each === 1));
    source.close();
  });
});

describe('tiles', () => {
  test('the bucket is the shortest that a pixel has room for', () => {
    assert.equal(bucketMsFor(0, 1_000, 1_000), 2);
    assert.equal(bucketMsFor(0, DAY, 1_440), 60_000);
    assert.equal(bucketMsFor(0, DAY, 1_439), 120_000);
    assert.equal(bucketMsFor(0, 365 * DAY, 1_000), 43_200_000);
    assert.equal(bucketMsFor(0, 100 * 365 * DAY, 100), 604_800_000);
    assert.equal(bucketMsFor(0, DAY, 0), 86_400_000);
  });

  test('answers that are not as described are passed over', () => {
    const lane = { source: 'front', stream: 'main' as const, fill: 'AAAA' };
    const [told] = tilesOf({ lanes: [lane], turns: [], gaps: [], at: NOW }, { from: 0, bucketMs: 2 }, NOW);
    assert.equal(told!.tile, null);
  });

  test('what is cut at a border becomes whole again, and the newest news of a gap wins', () => {
    assert.deepEqual(
      joinSpans([
        [{ from: 0, to: 10 }],
        [],
        [
          { from: 10, to: 20 },
          { from: 21, to: 22 },
        ],
      ]),
      [
        { from: 0, to: 20 },
        { from: 21, to: 22 },
      ],
    );
    const gap = (to: number | null) => ({ cause: 'stalled' as const, from: 5, to });
    assert.deepEqual(joinGaps([[gap(null)], [gap(9)]]), [gap(9)]);
    assert.deepEqual(joinGaps([[gap(9)], [gap(null)]]), [gap(9)]);
  });
});
