/** One coded picture, put together: length-prefixed NAL units (four bytes each), from `from` to `to` in `PictureAssembler.bytes`. */
export interface AssembledPicture {
  from: number;
  to: number;
  /** RTP timestamp, 32 bits. */
  timestamp: number;
  /** Decoding may begin here: IDR, or a recovery point at this picture; with H.265 any IRAP picture. False where parts are missing. */
  keyframe: boolean;
  /** A packet of it, or just before it, was lost. */
  damaged: boolean;
}

/** What pictures of one fragment may take; a keyframe of a 4K camera is below 4 MiB. */
const BYTES_MAX = 12 * 1024 * 1024;
const BYTES_FIRST = 128 * 1024;
/** Room kept between fragments. */
const BYTES_KEPT = 1024 * 1024;
/** What may come in front of a picture without belonging to one: parameter sets and messages. */
const PREFIX_BYTES_MAX = 64 * 1024;
const LENGTH_BYTES = 4;
/** NAL units of one aggregation packet. */
const UNITS_MAX = 256;

const H264_STAP_A = 24;
const H264_FU_A = 28;
const H265_AP = 48;
const H265_FU = 49;

/**
 * Puts the pictures of an H.264 (RFC 6184: single NAL units, STAP-A, FU-A) or H.265 stream (RFC 7798: single NAL units, AP, FU)
 * together, one copy for each byte, into one growing buffer.
 *
 * A picture is what shares a timestamp, however many slices and repeated parameter sets it holds; a second first slice behind a
 * marker begins another one. Units without a slice (parameter sets with a time of their own) go in front of the picture that
 * follows. A unit of which a part is missing is left out. Total; bounded in bytes.
 */
export class PictureAssembler {
  readonly #h265: boolean;
  /** A picture ended because one of `next` begins; null at the end of the stream. */
  readonly #onPicture: (picture: AssembledPicture, next: number | null) => void;
  #bytes = new Uint8Array(BYTES_FIRST);
  #used = 0;
  #from = 0;
  #timestamp: number | null = null;
  #slices = 0;
  #keyframe = false;
  #damaged = false;
  #marked = false;
  /** Where the length of an unfinished unit stands, -1 where none is. */
  #fragmentAt = -1;

  constructor(codec: 'H264' | 'H265', onPicture: (picture: AssembledPicture, next: number | null) => void) {
    this.#h265 = codec === 'H265';
    this.#onPicture = onPicture;
  }

  /** Where pictures lie; another array after each packet. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** The next packet's payload, from `start` to `end`. `lost`: packets before it are missing. */
  packet(
    bytes: Uint8Array,
    start: number,
    end: number,
    { timestamp, marker }: { timestamp: number; marker: boolean },
    lost: boolean,
  ): void {
    if (lost) this.#lose();
    if (this.#timestamp !== timestamp) {
      this.#end(timestamp);
      this.#timestamp = timestamp;
      if (lost) this.#damaged = true;
    }
    if (this.#h265) this.#h265Payload(bytes, start, end);
    else this.#h264Payload(bytes, start, end);
    if (marker) this.#marked = true;
  }

  /** The stream is over: what is there of the last picture counts. */
  finish(): void {
    this.#end(null);
  }

  /** Everything before `to` has been taken. Allowed while a picture is told of. */
  consume(to: number): void {
    const rest = this.#used - to;
    if (this.#bytes.length > BYTES_KEPT && rest < BYTES_KEPT / 2) {
      const smaller = new Uint8Array(BYTES_KEPT);
      smaller.set(this.#bytes.subarray(to, this.#used));
      this.#bytes = smaller;
    } else if (rest > 0) this.#bytes.copyWithin(0, to, this.#used);
    this.#used = rest;
    this.#from = Math.max(0, this.#from - to);
  }

  #end(next: number | null): void {
    if (this.#timestamp === null) return;
    this.#dropFragment();
    if (this.#slices === 0) {
      if (this.#used - this.#from > PREFIX_BYTES_MAX) this.#used = this.#from;
      this.#marked = false;
      return;
    }
    const picture = {
      from: this.#from,
      to: this.#used,
      timestamp: this.#timestamp,
      keyframe: this.#keyframe && !this.#damaged,
      damaged: this.#damaged,
    };
    this.#from = this.#used;
    this.#slices = 0;
    this.#keyframe = false;
    this.#damaged = false;
    this.#marked = false;
    this.#onPicture(picture, next);
  }

  #lose(): void {
    if (this.#fragmentAt >= 0) this.#dropFragment();
    // Behind a marker the picture was complete: what is missing belongs to the next.
    if (this.#timestamp !== null && !this.#marked) this.#damaged = true;
  }

  /** Takes back a unit that will not be completed. */
  #dropFragment(): void {
    if (this.#fragmentAt < 0) return;
    this.#used = this.#fragmentAt;
    this.#fragmentAt = -1;
    this.#damaged = true;
  }

  #h264Payload(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 2) return;
    const type = bytes[start]! & 31;
    if (type === H264_STAP_A) this.#aggregate(bytes, start + 1, end);
    else if (type === H264_FU_A) {
      const header = bytes[start + 1]!;
      if (header & 0x80) this.#beginFragment(bytes, start + 2, end, [(bytes[start]! & 0xe0) | (header & 31)]);
      else this.#continueFragment(bytes, start + 2, end);
      if (header & 0x40) this.#endFragment();
    } else if (type >= 1 && type <= 23) this.#unit(bytes, start, end);
  }

  #h265Payload(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 3) return;
    const type = (bytes[start]! >> 1) & 63;
    if (type === H265_AP) this.#aggregate(bytes, start + 2, end);
    else if (type === H265_FU) {
      const header = bytes[start + 2]!;
      const first = (bytes[start]! & 0x81) | ((header & 63) << 1);
      if (header & 0x80) this.#beginFragment(bytes, start + 3, end, [first, bytes[start + 1]!]);
      else this.#continueFragment(bytes, start + 3, end);
      if (header & 0x40) this.#endFragment();
    } else if (type < 48) this.#unit(bytes, start, end);
  }

  #aggregate(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    for (let n = 0; n < UNITS_MAX && end - at > 2; n++) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      at += 2;
      if (length > end - at) {
        this.#damaged = true;
        return;
      }
      if (length > 1) this.#unit(bytes, at, at + length);
      at += length;
    }
  }

  #unit(bytes: Uint8Array, start: number, end: number): void {
    this.#dropFragment();
    this.#look(bytes[start]!, bytes[start + (this.#h265 ? 2 : 1)] ?? 0);
    const length = end - start;
    if (!this.#room(LENGTH_BYTES + length)) return;
    this.#writeLength(this.#used, length);
    this.#bytes.set(bytes.subarray(start, end), this.#used + LENGTH_BYTES);
    this.#used += LENGTH_BYTES + length;
    this.#count(this.#used - length, this.#used);
  }

  #beginFragment(bytes: Uint8Array, start: number, end: number, head: readonly number[]): void {
    this.#dropFragment();
    this.#look(head[0]!, bytes[start] ?? 0);
    if (!this.#room(LENGTH_BYTES + head.length + end - start)) return;
    this.#fragmentAt = this.#used;
    this.#used += LENGTH_BYTES;
    for (const byte of head) this.#bytes[this.#used++] = byte;
    this.#append(bytes, start, end);
  }

  #continueFragment(bytes: Uint8Array, start: number, end: number): void {
    // The beginning is missing: the rest is of no use.
    if (this.#fragmentAt < 0) this.#damaged = true;
    else if (this.#room(end - start)) this.#append(bytes, start, end);
    else this.#dropFragment();
  }

  #endFragment(): void {
    const at = this.#fragmentAt;
    if (at < 0) return;
    this.#fragmentAt = -1;
    this.#writeLength(at, this.#used - at - LENGTH_BYTES);
    this.#count(at + LENGTH_BYTES, this.#used);
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes.set(bytes.subarray(start, end), this.#used);
    this.#used += end - start;
  }

  /** A second first slice behind a marker is another picture of the same time. `slice`: first byte behind the unit's header. */
  #look(header: number, slice: number): void {
    if (this.#marked && this.#slices > 0 && slice & 0x80 && this.#isSlice(header)) this.#end(this.#timestamp);
  }

  #isSlice(header: number): boolean {
    const type = this.#typeOf(header);
    return this.#h265 ? type < 32 : type >= 1 && type <= 5;
  }

  #typeOf(header: number): number {
    return this.#h265 ? (header >> 1) & 63 : header & 31;
  }

  /** A unit is complete. */
  #count(start: number, end: number): void {
    const header = this.#bytes[start]!;
    const type = this.#typeOf(header);
    if (this.#isSlice(header)) {
      this.#slices++;
      if (this.#h265 ? type >= 16 && type <= 23 : type === 5) this.#keyframe = true;
    } else if (!this.#h265 && type === 6 && isRecoveryPoint(this.#bytes, start + 1, end)) this.#keyframe = true;
  }

  #writeLength(at: number, length: number): void {
    this.#bytes[at] = length >>> 24;
    this.#bytes[at + 1] = length >>> 16;
    this.#bytes[at + 2] = length >>> 8;
    this.#bytes[at + 3] = length;
  }

  #room(length: number): boolean {
    const wanted = this.#used + length;
    if (wanted <= this.#bytes.length) return true;
    if (wanted > BYTES_MAX) {
      this.#damaged = true;
      return false;
    }
    const grown = new Uint8Array(Math.min(BYTES_MAX, Math.max(wanted, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
    return true;
  }
}

const SEI_MESSAGES_MAX = 32;
const SEI_RECOVERY_POINT = 6;

/** True where an H.264 SEI unit says that decoding may begin at this very picture: H.264 sections 7.3.2.3.1 and D.1.8. */
function isRecoveryPoint(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  for (let n = 0; n < SEI_MESSAGES_MAX && end - at >= 3; n++) {
    let type = 0;
    while (at < end && bytes[at] === 255) type += bytes[at++]!;
    type += bytes[at++] ?? 0;
    let size = 0;
    while (at < end && bytes[at] === 255) size += bytes[at++]!;
    size += bytes[at++] ?? 0;
    // recovery_frame_cnt = 0 is the single bit 1.
    if (type === SEI_RECOVERY_POINT && at < end) return (bytes[at]! & 0x80) !== 0;
    at += size;
  }
  return false;
}
