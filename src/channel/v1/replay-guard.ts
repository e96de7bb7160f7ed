import { toHex } from '../../bytes/index.ts';
import { HELLO_SKEW_S } from './hello.ts';

/**
 * Remembers the proofs of accepted hellos for as long as their time would still be accepted: at most `max`. Where it is full,
 * new hellos are refused; only who knows the secret can fill it.
 */
export class ReplayGuard {
  readonly #max: number;
  /** Proof (hex) to the hello's time, seconds. */
  readonly #seen = new Map<string, number>();
  /** Times up to this one were forgotten, and are refused: a calendar set back revives no old hello. */
  #floorS = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** True for a proof that comes for the first time; it is remembered from then on. Both times in seconds. */
  take(proof: Uint8Array, ts: number, nowS: number): boolean {
    this.#forget(nowS);
    const name = toHex(proof);
    if (ts <= this.#floorS || this.#seen.has(name) || this.#seen.size >= this.#max) return false;
    this.#seen.set(name, ts);
    return true;
  }

  #forget(nowS: number): void {
    for (const [name, ts] of this.#seen) {
      if (ts + HELLO_SKEW_S >= nowS) continue;
      this.#seen.delete(name);
      this.#floorS = Math.max(this.#floorS, ts);
    }
  }
}
