import { assert } from '../errors.ts';
import { CREDIT_MAX } from './frame.ts';

/** Credit of a fresh stream and of a fresh channel, bytes of DATA bodies. */
export const STREAM_CREDIT = 256 * 1024;
export const CHANNEL_CREDIT = 2 * 1024 * 1024;
/** Streams open at once. */
export const STREAMS_MAX = 32;

/** What a sender may still send. Pure counting; the sender asks before each DATA frame. */
export class SendCredit {
  #left: number;

  constructor(initial: number) {
    this.#left = initial;
  }

  get left(): number {
    return this.#left;
  }

  spend(bytes: number): void {
    assert(bytes <= this.#left, 'DATA within credit');
    this.#left -= bytes;
  }

  /** Adds what a WINDOW frame gave; false where the sum is beyond the limit, which ends the channel. */
  grant(bytes: number): boolean {
    this.#left += bytes;
    return this.#left <= CREDIT_MAX;
  }
}

/**
 * What a receiver has allowed, seen and not yet given back. Small returns are saved up, so that a WINDOW frame is sent for
 * every quarter of a window read, not for every unit.
 */
export class ReceiveCredit {
  readonly #step: number;
  #left: number;
  #owed = 0;

  constructor(initial: number) {
    this.#left = initial;
    this.#step = Math.floor(initial / 4);
  }

  /** Counts arrived bytes; false where the sender went beyond its credit, which ends the channel. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Counts bytes that need no more room; gives the credit to send now, or 0. */
  release(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed < this.#step) return 0;
    const due = this.#owed;
    this.#owed = 0;
    this.#left += due;
    return due;
  }
}

/** After how much one key of one direction is stepped. */
export interface RekeyLimits {
  frames: number;
  bytes: number;
  ageMs: number;
}

/** 2^20 frames, 1 GiB, 10 minutes: whichever comes first. */
export const REKEY_LIMITS: Readonly<RekeyLimits> = { frames: 2 ** 20, bytes: 2 ** 30, ageMs: 600_000 };

/** Tells when the key of a sending direction is due. Pure; monotonic time is handed in. */
export class RekeyMeter {
  readonly #limits: RekeyLimits;
  #frames = 0;
  #bytes = 0;
  #sinceMs: number;

  constructor(limits: RekeyLimits, nowMs: number) {
    this.#limits = limits;
    this.#sinceMs = nowMs;
  }

  /** True when a frame of `bytes` may no longer go out under this key (one frame is kept for REKEY itself). */
  isDue(bytes: number, nowMs: number): boolean {
    const { frames, bytes: bytesMax, ageMs } = this.#limits;
    if (this.#frames === 0) return false;
    return this.#frames + 1 >= frames || this.#bytes + bytes > bytesMax || nowMs - this.#sinceMs >= ageMs;
  }

  count(bytes: number): void {
    this.#frames++;
    this.#bytes += bytes;
  }

  restart(nowMs: number): void {
    this.#frames = 0;
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }
}
