import { randomFillSync } from 'node:crypto';
import type { Random } from '../random.ts';

/** Chance from the system's generator, through OpenSSL. Throws when there is none; never falls back. */
export function createNodeRandom(): Random {
  return { bytes: (length) => randomFillSync(new Uint8Array(length)) };
}
