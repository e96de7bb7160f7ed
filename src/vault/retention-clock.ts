import type { Clock } from '../platform/index.ts';

/** How long a calendar that jumped ahead must stand before forgetting by age believes it. */
const BELIEF_US = 86_400_000_000;
/** Differences below this are drift, not steps. */
const STEP_US = 2_000_000;

/**
 * The calendar that forgetting by age goes by: it never jumps ahead.
 *
 * A clock set to a wrong year would otherwise delete everything at once. A step backwards is followed at once; a step ahead, also
 * one found at start-up against the newest recorded time, only after it has stood for a day.
 */
export class CalendarGuard {
  readonly #clock: Clock;
  /** Guarded calendar minus monotonic time, µs. */
  #offsetUs = 0;
  /** A larger offset that waits to be believed, and since when (monotonic µs). */
  #pending: { offsetUs: number; sinceUs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(newestUs: number | null): void {
    const offset = this.#offsetNow();
    this.#offsetUs = newestUs === null ? offset : Math.min(offset, newestUs - this.#clock.monotonicUs());
    this.#pending = null;
  }

  nowUs(): number {
    const offset = this.#offsetNow();
    const mono = this.#clock.monotonicUs();
    if (offset <= this.#offsetUs + STEP_US) {
      this.#offsetUs = offset;
      this.#pending = null;
    } else if (!this.#pending || Math.abs(this.#pending.offsetUs - offset) > STEP_US) {
      this.#pending = { offsetUs: offset, sinceUs: mono };
    } else if (mono - this.#pending.sinceUs >= BELIEF_US) {
      this.#offsetUs = offset;
      this.#pending = null;
    }
    return mono + this.#offsetUs;
  }

  #offsetNow(): number {
    return this.#clock.nowUs() - this.#clock.monotonicUs();
  }
}
