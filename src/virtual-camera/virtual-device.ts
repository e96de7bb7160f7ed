import type { Datagrams } from '../platform/index.ts';
import type { CameraEventKind } from '../protocol/index.ts';
import { REALM } from './authentication.ts';
import { DeviceClock } from './device/device-clock.ts';
import { DeviceEvents } from './device/device-events.ts';
import { deviceService, scopesOf } from './device/device-service.ts';
import { DiscoveryResponder } from './device/discovery-responder.ts';
import { eventService, subscriptionService } from './device/event-service.ts';
import { FaultSwitches } from './device/fault-switches.ts';
import { Head } from './device/head.ts';
import { HttpDigest } from './device/http-digest.ts';
import { type FrontAnswer, type FrontRequest, HttpFront } from './device/http-front.ts';
import { identityOf, profilesOf } from './device/identity.ts';
import { ImagingLevels } from './device/imaging-levels.ts';
import { imagingService } from './device/imaging-service.ts';
import { media2Service, mediaService, SNAPSHOT_PATH } from './device/media-service.ts';
import { ptzService } from './device/ptz-service.ts';
import { searchService } from './device/search-service.ts';
import { Snapshots } from './device/snapshots.ts';
import { SoapDesk } from './device/soap-desk.ts';
import { Subscriptions } from './device/subscriptions.ts';
import { TokenJudge } from './device/username-token.ts';
import type { DeviceService, DeviceWorld } from './device/world.ts';
import type { DeviceFaults, VirtualDevice, VirtualDeviceOptions } from './device-api.ts';
import { optionsError } from './errors.ts';
import type { PictureView } from './picture-view.ts';
import { createVirtualCamera, type VirtualCamera, type VirtualCameraDeps } from './virtual-camera.ts';

export interface VirtualDeviceDeps extends Omit<VirtualCameraDeps, 'view' | 'ownTimeUs'> {
  /** Needed for discovery only. */
  datagrams?: Datagrams;
}

const ASKED_MAX = 1_000;
const REBOOT_MS = 2_000;
/** How long after its answer a device that was asked to restarts. */
const REBOOT_AFTER_MS = 50;
/** Where the device says it is when it is wrong about it: an address for documentation (RFC 5737). */
const WRONG_HOST = '192.0.2.1';

/** Makes a device; `ERR_VIRTUAL_CAMERA_OPTIONS` (`invalid`) where its options cannot be meant. */
export function createVirtualDevice(deps: VirtualDeviceDeps, options: VirtualDeviceOptions = {}): VirtualDevice {
  if (options.discovery && !deps.datagrams)
    throw optionsError('expected datagrams for a device that is to be discovered');
  return new Device(deps, options);
}

class Device implements VirtualDevice {
  readonly camera: VirtualCamera;
  readonly #deps: VirtualDeviceDeps;
  readonly #options: VirtualDeviceOptions;
  readonly #world: DeviceWorld;
  readonly #subscriptions: Subscriptions;
  readonly #tokens: TokenJudge;
  readonly #snapshots: Snapshots;
  readonly #desk: SoapDesk;
  readonly #asked: string[] = [];
  #credentials: { username: string; password: string } | null;
  #front: HttpFront | null = null;
  #responder: DiscoveryResponder | null = null;
  #port: number;
  #reboots = new AbortController();
  #rebooting: Promise<void> = Promise.resolve();
  #metadataVersion = 1;

  constructor(deps: VirtualDeviceDeps, options: VirtualDeviceOptions) {
    const { clock, random } = deps;
    const log = deps.log.child({ room: 'virtual-camera' });
    this.#deps = deps;
    this.#options = options;
    this.#port = options.port ?? 0;
    this.#credentials = options.credentials ?? null;
    const views = new Set<() => void>();
    const changed = () => {
      for (const each of [...views]) each();
    };
    const head = new Head(clock, changed);
    const imaging = new ImagingLevels(changed);
    const deviceClock = new DeviceClock(clock, options.clockOffsetMs ?? 0, options.clockDriftMsPerDay ?? 0);
    const view: PictureView = {
      motion: options.ptz ? (axis) => head.motion(axis) : null,
      levels: options.imaging ? () => imaging.levels : null,
      onChange: (listener) => {
        views.add(listener);
        return () => views.delete(listener);
      },
    };
    this.camera = createVirtualCamera(
      { ...deps, view, ownTimeUs: () => deviceClock.nowUs() },
      { ...options.camera, host: options.host, credentials: this.#streamCredentials() },
    );
    const events = new DeviceEvents(() => deviceClock.now(), options.motionTopics ?? ['cell']);
    this.#subscriptions = new Subscriptions({ clock, random }, events);
    this.#tokens = new TokenJudge(() => deviceClock.now());
    this.#snapshots = new Snapshots(
      { clock, log, processes: deps.processes },
      this.camera,
      options.camera?.ffmpeg ?? 'ffmpeg',
    );
    const profiles = profilesOf(options);
    const faults = new FaultSwitches(() => this.#subscriptions.clear());
    this.#world = {
      clock,
      random,
      log,
      options,
      identity: identityOf(random, options),
      deviceClock,
      camera: this.camera,
      faults,
      head,
      imaging,
      events,
      codec: () => this.camera.codec,
      profiles: () => profiles.filter((each) => !faults.withoutProfiles.includes(each.token)),
      rebootSoon: () => {
        clock.after(REBOOT_AFTER_MS, () => void this.reboot());
      },
    };
    this.#desk = new SoapDesk({
      digest: new HttpDigest({ clock, random }, REALM),
      tokens: this.#tokens,
      credentials: () => this.#credentials,
      ways: options.authentication ?? ['digest', 'token'],
      services: this.#services(),
      asked: (name) => {
        this.#asked.push(name);
        if (this.#asked.length > ASKED_MAX) this.#asked.shift();
      },
      addressFor: (local) => this.#addressFor(local),
    });
  }

  get serviceUrl(): string {
    return this.#addressOf(this.#options.host ?? '127.0.0.1').url('/onvif/device_service');
  }

  get endpoint(): string {
    return this.#world.identity.endpoint;
  }

  get faults(): DeviceFaults {
    return this.#world.faults;
  }

  get asked(): readonly string[] {
    return this.#asked;
  }

  async start(): Promise<void> {
    if (this.#front) return;
    this.#reboots = new AbortController();
    await this.#open();
  }

  async stop(): Promise<void> {
    this.#reboots.abort();
    await this.#rebooting;
    await this.#close();
  }

  reboot({ forMs = REBOOT_MS, port = this.#port }: { forMs?: number; port?: number } = {}): Promise<void> {
    const { signal } = this.#reboots;
    this.#rebooting = this.#rebooting.then(async () => {
      if (signal.aborted || !this.#front) return;
      await this.#close();
      await this.#deps.clock.sleep(forMs, signal).catch(() => {});
      if (signal.aborted) return;
      if (port !== this.#port) this.#metadataVersion += 1;
      this.#port = port;
      await this.#open().catch((error) => this.#world.log.error({ error }, 'the device did not come back'));
    });
    return this.#rebooting;
  }

  emit(kind: CameraEventKind, active: boolean | null, name?: string): void {
    this.#world.events.emit(kind, active, name);
  }

  head(): { pan: number; tilt: number; zoom: number; moving: boolean } {
    return { ...this.#world.head.position(), moving: this.#world.head.isMoving() };
  }

  clock(): number {
    return this.#world.deviceClock.now();
  }

  setClock(offsetMs: number): void {
    this.#world.deviceClock.set(offsetMs);
  }

  setPassword(password: string): void {
    if (!this.#credentials) throw optionsError('expected a device that has a user');
    this.#credentials = { ...this.#credentials, password };
    this.camera.setCredentials(this.#streamCredentials());
  }

  async #open(): Promise<void> {
    const { clock, random, datagrams } = this.#deps;
    const { log, faults } = this.#world;
    const { host = '127.0.0.1', discovery } = this.#options;
    const front = new HttpFront({ clock, log, random, faults }, (request) => this.#answer(request));
    await front.open(host, this.#port);
    this.#front = front;
    this.#port = front.port;
    try {
      await this.camera.start();
      if (discovery) {
        const self = () => ({
          endpoint: this.endpoint,
          scopes: scopesOf(this.#world),
          addresses: [this.#addressOf(discovery.address).url('/onvif/device_service')],
          metadataVersion: this.#metadataVersion,
        });
        this.#responder = new DiscoveryResponder({ clock, random, log, datagrams: datagrams! }, discovery, self);
        await this.#responder.open();
      }
    } catch (error) {
      await this.#close();
      throw error;
    }
    log.info({ port: this.#port }, 'virtual device started');
  }

  async #close(): Promise<void> {
    const front = this.#front;
    this.#front = null;
    this.#subscriptions.clear();
    this.#tokens.forget();
    await this.#responder?.close();
    this.#responder = null;
    await Promise.all([front?.close(), this.#snapshots.clear(), this.camera.stop()]);
  }

  async #answer(request: FrontRequest): Promise<FrontAnswer> {
    const stream = new RegExp(`^${SNAPSHOT_PATH}/(main|sub)\\.jpg$`).exec(request.url)?.[1] as
      | 'main'
      | 'sub'
      | undefined;
    if (!stream) return this.#desk.answer(request);
    if (request.method !== 'GET') return { status: 405, type: 'text/plain', body: Buffer.from('expected GET\n') };
    const admission = this.#desk.admitPlain(request);
    if (admission !== 'ok') return admission;
    const known = this.#world.profiles().some((each) => each.mount === `/${stream}`);
    const picture = known ? await this.#snapshots.take(stream) : null;
    if (!picture) return { status: known ? 503 : 404, type: 'text/plain', body: Buffer.from('no picture\n') };
    return { status: 200, type: 'image/jpeg', body: picture };
  }

  #services(): DeviceService[] {
    const { ptz = false, imaging = false, events = true, media2 = true, recordings } = this.#options;
    const services: DeviceService[] = [];
    services.push(
      deviceService(this.#world, () => services),
      mediaService(this.#world),
    );
    if (media2) services.push(media2Service(this.#world));
    if (ptz) services.push(ptzService(this.#world));
    if (imaging) services.push(imagingService(this.#world));
    if (events)
      services.push(
        eventService(this.#world, this.#subscriptions),
        subscriptionService(this.#world, this.#subscriptions),
      );
    if (recordings) services.push(searchService(recordings));
    return services;
  }

  /** Of a client that has reached us at this address. */
  #addressFor(local: string) {
    const { host = '127.0.0.1' } = this.#options;
    return this.#addressOf(host === '0.0.0.0' || host === '::' ? local : host);
  }

  #addressOf(address: string) {
    const named = this.#world.faults.wrongAddresses ? WRONG_HOST : address;
    const host = named.includes(':') ? `[${named}]` : named;
    return { host, url: (path: string) => `http://${host}:${this.#port}${path}` };
  }

  #streamCredentials() {
    const { authentication = ['digest', 'token'] } = this.#options;
    const scheme = authentication.length === 1 && authentication[0] === 'basic' ? 'basic' : 'digest';
    return this.#credentials ? ({ ...this.#credentials, scheme } as const) : undefined;
  }
}
