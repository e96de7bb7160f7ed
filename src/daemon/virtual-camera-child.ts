import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import type { Clock, Log, OwnedProcess, Processes } from '../platform/index.ts';
import type { StreamName } from '../protocol/index.ts';
import type { VirtualConfig } from './config.ts';

/** The program that is started once more, as a camera. */
const PROGRAM = resolve(import.meta.dirname, '../../bin/constitute-nvr');
/** How long the camera is waited for until it listens; recorders go on trying afterwards. */
const READY_MS = 8_000;
const RESTART_MS = 1_000;

/**
 * The generated camera of one source, as a child of ours: whatever becomes of it, the recorder sees a camera that went away.
 * It is started again when it ends.
 */
export class VirtualCameraChild {
  readonly #deps: { clock: Clock; log: Log; processes: Processes };
  readonly #camera: VirtualConfig;
  readonly #serial: string;
  readonly #stopping = new AbortController();
  #child: OwnedProcess | null = null;
  /** Null once it has listened, or taken too long to. */
  #listening: Promise<void> | null = null;
  #ready = () => {};
  #life: Promise<void> = Promise.resolve();
  #port = 0;
  #onvifPort = 0;

  /** `serial`: what its device service calls itself for ever. */
  constructor(deps: { clock: Clock; log: Log; processes: Processes }, camera: VirtualConfig, serial: string) {
    this.#deps = deps;
    this.#camera = camera;
    this.#serial = serial;
  }

  /** Takes its ports and begins; it listens some time later. */
  async start(): Promise<void> {
    this.#port = await freePort();
    if (this.#camera.onvif) this.#onvifPort = await freePort();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(READY_MS, resolve);
    this.#ready = resolve;
    this.#listening = promise.then(() => {
      cancel();
      this.#listening = null;
    });
    this.#life = this.#live();
  }

  /** Resolves when it listens, has taken too long to, or is not waited for any more. */
  async listening(signal?: AbortSignal): Promise<void> {
    if (!this.#listening || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    signal?.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([this.#listening, promise]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ready();
    await this.#child?.stop();
    await this.#life;
  }

  /** Where a stream is found. */
  url(stream: StreamName): string {
    return `rtsp://127.0.0.1:${this.#port}/${stream}`;
  }

  /** Its ONVIF device service; null where it has none, and before it was started. */
  get service(): string | null {
    return this.#onvifPort === 0 ? null : `http://127.0.0.1:${this.#onvifPort}/onvif/device_service`;
  }

  async #live(): Promise<void> {
    const { clock, log, processes } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#child = processes.spawn(process.execPath, this.#arguments());
      this.#child.onErrorLine((line) => log.debug({ line }, 'the virtual camera said'));
      for await (const bytes of this.#child.stdout) {
        if (new TextDecoder().decode(bytes).includes(this.#camera.onvif ? 'http://' : 'rtsp://')) this.#ready();
      }
      const exit = await this.#child.exited;
      if (signal.aborted) return;
      log.warn({ ...exit }, 'the virtual camera ended and is started again');
      await clock.sleep(RESTART_MS, signal).catch(() => {});
    }
  }

  #arguments(): string[] {
    const { codec, size, fps, audio, sub, onvif, ptz } = this.#camera;
    return [
      ...[PROGRAM, 'virtual-camera', '--port', String(this.#port), '--codec', codec],
      ...['--size', `${size.width}x${size.height}`, '--fps', String(fps), '--audio', audio],
      ...(sub ? [] : ['--sub-size', 'none']),
      ...(onvif ? ['--onvif', '--onvif-port', String(this.#onvifPort), '--serial', this.#serial] : []),
      ...(onvif && ptz ? ['--ptz'] : []),
    ];
  }
}

/** A port that was free a moment ago; the camera keeps it over restarts. */
function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
