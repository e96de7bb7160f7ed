import { join } from 'node:path';
import {
  type CameraDesk,
  type CameraDriver,
  type CameraHashes,
  type CameraOrder,
  createCameraDesk,
  createCameraDiscovery,
  createEventStore,
  createOnvifDriver,
  type EventStore,
  PtzDesk,
  SnapshotDesk,
} from '../cameras/index.ts';
import type { CamerasView } from '../commands/index.ts';
import type { Clock, Datagrams, Files, Http, Log, Random, Startable } from '../platform/index.ts';
import { interfaceAddresses, nodeCameraHashes } from '../platform/node/index.ts';
import type { SourceId } from '../protocol/index.ts';
import type { CamerasConfig, SourceConfig } from './config.ts';
import type { ConfigKeeper } from './config-keeper.ts';
import { EndpointNotes } from './endpoint-notes.ts';
import { knownCameras } from './known-cameras.ts';
import type { SourceSet } from './source-set.ts';

export interface CameraPartDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  datagrams: Datagrams;
  http: Http;
  sources: Pick<SourceSet, 'event' | 'eventsConnected' | 'cameraChanged' | 'onvifOf'>;
  keeper: Pick<ConfigKeeper, 'learn' | 'current'>;
  /** Told that a camera was found at another address. */
  moved(source: SourceId, service: string): void;
}

/** How often events that are older than their source's recordings are forgotten. */
const FORGET_MS = 3_600_000;
const FORGET_ROUNDS_MAX = 50;

/** What is known of the cameras behind the sources, and what they tell: discovery, desk, events, heads and pictures, joined. */
export class CameraPart implements Startable {
  readonly desk: CameraDesk;
  readonly events: EventStore;
  readonly view: CamerasView;
  readonly #deps: CameraPartDeps;
  readonly #hashes: CameraHashes = nodeCameraHashes;
  readonly #endpoints: EndpointNotes;
  readonly #ptz: PtzDesk;
  #sources: readonly SourceConfig[] = [];
  #cancelForget = () => {};

  constructor(deps: CameraPartDeps, { folder, cameras }: { folder: string; cameras: CamerasConfig }) {
    const { clock, random, log } = deps;
    this.#deps = deps;
    this.#endpoints = new EndpointNotes(deps, join(folder, 'cameras.json'));
    this.events = createEventStore(deps, { path: join(folder, 'events.db') });
    const discovery = createCameraDiscovery(
      {
        ...deps,
        networks: () => interfaceAddresses().filter(({ family }) => family === 4),
        driverOf: (order) => this.#driverOf(order, false),
        known: () => knownCameras(deps.keeper.current.sources, (id) => this.#endpoints.of(id)),
      },
      {
        port: cameras.discoveryPort,
        ...(cameras.interfaces === null ? {} : { interfaces: cameras.interfaces }),
      },
    );
    this.desk = createCameraDesk(
      {
        clock,
        random,
        log,
        driverOf: (order, { trustedAddress }) => this.#driverOf(order, trustedAddress),
        discovery,
        sink: {
          event: (source, event) => {
            this.events.take(source, event);
            deps.sources.event(source, event);
          },
          eventsConnected: (source, connected) => {
            this.events.connected(source, connected);
            deps.sources.eventsConnected(source, connected);
          },
          measured: (source, measurement) => this.events.measured(source, measurement),
          identified: (source, { hardwareId, endpoint }) => {
            this.#endpoints.keep(source, hardwareId, endpoint);
            this.#learn(source, { hardwareId });
          },
          moved: (source, service) => {
            deps.moved(source, service);
            this.#learn(source, { service });
          },
          changed: (source) => deps.sources.cameraChanged(source),
        },
      },
      { events: cameras.events, clockOffsetMsMax: cameras.clockAlarmMs },
    );
    const driver = (source: SourceId) => this.desk.driver(source);
    this.#ptz = new PtzDesk({ clock, random, log, driver: (source) => driver(source).ptz });
    this.view = {
      discover: (wish, options) => discovery.discover(wish, options),
      view: (source) => this.desk.view(source),
      driver,
      measured: (source, time) => this.desk.reported(source, time, 'onvif'),
      ptz: this.#ptz,
      snapshots: new SnapshotDesk({ clock, driver }),
    };
  }

  async start(): Promise<void> {
    await this.#endpoints.load();
    await this.events.start();
    await this.desk.start();
    this.#forgetLater();
  }

  /** Heads first: none goes on moving without us. */
  async stop(): Promise<void> {
    this.#cancelForget();
    await this.#ptz.close();
    await this.desk.stop();
    await this.events.stop();
    await this.#endpoints.settled();
  }

  /** What a person should look at. */
  warnings(): string[] {
    const heads = this.#ptz.unstopped().map((id) => `${id}: its head was told to stop and did not confirm it`);
    const clocks = this.#sources.flatMap(({ id }) =>
      this.desk.view(id)?.clock?.alarm ? [`${id}: its clock is wrong; set it with camera time ${id} --set clock`] : [],
    );
    return [...heads, ...clocks];
  }

  /** Makes these the configured sources; those without a camera that can be asked are passed over. */
  apply(sources: readonly SourceConfig[]): void {
    const orders = sources.flatMap((source) => this.#orderOf(source));
    const kept = new Set(orders.map(({ source }) => source));
    for (const { id } of this.#sources) {
      if (kept.has(id)) continue;
      this.#ptz.remove(id);
      this.events.connected(id, false);
    }
    this.#sources = sources;
    this.desk.apply(orders);
  }

  #orderOf({ id, enabled, input, find }: SourceConfig): CameraOrder[] {
    const onvif = this.#deps.sources.onvifOf(id);
    if (!enabled || !onvif) return [];
    const { service, hardwareId } = onvif;
    const credentials = input.kind === 'camera' ? input.main.credentials : null;
    return [{ source: id, service, hardwareId, credentials, endpoint: this.#endpoints.of(id), find }];
  }

  #driverOf({ service, credentials }: Omit<CameraOrder, 'source'>, trustedAddress: boolean): CameraDriver {
    return createOnvifDriver({ ...this.#deps, hashes: this.#hashes }, { service, credentials, trustedAddress });
  }

  #learn(source: SourceId, learned: { hardwareId?: string; service?: string }): void {
    const { keeper, log } = this.#deps;
    keeper.learn(source, learned).catch((error) => {
      log.warn({ source, error }, 'what was learned of a camera could not be written to config.yaml');
    });
  }

  /** Events go when the recordings they belong to go. */
  #forgetLater(): void {
    const { clock, keeper } = this.#deps;
    this.#cancelForget = clock.after(FORGET_MS, () => {
      for (const { id, keepMs } of this.#sources) {
        const edge = clock.now() - (keepMs ?? keeper.current.storage.keepMs);
        for (let round = 0; round < FORGET_ROUNDS_MAX && this.events.forget(id, edge) > 0; round++);
      }
      this.#forgetLater();
    });
  }
}
