/** One reading of a camera's clock on a time axis that is never set. */
export interface ClockSample {
  /** Monotonic ms of the node. */
  monotonic: number;
  /** Camera minus node, ms. */
  offsetMs: number;
  uncertaintyMs: number;
}

/** How fast a clock runs away, and how wrong that may be. */
export interface ClockDrift {
  msPerDay: number;
  uncertaintyMsPerDay: number;
}

const DAY_MS = 86_400_000;
/** One sample stands for so much time: the surest of them. */
const BUCKET_MS = 15 * 60_000;
/** Older samples say little of today's temperature. */
const WINDOW_MS = 48 * 3_600_000;
/** So many buckets fit the window. */
export const SAMPLES_MAX = WINDOW_MS / BUCKET_MS;
/** No drift is told before so much was seen. */
const SEEN_MS_MIN = 3_600_000;
/** Two samples closer than this say nothing of a drift. */
const APART_MS_MIN = 2 * BUCKET_MS;

/**
 * The drift of one clock by the slopes between pairs of samples (Theil and Sen: their median), of which a quarter may be wrong
 * without moving it much. Bounded: one sample for each 15 minutes of the last 48 hours, and none that is much less sure than the others.
 */
export class ClockTrend {
  #samples: ClockSample[] = [];
  #drift: ClockDrift | null = null;

  /** Takes a sample; they come in the order of time. */
  add(sample: ClockSample): void {
    const last = this.#samples.at(-1);
    if (last && bucketOf(last) === bucketOf(sample)) {
      // Sender reports come every few seconds: the slopes are worked out once for each bucket, not for each of them.
      if (sample.uncertaintyMs <= last.uncertaintyMs) this.#samples[this.#samples.length - 1] = sample;
      return;
    }
    this.#samples.push(sample);
    const from = sample.monotonic - WINDOW_MS;
    while (this.#samples[0]!.monotonic <= from) this.#samples.shift();
    this.#drift = driftOf(this.#samples);
  }

  clear(): void {
    this.#samples = [];
    this.#drift = null;
  }

  /** Null before an hour was seen. */
  drift(): ClockDrift | null {
    return this.#drift;
  }
}

function driftOf(all: readonly ClockSample[]): ClockDrift | null {
  const typical = median(all.map((each) => each.uncertaintyMs));
  const sure = all.filter((each) => each.uncertaintyMs <= typical * 3);
  const [first, last] = [sure[0], sure.at(-1)];
  const seen = first && last ? last.monotonic - first.monotonic : 0;
  if (seen < SEEN_MS_MIN) return null;
  const slopes: number[] = [];
  for (const [i, a] of sure.entries()) {
    for (const b of sure.slice(i + 1)) {
      const apart = b.monotonic - a.monotonic;
      if (apart >= APART_MS_MIN) slopes.push((b.offsetMs - a.offsetMs) / apart);
    }
  }
  return { msPerDay: median(slopes) * DAY_MS, uncertaintyMsPerDay: ((2 * typical) / seen) * DAY_MS };
}

function bucketOf({ monotonic }: ClockSample): number {
  return Math.floor(monotonic / BUCKET_MS);
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
