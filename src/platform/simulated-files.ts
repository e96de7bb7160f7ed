import { type ErrorCode, type ErrorKind, NvrError } from '../errors.ts';
import type { FileEntry, FileHandle, Files } from './files.ts';
import { SeededRandom } from './seeded-random.ts';

/** What can be made to go wrong at one call. `short` writes half of the bytes and says so. */
export type DiskFault = 'EIO' | 'ENOSPC' | 'EROFS' | 'EMFILE' | 'short';

/** The verbs a fault can be aimed at; every one of them counts as one call. */
export type DiskVerb =
  | 'create'
  | 'open'
  | 'read'
  | 'replace'
  | 'rename'
  | 'remove'
  | 'removeFolder'
  | 'makeFolder'
  | 'syncFolder'
  | 'list'
  | 'stat'
  | 'space'
  | 'write'
  | 'readAt'
  | 'truncate'
  | 'sync';

export interface SimulatedDiskOptions {
  seed?: number;
  /** Room on the disk; writing beyond it is short, then `ERR_FILES_FULL`. */
  capacityBytes?: number;
}

type Change = { kind: 'write'; position: number; bytes: Uint8Array } | { kind: 'truncate'; sizeBytes: number };

interface Inode {
  bytes: Uint8Array<ArrayBuffer>;
  size: number;
  /** What a power cut cannot take: the state at the last sync, and what changed since. */
  durable: Uint8Array<ArrayBuffer>;
  changes: Change[];
}

type Place = Inode | 'folder';

interface NameChange {
  folder: string;
  apply(names: Map<string, Place>): void;
}

const FAULTS: Record<Exclude<DiskFault, 'short'>, [ErrorCode, ErrorKind]> = {
  EIO: ['ERR_FILES_FAILED', 'unavailable'],
  EROFS: ['ERR_FILES_FAILED', 'unavailable'],
  EMFILE: ['ERR_FILES_FAILED', 'unavailable'],
  ENOSPC: ['ERR_FILES_FULL', 'exhausted'],
};

/**
 * A disk in memory with named faults and one seed.
 *
 * It keeps apart what was written and what was synced: `crash` cuts the power, keeps everything synced, and lets chance
 * decide for each unsynced write whether all, a prefix or nothing of it arrived, and how many unsynced name changes did.
 * Every handle opened before the crash is dead afterwards.
 */
export class SimulatedFiles implements Files {
  /** Calls made so far. `failAt` counts from here. */
  calls = 0;
  capacityBytes: number;
  #random: SeededRandom;
  #names = new Map<string, Place>([['/', 'folder']]);
  #durableNames = new Map<string, Place>([['/', 'folder']]);
  #pending: NameChange[] = [];
  #life = 0;
  #faults: { at: number; verb: DiskVerb | null; fault: DiskFault; times: number }[] = [];
  /** Called before each verb; a test may look, count or throw. */
  onCall: ((verb: DiskVerb, path: string) => void) | null = null;

  constructor(options: SimulatedDiskOptions = {}) {
    this.#random = new SeededRandom(options.seed ?? 1);
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Makes the `n`-th call from now (1 is the next), of `verb` where one is named, go wrong, `times` times in a row. */
  failAt(n: number, fault: DiskFault, verb: DiskVerb | null = null, times = 1): void {
    this.#faults.push({ at: verb === null ? this.calls + n : n, verb, fault, times });
  }

  /** Takes all planned faults back. */
  heal(): void {
    this.#faults = [];
  }

  /** Bytes that files take now. */
  usedBytes(): number {
    let used = 0;
    for (const place of new Set(this.#names.values())) if (place !== 'folder') used += place.size;
    return used;
  }

  /** Every path that holds a file now, sorted. */
  paths(): string[] {
    return [...this.#names]
      .filter(([, place]) => place !== 'folder')
      .map(([path]) => path)
      .sort();
  }

  /** A file's bytes now, as a copy, to look at or to tamper with through `poke`. */
  peek(path: string): Uint8Array<ArrayBuffer> {
    const inode = this.#inode(path);
    return inode.bytes.slice(0, inode.size);
  }

  /** Puts bytes in place behind everybody's back, durable at once. */
  poke(path: string, bytes: Uint8Array): void {
    const inode: Inode = { bytes: bytes.slice(), size: bytes.length, durable: bytes.slice(), changes: [] };
    this.#folders(path);
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** Cuts the power and lets the disk come back as chance has it. With `keepAll` only the process dies: nothing is lost. */
  crash(options: { keepAll?: boolean } = {}): void {
    this.#life += 1;
    this.#faults = [];
    if (options.keepAll) return;
    const kept = this.#random.below(this.#pending.length + 1);
    for (const change of this.#pending.slice(0, kept)) change.apply(this.#durableNames);
    this.#pending = [];
    this.#names = new Map(this.#durableNames);
    for (const place of new Set(this.#names.values())) if (place !== 'folder') this.#settleInode(place);
  }

  async create(path: string): Promise<FileHandle> {
    this.#call('create', path);
    this.#needFolder(path);
    if (this.#names.has(path)) throw new NvrError('ERR_FILES_EXISTS', 'conflict', `exists: ${path}`);
    const inode: Inode = { bytes: new Uint8Array(256), size: 0, durable: new Uint8Array(0), changes: [] };
    this.#name(path, (names) => names.set(path, inode));
    return this.#handle(path, inode, true);
  }

  async open(path: string, options?: { write?: boolean }): Promise<FileHandle> {
    this.#call('open', path);
    return this.#handle(path, this.#inode(path), options?.write ?? false);
  }

  async read(path: string, sizeBytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#call('read', path);
    const inode = this.#inode(path);
    if (inode.size > sizeBytesMax) throw new NvrError('ERR_FILES_LARGE', 'invalid', `too large: ${path}`);
    return inode.bytes.slice(0, inode.size);
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    const fault = this.#call('replace', path);
    this.#needFolder(path);
    if (fault === 'short' || this.usedBytes() + bytes.length > this.capacityBytes) throw full(path);
    const inode: Inode = { bytes: bytes.slice(), size: bytes.length, durable: bytes.slice(), changes: [] };
    this.#name(path, (names) => names.set(path, inode));
    this.#settleFolder(folderOf(path));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call('rename', from);
    const inode = this.#inode(from);
    this.#needFolder(to);
    this.#name(to, (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    this.#call('remove', path);
    this.#inode(path);
    this.#name(path, (names) => names.delete(path));
  }

  async removeFolder(path: string): Promise<boolean> {
    this.#call('removeFolder', path);
    if (this.#names.get(path) !== 'folder') return false;
    for (const other of this.#names.keys()) if (other.startsWith(`${path}/`)) return false;
    this.#name(path, (names) => names.delete(path));
    return true;
  }

  async makeFolder(path: string): Promise<void> {
    this.#call('makeFolder', path);
    for (const folder of [...ancestors(path), path]) {
      if (!this.#names.has(folder)) this.#name(folder, (names) => names.set(folder, 'folder'));
    }
  }

  async syncFolder(path: string): Promise<void> {
    this.#call('syncFolder', path);
    this.#settleFolder(path);
  }

  async list(path: string): Promise<FileEntry[]> {
    this.#call('list', path);
    const entries: FileEntry[] = [];
    for (const [other, place] of this.#names) {
      if (other !== '/' && folderOf(other) === path) entries.push(entry(other, place));
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async stat(path: string): Promise<FileEntry | null> {
    this.#call('stat', path);
    const place = this.#names.get(path);
    return place === undefined ? null : entry(path, place);
  }

  /** A simulated disk cannot tell. */
  watch(): null {
    return null;
  }

  async space(path: string): Promise<{ volume: string; freeBytes: number; totalBytes: number }> {
    this.#call('space', path);
    const totalBytes = Number.isFinite(this.capacityBytes) ? this.capacityBytes : 2 ** 50;
    return { volume: 'simulated', freeBytes: Math.max(0, totalBytes - this.usedBytes()), totalBytes };
  }

  #handle(path: string, inode: Inode, writable: boolean): FileHandle {
    const life = this.#life;
    const alive = (verb: DiskVerb) => {
      if (life !== this.#life) throw new NvrError('ERR_FILES_FAILED', 'unavailable', `the power was cut: ${path}`);
      return this.#call(verb, path);
    };
    return {
      write: async (bytes, position) => {
        const fault = alive('write');
        if (!writable) throw new NvrError('ERR_FILES_FAILED', 'unavailable', `opened for reading: ${path}`);
        const room = this.capacityBytes - this.usedBytes() + Math.max(0, inode.size - position);
        let count = fault === 'short' ? bytes.length >> 1 : bytes.length;
        if (count > room) count = Math.max(0, Math.floor(room));
        if (count === 0 && bytes.length > 0) throw full(path);
        const taken = bytes.slice(0, count);
        apply(inode, { kind: 'write', position, bytes: taken });
        inode.changes.push({ kind: 'write', position, bytes: taken });
        return count;
      },
      read: async (into, position) => {
        alive('readAt');
        const count = Math.max(0, Math.min(into.length, inode.size - position));
        into.set(inode.bytes.subarray(position, position + count));
        return count;
      },
      sizeBytes: async () => inode.size,
      truncate: async (sizeBytes) => {
        alive('truncate');
        apply(inode, { kind: 'truncate', sizeBytes });
        inode.changes.push({ kind: 'truncate', sizeBytes });
      },
      sync: async () => {
        alive('sync');
        inode.durable = inode.bytes.slice(0, inode.size);
        inode.changes = [];
      },
      close: async () => {},
    };
  }

  #call(verb: DiskVerb, path: string): DiskFault | null {
    this.calls += 1;
    this.onCall?.(verb, path);
    for (const planned of this.#faults) {
      if (planned.times === 0 || (planned.verb !== null && planned.verb !== verb)) continue;
      const due = planned.verb === null ? this.calls >= planned.at : --planned.at <= 0;
      if (!due) continue;
      planned.times -= 1;
      if (planned.fault === 'short') return 'short';
      const [code, kind] = FAULTS[planned.fault];
      throw new NvrError(code, kind, `the disk answered ${planned.fault}: ${path}`);
    }
    return null;
  }

  #inode(path: string): Inode {
    const place = this.#names.get(path);
    if (place === undefined || place === 'folder') throw new NvrError('ERR_FILES_MISSING', 'missing', `no ${path}`);
    return place;
  }

  #needFolder(path: string): void {
    if (this.#names.get(folderOf(path)) !== 'folder') {
      throw new NvrError('ERR_FILES_MISSING', 'missing', `no folder for ${path}`);
    }
  }

  #folders(path: string): void {
    for (const folder of ancestors(path)) {
      this.#names.set(folder, 'folder');
      this.#durableNames.set(folder, 'folder');
    }
  }

  #name(path: string, apply: (names: Map<string, Place>) => void): void {
    apply(this.#names);
    this.#pending.push({ folder: folderOf(path), apply });
  }

  #settleFolder(folder: string): void {
    for (const change of this.#pending) if (change.folder === folder) change.apply(this.#durableNames);
    this.#pending = this.#pending.filter((change) => change.folder !== folder);
  }

  #settleInode(inode: Inode): void {
    const changes = inode.changes;
    inode.bytes = inode.durable.slice();
    inode.size = inode.durable.length;
    inode.changes = [];
    for (const change of changes) {
      const fate = this.#random.below(4);
      if (fate === 0) continue;
      if (change.kind === 'write' && fate === 1) {
        const part = change.bytes.slice(0, this.#random.below(change.bytes.length + 1));
        apply(inode, { ...change, bytes: part });
      } else apply(inode, change);
    }
    inode.durable = inode.bytes.slice(0, inode.size);
  }
}

function apply(inode: Inode, change: Change): void {
  const end = change.kind === 'write' ? change.position + change.bytes.length : change.sizeBytes;
  if (end > inode.bytes.length) {
    const grown = new Uint8Array(Math.max(end, inode.bytes.length * 2));
    grown.set(inode.bytes.subarray(0, inode.size));
    inode.bytes = grown;
  }
  if (change.kind === 'write') {
    inode.bytes.fill(0, inode.size, Math.max(inode.size, change.position));
    inode.bytes.set(change.bytes, change.position);
    inode.size = Math.max(inode.size, end);
  } else {
    inode.bytes.fill(0, Math.min(inode.size, end), Math.max(inode.size, end));
    inode.size = end;
  }
}

const full = (path: string) => new NvrError('ERR_FILES_FULL', 'exhausted', `the disk answered ENOSPC: ${path}`);
const folderOf = (path: string) => path.slice(0, Math.max(1, path.lastIndexOf('/')));

function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

function entry(path: string, place: Place): FileEntry {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (place === 'folder') return { name, kind: 'folder', sizeBytes: 0, modifiedAt: 0 };
  return { name, kind: 'file', sizeBytes: place.size, modifiedAt: 0 };
}
