import { equalBytes, zeros } from '../bytes/index.ts';
import type { SyncCryptoSuite } from '../crypto/index.ts';
import { isNvrError, type NvrError } from '../errors.ts';
import type { Clock, Files, Log, Random, Startable } from '../platform/index.ts';
import {
  AUDIT_HEADER_SIZE,
  AUDIT_LEAF_SIZE,
  type AuditDropCause,
  type AuditEntry,
  type AuditLost,
  type AuditSink,
  type AuditStatement,
  auditHeadDigest,
  encodeAuditFileHeader,
  encodeAuditLeaf,
  leafHash,
  MerkleTree,
} from '../protocol/index.ts';
import { AuditBudget } from './audit-budget.ts';
import {
  type AuditFilePlace,
  type AuditPage,
  type AuditQuery,
  auditFileName,
  auditFolder,
  listAuditFiles,
  openAuditFile,
  readAuditPage,
} from './audit-files.ts';
import { readAuditTail } from './audit-tail.ts';
import { auditForeign, writeError, writeFailed } from './errors.ts';
import type { LeafFile } from './leaf-file.ts';
import type { VaultKeys } from './options.ts';
import { CalendarGuard } from './retention-clock.ts';

/** Entries are synced within a second: they are gathered for this long, syncing takes the rest. */
const GATHER_MS = 500;
/** After a failed write: at first, doubled with each further failure up to the second. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 8_000;
/** What was added is signed after this long at the latest; and when a file is full, and at the end. */
const SIGN_MS = 60_000;
/** What was left out of a flood is told this often. */
const OMITTED_MS = 60_000;
const SWEEP_MS = 3_600_000;
/** Entries that wait in memory for the disk. */
const WAITING_MAX = 1024;
/** Entries written and synced together. */
const BATCH_MAX = 256;
/** A file is closed at about a megabyte, or when its oldest entry is a month old: whole files are what retention drops. */
const FILE_LEAVES = 4096;
const FILE_AGE_MS = 30 * 86_400_000;
const FILE_BYTES_MAX = AUDIT_HEADER_SIZE + (FILE_LEAVES + 2 * BATCH_MAX + 64) * AUDIT_LEAF_SIZE;

/** What the audit log needs of the world. */
export interface AuditLogDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  suite: Pick<SyncCryptoSuite, 'hashes'>;
  keys: Pick<VaultKeys, 'nodeId' | 'sign'>;
}

export interface AuditLogOptions {
  /** Absolute data folder; the log lies in `audit/` below it. */
  root: string;
  /** Entries are kept for so long, and at most a month longer. Default 365 days. */
  keepMs?: number;
  /** Bytes of all files together, at least 4 MiB; the oldest file goes first. Default 64 MiB. */
  sizeBytesMax?: number;
}

/** The last signed state of the log: whoever keeps it can see later that nothing before it was changed or cut. */
export interface SignedAuditHead {
  /** 16 bytes. */
  logId: Uint8Array;
  /** Leaves it covers, and their RFC 6962 root (32 bytes). */
  count: number;
  root: Uint8Array;
  /** Epoch ms. */
  at: number;
}

export interface AuditLogStatus {
  /** Leaves ever written, dropped ones counted. */
  leaves: number;
  /** Entries that wait for the disk. */
  waiting: number;
  /** Entries of this life that the log could not take. */
  lost: number;
  /** `failing` while the disk takes nothing; `damaged` where what was found at start was changed since it was signed. */
  state: 'ok' | 'failing' | 'damaged';
  reason?: string;
}

/** Who did what: append-only, chained, signed (docs/formats/audit.md). `note` works from making it until `stop`. */
export interface AuditLog extends AuditSink, Startable {
  list(query: AuditQuery): Promise<AuditPage>;
  /** Null while nothing has been signed. */
  head(): SignedAuditHead | null;
  status(): AuditLogStatus;
}

/** Makes the audit log of a data folder. `start` rejects with `ERR_VAULT_AUDIT_FOREIGN` (`corrupt`) for another node's only. */
export function createAuditLog(deps: AuditLogDeps, options: AuditLogOptions): AuditLog {
  return new FileAuditLog({ ...deps, log: deps.log.child({ room: 'audit' }) }, options);
}

interface OpenLog {
  place: AuditFilePlace;
  createdAt: number;
  file: LeafFile;
  logId: Uint8Array;
  tree: MerkleTree;
  /** Leaf hash of the last leaf. */
  last: Uint8Array;
}

class FileAuditLog implements AuditLog {
  readonly #deps: AuditLogDeps;
  readonly #folder: string;
  readonly #keepMs: number;
  readonly #sizeBytesMax: number;
  readonly #calendar: CalendarGuard;
  readonly #budget = new AuditBudget();
  /** Entries that are not synced yet, oldest first; at most `WAITING_MAX`. */
  #waiting: AuditEntry[] = [];
  /** What has to be told of entries that are not there; a handful. */
  #owed: AuditLost[] = [];
  #open: OpenLog | null = null;
  #head: SignedAuditHead | null = null;
  /** Monotonic ms: since when something is not signed, and not told; when files were looked at. */
  #unsignedSince: number | null = null;
  #omittedSince: number | null = null;
  #sweptAt: number | null = null;
  #lost = 0;
  #failure: NvrError | null = null;
  #retryMs = RETRY_MS;
  #damage: string | null = null;
  #turn: Promise<void> = Promise.resolve();
  #timer: { dueMs: number; cancel: () => void } | null = null;
  #state: 'made' | 'running' | 'stopped' = 'made';

  constructor(deps: AuditLogDeps, { root, keepMs = 365 * 86_400_000, sizeBytesMax = 64 * 2 ** 20 }: AuditLogOptions) {
    this.#deps = deps;
    this.#folder = auditFolder(root);
    this.#keepMs = keepMs;
    this.#sizeBytesMax = Math.max(sizeBytesMax, 4 * 2 ** 20);
    this.#calendar = new CalendarGuard(deps.clock);
  }

  async start(): Promise<void> {
    if (this.#state !== 'made') return;
    await this.#exclusive(() => this.#work());
    this.#state = 'running';
    this.#arm(0);
  }

  async stop(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#timer?.cancel();
    await this.#exclusive(async () => {
      await this.#work({ last: true });
      await this.#open?.file.close();
      this.#open = null;
      const lost = this.#waiting.length;
      if (lost > 0) this.#deps.log.error({ lost }, 'the last entries could not be written');
    });
  }

  note(entry: AuditEntry): void {
    const nowMs = this.#deps.clock.monotonic();
    if (this.#state === 'stopped') {
      this.#lost += 1;
    } else if (!this.#budget.admits(entry, nowMs)) {
      this.#lost += 1;
      this.#omittedSince ??= nowMs;
      this.#arm(OMITTED_MS);
    } else if (this.#waiting.length >= WAITING_MAX) {
      this.#lost += 1;
      this.#owe({ type: 'lost', at: 0, cause: 'disk', count: 1, from: entry.at, to: entry.at, device: null });
    } else {
      this.#waiting.push(entry);
      this.#arm(GATHER_MS);
    }
  }

  async list(query: AuditQuery): Promise<AuditPage> {
    return readAuditPage(this.#deps.files, this.#folder, query, this.#open?.tree.count);
  }

  head(): SignedAuditHead | null {
    return this.#head;
  }

  status(): AuditLogStatus {
    const reason = this.#damage ?? this.#failure?.message;
    return {
      leaves: this.#open?.tree.count ?? 0,
      waiting: this.#waiting.length,
      lost: this.#lost,
      state: this.#failure ? 'failing' : this.#damage ? 'damaged' : 'ok',
      ...(reason === undefined ? {} : { reason }),
    };
  }

  /** Everything that is due. Rejects for another node's log only; what the disk refuses stays to be done. */
  async #work({ last = false } = {}): Promise<void> {
    const { clock, log } = this.#deps;
    try {
      this.#open ??= await this.#openLog();
      await this.#writeWaiting(last);
      await this.#sweep();
      if (last || this.#isDue(this.#unsignedSince, SIGN_MS)) await this.#sign();
      if (this.#failure) log.info({ lost: this.#lost }, 'the audit log could be written again');
      this.#failure = null;
      this.#retryMs = RETRY_MS;
    } catch (error) {
      if (isNvrError(error) && error.code === 'ERR_VAULT_AUDIT_FOREIGN') throw error;
      if (!this.#failure) log.error({ error }, 'the audit log could not be written');
      this.#failure = writeError('the audit log', error);
    }
    if (this.#failure) {
      this.#arm(this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
      return;
    }
    if (this.#waiting.length > 0) this.#arm(GATHER_MS);
    for (const [since, ms] of [
      [this.#unsignedSince, SIGN_MS],
      [this.#omittedSince, OMITTED_MS],
      [this.#sweptAt, SWEEP_MS],
    ] as const) {
      if (since !== null) this.#arm(Math.max(1, since + ms - clock.monotonic()));
    }
  }

  async #writeWaiting(last: boolean): Promise<void> {
    const at = this.#deps.clock.now();
    if (last || this.#isDue(this.#omittedSince, OMITTED_MS)) {
      this.#owed.push(...this.#budget.take(at));
      this.#omittedSince = null;
    }
    while (this.#owed.length > 0 || this.#waiting.length > 0) {
      const open = await this.#withRoom();
      const owed = this.#owed.splice(0);
      const entries = this.#waiting.slice(0, BATCH_MAX);
      try {
        await this.#append(open, [
          ...owed.map((lost) => ({ ...lost, at })),
          ...entries.map((entry) => ({ type: 'entry', entry }) as const),
        ]);
      } catch (error) {
        for (const lost of owed) this.#owe(lost);
        throw error;
      }
      this.#waiting.splice(0, entries.length);
    }
  }

  /** The file to write to: the next one, where the present one is full or old. */
  async #withRoom(): Promise<OpenLog> {
    const open = this.#open!;
    const old = this.#deps.clock.now() - open.createdAt > FILE_AGE_MS;
    if (open.file.count < FILE_LEAVES && !(old && open.file.count > 0)) return open;
    await this.#sign();
    const next = await this.#begin(open.logId, open.tree, open.last);
    await open.file.close();
    this.#sweptAt = null;
    return (this.#open = next);
  }

  async #begin(logId: Uint8Array, tree: MerkleTree, last: Uint8Array): Promise<OpenLog> {
    const { files, clock, keys } = this.#deps;
    const [first, createdAt] = [tree.count, clock.now()];
    const place = { first, path: `${this.#folder}/${auditFileName(first)}`, sizeBytes: AUDIT_HEADER_SIZE };
    const header = { nodeId: keys.nodeId, logId, first, createdAt, previous: last, peaks: tree.peaks };
    await files.replace(place.path, encodeAuditFileHeader(header));
    const opened = await openAuditFile(files, place, true);
    if (typeof opened === 'string') throw writeFailed('the audit log', new Error(opened));
    return { place, createdAt, file: opened.file, logId, tree, last };
  }

  /** Appends statements as one synced batch: all or none. */
  async #append(open: OpenLog, statements: readonly AuditStatement[]): Promise<void> {
    const { hashes } = this.#deps.suite;
    const bytes = new Uint8Array(statements.length * AUDIT_LEAF_SIZE);
    const added: Uint8Array[] = [];
    for (const [i, statement] of statements.entries()) {
      const previous = added.at(-1) ?? open.last;
      const leaf = encodeAuditLeaf({ index: open.tree.count + i, previous, statement });
      bytes.set(leaf, i * AUDIT_LEAF_SIZE);
      added.push(leafHash(hashes, leaf));
    }
    await open.file.append(bytes);
    for (const hash of added) open.tree.add(hash);
    open.last = added.at(-1) ?? open.last;
    this.#unsignedSince ??= this.#deps.clock.monotonic();
  }

  /** Signs what was added since the last head, if anything was. */
  async #sign(): Promise<void> {
    const { clock, keys, suite } = this.#deps;
    const open = this.#open;
    if (!open || this.#unsignedSince === null) return;
    const [at, count, root] = [clock.now(), open.tree.count, open.tree.root()];
    const { logId } = open;
    const headerHash = suite.hashes.sha256(open.file.header);
    const signature = keys.sign(auditHeadDigest(suite.hashes, { logId, headerHash, count }, { at, root }));
    await this.#append(open, [{ type: 'head', at, root, signature }]);
    this.#unsignedSince = null;
    this.#head = { logId, count, at, root };
  }

  /** Forgets by age and size, whole files at a time, the leaf that says so first. */
  async #sweep(): Promise<void> {
    const { clock, files } = this.#deps;
    if (this.#sweptAt !== null && clock.monotonic() - this.#sweptAt < SWEEP_MS) return;
    const places = await listAuditFiles(files, this.#folder);
    const keptSince = this.#calendar.nowUs() / 1000 - this.#keepMs;
    let total = FILE_BYTES_MAX + places.slice(0, -1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const [i, place] of places.entries()) {
      const next = places[i + 1];
      // The newest file stays: it is the one being written.
      if (!next) break;
      const opened = await openAuditFile(files, next, false);
      if (typeof opened === 'string') break;
      await opened.file.close();
      // The next file was begun when this one was closed.
      const cause: AuditDropCause | null =
        total > this.#sizeBytesMax ? 'size' : opened.header.createdAt < keptSince ? 'age' : null;
      if (!cause) break;
      await this.#drop(place, next.first, cause, opened.header.previous);
      total -= place.sizeBytes;
    }
    this.#sweptAt = clock.monotonic();
  }

  async #drop({ path }: AuditFilePlace, before: number, cause: AuditDropCause, closingHash: Uint8Array): Promise<void> {
    const { clock, files, log } = this.#deps;
    await this.#append(await this.#withRoom(), [{ type: 'dropped', at: clock.now(), cause, before, closingHash }]);
    await files.remove(path);
    await files.syncFolder(this.#folder);
    log.info({ before, cause }, 'the oldest part of the audit log was dropped');
  }

  /** Opens the newest file, cutting what a crash tore off its end, or begins the log. */
  async #openLog(): Promise<OpenLog> {
    const { files, random, keys, suite, clock } = this.#deps;
    await files.makeFolder(this.#folder);
    const places = await listAuditFiles(files, this.#folder);
    for (let place = places.pop(); place; place = places.pop()) {
      const opened = await openAuditFile(files, place, true);
      if (typeof opened === 'string') {
        await this.#setAside(place, opened);
        continue;
      }
      const { file, header } = opened;
      if (!equalBytes(header.nodeId, keys.nodeId)) {
        await file.close();
        throw auditForeign('the log of another node');
      }
      const tail = await readAuditTail(suite.hashes, file, header);
      file.limit(tail.count);
      await file.cut();
      if (tail.damage) this.#tellDamage(tail.damage);
      if (tail.tornLeaves > 0) {
        const at = tail.newestAt;
        this.#owe({ type: 'lost', at, cause: 'torn', count: tail.tornLeaves, from: at, to: at, device: null });
      }
      this.#head = tail.head;
      if (tail.unsigned > 0) this.#unsignedSince = clock.monotonic() - SIGN_MS;
      this.#calendar.begin(tail.newestAt * 1000);
      const { logId, createdAt } = header;
      return { place, createdAt, file, logId, tree: tail.tree, last: tail.last };
    }
    this.#calendar.begin(null);
    return this.#begin(random.bytes(16), new MerkleTree(suite.hashes), zeros(32));
  }

  /** A file whose beginning cannot be read is kept for whoever looks into it; the log goes on without it. */
  async #setAside({ path }: AuditFilePlace, reason: string): Promise<void> {
    await this.#deps.files.rename(path, `${path}.damaged`);
    await this.#deps.files.syncFolder(this.#folder);
    this.#tellDamage(`a file cannot be read: ${reason}`);
  }

  #tellDamage(damage: string): void {
    this.#damage = damage;
    this.#deps.log.error({ damage }, 'the audit log was damaged or changed; verify it');
  }

  /** Remembers what is to be told of entries that are not there; losses to the disk are told together. */
  #owe(lost: AuditLost): void {
    const same = lost.cause === 'disk' ? this.#owed.find(({ cause }) => cause === 'disk') : undefined;
    if (!same) {
      this.#owed.push(lost);
      return;
    }
    same.count += lost.count;
    same.from = Math.min(same.from, lost.from);
    same.to = Math.max(same.to, lost.to);
  }

  #isDue(since: number | null, ms: number): boolean {
    return since !== null && this.#deps.clock.monotonic() - since >= ms;
  }

  /** Lets `#work` run in `ms` at the latest. */
  #arm(ms: number): void {
    if (this.#state !== 'running') return;
    const dueMs = this.#deps.clock.monotonic() + ms;
    if (this.#timer && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    const cancel = this.#deps.clock.after(ms, () => {
      this.#timer = null;
      void this.#exclusive(() => this.#work()).catch((error) => {
        this.#deps.log.error({ error }, 'the audit log could not be written');
      });
    });
    this.#timer = { dueMs, cancel };
  }

  #exclusive(task: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
