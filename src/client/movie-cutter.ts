import { concatBytes } from '../bytes/index.ts';
import { NvrError } from '../errors.ts';
import { readBoxHead } from '../media/index.ts';

/** One piece of a movie that is used as a whole; `offset` counts from the first byte pushed. */
export interface MoviePiece {
  kind: 'init' | 'fragment';
  /** `ftyp` + `moov`, or `prft`? + `moof` + `mdat`. */
  bytes: Uint8Array<ArrayBuffer>;
  offset: number;
}

/** Most bytes of one piece; a fragment is at most 200 ms of picture. */
const PIECE_BYTES_MAX = 32 * 1024 * 1024;
/** Boxes that belong to a piece; all others are passed over without being kept. */
const KEPT = new Set(['ftyp', 'moov', 'prft', 'moof', 'mdat']);

/**
 * Cuts the plaintext of a segment, or of any fragmented MP4, into its init segment and fragments, whatever the borders of
 * the bytes it is given. Holds one piece at most. Throws `ERR_CLIENT_MEDIA` and media's
 * errors (all `corrupt`).
 */
export class MovieCutter {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #offset = 0;
  #pieceOffset = 0;
  #piece: Uint8Array[] = [];
  #pieceBytes = 0;
  /** The last kept box of the piece. */
  #pieceType = '';
  #left = 0;
  #type = '';
  #ended = false;

  /** True once the closing `mfra` was reached: nothing of interest follows. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True where the bytes so far end between two pieces. */
  get whole(): boolean {
    return this.#waitingBytes === 0 && this.#left === 0 && this.#pieceBytes === 0;
  }

  /** Gives the pieces that `bytes` completes, in order. */
  *push(bytes: Uint8Array): Generator<MoviePiece> {
    let at = 0;
    while (at < bytes.length && !this.#ended) {
      if (this.#left === 0) {
        at += this.#readHead(bytes.subarray(at));
        if (this.#waitingBytes > 0) continue;
      } else {
        const step = Math.min(this.#left, bytes.length - at);
        this.#take(bytes.subarray(at, at + step));
        at += step;
      }
      const piece = this.#left === 0 ? this.#finishBox() : null;
      if (piece) yield piece;
    }
  }

  /** Collects a box's head (8 or 16 bytes, perhaps over several pushes); gives how many of `bytes` it used. */
  #readHead(bytes: Uint8Array): number {
    const had = this.#waitingBytes;
    const start = concatBytes(...this.#waiting, bytes.subarray(0, 16 - had));
    const head = readBoxHead(start);
    if (!head) {
      const used = start.length - had;
      this.#waiting = [start];
      this.#waitingBytes = start.length;
      return used;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#begin(head.type, head.sizeBytes);
    this.#take(start.subarray(0, head.headBytes));
    return head.headBytes - had;
  }

  #begin(type: string, size: number): void {
    if (type === 'mfra') this.#ended = true;
    this.#type = type;
    this.#left = size;
    if (!KEPT.has(type)) return;
    if (type === 'ftyp' || type === 'prft' || (type === 'moof' && this.#pieceType !== 'prft')) this.#dropPiece();
    if (this.#pieceBytes === 0) this.#pieceOffset = this.#offset;
    if (this.#pieceBytes + size > PIECE_BYTES_MAX) throw damaged(`a piece above ${PIECE_BYTES_MAX} bytes`);
  }

  #take(bytes: Uint8Array): void {
    this.#offset += bytes.length;
    this.#left -= bytes.length;
    if (!KEPT.has(this.#type)) return;
    this.#piece.push(bytes);
    this.#pieceBytes += bytes.length;
  }

  #finishBox(): MoviePiece | null {
    if (!KEPT.has(this.#type)) return null;
    const before = this.#pieceType;
    this.#pieceType = this.#type;
    if (this.#type === 'moov') return this.#finishPiece('init');
    if (this.#type !== 'mdat') return null;
    if (before !== 'moof') throw damaged('mdat without moof');
    return this.#finishPiece('fragment');
  }

  #finishPiece(kind: MoviePiece['kind']): MoviePiece {
    const piece = { kind, bytes: concatBytes(...this.#piece), offset: this.#pieceOffset };
    this.#dropPiece();
    return piece;
  }

  #dropPiece(): void {
    this.#piece = [];
    this.#pieceBytes = 0;
    this.#pieceType = '';
  }
}

/** What is wrong with the media inside a segment or a live stream. */
export function damaged(what: string): NvrError {
  return new NvrError('ERR_CLIENT_MEDIA', 'corrupt', `expected fragmented MP4, found ${what}`);
}
