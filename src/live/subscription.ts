import type { QueueBudget } from './budget.ts';
import type { LiveFragment, LiveGap, LiveInit, LiveUnit } from './unit.ts';

/** Most units that wait for one subscriber: 25 s of 200 ms fragments. */
const UNITS_MAX = 128;

/**
 * One reader of a stream. The hub pushes, never waits; the reader pulls.
 *
 * Units of the hub's current group of pictures are shared with the hub and cost the reader nothing; once the hub moves on
 * to a new keyframe (`retire`), what is still queued is held for this reader alone and counts against its budget. Where
 * that is too much, everything up to the next keyframe is left out.
 */
export class Subscription implements AsyncIterableIterator<LiveUnit> {
  readonly #budget: QueueBudget;
  readonly #onEnd: (subscription: Subscription) => void;
  #queue: LiveUnit[] = [];
  /** Queued units, from the front, that the hub no longer shares, and their bytes. */
  #ownUnits = 0;
  #ownBytes = 0;
  /** Fragments left out since the last one queued. */
  #dropped = 0;
  #droppedTotal = 0;
  #needsKeyframe = true;
  /** A fragment was queued once: what came before the first one is not missed. */
  #begun = false;
  #waiting: PromiseWithResolvers<IteratorResult<LiveUnit>> | null = null;
  #ended = false;

  constructor(budget: QueueBudget, onEnd: (subscription: Subscription) => void) {
    this.#budget = budget;
    this.#onEnd = onEnd;
  }

  /** Fragments this reader missed because it was slow. */
  get dropped(): number {
    return this.#droppedTotal;
  }

  /** Units and own bytes that wait, for status and tests. */
  get waiting(): { units: number; ownBytes: number } {
    return { units: this.#queue.length, ownBytes: this.#ownBytes };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next unit; done once the subscription ended. Asked again before it settled, it gives the same promise. */
  next(): Promise<IteratorResult<LiveUnit>> {
    const unit = this.#shift();
    if (unit) return Promise.resolve({ done: false, value: unit });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Ends it from the reader's side: called by a `for await` that is left. */
  return(): Promise<IteratorResult<LiveUnit>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends it at once; what waits is let go. Safe to call twice. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#clear();
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
    this.#onEnd(this);
  }

  pushInit(init: LiveInit): void {
    this.#needsKeyframe = true;
    if (this.#queue.length >= UNITS_MAX) this.#dropFragments();
    this.#push(init);
  }

  pushGap(gap: LiveGap): void {
    if (this.#queue.length >= UNITS_MAX) this.#dropFragments();
    this.#push(gap);
  }

  /** `shared`: the hub keeps this fragment as part of its current group of pictures. */
  pushFragment(fragment: LiveFragment, shared: boolean): void {
    if (this.#queue.length >= UNITS_MAX) this.#dropFragments();
    if (this.#needsKeyframe && !fragment.keyframe) {
      if (this.#begun) this.#miss(1);
      return;
    }
    this.#needsKeyframe = false;
    this.#begun = true;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#push(dropped === 0 ? fragment : { ...fragment, dropped });
    if (!shared) this.retire();
  }

  /** The hub lets go of what it shared: all that waits now counts against the budget. */
  retire(): void {
    const bytes = this.#queue.reduce((sum, unit) => sum + sizeOf(unit), 0);
    if (this.#budget.exchange(this.#ownBytes, bytes)) {
      this.#ownBytes = bytes;
      this.#ownUnits = this.#queue.length;
    } else {
      this.#dropFragments();
    }
  }

  #push(unit: LiveUnit): void {
    if (this.#ended) return;
    if (!this.#waiting) {
      this.#queue.push(unit);
      return;
    }
    this.#waiting.resolve({ done: false, value: unit });
    this.#waiting = null;
  }

  #shift(): LiveUnit | undefined {
    const unit = this.#queue.shift();
    if (unit && this.#ownUnits > 0) {
      this.#ownUnits--;
      this.#own(this.#ownBytes - sizeOf(unit));
    }
    return unit;
  }

  /** Leaves out every waiting fragment; run borders stay, so that the reader knows what follows. */
  #dropFragments(): void {
    const kept = this.#forget().filter((unit) => unit.kind !== 'fragment');
    // A camera that flaps faster than the reader reads leaves borders only: the newest init segment is enough then.
    this.#queue = kept.length < UNITS_MAX ? kept : kept.filter((unit) => unit.kind === 'init').slice(-1);
  }

  /** Empties the queue, counts what is missed, and waits for a keyframe again. */
  #forget(): LiveUnit[] {
    const queue = this.#queue;
    for (const unit of queue) {
      if (unit.kind !== 'fragment') continue;
      this.#dropped += unit.dropped; // already in the total
      this.#miss(1);
    }
    this.#needsKeyframe = true;
    this.#clear();
    return queue;
  }

  #miss(fragments: number): void {
    this.#dropped += fragments;
    this.#droppedTotal += fragments;
  }

  #clear(): void {
    this.#queue = [];
    this.#ownUnits = 0;
    this.#own(0);
  }

  #own(bytes: number): void {
    this.#budget.exchange(this.#ownBytes, bytes);
    this.#ownBytes = bytes;
  }
}

function sizeOf(unit: LiveUnit): number {
  return unit.kind === 'gap' ? 0 : unit.bytes.length;
}
