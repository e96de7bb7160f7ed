import { isNvrError, type NvrError } from '../errors.ts';
import { createLeaf, type SegmentId, type StreamId } from '../protocol/index.ts';
import type {
  CoverageQuery,
  GapPage,
  GapQuery,
  RecoveryReport,
  SegmentPage,
  SegmentQuery,
  SegmentReading,
  StoredCoverage,
  StoredGap,
  StoredSegment,
  StreamPlace,
  StreamWriter,
  Vault,
  VaultStatus,
} from './api.ts';
import { EpochKeys } from './epoch-keys.ts';
import { notRunning, streamBusy } from './errors.ts';
import { LogFile, type LoggedLeaf } from './log-file.ts';
import { withOpen } from './open-segments.ts';
import { retentionOf, settingsOf, type VaultDeps, type VaultOptions, type VaultSettings } from './options.ts';
import { VaultPaths } from './paths.ts';
import { SegmentReader } from './reading.ts';
import { Retention } from './retention.ts';
import { type RewrapPage, type RewrapRequest, rewrapPage } from './rewrap.ts';
import { matchesLog, type SegmentExtra, SegmentIndex } from './segment-index.ts';
import { catchUp, mend, resumeEpochs } from './startup.ts';
import { VaultStreamWriter, type WriterParts } from './stream-writer.ts';

/** A calendar step beyond this is told in the log and cuts segments. */
const CLOCK_STEP_US = 2_000_000;
const CLOCK_WATCH_MS = 1_000;

/** Makes the sealed store below `options.root`. Nothing happens before `start`. */
export function createVault(deps: VaultDeps, options: VaultOptions): Vault {
  return new SealedVault({ ...deps, log: deps.log.child({ room: 'vault' }) }, settingsOf(options));
}

class SealedVault implements Vault {
  readonly #deps: VaultDeps;
  readonly #settings: VaultSettings;
  readonly #paths: VaultPaths;
  readonly #writers = new Map<StreamId, VaultStreamWriter>();
  #open: OpenVault | null = null;
  #recovery: RecoveryReport | null = null;
  #stopping = false;
  /** Why recording is held, or null. */
  #full: NvrError | null = null;
  /** What went wrong last while writing, and while sweeping; each is well again with its next success. */
  #writeFailure: NvrError | null = null;
  #sweepFailure: NvrError | null = null;
  #cancelTimers: (() => void)[] = [];
  #sweeping: Promise<void> | null = null;
  #clockOffsetUs = 0;

  constructor(deps: VaultDeps, settings: VaultSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#paths = new VaultPaths(settings.root);
  }

  get recovery(): RecoveryReport | null {
    return this.#recovery;
  }

  async start(): Promise<void> {
    if (this.#open) return;
    this.#stopping = false;
    const startedAt = this.#deps.clock.monotonic();
    const { parts, indexRebuilt } = await openParts(this.#deps, this.#settings, this.#paths, {
      mayRecord: () => this.#mayRecord(),
      onOutcome: (failure) => this.#onOutcome(failure),
    });
    try {
      await parts.log.append(this.#leafOfNow(parts, 'boot'));
      const mended = await mend(parts, indexRebuilt);
      await resumeEpochs(parts);
      const reader = new SegmentReader(parts, (id) => this.find(id));
      const retention = new Retention(parts, reader);
      retention.begin(parts.index.span()?.newestUs ?? null);
      this.#open = { parts, reader, retention };
      this.#recovery = { ...mended, indexRebuilt, durationMs: this.#deps.clock.monotonic() - startedAt };
    } catch (error) {
      await closeParts(parts);
      throw error;
    }
    if (this.#recovery.recovered + this.#recovery.discarded > 0 || indexRebuilt) {
      this.#deps.log.warn({ ...this.#recovery }, 'the vault was mended after a crash');
    }
    this.#clockOffsetUs = this.#offsetUs();
    await this.#sweep();
    this.#every(this.#settings.sweepMs, () => this.#sweep());
    this.#every(CLOCK_WATCH_MS, () => this.#watchClock());
  }

  async stop(): Promise<void> {
    const open = this.#open;
    if (!open || this.#stopping) return;
    for (const cancel of this.#cancelTimers) cancel();
    this.#cancelTimers = [];
    for (const writer of [...this.#writers.values()]) await writer.release();
    this.#stopping = true;
    await this.#sweeping;
    this.#open = null;
    open.reader.wipe();
    await closeParts(open.parts);
  }

  openStream(stream: StreamPlace): StreamWriter {
    const { parts } = this.#running();
    if (this.#writers.has(stream.streamId)) throw streamBusy(stream.streamId);
    const writer = new VaultStreamWriter(parts, stream, () => this.#writers.delete(stream.streamId));
    this.#writers.set(stream.streamId, writer);
    return writer;
  }

  list(query: SegmentQuery): SegmentPage {
    return withOpen(query, this.#running().parts.index.list(query), this.#openSegments());
  }

  find(id: SegmentId): StoredSegment | null {
    const found = this.#running().parts.index.find(id);
    return found ?? this.#openSegments().find((each) => each.id === id) ?? null;
  }

  gaps(query: Parameters<Vault['gaps']>[0]): StoredGap[] {
    return this.#running().parts.index.gaps(query);
  }

  gapPage(query: GapQuery): GapPage {
    return this.#running().parts.index.gapPage(query);
  }

  coverage(query: CoverageQuery): StoredCoverage {
    const { sourceId, stream } = query;
    const open = this.#openSegments().filter((each) => each.sourceId === sourceId && each.stream === stream);
    return this.#running().parts.index.coverage(query, open);
  }

  keyframes(id: SegmentId): Uint8Array | null {
    const known = this.#running().parts.index.keyframes(id);
    if (known) return known;
    const writer = [...this.#writers.values()].find((each) => each.openSegment()?.id === id);
    return writer?.openKeyframes() ?? null;
  }

  async read(id: SegmentId): Promise<SegmentReading> {
    return this.#running().reader.read(id);
  }

  async fileKey(id: SegmentId): Promise<Uint8Array> {
    return this.#running().reader.fileKey(id);
  }

  rewrap(request: RewrapRequest): Promise<RewrapPage> {
    return rewrapPage(this.#running().parts, request);
  }

  retain(retention: VaultOptions['retention']): void {
    this.#settings.retention = retentionOf(retention);
  }

  status(): VaultStatus {
    const { parts, retention } = this.#running();
    const places = parts.index.places();
    const failing = this.#writeFailure ?? this.#sweepFailure ?? parts.index.broken;
    const reason = (this.#full ?? failing)?.message;
    return {
      segments: places.reduce((sum, place) => sum + place.segments, 0),
      sizeBytes: places.reduce((sum, place) => sum + place.bytes, 0),
      oldestUs: parts.index.span()?.oldestUs ?? null,
      freeBytes: retention.room.freeBytes,
      totalBytes: retention.room.totalBytes,
      state: this.#full ? 'full' : failing ? 'failing' : 'ok',
      ...(reason === undefined ? {} : { reason }),
      leaves: parts.log.count,
      daysLeft: retention.daysLeft(),
    };
  }

  /** Segments being recorded. Where one was logged a moment ago, the index tells of it. */
  #openSegments(): StoredSegment[] {
    const { index } = this.#running().parts;
    return [...this.#writers.values()].flatMap((writer) => {
      const segment = writer.openSegment();
      return segment && index.leafIndex(segment.id) === null ? [segment] : [];
    });
  }

  #running(): OpenVault {
    if (!this.#open) throw notRunning();
    return this.#open;
  }

  #mayRecord(): void {
    if (!this.#open || this.#stopping) throw notRunning();
    if (this.#full) throw this.#full;
  }

  #onOutcome(failure: NvrError | null): void {
    if (failure === null) this.#writeFailure = null;
    else if (isNvrError(failure, 'exhausted')) this.#hold(failure);
    else this.#writeFailure = failure;
  }

  #hold(reason: NvrError | null): void {
    if (reason && !this.#full) this.#deps.log.error({ reason: reason.message }, 'recording was held: the disk is full');
    if (!reason && this.#full) this.#deps.log.info({}, 'there was room again, recording may go on');
    this.#full = reason;
  }

  /** Forgets what must go, and decides anew whether recording is held. Never rejects. */
  #sweep(): Promise<void> {
    this.#sweeping ??= (async () => {
      const open = this.#open;
      if (!open) return;
      try {
        this.#hold(await open.retention.sweep());
        this.#sweepFailure = null;
        if (!this.#full) await open.parts.log.keepReserve();
      } catch (error) {
        this.#deps.log.error({ error }, 'a sweep failed');
        if (isNvrError(error, 'exhausted')) this.#hold(error);
        else if (isNvrError(error)) this.#sweepFailure = error;
      }
    })().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  /** A step of the calendar shows in the log, and nowhere else: order comes from sequence numbers. */
  async #watchClock(): Promise<void> {
    const offset = this.#offsetUs();
    const step = offset - this.#clockOffsetUs;
    if (Math.abs(step) <= CLOCK_STEP_US) {
      // Drift is followed, so that it does not add up to a step.
      this.#clockOffsetUs = offset;
      return;
    }
    const { parts } = this.#running();
    const endUs = this.#deps.clock.nowUs();
    this.#clockOffsetUs = offset;
    this.#deps.log.warn({ stepMs: Math.round(step / 1000) }, 'the calendar stepped');
    for (const writer of this.#writers.values()) writer.cutSoon();
    await parts.log.append({ ...this.#leafOfNow(parts, 'clock'), startUs: Math.max(0, endUs - step), endUs });
  }

  #leafOfNow({ bootId }: WriterParts, type: 'boot' | 'clock') {
    const { clock } = this.#deps;
    return createLeaf(type, { startUs: clock.nowUs(), startMonoUs: clock.monotonicUs(), bootId });
  }

  #offsetUs(): number {
    return this.#deps.clock.nowUs() - this.#deps.clock.monotonicUs();
  }

  #every(ms: number, task: () => Promise<void>): void {
    let cancel = () => {};
    let cancelled = false;
    const again = () => {
      if (cancelled) return;
      cancel = this.#deps.clock.after(ms, () => {
        void task()
          .catch((error) => this.#deps.log.error({ error }, 'a periodic task failed'))
          .then(again);
      });
    };
    again();
    this.#cancelTimers.push(() => {
      cancelled = true;
      cancel();
    });
  }
}

interface OpenVault {
  parts: WriterParts;
  reader: SegmentReader;
  retention: Retention;
}

/** Opens log and index and brings them together; shared with the offline tools. */
export async function openParts(
  deps: VaultDeps,
  settings: VaultSettings,
  paths: VaultPaths,
  hooks: Pick<WriterParts, 'mayRecord' | 'onOutcome'>,
): Promise<{ parts: WriterParts; indexRebuilt: boolean }> {
  const { files, random, suite } = deps;
  for (const folder of [paths.root, paths.segments, paths.logFolder]) await files.makeFolder(folder);
  await files.syncFolder(paths.root);
  // The index comes first: opening it takes the vault for this process alone.
  let index = SegmentIndex.open(settings.index) ?? (await freshIndex(deps, settings));
  const feed = (batch: LoggedLeaf<SegmentExtra>[]) => {
    const wasBroken = index.broken !== null;
    index.feed(batch);
    if (index.broken && !wasBroken) deps.log.error({ error: index.broken }, 'the index stopped following the log');
  };
  const log = new LogFile<SegmentExtra>({ files, hashes: suite.hashes, onBatch: feed }, paths);
  try {
    await log.open(deps.keys.nodeId, random);
    let indexRebuilt = false;
    if (!matchesLog(index, log, await log.hashAt(index.applied - 1))) {
      indexRebuilt = index.fedFrom() !== null || log.count > 0;
      index.close();
      index = await freshIndex(deps, settings);
      index.begin(log.id);
    }
    const bootId = random.bytes(16);
    await catchUp({ log, index });
    const epochs = new EpochKeys(deps, { paths, log, index, bootId });
    return { parts: { deps, settings, paths, log, index, epochs, bootId, ...hooks }, indexRebuilt };
  } catch (error) {
    await log.close();
    index.close();
    throw error;
  }
}

/** Waits for the log and lets every file go. */
export async function closeParts({ log, index, epochs }: WriterParts): Promise<void> {
  epochs.wipe();
  await log.close();
  index.close();
}

/** Removes the index file and makes an empty one. */
async function freshIndex({ files }: VaultDeps, { index: path }: VaultSettings): Promise<SegmentIndex> {
  if (path !== ':memory:') {
    for (const each of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) {
      await files.remove(each).catch((error) => {
        if (!isNvrError(error, 'missing')) throw error;
      });
    }
  }
  const index = SegmentIndex.open(path);
  if (!index) throw notRunning();
  return index;
}
