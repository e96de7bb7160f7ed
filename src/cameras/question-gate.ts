import type { Clock } from '../platform/index.ts';
import { CameraError } from './errors.ts';

/** Most questions to all cameras at once. */
const AT_ONCE_MAX = 8;
/** A question holds its place for at most so long, and is given up then. */
const QUESTION_MS = 8_000;

/** A question that waits for its turn. */
interface Waiting {
  /** Whose question it is. */
  owner: object;
  begin(): void;
}

/**
 * Lets few questions to cameras go on at once, so that two hundred cameras that come back together are asked one after the other. In
 * order, except for those somebody waits for.
 */
export class QuestionGate {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #limitMs: number;
  /** Bounded by who asks: a camera has at most a few questions. */
  readonly #waiting: Waiting[] = [];
  #going = 0;

  constructor(clock: Clock, { most = AT_ONCE_MAX, limitMs = QUESTION_MS }: { most?: number; limitMs?: number } = {}) {
    this.#clock = clock;
    this.#most = most;
    this.#limitMs = limitMs;
  }

  /** Questions that go on, and that wait. */
  get load(): { going: number; waiting: number } {
    return { going: this.#going, waiting: this.#waiting.length };
  }

  /**
   * Asks when its turn has come; `ask` gets a signal that aborts with `signal` and when its time is over, and is not waited for then.
   * Rejects as it does; `CameraError` `unreachable` after its time, `cancelled` on abort.
   */
  ask<T>(
    ask: (signal: AbortSignal) => Promise<T>,
    { owner, signal, urgent = false }: { owner: object; signal: AbortSignal; urgent?: boolean },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new CameraError('cancelled'));
        return;
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(new CameraError('cancelled'));
      };
      const entry: Waiting = {
        owner,
        begin: () => {
          signal.removeEventListener('abort', leave);
          this.#go(ask, signal).then(resolve, reject);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      if (urgent) this.#waiting.unshift(entry);
      else this.#waiting.push(entry);
      this.#admit();
    });
  }

  /** Brings the questions of somebody to the front. */
  hurry(owner: object): void {
    const theirs = this.#waiting.filter((each) => each.owner === owner);
    const others = this.#waiting.filter((each) => each.owner !== owner);
    this.#waiting.splice(0, this.#waiting.length, ...theirs, ...others);
  }

  async #go<T>(ask: (signal: AbortSignal) => Promise<T>, outer: AbortSignal): Promise<T> {
    const until = new AbortController();
    const over = Promise.withResolvers<never>();
    const end = (error: CameraError) => {
      over.reject(error);
      until.abort(error);
    };
    const abort = () => end(new CameraError('cancelled'));
    const cancel = this.#clock.after(this.#limitMs, () => end(new CameraError('unreachable')));
    outer.addEventListener('abort', abort, { once: true });
    this.#going += 1;
    try {
      return await Promise.race([ask(until.signal), over.promise]);
    } finally {
      this.#going -= 1;
      cancel();
      outer.removeEventListener('abort', abort);
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#going < this.#most) {
      const next = this.#waiting.shift();
      if (!next) return;
      next.begin();
    }
  }
}
