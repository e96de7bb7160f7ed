import type { Clock } from '../platform/index.ts';

/** Starts that may be in flight at once. */
const STARTS_MAX = 8;
/** A start counts until its first picture or its end, and no longer than this where nobody waits … */
const COUNTS_MS_MAX = 2_000;
/** … and than this where many do. */
const COUNTS_MS_MIN = 250;

interface Start {
  beganMs: number;
  over: boolean;
}

interface Waiting {
  go(): void;
}

/**
 * Lets recorders of a node begin a few at a time, in the order they asked, so that cameras that return together do not take all of the
 * machine at once. A camera that is silent costs next to nothing while it is waited for, so that its start counts for two seconds at
 * most; the more wait, the shorter, so that many silent cameras do not keep one that answers from its turn. With eight at once, a turn comes
 * within 1.2 s and a thirty-second of a second for each that waits before.
 */
export class StartGate {
  readonly #clock: Clock;
  readonly #startsMax: number;
  /** Bounded by the recorders of a node: each waits once. */
  readonly #waiting = new Set<Waiting>();
  /** In the order they began; bounded by `#startsMax`. */
  #inFlight: Start[] = [];
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, startsMax = STARTS_MAX) {
    this.#clock = clock;
    this.#startsMax = startsMax;
  }

  /** How many count now, and how many wait. */
  get load(): { inFlight: number; waiting: number } {
    return { inFlight: this.#inFlight.length, waiting: this.#waiting.size };
  }

  /** Resolves when it is this start's turn, with what to call once it has shown a picture or failed. Rejects when the signal aborts. */
  enter(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#waiting.delete(waiting);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        go: () => {
          signal.removeEventListener('abort', onAbort);
          const start: Start = { beganMs: this.#clock.monotonic(), over: false };
          this.#inFlight.push(start);
          resolve(() => {
            start.over = true;
            this.#next();
          });
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
      this.#next();
    });
  }

  /** Lets as many go as may, and looks again when the oldest start counts no more. */
  #next(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (;;) {
      const nowMs = this.#clock.monotonic();
      const countsMs = this.#countsMs();
      this.#inFlight = this.#inFlight.filter(({ beganMs, over }) => !over && beganMs + countsMs > nowMs);
      const [first] = this.#waiting;
      if (!first) return;
      if (this.#inFlight.length >= this.#startsMax) {
        const dueMs = this.#inFlight[0]!.beganMs + countsMs;
        // A timer that fires a moment early would find nothing due.
        this.#cancel = this.#clock.after(Math.max(1, dueMs - nowMs), () => this.#next());
        return;
      }
      this.#waiting.delete(first);
      first.go();
    }
  }

  #countsMs(): number {
    return Math.max(COUNTS_MS_MIN, COUNTS_MS_MAX / (1 + this.#waiting.size / 2));
  }
}
