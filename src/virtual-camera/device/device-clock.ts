import type { Clock } from '../../platform/index.ts';

const DAY_MS = 86_400_000;

/** A clock that is wrong by an offset and runs away from the right one. Set, it runs on from there with the same drift. */
export class DeviceClock {
  readonly #clock: Clock;
  readonly #driftMsPerDay: number;
  #offsetMs: number;
  #sinceMs: number;
  #led = false;

  constructor(clock: Clock, offsetMs: number, driftMsPerDay: number) {
    this.#clock = clock;
    this.#offsetMs = offsetMs;
    this.#driftMsPerDay = driftMsPerDay;
    this.#sinceMs = clock.monotonic();
  }

  /** What it says, epoch ms. */
  now(): number {
    return this.#clock.now() + Math.round(this.#errorMs());
  }

  /** As `now`, in µs. */
  nowUs(): number {
    return this.#clock.nowUs() + Math.round(this.#errorMs() * 1000);
  }

  /** Sets how wrong it is now. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    this.#sinceMs = this.#clock.monotonic();
    this.#led = false;
  }

  /** A time server leads it from now on: it is right, and stays so until it is set. */
  lead(): void {
    this.set(0);
    this.#led = true;
  }

  #errorMs(): number {
    if (this.#led) return 0;
    return this.#offsetMs + ((this.#clock.monotonic() - this.#sinceMs) / DAY_MS) * this.#driftMsPerDay;
  }
}
