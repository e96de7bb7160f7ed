import { assert } from '../errors.ts';

/**
 * Writes big-endian fields into a byte string of a size known beforehand.
 *
 * Writing past the end, and finishing short of it, are our own faults and assert.
 */
export class ByteWriter {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #offset = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get offset(): number {
    return this.#offset;
  }

  u8(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xff, 'u8 in range');
    this.#view.setUint8(this.#take(1), value);
    return this;
  }

  u16(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, 'u16 in range');
    this.#view.setUint16(this.#take(2), value);
    return this;
  }

  u32(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'u32 in range');
    this.#view.setUint32(this.#take(4), value);
    return this;
  }

  /** An unsigned 64-bit number; a `number` must be a whole one below 2^53. */
  u64(value: number | bigint): this {
    assert(typeof value === 'bigint' || (Number.isSafeInteger(value) && value >= 0), 'u64 in range');
    this.#view.setBigUint64(this.#take(8), BigInt(value));
    return this;
  }

  bytes(value: Uint8Array, length: number = value.length): this {
    assert(value.length === length, `a field of ${length} bytes, not ${value.length}`);
    this.#bytes.set(value, this.#take(length));
    return this;
  }

  zeros(length: number): this {
    this.#take(length);
    return this;
  }

  /** What has been written so far, as a view. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#offset);
  }

  /** The whole byte string; asserts that it is full. */
  finish(): Uint8Array<ArrayBuffer> {
    assert(this.#offset === this.#bytes.length, `a full byte string (${this.#offset} of ${this.#bytes.length})`);
    return this.#bytes;
  }

  #take(length: number): number {
    assert(this.#offset + length <= this.#bytes.length, 'room for the field');
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}
