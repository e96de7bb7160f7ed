import type { Clock } from '../platform/index.ts';
import type { CameraClockView, CameraTime, ClockMeasurement } from './api.ts';
import { type ClockSample, ClockTrend } from './clock-trend.ts';

/** How a camera's clock was read. */
export type ClockMeasure = CameraClockView['by'];

export interface ClockWatchDeps {
  clock: Clock;
  /** Takes what is to be kept: about one measurement an hour, and both sides of each step. */
  keep?: (measurement: ClockMeasurement) => void;
}

export interface ClockWatchOptions {
  /** Alarm past so much between camera and node, ms. Default 2,000. */
  offsetMsMax?: number;
  /** Alarm past so much drift, ms a day. Default 10,000. */
  driftMsPerDayMax?: number;
}

const OFFSET_MS_MAX = 2_000;
const DRIFT_MS_PER_DAY_MAX = 10_000;
/** An alarm ends below this part of its limit. */
const HYSTERESIS = 0.75;
/** A measurement is kept so often. */
const KEEP_MS = 3_600_000;
/** No camera runs faster or slower than this, and time servers steer no faster; what is beyond was set. */
const RATE_MAX = 500e-6;
/** Readings that differ by less are never called a step. */
const STEP_MS_MIN = 250;
/** A calendar that moved less against the monotonic clock was not set. */
const CALENDAR_STEP_MS_MIN = 20;
/** A better reading is shown for at most so long, though newer ones came. */
const RECENT_MS = 3_600_000;

/** What is known of the clock of one camera. */
export interface ClockWatch {
  /** Takes a reading, soon after it was made; any numbers may come. */
  take(time: CameraTime, by: ClockMeasure): void;
  /** Null before the first reading. */
  view(): CameraClockView | null;
  /** How often a clock was seen to be set: the camera's, and the node's own. */
  steps(): { camera: number; node: number };
}

/** A reading with the time it was taken at in both clocks. */
interface Reading extends ClockSample {
  /** Node's calendar, epoch ms. */
  at: number;
  /** Camera minus calendar, ms, as read. */
  rawMs: number;
  by: ClockMeasure;
}

/**
 * Makes the watch over one camera's clock.
 *
 * A reading that does not fit those before is held until the next one agrees with it: then the camera's clock was set, and the trend
 * begins anew. Where the node's own calendar was set, the monotonic clock tells so, and the trend goes on.
 */
export function createClockWatch(deps: ClockWatchDeps, options: ClockWatchOptions = {}): ClockWatch {
  return new Watch(deps, options);
}

class Watch implements ClockWatch {
  readonly #deps: ClockWatchDeps;
  readonly #offsetMsMax: number;
  readonly #driftMax: number;
  readonly #trend = new ClockTrend();
  #last: Reading | null = null;
  #best: Reading | null = null;
  /** Does not fit; waits for another that agrees. */
  #doubtful: Reading | null = null;
  /** Calendar minus monotonic at the last reading, ms. */
  #base = 0;
  /** What steps of the node's calendar took from the offsets read since, ms. */
  #correction = 0;
  #alarm = false;
  #steps = { camera: 0, node: 0 };
  /** Monotonic ms at which a measurement was kept last. */
  #keptAt = Number.NEGATIVE_INFINITY;
  #stepUntold = false;

  constructor(deps: ClockWatchDeps, { offsetMsMax, driftMsPerDayMax }: ClockWatchOptions) {
    this.#deps = deps;
    this.#offsetMsMax = offsetMsMax ?? OFFSET_MS_MAX;
    this.#driftMax = driftMsPerDayMax ?? DRIFT_MS_PER_DAY_MAX;
  }

  take({ cameraAt, nodeAt, uncertaintyMs }: CameraTime, by: ClockMeasure): void {
    if (![cameraAt, nodeAt, uncertaintyMs].every(Number.isFinite)) return;
    const { clock } = this.#deps;
    const monotonic = clock.monotonic();
    const base = clock.now() - monotonic;
    const rawMs = cameraAt - nodeAt;
    const uncertainty = Math.max(0, uncertaintyMs);
    const reading: Reading = { at: nodeAt, monotonic, rawMs, by, uncertaintyMs: uncertainty, offsetMs: 0 };
    this.#followCalendar(reading, base);
    this.#base = base;
    reading.offsetMs = rawMs + this.#correction;
    if (!this.#last || this.#fits(reading, this.#last)) this.#accept(reading);
    else if (this.#doubtful && this.#fits(reading, this.#doubtful)) this.#stepped(this.#doubtful, reading);
    else this.#doubtful = reading;
  }

  view(): CameraClockView | null {
    const best = this.#best;
    if (!best) return null;
    const drift = this.#trend.drift();
    return {
      offsetMs: Math.round(best.offsetMs - this.#correction),
      uncertaintyMs: Math.ceil(best.uncertaintyMs),
      at: best.at,
      by: best.by,
      driftMsPerDay: drift && Math.round(drift.msPerDay),
      alarm: this.#alarm,
    };
  }

  steps() {
    return { ...this.#steps };
  }

  /** Where the calendar was set against the monotonic clock, and not because the machine slept, offsets go on as if it had not been. */
  #followCalendar({ rawMs }: Reading, base: number): void {
    const before = this.#last;
    const moved = base - this.#base;
    if (!before || Math.abs(moved) < CALENDAR_STEP_MS_MIN) return;
    // A machine that slept: the calendar went on, the monotonic clock did not, and the camera still agrees with the calendar.
    const kept = Math.abs(rawMs + this.#correction - before.offsetMs);
    const undone = Math.abs(rawMs + this.#correction + moved - before.offsetMs);
    if (kept <= undone) return;
    this.#correction += moved;
    this.#steps.node += 1;
    this.#keepBefore();
  }

  #fits(reading: Reading, before: Reading): boolean {
    const expected = before === this.#last ? this.#expected(reading.monotonic, before) : before.offsetMs;
    const allowed = Math.max(STEP_MS_MIN, (reading.monotonic - before.monotonic) * RATE_MAX);
    return Math.abs(reading.offsetMs - expected) <= allowed + reading.uncertaintyMs + before.uncertaintyMs;
  }

  #expected(monotonic: number, before: Reading): number {
    const drift = this.#trend.drift();
    return before.offsetMs + ((monotonic - before.monotonic) * (drift?.msPerDay ?? 0)) / 86_400_000;
  }

  #accept(reading: Reading): void {
    this.#last = reading;
    this.#doubtful = null;
    this.#trend.add(reading);
    const age = this.#best ? reading.monotonic - this.#best.monotonic : 0;
    // What was read well stays better than what was read badly, until the drift may have spoiled it.
    const aged = this.#best ? this.#best.uncertaintyMs + age * RATE_MAX : Number.POSITIVE_INFINITY;
    if (this.#stepUntold || age > RECENT_MS || reading.uncertaintyMs <= aged) this.#best = reading;
    this.#judge();
    if (!this.#stepUntold && reading.monotonic - this.#keptAt < KEEP_MS) return;
    this.#keep(this.#best && this.#best.monotonic > this.#keptAt ? this.#best : reading);
    this.#keptAt = reading.monotonic;
  }

  #stepped(first: Reading, second: Reading): void {
    this.#steps.camera += 1;
    this.#keepBefore();
    this.#trend.clear();
    this.#last = null;
    this.#accept(first);
    this.#accept(second);
  }

  /** Keeps what was known last in front of a step, and remembers to tell the step with what comes behind it. */
  #keepBefore(): void {
    if (this.#last && this.#last.monotonic > this.#keptAt) this.#keep(this.#last);
    this.#stepUntold = true;
  }

  #keep({ at, rawMs, uncertaintyMs, by, monotonic }: Reading): void {
    this.#keptAt = monotonic;
    const step = this.#stepUntold;
    this.#stepUntold = false;
    this.#deps.keep?.({ at, offsetMs: Math.round(rawMs), uncertaintyMs: Math.ceil(uncertaintyMs), by, step });
  }

  /** An alarm needs to be beyond doubt; it ends well below the limit. */
  #judge(): void {
    const best = this.#best;
    if (!best) return;
    const factor = this.#alarm ? HYSTERESIS : 1;
    const offset = Math.abs(best.offsetMs - this.#correction) - (this.#alarm ? 0 : best.uncertaintyMs);
    const drift = this.#trend.drift();
    const rate = drift ? Math.abs(drift.msPerDay) - drift.uncertaintyMsPerDay : 0;
    this.#alarm = offset > this.#offsetMsMax * factor || rate > this.#driftMax * factor;
  }
}
