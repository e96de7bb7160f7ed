import type { FragmentPiece, GapPiece } from '../engine/messages.ts';

/**
 * Second 0 of the glass, as seconds since 1970. The past is laid out on the `<video>` by wall time, so that every recorded picture has a place there and
 * searching back needs no new element.
 */
export const GLASS_EPOCH_S = 1_600_000_000;
/** Decode times this near to what was expected belong to the same run; s. */
const RUN_SLACK_S = 0.02;
/** Fragments this near to each other follow without a gap; µs. */
const TILE_SLACK_US = 60_000;

/** One picture and where it lies: wall time (µs since 1970) and time of the glass (s). */
export interface Picture {
  startUs: number;
  endUs: number;
  glass: number;
  glassEnd: number;
}

/** One fragment that lies before the decoder. */
export interface Laid {
  startUs: number;
  endUs: number;
  keyframe: boolean;
  /** When each picture is shown: s of the glass, in order, and after the last. */
  glass: readonly number[];
  glassEnd: number;
  /** `timestampOffset` it was laid with. */
  offset: number;
}

/**
 * What lies on the glass of one tile: fragments in order of wall time with the times of their pictures, and the gaps that were told. Pure.
 * Bounded by what the player lets go of (`dropBefore`, `clear`).
 */
export class PictureIndex {
  #laid: Laid[] = [];
  #gaps: GapPiece[] = [];
  #run: { offset: number; nextMedia: number; endUs: number } | null = null;

  get fragments(): readonly Laid[] {
    return this.#laid;
  }

  /** The fragment that follows has another init segment: its decode times mean something else. */
  beginRun(): void {
    this.#run = null;
  }

  /**
   * Lays a fragment down: behind the one before where it is of the same run (decode times go on), else by its wall time. What it covers and
   * lay there already is forgotten.
   */
  lay(piece: FragmentPiece): Laid {
    const { startUs, endUs, mediaStart } = piece;
    const first = piece.times[0] ?? mediaStart;
    const run = this.#run;
    const follows =
      run && Math.abs(run.nextMedia - mediaStart) < RUN_SLACK_S && Math.abs(run.endUs - startUs) < TILE_SLACK_US;
    const offset = follows ? run.offset : startUs / 1e6 - GLASS_EPOCH_S - first;
    const seconds = Math.max(0, endUs - startUs) / 1e6;
    const count = Math.max(1, piece.pictures);
    const times =
      piece.times.length > 0 ? piece.times : Array.from({ length: count }, (_, i) => first + (i * seconds) / count);
    const glass = times.map((time) => time + offset);
    const laid = { startUs, endUs, keyframe: piece.keyframe, glass, glassEnd: glass[0]! + seconds, offset };
    this.#run = { offset, nextMedia: mediaStart + seconds, endUs };
    this.#laid = this.#laid.filter((each) => each.endUs <= startUs + 500 || each.startUs >= endUs - 500);
    this.#laid.splice(this.#after(startUs), 0, laid);
    return laid;
  }

  addGap(gap: GapPiece): void {
    this.#gaps = [...this.#gaps.filter(({ startUs }) => startUs !== gap.startUs), gap];
  }

  /** The picture that is shown at a wall time; null where none lies ready. */
  pictureAt(wallUs: number): Picture | null {
    const laid = this.#at(wallUs);
    return laid ? pictureOf(laid, wallUs) : null;
  }

  /** The picture after that one, over gaps too. */
  next({ startUs, endUs }: Picture): Picture | null {
    const laid = this.#at(startUs);
    const within = laid && endUs < laid.endUs - 500 ? pictureOf(laid, endUs + 1) : null;
    if (within && within.startUs > startUs) return within;
    const later = this.#laid[this.#after(laid?.startUs ?? startUs)];
    return later ? pictureOf(later, later.startUs) : null;
  }

  /** The picture before that one, over a gap too; null where it does not lie ready. */
  previous({ startUs }: Picture): Picture | null {
    const laid = this.#at(startUs);
    if (laid && startUs > laid.startUs + 500) return pictureOf(laid, startUs - 1_000);
    const before = this.#laid[this.#after(startUs - 500) - 1];
    // What lies there and is not told to be the last one before a gap may have others behind it that have not come yet.
    const followsUs = this.gapAt(startUs - 2_000)?.startUs ?? startUs;
    return before && before.startUs < startUs - 500 && followsUs - before.endUs < TILE_SLACK_US
      ? pictureOf(before, before.endUs - 1)
      : null;
  }

  /** The gap a wall time lies in. */
  gapAt(wallUs: number): GapPiece | null {
    return this.#gaps.find((gap) => gap.startUs <= wallUs && wallUs < (gap.endUs ?? Number.POSITIVE_INFINITY)) ?? null;
  }

  /** The last fragment that begins at or before. */
  lastAt(wallUs: number): Laid | null {
    return this.#laid[this.#after(wallUs) - 1] ?? null;
  }

  /** Wall time up to which pictures follow each other without a gap from `wallUs` on; `wallUs` where there is none. */
  endOfStretch(wallUs: number): number {
    let at = this.#after(wallUs) - 1;
    if (at < 0 || this.#laid[at]!.endUs <= wallUs) return wallUs;
    while (at + 1 < this.#laid.length && this.#laid[at + 1]!.startUs - this.#laid[at]!.endUs < TILE_SLACK_US) at++;
    return this.#laid[at]!.endUs;
  }

  /** Picture that lies ready after `wallUs`, gaps not counted; µs. */
  aheadUs(wallUs: number): number {
    let sum = 0;
    for (let i = this.#laid.length - 1; i >= 0 && this.#laid[i]!.endUs > wallUs; i--) {
      sum += this.#laid[i]!.endUs - Math.max(wallUs, this.#laid[i]!.startUs);
    }
    return sum;
  }

  /** Wall time of what is shown at a time of the glass; null where nothing was laid. */
  wallAt(glass: number): number | null {
    const slack = 0.0005;
    const laid = this.#laid.findLast((each) => each.glass[0]! <= glass + slack && glass < each.glassEnd + slack);
    return laid ? laid.startUs + (glass - laid.glass[0]!) * 1e6 : null;
  }

  /** Forgets fragments that end before; gives the time of the glass up to which it may be freed, or null. */
  dropBefore(wallUs: number): number | null {
    const kept = this.#laid.findIndex(({ endUs }) => endUs >= wallUs);
    const gone = kept < 0 ? this.#laid.length : kept;
    if (gone === 0) return null;
    const { glassEnd } = this.#laid[gone - 1]!;
    this.#laid.splice(0, gone);
    return glassEnd;
  }

  /** Forgets one fragment; gives its place on the glass. */
  drop(laid: Laid): { from: number; to: number } {
    this.#laid = this.#laid.filter((each) => each !== laid);
    return { from: laid.glass[0]!, to: laid.glassEnd };
  }

  clear(): void {
    this.#laid = [];
    this.#gaps = [];
    this.#run = null;
  }

  #at(wallUs: number): Laid | null {
    const laid = this.#laid[this.#after(wallUs) - 1];
    if (laid && wallUs < laid.endUs) return laid;
    // Between two that tile the earlier one stays on the glass.
    const later = this.#laid[this.#after(wallUs)];
    return laid && later && later.startUs - laid.endUs < TILE_SLACK_US ? laid : null;
  }

  /** Index of the first fragment that begins after. */
  #after(wallUs: number): number {
    let [low, high] = [0, this.#laid.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#laid[middle]!.startUs <= wallUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function pictureOf(laid: Laid, wallUs: number): Picture {
  const { glass, startUs, endUs, glassEnd } = laid;
  const wall = (time: number) => startUs + (time - glass[0]!) * 1e6;
  let at = glass.length - 1;
  // Half a millisecond of rounding belongs to the picture that begins.
  while (at > 0 && wall(glass[at]!) > wallUs + 500) at--;
  const last = at === glass.length - 1;
  return {
    startUs: wall(glass[at]!),
    endUs: last ? endUs : wall(glass[at + 1]!),
    glass: glass[at]!,
    glassEnd: last ? Math.max(glassEnd, glass[at]! + 0.001) : glass[at + 1]!,
  };
}

/** The middle of a picture: epoch ms, parts of it kept. */
export function middleOf({ startUs, endUs }: Picture): number {
  return (startUs + endUs) / 2000;
}
