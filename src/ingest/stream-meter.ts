import type { Fragment, Track } from '../media/index.ts';

/** Figures of the running picture, measured over the last seconds. */
export interface StreamFigures {
  bitsPerSecond: number | null;
  framesPerSecond: number | null;
  /** Between the last two keyframes. */
  gopMs: number | null;
}

/** How much of the past the figures speak of. */
const WINDOW_US = 10_000_000;
const ENTRIES_MAX = 1_000;

/** Counts bytes and samples over a sliding window of media time; memory is bounded. */
export class StreamMeter {
  #entries: { atUs: number; lengthUs: number; sizeBytes: number; samples: number }[] = [];
  #keyframeUs: number | null = null;
  #gopMs: number | null = null;

  /** Takes a fragment whose video reaches from `startUs` on for `lengthUs`. */
  add(fragment: Fragment, video: Track, startUs: number, lengthUs: number): void {
    const samples = fragment.tracks.find((track) => track.id === video.id)?.sampleCount ?? 0;
    this.#entries.push({ atUs: startUs, lengthUs, sizeBytes: fragment.bytes.length, samples });
    while (this.#entries.length > ENTRIES_MAX || this.#entries[0]!.atUs < startUs - WINDOW_US) this.#entries.shift();
    if (!fragment.keyframe) return;
    if (this.#keyframeUs !== null) this.#gopMs = Math.round((startUs - this.#keyframeUs) / 1000);
    this.#keyframeUs = startUs;
  }

  figures(): StreamFigures {
    const lengthUs = this.#entries.reduce((sum, each) => sum + each.lengthUs, 0);
    if (lengthUs === 0) return { bitsPerSecond: null, framesPerSecond: null, gopMs: this.#gopMs };
    const sizeBytes = this.#entries.reduce((sum, each) => sum + each.sizeBytes, 0);
    const samples = this.#entries.reduce((sum, each) => sum + each.samples, 0);
    return {
      bitsPerSecond: Math.round((sizeBytes * 8 * 1_000_000) / lengthUs),
      framesPerSecond: Math.round((samples * 1_000_000_00) / lengthUs) / 100,
      gopMs: this.#gopMs,
    };
  }

  /** Forgets a run that ended. */
  clear(): void {
    this.#entries = [];
    this.#keyframeUs = null;
    this.#gopMs = null;
  }
}
