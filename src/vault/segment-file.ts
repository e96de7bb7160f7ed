import { concatBytes, wipe } from '../bytes/index.ts';
import { CHUNK_SIZE, CHUNK_TAG_SIZE, ChunkSealer, SEALED_CHUNK_SIZE, type SyncCryptoSuite } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import { FREE_BYTES_MIN, free } from '../media/index.ts';
import type { Clock, FileHandle, Files, Random } from '../platform/index.ts';
import {
  chunkRange,
  encodeBoundHeader,
  encodeSegmentHeader,
  leafHash,
  MerkleTree,
  SEGMENT_CHUNKS_MAX,
  type SegmentHeader,
  segmentContext,
  wrapFileKey,
} from '../protocol/index.ts';
import { vaultFull, writeError } from './errors.ts';

/** Sealed chunks gathered before they are written in one piece. */
const STAGE_CHUNKS = 24;

/** One fragment's place in a segment. */
export interface FragmentMark {
  /** Plaintext offset just behind it. */
  end: number;
  endUs: number;
  sampleCount: number;
}

/** What a closed segment's leaf says of its file. */
export interface ClosedFile {
  chunkCount: number;
  fileBytes: number;
  headerHash: Uint8Array;
  chunkRoot: Uint8Array;
  /** End of the last fragment that is whole in the file; null where none is. */
  endUs: number | null;
  /** Samples handed in that are not whole in the file. */
  lostFrames: number;
}

/**
 * Writes one segment file: seals 16 KiB chunks as they fill and writes them at once.
 *
 * After a failed or short write nothing more is ever sealed under this file's key: only `abort` is left. Calls must not
 * overlap.
 */
export class SegmentFile {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly #handle: FileHandle;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #suite: SyncCryptoSuite;
  readonly #sealer: ChunkSealer;
  readonly #headerHash: Uint8Array;
  readonly #tree: MerkleTree;
  readonly #buffers: SegmentBuffers;
  /** Bytes waiting in the partial chunk, and when (monotonic ms) the oldest of them came. */
  #fill = 0;
  #fillSince: number | null = null;
  /** When the oldest byte came that is not synced; null when all are. */
  #unsyncedSince: number | null = null;
  #staged = 0;
  #stagedHashes: Uint8Array[] = [];
  /** Whole chunks that are in the file. */
  #written = 0;
  /** Fragments that are not yet whole in written chunks, oldest first. */
  #open: FragmentMark[] = [];
  #writtenMark: FragmentMark | null = null;
  #syncedMark: FragmentMark | null = null;
  #syncedChunks = 0;
  #plaintext = 0;
  #broken = false;
  #closed = false;

  /** Creates the file, writes its first 568 bytes and makes its name durable. `fileKey` and `chainKey` are wiped. */
  static async create(
    deps: { files: Files; clock: Clock; random: Random; suite: SyncCryptoSuite },
    place: { path: string; folder: string },
    header: SegmentHeader,
    chainKey: Uint8Array,
    buffers: SegmentBuffers,
  ): Promise<SegmentFile> {
    const { suite, files, random } = deps;
    const fileKey = random.bytes(32);
    const bound = encodeBoundHeader(header);
    const wrapped = wrapFileKey(suite, chainKey, header.segmentId, bound, fileKey);
    const sealer = new ChunkSealer(suite, fileKey, random.bytes(24), segmentContext(suite.hashes, bound));
    wipe(fileKey, chainKey);
    const start = concatBytes(encodeSegmentHeader(bound, wrapped), sealer.header);
    let handle: FileHandle | null = null;
    try {
      handle = await files.create(place.path);
      if ((await handle.write(start, 0)) !== start.length) throw shortWrite();
      // Before any chunk: a file with a chunk in it always has its whole header.
      await handle.sync();
      await files.syncFolder(place.folder);
    } catch (error) {
      await handle?.close().catch(() => undefined);
      if (handle) await files.remove(place.path).catch(() => undefined);
      throw writeError('a segment', error);
    }
    return new SegmentFile(deps, place.path, header, handle, sealer, suite.hashes.sha256(start), buffers);
  }

  private constructor(
    deps: { files: Files; clock: Clock; suite: SyncCryptoSuite },
    path: string,
    header: SegmentHeader,
    handle: FileHandle,
    sealer: ChunkSealer,
    headerHash: Uint8Array,
    buffers: SegmentBuffers,
  ) {
    this.path = path;
    this.header = header;
    this.#files = deps.files;
    this.#clock = deps.clock;
    this.#suite = deps.suite;
    this.#handle = handle;
    this.#sealer = sealer;
    this.#headerHash = headerHash;
    this.#tree = new MerkleTree(deps.suite.hashes);
    this.#buffers = buffers;
  }

  /** Plaintext bytes handed in so far, padding counted. */
  get plaintextBytes(): number {
    return this.#plaintext;
  }

  /** True when another megabyte might not fit below the largest size of a file. */
  get nearlyFull(): boolean {
    return this.#sealer.count > SEGMENT_CHUNKS_MAX - 2048;
  }

  /** Monotonic ms at which the oldest byte came that is not synced; null when all are. */
  get unsyncedSince(): number | null {
    return this.#unsyncedSince;
  }

  /** Monotonic ms at which the oldest byte of the partial chunk came; null when it is empty. */
  get partialSince(): number | null {
    return this.#fillSince;
  }

  /** The last fragment that is in synced whole chunks. */
  get syncedMark(): FragmentMark | null {
    return this.#syncedMark;
  }

  /** Whole chunks that are synced. */
  get syncedChunks(): number {
    return this.#syncedChunks;
  }

  /** Takes bytes; with `fragment` they end a fragment whose end and samples are told. */
  async append(bytes: Uint8Array, fragment?: { endUs: number; sampleCount: number }): Promise<void> {
    assert(!this.#broken && !this.#closed, 'no bytes for a broken or closed segment');
    const now = this.#clock.monotonic();
    this.#unsyncedSince ??= now;
    this.#plaintext += bytes.length;
    if (fragment) this.#open.push({ end: this.#plaintext, ...fragment });
    for (let at = 0; at < bytes.length; ) {
      if (this.#fill === 0 && bytes.length - at >= CHUNK_SIZE) {
        this.#stage(bytes.subarray(at, at + CHUNK_SIZE));
        at += CHUNK_SIZE;
      } else {
        const part = bytes.subarray(at, at + CHUNK_SIZE - this.#fill);
        this.#buffers.partial.set(part, this.#fill);
        this.#fillSince ??= now;
        this.#fill += part.length;
        at += part.length;
        if (this.#fill === CHUNK_SIZE) this.#sealPartial();
      }
      if (this.#staged === STAGE_CHUNKS) await this.#writeStaged();
    }
  }

  /** Completes the partial chunk with one `free` box; where fewer than 8 bytes are left in it, the box spans the next chunk too. */
  async pad(): Promise<void> {
    if (this.#fill === 0) return;
    const left = CHUNK_SIZE - this.#fill;
    await this.append(free(left >= FREE_BYTES_MIN ? left : left + CHUNK_SIZE));
  }

  /** Writes what is staged and makes all of it durable. */
  async sync(): Promise<void> {
    assert(!this.#broken && !this.#closed, 'no sync of a broken or closed segment');
    await this.#writeStaged();
    const mark = this.#writtenMark;
    const written = this.#written;
    const since = this.#fillSince;
    try {
      await this.#handle.sync();
    } catch (error) {
      this.#broken = true;
      throw writeError('a segment', error);
    }
    this.#syncedMark = mark;
    this.#syncedChunks = written;
    this.#unsyncedSince = since;
  }

  /** Seals the rest as the final chunk, syncs and closes. */
  async finish(): Promise<ClosedFile> {
    assert(!this.#broken && !this.#closed, 'a whole segment to finish');
    await this.#writeStaged();
    const final = this.#sealer.seal(this.#buffers.partial.subarray(0, this.#fill));
    try {
      const position = chunkRange(this.#written).start;
      if ((await this.#handle.write(final, position)) !== final.length) throw shortWrite();
      await this.#handle.sync();
    } catch (error) {
      this.#broken = true;
      throw writeError('a segment', error);
    }
    this.#tree.add(leafHash(this.#suite.hashes, final));
    this.#closed = true;
    await this.#handle.close();
    return this.#closedFile(this.#written + 1, chunkRange(this.#written).start + final.length, this.#open.at(-1));
  }

  /**
   * Gives up after a failure: cuts the file to its whole chunks, syncs and closes as far as the disk lets it. Null where no whole
   * chunk is in it; the file is then removed.
   */
  async abort(): Promise<ClosedFile | null> {
    assert(!this.#closed, 'one end of a segment');
    this.#broken = true;
    this.#closed = true;
    const size = chunkRange(this.#written).start;
    try {
      await this.#handle.truncate(size);
      await this.#handle.sync();
    } catch {
      // The leaf says how much counts; what lies behind it is never read.
    }
    await this.#handle.close().catch(() => undefined);
    if (this.#written === 0) {
      await this.#files.remove(this.path).catch(() => undefined);
      return null;
    }
    return this.#closedFile(this.#written, size, undefined);
  }

  #closedFile(chunkCount: number, fileBytes: number, last: FragmentMark | undefined): ClosedFile {
    const lost = last ? 0 : this.#open.reduce((sum, mark) => sum + mark.sampleCount, 0);
    return {
      chunkCount,
      fileBytes,
      headerHash: this.#headerHash,
      chunkRoot: this.#tree.root(),
      endUs: (last ?? this.#writtenMark)?.endUs ?? null,
      lostFrames: lost,
    };
  }

  #sealPartial(): void {
    this.#stage(this.#buffers.partial);
    this.#fill = 0;
    this.#fillSince = null;
  }

  #stage(plaintext: Uint8Array): void {
    const at = this.#staged * SEALED_CHUNK_SIZE;
    const sealed = this.#buffers.stage.subarray(at, at + SEALED_CHUNK_SIZE);
    this.#sealer.sealInto(plaintext, sealed);
    this.#stagedHashes.push(leafHash(this.#suite.hashes, sealed));
    this.#staged += 1;
  }

  async #writeStaged(): Promise<void> {
    if (this.#staged === 0) return;
    const bytes = this.#buffers.stage.subarray(0, this.#staged * SEALED_CHUNK_SIZE);
    let count = 0;
    let failure: unknown = null;
    try {
      count = await this.#handle.write(bytes, chunkRange(this.#written).start);
    } catch (error) {
      failure = error;
    }
    // Whatever was written whole counts, also of a write that was cut short: it is genuine.
    for (const hash of this.#stagedHashes.slice(0, Math.floor(count / SEALED_CHUNK_SIZE))) {
      this.#tree.add(hash);
      this.#written += 1;
    }
    this.#staged = 0;
    this.#stagedHashes = [];
    while (this.#open[0] && this.#open[0].end <= this.#written * CHUNK_SIZE) this.#writtenMark = this.#open.shift()!;
    if (count < bytes.length) {
      this.#broken = true;
      throw writeError('a segment', failure ?? shortWrite());
    }
  }
}

/** Working memory of one stream's writer, used again for each segment. */
export class SegmentBuffers {
  readonly partial = new Uint8Array(CHUNK_SIZE);
  readonly stage = new Uint8Array(STAGE_CHUNKS * SEALED_CHUNK_SIZE);

  /** Overwrites what is left of the picture. */
  wipe(): void {
    this.partial.fill(0);
  }
}

/** The smallest file with something in it: an empty final chunk. */
export const SEGMENT_FILE_MIN = chunkRange(0).start + CHUNK_TAG_SIZE;

/** A disk takes less than asked when it is full. */
const shortWrite = () => vaultFull('a write was cut short');
