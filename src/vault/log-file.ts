import { equalBytes, toHex } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { FileHandle, Files, Random } from '../platform/index.ts';
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
  #handle: FileHandle | null = null;
  #header: LogHeader | null = null;
  #count = 0;
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
    return this.#count;
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
    this.#handle = await this.#files.open(this.#paths.log, { write: !options.readOnly });
    const start = new Uint8Array(LOG_HEADER_SIZE);
    await readFully(this.#handle, start, 0);
    const header = parseLogHeader(start);
    if (!header.ok) throw logForeign(header.reason);
    if (!equalBytes(header.value.nodeId, nodeId)) throw logForeign('the log of another node');
    this.#header = header.value;
    const size = await this.#handle.sizeBytes();
    this.#count = await this.#wholeLeaves(Math.floor((size - LOG_HEADER_SIZE) / LEAF_SIZE));
    this.tornBytes = size - this.#end();
    if (this.tornBytes > 0 && !options.readOnly) {
      await this.#handle.truncate(this.#end());
      await this.#handle.sync();
    }
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
    for (let at = first; at < this.#count; at += READ_LEAVES) {
      const count = Math.min(READ_LEAVES, this.#count - at);
      const bytes = new Uint8Array(count * LEAF_SIZE);
      await readFully(this.#opened(), bytes, LOG_HEADER_SIZE + at * LEAF_SIZE);
      yield Array.from({ length: count }, (_, i) => {
        const one = bytes.subarray(i * LEAF_SIZE, (i + 1) * LEAF_SIZE);
        const parsed = parseLeaf(one);
        return { index: at + i, leaf: parsed.ok ? parsed.value : null, hash: leafHash(this.#hashes, one) };
      });
    }
  }

  /** One leaf, or null where there is none that can be read. */
  async leafAt(index: number): Promise<LogLeaf | null> {
    if (index < 0 || index >= this.#count) return null;
    const bytes = new Uint8Array(LEAF_SIZE);
    await readFully(this.#opened(), bytes, LOG_HEADER_SIZE + index * LEAF_SIZE);
    const parsed = parseLeaf(bytes);
    return parsed.ok ? parsed.value : null;
  }

  /** The hash of one leaf, or null where there is none. */
  async hashAt(index: number): Promise<Uint8Array<ArrayBuffer> | null> {
    if (index < 0 || index >= this.#count) return null;
    const bytes = new Uint8Array(LEAF_SIZE);
    await readFully(this.#opened(), bytes, LOG_HEADER_SIZE + index * LEAF_SIZE);
    return leafHash(this.#hashes, bytes);
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
    await this.#handle?.close();
    this.#handle = null;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      try {
        await this.#writeBatch(batch);
      } catch (error) {
        const failure = writeError('the log', error);
        for (const each of batch) each.reject(failure);
        continue;
      }
      const logged = batch.map(({ leaf, hash, extra }, i) => ({
        index: this.#count + i,
        leaf,
        hash,
        ...(extra === undefined ? {} : { extra }),
      }));
      this.#count += batch.length;
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
    const handle = this.#opened();
    try {
      await this.#writeAt(handle, bytes);
      await handle.sync();
    } catch (error) {
      // What is behind the last synced leaf never happened; the next batch is written over it.
      await handle.truncate(this.#end()).catch(() => undefined);
      throw error;
    }
  }

  async #writeAt(handle: FileHandle, bytes: Uint8Array): Promise<void> {
    let done = 0;
    for (let freed = false; done < bytes.length; ) {
      try {
        done += await handle.write(bytes.subarray(done), this.#end() + done);
      } catch (error) {
        if (freed || !isNvrError(error, 'exhausted')) throw error;
        freed = true;
        if (!(await this.#freeReserve())) throw error;
      }
    }
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
  async #wholeLeaves(count: number): Promise<number> {
    const bytes = new Uint8Array(LEAF_SIZE);
    let whole = Math.max(0, count);
    while (whole > 0 && count - whole < TORN_LEAVES_MAX) {
      await readFully(this.#opened(), bytes, LOG_HEADER_SIZE + (whole - 1) * LEAF_SIZE);
      if (parseLeaf(bytes).ok) return whole;
      whole -= 1;
    }
    if (whole > 0) throw logForeign('a damaged log');
    return whole;
  }

  #end(): number {
    return LOG_HEADER_SIZE + this.#count * LEAF_SIZE;
  }

  #opened(): FileHandle {
    if (!this.#handle) throw logForeign('a closed log');
    return this.#handle;
  }
}

/** Fills `into` from a place of a file; what the file does not have stays zero. */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await handle.read(into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
