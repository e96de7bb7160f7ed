import { isNvrError } from '../errors.ts';
import type { FileHandle, Files } from '../platform/index.ts';

/** Size of every leaf of both logs. */
export const LEAF_BYTES = 256;

/** Leaves of a file, in order; `bytes` are views that hold until the next piece is asked for. */
export interface LeafPiece {
  /** Position of the first of them in the file. */
  first: number;
  leaves: Uint8Array[];
}

/**
 * An open file of one header and 256-byte leaves that only grows: what the log and the audit log have in common.
 *
 * A leaf counts once it is synced; what a failed write left behind is written over by the next one.
 */
export class LeafFile {
  readonly header: Uint8Array<ArrayBuffer>;
  /** Bytes on the disk when it was opened. */
  readonly openedBytes: number;
  readonly #handle: FileHandle;
  #count: number;

  private constructor(handle: FileHandle, header: Uint8Array<ArrayBuffer>, openedBytes: number, count: number) {
    this.#handle = handle;
    this.header = header;
    this.openedBytes = openedBytes;
    this.#count = count;
  }

  /** Opens a file that is there; a header that is cut reads as zeros from there on. With `write` leaves may be appended. */
  static async open(
    files: Files,
    path: string,
    { headerBytes, write }: { headerBytes: number; write: boolean },
  ): Promise<LeafFile> {
    const handle = await files.open(path, { write });
    try {
      const header = new Uint8Array(headerBytes);
      await readFully(handle, header, 0);
      const size = await handle.sizeBytes();
      return new LeafFile(handle, header, size, Math.max(0, Math.floor((size - headerBytes) / LEAF_BYTES)));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Whole leaves. */
  get count(): number {
    return this.#count;
  }

  /** Where the last whole leaf ends. */
  get endBytes(): number {
    return this.header.length + this.#count * LEAF_BYTES;
  }

  /** Counts no more than the first `count` leaves, without touching the file. */
  limit(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  /** Takes whatever lies behind the last leaf that counts off the file, durably. */
  async cut(): Promise<void> {
    if ((await this.#handle.sizeBytes()) <= this.endBytes) return;
    await this.#handle.truncate(this.endBytes);
    await this.#handle.sync();
  }

  /**
   * Appends whole leaves and syncs them. Rejects with the disk's error; then none of them counts. `onFull` is asked for room when
   * the disk has none, and tells whether trying again is worth it.
   */
  async append(bytes: Uint8Array, onFull: () => Promise<boolean> = async () => false): Promise<void> {
    try {
      await this.#write(bytes, onFull);
      await this.#handle.sync();
    } catch (error) {
      await this.#handle.truncate(this.endBytes).catch(() => undefined);
      throw error;
    }
    this.#count += bytes.length / LEAF_BYTES;
  }

  /** Leaves from position `first` up to `end`, at most `pieceLeaves` at a time. */
  async *read(first: number, end: number, pieceLeaves: number): AsyncGenerator<LeafPiece> {
    for (let at = first; at < Math.min(end, this.#count); at += pieceLeaves) {
      const count = Math.min(pieceLeaves, end - at, this.#count - at);
      const bytes = new Uint8Array(count * LEAF_BYTES);
      await readFully(this.#handle, bytes, this.header.length + at * LEAF_BYTES);
      yield {
        first: at,
        leaves: Array.from({ length: count }, (_, i) => bytes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)),
      };
    }
  }

  /** The bytes of one leaf, or null where there is none. */
  async leafAt(index: number): Promise<Uint8Array<ArrayBuffer> | null> {
    if (index < 0 || index >= this.#count) return null;
    const bytes = new Uint8Array(LEAF_BYTES);
    await readFully(this.#handle, bytes, this.header.length + index * LEAF_BYTES);
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Uint8Array, onFull: () => Promise<boolean>): Promise<void> {
    let done = 0;
    for (let asked = false; done < bytes.length; ) {
      try {
        done += await this.#handle.write(bytes.subarray(done), this.endBytes + done);
      } catch (error) {
        if (asked || !isNvrError(error, 'exhausted')) throw error;
        asked = true;
        if (!(await onFull())) throw error;
      }
    }
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
