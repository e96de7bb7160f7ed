import type { Clock } from '../platform/index.ts';
import type { WeekSpan } from './config.ts';
import { isScheduled, nextChange } from './week-schedule.ts';

/** The calendar may be set while a timer runs: it is looked at this often at least. */
const LOOK_MS_MAX = 60_000;
/** A timer that fires a moment early looks again a moment later. */
const LOOK_MS_MIN = 50;

/** Knows at every moment whether a schedule allows recording, and tells when that changes. */
export class ScheduleWatch {
  readonly #clock: Clock;
  readonly #timezone: string;
  readonly #onEdge: () => void;
  #schedule: readonly WeekSpan[] | null = null;
  #allows = true;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, timezone: string, onEdge: () => void) {
    this.#clock = clock;
    this.#timezone = timezone;
    this.#onEdge = onEdge;
  }

  get allows(): boolean {
    return this.#allows;
  }

  /** Goes by this schedule from now on; null allows everything. */
  follow(schedule: readonly WeekSpan[] | null): void {
    this.stop();
    this.#schedule = schedule;
    this.#look();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #look(): void {
    this.#cancel = null;
    const now = this.#clock.now();
    const allows = isScheduled(this.#schedule, this.#timezone, now);
    const changed = allows !== this.#allows;
    this.#allows = allows;
    if (this.#schedule !== null) {
      const next = nextChange(this.#schedule, this.#timezone, now);
      const waitMs = next === null ? LOOK_MS_MAX : Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, next - now));
      this.#cancel = this.#clock.after(waitMs, () => this.#look());
    }
    if (changed) this.#onEdge();
  }
}
