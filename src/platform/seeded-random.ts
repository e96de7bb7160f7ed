import type { Random } from './random.ts';

/** Reproducible chance for tests and simulations (xorshift128+ seeded by splitmix64). Never for keys. */
export class SeededRandom implements Random {
  #a: bigint;
  #b: bigint;

  constructor(seed: number) {
    let state = BigInt.asUintN(64, BigInt(seed) * 0x9e37_79b9_7f4a_7c15n + 0x1234_5678_9abc_def1n);
    const next = () => {
      state = BigInt.asUintN(64, state + 0x9e37_79b9_7f4a_7c15n);
      let z = state;
      z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
      z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
      return z ^ (z >> 31n);
    };
    this.#a = next() || 1n;
    this.#b = next() || 2n;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 8) {
      let word = this.#next();
      for (let k = i; k < Math.min(i + 8, length); k++) {
        out[k] = Number(word & 255n);
        word >>= 8n;
      }
    }
    return out;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    const word = this.bytes(6).reduce((sum, byte) => sum * 256 + byte, 0);
    return word % limit;
  }

  #next(): bigint {
    let a = this.#a;
    const b = this.#b;
    this.#a = b;
    a = BigInt.asUintN(64, a ^ (a << 23n));
    this.#b = a ^ b ^ (a >> 17n) ^ (b >> 26n);
    return BigInt.asUintN(64, this.#b + b);
  }
}
