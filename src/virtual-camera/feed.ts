import type { Startable } from '../platform/index.ts';
import type { PacketBundle } from './rtp-packets.ts';

/** One track that is being made now, whoever watches: its packets, and what SDP says of it. */
export interface Feed extends Startable {
  readonly kind: 'video' | 'audio';
  readonly payloadType: number;
  /** Ticks per second of the RTP clock. */
  readonly clockRate: number;
  /** The lines of its SDP media description, without `a=control`; `null` until the first keyframe or sound is here. */
  description(): string[] | null;
  /** Resolves true once `description` gives something; false when that took longer than `timeoutMs`. */
  ready(timeoutMs: number): Promise<boolean>;
  /** Hands over each bundle from now on; the returned function ends it. */
  subscribe(listener: (bundle: PacketBundle) => void): () => void;
  /** How many listen. */
  readonly listeners: number;
  /** Media time of this moment, in ticks. */
  ticksNow(): number;
  /** Media time at which the next keyframe is due, in ticks. */
  nextKeyframeTicks(): number;
}

/** Who waits and who listens: the part all feeds share. */
export class Audience {
  readonly #listeners = new Set<(bundle: PacketBundle) => void>();
  #waiting: Array<() => void> = [];

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: (bundle: PacketBundle) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(bundle: PacketBundle): void {
    for (const listener of [...this.#listeners]) listener(bundle);
  }

  /** Something changed that waiters may wait for. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `wake`. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Waits until `condition` holds after a wake, or `timeoutMs` are over by that clock. */
  async until(
    condition: () => boolean,
    clock: { after(ms: number, task: () => void): () => void },
    timeoutMs: number,
  ): Promise<boolean> {
    let late = false;
    const cancel = clock.after(timeoutMs, () => {
      late = true;
      this.wake();
    });
    try {
      while (!condition() && !late) await this.change();
      return condition();
    } finally {
      cancel();
    }
  }
}
