import { fromHex, toHex } from '../bytes/index.ts';
import type { NvrError } from '../errors.ts';
import { type CapturedFragment, type KeyframeEntry, mfra, type Run, readBoxHead } from '../media/index.ts';
import {
  chunkRange,
  createLeaf,
  encodeKeyframeHints,
  GAP_CAUSES,
  type GapCause,
  KeyframeHints,
  type LogLeaf,
  PRUNE_CAUSES,
  SEGMENT_FLAGS,
  type SegmentId,
  type SegmentState,
  streamAssignedLeaf,
} from '../protocol/index.ts';
import type { StoredSegment, StreamPlace, StreamWriter } from './api.ts';
import type { EpochKeys } from './epoch-keys.ts';
import { indexFailed, outOfOrder, streamMoved, writeError, writeFailed } from './errors.ts';
import type { LogFile } from './log-file.ts';
import type { VaultDeps, VaultSettings } from './options.ts';
import type { VaultPaths } from './paths.ts';
import { type ClosedFile, SegmentBuffers, SegmentFile } from './segment-file.ts';
import type { SegmentExtra, SegmentIndex, StreamState } from './segment-index.ts';

/** What syncing itself and a late timer may take out of the flush time. */
const SYNC_MARGIN_MS = 300;

/** Flushes fall on multiples of this, up to as much earlier than they are due. */
const FLUSH_GRID_MS = 175;

/** What writers of all streams share. */
export interface WriterParts {
  deps: VaultDeps;
  settings: VaultSettings;
  paths: VaultPaths;
  log: LogFile<SegmentExtra>;
  index: SegmentIndex;
  epochs: EpochKeys;
  bootId: Uint8Array;
  /** Throws where nothing may be recorded now: stopped, or held because the disk is full. */
  mayRecord(): void;
  /** Told of each failed and each successful closing of a segment. */
  onOutcome(failure: NvrError | null): void;
}

interface OpenSegment {
  file: SegmentFile;
  startMonoUs: number;
  endMonoUs: number;
  keyframes: KeyframeEntry[];
  hints: KeyframeHints;
  /** Cut at the first keyframe at or after this wall time. */
  dueUs: number;
}

/** Writes one stream's runs as segments; see `StreamWriter` for the contract. */
export class VaultStreamWriter implements StreamWriter {
  readonly #parts: WriterParts;
  readonly #place: StreamPlace;
  readonly #onRelease: () => void;
  readonly #buffers = new SegmentBuffers();
  readonly #streamId: Uint8Array;
  #run: Run | null = null;
  #segment: OpenSegment | null = null;
  /** What readers see of it: from its opening until its leaf is logged, so that it is never in neither place. */
  #shown: { segment: OpenSegment; run: Run } | null = null;
  #seq = 0;
  #dueUs = 0;
  #cutSoon = false;
  #lostFrames = 0;
  /** Where this run's stored picture ends. */
  #endUs = 0;
  /** The gap that lasts: its end is told by the next run. */
  #gap: { startUs: number; cause: number } | null = null;
  /** A closed segment whose leaf the log did not take yet. */
  #owed: { leaf: LogLeaf; extra: SegmentExtra } | null = null;
  /** A failure met between two calls, told by the next one. */
  #failure: unknown = null;
  #cancelFlush: (() => void) | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #released = false;

  constructor(parts: WriterParts, place: StreamPlace, onRelease: () => void) {
    this.#parts = parts;
    this.#place = place;
    this.#onRelease = onRelease;
    this.#streamId = fromHex(place.streamId, 16)!;
  }

  beginRun(run: Run): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#run || this.#released) throw outOfOrder('a run begins inside another, or after release');
      this.#parts.mayRecord();
      const state = await this.#assigned();
      await this.#payOwed();
      const gap = this.#gap ?? this.#parts.index.openGap(state.pk);
      if (gap) await this.#parts.log.append(this.#gapLeaf(state, gap, run.startUs));
      this.#gap = null;
      this.#failure = null;
      this.#run = run;
      this.#endUs = run.startUs;
      this.#dueUs = run.startUs + this.#firstLengthUs();
    });
  }

  fragment(fragment: CapturedFragment): Promise<void> {
    return this.#exclusive(async () => {
      const run = this.#run;
      if (!run) throw outOfOrder('a fragment outside a run');
      this.#throwFailure();
      this.#parts.mayRecord();
      try {
        if (this.#segment && this.#mustCut(this.#segment, fragment)) await this.#close(run, this.#segment);
        if (!this.#segment) {
          if (!fragment.keyframe) {
            this.#lostFrames += fragment.sampleCount;
            return;
          }
          this.#segment = await this.#open(run, fragment);
        }
        await this.#store(this.#segment, fragment);
      } catch (error) {
        throw await this.#fail(run, error);
      }
      this.#armFlush();
    });
  }

  endRun(end: { cause: GapCause; endUs: number; reason: string }): Promise<void> {
    return this.#exclusive(() => this.#endRun(end.cause));
  }

  release(): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#released) return;
      if (this.#run) await this.#endRun('stopped');
      this.#released = true;
      this.#buffers.wipe();
      this.#onRelease();
    });
  }

  /** The segment being written, as far as it is synced in whole chunks; null where no whole fragment is. */
  openSegment(): StoredSegment | null {
    if (!this.#shown) return null;
    const { file } = this.#shown.segment;
    const mark = file.syncedMark;
    if (!mark) return null;
    const { header } = file;
    return {
      ...this.#place,
      id: toHex(header.segmentId) as SegmentId,
      seq: header.seq,
      startUs: header.startUs,
      endUs: mark.endUs,
      sizeBytes: chunkRange(file.syncedChunks).start,
      state: 'open',
      epochId: header.epochId,
      epochKeyId: toHex(header.epochKeyId),
      run: toHex(this.#runId(this.#shown.run)),
      tracks: this.#shown.run.init.tracks,
    };
  }

  /** Where the keyframes lie of what `openSegment` tells; null where it tells of none. */
  openKeyframes(): Uint8Array | null {
    const mark = this.#shown?.segment.file.syncedMark;
    return this.#shown && mark ? encodedHints(this.#shown.segment, mark.end) : null;
  }

  /** Asks for a cut at the next keyframe. */
  cutSoon(): void {
    this.#cutSoon = true;
  }

  async #endRun(cause: GapCause): Promise<void> {
    const run = this.#run;
    if (!run) throw outOfOrder('the end of a run that never began');
    if (this.#segment) {
      try {
        await this.#close(run, this.#segment);
      } catch (error) {
        await this.#fail(run, error);
      }
    }
    this.#run = null;
    this.#gap = { startUs: this.#endUs, cause: GAP_CAUSES[cause] };
    const state = this.#state();
    try {
      await this.#payOwed();
      await this.#parts.log.append(this.#gapLeaf(state, this.#gap, null));
    } catch (error) {
      // Told with its end when the next run begins, or as a crash by the next start.
      this.#parts.deps.log.warn({ error, cause, ...this.#name() }, 'a gap could not be logged yet');
    }
  }

  #mustCut({ file, dueUs }: OpenSegment, fragment: CapturedFragment): boolean {
    if (!fragment.keyframe) {
      if (file.nearlyFull) throw writeFailed('a segment', new Error('no keyframe came within 2 GiB'));
      return false;
    }
    return (
      fragment.startUs >= dueUs ||
      this.#cutSoon ||
      file.nearlyFull ||
      this.#parts.epochs.mustChange(this.#place.streamId, fragment.startUs)
    );
  }

  async #open(run: Run, first: CapturedFragment): Promise<OpenSegment> {
    const { deps, paths, epochs, log, bootId } = this.#parts;
    const state = this.#state();
    const seq = Math.max(state.lastSeq, this.#seq) + 1;
    this.#seq = seq;
    const { chainKey, ...step } = await epochs.step(state, first.startUs);
    const header = {
      flags: run.init.tracks.some((track) => track.kind === 'audio') ? SEGMENT_FLAGS.audio : 0,
      segmentId: deps.random.bytes(16),
      streamId: this.#streamId,
      nodeId: deps.keys.nodeId,
      seq,
      startUs: first.startUs,
      startMonoUs: first.monoUs,
      bootId,
      clockState: 'unknown',
      kind: 'video',
      clockErrorMs: 0,
      ...step,
      prevLeaf: state.lastLeaf,
    } as const;
    const folder = paths.epoch(this.#place, step.epochId);
    const path = paths.segment(this.#place, step.epochId, { seq, id: toHex(header.segmentId) as SegmentId });
    const file = await SegmentFile.create(deps, { path, folder }, header, chainKey, this.#buffers).catch(
      async (error) => {
        await log.append(this.#emptyLeaf(header)).catch(() => undefined);
        throw error;
      },
    );
    const segmentUs = this.#parts.settings.segmentMs * 1000;
    while (this.#dueUs < first.startUs + segmentUs / 4) this.#dueUs += segmentUs;
    this.#cutSoon = false;
    const segment: OpenSegment = {
      file,
      startMonoUs: first.monoUs,
      endMonoUs: first.monoUs,
      keyframes: [],
      hints: new KeyframeHints(),
      dueUs: Math.min(this.#dueUs, first.startUs + 2 * segmentUs),
    };
    this.#segment = segment;
    this.#shown = { segment, run };
    await file.append(run.init.bytes);
    return segment;
  }

  async #store({ file, keyframes, hints }: OpenSegment, fragment: CapturedFragment): Promise<void> {
    if (fragment.keyframe) {
      const at = Math.floor(fragment.startUs / 1000);
      hints.add({ at, offset: file.plaintextBytes, length: fragment.bytes.length });
      keyframes.push({ time: fragment.videoDecodeTime, moofAt: file.plaintextBytes + moofOffset(fragment.bytes) });
    }
    await file.append(fragment.bytes, { endUs: fragment.endUs, sampleCount: fragment.sampleCount });
    this.#segment!.endMonoUs = fragment.monoUs;
  }

  async #close(run: Run, segment: OpenSegment): Promise<void> {
    const { file, keyframes } = segment;
    const video = run.init.tracks.find((track) => track.kind === 'video');
    await file.append(mfra(video?.id ?? 1, keyframes));
    const closed = await file.finish();
    this.#segment = null;
    await this.#logSegment(run, segment, closed, 'final');
    this.#parts.deps.onDurable?.({
      streamId: this.#place.streamId,
      segmentId: toHex(file.header.segmentId) as SegmentId,
      plaintextBytes: file.plaintextBytes,
      endUs: this.#endUs,
    });
    this.#parts.onOutcome(null);
  }

  /** Closes what is open as aborted, remembers the failure's kind, and gives the error to throw. */
  async #fail(run: Run, cause: unknown): Promise<NvrError> {
    const error = writeError('a segment', cause);
    const segment = this.#segment;
    this.#segment = null;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#parts.onOutcome(error);
    this.#parts.deps.log.error({ error, ...this.#name() }, 'writing a segment failed');
    if (!segment) return error;
    const closed = await segment.file.abort();
    if (!closed) this.#shown = null;
    try {
      if (closed) await this.#logSegment(run, segment, closed, 'aborted');
      else await this.#parts.log.append(this.#emptyLeaf(segment.file.header));
    } catch (again) {
      this.#parts.deps.log.error({ error: again, ...this.#name() }, 'an aborted segment could not be logged yet');
    }
    return error;
  }

  async #logSegment(run: Run, segment: OpenSegment, closed: ClosedFile, state: SegmentState): Promise<void> {
    const { header } = segment.file;
    this.#endUs = closed.endUs ?? header.startUs;
    const leaf = createLeaf('segment', {
      state,
      chunkCount: closed.chunkCount,
      fileBytes: closed.fileBytes,
      segmentId: header.segmentId,
      streamId: header.streamId,
      seq: header.seq,
      startUs: header.startUs,
      endUs: this.#endUs,
      startMonoUs: segment.startMonoUs,
      endMonoUs: segment.endMonoUs,
      bootId: header.bootId,
      prevLeaf: header.prevLeaf,
      headerHash: closed.headerHash,
      chunkRoot: closed.chunkRoot,
      lostFrames: this.#lostFrames + closed.lostFrames,
      epochId: header.epochId,
    });
    this.#lostFrames = 0;
    const keyframes = encodedHints(segment, Number.MAX_SAFE_INTEGER);
    this.#owed = { leaf, extra: { run: this.#runId(run), tracks: run.init.tracks, keyframes } };
    await this.#payOwed();
  }

  async #payOwed(): Promise<void> {
    if (!this.#owed) return;
    await this.#parts.log.append(this.#owed.leaf, this.#owed.extra);
    this.#owed = null;
    // A new segment is opened only when the leaf of the one before is paid.
    this.#shown = null;
  }

  #runId(run: Run): Uint8Array {
    return fromHex(run.id, 16) ?? this.#streamId;
  }

  /** Runs once when the oldest byte that is not synced gets old, again as long as there is one. */
  #armFlush(): void {
    const since = this.#segment?.file.unsyncedSince ?? null;
    if (since === null || this.#cancelFlush) return;
    const { clock } = this.#parts.deps;
    // All streams in the same moments: then the disk's answers wake this process once for many.
    const due = Math.floor((since + this.#flushAgeMs()) / FLUSH_GRID_MS) * FLUSH_GRID_MS;
    const wait = due - clock.monotonic();
    this.#cancelFlush = clock.after(Math.max(0, wait), () => {
      this.#cancelFlush = null;
      void this.#exclusive(() => this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const { run, segment } = { run: this.#run, segment: this.#segment };
    if (!run || !segment) return;
    const { file } = segment;
    const now = this.#parts.deps.clock.monotonic();
    // A cut may have come between: the new segment's bytes are younger.
    if (file.unsyncedSince !== null && now - file.unsyncedSince >= this.#flushAgeMs() - FLUSH_GRID_MS - 1) {
      try {
        if (file.partialSince !== null && now - file.partialSince >= this.#flushAgeMs() - FLUSH_GRID_MS - 1)
          await file.pad();
        const before = file.syncedMark;
        await file.sync();
        const mark = file.syncedMark;
        if (mark && mark !== before) {
          this.#parts.deps.onDurable?.({
            streamId: this.#place.streamId,
            segmentId: toHex(file.header.segmentId) as SegmentId,
            plaintextBytes: mark.end,
            endUs: mark.endUs,
          });
        }
      } catch (error) {
        this.#failure = await this.#fail(run, error);
        return;
      }
    }
    this.#armFlush();
  }

  async #assigned(): Promise<StreamState> {
    const { index, log, deps, bootId } = this.#parts;
    const { sourceId, stream, streamId } = this.#place;
    if (!index.stream(streamId)) {
      const at = { startUs: deps.clock.nowUs(), startMonoUs: deps.clock.monotonicUs(), bootId };
      await log.append(streamAssignedLeaf({ sourceId, stream, streamId: this.#streamId }, at));
    }
    const state = this.#state();
    if (state.sourceId !== sourceId || state.stream !== stream) {
      throw streamMoved(streamId, `${state.sourceId}/${state.stream}`);
    }
    return state;
  }

  #state(): StreamState {
    const state = this.#parts.index.stream(this.#place.streamId);
    if (!state) throw indexFailed('take a new stream', this.#parts.index.broken);
    return state;
  }

  #gapLeaf(state: StreamState, gap: { startUs: number; cause: number }, endUs: number | null): LogLeaf {
    return createLeaf('gap', {
      streamId: this.#streamId,
      seq: state.lastSeq,
      startUs: gap.startUs,
      endUs: endUs ?? 0,
      bootId: this.#parts.bootId,
      prevLeaf: state.lastLeaf,
      cause: gap.cause,
    });
  }

  #emptyLeaf(header: { segmentId: Uint8Array; seq: number; startUs: number; epochId: number }): LogLeaf {
    return createLeaf('prune', {
      segmentId: header.segmentId,
      streamId: this.#streamId,
      seq: header.seq,
      startUs: header.startUs,
      endUs: header.startUs,
      bootId: this.#parts.bootId,
      prevLeaf: this.#state().lastLeaf,
      cause: PRUNE_CAUSES.empty,
      epochId: header.epochId,
    });
  }

  /** The first segment of a run is shorter, by half at most and differently for each stream: cuts of cameras do not coincide. */
  #firstLengthUs(): number {
    const fraction = (this.#streamId[0]! * 256 + this.#streamId[1]!) / 65_536;
    return Math.floor(this.#parts.settings.segmentMs * 1000 * (0.5 + fraction / 2));
  }

  #flushAgeMs(): number {
    const { flushMs } = this.#parts.settings;
    return Math.max(flushMs / 2, flushMs - SYNC_MARGIN_MS);
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
  }

  #name() {
    return { source: this.#place.sourceId, stream: this.#place.stream };
  }

  /** Calls and flushes take turns. */
  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function encodedHints({ file, hints }: OpenSegment, end: number): Uint8Array {
  return encodeKeyframeHints(Math.floor(file.header.startUs / 1000), hints.upTo(end));
}

/** Where `moof` begins in a fragment: behind its `prft`. */
function moofOffset(bytes: Uint8Array): number {
  for (let at = 0; ; ) {
    const head = readBoxHead(bytes, at);
    if (!head || head.type === 'moof') return head ? at : 0;
    at += head.sizeBytes;
  }
}
