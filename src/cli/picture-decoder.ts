import { concatBytes } from '../bytes/index.ts';
import type { Clock, Processes } from '../platform/index.ts';
import { interrupted, pictureRefused } from './errors.ts';

/** What is decoded: a picture of a camera, or media that begins with a keyframe. */
export interface PictureOrder {
  input: Uint8Array;
  form: 'jpeg' | 'mp4';
  output: 'jpg' | 'png';
  /** The first picture at or after this much of the media, µs; 0 is the keyframe. */
  fromUs: number;
}

/** How long the child may take, and how much it may write. */
const DECODE_MS = 10_000;
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
/** Larger pictures than any camera makes are refused before memory is taken for them. */
const PIXELS_MAX = 64 * 1024 * 1024;

/** Arguments of the ffmpeg child: everything through pipes, one thread, one picture. */
export function pictureArguments({ form, output, fromUs }: Omit<PictureOrder, 'input'>): string[] {
  const start = fromUs > 0 ? `,trim=start=${(fromUs / 1e6).toFixed(6)}` : '';
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'error', '-protocol_whitelist', 'pipe'],
    ...['-threads', '1', '-max_pixels', String(PIXELS_MAX)],
    ...['-f', form === 'jpeg' ? 'mjpeg' : 'mov', '-i', 'pipe:0', '-map', '0:v:0', '-map_metadata', '-1'],
    ...['-vf', `setpts=PTS-STARTPTS${start}`, '-frames:v', '1'],
    ...(output === 'jpg' ? ['-c:v', 'mjpeg', '-q:v', '2'] : ['-c:v', 'png']),
    ...['-f', 'image2pipe', 'pipe:1'],
  ];
}

/**
 * Decodes one picture in a child that gets its input by a pipe and gives its output by one. `ERR_CLI_PICTURE` (`corrupt`) where it
 * gives none within ten seconds and 32 MiB, `ERR_CLI_INTERRUPTED`.
 */
export async function decodePicture(
  { clock, processes, signal }: { clock: Clock; processes: Processes; signal: AbortSignal },
  order: PictureOrder,
): Promise<Uint8Array<ArrayBuffer>> {
  if (signal.aborted) throw interrupted();
  const child = processes.spawn('ffmpeg', pictureArguments(order), { input: order.input });
  let reason: string | null = null;
  const end = (why: string) => {
    reason ??= why;
    child.stop(0);
  };
  const onAbort = () => end('interrupted');
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(DECODE_MS, () => end(`it took longer than ${DECODE_MS / 1000} s`));
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of child.stdout) {
      size += piece.length;
      if (size > OUTPUT_BYTES_MAX) {
        end(`it is larger than ${OUTPUT_BYTES_MAX} bytes`);
        break;
      }
      parts.push(new Uint8Array(piece)); // a copy: a piece is good until the next one only
    }
    const { code, failed } = await child.exited;
    if (signal.aborted) throw interrupted();
    if (failed !== undefined) throw pictureRefused('ffmpeg is not installed, or could not be started');
    if (reason !== null) throw pictureRefused(reason);
    if (code !== 0 || size === 0) throw pictureRefused('ffmpeg found no picture in it');
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
    child.stop(0);
  }
  return concatBytes(...parts);
}
