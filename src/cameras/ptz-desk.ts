import { toHex } from '../bytes/index.ts';
import type { Clock, Log, Random } from '../platform/index.ts';
import type { DeviceKey, SourceId } from '../protocol/index.ts';
import type { PtzDriver, PtzPreset, PtzVector } from './api.ts';
import { headHeld, leaseEnded } from './errors.ts';
import { PtzHead } from './ptz-head.ts';

export interface PtzDeskDeps {
  clock: Clock;
  random: Random;
  log: Log;
  /** The head of a kept camera; throws what `CameraDesk.driver` throws. */
  driver(source: SourceId): PtzDriver;
}

export interface PtzDeskOptions {
  /** A lease that is not used for so long ends. */
  idleMs?: number;
}

/** Who steers: one device on one channel. */
export interface PtzHolder {
  device: DeviceKey;
  sessionId: string;
}

/** Why a lease ended: given back, taken over, unused for too long, the right was taken away, the camera is not kept any more, shutdown. */
export type PtzLeaseEnd = 'left' | 'taken' | 'idle' | 'denied' | 'removed' | 'closing';

/** The right to steer one camera, for as long as it lasts. */
export interface PtzLease {
  /** 8 random bytes, hex. */
  readonly id: string;
  /** Epoch ms. */
  readonly since: number;
  /** Resolves when it ends, with the reason. Never rejects. */
  readonly ended: Promise<PtzLeaseEnd>;
  /** Gives it back; the head is stopped. Safe to call twice. */
  end(reason: PtzLeaseEnd): void;
}

/** Where a head looks, and who steers it. */
export interface PtzStatus {
  position: PtzVector | null;
  moving: boolean | null;
  holder: { holder: PtzHolder; since: number } | null;
  /** It did not confirm the last stop. */
  unstopped: boolean;
}

const IDLE_MS = 60_000;
const LEASE_BYTES = 8;

interface Held extends PtzLease {
  readonly holder: PtzHolder;
  use(): void;
}

interface Place {
  head: PtzHead;
  lease: Held | null;
  /** Questions about it that are being answered: everybody who asks meanwhile gets the same answer. */
  status: Promise<Pick<PtzStatus, 'position' | 'moving'>> | null;
  presets: Promise<PtzPreset[]> | null;
}

/**
 * Who may steer which camera: one at a time, by a lease, and a head never moves on when its lease has ended.
 *
 * A head that is steered is stopped with the lease, whatever ended it. One that goes to a place by itself is let arrive where the
 * lease was given back or not used, and stopped where it was taken away.
 */
export class PtzDesk {
  readonly #deps: PtzDeskDeps;
  readonly #idleMs: number;
  /** Bounded by the cameras that are kept: `remove` forgets. */
  readonly #places = new Map<SourceId, Place>();
  #closed = false;

  constructor(deps: PtzDeskDeps, { idleMs = IDLE_MS }: PtzDeskOptions = {}) {
    this.#deps = deps;
    this.#idleMs = idleMs;
  }

  /**
   * Gives the lease of a camera. The same device may always have it from itself, on another channel; others get
   * `ERR_CAMERAS_PTZ_HELD` (`conflict`) unless they `take` it. Throws what the driver's maker throws where there is no camera.
   */
  hold(source: SourceId, holder: PtzHolder, { take = false }: { take?: boolean } = {}): PtzLease {
    if (this.#closed) throw headHeld(source);
    this.#deps.driver(source);
    const place = this.#placeOf(source);
    const before = place.lease;
    if (before && before.holder.device !== holder.device && !take) throw headHeld(source);
    before?.end('taken');
    const lease = this.#lend(place, holder);
    place.lease = lease;
    return lease;
  }

  /**
   * Moves at a speed for `forMs` (at most 2,000), then stops unless another move came. True once the camera took it, false where a
   * newer wish came first. No speed at all is a stop. `ERR_CAMERAS_PTZ_LEASE` (`conflict`) without the lease; `CameraError`.
   */
  async move(source: SourceId, lease: string, holder: PtzHolder, speed: PtzVector, forMs: number): Promise<boolean> {
    const { head } = this.#used(source, lease, holder);
    if (speed.pan !== 0 || speed.tilt !== 0 || speed.zoom !== 0) return head.steer(speed, forMs);
    await head.stop();
    return true;
  }

  /** Stops the head. `ERR_CAMERAS_PTZ_UNSTOPPED` (`unavailable`) where the camera never confirmed it. */
  async stop(source: SourceId, lease: string, holder: PtzHolder): Promise<void> {
    await this.#used(source, lease, holder).head.stop();
  }

  /** Goes to a position; it ends there by itself. False where a newer wish came first. */
  async goto(source: SourceId, lease: string, holder: PtzHolder, position: PtzVector): Promise<boolean> {
    const { head } = this.#used(source, lease, holder);
    return head.aim((driver, signal) => driver.goto(position, signal));
  }

  /** Goes to a preset, as `goto`. */
  async recall(source: SourceId, lease: string, holder: PtzHolder, preset: string): Promise<boolean> {
    const { head } = this.#used(source, lease, holder);
    return head.aim((driver, signal) => driver.gotoPreset(preset, signal));
  }

  /** Keeps where it looks now; gives the preset's token. Refused while somebody else steers. */
  async save(source: SourceId, holder: PtzHolder, name: string, preset: string | null): Promise<string> {
    const driver = this.#deps.driver(source);
    this.#refuseOthers(source, holder);
    return driver.setPreset(name, preset);
  }

  async forget(source: SourceId, holder: PtzHolder, preset: string): Promise<void> {
    const driver = this.#deps.driver(source);
    this.#refuseOthers(source, holder);
    await driver.removePreset(preset);
  }

  /** Asks the camera once, whoever asks meanwhile. */
  async presets(source: SourceId): Promise<PtzPreset[]> {
    const driver = this.#deps.driver(source);
    const place = this.#placeOf(source);
    place.presets ??= driver.presets().finally(() => {
      place.presets = null;
    });
    return place.presets;
  }

  /** Asks the camera once, whoever asks meanwhile. */
  async status(source: SourceId): Promise<PtzStatus> {
    const driver = this.#deps.driver(source);
    const place = this.#placeOf(source);
    place.status ??= driver.status().finally(() => {
      place.status = null;
    });
    const { position, moving } = await place.status;
    return { position, moving, holder: this.holder(source), unstopped: place.head.unstopped };
  }

  /** Who steers it at this moment, without asking the camera. */
  holder(source: SourceId): { holder: PtzHolder; since: number } | null {
    const lease = this.#places.get(source)?.lease;
    return lease ? { holder: lease.holder, since: lease.since } : null;
  }

  /** Cameras that were told to stop and did not confirm it. */
  unstopped(): SourceId[] {
    return [...this.#places].filter(([, { head }]) => head.unstopped).map(([source]) => source);
  }

  /** The camera is not kept any more: its lease ends, its head is stopped. */
  remove(source: SourceId): void {
    const place = this.#places.get(source);
    if (!place) return;
    place.lease?.end('removed');
    this.#places.delete(source);
  }

  /** Ends every lease and waits until the heads have stopped, or would not. No lease is given after. */
  async close(): Promise<void> {
    this.#closed = true;
    const heads = [...this.#places.values()].map(async ({ head, lease }) => {
      lease?.end('closing');
      if (head.motion !== 'still') await head.stop();
    });
    await Promise.allSettled(heads);
  }

  #placeOf(source: SourceId): Place {
    const known = this.#places.get(source);
    if (known) return known;
    const { clock, log, driver } = this.#deps;
    const head = new PtzHead({ clock, log, driver: () => driver(source) }, source);
    const place: Place = { head, lease: null, status: null, presets: null };
    this.#places.set(source, place);
    return place;
  }

  #lend(place: Place, holder: PtzHolder): Held {
    const { clock, random } = this.#deps;
    const { promise, resolve } = Promise.withResolvers<PtzLeaseEnd>();
    let cancelIdle = () => {};
    const lease: Held = {
      id: toHex(random.bytes(LEASE_BYTES)),
      since: clock.now(),
      holder,
      ended: promise,
      use: () => {
        cancelIdle();
        cancelIdle = clock.after(this.#idleMs, () => lease.end('idle'));
      },
      end: (reason) => {
        if (place.lease !== lease) return;
        place.lease = null;
        cancelIdle();
        place.head.release({ arrive: reason === 'left' || reason === 'idle' });
        resolve(reason);
      },
    };
    lease.use();
    return lease;
  }

  /** The place whose lease the caller holds; the lease counts as used. */
  #used(source: SourceId, id: string, { device, sessionId }: PtzHolder): Place {
    const place = this.#places.get(source);
    const lease = place?.lease;
    if (!lease || lease.id !== id || lease.holder.device !== device || lease.holder.sessionId !== sessionId) {
      throw leaseEnded();
    }
    lease.use();
    return place;
  }

  #refuseOthers(source: SourceId, { device }: PtzHolder): void {
    const lease = this.#places.get(source)?.lease;
    if (lease && lease.holder.device !== device) throw headHeld(source);
    lease?.use();
  }
}
