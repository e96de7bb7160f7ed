import type { Track } from '../media/index.ts';
import { type GapFacts, type SegmentFacts, TIME_AT_MAX, type TrackFacts } from '../protocol/index.ts';
import type { StoredGap, StoredSegment } from '../vault/index.ts';

/** Wire time of a stored time: whole ms, rounded down, so that neighbours still touch. */
export function atOf(us: number): number {
  return Math.min(Math.max(0, Math.floor(us / 1000)), TIME_AT_MAX);
}

/** Stored time of a wire time. */
export function usOf(at: number): number {
  return at * 1000;
}

/** What may be told of a track; decoder configurations stay in the init segment. */
export function trackFacts(tracks: readonly Track[]): TrackFacts[] {
  return tracks.slice(0, 2).map(({ id, kind, format, codec, timescale, width, height, sampleRate, channels }) => ({
    id,
    kind,
    format: printable(format, 4),
    codec: printable(codec, 64),
    timescale,
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
  }));
}

/** What may be told of a stored segment. */
export function segmentFacts(segment: StoredSegment): SegmentFacts {
  const { id, streamId, seq, startUs, endUs, sizeBytes, state, epochId, epochKeyId, run } = segment;
  const [startAt, endAt] = [atOf(startUs), atOf(endUs)];
  const key = epochKeyId === '' ? {} : { epochKeyId };
  return { id, streamId, seq, startAt, endAt, size: sizeBytes, state, epochId, ...key, run };
}

export function gapFacts({ cause, startUs, endUs }: StoredGap): GapFacts {
  return { cause, startAt: atOf(startUs), endAt: endUs === null ? null : atOf(endUs) };
}

/** Text of a camera or a library, cut to printable ASCII. */
export function printable(text: string, lengthMax: number): string {
  return text.replace(/[^\x20-\x7e]/g, '').slice(0, lengthMax);
}
