import { constants, promises as fs, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ErrorCode, type ErrorKind, NvrError } from '../../errors.ts';
import type { FileEntry, FileHandle, Files } from '../files.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC } = constants;
const STATS_AT_ONCE = 64;

/** The machine's own disk through node:fs. A symbolic link in the last place of a path is never followed when writing. */
export function createNodeFiles(): Files {
  return {
    create: (path) => mapped(path, async () => handleOf(path, await fs.open(path, O_RDWR | O_CREAT | O_EXCL, 0o600))),
    open: (path, options) =>
      mapped(path, async () => {
        const flags = options?.write ? O_RDWR | O_NOFOLLOW : O_RDONLY;
        return handleOf(path, await fs.open(path, flags));
      }),
    read: (path, sizeBytesMax) => mapped(path, () => readWhole(path, sizeBytesMax)),
    replace: (path, bytes, options) => mapped(path, () => replaceWhole(path, bytes, options?.mode ?? 0o600)),
    rename: (from, to) => mapped(from, () => fs.rename(from, to)),
    remove: (path) => mapped(path, () => fs.unlink(path)),
    removeFolder: (path) =>
      mapped(path, async () => {
        try {
          await fs.rmdir(path);
          return true;
        } catch (error) {
          if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error))) return false;
          throw error;
        }
      }),
    makeFolder: (path) =>
      mapped(path, async () => {
        await fs.mkdir(path, { recursive: true, mode: 0o700 });
      }),
    syncFolder: (path) => mapped(path, () => syncFolder(path)),
    list: (path) => mapped(path, () => listFolder(path)),
    stat: (path) => mapped(path, () => entryOf(path, path.slice(path.lastIndexOf('/') + 1))),
    watch: watchFolder,
    space: (path) => mapped(path, () => spaceOf(path)),
  };
}

function handleOf(path: string, handle: fs.FileHandle): FileHandle {
  let closed = false;
  return {
    write: (bytes, position) =>
      mapped(path, async () => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten),
    read: (into, position) => mapped(path, async () => (await handle.read(into, 0, into.length, position)).bytesRead),
    sizeBytes: () => mapped(path, async () => (await handle.stat()).size),
    truncate: (sizeBytes) => mapped(path, () => handle.truncate(sizeBytes)),
    sync: () => mapped(path, () => handle.datasync()),
    close: async () => {
      if (closed) return;
      closed = true;
      await mapped(path, () => handle.close());
    },
  };
}

async function readWhole(path: string, sizeBytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await fs.open(path, O_RDONLY);
  try {
    const { size } = await handle.stat();
    if (size > sizeBytesMax) {
      throw new NvrError(
        'ERR_FILES_LARGE',
        'invalid',
        `expected at most ${sizeBytesMax} bytes, found ${size}: ${path}`,
      );
    }
    const out = new Uint8Array(size);
    let offset = 0;
    while (offset < size) {
      const { bytesRead } = await handle.read(out, offset, size - offset, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
    }
    return offset === size ? out : out.slice(0, offset);
  } finally {
    await handle.close();
  }
}

async function replaceWhole(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  // One fixed neighbour name: what a crash leaves behind is overwritten by the next try.
  const beside = `${path}.tmp`;
  const handle = await fs.open(beside, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  try {
    await handle.chmod(mode);
    let offset = 0;
    while (offset < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, offset);
      if (bytesWritten === 0) throw Object.assign(new Error('nothing written'), { code: 'ENOSPC' });
      offset += bytesWritten;
    }
    await handle.sync();
  } catch (error) {
    await handle.close();
    await fs.unlink(beside).catch(() => undefined);
    throw error;
  }
  await handle.close();
  await fs.rename(beside, path);
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const handle = await fs.open(path, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function listFolder(path: string): Promise<FileEntry[]> {
  let names: string[];
  try {
    names = await fs.readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
  names.sort();
  const entries: FileEntry[] = [];
  for (let i = 0; i < names.length; i += STATS_AT_ONCE) {
    const batch = await Promise.all(names.slice(i, i + STATS_AT_ONCE).map((name) => entryOf(join(path, name), name)));
    for (const entry of batch) if (entry) entries.push(entry);
  }
  return entries;
}

/** inotify; a folder that is renamed or removed falls silent, as one does that the kernel has no room to watch. */
function watchFolder(path: string, onChange: () => void): (() => void) | null {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return null;
  }
}

async function entryOf(path: string, name: string): Promise<FileEntry | null> {
  try {
    const stat = await fs.lstat(path);
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other';
    return { name, kind, sizeBytes: stat.size, modifiedAt: Math.floor(stat.mtimeMs), mode: stat.mode & 0o777 };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return null;
    throw error;
  }
}

async function spaceOf(path: string): Promise<{ volume: string; freeBytes: number; totalBytes: number }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const [stat, space] = [await fs.stat(at), await fs.statfs(at)];
      return {
        volume: String(stat.dev),
        freeBytes: space.bavail * space.bsize,
        totalBytes: space.blocks * space.bsize,
      };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || dirname(at) === at) throw error;
    }
  }
}

async function mapped<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof NvrError) throw error;
    const errno = errnoOf(error);
    const [code, kind] = KINDS[errno] ?? FAILED;
    throw new NvrError(code, kind, `the disk answered ${errno || 'with an error'}: ${path}`, { cause: error });
  }
}

const FAILED: [ErrorCode, ErrorKind] = ['ERR_FILES_FAILED', 'unavailable'];
const KINDS: Record<string, [ErrorCode, ErrorKind]> = {
  ENOENT: ['ERR_FILES_MISSING', 'missing'],
  EEXIST: ['ERR_FILES_EXISTS', 'conflict'],
  ENOSPC: ['ERR_FILES_FULL', 'exhausted'],
  EDQUOT: ['ERR_FILES_FULL', 'exhausted'],
};

function errnoOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
