import type { Cameras } from './cameras.ts';

/** One moment of one stream. */
export interface Sample {
  /** Epoch ms. */
  at: number;
  /** Null where nothing was told: the stream does not run, or the node was away. */
  bitsPerSecond: number | null;
  framesPerSecond: number | null;
}

/** Every sample of the last ten minutes; beyond it one for each 30 seconds, over 24 hours. */
const FINE_MS = 10 * 60_000;
const COARSE_STEP_MS = 30_000;
const COARSE_MS = 24 * 3_600_000;
/** Two samples closer than this are one. */
const CLOSE_MS = 1_000;
/** Most samples kept of one stream: 600 fine ones, 2,880 coarse ones. */
export const SAMPLES_MAX = FINE_MS / CLOSE_MS + COARSE_MS / COARSE_STEP_MS;
/** Most streams whose history is kept; the one that was silent longest goes first. */
export const STREAMS_MAX = 512;

/** Means of a stretch while it fills. */
interface Bin {
  start: number;
  bits: number;
  frames: number;
  /** Samples with a value; none where it was away all the time. */
  count: number;
}

/** What became of one stream, bounded: fine for the last minutes, coarse for a day. */
export class StreamSamples {
  readonly #fine: Sample[] = [];
  readonly #coarse: Sample[] = [];
  #bin: Bin | null = null;

  /** Samples come in order; one that is not later than the last is left out. */
  add(sample: Sample): void {
    const last = this.#fine.at(-1);
    if (last && sample.at - last.at < CLOSE_MS) return;
    this.#fine.push(sample);
    while (this.#fine[0]!.at < sample.at - FINE_MS) this.#thin(this.#fine.shift()!);
    while (this.#coarse[0] && this.#coarse[0].at < sample.at - COARSE_MS) this.#coarse.shift();
  }

  /** Everything there is from `from` on, in order. */
  since(from: number): Sample[] {
    const rest = this.#bin ? [sampleOf(this.#bin)] : [];
    return [...this.#coarse, ...rest, ...this.#fine].filter(({ at }) => at >= from);
  }

  get lastAt(): number {
    return this.#fine.at(-1)?.at ?? 0;
  }

  get size(): number {
    return this.#fine.length + this.#coarse.length;
  }

  #thin({ at, bitsPerSecond, framesPerSecond }: Sample): void {
    const start = Math.floor(at / COARSE_STEP_MS) * COARSE_STEP_MS;
    if (this.#bin && this.#bin.start !== start) {
      this.#coarse.push(sampleOf(this.#bin));
      this.#bin = null;
    }
    this.#bin ??= { start, bits: 0, frames: 0, count: 0 };
    if (bitsPerSecond === null) return;
    this.#bin.bits += bitsPerSecond;
    this.#bin.frames += framesPerSecond ?? 0;
    this.#bin.count++;
  }
}

/** Histories by stream, bounded in number. */
export class History {
  readonly #streams = new Map<string, StreamSamples>();

  /** `key` names the stream over all nodes. */
  add(key: string, sample: Sample): void {
    const known = this.#streams.get(key) ?? new StreamSamples();
    // A map keeps the order of coming: whoever spoke last stands last.
    this.#streams.delete(key);
    this.#streams.set(key, known);
    known.add(sample);
    if (this.#streams.size > STREAMS_MAX) this.#streams.delete(this.#streams.keys().next().value!);
  }

  of(key: string): StreamSamples | null {
    return this.#streams.get(key) ?? null;
  }

  get count(): number {
    return this.#streams.size;
  }
}

/** Columns for a plot: times in seconds since 1970, then one value of each series or null. A hole longer than `holeMs` gets a null between. */
export function columns(
  samples: readonly Sample[],
  pick: (sample: Sample) => number | null,
  holeMs: number,
): [number[], (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  let last = Number.NaN;
  for (const sample of samples) {
    if (sample.at - last > holeMs) {
      times.push((last + 1) / 1_000);
      values.push(null);
    }
    times.push(sample.at / 1_000);
    values.push(pick(sample));
    last = sample.at;
  }
  return [times, values];
}

function sampleOf({ start, bits, frames, count }: Bin): Sample {
  const at = start + COARSE_STEP_MS / 2;
  if (count === 0) return { at, bitsPerSecond: null, framesPerSecond: null };
  return { at, bitsPerSecond: bits / count, framesPerSecond: frames / count };
}

/** Keeps what the cameras' recorders tell, for as long as the page is open. Asks nothing itself. */
export function keepHistory(cameras: Cameras, now: () => number = Date.now): History {
  const history = new History();
  cameras.all.subscribe(() => {
    const at = now();
    for (const { key, streams, states, reachable } of cameras.all.get()) {
      for (const { stream } of streams) {
        const state = reachable ? states[stream] : undefined;
        const runs = state?.state === 'running';
        history.add(`${key}/${stream}`, {
          at,
          bitsPerSecond: runs ? (state.bitsPerSecond ?? null) : null,
          framesPerSecond: runs ? (state.framesPerSecond ?? null) : null,
        });
      }
    }
  });
  return history;
}
