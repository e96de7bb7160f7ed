import type { CapturedFragment, Run } from '../media/index.ts';
import type { GapCause } from '../protocol/index.ts';

/**
 * Where a recorder puts what it captures; the daemon joins `vault` and `live` into one.
 *
 * Order: `beginRun`, `fragment` any number of times, `endRun`, and again. Never two at once: the recorder waits for the
 * promise of one call before the next, and reads nothing from ffmpeg meanwhile. An error of a sink ends the run with cause
 * `storage` (`full` for kind `exhausted`), and the recorder tries again after its backoff.
 */
export interface StreamSink {
  beginRun(run: Run): Promise<void>;
  fragment(fragment: CapturedFragment): Promise<void>;
  endRun(end: RunEnd): Promise<void>;
  /** Told between runs where recording was refused: why the gap goes on from here, wall µs. */
  refused?(refusal: { cause: GapCause; atUs: number }): Promise<void>;
}

export interface RunEnd {
  cause: GapCause;
  /** Wall time at which the picture ended, whole µs since the epoch: the last fragment's `endUs`. */
  endUs: number;
  /** For people; no secret in it. */
  reason: string;
}
