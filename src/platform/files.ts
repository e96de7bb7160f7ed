/**
 * The disk behind few verbs. Paths are absolute. Errors are `NvrError`s mapped from errno once:
 * ENOENT `ERR_FILES_MISSING` (`missing`), EEXIST `ERR_FILES_EXISTS` (`conflict`), ENOSPC/EDQUOT `ERR_FILES_FULL`
 * (`exhausted`), EROFS/EIO/EMFILE and the rest `ERR_FILES_FAILED` (`unavailable`).
 */
export interface Files {
  /** Creates a file that must not exist, mode 0600, for reading and writing. */
  create(path: string): Promise<FileHandle>;
  /** Opens a file for reading; with `write` also for writing, creating nothing. */
  open(path: string, options?: { write?: boolean }): Promise<FileHandle>;
  /** The whole file; `ERR_FILES_LARGE` (`invalid`) above `sizeBytesMax`. */
  read(path: string, sizeBytesMax: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes a whole file beside its place, syncs it, renames it over `path` and syncs the folder. Mode 0600 unless given. */
  replace(path: string, bytes: Uint8Array, options?: { mode?: number }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes an empty folder; false when it is not empty or not there. */
  removeFolder(path: string): Promise<boolean>;
  /** Makes a folder and its parents, mode 0700. */
  makeFolder(path: string): Promise<void>;
  /** Makes the names inside a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** What a folder holds, sorted by name; empty when it does not exist. */
  list(path: string): Promise<FileEntry[]>;
  /** Size and kind of a path, or null. */
  stat(path: string): Promise<FileEntry | null>;
  /**
   * Calls `onChange` soon after a name in a folder came, went or was written, perhaps more often than needed; not for what lies
   * deeper. Gives the function that ends it, or null where the system cannot tell (or the folder is not there): look yourself then.
   */
  watch(path: string, onChange: () => void): (() => void) | null;
  /** Room on the volume that holds `path`. `volume` tells volumes apart within this process. */
  space(path: string): Promise<{ volume: string; freeBytes: number; totalBytes: number }>;
}

export interface FileEntry {
  name: string;
  kind: 'file' | 'folder' | 'other';
  sizeBytes: number;
  /** Wall time of the last change, epoch ms. */
  modifiedAt: number;
  /** Permission bits (0o777); absent where they are not known. */
  mode?: number;
}

export interface FileHandle {
  /** Writes at a place; gives the count written, which may be short on a full disk. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Reads into `into`; gives the count read, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  sizeBytes(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  /** Makes the file's bytes and size durable (fdatasync). */
  sync(): Promise<void>;
  close(): Promise<void>;
}
