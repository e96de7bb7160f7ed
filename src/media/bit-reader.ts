import { malformed } from './errors.ts';

/** Longest Exp-Golomb prefix that can stand for a 32-bit value. */
const GOLOMB_ZEROS_MAX = 32;

/** Reads bits, most significant first, from a NAL unit's payload (emulation bytes already removed). */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Up to 32 bits as an unsigned number. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#bit >> 3];
      if (byte === undefined) throw malformed('a parameter set that is cut short');
      value = value * 2 + ((byte >> (7 - (this.#bit & 7))) & 1);
      this.#bit++;
    }
    return value;
  }

  skip(count: number): void {
    this.#bit += count;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** `ue(v)`: unsigned Exp-Golomb. */
  ue(): number {
    let zeros = 0;
    while (!this.flag()) {
      if (++zeros > GOLOMB_ZEROS_MAX) throw malformed('an Exp-Golomb code without end');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** `se(v)`: signed Exp-Golomb. */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
