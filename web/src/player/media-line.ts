import type { FragmentPiece } from '../engine/messages.ts';

/** A fragment on the video element's line, in seconds. */
export interface PlacedFragment {
  start: number;
  end: number;
  startUs: number;
  endUs: number;
  keyframe: boolean;
  pictures: number;
}

/** Where a fragment goes. */
export interface Placement {
  fragment: PlacedFragment;
  /** What is added to its own times to get there (`SourceBuffer.timestampOffset`). */
  offset: number;
  /** It begins a run: `offset` differs from the fragment before. */
  begins: boolean;
}

/** The line begins here, so that sound which starts a little before its first picture is not before 0. */
const FIRST_S = 1;
/** Media time and wall time of neighbours may differ so much; beyond it the run has jumped. */
const JUMP_S = 0.5;
/** Between two runs that would touch or overlap. */
const APART_S = 0.05;

/**
 * The line on which a video element plays: runs lie one after the other as far apart as they were in the world, whatever their own clocks say. Knows
 * the wall time of each place as long as it is remembered.
 */
export class MediaLine {
  #fragments: PlacedFragment[] = [];
  /** Wall time of 0 on the line, µs; null before the first fragment. */
  #zeroUs: number | null = null;
  #offset = 0;
  #last: { mediaStart: number; startUs: number } | null = null;
  #end = 0;
  #begins = true;

  /** The next fragment begins a run. */
  begin(): void {
    this.#begins = true;
  }

  place(piece: Pick<FragmentPiece, 'mediaStart' | 'startUs' | 'endUs' | 'keyframe' | 'pictures'>): Placement {
    const { mediaStart, startUs, endUs, keyframe, pictures } = piece;
    const begins = this.#begins || this.#jumped(mediaStart, startUs);
    if (begins) {
      this.#zeroUs ??= startUs - FIRST_S * 1e6;
      const wished = (startUs - this.#zeroUs) / 1e6;
      // A node whose clock was set back must not write over what is there.
      const start = this.#end === 0 ? wished : Math.max(wished, this.#end + APART_S);
      this.#offset = start - mediaStart;
    }
    this.#begins = false;
    this.#last = { mediaStart, startUs };
    const start = mediaStart + this.#offset;
    const fragment = { start, end: start + Math.max(0, endUs - startUs) / 1e6, startUs, endUs, keyframe, pictures };
    this.#fragments.push(fragment);
    this.#end = fragment.end;
    return { fragment, offset: this.#offset, begins };
  }

  /** The fragment at a place; between two of them the one before, as long as it is not farther than a second. */
  at(position: number): PlacedFragment | null {
    const index = this.#fragments.findLastIndex(({ start }) => start <= position + 1e-4);
    const found = this.#fragments[index];
    return found && position < found.end + 1 ? found : null;
  }

  /** Wall time of a place, µs; null where that is not known (any more). */
  wallUs(position: number): number | null {
    const found = this.at(position);
    return found ? Math.round(found.startUs + (position - found.start) * 1e6) : null;
  }

  /** The newest keyframe after `from`, up to `to`. */
  keyframe(from: number, to: number): number | null {
    const found = this.#fragments.findLast((each) => each.keyframe && each.start > from && each.start <= to);
    return found ? found.start : null;
  }

  /** Lets go of what ended before. */
  forget(before: number): void {
    const keep = this.#fragments.findIndex(({ end }) => end >= before);
    if (keep > 0) this.#fragments = this.#fragments.slice(keep);
    else if (keep < 0) this.#fragments = [];
  }

  /** The end of all that was placed. */
  get end(): number {
    return this.#end;
  }

  get size(): number {
    return this.#fragments.length;
  }

  #jumped(mediaStart: number, startUs: number): boolean {
    if (!this.#last) return true;
    const media = mediaStart - this.#last.mediaStart;
    const wall = (startUs - this.#last.startUs) / 1e6;
    return media <= 0 || Math.abs(media - wall) > JUMP_S;
  }
}
