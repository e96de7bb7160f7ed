import { parseInitSegment } from '../../../../src/media/init-segment.ts';
import type { Engine } from '../../engine/engine.ts';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandName, CommandParams, CommandResult, DeviceKey, SourceId } from '../../engine/messages.ts';

/** One keyframe with what a decoder needs before it. */
export interface Still {
  init: Uint8Array<ArrayBuffer>;
  fragment: Uint8Array<ArrayBuffer>;
}

/** A reply and the units that followed it. */
export interface Answer<N extends CommandName> {
  reply: CommandResult<N>;
  units: Uint8Array<ArrayBuffer>[];
}

/** Why a picture cannot be drawn: this browser does not play its codec, or the bytes do not decode. */
export class StillFailure extends Error {
  readonly why: 'codec' | 'decode';
  /** The codec string. */
  readonly codec: string;

  constructor(why: 'codec' | 'decode', codec: string) {
    super(`cannot draw ${codec}`);
    this.why = why;
    this.codec = codec;
  }
}

/** Most units taken of one answer; commands that are asked here send two at most. */
const UNITS_MAX = 4;
const DECODE_MS_MAX = 6_000;

/** Runs a command that sends units after its reply, to its end. `onEvent` is told of notifications on the way. */
export function gather<N extends CommandName>(
  engine: Engine,
  node: DeviceKey,
  name: N,
  params: CommandParams<N>,
  { signal, onEvent }: { signal?: AbortSignal | undefined; onEvent?(name: string, params: unknown): void },
): Promise<Answer<N>> {
  return new Promise((resolve, reject) => {
    let reply: CommandResult<N> | null = null;
    const units: Uint8Array<ArrayBuffer>[] = [];
    const feed = engine.watch(node, name, params, {
      event(event, value) {
        if (event === 'reply') reply = value as CommandResult<N>;
        else if (event === 'unit' || event === 'unit.init') {
          if (units.length < UNITS_MAX) units.push(value as Uint8Array<ArrayBuffer>);
        } else onEvent?.(event, value);
      },
      ended(error) {
        signal?.removeEventListener('abort', stop);
        if (error) reject(new EngineFailure(error));
        else if (reply) resolve({ reply, units });
        else reject(cancelled());
      },
    });
    const stop = () => {
      feed.close();
      reject(cancelled());
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/** The newest keyframe of a camera: the small stream where it has one. */
export async function newestStill(
  engine: Engine,
  node: DeviceKey,
  source: SourceId,
  stream: 'main' | 'sub',
  signal: AbortSignal,
): Promise<Still & { at: number }> {
  const { reply, units } = await gather(engine, node, 'snapshots.get', { source, from: 'live', stream }, { signal });
  const [init, fragment] = units;
  if (!init || !fragment) throw new StillFailure('decode', '');
  return { init, fragment, at: reply.at };
}

/**
 * Decodes a keyframe into a picture of at most `width` pixels across. By media source, so that it works where there is no WebCodecs (plain http).
 * Rejects `StillFailure`.
 */
export async function drawStill({ init, fragment }: Still, width: number): Promise<ImageBitmap> {
  const codec = codecsOf(init);
  const type = `video/mp4; codecs="${codec}"`;
  if (!MediaSource.isTypeSupported(type)) throw new StillFailure('codec', codec);
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  const source = new MediaSource();
  const address = URL.createObjectURL(source);
  const deadline = AbortSignal.timeout(DECODE_MS_MAX);
  try {
    video.src = address;
    await happens(source, 'sourceopen', deadline);
    const buffer = source.addSourceBuffer(type);
    for (const bytes of [init, fragment]) {
      buffer.appendBuffer(bytes);
      await happens(buffer, 'updateend', deadline);
    }
    source.endOfStream();
    const begins = buffer.buffered.length > 0 ? buffer.buffered.start(0) : 0;
    const seeked = happens(video, 'seeked', deadline);
    video.currentTime = begins + 0.001;
    await seeked;
    const across = Math.min(width, video.videoWidth);
    const down = Math.max(1, Math.round((video.videoHeight * across) / video.videoWidth));
    return await createImageBitmap(video, { resizeWidth: across, resizeHeight: down, resizeQuality: 'medium' });
  } catch {
    throw new StillFailure('decode', codec);
  } finally {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(address);
  }
}

/** Such as `avc1.64001f,mp4a.40.2`: of every track, as the buffer wants it. */
function codecsOf(init: Uint8Array<ArrayBuffer>): string {
  try {
    return parseInitSegment(init)
      .tracks.map(({ codec }) => codec)
      .join(',');
  } catch {
    throw new StillFailure('decode', '');
  }
}

function happens(target: EventTarget, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    target.addEventListener(event, () => resolve(), { once: true, signal });
    target.addEventListener('error', () => reject(new Error(event)), { once: true, signal });
    signal.addEventListener('abort', () => reject(new Error(event)), { once: true });
  });
}

function cancelled(): EngineFailure {
  return new EngineFailure({ code: 'ERR_VIEWER_CANCELLED', kind: 'cancelled', message: 'cancelled' });
}
