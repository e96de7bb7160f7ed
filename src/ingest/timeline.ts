/** Arrival of a fragment by both of the node's clocks, whole µs. */
export interface Arrival {
  wallUs: number;
  monoUs: number;
}

/** When a fragment arrived, and where its video lies in media time (µs, fractions allowed). */
export interface Piece {
  arrival: Arrival;
  mediaStartUs: number;
  mediaEndUs: number;
}

/** Time constants of the two filters: in this media time an error shrinks to a third. */
const DELAY_SETTLE_US = 30_000_000;
const LINE_SETTLE_US = 10_000_000;
/** Largest share of a fragment's length by which its place on the wall clock is stretched or squeezed. */
const BEND_MAX = 0.005;
/** Media may not run ahead of its arrival by more: nothing arrives before it happened. */
const LEAD_US_MAX = 3_000_000;
/** Nor begin before what came last by more. */
const BACK_US_MAX = 1_000_000;
/** Media may lag behind its usual delay by more only for a while: a network that stood still catches up. */
const LAG_US_MAX = 5_000_000;
const LAG_LASTING_US_MAX = 10_000_000;
/** A calendar set forward by more than this begins a new run; anything less is followed slowly. */
const STEP_US_MAX = 10_000_000;
/** A change of the calendar against the monotonic clock that is worth telling. */
const STEP_US_TOLD = 500_000;

/**
 * Maps a stream's media time to the node's wall time (docs/formats/timeline.md).
 *
 * Within a run fragments tile, and the line bends by at most 0.5%. No start is before the stream's last end, over all runs.
 * Arrivals are taken by the monotonic clock: a step of the calendar never moves a running line, which only bends towards it.
 */
export class Timeline {
  /** End of what was last placed, in this run or one before; nothing is placed before it. */
  #endUs: number;
  /** The same with its fraction, and the media time it belongs to. */
  #lineUs = 0;
  #mediaEndUs = 0;
  /** Monotonic arrival minus media time, as it usually is. */
  #delayUs = 0;
  /** Calendar minus monotonic time when the run began, and when last seen. */
  #calendarUs = 0;
  #seenCalendarUs: number | null = null;
  #laggingSinceUs: number | null = null;

  /** `notBeforeUs`: end of what the stream holds from before, 0 where nothing. */
  constructor(notBeforeUs: number) {
    this.#endUs = notBeforeUs;
  }

  get endUs(): number {
    return this.#endUs;
  }

  /**
   * Begins a run with its first fragments, one or more; gives its start, whole µs. They are placed by `place`, like all others.
   *
   * The least delayed of them sets the line: what ffmpeg held back while it looked at the stream arrives late and in a burst.
   */
  begin(pieces: readonly Piece[]): number {
    const { mediaStartUs } = pieces[0]!;
    const { arrival } = pieces.at(-1)!;
    this.#delayUs = Math.min(...pieces.map((piece) => piece.arrival.monoUs - piece.mediaEndUs));
    this.#calendarUs = arrival.wallUs - arrival.monoUs;
    this.#endUs = Math.max(Math.round(this.#calendarUs + mediaStartUs + this.#delayUs), this.#endUs);
    this.#lineUs = this.#endUs;
    this.#mediaEndUs = mediaStartUs;
    this.#laggingSinceUs = null;
    return this.#endUs;
  }

  /** True where a fragment of the run cannot follow the one before: its timestamps jumped. Asked before `place`. */
  jumped({ arrival, mediaStartUs, mediaEndUs }: Piece): boolean {
    if (mediaStartUs < this.#mediaEndUs - BACK_US_MAX) return true;
    const lagUs = arrival.monoUs - mediaEndUs - this.#delayUs;
    if (lagUs < -LEAD_US_MAX) return true;
    this.#laggingSinceUs = lagUs > LAG_US_MAX ? (this.#laggingSinceUs ?? arrival.monoUs) : null;
    return this.#laggingSinceUs !== null && arrival.monoUs - this.#laggingSinceUs > LAG_LASTING_US_MAX;
  }

  /** Places a fragment of the run, from where the last one ended to where its media end falls; whole µs. */
  place({ arrival, mediaEndUs }: Piece): { startUs: number; endUs: number } {
    const lengthUs = Math.max(0, mediaEndUs - this.#mediaEndUs);
    const delayErrorUs = arrival.monoUs - mediaEndUs - this.#delayUs;
    this.#delayUs += bounded(delayErrorUs / DELAY_SETTLE_US) * lengthUs;
    const wishedUs = arrival.wallUs - arrival.monoUs + mediaEndUs + this.#delayUs;
    this.#mediaEndUs += lengthUs;
    this.#lineUs += lengthUs + bounded((wishedUs - this.#lineUs - lengthUs) / LINE_SETTLE_US) * lengthUs;
    const startUs = this.#endUs;
    this.#endUs = Math.max(startUs, Math.round(this.#lineUs));
    return { startUs, endUs: this.#endUs };
  }

  /** By how much the calendar was set since the last call, whole µs, positive forward; 0 where it was not worth telling. */
  calendarStepUs({ wallUs, monoUs }: Arrival): number {
    const nowUs = wallUs - monoUs;
    const stepUs = nowUs - (this.#seenCalendarUs ?? nowUs);
    if (this.#seenCalendarUs !== null && Math.abs(stepUs) < STEP_US_TOLD) return 0;
    this.#seenCalendarUs = nowUs;
    return stepUs;
  }

  /** True where the calendar was set forward so far since the run began that bending would take too long. */
  leftBehind({ wallUs, monoUs }: Arrival): boolean {
    return wallUs - monoUs - this.#calendarUs > STEP_US_MAX;
  }
}

function bounded(share: number): number {
  return Math.max(-BEND_MAX, Math.min(BEND_MAX, share));
}
