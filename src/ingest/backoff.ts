import type { Random } from '../platform/index.ts';

const FIRST_MS = 500;
const LAST_MS = 8_000;
/** A camera that refuses us must not be locked out by our trying. */
const REFUSED_TRIES = 3;
export const REFUSED_MS = 60_000;

/**
 * Waiting between tries: doubling from half a second to eight, with a random half, for ever; a camera that returns is seen
 * within ten seconds. After three refusals of the credentials in a row, at most one try a minute.
 */
export class Backoff {
  readonly #random: Random;
  #tries = 0;
  #refusals = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True once credentials were refused so often that tries are a minute apart. */
  get refused(): boolean {
    return this.#refusals >= REFUSED_TRIES;
  }

  /** A picture arrived. */
  reset(): void {
    this.#tries = 0;
    this.#refusals = 0;
  }

  /** Milliseconds to wait before the next try. */
  next(unauthorized: boolean): number {
    this.#refusals = unauthorized ? this.#refusals + 1 : 0;
    const fullMs = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(this.#tries, 10));
    this.#tries++;
    const jitter = this.#jitter();
    if (this.refused) return REFUSED_MS + jitter * 5_000;
    return fullMs * (0.5 + 0.5 * jitter);
  }

  /** Milliseconds to wait where only a person can help, and no refusal of the camera is counted. */
  slow(): number {
    return REFUSED_MS + this.#jitter() * 5_000;
  }

  #jitter(): number {
    return this.#random.bytes(2).reduce((sum, byte) => sum * 256 + byte, 0) / 65_536;
  }
}
