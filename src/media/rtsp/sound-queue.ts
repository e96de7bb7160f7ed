import type { SampleRun } from '../fragment-writer.ts';

/** Frames and bytes that wait for the picture they go with: several seconds of any sound a camera sends. */
const FRAMES_MAX = 512;
const BYTES_MAX = 256 * 1024;
const BYTES_FIRST = 16 * 1024;
/** Frames follow each other without a hole while their timestamps agree with that to this. */
const HOLE_S = 0.1;
/** What a camera says of picture and sound is believed if it is not further from what their arrival says. */
const BELIEVED_S = 2;
/** Sound that lies back this long, in frames, is placed anew. */
const LATE_FRAMES_MAX = 100;

/** One frame's place, as its packet tells. */
export interface SoundPlace {
  /** 32 bits. */
  timestamp: number;
  /** In ticks. */
  duration: number;
  /** Where the picture stands now, seconds since its beginning. */
  nowSeconds: number;
}

/**
 * Sound between its packets and the fragment it goes into: frames tile, holes lengthen the frame before them, and what would lie
 * before the picture's beginning or over other sound is dropped. Bounded; what comes while it is full is dropped.
 */
export class SoundQueue {
  readonly #rate: number;
  readonly #durations = new Uint32Array(FRAMES_MAX);
  readonly #sizes = new Uint32Array(FRAMES_MAX);
  #data = new Uint8Array(BYTES_FIRST);
  #bytes = 0;
  #count = 0;
  #startTicks = 0;
  #endTicks = 0;
  /** A timestamp and the time of the picture it belongs to, in our ticks since the picture's beginning. */
  #anchor: { timestamp: number; ticks: number } | null = null;
  /** The same as the camera told it, not used yet. */
  #told: { timestamp: number; ticks: number } | null = null;
  #late = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** The frame with this timestamp belongs to the moment `seconds` of the picture: believed if sound of now then lies near its picture. */
  align(seconds: number, timestamp: number): void {
    this.#told = { timestamp, ticks: Math.round(seconds * this.#rate) };
  }

  push(bytes: Uint8Array, start: number, end: number, { timestamp, duration, nowSeconds }: SoundPlace): void {
    // A frame is heard when it is over: its beginning lies its own length back.
    const guess = Math.round(nowSeconds * this.#rate) - duration;
    const told = this.#told && placeBy(this.#told, timestamp);
    this.#told = null;
    const believed = told !== null && Math.abs(told - guess) <= BELIEVED_S * this.#rate;
    const ticks = believed ? told : this.#anchor ? placeBy(this.#anchor, timestamp) : guess;
    this.#anchor = { timestamp, ticks };
    const aside = ticks - this.#endTicks;
    if (ticks < 0 || aside < -HOLE_S * this.#rate || Math.abs(ticks - guess) > BELIEVED_S * this.#rate) {
      if (++this.#late > LATE_FRAMES_MAX) this.#anchor = null;
      return;
    }
    this.#late = 0;
    if (aside > HOLE_S * this.#rate || (this.#endTicks === 0 && aside > 0)) this.#skip(aside);
    if (this.#count === FRAMES_MAX || !this.#room(end - start)) return;
    if (this.#count === 0) this.#startTicks = this.#endTicks;
    this.#data.set(bytes.subarray(start, end), this.#bytes);
    this.#bytes += end - start;
    this.#durations[this.#count] = duration;
    this.#sizes[this.#count++] = end - start;
    this.#endTicks += duration;
  }

  /** What waits, as views that are good until `clear`; null where nothing does. */
  take(): SampleRun | null {
    if (this.#count === 0) return null;
    return {
      decodeTime: this.#startTicks,
      durations: this.#durations,
      sizes: this.#sizes,
      count: this.#count,
      data: this.#data.subarray(0, this.#bytes),
    };
  }

  clear(): void {
    this.#count = 0;
    this.#bytes = 0;
  }

  #skip(ticks: number): void {
    if (this.#count > 0) this.#durations[this.#count - 1]! += ticks;
    this.#endTicks += ticks;
  }

  #room(length: number): boolean {
    const wanted = this.#bytes + length;
    if (wanted <= this.#data.length) return true;
    if (wanted > BYTES_MAX) return false;
    const grown = new Uint8Array(Math.min(BYTES_MAX, Math.max(wanted, this.#data.length * 2)));
    grown.set(this.#data.subarray(0, this.#bytes));
    this.#data = grown;
    return true;
  }
}

function placeBy(anchor: { timestamp: number; ticks: number }, timestamp: number): number {
  return anchor.ticks + ((timestamp - anchor.timestamp) | 0);
}
