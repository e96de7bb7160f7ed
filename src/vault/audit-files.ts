import { equalBytes } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files } from '../platform/index.ts';
import {
  AUDIT_HEADER_SIZE,
  type AuditFileHeader,
  type AuditStatement,
  type DeviceKey,
  parseAuditFileHeader,
  parseAuditLeaf,
} from '../protocol/index.ts';
import { cursorInvalid } from './errors.ts';
import { LeafFile } from './leaf-file.ts';

const NAME = /^(\d{12,16})\.cna$/;
const CURSOR = /^\d{1,16}$/;
/** Leaves looked at for one page: 4 MiB. A page may so be empty and still have a cursor. */
const LOOK_MAX = 16_384;
const PIECE_LEAVES = 1024;

/** Where the audit log lies below the data folder. */
export const auditFolder = (root: string) => `${root}/audit`;

/** What the file is called whose first leaf has this index. */
export const auditFileName = (first: number) => `${String(first).padStart(12, '0')}.cna`;

/** One file of an audit log, by its name. */
export interface AuditFilePlace {
  first: number;
  path: string;
  sizeBytes: number;
}

/** What of the log is wanted. */
export interface AuditQuery {
  /** Epoch ms: entries with from <= at < to. */
  from?: number;
  to?: number;
  /** Only what this device did, and what of it was left out. */
  device?: DeviceKey;
  order: 'oldest' | 'newest';
  limit: number;
  cursor?: string;
}

/** A statement in its place; heads are told apart from what happened and not listed. */
export interface AuditRecord {
  index: number;
  statement: Exclude<AuditStatement, { type: 'head' }>;
}

export interface AuditPage {
  records: AuditRecord[];
  /** Continues this listing; absent at its end. A page may be empty and still have one. */
  cursor?: string;
}

/** Files of the log, oldest first. Other files in the folder are passed over. */
export async function listAuditFiles(files: Files, folder: string): Promise<AuditFilePlace[]> {
  const found: AuditFilePlace[] = [];
  for (const { name, kind, sizeBytes } of await files.list(folder)) {
    const first = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    if (kind !== 'file' || !Number.isSafeInteger(first) || name !== auditFileName(first)) continue;
    found.push({ first, path: `${folder}/${name}`, sizeBytes });
  }
  return found.sort((a, b) => a.first - b.first);
}

/** An audit file and its header, or why it is none. The caller closes it. */
export async function openAuditFile(
  files: Files,
  { path, first }: Pick<AuditFilePlace, 'path' | 'first'>,
  write: boolean,
): Promise<{ file: LeafFile; header: AuditFileHeader } | string> {
  const file = await LeafFile.open(files, path, { headerBytes: AUDIT_HEADER_SIZE, write });
  const header = parseAuditFileHeader(file.header);
  if (header.ok && header.value.first === first) return { file, header: header.value };
  await file.close();
  return header.ok ? 'its header is that of another file' : header.reason;
}

/** One page of the audit log below a data folder, beside a node that may be running; see `readAuditPage`. */
export function readAudit(files: Files, root: string, query: AuditQuery): Promise<AuditPage> {
  return readAuditPage(files, auditFolder(root), query);
}

/**
 * One page of what a folder's audit log holds, of the leaves before `end`. Reads beside a writer. Leaves that cannot be read, and
 * files of another log, are passed over: finding them is `verifyAudit`'s. Throws `ERR_VAULT_CURSOR_INVALID` (`invalid`).
 */
export async function readAuditPage(
  files: Files,
  folder: string,
  query: AuditQuery,
  end = Number.MAX_SAFE_INTEGER,
): Promise<AuditPage> {
  const newest = query.order === 'newest';
  if (query.cursor !== undefined && !CURSOR.test(query.cursor)) throw cursorInvalid();
  const wished = query.cursor === undefined ? (newest ? end : 0) : Number(query.cursor);
  const start = newest ? Math.min(wished, end - 1) : wished;
  const page = new Page(query, start);
  const places = (await listAuditFiles(files, folder)).filter(({ first }) => first < end);
  let logId: Uint8Array | null = null;
  for (const place of newest ? places.reverse() : places) {
    const opened = await openAuditFile(files, place, false).catch((error) => {
      if (isNvrError(error, 'missing')) return 'gone';
      throw error;
    });
    if (typeof opened === 'string') continue;
    const { file, header } = opened;
    try {
      logId ??= header.logId;
      file.limit(end - place.first);
      if (equalBytes(header.logId, logId)) await (newest ? takeBackwards : takeForwards)(file, place.first, page);
    } finally {
      await file.close();
    }
    if (page.full) break;
  }
  return page.done();
}

async function takeForwards(file: LeafFile, first: number, page: Page): Promise<void> {
  for await (const piece of file.read(Math.max(0, page.next - first), file.count, PIECE_LEAVES)) {
    for (const [i, bytes] of piece.leaves.entries()) {
      if (page.full) return;
      page.look(first + piece.first + i, bytes, 1);
    }
  }
}

async function takeBackwards(file: LeafFile, first: number, page: Page): Promise<void> {
  for (let end = Math.min(file.count, page.next - first + 1); end > 0; end -= PIECE_LEAVES) {
    for await (const piece of file.read(Math.max(0, end - PIECE_LEAVES), end, PIECE_LEAVES)) {
      for (let i = piece.leaves.length - 1; i >= 0; i--) {
        if (page.full) return;
        page.look(first + piece.first + i, piece.leaves[i]!, -1);
      }
    }
  }
}

/** Gathers one page, leaf by leaf. */
class Page {
  readonly #query: AuditQuery;
  readonly #records: AuditRecord[] = [];
  #looked = 0;
  /** Index of the next leaf to look at. */
  next: number;
  full = false;

  constructor(query: AuditQuery, next: number) {
    this.#query = query;
    this.next = next;
  }

  look(index: number, bytes: Uint8Array, step: 1 | -1): void {
    this.next = index + step;
    this.#looked += 1;
    const parsed = parseAuditLeaf(bytes);
    if (parsed.ok && parsed.value.statement.type !== 'head' && this.#wants(parsed.value.statement)) {
      this.#records.push({ index, statement: parsed.value.statement });
    }
    this.full = this.#records.length >= this.#query.limit || this.#looked >= LOOK_MAX;
  }

  done(): AuditPage {
    return this.full && this.next >= 0
      ? { records: this.#records, cursor: String(this.next) }
      : { records: this.#records };
  }

  #wants(statement: AuditRecord['statement']): boolean {
    const { from = 0, to = Number.POSITIVE_INFINITY, device } = this.#query;
    const { at, device: actor } = statement.type === 'entry' ? statement.entry : { device: null, ...statement };
    return at >= from && at < to && (device === undefined || actor === device);
  }
}
