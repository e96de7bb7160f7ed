import type { Track } from '../media/index.ts';
import type { GapCause } from '../protocol/index.ts';

/** What a subscriber of a stream gets, in order: `init`, fragments (the first a keyframe), `gap`, `init`, and so on. */
export type LiveUnit = LiveInit | LiveFragment | LiveGap;

/** A run begins (or one was running already): what a decoder needs before its fragments. */
export interface LiveInit {
  kind: 'init';
  /** Run id, hex. */
  run: string;
  bytes: Uint8Array;
  tracks: Track[];
  /** Wall time of the run's first sample, whole µs since the epoch. */
  startUs: number;
}

/** One captured fragment; the very bytes the vault seals, shared and never changed. */
export interface LiveFragment {
  kind: 'fragment';
  run: string;
  bytes: Uint8Array;
  keyframe: boolean;
  /** Whole µs since the epoch. */
  startUs: number;
  endUs: number;
  /** Fragments left out in front of this one because the subscriber was slow; it starts with a keyframe then. */
  dropped: number;
}

/** The run ended; nothing comes until the next `init`. */
export interface LiveGap {
  kind: 'gap';
  run: string;
  cause: GapCause;
  /** Wall time at which the picture ended, whole µs since the epoch. */
  startUs: number;
}
