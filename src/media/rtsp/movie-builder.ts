import type { Fragment } from '../fragment.ts';
import { type SampleRun, writeFragment } from '../fragment-writer.ts';
import { type ParsedInit, parseInitSegment } from '../init-segment.ts';
import { type AudioDescription, writeInitSegment } from '../init-writer.ts';
import { nalUnits, parameterSetKind } from '../parameter-sets.ts';
import { type AssembledPicture, PictureAssembler } from './picture-assembler.ts';
import { SoundQueue } from './sound-queue.ts';

/** Why a stream cannot go on as it began. */
export type MovieTrouble =
  /** Timestamps jumped. */
  | 'jump'
  /** Pictures come in another order than they are shown: not for this builder. */
  | 'reordered'
  /** No keyframe came with parameter sets that can be read. */
  | 'undescribed';

export interface MovieListener {
  onInit(init: ParsedInit): void;
  onFragment(fragment: Fragment): void;
  /** Nothing follows. */
  onTrouble(trouble: MovieTrouble): void;
}

export interface MovieOptions {
  codec: 'H264' | 'H265';
  /** Of the description: used for what a keyframe does not bring itself. */
  parameterSets: readonly Uint8Array[];
  audio: AudioDescription | null;
}

/** Ticks per second of pictures, in H.264 and H.265 alike (RFC 6184 section 8.2.1, RFC 7798 section 7.1). */
export const VIDEO_RATE = 90_000;
/** Longest fragment of several pictures. */
const FRAGMENT_TICKS = VIDEO_RATE / 5;
const SAMPLES_MAX = 256;
/** As the timeline takes it: further ahead of its arrival, or further back, is a jump. */
const AHEAD_S_MAX = 3;
const BACK_TICKS_MAX = VIDEO_RATE;
/** So many pictures with an earlier time than one before them, within so many pictures, are an order and no disorder. */
const REORDERED_MAX = 3;
const REORDERED_WINDOW = 100;
/** Of the last picture of a stream, where none tells. */
const LAST_TICKS = VIDEO_RATE / 25;
const UNDESCRIBED_MAX = 5;

/**
 * Makes fragmented MP4 of the packets of one picture and one sound: an init segment at the first keyframe that can be described,
 * then fragments of at most 200 ms, each keyframe beginning one.
 *
 * A picture lasts until the next one's timestamp, so it is written when that one begins. Times are whole sums of durations and
 * tile exactly. Holds one fragment and one picture; nothing else grows.
 */
export class MovieBuilder {
  readonly assembler: PictureAssembler;
  readonly #options: MovieOptions;
  readonly #listener: MovieListener;
  readonly #sound: SoundQueue | null;
  readonly #durations = new Uint32Array(SAMPLES_MAX);
  readonly #sizes = new Uint32Array(SAMPLES_MAX);
  #count = 0;
  /** Decode time of the fragment's first picture, and of the next one, since the first keyframe. */
  #startTicks = 0;
  #endTicks = 0;
  #keyframe = false;
  /** Bytes of the fragment in the assembler. */
  #bytes = 0;
  #init: ParsedInit | null = null;
  #sequence = 1;
  /** Timestamp of the first keyframe, and the newest one, both counted on beyond 32 bits. */
  #originTicks = 0;
  #newest: { ticks: number; timestamp: number; arrivalMs: number } | null = null;
  #alignment: { videoTimestamp: number; audioTimestamp: number } | null = null;
  #arrivalMs = 0;
  #lastDuration = LAST_TICKS;
  #pictures = 0;
  #backward: number[] = [];
  #undescribed = 0;
  #over = false;

  constructor(options: MovieOptions, listener: MovieListener) {
    this.#options = options;
    this.#listener = listener;
    this.assembler = new PictureAssembler(options.codec, (picture, next) => this.#picture(picture, next));
    this.#sound = options.audio ? new SoundQueue(options.audio.timescale) : null;
  }

  /** Sets the moment at which what is pushed next arrived, monotonic ms. */
  arrived(nowMs: number): void {
    this.#arrivalMs = nowMs;
  }

  /** Says which timestamps of picture and sound (32 bits) belong to the same moment. */
  align(videoTimestamp: number, audioTimestamp: number): void {
    this.#alignment = { videoTimestamp, audioTimestamp };
  }

  /** One frame of sound with its timestamp (32 bits) and length in ticks. Before the first picture it is passed over. */
  sound(bytes: Uint8Array, start: number, end: number, timestamp: number, duration: number): void {
    const newest = this.#newest;
    if (!this.#sound || !newest) return;
    if (this.#alignment) {
      const { videoTimestamp, audioTimestamp } = this.#alignment;
      const ticks = newest.ticks + ((videoTimestamp - newest.timestamp) | 0) - this.#originTicks;
      this.#sound.align(ticks / VIDEO_RATE, audioTimestamp);
      this.#alignment = null;
    }
    // Where the picture stands now, guessed from when its last part arrived.
    const seconds = (newest.ticks - this.#originTicks) / VIDEO_RATE;
    const nowSeconds = seconds + (this.#arrivalMs - newest.arrivalMs) / 1000;
    this.#sound.push(bytes, start, end, { timestamp, duration, nowSeconds });
  }

  /** The stream is over: gives what is there. */
  finish(): void {
    this.assembler.finish();
    this.#flush();
  }

  #picture(picture: AssembledPicture, next: number | null): void {
    if (this.#over) return;
    if (!this.#init && !(picture.keyframe && this.#begin(picture))) {
      this.assembler.consume(picture.to);
      return;
    }
    const ends = this.#advance(next);
    if (ends === null) return;
    const sizeBytes = picture.to - picture.from;
    const duration = Math.max(1, ends - this.#endTicks);
    const lengthTicks = this.#endTicks + duration - this.#startTicks;
    if (this.#count > 0 && (picture.keyframe || lengthTicks > FRAGMENT_TICKS || this.#count === SAMPLES_MAX)) {
      this.#flush();
    }
    if (this.#count === 0) {
      this.#startTicks = this.#endTicks;
      this.#keyframe = picture.keyframe;
    }
    this.#durations[this.#count] = duration;
    this.#sizes[this.#count++] = sizeBytes;
    this.#bytes += sizeBytes;
    this.#endTicks += duration;
    this.#lastDuration = duration;
    // Where one more of the same length would be too much, nothing is gained by waiting for it.
    if (this.#endTicks + duration - this.#startTicks > FRAGMENT_TICKS) this.#flush();
  }

  /** Decode time at which the picture that just ended gives way to the next; null where the stream cannot go on. */
  #advance(next: number | null): number | null {
    const newest = this.#newest!;
    if (next === null) return this.#endTicks + this.#lastDuration;
    const delta = (next - newest.timestamp) | 0;
    const aheadS = delta / VIDEO_RATE - (this.#arrivalMs - newest.arrivalMs) / 1000;
    if (delta < -BACK_TICKS_MAX || aheadS > AHEAD_S_MAX) return this.#trouble('jump');
    this.#pictures++;
    if (delta < 0) {
      this.#backward = this.#backward.filter((at) => this.#pictures - at < REORDERED_WINDOW);
      this.#backward.push(this.#pictures);
      if (this.#backward.length >= REORDERED_MAX) return this.#trouble('reordered');
    } else {
      newest.ticks += delta;
      newest.timestamp = next;
    }
    newest.arrivalMs = this.#arrivalMs;
    return newest.ticks - this.#originTicks;
  }

  #trouble(trouble: MovieTrouble): null {
    this.#over = true;
    this.#flush();
    this.#listener.onTrouble(trouble);
    return null;
  }

  /** The first keyframe: describes the stream by its own parameter sets, and by those of the description where it has none. */
  #begin({ from, to, timestamp }: AssembledPicture): boolean {
    const { codec, parameterSets, audio } = this.#options;
    const format = codec === 'H264' ? 'avc1' : 'hvc1';
    const own: Uint8Array[] = [];
    for (const unit of nalUnits(this.assembler.bytes.subarray(from, to), 4)) {
      if (parameterSetKind(format, unit) !== null && !own.some((known) => same(known, unit))) own.push(unit.slice());
    }
    const kinds = new Set(own.map((unit) => parameterSetKind(format, unit)));
    const sets = [...own, ...parameterSets.filter((unit) => !kinds.has(parameterSetKind(format, unit)))];
    try {
      this.#init = parseInitSegment(writeInitSegment({ codec, timescale: VIDEO_RATE, parameterSets: sets }, audio));
    } catch {
      // A description that is no good does not matter where a later keyframe brings its own.
      if (++this.#undescribed >= UNDESCRIBED_MAX) this.#trouble('undescribed');
      return false;
    }
    this.#originTicks = timestamp;
    this.#newest = { ticks: timestamp, timestamp, arrivalMs: this.#arrivalMs };
    this.#listener.onInit(this.#init);
    return true;
  }

  #flush(): void {
    if (this.#count === 0) return;
    const video: SampleRun = {
      decodeTime: this.#startTicks,
      durations: this.#durations,
      sizes: this.#sizes,
      count: this.#count,
      data: this.assembler.bytes.subarray(0, this.#bytes),
    };
    const sound = this.#sound?.take() ?? null;
    const fragment = writeFragment(this.#sequence++, video, this.#keyframe, sound);
    this.#sound?.clear();
    this.assembler.consume(this.#bytes);
    this.#count = 0;
    this.#bytes = 0;
    this.#listener.onFragment(fragment);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
