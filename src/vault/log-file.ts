import { equalBytes, toHex } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import type { Files, Random } from '../platform/index.ts';
import {
  encodeLeaf,
  encodeLogHeader,
  LEAF_SIZE,
  LOG_HEADER_SIZE,
  type LogHeader,
  type LogLeaf,
  leafHash,
  parseLeaf,
  parseLogHeader,
} from '../protocol/index.ts';
import { logForeign, writeError } from './errors.ts';
import { LeafFile } from './leaf-file.ts';
import type { VaultPaths } from './paths.ts';

/** Leaves written and synced together at most. */
const BATCH_MAX = 256;
/** Leaves read in one piece. */
const READ_LEAVES = 4096;
/** Torn leaves at the end that a power cut may have left; more is damage, not tearing. */
const TORN_LEAVES_MAX = 4096;
const RESERVE_SIZE = 256 * 1024;

/** A leaf on its way into the log or just read from it. */
export interface LoggedLeaf<Extra = unknown> {
  index: number;
  leaf: LogLeaf;
  hash: Uint8Array<ArrayBuffer>;
  /** What the index may keep beside it; lost with the index. */
  extra?: Extra;
}

interface Waiting<Extra> {
  leaf: LogLeaf;
  bytes: Uint8Array;
  hash: Uint8Array<ArrayBuffer>;
  extra: Extra | undefined;
  resolve(logged: LoggedLeaf<Extra>): void;
  reject(error: unknown): void;
}

/**
 * The append-only log on disk. Appends of all streams are gathered: while one batch is being synced, the next one fills.
 *
 * `onBatch` sees every synced batch, in order, before its appends resolve.
 */
export class LogFile<Extra = unknown> {
  readonly #files: Files;
  readonly #hashes: Hashes;
  readonly #paths: VaultPaths;
  readonly #onBatch: (batch: LoggedLeaf<Extra>[]) => void;
  #file: LeafFile | null = null;
  #header: LogHeader | null = null;
  #waiting: Waiting<Extra>[] = [];
  #writing: Promise<void> | null = null;
  /** Bytes cut from the end when the log was opened. */
  tornBytes = 0;

  constructor(
    deps: { files: Files; hashes: Hashes; onBatch: (batch: LoggedLeaf<Extra>[]) => void },
    paths: VaultPaths,
  ) {
    this.#files = deps.files;
    this.#hashes = deps.hashes;
    this.#onBatch = deps.onBatch;
    this.#paths = paths;
  }

  /** Leaves that are synced. */
  get count(): number {
    return this.#file?.count ?? 0;
  }

  /** This log's id, hex. */
  get id(): string {
    return this.#header ? toHex(this.#header.logId) : '';
  }

  /**
   * Opens the log or begins one, and cuts what a crash tore at its end. With `readOnly` nothing is created or cut.
   * Throws `ERR_VAULT_LOG_FOREIGN` (`corrupt`) where the file is not a log of this node.
   */
  async open(nodeId: Uint8Array, random: Random, options: { readOnly?: boolean } = {}): Promise<void> {
    const stat = await this.#files.stat(this.#paths.log);
    if (options.readOnly && stat === null) throw logForeign('none');
    if (!options.readOnly && (stat?.sizeBytes ?? 0) < LOG_HEADER_SIZE) await this.#begin(nodeId, random, stat !== null);
    const write = !options.readOnly;
    this.#file = await LeafFile.open(this.#files, this.#paths.log, { headerBytes: LOG_HEADER_SIZE, write });
    const header = parseLogHeader(this.#file.header);
    if (!header.ok) throw logForeign(header.reason);
    if (!equalBytes(header.value.nodeId, nodeId)) throw logForeign('the log of another node');
    this.#header = header.value;
    this.#file.limit(await this.#wholeLeaves(this.#file));
    this.tornBytes = this.#file.openedBytes - this.#file.endBytes;
    if (this.tornBytes > 0 && write) await this.#file.cut();
  }

  /** Resolves once the leaf is durable. Rejects with `exhausted` on a full disk, `unavailable` otherwise; it is then not in the log. */
  append(leaf: LogLeaf, extra?: Extra): Promise<LoggedLeaf<Extra>> {
    const bytes = encodeLeaf(leaf);
    const hash = leafHash(this.#hashes, bytes);
    const { promise, resolve, reject } = Promise.withResolvers<LoggedLeaf<Extra>>();
    this.#waiting.push({ leaf, bytes, hash, extra, resolve, reject });
    this.#writing ??= this.#writeAll();
    return promise;
  }

  /** Leaves from `first` on, in pieces of up to 4,096; `null` stands for a leaf that cannot be read. */
  async *read(first = 0): AsyncGenerator<{ index: number; leaf: LogLeaf | null; hash: Uint8Array<ArrayBuffer> }[]> {
    for await (const piece of this.#opened().read(first, this.count, READ_LEAVES)) {
      yield piece.leaves.map((bytes, i) => {
        const parsed = parseLeaf(bytes);
        return {
          index: piece.first + i,
          leaf: parsed.ok ? parsed.value : null,
          hash: leafHash(this.#hashes, bytes),
        };
      });
    }
  }

  /** One leaf, or null where there is none that can be read. */
  async leafAt(index: number): Promise<LogLeaf | null> {
    const bytes = await this.#opened().leafAt(index);
    const parsed = bytes && parseLeaf(bytes);
    return parsed?.ok ? parsed.value : null;
  }

  /** The hash of one leaf, or null where there is none. */
  async hashAt(index: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = await this.#opened().leafAt(index);
    return bytes && leafHash(this.#hashes, bytes);
  }

  /** Keeps room back for the log of a disk that will be full. Failing to is no fault: the disk is full now. */
  async keepReserve(): Promise<void> {
    try {
      const stat = await this.#files.stat(this.#paths.logReserve);
      if (stat?.sizeBytes === RESERVE_SIZE) return;
      await this.#files.replace(this.#paths.logReserve, new Uint8Array(RESERVE_SIZE).fill(0xa5));
    } catch {
      await this.#freeReserve();
    }
  }

  /** Waits for what is under way and lets the file go. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = null;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      const first = this.count;
      try {
        await this.#writeBatch(batch);
      } catch (error) {
        const failure = writeError('the log', error);
        for (const each of batch) each.reject(failure);
        continue;
      }
      const logged = batch.map(({ leaf, hash, extra }, i) => ({
        index: first + i,
        leaf,
        hash,
        ...(extra === undefined ? {} : { extra }),
      }));
      this.#onBatch(logged);
      batch.forEach((each, i) => {
        each.resolve(logged[i]!);
      });
    }
    this.#writing = null;
  }

  async #writeBatch(batch: Waiting<Extra>[]): Promise<void> {
    const bytes = new Uint8Array(batch.length * LEAF_SIZE);
    batch.forEach((each, i) => {
      bytes.set(each.bytes, i * LEAF_SIZE);
    });
    await this.#opened().append(bytes, () => this.#freeReserve());
  }

  async #freeReserve(): Promise<boolean> {
    try {
      await this.#files.remove(this.#paths.logReserve);
      return true;
    } catch {
      return false;
    }
  }

  async #begin(nodeId: Uint8Array, random: Random, torn: boolean): Promise<void> {
    await this.#files.makeFolder(this.#paths.logFolder);
    await this.#files.syncFolder(this.#paths.root);
    if (torn) await this.#files.remove(this.#paths.log);
    await this.#files.replace(this.#paths.log, encodeLogHeader({ nodeId, logId: random.bytes(16) }));
  }

  /** Cuts leaves at the end that were never synced: a power cut may leave their place filled with anything unreadable. */
  async #wholeLeaves(file: LeafFile): Promise<number> {
    let whole = file.count;
    while (whole > 0 && file.count - whole < TORN_LEAVES_MAX) {
      if (parseLeaf((await file.leafAt(whole - 1))!).ok) return whole;
      whole -= 1;
    }
    if (whole > 0) throw logForeign('a damaged log');
    return whole;
  }

  #opened(): LeafFile {
    if (!this.#file) throw logForeign('a closed log');
    return this.#file;
  }
}
