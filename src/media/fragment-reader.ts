import { readBoxHead } from './boxes.ts';
import { malformed, tooLarge } from './errors.ts';
import type { Fragment } from './fragment.ts';
import { type ParsedInit, parseInitSegment } from './init-segment.ts';
import { parseFragment } from './movie-fragment.ts';
import { PRFT_BYTES } from './segment-boxes.ts';

/** What a camera may make us hold in memory before it is called malformed. */
export interface FragmentReaderLimits {
  initBytesMax: number;
  fragmentBytesMax: number;
}

/** A 4K camera's keyframe is below 4 MiB; an init segment is below 2 KiB. */
export const FRAGMENT_READER_LIMITS: FragmentReaderLimits = {
  initBytesMax: 1024 * 1024,
  fragmentBytesMax: 16 * 1024 * 1024,
};

/** Room that is kept between fragments. */
const HELD_BYTES_KEPT = 1024 * 1024;

export type FragmentReaderItem = { init: ParsedInit } | { fragment: Fragment };

/** Boxes that may stand between fragments and say nothing we need. */
const PASSED_OVER = new Set(['styp', 'sidx', 'free', 'skip', 'mfra', 'prft', 'emsg', 'udta']);

/**
 * Turns ffmpeg's byte stream of fragmented MP4, cut anywhere, into one init segment and then fragments.
 *
 * Holds at most one unfinished box sequence (`fragmentBytesMax`). After it threw, it must not be used again.
 */
export class FragmentReader {
  readonly #limits: FragmentReaderLimits;
  #init: ParsedInit | null = null;
  /** Bytes not consumed yet; `#used` of `#held` are filled. Grows by doubling up to the limit. */
  #held = new Uint8Array(64 * 1024);
  #used = 0;
  /** Where boxes of the current unit have been followed to, and what has been seen of it. */
  #scanned = 0;
  #hasHead = false;

  constructor(limits: FragmentReaderLimits = FRAGMENT_READER_LIMITS) {
    this.#limits = limits;
  }

  /** Takes the next bytes and gives what they complete, in order. Throws a `MediaError` for anything else. */
  push(bytes: Uint8Array): FragmentReaderItem[] {
    const items: FragmentReaderItem[] = [];
    let taken = 0;
    while (taken < bytes.length) {
      const room = Math.min(bytes.length - taken, this.#limit() + 16 - this.#used);
      this.#append(bytes.subarray(taken, taken + room));
      taken += room;
      this.#drain(items);
    }
    return items;
  }

  #drain(items: FragmentReaderItem[]): void {
    for (;;) {
      const head = readBoxHead(this.#held.subarray(0, this.#used), this.#scanned);
      if (head === null) return;
      const place = this.#placeOf(head.type);
      const end = this.#scanned + head.sizeBytes;
      if (end > this.#limit()) throw tooLarge(this.#init ? 'a fragment' : 'an init segment', this.#limit());
      if (end > this.#used) return;
      this.#scanned = end;
      if (head.type === 'moof') this.#hasHead = true;
      if (place === 'dropped') this.#consume(end);
      if (place === 'last') items.push(this.#take(end));
    }
  }

  /** What a box of `type` is to the unit being read: one of its first, its last, or nothing to keep. */
  #placeOf(type: string): 'first' | 'last' | 'dropped' {
    if (this.#init === null) {
      if (type === 'moov') return 'last';
      if (type === 'ftyp' && this.#scanned === 0) return 'first';
      throw malformed('something else than ftyp and moov at the beginning');
    }
    if (!this.#hasHead && PASSED_OVER.has(type)) return 'dropped';
    if (!this.#hasHead && type === 'moof') return 'first';
    if (this.#hasHead && type === 'mdat') return 'last';
    throw malformed(`a box ${type.replace(/[^ -~]/g, '?')} between fragments`);
  }

  #take(end: number): FragmentReaderItem {
    // Room in front for the `prft` a recorder writes there: saves a copy of every picture (`withReferenceTime`).
    const bytes = new Uint8Array(PRFT_BYTES + end).subarray(PRFT_BYTES);
    bytes.set(this.#held.subarray(0, end));
    this.#consume(end);
    this.#hasHead = false;
    if (this.#init === null) {
      this.#init = parseInitSegment(bytes);
      return { init: this.#init };
    }
    return { fragment: parseFragment(bytes, this.#init) };
  }

  #limit(): number {
    return this.#init ? this.#limits.fragmentBytesMax : this.#limits.initBytesMax;
  }

  #append(bytes: Uint8Array): void {
    if (this.#used + bytes.length > this.#held.length) {
      const grown = new Uint8Array(Math.max(this.#used + bytes.length, this.#held.length * 2));
      grown.set(this.#held.subarray(0, this.#used));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #consume(length: number): void {
    const rest = this.#held.subarray(length, this.#used);
    // One huge keyframe must not keep its room for ever.
    if (this.#held.length > HELD_BYTES_KEPT && rest.length < HELD_BYTES_KEPT / 2) {
      this.#held = new Uint8Array(HELD_BYTES_KEPT);
      this.#held.set(rest);
    } else this.#held.copyWithin(0, length, this.#used);
    this.#used -= length;
    this.#scanned = 0;
  }
}
