import type { Clock, DatagramAddress, Datagrams, Log, Random } from '../platform/index.ts';
import {
  type CamerasDiscoverResult,
  DISCOVER_NETWORKS_MAX,
  DISCOVERED_MAX,
  type DiscoveredCamera,
  type DiscoveredHost,
} from '../protocol/index.ts';
import type { CameraDriver, CameraOrder } from './api.ts';
import { hostMissing, interfaceMissing, searchCancelled, searchesBusy } from './errors.ts';
import type { KnownCamera } from './found-cameras.ts';
import { askHost, type NamedHost, parseHost } from './named-host.ts';
import { type SearchPlace, search } from './search.ts';

export interface DiscoveryDeps {
  clock: Clock;
  random: Random;
  log: Log;
  datagrams: Datagrams;
  /** Interfaces of this machine with their IPv4 addresses. Where there is none but loopback: wherever the system sends it. */
  networks: () => readonly LocalNetwork[];
  /** Makes a driver for a host that a person named; it gets no credentials. */
  driverOf: (order: Omit<CameraOrder, 'source'>) => CameraDriver;
  /** What is configured; default nothing. */
  known?: () => readonly KnownCamera[];
}

/** An address of this machine. */
export interface LocalNetwork {
  /** Of its interface. */
  name: string;
  /** IPv4, numeric. */
  address: string;
  /** Loopback: asked only where it is named. */
  internal: boolean;
}

export interface DiscoveryOptions {
  /** Names or addresses of the interfaces that are asked where a wish names none. Default: all but loopback. */
  interfaces?: readonly string[];
  /** Local UDP port, so that a firewall can let answers in; 0: any. Default 33,702. */
  port?: number;
  /** Whom probes go to. Default: the group of WS-Discovery, 239.255.255.250, port 3702. */
  target?: { host: string; port: number };
}

/** What one search is to be. */
export interface DiscoveryWish {
  interfaces?: readonly string[] | undefined;
  /** 1 to 10; default 3. */
  seconds?: number | undefined;
  /** Asks this host alone: a name or address, perhaps with the port of its device service. */
  host?: string | undefined;
}

/** WS-Discovery's group and port, and where our own answers come to. */
const GROUP = { host: '239.255.255.250', port: 3702 };
const OWN_PORT = 33_702;
const SECONDS = 3;
/** Searches that wait for the one that goes on; they share ports, so that two of them would take each other's answers. */
const WAITING_MAX = 8;

/** Cameras that answer on the local networks. It holds no socket between searches. */
export interface CameraDiscovery {
  /**
   * Hints of cameras nearby, when the time is over; `onFound` is told each as it answers, and again when more is known of it. Calls
   * that wish the same at the same time share one search, others wait. A search that nobody waits for any more ends.
   *
   * `ERR_CAMERAS_SEARCH` (`unavailable`), `ERR_CAMERAS_INTERFACE`, `ERR_CAMERAS_HOST` (`missing`), `ERR_CAMERAS_BUSY` (`exhausted`),
   * `ERR_CAMERAS_SEARCH_CANCELLED` (`cancelled`).
   */
  discover(
    wish?: DiscoveryWish,
    options?: { onFound?: (camera: DiscoveredCamera) => void; signal?: AbortSignal },
  ): Promise<CamerasDiscoverResult>;
}

/** Makes the discovery of ONVIF cameras by WS-Discovery. */
export function createCameraDiscovery(deps: DiscoveryDeps, options: DiscoveryOptions = {}): CameraDiscovery {
  const shared = new Map<string, SharedSearch>();
  let before: Promise<unknown> = Promise.resolve();
  return {
    async discover(wish = {}, { onFound = () => {}, signal } = {}) {
      signal?.throwIfAborted();
      const { interfaces = options.interfaces ?? null, seconds = SECONDS, host = null } = wish;
      const key = JSON.stringify([interfaces && [...interfaces].sort(), seconds, host]);
      let running = shared.get(key);
      if (!running) {
        if (shared.size > WAITING_MAX) throw searchesBusy();
        const task = (all: SharedSearch) => find(deps, options, { interfaces, seconds, host }, all);
        const made = new SharedSearch(before, task);
        running = made;
        shared.set(key, made);
        before = made.result
          .catch(() => {})
          .finally(() => {
            if (shared.get(key) === made) shared.delete(key);
          });
      }
      return running.join(onFound, signal, () => shared.delete(key));
    },
  };
}

/** One search and all who wait for it. */
class SharedSearch {
  readonly result: Promise<CamerasDiscoverResult>;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(camera: DiscoveredCamera) => void>();
  /** What was told, by camera: whoever comes later hears it too. */
  readonly #told = new Map<string, DiscoveredCamera>();
  #waiting = 0;

  constructor(before: Promise<unknown>, task: (search: SharedSearch) => Promise<CamerasDiscoverResult>) {
    this.result = before.then(() => {
      if (this.signal.aborted) throw searchCancelled();
      return task(this);
    });
    this.result.catch(() => {});
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  tell(camera: DiscoveredCamera): void {
    this.#told.set(camera.device, camera);
    for (const listener of this.#listeners) listener(camera);
  }

  async join(
    onFound: (camera: DiscoveredCamera) => void,
    signal: AbortSignal | undefined,
    onDeserted: () => void,
  ): Promise<CamerasDiscoverResult> {
    const gone = Promise.withResolvers<never>();
    const leave = () => gone.reject(searchCancelled());
    // One who joins twice is told twice.
    const listener = (camera: DiscoveredCamera) => onFound(camera);
    this.#waiting += 1;
    this.#listeners.add(listener);
    for (const camera of this.#told.values()) listener(camera);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.result, gone.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#listeners.delete(listener);
      this.#waiting -= 1;
      if (this.#waiting === 0) {
        onDeserted();
        this.#abort.abort();
      }
    }
  }
}

interface Wish {
  interfaces: readonly string[] | null;
  seconds: number;
  host: string | null;
}

async function find(
  deps: DiscoveryDeps,
  options: DiscoveryOptions,
  { interfaces, seconds, host }: Wish,
  shared: SharedSearch,
): Promise<CamerasDiscoverResult> {
  const { target = GROUP, port = OWN_PORT } = options;
  const { signal } = shared;
  const named = host === null ? null : parseHost(host);
  const places = named
    ? await placesOfHost(deps, named, target.port)
    : placesOf(deps.networks(), interfaces, { ...target, family: 4 });
  const [heard, asked] = await Promise.all([
    search(deps, {
      places,
      searchMs: seconds * 1000,
      port,
      known: deps.known?.() ?? [],
      onFound: (camera) => shared.tell(camera),
      signal,
    }),
    named ? hostOf(deps, named, seconds * 1000, signal) : null,
  ]);
  return {
    cameras: heard.cameras.slice(0, DISCOVERED_MAX),
    total: heard.cameras.length,
    complete: heard.complete,
    networks: heard.networks,
    ...(asked ? { host: asked } : {}),
  };
}

/** Where the group is asked from: interfaces by name or address, all but loopback, or wherever the system sends it. */
function placesOf(
  networks: readonly LocalNetwork[],
  wanted: readonly string[] | null,
  group: DatagramAddress,
): SearchPlace[] {
  const unknown = wanted?.find((each) => !networks.some(({ name, address }) => name === each || address === each));
  if (unknown !== undefined) throw interfaceMissing(unknown);
  const chosen = wanted
    ? networks.filter(({ name, address }) => wanted.includes(name) || wanted.includes(address))
    : networks.filter(({ internal }) => !internal);
  const unique = [...new Map(chosen.map((each) => [each.address, each])).values()].slice(0, DISCOVER_NETWORKS_MAX);
  const places = unique.length > 0 ? unique : [{ name: 'any', address: '0.0.0.0' }];
  return places.map(({ name, address }) => ({ name, address, targets: [group], answers: null }));
}

/** A host is asked from wherever the system sends it; nobody else may answer for it. */
async function placesOfHost(
  { datagrams }: Pick<DiscoveryDeps, 'datagrams'>,
  { host }: NamedHost,
  port: number,
): Promise<SearchPlace[]> {
  const found = (await datagrams.resolve(host)).slice(0, 4);
  if (found.length === 0) throw hostMissing(host);
  return ([4, 6] as const).flatMap((family) => {
    const hosts = found.filter((each) => each.family === family).map((each) => each.host);
    const targets = hosts.map((each) => ({ host: each, port, family }));
    return hosts.length === 0
      ? []
      : [{ name: 'any', address: family === 4 ? '0.0.0.0' : '::', targets, answers: hosts }];
  });
}

async function hostOf(
  deps: DiscoveryDeps,
  named: NamedHost,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<DiscoveredHost> {
  const until = new AbortController();
  const end = () => until.abort();
  const cancel = deps.clock.after(deadlineMs, end);
  signal.addEventListener('abort', end, { once: true });
  try {
    const { url } = named;
    return await askHost(deps.driverOf({ service: url, credentials: null, hardwareId: null }), url, until.signal);
  } finally {
    cancel();
    signal.removeEventListener('abort', end);
  }
}
