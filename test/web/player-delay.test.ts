import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DelayKeeper } from '../../web/src/player/delay.ts';

const TICK_S = 0.2;
const GOP_S = 2;

/** Chance that is the same each time. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Trace {
  seconds: number;
  /** Seconds from a fragment's last picture to its arrival. */
  lateness(at: number): number;
  cadence?: number;
  /** The camera's clock: so many seconds of media in one of ours. */
  cameraRate?: number;
  /** Seconds of pictures held when we come. */
  backlog?: number;
  /** The video stands still at these times (the machine was busy), for so many seconds. */
  freezes?: readonly [number, number][];
}

interface Seen {
  at: number;
  delay: number;
  rate: number;
}

/** A video element, a network and a keeper, on a simulated clock; what was seen each tick. */
function watch({ seconds, lateness, cadence = 0.2, cameraRate = 1, backlog = 1.4, freezes = [] }: Trace) {
  const keeper = new DelayKeeper();
  const seen: Seen[] = [];
  let position = 0;
  let end = 0;
  let rate = 1;
  let next = 0;
  let stalls = 0;
  let jumps = 0;
  let standing = false;
  let arrivedAt = 0;
  /** When the fragment that begins at `start` is here: in order, never before the one before it. */
  const arrival = (start: number) =>
    Math.max(arrivedAt, (start + cadence) / cameraRate - backlog + lateness((start + cadence) / cameraRate));
  const step = 0.04;
  for (let count = 0; count * step < seconds; count++) {
    const at = count * step;
    while (arrival(next) <= at) {
      arrivedAt = arrival(next);
      keeper.arrived({ at: Math.max(arrivedAt, 0), start: next, end: next + cadence });
      end = next + cadence;
      next += cadence;
    }
    const frozen = freezes.some(([from, long]) => at >= from && at < from + long);
    if (!frozen) {
      const to = position + step * rate;
      if (to > end && !standing) {
        stalls++;
        keeper.stalled(at);
      }
      standing = to > end;
      position = Math.min(to, end);
    }
    if (count % Math.round(TICK_S / step) !== 0) continue;
    const steering = keeper.steer({
      at,
      position,
      end,
      keyframe: (from, to) => {
        const found = Math.floor(to / GOP_S) * GOP_S;
        return found > from ? found : null;
      },
    });
    rate = steering.rate;
    if (steering.seek !== null) {
      position = steering.seek;
      jumps++;
    }
    // What is seen is so old: the picture at `position` was taken then.
    seen.push({ at, delay: at + backlog - position / cameraRate, rate });
  }
  return { seen, stalls, jumps, keeper };
}

const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;

describe('the delay of a live picture', () => {
  it('is passed over at a start and then held near the cadence and the lateness', () => {
    const random = chance(1);
    const { seen, jumps, stalls } = watch({ seconds: 60, lateness: () => 0.03 + random() * 0.04 });
    assert.equal(jumps, 1, 'one jump over what came before now');
    assert.ok(stalls <= 1, `${stalls} stalls`);
    for (const { at, delay } of seen.filter((each) => each.at > 5)) assert.ok(delay < 0.45, `${delay} s at ${at} s`);
  });

  it('does not drift in six hours, with a camera whose clock is off by 200 ppm either way', () => {
    for (const [cameraRate, long] of [
      [1.0002, 6],
      [0.9998, 2],
    ] as const) {
      const random = chance(7);
      const { seen, jumps } = watch({ seconds: long * 3600, lateness: () => 0.02 + random() * 0.06, cameraRate });
      const hours = Array.from({ length: long }, (_, hour) =>
        mean(seen.filter(({ at }) => at >= hour * 3600 + 60 && at < (hour + 1) * 3600).map(({ delay }) => delay)),
      );
      assert.ok(Math.max(...hours) - Math.min(...hours) < 0.03, `${cameraRate}: ${hours}`);
      assert.equal(jumps, 1);
      assert.ok(Math.max(...seen.filter(({ at }) => at > 60).map(({ delay }) => delay)) < 0.6);
    }
  });

  it('never plays outside its bounds and does not swing around its aim', () => {
    const random = chance(3);
    const { seen } = watch({ seconds: 1_800, lateness: () => 0.02 + random() * 0.05 });
    const settled = seen.filter(({ at }) => at > 60);
    assert.ok(seen.every(({ rate }) => rate >= 0.97 && rate <= 1.06));
    const turns = settled.filter(({ rate }, index) => {
      const before = settled[index - 1];
      return before && (rate - 1) * (before.rate - 1) < 0;
    });
    assert.equal(turns.length, 0, 'fast and slow never follow each other');
    const changes = settled.filter(({ rate }, index) => index > 0 && rate !== settled[index - 1]!.rate);
    assert.ok(changes.length < 60, `${changes.length} changes of rate in half an hour`);
  });

  it('catches up by rate after a short standstill, and by a jump after a long one', () => {
    const short = watch({ seconds: 120, lateness: () => 0.03, freezes: [[40, 0.8]] });
    assert.equal(short.jumps, 1);
    assert.ok(short.seen.find(({ at }) => at > 41.2)!.rate > 1.03);
    assert.ok(short.seen.filter(({ at }) => at > 90).every(({ delay }) => delay < 0.4));
    const long = watch({ seconds: 120, lateness: () => 0.03, freezes: [[40, 5]] });
    // It is moved on while it stands, too.
    assert.ok(long.jumps >= 2 && long.jumps <= 5, `${long.jumps}`);
    assert.ok(long.seen.filter(({ at }) => at > 47).every(({ delay }) => delay < 1));
    assert.ok(long.seen.filter(({ at }) => at > 90).every(({ delay }) => delay < 0.4));
  });

  it('keeps more ready where the network is uneven, and gives it back when it is not', () => {
    const random = chance(11);
    const rough = (at: number) => at > 60 && at < 180;
    const { seen } = watch({ seconds: 600, lateness: (at) => (rough(at) ? 0.03 + random() * 0.5 : 0.03) });
    const during = mean(seen.filter(({ at }) => at > 120 && at < 180).map(({ delay }) => delay));
    const after = mean(seen.filter(({ at }) => at > 500).map(({ delay }) => delay));
    assert.ok(during > 0.5 && during < 1.5, `${during}`);
    assert.ok(after < 0.5, `${after}`);
  });

  it('is near now again soon after an interruption, and after a minute of lateness', () => {
    const cut = watch({ seconds: 140, lateness: (at) => (at > 40 && at < 46 ? 46 - at : 0.03) });
    assert.ok(cut.seen.filter(({ at }) => at > 50).every(({ delay }) => delay < 1));
    assert.ok(cut.seen.filter(({ at }) => at > 125).every(({ delay }) => delay < 0.5));
    const slow = watch({ seconds: 180, lateness: (at) => (at > 30 && at < 100 ? 4 : 0.03) });
    assert.ok(slow.seen.filter(({ at }) => at > 115).every(({ delay }) => delay < 1));
  });

  it('holds with fragments of one picture and with fragments of a second', () => {
    for (const [cadence, most] of [
      [0.04, 0.25],
      [1, 1.3],
    ] as const) {
      const { seen } = watch({ seconds: 120, lateness: () => 0.02, cadence, backlog: 2 });
      assert.ok(
        seen.filter(({ at }) => at > 60).every(({ delay }) => delay < most),
        `${cadence}`,
      );
    }
  });

  it('is not misled by what was held coming in pieces, as where several pictures begin on one channel', () => {
    const keeper = new DelayKeeper();
    // Two seconds held, in three bursts 150 ms apart.
    let start = 0;
    for (const [at, count] of [
      [0, 4],
      [0.15, 3],
      [0.3, 3],
    ] as const)
      for (let index = 0; index < count; index++, start += 0.2) keeper.arrived({ at, start, end: start + 0.2 });
    for (let at = 0.45; at < 3; at += 0.2, start += 0.2) keeper.arrived({ at, start, end: start + 0.2 });
    assert.ok(keeper.target(3)! < -1.4, `${keeper.target(3)}`);
    const { seek } = keeper.steer({ at: 3, position: 2.5, end: start, keyframe: () => null });
    assert.ok(seek !== null && seek > 4.2, `${seek}`);
  });

  it('says nothing before it has seen the network', () => {
    const keeper = new DelayKeeper();
    assert.equal(keeper.target(1), null);
    keeper.arrived({ at: 1, start: 0, end: 0.2 });
    keeper.arrived({ at: 1.001, start: 0.2, end: 0.4 });
    assert.deepEqual(keeper.steer({ at: 1.1, position: 0, end: 0.4, keyframe: () => null }), { rate: 1, seek: null });
    keeper.arrived({ at: 1.2, start: 0.4, end: 0.6 });
    assert.ok(Math.abs(keeper.target(1.2)! - 0.861) < 1e-9);
    keeper.restart();
    assert.equal(keeper.target(1.3), null);
  });
});
