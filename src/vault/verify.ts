import { equalBytes, isZero, toHex, wipe, zeros } from '../bytes/index.ts';
import { openChunkedSync, SEALED_CHUNK_SIZE, type SyncChunkOpener } from '../crypto/index.ts';
import type { FileHandle } from '../platform/index.ts';
import {
  chainKeyAt,
  chunkRange,
  type LogLeaf,
  leafHash,
  MerkleTree,
  PRUNE_CAUSES,
  parseSegmentHeader,
  SEGMENT_CHUNKS_AT,
  SEGMENT_CHUNKS_MAX,
  SEGMENT_HEADER_SIZE,
  type SegmentId,
  type StreamId,
  segmentContext,
  unwrapFileKey,
} from '../protocol/index.ts';
import { EpochKeys } from './epoch-keys.ts';
import { notRunning } from './errors.ts';
import { readFully } from './leaf-file.ts';
import { LogFile } from './log-file.ts';
import { settingsOf, type VaultDeps, type VaultOptions } from './options.ts';
import {
  type Place,
  parseEpochKeyName,
  parseEpochName,
  parsePlace,
  parseSegmentName,
  type SegmentName,
  VaultPaths,
} from './paths.ts';
import { matchesLog, type SegmentExtra, SegmentIndex } from './segment-index.ts';
import { catchUp } from './startup.ts';

/**
 * What a verification can find. Damage means that something stored is not what the log says; a notice is something the next
 * start mends by itself, or something that does not belong here.
 */
export const VERIFY_FINDINGS = {
  'log-torn': 'notice',
  'leaf-malformed': 'damage',
  'leaf-of-unknown-stream': 'damage',
  'chain-broken': 'damage',
  'sequence-repeated': 'damage',
  'sequence-hole': 'notice',
  'prune-of-unknown': 'damage',
  'segment-missing': 'damage',
  'segment-unlogged': 'notice',
  'segment-cut': 'damage',
  'segment-longer': 'notice',
  'header-differs': 'damage',
  'chunk-unreadable': 'damage',
  'root-differs': 'damage',
  'end-missing': 'damage',
  'key-missing': 'damage',
  'key-malformed': 'damage',
  'key-foreign': 'damage',
  'key-signature': 'damage',
  'key-unlogged': 'notice',
  'key-not-opened': 'notice',
  'stray-file': 'notice',
  'index-missing': 'notice',
  'index-behind': 'notice',
  'index-differs': 'notice',
} as const;

export type FindingName = keyof typeof VERIFY_FINDINGS;

export interface VerifyFinding {
  name: FindingName;
  severity: 'damage' | 'notice';
  /** Below the root, or a leaf's number. */
  where: string;
  detail?: string;
}

export interface VerifyReport {
  /** True when there is no damage. */
  sound: boolean;
  leaves: number;
  segments: number;
  /** Chunks whose hash entered a root; of them, those that were also opened. */
  chunks: number;
  opened: number;
  sizeBytes: number;
  /** At most 1,000; `findingsTotal` counts all. */
  findings: VerifyFinding[];
  findingsTotal: number;
  durationMs: number;
}

export interface VerifyProgress {
  segments: number;
  segmentsTotal: number;
  sizeBytes: number;
}

const FINDINGS_KEPT = 1000;
const READ_CHUNKS = 64;
const PAGE = 1000;

/**
 * Compares every file of a vault with its log, its keys and its index, and opens every chunk of managed streams. Changes nothing.
 *
 * The vault must not be running: throws `ERR_VAULT_LOCKED` (`conflict`) where it is, `ERR_VAULT_LOG_FOREIGN` (`corrupt`) for
 * another node's.
 */
export async function verifyVault(
  deps: VaultDeps,
  options: VaultOptions,
  onProgress: (progress: VerifyProgress) => void = () => {},
): Promise<VerifyReport> {
  const verifier = new Verifier(deps, options, onProgress);
  return verifier.run();
}

class Verifier {
  readonly #deps: VaultDeps;
  readonly #indexPath: string;
  readonly #paths: VaultPaths;
  readonly #onProgress: (progress: VerifyProgress) => void;
  /** The log's content as tables, made for this look only. */
  readonly #index: SegmentIndex;
  readonly #log: LogFile<SegmentExtra>;
  readonly #epochs: EpochKeys;
  readonly #seen = new Set<SegmentId>();
  #report: VerifyReport;

  constructor(deps: VaultDeps, options: VaultOptions, onProgress: (progress: VerifyProgress) => void) {
    const index = SegmentIndex.open(':memory:');
    if (!index) throw notRunning();
    this.#deps = deps;
    this.#indexPath = settingsOf(options).index;
    this.#paths = new VaultPaths(options.root);
    this.#onProgress = onProgress;
    this.#index = index;
    this.#log = new LogFile<SegmentExtra>(
      { files: deps.files, hashes: deps.suite.hashes, onBatch: () => {} },
      this.#paths,
    );
    this.#epochs = new EpochKeys(deps, { paths: this.#paths, log: this.#log, index, bootId: zeros(16) });
    this.#report = {
      sound: true,
      leaves: 0,
      segments: 0,
      chunks: 0,
      opened: 0,
      sizeBytes: 0,
      findings: [],
      findingsTotal: 0,
      durationMs: 0,
    };
  }

  async run(): Promise<VerifyReport> {
    const startedAt = this.#deps.clock.monotonic();
    // Taking the real index first keeps a running node out, and us out of a running node.
    const stored = await this.#storedIndex();
    try {
      await this.#log.open(this.#deps.keys.nodeId, this.#deps.random, { readOnly: true });
      if (this.#log.tornBytes > 0) this.#find('log-torn', 'log/log.bin', `${this.#log.tornBytes} bytes`);
      await catchUp({ log: this.#log, index: this.#index });
      await this.#checkLeaves();
      await this.#checkFolders();
      this.#checkMissing();
      if (stored) await this.#compareIndex(stored);
    } finally {
      stored?.close();
      await this.#log.close();
      this.#index.close();
    }
    this.#report.leaves = this.#log.count;
    this.#report.durationMs = this.#deps.clock.monotonic() - startedAt;
    return this.#report;
  }

  /** The chain of leaves of each stream, and its sequence numbers. */
  async #checkLeaves(): Promise<void> {
    const streams = new Map<string, { lastLeaf: Uint8Array; lastSeq: number }>();
    const ids = new Set<string>();
    for await (const piece of this.#log.read()) {
      for (const { index, leaf, hash } of piece) {
        const where = `leaf ${index}`;
        if (!leaf) {
          this.#find('leaf-malformed', where);
          continue;
        }
        if (isZero(leaf.streamId)) continue;
        const streamId = toHex(leaf.streamId);
        if (!this.#index.stream(streamId as StreamId)) {
          this.#find('leaf-of-unknown-stream', where);
          continue;
        }
        const known = streams.get(streamId);
        const state = known ?? { lastLeaf: zeros(32), lastSeq: 0 };
        if (!known) streams.set(streamId, state);
        if (leaf.type === 'segment') {
          if (!equalBytes(leaf.prevLeaf, state.lastLeaf)) this.#find('chain-broken', where);
          this.#checkSequence(leaf, state, where);
          state.lastLeaf = hash;
          ids.add(toHex(leaf.segmentId));
        } else if (leaf.type === 'prune') {
          if (leaf.cause === PRUNE_CAUSES.empty) this.#checkSequence(leaf, state, where);
          else if (!ids.delete(toHex(leaf.segmentId))) this.#find('prune-of-unknown', where);
        }
      }
    }
  }

  #checkSequence(leaf: LogLeaf, state: { lastSeq: number }, where: string): void {
    if (leaf.seq <= state.lastSeq) this.#find('sequence-repeated', where, `${leaf.seq} after ${state.lastSeq}`);
    else if (leaf.seq !== state.lastSeq + 1) {
      this.#find('sequence-hole', where, `${leaf.seq} after ${state.lastSeq}`);
    }
    state.lastSeq = Math.max(state.lastSeq, leaf.seq);
  }

  async #checkFolders(): Promise<void> {
    const { files } = this.#deps;
    for (const source of await files.list(this.#paths.segments)) {
      for (const stream of await files.list(`${this.#paths.segments}/${source.name}`)) {
        const place = parsePlace(source.name, stream.name);
        if (!place || stream.kind !== 'folder') {
          this.#find('stray-file', `segments/${source.name}/${stream.name}`);
          continue;
        }
        await this.#checkPlace(place);
      }
    }
  }

  async #checkPlace(place: Place): Promise<void> {
    const { files } = this.#deps;
    const folder = this.#paths.place(place);
    for (const { name } of await files.list(folder)) {
      const keyed = parseEpochKeyName(name);
      const epochId = parseEpochName(name);
      if (keyed !== null) await this.#checkKey(place, keyed);
      else if (epochId === null) this.#find('stray-file', this.#below(`${folder}/${name}`));
      else await this.#checkEpoch(place, epochId);
    }
  }

  async #checkKey(place: Place, epochId: number): Promise<void> {
    const where = this.#below(this.#paths.epochKey(place, epochId));
    const loaded = await this.#epochs.load(place, epochId);
    if (typeof loaded === 'string') return this.#find(`key-${loaded}`, where);
    const stream = this.#index.stream(toHex(loaded.file.streamId) as StreamId);
    const row = stream && this.#index.epoch(stream.pk, epochId);
    if (!row || !equalBytes(row.hash, this.#deps.suite.hashes.sha256(loaded.bytes))) this.#find('key-unlogged', where);
  }

  async #checkEpoch(place: Place, epochId: number): Promise<void> {
    const folder = this.#paths.epoch(place, epochId);
    const epochKey = await this.#epochs.open(place, epochId);
    try {
      for (const { name, sizeBytes } of await this.#deps.files.list(folder)) {
        const segment = parseSegmentName(name);
        const where = this.#below(`${folder}/${name}`);
        if (!segment) this.#find('stray-file', where);
        else await this.#checkSegment(place, epochId, segment, sizeBytes, epochKey, where);
      }
      if (!epochKey && this.#holdsSegments(place, epochId)) {
        const loaded = await this.#epochs.load(place, epochId);
        this.#find(loaded === 'missing' ? 'key-missing' : 'key-not-opened', this.#below(folder));
      }
    } finally {
      if (epochKey) wipe(epochKey);
    }
  }

  #holdsSegments(place: Place, epochId: number): boolean {
    return this.#index
      .streams()
      .some(
        (each) =>
          each.sourceId === place.sourceId && each.stream === place.stream && !this.#index.epochEmpty(each.pk, epochId),
      );
  }

  async #checkSegment(
    place: Place,
    epochId: number,
    name: SegmentName,
    sizeBytes: number,
    epochKey: Uint8Array | null,
    where: string,
  ): Promise<void> {
    const at = this.#index.leafIndex(name.id);
    const leaf = at === null ? null : await this.#log.leafAt(at);
    if (!leaf) return this.#find('segment-unlogged', where);
    this.#seen.add(name.id);
    this.#report.segments += 1;
    this.#report.sizeBytes += sizeBytes;
    if (sizeBytes < leaf.fileBytes) this.#find('segment-cut', where, `${sizeBytes} of ${leaf.fileBytes} bytes`);
    if (sizeBytes > leaf.fileBytes) this.#find('segment-longer', where, `${sizeBytes - leaf.fileBytes} bytes more`);
    const handle = await this.#deps.files.open(this.#paths.segment(place, epochId, name));
    try {
      const start = new Uint8Array(SEGMENT_CHUNKS_AT);
      await readFully(handle, start, 0);
      const opener = await this.#openerFor(leaf, name, epochId, start, epochKey, where);
      await this.#checkChunks(handle, leaf, opener, where);
    } finally {
      await handle.close();
    }
    this.#onProgress({
      segments: this.#report.segments,
      segmentsTotal: this.#index.places().reduce((sum, each) => sum + each.segments, 0),
      sizeBytes: this.#report.sizeBytes,
    });
  }

  /** Holds the header against the leaf and the name, and prepares opening where the node has the key. */
  async #openerFor(
    leaf: LogLeaf,
    name: SegmentName,
    epochId: number,
    start: Uint8Array,
    epochKey: Uint8Array | null,
    where: string,
  ): Promise<SyncChunkOpener | null> {
    const { suite } = this.#deps;
    const parsed = parseSegmentHeader(start);
    const fault = !parsed.ok
      ? parsed.reason
      : !equalBytes(suite.hashes.sha256(start), leaf.headerHash)
        ? 'its bytes are not those the log tells of'
        : parsed.value.header.seq !== name.seq || parsed.value.header.epochId !== epochId
          ? 'it names another place'
          : null;
    if (fault !== null || !parsed.ok) {
      this.#find('header-differs', where, fault ?? '');
      return null;
    }
    if (!epochKey) return null;
    const { header } = parsed.value;
    const chainKey = chainKeyAt(suite.hashes, epochKey, 0, header.chainIndex)!;
    const fileKey = await unwrapFileKey(suite, chainKey, parsed.value);
    wipe(chainKey);
    const context = segmentContext(suite.hashes, parsed.value.bound);
    const opener = fileKey && openChunkedSync(suite, fileKey, start.subarray(SEGMENT_HEADER_SIZE), context);
    if (!opener) this.#find('chunk-unreadable', where, 'its file key does not open it');
    return opener;
  }

  async #checkChunks(handle: FileHandle, leaf: LogLeaf, opener: SyncChunkOpener | null, where: string): Promise<void> {
    const { hashes } = this.#deps.suite;
    const tree = new MerkleTree(hashes);
    const buffer = new Uint8Array(READ_CHUNKS * SEALED_CHUNK_SIZE);
    const chunkCount = Math.min(leaf.chunkCount, SEGMENT_CHUNKS_MAX);
    let unreadable = 0;
    let finalOpened = false;
    for (let at = 0; at < chunkCount; at += READ_CHUNKS) {
      const begin = chunkRange(at).start;
      const length = Math.max(0, Math.min(buffer.length, leaf.fileBytes - begin));
      const read = await readFully(handle, buffer.subarray(0, length), begin);
      for (let i = 0; i < READ_CHUNKS && at + i < chunkCount; i++) {
        const sealed = buffer.subarray(
          Math.min(read, i * SEALED_CHUNK_SIZE),
          Math.min(read, (i + 1) * SEALED_CHUNK_SIZE),
        );
        tree.add(leafHash(hashes, sealed));
        this.#report.chunks += 1;
        if (!opener) continue;
        const plain = opener.open(at + i, sealed);
        if (plain) {
          this.#report.opened += 1;
          finalOpened = sealed.length < SEALED_CHUNK_SIZE;
          wipe(plain);
        } else unreadable += 1;
      }
    }
    if (unreadable > 0) this.#find('chunk-unreadable', where, `${unreadable} of ${chunkCount} chunks`);
    if (!equalBytes(tree.root(), leaf.chunkRoot)) this.#find('root-differs', where);
    if (opener && leaf.state === 'final' && !finalOpened) this.#find('end-missing', where);
  }

  #checkMissing(): void {
    for (const stream of this.#index.streams()) {
      for (const epochId of this.#index.epochIds(stream.pk)) {
        for (const { id } of this.#index.epochSegments(stream.pk, epochId)) {
          if (!this.#seen.has(id))
            this.#find('segment-missing', `segments/${stream.sourceId}/${stream.stream}/${epochId}`, id);
        }
      }
    }
  }

  async #storedIndex(): Promise<SegmentIndex | null> {
    if (this.#indexPath === ':memory:') return null;
    if ((await this.#deps.files.stat(this.#indexPath)) === null) {
      this.#find('index-missing', this.#below(this.#indexPath));
      return null;
    }
    const index = SegmentIndex.open(this.#indexPath);
    if (!index) this.#find('index-differs', this.#below(this.#indexPath), 'it cannot be read');
    return index;
  }

  async #compareIndex(stored: SegmentIndex): Promise<void> {
    const where = this.#below(this.#indexPath);
    if (!matchesLog(stored, this.#log, await this.#log.hashAt(stored.applied - 1))) {
      return this.#find('index-differs', where, 'it was fed from another log');
    }
    if (stored.applied < this.#log.count) {
      return this.#find('index-behind', where, `${this.#log.count - stored.applied} leaves`);
    }
    for (const place of this.#index.places()) {
      const query = { ...place, fromUs: 0, toUs: Number.MAX_SAFE_INTEGER, order: 'oldest', limit: PAGE } as const;
      let cursor: { cursor?: string } = {};
      do {
        const ours = this.#index.list({ ...query, ...cursor });
        const theirs = stored.list({ ...query, ...cursor });
        const other = ours.segments.findIndex((segment, i) => {
          const their = theirs.segments[i];
          return their?.id !== segment.id || their.sizeBytes !== segment.sizeBytes || their.state !== segment.state;
        });
        if (other >= 0 || ours.segments.length !== theirs.segments.length) {
          return this.#find('index-differs', where, `segments of ${place.sourceId}/${place.stream}`);
        }
        cursor = ours.cursor === undefined ? {} : { cursor: ours.cursor };
      } while (cursor.cursor !== undefined);
    }
  }

  #find(name: FindingName, where: string, detail?: string): void {
    const severity = VERIFY_FINDINGS[name];
    if (severity === 'damage') this.#report.sound = false;
    this.#report.findingsTotal += 1;
    if (this.#report.findings.length >= FINDINGS_KEPT) return;
    this.#report.findings.push({ name, severity, where, ...(detail === undefined ? {} : { detail }) });
  }

  #below(path: string): string {
    return path.startsWith(`${this.#paths.root}/`) ? path.slice(this.#paths.root.length + 1) : path;
  }
}
