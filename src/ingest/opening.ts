import { type Fragment, type ParsedInit, parseFragment, shortenFirstSample } from '../media/index.ts';
import type { Arrival, Piece } from './timeline.ts';

/** The video of one fragment. Decode times in its track's ticks, the end just after its last picture. */
export interface VideoPart extends Piece {
  decodeTime: bigint;
  decodeEnd: bigint;
  sampleCount: number;
}

/** A fragment that arrived, with what its video says of itself; null where it holds sound only. */
export interface Arrived {
  fragment: Fragment;
  arrival: Arrival;
  video: VideoPart | null;
}

/** A fragment with its place in media time. */
export function arrived(fragment: Fragment, init: ParsedInit, arrival: Arrival): Arrived {
  const { id, timescale } = init.tracks[0]!;
  const part = fragment.tracks.find((track) => track.id === id && track.sampleCount > 0);
  if (!part) return { fragment, arrival, video: null };
  const { baseDecodeTime, duration, sampleCount } = part;
  const mediaStartUs = (Number(baseDecodeTime) * 1_000_000) / timescale;
  const mediaEndUs = mediaStartUs + (duration * 1_000_000) / timescale;
  const decodeEnd = baseDecodeTime + BigInt(duration);
  const video = { arrival, mediaStartUs, mediaEndUs, decodeTime: baseDecodeTime, decodeEnd, sampleCount };
  return { fragment, arrival, video };
}

/** A first picture that lasts longer than this awaits the next fragment, which tells how long one really lasts. */
const FIRST_SAMPLE_US_MAX = 100_000;
/** A fragment that claims to be longer than the time it took to arrive by more than this holds a jump of timestamps. */
const JUMP_US_MAX = 3_000_000;
/** A burst ends at the latest here, whatever the camera does. */
const WAIT_US_MAX = 1_500_000;
const HELD_MAX = 64;
const HELD_BYTES_MAX = 8 * 1024 * 1024;

/**
 * The first fragments of a run, held back until one arrives at the pace of time: only then is it known how late the earlier
 * ones were. Bounded in time, count and bytes. Begins with a keyframe; used once for each run.
 */
export class Opening {
  readonly #init: ParsedInit;
  #held: Arrived[] = [];
  #heldBytes = 0;
  #lastMonoUs: number;

  /** `sinceMonoUs`: when the fragment before the first one arrived, or the child was started. */
  constructor(init: ParsedInit, sinceMonoUs: number) {
    this.#init = init;
    this.#lastMonoUs = sinceMonoUs;
  }

  /** Fragments held now. */
  get held(): number {
    return this.#held.length;
  }

  /**
   * Takes the next fragment. Gives all of them once the run can begin, null while it cannot, and `again` where what was held is
   * of no use because timestamps jumped inside it: wait for another keyframe.
   */
  add(next: Arrived): readonly Arrived[] | 'again' | null {
    const sinceUs = next.arrival.monoUs - this.#lastMonoUs;
    const first = this.#held.find((each) => each.video)?.arrival.monoUs ?? next.arrival.monoUs;
    this.#lastMonoUs = next.arrival.monoUs;
    this.#held.push(next);
    this.#heldBytes += next.fragment.bytes.length;
    if (next.video) {
      const lengthUs = next.video.mediaEndUs - next.video.mediaStartUs;
      if (lengthUs > sinceUs + JUMP_US_MAX) return 'again';
      if (this.#held.length > 1 && sinceUs >= lengthUs / 2) return this.release();
    }
    const full = this.#held.length >= HELD_MAX || this.#heldBytes >= HELD_BYTES_MAX;
    return full || next.arrival.monoUs - first >= WAIT_US_MAX ? this.release() : null;
  }

  /** What is held, with the first picture's time set right (design: re-time what comes before the second DTS). */
  release(): readonly Arrived[] {
    const [first, second] = this.#held.filter((each) => each.video !== null);
    if (!first?.video || !second?.video || first !== this.#held[0]) return this.#held;
    const { mediaStartUs, mediaEndUs, sampleCount } = first.video;
    if (sampleCount !== 1 || mediaEndUs - mediaStartUs <= FIRST_SAMPLE_US_MAX) return this.#held;
    const usualUs = (second.video.mediaEndUs - second.video.mediaStartUs) / second.video.sampleCount;
    const usual = Math.round((usualUs * this.#init.tracks[0]!.timescale) / 1_000_000);
    const retimed = usual > 0 ? shortenFirstSample(first.fragment.bytes, this.#init, usual) : null;
    if (!retimed) return this.#held;
    const fragment = parseFragment(retimed, this.#init);
    return [arrived(fragment, this.#init, first.arrival), ...this.#held.slice(1)];
  }
}
