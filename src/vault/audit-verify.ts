import { equalBytes, toHex } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import type { Files } from '../platform/index.ts';
import {
  type AuditFileHeader,
  type AuditHead,
  leafHash,
  MerkleTree,
  parseAuditLeaf,
  verifyAuditHead,
} from '../protocol/index.ts';
import { type AuditFilePlace, auditFolder, listAuditFiles, openAuditFile } from './audit-files.ts';
import { auditMissing } from './errors.ts';
import type { LeafFile } from './leaf-file.ts';

/** What a look at an audit log can find. Damage: something is not as it was signed. Notice: something to know of. */
export const AUDIT_FINDINGS = {
  'header-malformed': 'damage',
  'node-differs': 'damage',
  'log-differs': 'damage',
  'file-missing': 'damage',
  'beginning-missing': 'damage',
  'leaf-malformed': 'damage',
  'index-differs': 'damage',
  'chain-broken': 'damage',
  'peaks-differ': 'damage',
  'root-differs': 'damage',
  'signature-wrong': 'damage',
  'head-unknown': 'damage',
  'head-dropped': 'notice',
  'entries-lost': 'notice',
  'end-torn': 'notice',
  'end-unsigned': 'notice',
  'stray-file': 'notice',
} as const;
export type AuditFindingName = keyof typeof AUDIT_FINDINGS;

export interface AuditFinding {
  name: AuditFindingName;
  severity: 'damage' | 'notice';
  /** A file below the data folder, or a leaf's index. */
  where: string;
  detail?: string;
}

export interface AuditReport {
  /** True when there is no damage. */
  sound: boolean;
  /** Hex: whose log it is, and which one. */
  nodeId: string;
  logId: string;
  files: number;
  /** Index of the first leaf that is kept: so many were dropped. */
  first: number;
  /** Leaves that are kept, and of them entries and heads. */
  leaves: number;
  entries: number;
  heads: number;
  /** Entries that the log itself says it could not take. */
  lost: number;
  /** Leaves (dropped ones counted) under the last good head, with its root (hex) and its time (epoch ms); null without one. */
  signed: { count: number; root: string; at: number } | null;
  /** At most 1,000; `findingsTotal` counts all. */
  findings: AuditFinding[];
  findingsTotal: number;
}

const FINDINGS_KEPT = 1000;
const PIECE_LEAVES = 1024;

/**
 * Checks every byte of the audit log below a data folder: chain, tree, heads and their signatures. Changes nothing; needs the files
 * only, and may run beside the node. Throws `ERR_VAULT_AUDIT_MISSING` (`missing`) where there is none.
 */
export async function verifyAudit(
  deps: { files: Files; hashes: Hashes },
  root: string,
  expected: AuditExpectation = {},
  onProgress: (progress: { files: number; filesTotal: number }) => void = () => {},
): Promise<AuditReport> {
  return new AuditVerifier(deps, root, expected).run(onProgress);
}

/** What is known of a log beforehand. */
export interface AuditExpectation {
  /** Whose it must be: 32-byte x-only key. Absent: its first file is believed. */
  nodeId?: Uint8Array;
  /** A head that somebody kept: so many leaves had this root (32 bytes). Finds what was cut off the end, too. */
  head?: { count: number; root: Uint8Array };
}

class AuditVerifier {
  readonly #files: Files;
  readonly #hashes: Hashes;
  readonly #folder: string;
  readonly #expected: AuditExpectation;
  #nodeId: Uint8Array | null;
  #headSeen = false;
  #headerHash: Uint8Array = new Uint8Array(32);
  #logId: Uint8Array | null = null;
  #tree: MerkleTree | null = null;
  #last: Uint8Array | null = null;
  /** What the leaves say was dropped, to be held against where the log begins. */
  #dropped: { before: number; closingHash: Uint8Array }[] = [];
  #beginning: AuditFileHeader | null = null;
  #unsigned = 0;
  #report: AuditReport = {
    sound: true,
    nodeId: '',
    logId: '',
    files: 0,
    first: 0,
    leaves: 0,
    entries: 0,
    heads: 0,
    lost: 0,
    signed: null,
    findings: [],
    findingsTotal: 0,
  };

  constructor({ files, hashes }: { files: Files; hashes: Hashes }, root: string, expected: AuditExpectation) {
    this.#files = files;
    this.#hashes = hashes;
    this.#folder = auditFolder(root);
    this.#expected = expected;
    this.#nodeId = expected.nodeId ?? null;
  }

  async run(onProgress: (progress: { files: number; filesTotal: number }) => void): Promise<AuditReport> {
    const places = await listAuditFiles(this.#files, this.#folder);
    await this.#checkStrays(places);
    if (places.length === 0) throw auditMissing();
    for (const [i, place] of places.entries()) {
      await this.#checkFile(place, i === places.length - 1);
      onProgress({ files: i + 1, filesTotal: places.length });
    }
    this.#checkBeginning();
    this.#checkExpectedHead();
    if (this.#unsigned > 0)
      this.#find('end-unsigned', `leaf ${this.#tree!.count - this.#unsigned}`, `${this.#unsigned}`);
    this.#report.nodeId = this.#nodeId ? toHex(this.#nodeId) : '';
    this.#report.logId = this.#logId ? toHex(this.#logId) : '';
    return this.#report;
  }

  async #checkStrays(places: readonly AuditFilePlace[]): Promise<void> {
    const known = new Set(places.map(({ path }) => path));
    for (const { name } of await this.#files.list(this.#folder)) {
      if (!known.has(`${this.#folder}/${name}`)) this.#find('stray-file', `audit/${name}`);
    }
  }

  async #checkFile(place: AuditFilePlace, newest: boolean): Promise<void> {
    const where = `audit/${place.path.slice(this.#folder.length + 1)}`;
    const opened = await openAuditFile(this.#files, place, false);
    if (typeof opened === 'string') return this.#find('header-malformed', where, opened);
    this.#headerHash = this.#hashes.sha256(opened.file.header);
    try {
      if (this.#checkHeader(opened.header, where)) await this.#checkLeaves(opened.file, where, newest);
    } finally {
      await opened.file.close();
    }
  }

  /** True where the file's leaves can be read as the continuation of what came before. */
  #checkHeader(header: AuditFileHeader, where: string): boolean {
    const { nodeId, logId, first, previous, peaks } = header;
    this.#nodeId ??= nodeId;
    this.#logId ??= logId;
    if (!equalBytes(nodeId, this.#nodeId)) this.#find('node-differs', where, toHex(nodeId));
    if (!equalBytes(logId, this.#logId)) this.#find('log-differs', where, toHex(logId));
    if (!equalBytes(nodeId, this.#nodeId) || !equalBytes(logId, this.#logId)) return false;
    this.#report.files += 1;
    const tree = this.#tree;
    if (!tree || !this.#last) {
      this.#beginning = header;
      this.#report.first = first;
    } else if (first !== tree.count) {
      this.#find('file-missing', where, `it begins at ${first}, the one before ends at ${tree.count}`);
    } else {
      if (!equalBytes(previous, this.#last)) this.#find('chain-broken', where);
      const same = peaks.every((peak, i) => equalBytes(peak, tree.peaks[i]!));
      if (!same) this.#find('peaks-differ', where);
      // What was read counts, not what the header says of it.
      return true;
    }
    this.#tree = MerkleTree.resume(this.#hashes, first, peaks);
    this.#last = previous;
    this.#unsigned = 0;
    return this.#tree !== null;
  }

  async #checkLeaves(file: LeafFile, where: string, newest: boolean): Promise<void> {
    const report = this.#report;
    for await (const { leaves } of file.read(0, file.count, PIECE_LEAVES)) {
      for (const bytes of leaves) {
        this.#checkLeaf(bytes);
        report.leaves += 1;
      }
    }
    const torn = file.openedBytes - file.endBytes;
    // Of the newest file a last piece may be on its way; the others were closed.
    if (torn !== 0) this.#find(newest ? 'end-torn' : 'leaf-malformed', where, `${torn} bytes at its end`);
  }

  #checkLeaf(bytes: Uint8Array): void {
    const tree = this.#tree!;
    const index = tree.count;
    const where = `leaf ${index}`;
    const parsed = parseAuditLeaf(bytes);
    if (!parsed.ok) this.#find('leaf-malformed', where, parsed.reason);
    else {
      const { index: told, previous, statement } = parsed.value;
      if (told !== index) this.#find('index-differs', where, `it says ${told}`);
      if (!equalBytes(previous, this.#last!)) this.#find('chain-broken', where);
      if (statement.type === 'head') this.#checkHead(statement, index);
      else if (statement.type === 'dropped') this.#dropped.push(statement);
      else if (statement.type === 'entry') this.#report.entries += 1;
      else {
        this.#report.lost += statement.count;
        this.#find('entries-lost', where, `${statement.count} (${statement.cause})`);
      }
    }
    this.#lookForHead();
    this.#last = leafHash(this.#hashes, bytes);
    tree.add(this.#last);
    this.#unsigned = parsed.ok && parsed.value.statement.type === 'head' ? 0 : this.#unsigned + 1;
  }

  #checkHead(head: AuditHead, index: number): void {
    const where = `leaf ${index}`;
    this.#report.heads += 1;
    const sameRoot = equalBytes(this.#tree!.root(), head.root);
    const place = { logId: this.#logId!, headerHash: this.#headerHash, count: index };
    const signed = verifyAuditHead(this.#hashes, this.#nodeId!, place, head);
    if (!sameRoot) this.#find('root-differs', where);
    if (!signed) this.#find('signature-wrong', where);
    if (sameRoot && signed) this.#report.signed = { count: index, root: toHex(head.root), at: head.at };
  }

  /** A log that does not begin at 0 must say what it dropped, and that must fit its beginning. */
  #checkBeginning(): void {
    const begins = this.#beginning;
    if (!begins || begins.first === 0) return;
    const where = `leaf ${begins.first}`;
    const said = this.#dropped.find(({ before }) => before === begins.first);
    if (!said) this.#find('beginning-missing', where, 'no leaf says that what was before it was dropped');
    else if (!equalBytes(said.closingHash, begins.previous)) this.#find('chain-broken', where);
  }

  /** Compares the tree with the head that was kept, when as many leaves are in it. */
  #lookForHead(): void {
    const { head } = this.#expected;
    const tree = this.#tree;
    if (head && tree?.count === head.count && equalBytes(tree.root(), head.root)) this.#headSeen = true;
  }

  #checkExpectedHead(): void {
    const { head } = this.#expected;
    if (!head) return;
    this.#lookForHead();
    if (this.#headSeen) return;
    const dropped = head.count < this.#report.first;
    this.#find(dropped ? 'head-dropped' : 'head-unknown', `leaf ${head.count}`, toHex(head.root));
  }

  #find(name: AuditFindingName, where: string, detail?: string): void {
    const severity = AUDIT_FINDINGS[name];
    if (severity === 'damage') this.#report.sound = false;
    this.#report.findingsTotal += 1;
    if (this.#report.findings.length >= FINDINGS_KEPT) return;
    this.#report.findings.push({ name, severity, where, ...(detail === undefined ? {} : { detail }) });
  }
}
