import type { Clock, Log, Processes, Random } from '../platform/index.ts';
import { AudioFeed } from './audio-feed.ts';
import { FaultBoard, type Faults } from './faults.ts';
import type { Feed } from './feed.ts';
import {
  type Credentials,
  otherSize,
  type PictureOptions,
  type ResolvedOptions,
  resolveOptions,
  type StreamName,
  type VirtualCameraOptions,
} from './options.ts';
import type { VideoCodec } from './picture.ts';
import type { PictureView } from './picture-view.ts';
import type { RtspConnection } from './rtsp-connection.ts';
import { RtspServer } from './rtsp-server.ts';
import { RtspSession } from './rtsp-session.ts';
import { SessionTable } from './session-table.ts';
import { bindUdpPair, type UdpPair } from './udp-pair.ts';
import { VideoFeed } from './video-feed.ts';

export interface VirtualCameraDeps {
  clock: Clock;
  random: Random;
  log: Log;
  processes: Processes;
  /** Moves and colours the picture. */
  view?: PictureView;
  /** The camera's own idea of the wall time, µs, told in its sender reports; default the clock's. */
  ownTimeUs?: () => number;
}

/** A camera that does not exist: an RTSP 1.0 server with generated picture and sound, and faults on command. */
export interface VirtualCamera {
  /** Listens and starts the encoders; gives the port. `ERR_VIRTUAL_CAMERA_PORT`, `ERR_VIRTUAL_CAMERA_UDP` where the network refuses. */
  start(): Promise<number>;
  /** Closes connections, ports and encoders. May be called twice; `start` may follow, on the same port. */
  stop(): Promise<void>;
  /** Paths of its mounts: `/main`, `/sub`, `/cam1/main`, ... */
  readonly mounts: readonly string[];
  /** `rtsp://host:port/path` without credentials, once started. */
  url(mount: string): string;
  readonly faults: Faults;
  readonly codec: VideoCodec;
  /** Changes who may watch, from the next request on. */
  setCredentials(credentials: Credentials | undefined): void;
  /** Encodes with another codec from now on: ends all sessions, as a camera does whose settings are changed. */
  setCodec(codec: VideoCodec): Promise<void>;
  /** The coded pictures of a stream from its last keyframe to this moment, Annex B, and how many; null before the first, or without a view. */
  recent(stream: StreamName): { bytes: Uint8Array; pictures: number } | null;
  /** How many sessions there are now. */
  readonly sessions: number;
}

/** Makes a camera; `ERR_VIRTUAL_CAMERA_OPTIONS` and `ERR_VIRTUAL_CAMERA_FAULT` (`invalid`) where options cannot be meant. */
export function createVirtualCamera(deps: VirtualCameraDeps, given: VirtualCameraOptions = {}): VirtualCamera {
  let options = resolveOptions(given);
  const log = deps.log.child({ room: 'virtual-camera' });
  let port = options.port;
  let life: Life | undefined;
  const faults = new FaultBoard(options.mounts, async () => {
    await life?.follow();
  });
  for (const { fault, mount } of options.faults) faults.place(fault, mount);
  const camera: VirtualCamera = {
    mounts: [...options.mounts.keys()],
    faults,
    get codec() {
      return options.codec;
    },
    setCredentials(credentials) {
      options = resolveOptions({ ...given, credentials, codec: options.codec });
      life?.setCredentials(credentials);
    },
    async setCodec(codec) {
      const running = life !== undefined;
      if (running) await camera.stop();
      options = { ...options, codec };
      if (running) await camera.start();
    },
    recent: (stream) => life?.recent(stream) ?? null,
    get sessions() {
      return life?.sessions.size ?? 0;
    },
    url(mount) {
      const host = options.host.includes(':') ? `[${options.host}]` : options.host;
      return `rtsp://${host}:${port}${mount}`;
    },
    async start() {
      if (life) return port;
      const begun = new Life({ ...deps, log }, { ...options, port }, faults);
      life = begun;
      try {
        port = await begun.start();
      } catch (error) {
        life = undefined;
        await begun.stop();
        throw error;
      }
      log.info({ port, mounts: options.mounts.size, codec: options.codec }, 'virtual camera started');
      return port;
    },
    async stop() {
      const ended = life;
      life = undefined;
      await ended?.stop();
    },
  };
  return camera;
}

/** Everything that exists between `start` and `stop`. */
class Life {
  readonly sessions: SessionTable;
  readonly #deps: VirtualCameraDeps;
  readonly #options: ResolvedOptions;
  readonly #faults: FaultBoard;
  readonly #originUs: number;
  readonly #pictures = new Map<StreamName, VideoFeed>();
  /** Pictures of another size, for the `resize` fault, by the stream they stand in for. */
  readonly #alternates = new Map<StreamName, VideoFeed>();
  readonly #sound: AudioFeed | undefined;
  #udp: UdpPair | undefined;
  #server: RtspServer | undefined;
  #stopped = false;
  #cancelFollow = () => {};

  constructor(deps: VirtualCameraDeps, options: ResolvedOptions, faults: FaultBoard) {
    this.#deps = deps;
    this.#options = options;
    this.#faults = faults;
    this.#originUs = deps.clock.monotonicUs();
    for (const name of Object.keys(options.pictures) as StreamName[]) {
      this.#pictures.set(name, this.#feed(name, options.pictures[name]!));
    }
    if (options.audio !== 'none') {
      const { ffmpeg } = options;
      this.#sound = new AudioFeed(deps, { codec: options.audio, ffmpeg, originUs: this.#originUs });
    }
    this.sessions = new SessionTable((connection, mount, address) => this.#session(connection, mount, address));
  }

  async start(): Promise<number> {
    const { clock, log, random } = this.#deps;
    this.#udp = await bindUdpPair(this.#options.host, (...report) => this.sessions.onReport(...report));
    this.#server = new RtspServer({
      clock,
      log,
      random,
      faults: this.#faults,
      options: this.#options,
      sessions: this.sessions,
      udp: this.#udp,
      sdpId: String(clock.now()),
      tracks: (mount) => this.#tracks(mount),
      describing: (mount, feed) => (this.#faults.due('resize', mount, 0) && this.#alternateOf(feed)) ?? feed,
    });
    // Even a camera that refuses from the start has taken its port before, so that nobody else does.
    await this.#server.show();
    await Promise.all([...this.#pictures.values(), this.#sound].map((feed) => feed?.start()));
    await this.follow();
    return this.#server.port;
  }

  setCredentials(credentials: Credentials | undefined): void {
    this.#options.credentials = credentials;
  }

  recent(stream: StreamName): { bytes: Uint8Array; pictures: number } | null {
    return this.#pictures.get(stream)?.recent() ?? null;
  }

  /** Brings the camera in line with the faults that hold. */
  async follow(): Promise<void> {
    if (this.#stopped) return;
    for (const name of this.#pictures.keys()) {
      const wanted = this.#faults.list().some(({ fault, mount }) => {
        return fault.name === 'resize' && (mount === undefined || this.#options.mounts.get(mount) === name);
      });
      if (wanted && !this.#alternates.has(name)) {
        const alternate = this.#feed(`${name} resized`, otherSize(this.#options.pictures[name]!));
        this.#alternates.set(name, alternate);
        await alternate.start();
      }
      const alternate = this.#alternates.get(name);
      if (wanted || !alternate) continue;
      if (alternate.listeners === 0) {
        this.#alternates.delete(name);
        await alternate.stop();
      } else {
        // Somebody still looks at it, and goes back at the next keyframe of the picture proper.
        this.#cancelFollow();
        this.#cancelFollow = this.#deps.clock.after(1000, () => void this.follow());
      }
    }
    if (this.#faults.active('refuse', '')) this.#server?.hide();
    else await this.#server?.show();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelFollow();
    await this.#server?.stop();
    await this.#udp?.close();
    const feeds = [...this.#pictures.values(), ...this.#alternates.values(), this.#sound];
    await Promise.all(feeds.map((feed) => feed?.stop()));
  }

  #feed(name: string, picture: PictureOptions): VideoFeed {
    const { codec, ffmpeg } = this.#options;
    const { view } = this.#deps;
    return new VideoFeed(this.#deps, { name, codec, picture, ffmpeg, originUs: this.#originUs, view });
  }

  #tracks(mount: string): Feed[] {
    const picture = this.#pictures.get(this.#options.mounts.get(mount)!)!;
    return this.#sound ? [picture, this.#sound] : [picture];
  }

  #alternateOf(feed: Feed): Feed | undefined {
    const name = [...this.#pictures].find(([, picture]) => picture === feed)?.[0];
    return name && this.#alternates.get(name);
  }

  #session(connection: RtspConnection, mount: string, address: string): RtspSession {
    const { clock: real, log, random, ownTimeUs } = this.#deps;
    const clock = ownTimeUs ? withOwnTime(real, ownTimeUs) : real;
    return new RtspSession(
      { clock, random, log, faults: this.#faults },
      {
        id: Buffer.from(random.bytes(8)).toString('hex'),
        mount,
        address,
        cname: 'virtual-camera',
        reportIntervalMs: this.#options.reportIntervalMs,
        queueBytesMax: this.#options.queueBytesMax,
        alternate: (feed) => this.#alternateOf(feed),
        reset: () => connection.reset(),
      },
    );
  }
}

/** The clock with another wall time. */
function withOwnTime(clock: Clock, nowUs: () => number): Clock {
  return {
    now: () => Math.floor(nowUs() / 1000),
    nowUs,
    monotonic: () => clock.monotonic(),
    monotonicUs: () => clock.monotonicUs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, task) => clock.after(ms, task),
  };
}
