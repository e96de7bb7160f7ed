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

/** What a player of the past says about the time the playhead stands at; epoch ms. */
export type Standing =
  | { kind: 'picture' }
  /** Nothing was recorded here; `until` null: nor later. */
  | { kind: 'gap'; until: number | null }
  | { kind: 'unknown' };

/** A player that goes by the playhead. */
export interface Follower {
  /** `node/source`. */
  camera: string;
  /** The middle of the next or previous picture from `at` on, epoch ms; null where there is none. */
  step(at: number, direction: 1 | -1): Promise<number | null>;
}

/** Speeds that are offered. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;
/** Faster than this only keyframes are shown. */
export const FULL_SPEED_MAX = 4;
/** A tile that has nothing to show yet may hold the clock for so long. */
export const HOLD_MS_MAX = 2_000;
/** A gap of every tile is passed over after so long: enough to read what it says. */
export const GAP_READ_MS = 1_500;
/**
 * Nearer to the present than this what plays is live: a recorder writes about once a second, so that the past ends a little before the
 * present and would be waited for again and again.
 */
export const LIVE_EDGE_MS = 3_000;

/** What the playhead needs of the world; absent: the browser's own. */
export interface PlayheadTime {
  /** Monotonic ms. */
  clock?: () => number;
  /** Epoch ms. */
  calendar?: () => number;
  /** Calls back once; returns how to call it off. */
  after?: (ms: number, run: () => void) => () => void;
}

/**
 * The one clock of the wall: every tile and the timeline go by it, so that pictures of several cameras stay in step. A tile that has nothing
 * to show yet holds it; a hold that lasts longer than two seconds is passed over. Where all tiles stand in a gap it goes on behind the
 * shortest, and where it reaches the present it is live.
 */
export class Playhead {
  readonly state = new Store<PlayheadState>({ kind: 'live' });
  /** True while somebody holds the clock. */
  readonly waiting = new Store<boolean>(false);
  /** The camera whose pictures are stepped through (`node/source`); null: whichever is first. */
  readonly leader = new Store<string | null>(null);
  /** Holds that count, with how to end their time limit. */
  readonly #holds = new Map<symbol, () => void>();
  /** Holds that lasted too long: they count no more until they are released. */
  readonly #passed = new Set<symbol>();
  readonly #followers = new Map<symbol, Follower & { standing: Standing }>();
  readonly #clock: () => number;
  readonly #calendar: () => number;
  readonly #after: (ms: number, run: () => void) => () => void;
  #cancelSkip: (() => void) | null = null;
  #cancelEdge: (() => void) | null = null;
  #stepping: Promise<unknown> = Promise.resolve();
  #jumps = 0;

  constructor({ clock, calendar, after }: PlayheadTime = {}) {
    this.#clock = clock ?? (() => performance.now());
    this.#calendar = calendar ?? (() => Date.now());
    this.#after = after ?? later;
  }

  /** Epoch ms shown now. */
  now(): number {
    const state = this.state.get();
    if (state.kind === 'live') return this.#calendar();
    if (!state.playing || state.scrubbing || this.waiting.get()) return state.at;
    return Math.min(state.at + (this.#clock() - state.setAt) * state.speed, this.#calendar());
  }

  goLive(): void {
    for (const cancel of this.#holds.values()) cancel();
    this.#holds.clear();
    this.#passed.clear();
    this.waiting.set(false);
    this.#enter({ kind: 'live' });
  }

  /** Shows the past at `at` (epoch ms, parts of it allowed); keeps playing where it did. */
  seek(at: number, options: { playing?: boolean; scrubbing?: boolean } = {}): void {
    const before = this.state.get();
    const past = before.kind === 'past' ? before : null;
    // What stood there stands there no more.
    for (const follower of this.#followers.values()) follower.standing = { kind: 'unknown' };
    this.#enter({
      kind: 'past',
      at: Math.max(0, Math.min(at, this.#calendar())),
      setAt: this.#clock(),
      playing: options.playing ?? past?.playing ?? true,
      speed: past?.speed ?? 1,
      jump: ++this.#jumps,
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

  /** Stands still and shows the leader's next or previous picture; steps asked for meanwhile follow one after the other. */
  step(direction: 1 | -1): Promise<void> {
    const run = async () => {
      const before = this.state.get();
      if (before.kind === 'live') this.seek(this.#calendar() - 1_000, { playing: false });
      else if (before.playing) this.setPlaying(false);
      const leader = this.leader.get();
      const all = [...this.#followers.values()];
      // A leader in a gap has no picture: another one leads.
      for (const each of [...all.filter(({ camera }) => camera === leader), ...all]) {
        const { jump } = this.state.get() as { jump?: number };
        const at = await each.step(this.now(), direction);
        const now = this.state.get();
        if (now.kind !== 'past' || now.jump !== jump || now.playing) return;
        if (at !== null) return this.seek(at, { playing: false });
      }
    };
    const stepped = this.#stepping.then(run);
    this.#stepping = stepped.catch(() => {});
    return stepped;
  }

  /** While a hold is out the clock stands, at most `HOLD_MS_MAX`; `release` lets it go on. */
  hold(who: symbol): void {
    if (this.#holds.has(who) || this.#passed.has(who)) return;
    const state = this.state.get();
    const at = this.now();
    this.#holds.set(
      who,
      this.#after(HOLD_MS_MAX, () => {
        this.#passed.add(who);
        this.#letGo(who);
      }),
    );
    // Where it stands is written down once it stands: those who are told find it standing.
    if (this.waiting.get()) return;
    this.waiting.set(true);
    if (state.kind === 'past') this.#enter({ ...state, at, setAt: this.#clock() });
  }

  release(who: symbol): void {
    this.#passed.delete(who);
    this.#letGo(who);
  }

  /** A player goes by this clock from now on. */
  join(who: symbol, follower: Follower): void {
    this.#followers.set(who, { ...follower, step: follower.step.bind(follower), standing: { kind: 'unknown' } });
    this.#weighGaps();
  }

  leave(who: symbol): void {
    this.#followers.delete(who);
    this.release(who);
    this.#weighGaps();
  }

  /** What a player has at the shown time. */
  report(who: symbol, standing: Standing): void {
    const follower = this.#followers.get(who);
    if (!follower) return;
    const { standing: before } = follower;
    const same =
      before.kind === standing.kind &&
      (before as { until?: unknown }).until === (standing as { until?: unknown }).until;
    follower.standing = standing;
    if (!same) this.#weighGaps();
  }

  #letGo(who: symbol): void {
    const cancel = this.#holds.get(who);
    if (!cancel) return;
    cancel();
    this.#holds.delete(who);
    if (this.#holds.size > 0) return;
    const state = this.state.get();
    this.waiting.set(false);
    if (state.kind === 'past') this.#enter({ ...state, setAt: this.#clock() });
  }

  /** Where every tile has a gap, goes on behind the shortest of them. */
  #weighGaps(): void {
    const state = this.state.get();
    const standings = [...this.#followers.values()].map(({ standing }) => standing);
    const gaps = standings.filter((each) => each.kind === 'gap');
    const all = gaps.length > 0 && gaps.length === standings.length;
    if (!all || state.kind !== 'past' || !state.playing || state.scrubbing) {
      this.#cancelSkip?.();
      this.#cancelSkip = null;
      return;
    }
    this.#cancelSkip ??= this.#after(GAP_READ_MS, () => {
      this.#cancelSkip = null;
      const ends = this.#gapEnds();
      if (ends === null) return;
      const end = Math.min(...ends);
      if (end >= this.#calendar() - LIVE_EDGE_MS) this.goLive();
      else this.seek(Math.max(end, this.now()));
    });
  }

  /** Ends of the gaps that all tiles stand in; null where one has a picture. */
  #gapEnds(): number[] | null {
    const standings = [...this.#followers.values()].map(({ standing }) => standing);
    if (standings.length === 0 || !standings.every((each) => each.kind === 'gap')) return null;
    return standings.map(({ until }) => until ?? Number.POSITIVE_INFINITY);
  }

  /** Writes down where it is, with a change. */
  #change(change: (state: Extract<PlayheadState, { kind: 'past' }>) => PlayheadState): void {
    const state = this.state.get();
    if (state.kind !== 'past') return;
    this.#enter(change({ ...state, at: this.now(), setAt: this.#clock() }));
  }

  #enter(state: PlayheadState): void {
    this.state.set(state);
    this.#weighGaps();
    this.#watchEdge();
  }

  /** What plays and reaches the present, or begins near to it, is live; slower than time it falls behind and stays. */
  #watchEdge(): void {
    this.#cancelEdge?.();
    this.#cancelEdge = null;
    const state = this.state.get();
    if (state.kind !== 'past' || !state.playing || state.scrubbing || state.speed < 1) return;
    const left = this.#calendar() - this.now();
    if (left <= LIVE_EDGE_MS) this.goLive();
    if (left <= LIVE_EDGE_MS || state.speed === 1) return;
    const wait = Math.min((left - LIVE_EDGE_MS) / (state.speed - 1) + 20, 60_000);
    this.#cancelEdge = this.#after(wait, () => this.#watchEdge());
  }
}

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
