/** Times are seconds; `start`, `end` and positions lie on the video element's own line, `at` on a steady clock. */
export interface Arrival {
  at: number;
  start: number;
  end: number;
}

/** What to do with the video element now. */
export interface Steering {
  rate: number;
  /** Where to jump, or null. */
  seek: number | null;
}

export interface Situation {
  at: number;
  /** Where the video stands. */
  position: number;
  /** Up to where pictures lie ready. */
  end: number;
  /** The newest keyframe after `from`, up to `to`; null: none. */
  keyframe(from: number, to: number): number | null;
}

/** Arrivals that count. */
const WINDOW_S = 60;
const WINDOW_MAX = 2_400;
/** Fragments so late are waited for by standing still, not by keeping everything late. */
const QUANTILE = 0.95;
/** An interruption is waited out and jumped over, not kept: more than this above what is usual lately is no unevenness. */
const UNEVEN_MAX_S = 0.4;
const LATELY_S = 10;
/** So long after a start what was held may still be coming. */
const BEGINNING_S = 4;
/** Decoding and drawing. */
const MARGIN_S = 0.06;
/** Each time the picture stood, so much more is kept ready; it is given back slowly. */
const STALL_S = 0.04;
const STALLS_MAX_S = 0.3;
const STALLS_BACK = 0.002;

const RATE_MIN = 0.97;
const RATE_MAX = 1.06;
const RATE_STEP = 0.005;
/** Rate for each second off. */
const GAIN = 0.25;
/** Steering begins when this far off, and ends when this near: in between nothing moves. */
const BEGIN_S = 0.025;
const END_S = 0.008;
/** Farther behind than this is not caught up by playing faster. */
const JUMP_S = 1.5;
/** The same while a start is still settling: what came before now is passed over at once. */
const SETTLING_JUMP_S = 0.3;
const SETTLING_S = 3;
const SEEN_S = 0.25;
/** A jump to a keyframe is cheaper than one between; this much is then left to the rate. */
const KEYFRAME_S = 0.4;
const JUMP_EVERY_S = 1;

/**
 * Holds a live picture as near to now as the network lets it, for hours. How near is measured: a fragment is needed when its first picture is due,
 * so the delay must be at least what passed between its first picture's time and its arrival, for all but the latest twentieth of the last minute.
 * Nothing is added up over time, so nothing can drift.
 */
export class DelayKeeper {
  /** `[at, at - start]`, oldest first. */
  #arrivals: [number, number][] = [];
  #begunAt: number | null = null;
  /** The least `at - start` so far. */
  #least = Infinity;
  /** When the last of what was held for us had come, as far as that is known. */
  #settledAt: number | null = null;
  #needed: number | null = null;
  #neededAt = -Infinity;
  #extra = 0;
  #extraAt = 0;
  #steering = false;
  #jumpedAt = -Infinity;

  /** A start, or a new run: arrivals before it do not compare. What was learnt of stalls stays. */
  restart(): void {
    this.#arrivals = [];
    this.#begunAt = null;
    this.#least = Infinity;
    this.#settledAt = null;
    this.#needed = null;
    this.#neededAt = -Infinity;
    this.#steering = false;
  }

  arrived({ at, start, end }: Arrival): void {
    const needed = at - start;
    if (this.#begunAt === null) this.#begunAt = at;
    const begins = at - this.#begunAt < BEGINNING_S;
    // What was held for us comes faster than it was made, each piece less late than the one before: it tells nothing of the network.
    if (begins && needed < this.#least - (end - start) / 4) {
      this.#arrivals = [];
      this.#neededAt = -Infinity;
      this.#settledAt = at;
    }
    this.#least = Math.min(this.#least, needed);
    this.#arrivals.push([at, needed]);
    if (this.#arrivals.length > WINDOW_MAX || this.#arrivals[0]![0] < at - WINDOW_S - 5) {
      const from = this.#arrivals.findIndex(([each]) => each >= at - WINDOW_S);
      this.#arrivals = this.#arrivals.slice(Math.max(from, this.#arrivals.length - WINDOW_MAX));
    }
  }

  /** The picture stood because nothing was ready. */
  stalled(at: number): void {
    this.#extra = Math.min(this.#extraLeft(at) + STALL_S, STALLS_MAX_S);
    this.#extraAt = at;
  }

  /** How far the position should lie behind the clock; null before that is known. */
  target(at: number): number | null {
    if (this.#arrivals.length === 0) return null;
    if (at - this.#neededAt > 1) {
      const lately = this.#arrivals.filter(([each]) => each >= at - LATELY_S);
      const usual = quantile(lately.length > 0 ? lately : this.#arrivals.slice(-1), 0.5);
      this.#needed = Math.min(quantile(this.#arrivals, QUANTILE), usual + UNEVEN_MAX_S);
      this.#neededAt = at;
    }
    return this.#needed! + MARGIN_S + this.#extraLeft(at);
  }

  steer({ at, position, end, keyframe }: Situation): Steering {
    const target = this.target(at);
    // The first pieces of a start come at once: how late the next ones are is seen when they had the time to come.
    if (target === null || this.#settledAt === null || at - this.#settledAt < SEEN_S) return { rate: 1, seek: null };
    const off = at - position - target;
    const settling = this.#settledAt !== null && at - this.#settledAt < SETTLING_S;
    if (off > (settling ? SETTLING_JUMP_S : JUMP_S) && at - this.#jumpedAt > JUMP_EVERY_S) {
      const goal = Math.min(at - target, end - MARGIN_S);
      const key = keyframe(position + 0.1, goal);
      const seek = key !== null && goal - key <= KEYFRAME_S ? key : goal;
      if (seek > position + SETTLING_JUMP_S / 2) {
        this.#jumpedAt = at;
        this.#steering = false;
        return { rate: 1, seek };
      }
    }
    const far = Math.abs(off);
    this.#steering = far > (this.#steering ? END_S : BEGIN_S);
    if (!this.#steering) return { rate: 1, seek: null };
    // At least one step, or the last hundredths would take for ever.
    const wish = Math.sign(off) * Math.max(far * GAIN, RATE_STEP);
    const rate = 1 + Math.round(wish / RATE_STEP) * RATE_STEP;
    return { rate: Math.max(RATE_MIN, Math.min(RATE_MAX, rate)), seek: null };
  }

  #extraLeft(at: number): number {
    return Math.max(0, this.#extra - (at - this.#extraAt) * STALLS_BACK);
  }
}

function quantile(arrivals: readonly (readonly [number, number])[], share: number): number {
  const sorted = arrivals.map(([, needed]) => needed).sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)]!;
}
