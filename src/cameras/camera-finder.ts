import type { Clock, Log, Random } from '../platform/index.ts';
import type { CamerasDiscoverResult, DiscoveredCamera, SourceId } from '../protocol/index.ts';
import type { CameraKeeper, KeeperDeps, LostCamera } from './camera-keeper.ts';
import { troubleOf } from './errors.ts';
import type { QuestionGate } from './question-gate.ts';

/** A camera is looked for once it has been away for so long. */
const AWAY_MS = 30_000;
/** Cameras that do not tell their endpoint reference are looked for so long after the first was reached. */
const SETTLE_MS = 10_000;
/** From one search to the next: longer and longer while nothing is found. */
const SEARCH_MS = { min: 60_000, max: 600_000 };
/** One that was not it, or refused us, is not asked for so long; one that did not answer, for so long. */
const REFUSED_MS = 3_600_000;
const SILENT_MS = 300_000;
/** Addresses that are remembered as not being it; the oldest go first. */
const REMEMBERED_MAX = 1_024;

export interface FinderDeps {
  clock: Clock;
  random: Random;
  log: Log;
  gate: QuestionGate;
  driverOf: KeeperDeps['driverOf'];
  /** Looks for cameras; `onFound` is told every one. */
  discover: (
    wish: Record<string, never>,
    options: { onFound(camera: DiscoveredCamera): void; signal: AbortSignal },
  ) => Promise<CamerasDiscoverResult>;
  keepers: () => Iterable<CameraKeeper>;
  /** A lost camera answers there. */
  moved: (source: SourceId, service: string) => void;
}

/** Looks for cameras that are not where they were, with one search for all of them, and asks who answers before it believes it. */
export class CameraFinder {
  readonly #deps: FinderDeps;
  readonly #end = new AbortController();
  /** `source url` that was not it, with the monotonic ms until which it is not asked. */
  readonly #refused = new Map<string, number>();
  #everyMs = SEARCH_MS.min;
  /** Monotonic ms at which a camera without endpoint reference was met first since the last search. */
  #lackedAt: number | null = null;
  #searchedAt = Number.NEGATIVE_INFINITY;
  #cancelNext: () => void = () => {};
  #running: Promise<void> | null = null;

  constructor(deps: FinderDeps) {
    this.#deps = deps;
  }

  /** Something has changed: looks when it is time to. */
  wake(): void {
    if (this.#running || this.#end.signal.aborted) return;
    const { clock } = this.#deps;
    const keepers = [...this.#deps.keepers()];
    const due = keepers.flatMap((keeper) => {
      const lost = keeper.lost();
      if (!lost) return [];
      const at = lost.since + AWAY_MS;
      // One that nobody has looked for yet does not wait for others that were looked for in vain.
      return [Math.max(at, this.#searchedAt + (at > this.#searchedAt ? SEARCH_MS.min : this.#everyMs))];
    });
    if (keepers.some(({ lacksEndpoint }) => lacksEndpoint)) {
      this.#lackedAt ??= clock.monotonic();
      due.push(Math.max(this.#lackedAt + SETTLE_MS, this.#searchedAt + this.#everyMs));
    }
    this.#cancelNext();
    if (due.length === 0) {
      this.#everyMs = SEARCH_MS.min;
      return;
    }
    this.#cancelNext = clock.after(Math.min(...due) - clock.monotonic(), () => {
      this.#running = this.#search()
        .catch((error: unknown) => {
          this.#deps.log.debug({ error }, 'lost cameras could not be looked for');
        })
        .finally(() => {
          this.#running = null;
          this.wake();
        });
    });
  }

  async stop(): Promise<void> {
    this.#cancelNext();
    this.#end.abort();
    await this.#running;
  }

  async #search(): Promise<void> {
    const { clock, discover, keepers } = this.#deps;
    const { signal } = this.#end;
    this.#searchedAt = clock.monotonic();
    this.#lackedAt = null;
    const found = new Map<string, DiscoveredCamera>();
    const onFound = (camera: DiscoveredCamera) => found.set(camera.device.toLowerCase(), camera);
    const count = this.#refused.size;
    let success = false;
    try {
      await discover({}, { onFound, signal });
      for (const keeper of [...keepers()]) {
        if (keeper.lacksEndpoint) success = learn(keeper, found) || success;
      }
      const asked = [...keepers()].flatMap((keeper) => {
        const lost = keeper.lost();
        const camera = lost && found.get(lost.endpoint.toLowerCase());
        return camera && clock.monotonic() - lost.since >= AWAY_MS ? [this.#meet(lost, camera)] : [];
      });
      success = (await Promise.all(asked)).includes(true) || success;
    } finally {
      const isNew = success || this.#refused.size > count;
      this.#everyMs = isNew ? SEARCH_MS.min : Math.min(SEARCH_MS.max, this.#everyMs * 2);
    }
  }

  /** Asks at the other addresses who is there; true where it is the lost camera. */
  async #meet({ order, hardwareId }: LostCamera, camera: DiscoveredCamera): Promise<boolean> {
    const { clock, gate, driverOf, log, moved } = this.#deps;
    const { source, credentials } = order;
    const { signal } = this.#end;
    const here = hostOf(order.service);
    for (const service of camera.urls.filter((url) => hostOf(url) !== here)) {
      const key = `${source} ${service}`;
      if ((this.#refused.get(key) ?? Number.NEGATIVE_INFINITY) > clock.monotonic()) continue;
      const driver = driverOf({ service, credentials, hardwareId }, { trustedAddress: false });
      try {
        const identity = await gate.ask((until) => driver.identify(until), { owner: order, signal });
        if (identity.hardwareId === hardwareId) {
          log.info({ source, host: hostOf(service) }, 'a camera was found at another address');
          moved(source, service);
          return true;
        }
        log.warn({ source, host: hostOf(service) }, 'somebody answers in the name of a camera, and is another');
        this.#remember(key, REFUSED_MS);
      } catch (error) {
        if (signal.aborted) return false;
        const trouble = troubleOf(error);
        log.info({ source, host: hostOf(service), trouble }, 'a camera may have moved, but does not say who it is');
        this.#remember(key, trouble === 'unauthorized' ? REFUSED_MS : SILENT_MS);
      }
    }
    return false;
  }

  #remember(key: string, forMs: number): void {
    this.#refused.delete(key);
    this.#refused.set(key, this.#deps.clock.monotonic() + forMs);
    if (this.#refused.size > REMEMBERED_MAX) this.#refused.delete(this.#refused.keys().next().value!);
  }
}

/**
 * The endpoint reference of a camera that is reached and does not tell it itself: that of the one answer that names its service. A hint
 * like any other; it only says whom to ask if the camera goes away.
 */
function learn(keeper: CameraKeeper, found: ReadonlyMap<string, DiscoveredCamera>): boolean {
  const { service } = keeper.order;
  const host = hostOf(service);
  const at = [...found.values()].filter(({ urls }) => urls.some((url) => hostOf(url) === host));
  const named = at.filter(({ urls }) => urls.includes(URL.parse(service)?.href ?? ''));
  const [camera, other] = named.length > 0 ? named : at;
  const endpoint = camera && !other ? camera.device : null;
  keeper.learnEndpoint(endpoint);
  return endpoint !== null;
}

function hostOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}
