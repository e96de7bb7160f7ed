import type { CapturedFragment, Run, Track } from '../media/index.ts';
import type { Startable } from '../platform/index.ts';
import type { GapCause, SegmentId, SourceId, StreamId, StreamName } from '../protocol/index.ts';
import type { VaultOptions } from './options.ts';
import type { RewrapPage, RewrapRequest } from './rewrap.ts';

/** The whole sealed store. Made by `createVault(deps, options)`; other rooms know it by this contract only. */
export interface Vault extends Startable {
  /** What start-up found and mended; null before `start` has resolved. */
  readonly recovery: RecoveryReport | null;
  /** The writer of one stream. One at a time per stream; `release` it before another is opened. */
  openStream(stream: StreamPlace): StreamWriter;
  /** Segments whose time touches [fromUs, toUs), by start, those being recorded included; `cursor` continues a listing. */
  list(query: SegmentQuery): SegmentPage;
  /** One segment, open or closed, or null. */
  find(id: SegmentId): StoredSegment | null;
  /** Spans without recording inside [fromUs, toUs), oldest first, at most `limit`. */
  gaps(query: { sourceId: SourceId; stream: StreamName; fromUs: number; toUs: number; limit: number }): StoredGap[];
  /** The same page by page, in either order. `ERR_VAULT_CURSOR_INVALID` (`invalid`). */
  gapPage(query: GapQuery): GapPage;
  /** How much of each interval between neighbouring edges is recorded, without looking at segments. */
  coverage(query: CoverageQuery): StoredCoverage;
  /** Where the keyframes of a segment lie (`parseKeyframeHints`), or null where nobody knows without reading it. */
  keyframes(id: SegmentId): Uint8Array | null;
  /** Opens a stored segment for reading; keeps it from being pruned until `close`. `ERR_VAULT_SEGMENT_MISSING` (`missing`). */
  read(id: SegmentId): Promise<SegmentReading>;
  /** The 32-byte file key of a segment of a managed source. `ERR_VAULT_SEALED` (`denied`) where the node holds no key. */
  fileKey(id: SegmentId): Promise<Uint8Array>;
  /**
   * Writes key files anew, a page at a time: without the copies of devices that are gone, with copies for the present recipients.
   * Media is not touched. Safe to break off anywhere and to do again; a file that is as it should be stays as it is.
   * `ERR_VAULT_CURSOR_INVALID` (`invalid`).
   */
  rewrap(request: RewrapRequest): Promise<RewrapPage>;
  /** Other rules of what to forget when, in place of all before; they hold from the next sweep. */
  retain(retention: VaultOptions['retention']): void;
  /** Room, counts and alarms, for status. */
  status(): VaultStatus;
}

export interface StreamPlace {
  sourceId: SourceId;
  stream: StreamName;
  streamId: StreamId;
}

/** Takes one stream's runs; the calls are those of ingest's `StreamSink` and obey the same order. */
export interface StreamWriter {
  beginRun(run: Run): Promise<void>;
  fragment(fragment: CapturedFragment): Promise<void>;
  endRun(end: { cause: GapCause; endUs: number; reason: string }): Promise<void>;
  /** Ends a run that is still open as `stopped` and lets the stream go. */
  release(): Promise<void>;
}

export interface SegmentQuery {
  sourceId: SourceId;
  stream: StreamName;
  fromUs: number;
  toUs: number;
  order: 'oldest' | 'newest';
  limit: number;
  cursor?: string;
}

export interface SegmentPage {
  segments: StoredSegment[];
  /** Continues this listing; absent at its end. */
  cursor?: string;
}

export interface StoredSegment {
  id: SegmentId;
  sourceId: SourceId;
  stream: StreamName;
  streamId: StreamId;
  seq: number;
  /** Whole µs since the epoch. */
  startUs: number;
  endUs: number;
  /** Bytes of the `.cnv` file. */
  sizeBytes: number;
  /** `open`: being recorded; times and size are those of what is synced in whole chunks, and grow. */
  state: 'final' | 'recovered' | 'aborted' | 'open';
  epochId: number;
  epochKeyId: string;
  /** Run id, hex; lost when the index is rebuilt, then equal for neighbours without a gap between them. */
  run: string;
  /** What a decoder needs to know beforehand; empty after a rebuild until first asked for. */
  tracks: Track[];
}

export interface StoredGap {
  startUs: number;
  /** Null while it lasts. */
  endUs: number | null;
  cause: GapCause;
}

export interface GapQuery {
  sourceId: SourceId;
  stream: StreamName;
  fromUs: number;
  toUs: number;
  order: 'oldest' | 'newest';
  limit: number;
  cursor?: string;
  /** Shorter gaps are passed over. */
  lengthUsMin: number;
  /** Until when a gap that lasts has lasted. */
  nowUs: number;
}

export interface GapPage {
  /** May be fewer than asked for, even none, where there is a cursor: many gaps were too short. */
  gaps: StoredGap[];
  cursor?: string;
}

export interface CoverageQuery {
  sourceId: SourceId;
  stream: StreamName;
  /** Rising or equal, µs, at least two: interval i lies between edge i and the next. */
  edgesUs: readonly number[];
  /** Most stretches, and most gaps, that are told one by one. */
  exactMax: number;
  /** Slots of five minutes also where intervals are longer than an hour. */
  fine?: boolean;
}

export interface StoredCoverage {
  /** µs recorded of each interval; exact for near looks, else from slots of five minutes, or of an hour for intervals of an hour and more. */
  coveredUs: Float64Array;
  /** What is recorded, cut to the range; null where there are more than `exactMax`. */
  stretches: { startUs: number; endUs: number }[] | null;
  /** Null where there are more than `exactMax`. */
  gaps: StoredGap[] | null;
  /** Gaps that begin in each interval. */
  gapsBegun: Uint32Array;
}

export interface SegmentReading {
  readonly segment: StoredSegment;
  /** Stored bytes at a place, at most `into.length`; gives the count, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface RecoveryReport {
  /** Segments found open and kept up to their last whole chunk. */
  recovered: number;
  /** Files without one whole chunk, removed. */
  discarded: number;
  indexRebuilt: boolean;
  durationMs: number;
}

export interface VaultStatus {
  segments: number;
  sizeBytes: number;
  oldestUs: number | null;
  freeBytes: number;
  totalBytes: number;
  /** `full` while recording is held because of the free-space floor or a full disk. */
  state: 'ok' | 'full' | 'failing';
  reason?: string;
  leaves: number;
  /** Estimated days until retention or the floor bites at today's rate, or null when unknown. */
  daysLeft: number | null;
}
