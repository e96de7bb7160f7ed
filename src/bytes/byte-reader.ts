import { NvrError } from '../errors.ts';

/**
 * Reads big-endian fields from the front of a byte string.
 *
 * Every read past the end throws `ERR_BYTES_SHORT` (`corrupt`); parsers that must be total check `left` first or catch it
 * at their one entry. `bytes(n)` gives a view, not a copy.
 */
export class ByteReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** An unsigned 64-bit number as a `bigint`. */
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** An unsigned 64-bit number that must be exact as a `number` (below 2^53). */
  u64Number(): number {
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new NvrError('ERR_BYTES_RANGE', 'corrupt', `expected a number below 2^53 at byte ${this.#offset - 8}`);
    }
    return Number(value);
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): number {
    if (length < 0 || this.left < length) {
      throw new NvrError(
        'ERR_BYTES_SHORT',
        'corrupt',
        `expected ${length} bytes at ${this.#offset}, found ${this.left}`,
      );
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}
