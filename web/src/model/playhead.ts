import { Store } from '../engine/store.ts';

/** Where the wall stands in time. Live is the right end of time. */
export type PlayheadState =
  | { kind: 'live' }
  | {
      kind: 'past';
      /** Epoch ms at `setAt`. */
      at: number;
      /** `performance.now()` when `at` held. */
      setAt: number;
      playing: boolean;
      /** 0.25 to 16. */
      speed: number;
      /** Rises with every jump (seek, step): players that see another number begin anew. */
      jump: number;
      /** The cursor is being dragged: keyframes are enough. */
      scrubbing: boolean;
    };

/** Speeds that are offered. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;
/** Faster than this only keyframes are shown. */
export const FULL_SPEED_MAX = 4;

/**
 * The one clock of the wall: every tile and the timeline go by it, so that pictures of several cameras stay in step. A tile that has nothing
 * to show yet holds it; a hold that lasts longer than two seconds is passed over (a gap, or a camera that has nothing there).
 */
export class Playhead {
  readonly state = new Store<PlayheadState>({ kind: 'live' });
  /** True while somebody holds the clock. */
  readonly waiting = new Store<boolean>(false);
  readonly #holds = new Map<symbol, number>();
  readonly #clock: () => number;
  readonly #calendar: () => number;

  /** `clock`: monotonic ms; `calendar`: epoch ms. */
  constructor(clock: () => number = () => performance.now(), calendar: () => number = () => Date.now()) {
    this.#clock = clock;
    this.#calendar = calendar;
  }

  /** Epoch ms shown now. */
  now(): number {
    const state = this.state.get();
    if (state.kind === 'live') return this.#calendar();
    if (!state.playing || this.waiting.get()) return state.at;
    return Math.min(state.at + (this.#clock() - state.setAt) * state.speed, this.#calendar());
  }

  goLive(): void {
    this.#holds.clear();
    this.waiting.set(false);
    this.state.set({ kind: 'live' });
  }

  /** Shows the past at `at`; keeps playing where it did. */
  seek(at: number, options: { playing?: boolean; scrubbing?: boolean } = {}): void {
    const before = this.state.get();
    const past = before.kind === 'past' ? before : null;
    this.state.set({
      kind: 'past',
      at: Math.min(at, this.#calendar()),
      setAt: this.#clock(),
      playing: options.playing ?? past?.playing ?? true,
      speed: past?.speed ?? 1,
      jump: (past?.jump ?? 0) + 1,
      scrubbing: options.scrubbing ?? false,
    });
  }

  setPlaying(playing: boolean): void {
    this.#change((state) => ({ ...state, playing }));
  }

  setSpeed(speed: number): void {
    this.#change((state) => ({ ...state, speed }));
  }

  /** Moves the shown time without a jump: a tile that stepped by one picture says where that is. */
  settle(at: number): void {
    this.#change((state) => ({ ...state, at }));
  }

  /** While a hold is out the clock stands; `release` lets it go on. */
  hold(who: symbol): void {
    if (this.#holds.has(who)) return;
    this.#change((state) => state);
    this.#holds.set(who, this.#clock());
    this.waiting.set(true);
  }

  release(who: symbol): void {
    if (!this.#holds.delete(who) || this.#holds.size > 0) return;
    const state = this.state.get();
    this.waiting.set(false);
    if (state.kind === 'past') this.state.set({ ...state, setAt: this.#clock() });
  }

  /** Writes down where it is, with a change. */
  #change(change: (state: Extract<PlayheadState, { kind: 'past' }>) => PlayheadState): void {
    const state = this.state.get();
    if (state.kind !== 'past') return;
    this.state.set(change({ ...state, at: this.now(), setAt: this.#clock() }));
  }
}
