import { type Engine, EngineFailure, type Feed } from '../engine/engine.ts';
import type { CommandResult, DeviceKey, EngineError, SourceId } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';

/** Who steers the head. */
export type PtzState =
  | { kind: 'free' }
  | { kind: 'asking' }
  | { kind: 'held'; since: number }
  /** Another device has it; `label` is told to admins and owners. */
  | { kind: 'busy'; since: number | null; label: string | null }
  | { kind: 'lost'; reason: 'taken' | 'idle' | 'removed' | 'closing' }
  | { kind: 'failed'; error: EngineError };

/** Speeds, -1 to 1 each. */
export interface PtzSpeed {
  pan: number;
  tilt: number;
  zoom: number;
}

/** A move goes on for so long without another; asked again well before. */
const MOVE_MS = 700;
const AGAIN_MS = 250;

const STILL: PtzSpeed = { pan: 0, tilt: 0, zoom: 0 };

/** Steering one camera: takes the lease, keeps the head moving while a speed is wished, gives the lease back. */
export class PtzHold {
  readonly state = new Store<PtzState>({ kind: 'free' });
  readonly #engine: Engine;
  readonly #node: DeviceKey;
  readonly #source: SourceId;
  #feed: Feed | null = null;
  #lease: string | null = null;
  #speed: PtzSpeed = STILL;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(engine: Engine, node: DeviceKey, source: SourceId) {
    this.#engine = engine;
    this.#node = node;
    this.#source = source;
  }

  /** Asks for the lease; `take`: from whoever has it. */
  hold(take = false): void {
    if (this.#feed) return;
    this.state.set({ kind: 'asking' });
    const feed: Feed = this.#engine.watch(
      this.#node,
      'ptz.hold',
      { source: this.#source, ...(take ? { take } : {}) },
      {
        event: (name, params) => feed === this.#feed && this.#told(name, params),
        ended: (error) => feed === this.#feed && this.#ended(error),
      },
    );
    this.#feed = feed;
  }

  /** Moves at a speed until another is wished; all 0 stops. Takes the lease again where it was lost by idleness. */
  move(speed: PtzSpeed): void {
    const still = speed.pan === 0 && speed.tilt === 0 && speed.zoom === 0;
    const moved = this.#speed !== STILL;
    this.#speed = still ? STILL : speed;
    clearTimeout(this.#timer);
    if (still) {
      if (moved) void this.#call('ptz.stop', {});
      return;
    }
    const { kind } = this.state.get();
    if (!this.#lease && (kind === 'free' || kind === 'lost')) this.hold();
    this.#go();
  }

  recall(preset: string): Promise<boolean> {
    return this.#call('ptz.recall', { preset });
  }

  /** Gives the lease back; the head stops by that alone. */
  release(): void {
    clearTimeout(this.#timer);
    this.#speed = STILL;
    this.#feed?.close();
    this.#feed = null;
    this.#lease = null;
    this.state.set({ kind: 'free' });
  }

  #go(): void {
    if (this.#speed === STILL) return;
    if (this.#lease) void this.#call('ptz.move', { ...this.#speed, forMs: MOVE_MS });
    this.#timer = setTimeout(() => this.#go(), AGAIN_MS);
  }

  #told(name: string, params: unknown): void {
    if (name === 'reply') {
      const { lease, since } = params as CommandResult<'ptz.hold'>;
      this.#lease = lease;
      this.state.set({ kind: 'held', since });
      if (this.#speed !== STILL) void this.#call('ptz.move', { ...this.#speed, forMs: MOVE_MS });
    } else if (name === 'ptz.lost') {
      this.#lease = null;
      this.state.set({ kind: 'lost', reason: (params as { reason: 'taken' | 'idle' | 'removed' | 'closing' }).reason });
    }
  }

  #ended(error: EngineError | null): void {
    this.#feed = null;
    this.#lease = null;
    this.#speed = STILL;
    clearTimeout(this.#timer);
    if (error?.code === 'ERR_CAMERAS_PTZ_HELD') void this.#askHolder();
    else if (error) this.state.set({ kind: 'failed', error });
    else if (this.state.get().kind === 'held') this.state.set({ kind: 'lost', reason: 'closing' });
  }

  async #askHolder(): Promise<void> {
    this.state.set({ kind: 'busy', since: null, label: null });
    try {
      const { holder } = await this.#engine.call(this.#node, 'ptz.status', { source: this.#source });
      if (this.state.get().kind !== 'busy') return;
      if (!holder) this.state.set({ kind: 'free' });
      else this.state.set({ kind: 'busy', since: holder.since, label: holder.label ?? null });
    } catch {
      // That somebody has it is known; who, is not.
    }
  }

  async #call(name: 'ptz.move' | 'ptz.stop' | 'ptz.recall', params: object): Promise<boolean> {
    const lease = this.#lease;
    if (!lease) return false;
    try {
      await this.#engine.call(this.#node, name, { source: this.#source, lease, ...params } as never);
      return true;
    } catch (error) {
      // A lease that has ended tells so by itself.
      if (error instanceof EngineFailure && error.code !== 'ERR_CAMERAS_PTZ_LEASE' && this.#lease === lease)
        this.state.set({ kind: 'failed', error: { code: error.code, kind: error.kind, message: error.message } });
      return false;
    }
  }
}

/** Speeds of a stick pushed to `x`, `y` (-1 to 1, right and down): slow near the middle, still in it. */
export function stickSpeed(x: number, y: number): { pan: number; tilt: number } {
  const length = Math.min(1, Math.hypot(x, y));
  if (length < 0.12) return { pan: 0, tilt: 0 };
  const strength = ((length - 0.12) / 0.88) ** 1.5;
  const scale = strength / Math.hypot(x, y);
  const round = (value: number) => Math.round(value * 100) / 100 + 0;
  return { pan: round(x * scale), tilt: round(-y * scale) };
}
