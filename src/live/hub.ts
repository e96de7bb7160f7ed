import type { CapturedFragment, Run } from '../media/index.ts';
import type { GapCause } from '../protocol/index.ts';
import type { QueueBudget } from './budget.ts';
import { Subscription } from './subscription.ts';
import type { LiveFragment, LiveInit } from './unit.ts';

/** One stream: keeps its current group of pictures for newcomers and hands each fragment to every reader. */
export class StreamHub {
  readonly #gopBytesMax: number;
  readonly #subscriptions = new Set<Subscription>();
  #init: LiveInit | null = null;
  /** From the newest keyframe on; empty while there is none or it grew too large. Bounded by `gopBytesMax`. */
  #gop: LiveFragment[] = [];
  #gopBytes = 0;
  /** Somebody was reading at some time since the current group of pictures began. */
  #gopSeen = false;
  /** Dropped by readers that have gone. */
  #droppedBefore = 0;

  constructor(gopBytesMax: number) {
    this.#gopBytesMax = gopBytesMax;
  }

  get init(): LiveInit | null {
    return this.#init;
  }

  get gopBytes(): number {
    return this.#gopBytes;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  get droppedFragments(): number {
    let dropped = this.#droppedBefore;
    for (const subscription of this.#subscriptions) dropped += subscription.dropped;
    return dropped;
  }

  beginRun(run: Run): void {
    this.#letGo();
    this.#init = {
      kind: 'init',
      run: run.id,
      bytes: run.init.bytes,
      tracks: run.init.tracks,
      startUs: run.startUs,
    };
    for (const subscription of this.#subscriptions) subscription.pushInit(this.#init);
  }

  fragment(captured: CapturedFragment): void {
    if (!this.#init) return;
    const { bytes, keyframe, startUs, endUs } = captured;
    const fragment: LiveFragment = {
      kind: 'fragment',
      run: this.#init.run,
      bytes,
      keyframe,
      startUs,
      endUs,
      dropped: 0,
    };
    const shared = this.#keep(fragment);
    if (this.#subscriptions.size > 0) this.#gopSeen = true;
    for (const subscription of this.#subscriptions) subscription.pushFragment(fragment, shared);
  }

  endRun(end: { cause: GapCause; endUs: number }): void {
    if (!this.#init) return;
    const { run } = this.#init;
    this.#letGo();
    this.#init = null;
    for (const subscription of this.#subscriptions) {
      subscription.pushGap({ kind: 'gap', run, cause: end.cause, startUs: end.endUs });
    }
  }

  subscribe(budget: QueueBudget): Subscription {
    const subscription = new Subscription(budget, (ended) => {
      if (this.#subscriptions.delete(ended)) this.#droppedBefore += ended.dropped;
    });
    this.#subscriptions.add(subscription);
    this.#gopSeen = true;
    if (this.#init) subscription.pushInit(this.#init);
    for (const fragment of this.#gop) subscription.pushFragment(fragment, true);
    return subscription;
  }

  /** Ends every reader; the stream is gone. */
  end(): void {
    this.#letGo();
    this.#init = null;
    for (const subscription of [...this.#subscriptions]) subscription.end();
  }

  /** Makes the fragment part of the current group of pictures; false where that is unknown or has grown too large. */
  #keep(fragment: LiveFragment): boolean {
    if (fragment.keyframe) this.#letGo();
    else if (this.#gop.length === 0) return false;
    if (this.#gopBytes + fragment.bytes.length > this.#gopBytesMax) {
      this.#letGo();
      return false;
    }
    this.#gop.push(fragment);
    this.#gopBytes += fragment.bytes.length;
    return true;
  }

  #letGo(): void {
    if (this.#gop.length === 0) return;
    if (!this.#gopSeen) for (const { bytes } of this.#gop) giveBack(bytes);
    this.#gopSeen = false;
    this.#gop = [];
    this.#gopBytes = 0;
    for (const subscription of this.#subscriptions) subscription.retire();
  }
}

/** Smaller pieces are left to the collector. */
const GIVE_BACK_BYTES_MIN = 4096;

/**
 * Gives the memory of a fragment back that nobody but the vault has seen. Left to the collector, the fragments of eight cameras
 * that nobody watches bring a full collection every other second.
 */
function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || bytes.length !== buffer.byteLength) return;
  if (bytes.length >= GIVE_BACK_BYTES_MIN) buffer.transfer(0);
}
