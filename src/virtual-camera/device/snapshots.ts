import type { Clock, Log, OwnedProcess, Processes } from '../../platform/index.ts';
import type { StreamName } from '../options.ts';
import type { VirtualCamera } from '../virtual-camera.ts';

/** A picture is good for so long; whoever asks sooner gets the same. */
const AGE_MS_MAX = 1_000;
const CHILD_MS_MAX = 5_000;
const JPEG_BYTES_MAX = 8 * 1024 * 1024;

interface Taken {
  atMs: number;
  picture: Promise<Uint8Array | null>;
}

/** Pictures of now: the last one the encoder made, decoded and written as JPEG by a child that lives for a moment. */
export class Snapshots {
  readonly #deps: { clock: Clock; log: Log; processes: Processes };
  readonly #camera: VirtualCamera;
  readonly #ffmpeg: string;
  readonly #taken = new Map<StreamName, Taken>();
  readonly #children = new Set<OwnedProcess>();

  constructor(deps: { clock: Clock; log: Log; processes: Processes }, camera: VirtualCamera, ffmpeg: string) {
    this.#deps = deps;
    this.#camera = camera;
    this.#ffmpeg = ffmpeg;
  }

  /** A JPEG at most a second old, or null where there is no picture. At most one is made of each stream at a time. */
  take(stream: StreamName): Promise<Uint8Array | null> {
    const nowMs = this.#deps.clock.monotonic();
    const known = this.#taken.get(stream);
    if (known && nowMs - known.atMs < AGE_MS_MAX) return known.picture;
    const picture = this.#make(stream);
    this.#taken.set(stream, { atMs: nowMs, picture });
    return picture;
  }

  /** Forgets what was taken and ends what is being taken. */
  async clear(): Promise<void> {
    this.#taken.clear();
    await Promise.all([...this.#children].map((child) => child.stop(0)));
  }

  async #make(stream: StreamName): Promise<Uint8Array | null> {
    const { clock, log, processes } = this.#deps;
    const recent = this.#camera.recent(stream);
    if (!recent) return null;
    const format = this.#camera.codec === 'h264' ? 'h264' : 'hevc';
    const child = processes.spawn(
      this.#ffmpeg,
      [
        ...['-hide_banner', '-loglevel', 'error', '-f', format, '-i', 'pipe:0'],
        ...['-vf', `select=eq(n\\,${recent.pictures - 1})`, '-frames:v', '1', '-q:v', '3'],
        ...['-f', 'mjpeg', 'pipe:1'],
      ],
      { input: recent.bytes },
    );
    this.#children.add(child);
    const cancel = clock.after(CHILD_MS_MAX, () => void child.stop(0));
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const piece of child.stdout) {
        length += piece.length;
        if (length > JPEG_BYTES_MAX) break;
        pieces.push(Buffer.from(piece));
      }
    } catch (error) {
      log.debug({ error }, 'a snapshot was cut off');
    }
    cancel();
    const exit = await (length > JPEG_BYTES_MAX ? child.stop(0) : child.exited);
    this.#children.delete(child);
    if (length === 0 || length > JPEG_BYTES_MAX) {
      log.warn({ stream, exit, length }, 'no snapshot could be taken');
      return null;
    }
    return Buffer.concat(pieces);
  }
}
