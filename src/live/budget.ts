import { assert } from '../errors.ts';

/** How many bytes the subscriptions of one viewer may keep waiting together. Bounded by `bytesMax`. */
export class QueueBudget {
  readonly bytesMax: number;
  #used = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes taken now. */
  get used(): number {
    return this.#used;
  }

  /** Replaces what one subscription had taken by what it needs now; false, and unchanged, where that is too much. */
  exchange(before: number, after: number): boolean {
    const used = this.#used - before + after;
    assert(used >= 0, 'a budget gives back what was taken');
    if (after > before && used > this.bytesMax) return false;
    this.#used = used;
    return true;
  }
}
