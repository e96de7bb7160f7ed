import type { Clock, Log, Random } from '../platform/index.ts';
import type { SourceId } from '../protocol/index.ts';
import type {
  CameraClockView,
  CameraDesk,
  CameraDeskSink,
  CameraDriver,
  CameraOrder,
  CameraTime,
  CameraView,
} from './api.ts';
import { CameraFinder } from './camera-finder.ts';
import { CameraKeeper, type KeeperOptions } from './camera-keeper.ts';
import type { CameraDiscovery } from './discovery.ts';
import { cameraForeign, cameraNone } from './errors.ts';
import { QuestionGate } from './question-gate.ts';

export interface CameraDeskDeps {
  clock: Clock;
  random: Random;
  log: Log;
  /**
   * Makes a driver. `trustedAddress`: a person gave this address; else the password must not be sent as it is (Basic), whatever is
   * asked for there.
   */
  driverOf: (order: Omit<CameraOrder, 'source'>, options: { trustedAddress: boolean }) => CameraDriver;
  discovery: CameraDiscovery;
  sink: CameraDeskSink;
}

export interface CameraDeskOptions {
  /** Listen to the cameras' events; default true. */
  events?: boolean;
  /** Alarm past so much between a camera's clock and the node's, ms; default 2,000. */
  clockOffsetMsMax?: number;
  /** Alarm past so much drift, ms a day; default 10,000. */
  clockDriftMsPerDayMax?: number;
}

/** Cameras that do not let go are left behind after so long. */
const STOP_MS = 5_000;

/** Makes the desk that keeps in touch with the configured cameras. `stop` ends subscriptions in order, within five seconds. */
export function createCameraDesk(deps: CameraDeskDeps, options: CameraDeskOptions = {}): CameraDesk {
  return new Desk(deps, options);
}

class Desk implements CameraDesk {
  readonly #deps: CameraDeskDeps;
  readonly #options: KeeperOptions;
  readonly #gate: QuestionGate;
  readonly #finder: CameraFinder;
  /** By source; as many as are configured. */
  readonly #keepers = new Map<SourceId, CameraKeeper>();
  /** Keepers that end. */
  readonly #ending = new Set<Promise<void>>();
  #started = false;

  constructor(deps: CameraDeskDeps, { events = true, ...limits }: CameraDeskOptions) {
    this.#deps = deps;
    this.#options = { events, ...limits };
    this.#gate = new QuestionGate(deps.clock);
    this.#finder = new CameraFinder({
      ...deps,
      gate: this.#gate,
      discover: (wish, how) => deps.discovery.discover(wish, how),
      keepers: () => this.#keepers.values(),
      moved: (source, service) => deps.sink.moved(source, service),
    });
  }

  async start(): Promise<void> {
    this.#started = true;
  }

  async stop(): Promise<void> {
    this.#started = false;
    for (const source of [...this.#keepers.keys()]) this.#drop(source);
    const over = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(STOP_MS, () => over.resolve());
    await Promise.race([Promise.all([this.#finder.stop(), ...this.#ending]), over.promise]);
    cancel();
  }

  apply(orders: readonly CameraOrder[]): void {
    if (!this.#started) return;
    const wanted = new Map(orders.map((order) => [order.source, order]));
    for (const [source, keeper] of [...this.#keepers]) {
      const order = wanted.get(source);
      if (!order || !isSamePlace(order, keeper.order)) this.#drop(source);
      else if (!isSameCamera(order, keeper.order)) keeper.change(order);
    }
    for (const [source, order] of wanted) {
      if (!this.#keepers.has(source)) this.#keepers.set(source, this.#keeperOf(order));
    }
    this.#finder.wake();
  }

  view(source: SourceId): CameraView | null {
    return this.#keepers.get(source)?.view() ?? null;
  }

  driver(source: SourceId): CameraDriver {
    const keeper = this.#keepers.get(source);
    if (!keeper) throw cameraNone(source);
    if (keeper.isForeign) throw cameraForeign(source);
    return keeper.driver;
  }

  driverFor(order: Omit<CameraOrder, 'source'>): CameraDriver {
    return this.#deps.driverOf(order, { trustedAddress: true });
  }

  async admits(source: SourceId, signal: AbortSignal): Promise<'ok' | 'foreign'> {
    return (await this.#keepers.get(source)?.admits(signal)) ?? 'ok';
  }

  reported(source: SourceId, time: CameraTime, by: CameraClockView['by'] = 'rtcp'): void {
    this.#keepers.get(source)?.reported(time, by);
  }

  #keeperOf(order: CameraOrder): CameraKeeper {
    const { sink } = this.#deps;
    const told: CameraDeskSink = {
      event: (source, event) => sink.event(source, event),
      eventsConnected: (source, connected) => sink.eventsConnected(source, connected),
      identified: (source, identity) => sink.identified(source, identity),
      moved: (source, service) => sink.moved(source, service),
      measured: (source, measurement) => sink.measured?.(source, measurement),
      changed: (source) => {
        this.#finder.wake();
        sink.changed(source);
      },
    };
    return new CameraKeeper({ ...this.#deps, gate: this.#gate, sink: told }, order, this.#options);
  }

  #drop(source: SourceId): void {
    const ending = this.#keepers.get(source)!.stop();
    this.#keepers.delete(source);
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }
}

/** The same driver does for both. */
function isSamePlace(a: CameraOrder, b: CameraOrder): boolean {
  const [one, other] = [a.credentials, b.credentials];
  return a.service === b.service && one?.username === other?.username && one?.password === other?.password;
}

function isSameCamera(a: CameraOrder, b: CameraOrder): boolean {
  const isSame = a.hardwareId === b.hardwareId && (a.endpoint ?? null) === (b.endpoint ?? null);
  return isSame && (a.find ?? true) === (b.find ?? true);
}
