/** One keyframe of a segment: where its fragment lies, so that it can be fetched without anything around it. */
export interface KeyframeHint {
  /** Wall time of the picture, epoch ms. */
  at: number;
  /** First byte of the fragment (its `prft`), from the segment's plaintext byte 0. */
  offset: number;
  /** Bytes of the fragment: `prft` + `moof` + `mdat`. */
  length: number;
}

/** Most keyframes told of one segment. */
export const KEYFRAME_HINTS_MAX = 256;
/** Numbers below this are told, in four bytes at most: 74 hours, 256 MiB. */
const NUMBER_LIMIT = 2 ** 28;
/** Most bytes of an encoded list: three numbers each. */
export const KEYFRAME_HINT_BYTES_MAX = KEYFRAME_HINTS_MAX * 12;

/**
 * The keyframes of one segment as bytes, in the order of time. Each is three numbers: ms since the one before (the first: since the
 * segment's start), bytes between the end of the fragment before and this one (the first: from plaintext byte 0), bytes of the
 * fragment. A number is LEB128: seven bits a byte, lowest first, the top bit set on all but the last; below 2^28. The list ends before a
 * keyframe that such numbers do not reach.
 */
export function encodeKeyframeHints(startAt: number, hints: readonly KeyframeHint[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let [time, end] = [startAt, 0];
  for (const { at, offset, length } of hints.slice(0, KEYFRAME_HINTS_MAX)) {
    const numbers = [at - time, offset - end, length];
    if (numbers.some((each) => !Number.isInteger(each) || each < 0 || each >= NUMBER_LIMIT)) break;
    for (const each of numbers) putNumber(bytes, each);
    [time, end] = [at, offset + length];
  }
  return Uint8Array.from(bytes);
}

/** Reads what `encodeKeyframeHints` wrote; null where it wrote something else. Total, at most 256 keyframes. */
export function parseKeyframeHints(startAt: number, bytes: Uint8Array): KeyframeHint[] | null {
  if (bytes.length > KEYFRAME_HINT_BYTES_MAX) return null;
  const hints: KeyframeHint[] = [];
  let [time, end, place] = [startAt, 0, 0];
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[place++];
      if (byte === undefined || scale >= NUMBER_LIMIT) return Number.NaN;
      value += (byte & 127) * scale;
      // A last byte of zero could have been left out: one number has one form.
      if (byte < 128) return byte === 0 && scale > 1 ? Number.NaN : value;
    }
  };
  while (place < bytes.length) {
    const at = time + number();
    const offset = end + number();
    const length = number();
    if (hints.length === KEYFRAME_HINTS_MAX || !Number.isSafeInteger(at + offset + length)) return null;
    hints.push({ at, offset, length });
    [time, end] = [at, offset + length];
  }
  return hints;
}

/** Gathers the keyframes of a segment as it is written; where they are too many, every second one is left out, again and again. */
export class KeyframeHints {
  #hints: KeyframeHint[] = [];
  #stride = 1;
  #skipped = 0;

  add(hint: KeyframeHint): void {
    if (this.#hints.length > 0 && ++this.#skipped < this.#stride) return;
    this.#skipped = 0;
    this.#hints.push(hint);
    if (this.#hints.length <= KEYFRAME_HINTS_MAX) return;
    this.#hints = this.#hints.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  /** Those whose fragment ends at or before plaintext byte `end`. */
  upTo(end: number): KeyframeHint[] {
    return this.#hints.filter(({ offset, length }) => offset + length <= end);
  }
}

function putNumber(bytes: number[], number: number): void {
  let left = number;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  bytes.push(left);
}
