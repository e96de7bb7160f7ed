import { concatBytes } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import {
  boxesIn,
  FRAGMENT_READER_LIMITS,
  type ParsedInit,
  parseFragment,
  parseInitSegment,
  readBoxHead,
  readPrft,
} from '../media/index.ts';

/**
 * Walks a segment's plaintext as it is opened, and says where the last whole fragment ends.
 *
 * Holds one unfinished unit at most (the limits of `FragmentReader`). Anything it does not understand ends the walk: what was
 * found before still stands.
 */
export class FragmentWalk {
  /** What a decoder needs; null until `moov` is whole. */
  init: ParsedInit | null = null;
  /** Wall µs at which the last whole fragment ends; null before the first. */
  endUs: number | null = null;
  /** Plaintext offset just behind the last whole fragment. */
  end = 0;
  fragments = 0;
  /** Why the walk ended early, or null. */
  fault: string | null = null;
  #parts: Uint8Array[] = [];
  #offset = 0;
  /** Bytes of a `free` or `mfra` box still to be passed over. */
  #skip = 0;

  /** Takes the next plaintext bytes; they are copied. */
  push(bytes: Uint8Array): void {
    if (this.fault !== null) return;
    const passed = Math.min(this.#skip, bytes.length);
    this.#skip -= passed;
    this.#offset += passed;
    if (passed === bytes.length) return;
    this.#parts.push(bytes.slice(passed));
    try {
      this.#walk();
    } catch (error) {
      if (!isNvrError(error)) throw error;
      this.fault = error.message;
      this.#parts = [];
    }
  }

  #walk(): void {
    let bytes = this.#parts.length === 1 ? this.#parts[0]! : concatBytes(...this.#parts);
    for (let size = this.#unitSize(bytes); size !== null; size = this.#unitSize(bytes)) {
      const unit = bytes.slice(0, size);
      if (size <= bytes.length) this.#take(unit);
      this.#skip = Math.max(0, size - bytes.length);
      this.#offset += Math.min(size, bytes.length);
      bytes = bytes.subarray(Math.min(size, bytes.length));
      if (this.#skip > 0) break;
    }
    this.#parts = bytes.length > 0 ? [bytes.slice()] : [];
  }

  /** Size of the unit that begins here once all of it (for padding: its header) is there; null when more is needed. */
  #unitSize(bytes: Uint8Array): number | null {
    for (let at = 0; ; ) {
      const head = readBoxHead(bytes, at);
      if (head === null) return null;
      const end = at + head.sizeBytes;
      if (at === 0 && (head.type === 'free' || head.type === 'mfra')) return head.sizeBytes;
      const limit = this.init ? FRAGMENT_READER_LIMITS.fragmentBytesMax : FRAGMENT_READER_LIMITS.initBytesMax;
      if (end > limit + 4096) {
        this.fault = 'a box larger than the limits';
        return null;
      }
      if (end > bytes.length) return null;
      if (head.type === 'moov' || head.type === 'mdat') return end;
      at = end;
    }
  }

  #take(unit: Uint8Array<ArrayBuffer>): void {
    const [first] = boxesIn(unit);
    if (!first || first.type === 'free' || first.type === 'mfra') return;
    if (!this.init) {
      this.init = parseInitSegment(unit);
      return;
    }
    const fragment = parseFragment(unit, this.init);
    this.fragments += 1;
    this.end = this.#offset + unit.length;
    const video = this.init.tracks[0]!;
    const part = fragment.tracks.find((track) => track.id === video.id);
    if (first.type !== 'prft') return;
    const startUs = readPrft(unit, first).wallUs;
    this.endUs = startUs + Math.round(((part?.duration ?? 0) * 1_000_000) / video.timescale);
  }
}
