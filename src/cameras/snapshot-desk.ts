import type { Clock } from '../platform/index.ts';
import type { SourceId } from '../protocol/index.ts';
import type { CameraDriver } from './api.ts';
import { CameraError, snapshotsBusy } from './errors.ts';

export interface SnapshotDeskDeps {
  clock: Clock;
  /** A kept camera; throws what `CameraDesk.driver` throws. */
  driver(source: SourceId): Pick<CameraDriver, 'snapshot'>;
}

/** A picture of a camera, as it came. */
export interface CameraPicture {
  /** JPEG, at most 8 MiB; shared, never changed. */
  bytes: Uint8Array;
  /** Epoch ms of the node when it was asked for and when it had come: it is of a moment between. */
  askedAt: number;
  at: number;
}

/** How long a picture is good for whoever asks after the first. */
const SHARED_MS = 1_000;
/** Pictures fetched at once: from one camera, and in all (each has at most 8 MiB). */
const PER_CAMERA_MAX = 2;
const OVERALL_MAX = 8;

interface Fetching {
  /** Monotonic ms. */
  beganMs: number;
  picture: Promise<CameraPicture>;
  /** Those who wait for it; when the last has gone, the camera is asked no more. */
  waiting: number;
  isDone: boolean;
  controller: AbortController;
}

/** Pictures of now from the cameras themselves: whoever asks within a second gets the same one. */
export class SnapshotDesk {
  readonly #deps: SnapshotDeskDeps;
  /** By camera, oldest first: at most two that are fetched, and those that came within the last second. */
  readonly #places = new Map<SourceId, Fetching[]>();
  #fetching = 0;

  constructor(deps: SnapshotDeskDeps) {
    this.#deps = deps;
  }

  /**
   * A picture that was asked for at most a second ago, or a new one. While two are being fetched from the camera, the newer of them.
   * Rejects with `CameraError`, with `ERR_CAMERAS_SNAPSHOTS` (`exhausted`) while eight are fetched from others, and with what the
   * driver's maker throws.
   */
  async get(source: SourceId, signal?: AbortSignal): Promise<CameraPicture> {
    if (signal?.aborted) throw new CameraError('cancelled');
    const fetching = this.#shared(source) ?? this.#begin(source);
    fetching.waiting++;
    const given = Promise.withResolvers<never>();
    const giveUp = () => given.reject(new CameraError('cancelled'));
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([fetching.picture, given.promise]);
    } finally {
      signal?.removeEventListener('abort', giveUp);
      fetching.waiting--;
      if (fetching.waiting === 0 && !fetching.isDone) {
        this.#drop(source, fetching);
        fetching.controller.abort();
      }
    }
  }

  #shared(source: SourceId): Fetching | undefined {
    const place = this.#places.get(source) ?? [];
    const newest = place.at(-1);
    if (!newest) return undefined;
    const isFresh = this.#deps.clock.monotonic() - newest.beganMs < SHARED_MS;
    const isFull = place.filter((each) => !each.isDone).length >= PER_CAMERA_MAX;
    return isFresh || (isFull && !newest.isDone) ? newest : undefined;
  }

  #begin(source: SourceId): Fetching {
    const driver = this.#deps.driver(source);
    if (this.#fetching >= OVERALL_MAX) throw snapshotsBusy(OVERALL_MAX);
    const { clock } = this.#deps;
    const controller = new AbortController();
    const askedAt = clock.now();
    const beganMs = clock.monotonic();
    this.#fetching++;
    const picture = Promise.resolve()
      .then(() => driver.snapshot(controller.signal))
      .then((bytes) => ({ bytes, askedAt, at: clock.now() }))
      .finally(() => {
        this.#fetching--;
        fetching.isDone = true;
      });
    const fetching: Fetching = { beganMs, picture, waiting: 0, isDone: false, controller };
    this.#places.set(source, [...(this.#places.get(source) ?? []), fetching]);
    const forget = () => this.#drop(source, fetching);
    const forgetLater = () => {
      clock.after(Math.max(0, beganMs + SHARED_MS - clock.monotonic()), forget);
    };
    // A failure is of that moment: who asks next has the camera asked again.
    picture.then(forgetLater, forget);
    return fetching;
  }

  #drop(source: SourceId, fetching: Fetching): void {
    const left = (this.#places.get(source) ?? []).filter((each) => each !== fetching);
    if (left.length === 0) this.#places.delete(source);
    else this.#places.set(source, left);
  }
}
