import { middleOf, type Picture, type PictureIndex } from './past-index.ts';
import type { PastSupply } from './past-supply.ts';

/** A step waits so long for pictures. */
const STEP_MS_MAX = 4_000;
/** It is looked again at least so often. */
const LOOK_MS = 250;

/** Finds the next or previous picture of a tile, over gaps, and fetches what it takes. */
export class PastStepper {
  readonly #index: PictureIndex;
  readonly #supply: Pick<PastSupply, 'feed' | 'open' | 'hurry'>;
  readonly #clock: () => number;
  readonly #arrivals = new Set<() => void>();
  #closed = false;

  constructor(
    index: PictureIndex,
    supply: Pick<PastSupply, 'feed' | 'open' | 'hurry'>,
    clock: () => number = () => performance.now(),
  ) {
    this.#index = index;
    this.#supply = supply;
    this.#clock = clock;
  }

  /** The middle of the next or previous picture from `atUs` on, epoch ms; null where there is none, or it does not come in time. */
  async step(atUs: number, direction: 1 | -1): Promise<number | null> {
    const until = this.#clock() + STEP_MS_MAX;
    let from: Picture | null = null;
    while (this.#clock() < until && !this.#closed) {
      from ??= this.#index.pictureAt(atUs);
      if (from) {
        const found = direction === 1 ? this.#index.next(from) : this.#index.previous(from);
        if (found) return middleOf(found);
        const beforeUs = this.#index.gapAt(from.startUs - 2_000)?.startUs ?? from.startUs;
        const { feed } = this.#supply;
        if (direction === -1 && feed && feed.fromUs > beforeUs - 2_000) this.#supply.open(beforeUs - 2_000, null);
      } else if (this.#index.gapAt(atUs)) return null;
      if (direction === 1) this.#supply.hurry();
      await this.#arrival(until - this.#clock());
    }
    return null;
  }

  /** Something came: who waits looks again. */
  arrived(): void {
    for (const arrived of [...this.#arrivals]) arrived();
  }

  close(): void {
    this.#closed = true;
    this.arrived();
  }

  #arrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#arrivals.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), LOOK_MS));
      this.#arrivals.add(done);
    });
  }
}
