import { equalBytesConstantTime } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import type { Clock, Random } from '../platform/index.ts';
import { cookieOf } from '../protocol/index.ts';
import { SWARM_TIMES } from './limits.ts';

/** Gives cookies to addresses and knows them again, remembering two secrets and nothing else. */
export class Cookies {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hashes: Hashes;
  #secret: Uint8Array | null = null;
  #before: Uint8Array | null = null;
  #madeMs = 0;

  constructor({ clock, random, hashes }: { clock: Clock; random: Random; hashes: Hashes }) {
    this.#clock = clock;
    this.#random = random;
    this.#hashes = hashes;
  }

  /** The cookie for an address (`host:port`) and its 16-byte nonce. */
  give(address: string, nonce: Uint8Array): Uint8Array<ArrayBuffer> {
    return cookieOf(this.#hashes, this.#current(), address, nonce);
  }

  /** True for a cookie given to this address and nonce within the last two to four minutes. */
  knows(cookie: Uint8Array, address: string, nonce: Uint8Array): boolean {
    if (equalBytesConstantTime(this.give(address, nonce), cookie)) return true;
    return (
      this.#before !== null && equalBytesConstantTime(cookieOf(this.#hashes, this.#before, address, nonce), cookie)
    );
  }

  #current(): Uint8Array {
    const nowMs = this.#clock.monotonic();
    const ageMs = nowMs - this.#madeMs;
    if (this.#secret && ageMs < SWARM_TIMES.cookie) return this.#secret;
    // A secret that slept too long is not even good as the one before.
    this.#before = ageMs < 2 * SWARM_TIMES.cookie ? this.#secret : null;
    this.#madeMs = nowMs;
    this.#secret = this.#random.bytes(32);
    return this.#secret;
  }
}
