import type { Clock, Random } from '../../platform/index.ts';
import type { DeviceEvents, DeviceMessage } from './device-events.ts';

/** Subscriptions at a time, and messages that wait in one: the oldest go first. */
const SUBSCRIPTIONS_MAX = 32;
const MESSAGES_MAX = 1_000;
/** How long a subscription may live without being renewed. */
const LIFE_MS = { default: 60_000, min: 1_000, max: 3_600_000 };

/** Which topics a subscriber wants; null: all. */
export type TopicFilter = ((path: string) => boolean) | null;

/** One pull point. */
export interface Subscription {
  readonly id: string;
  /** Monotonic ms at which it ends. */
  endsAtMs: number;
  /** Takes at most so many messages, waiting up to `waitMs` for the first one; empty also where it ended while waiting. */
  pull(most: number, waitMs: number, gone: AbortSignal): Promise<DeviceMessage[]>;
  /** Puts the states in again. */
  synchronize(): void;
}

/** The pull points of a device. */
export class Subscriptions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events: DeviceEvents;
  readonly #open = new Map<string, PullPoint>();

  constructor(deps: { clock: Clock; random: Random }, events: DeviceEvents) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#events = events;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A new one with all states in it, or null where there are too many. */
  create(lifeMs: number | null, filter: TopicFilter): Subscription | null {
    if (this.#open.size >= SUBSCRIPTIONS_MAX) return null;
    const id = Buffer.from(this.#random.bytes(8)).toString('hex');
    const point = new PullPoint(id, this.#clock, this.#events, filter, () => this.#open.delete(id));
    this.#open.set(id, point);
    this.renew(point, lifeMs);
    return point;
  }

  get(id: string): Subscription | null {
    return this.#open.get(id) ?? null;
  }

  /** Lets it live for so long from now, within limits. */
  renew(subscription: Subscription, lifeMs: number | null): void {
    const wanted = Math.max(LIFE_MS.min, Math.min(LIFE_MS.max, lifeMs ?? LIFE_MS.default));
    this.#open.get(subscription.id)?.liveFor(wanted);
  }

  remove(id: string): void {
    this.#open.get(id)?.end();
  }

  clear(): void {
    for (const point of [...this.#open.values()]) point.end();
  }
}

class PullPoint implements Subscription {
  readonly id: string;
  endsAtMs = 0;
  readonly #clock: Clock;
  readonly #events: DeviceEvents;
  readonly #filter: TopicFilter;
  readonly #removed: () => void;
  readonly #unlisten: () => void;
  #waiting: DeviceMessage[] = [];
  #wake = () => {};
  #cancelEnd = () => {};
  #ended = false;

  constructor(id: string, clock: Clock, events: DeviceEvents, filter: TopicFilter, removed: () => void) {
    this.id = id;
    this.#clock = clock;
    this.#events = events;
    this.#filter = filter;
    this.#removed = removed;
    this.#unlisten = events.listen((message) => this.#take(message));
    this.synchronize();
  }

  liveFor(ms: number): void {
    this.#cancelEnd();
    this.endsAtMs = this.#clock.monotonic() + ms;
    this.#cancelEnd = this.#clock.after(ms, () => this.end());
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelEnd();
    this.#unlisten();
    this.#removed();
    this.#wake();
  }

  synchronize(): void {
    for (const message of this.#events.initial()) this.#take(message);
  }

  async pull(most: number, waitMs: number, gone: AbortSignal): Promise<DeviceMessage[]> {
    // Whoever asks next takes the place of whoever waits.
    this.#wake();
    if (this.#waiting.length === 0 && !this.#ended && !gone.aborted && waitMs > 0) {
      await new Promise<void>((done) => {
        const finish = () => {
          cancel();
          gone.removeEventListener('abort', finish);
          if (this.#wake === finish) this.#wake = () => {};
          done();
        };
        const cancel = this.#clock.after(waitMs, finish);
        gone.addEventListener('abort', finish);
        this.#wake = finish;
      });
    }
    return gone.aborted ? [] : this.#waiting.splice(0, most);
  }

  #take(message: DeviceMessage): void {
    if (this.#ended || (this.#filter && !this.#filter(message.topic))) return;
    this.#waiting.push(message);
    if (this.#waiting.length > MESSAGES_MAX) this.#waiting.shift();
    this.#wake();
  }
}
