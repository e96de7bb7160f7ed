import { CameraError, type PtzDriver, type PtzPreset, type PtzVector } from '../../src/cameras/index.ts';
import type { SimulatedClock } from '../../src/platform/index.ts';

/** What becomes of one question: how long the answer takes, whether it fails, and whether the head heard all the same. */
export interface Fate {
  /** After this long the head does what it was told; null: it never hears. */
  heardMs: number | null;
  /** After this long the driver answers; null: only when it is given up (or never). */
  answerMs: number | null;
  fails?: 'unreachable' | 'refused' | 'malformed';
  /** Does not end when it is given up. */
  deaf?: boolean;
}

export const GOOD: Fate = { heardMs: 1, answerMs: 2 };

/** A head that does what it is told, when it is told, and a driver to it that fails by a script. */
export class ScriptedHead implements PtzDriver {
  readonly clock: SimulatedClock;
  /** Honours the time-out that comes with a move. */
  timesOut = true;
  moving = false;
  /** Moving until it is told to stop, as opposed to going to a place. */
  steered = false;
  looksAt: PtzVector = { pan: 0, tilt: 0, zoom: 0 };
  /** All that was asked, with the time. */
  asked: { what: string; atMs: number; speed?: PtzVector; forMs?: number }[] = [];
  /** Fates of the questions to come; then `GOOD`. */
  moveFates: Fate[] = [];
  stopFates: Fate[] = [];
  saved: PtzPreset[] = [{ token: '1', name: 'Door' }];
  #heard = 0;

  constructor(clock: SimulatedClock) {
    this.clock = clock;
  }

  count(what: string): number {
    return this.asked.filter((each) => each.what === what).length;
  }

  move(speed: PtzVector, forMs: number, signal?: AbortSignal): Promise<void> {
    this.asked.push({ what: 'move', atMs: this.clock.monotonic(), speed, forMs });
    return this.#meet(this.moveFates.shift() ?? GOOD, signal, () => {
      const heard = ++this.#heard;
      this.moving = true;
      this.steered = true;
      if (!this.timesOut) return;
      this.clock.after(forMs, () => {
        if (heard === this.#heard) this.#rest();
      });
    });
  }

  stop(signal?: AbortSignal): Promise<void> {
    this.asked.push({ what: 'stop', atMs: this.clock.monotonic() });
    return this.#meet(this.stopFates.shift() ?? GOOD, signal, () => {
      this.#heard++;
      this.#rest();
    });
  }

  goto(position: PtzVector, signal?: AbortSignal): Promise<void> {
    this.asked.push({ what: 'goto', atMs: this.clock.monotonic() });
    return this.#meet(this.moveFates.shift() ?? GOOD, signal, () => this.#go(position));
  }

  gotoPreset(token: string, signal?: AbortSignal): Promise<void> {
    this.asked.push({ what: `recall ${token}`, atMs: this.clock.monotonic() });
    return this.#meet(this.moveFates.shift() ?? GOOD, signal, () => this.#go({ pan: 1, tilt: 0, zoom: 0 }));
  }

  async status() {
    this.asked.push({ what: 'status', atMs: this.clock.monotonic() });
    return { position: this.looksAt, moving: this.moving };
  }

  async presets() {
    this.asked.push({ what: 'presets', atMs: this.clock.monotonic() });
    return this.saved;
  }

  async setPreset(name: string, token: string | null) {
    this.saved.push({ token: token ?? String(this.saved.length + 1), name });
    return this.saved.at(-1)!.token;
  }

  async removePreset(token: string) {
    this.saved = this.saved.filter((each) => each.token !== token);
  }

  /** Goes somewhere for three seconds, by itself. */
  #go(position: PtzVector): void {
    const heard = ++this.#heard;
    this.moving = true;
    this.steered = false;
    this.clock.after(3_000, () => {
      if (heard !== this.#heard) return;
      this.looksAt = position;
      this.#rest();
    });
  }

  #rest(): void {
    this.moving = false;
    this.steered = false;
  }

  #meet({ heardMs, answerMs, fails, deaf }: Fate, signal: AbortSignal | undefined, hear: () => void): Promise<void> {
    if (heardMs !== null) this.clock.after(heardMs, hear);
    return new Promise((resolve, reject) => {
      if (answerMs !== null) {
        this.clock.after(answerMs, () => (fails ? reject(new CameraError(fails)) : resolve()));
      }
      if (!deaf) signal?.addEventListener('abort', () => reject(new CameraError('cancelled')));
    });
  }
}
