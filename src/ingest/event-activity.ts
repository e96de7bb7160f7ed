import type { Clock } from '../platform/index.ts';
import type { CameraEventKind } from '../protocol/index.ts';

/** What a camera told: a state that began or ended, or (null) a moment. */
export interface ActivityEvent {
  kind: CameraEventKind;
  active: boolean | null;
  /** Which region, line or input, where the camera tells it. */
  name: string | null;
  /** Node's clock when it came, epoch ms. */
  at: number;
}

/** Most states of one camera that are told apart; what goes on beyond ends when the camera tells everything anew. */
const STATES_MAX = 64;
/** An event that says it is older than this is taken as so old. */
const AGE_MS_MAX = 60_000;

/**
 * What goes on in front of one camera, as its events tell it, in the node's monotonic time. While the connection to its events is
 * lost, nobody knows; when it stands again, the camera tells anew what goes on.
 */
export class EventActivity {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** Kinds of the states that go on, by kind and name. Bounded by `STATES_MAX` and one for each kind. */
  readonly #states = new Map<string, CameraEventKind>();
  /** Monotonic ms at which something of a kind went on last. */
  readonly #lastMs = new Map<CameraEventKind, number>();
  #connected: boolean;

  /** `connected`: a subscription to the camera's events stands already. */
  constructor(clock: Clock, connected = false) {
    this.#clock = clock;
    this.#connected = connected;
  }

  /** False while nobody can tell what goes on. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Monotonic ms at which something of these kinds went on last: infinite while it does, minus infinity where nothing ever did. */
  lastMs(kinds: readonly CameraEventKind[]): number {
    let lastMs = Number.NEGATIVE_INFINITY;
    for (const kind of this.#states.values()) if (kinds.includes(kind)) return Number.POSITIVE_INFINITY;
    for (const kind of kinds) lastMs = Math.max(lastMs, this.#lastMs.get(kind) ?? lastMs);
    return lastMs;
  }

  /** Takes what the camera told. The end of a state that never began says nothing. */
  tell({ kind, active, name, at }: ActivityEvent): void {
    const named = `${kind}/${name ?? ''}`;
    if (active) {
      const known = this.#states.has(named) || this.#states.size < STATES_MAX;
      this.#states.set(known ? named : kind, kind);
    } else if (active === null || this.#states.delete(named)) this.#wentOn(kind, this.#monotonicOf(at));
    this.#told();
  }

  /** The subscription to the camera's events stands, or was lost. */
  connect(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    if (connected) {
      // What ended meanwhile was told to nobody; what goes on is told again at once.
      for (const kind of this.#states.values()) this.#wentOn(kind, this.#clock.monotonic());
      this.#states.clear();
    }
    this.#told();
  }

  /** Told after every event and change; gives the way to end that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #wentOn(kind: CameraEventKind, atMs: number): void {
    this.#lastMs.set(kind, Math.max(this.#lastMs.get(kind) ?? atMs, atMs));
  }

  /** The calendar may have been set between the event and now: only its age is taken from it. */
  #monotonicOf(at: number): number {
    const ageMs = this.#clock.now() - at;
    return this.#clock.monotonic() - Math.min(Math.max(ageMs, 0), AGE_MS_MAX);
  }

  #told(): void {
    for (const listener of this.#listeners) listener();
  }
}
