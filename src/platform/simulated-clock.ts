import type { Clock } from './clock.ts';

interface Timer {
  atMs: number;
  order: number;
  task: () => void;
}

/** A clock that stands still until a test moves it; the calendar can be stepped apart from the monotonic time. */
export class SimulatedClock implements Clock {
  #wallOffsetMs: number;
  #monotonicMs = 0;
  #order = 0;
  #timers: Timer[] = [];

  /** Starts the calendar at `startAt` (epoch ms) and the monotonic time at 0. */
  constructor(startAt = 1_795_000_000_000) {
    this.#wallOffsetMs = startAt;
  }

  now(): number {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs);
  }

  nowUs(): number {
    return Math.floor((this.#wallOffsetMs + this.#monotonicMs) * 1000);
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  monotonicUs(): number {
    return Math.floor(this.#monotonicMs * 1000);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        cancel();
        reject(signal!.reason);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  after(ms: number, task: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + Math.max(0, ms), order: this.#order++, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Steps the calendar without letting time pass. */
  step(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Lets `ms` pass: due timers run in order, and promises they settle get their turn in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonicMs + ms;
    for (;;) {
      await settle();
      const due = this.#timers
        .filter((timer) => timer.atMs <= end)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#monotonicMs = Math.max(this.#monotonicMs, due.atMs);
      due.task();
    }
    this.#monotonicMs = end;
    await settle();
  }
}

/** Lets promise reactions run to a bounded depth. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
