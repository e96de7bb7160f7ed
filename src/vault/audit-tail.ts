import { equalBytes } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import {
  type AuditFileHeader,
  type AuditHead,
  leafHash,
  MerkleTree,
  parseAuditLeaf,
  verifyAuditHead,
} from '../protocol/index.ts';
import type { SignedAuditHead } from './audit-log.ts';
import type { LeafFile } from './leaf-file.ts';

const PIECE_LEAVES = 1024;

/** What the newest file of an audit log says about where to go on. */
export interface AuditTail {
  /** Leaves of the file that count; what lies behind them was torn by a crash. */
  count: number;
  tornLeaves: number;
  /** Leaves behind the last head. */
  unsigned: number;
  head: SignedAuditHead | null;
  /** The tree and the hash of the last leaf, both at `count`. */
  tree: MerkleTree;
  last: Uint8Array;
  /** Epoch ms: the latest time any leaf tells. */
  newestAt: number;
  /** Why what was signed is not as it was signed, or null. */
  damage: string | null;
}

/**
 * Reads an audit file to its end. A leaf that does not follow from the one before is torn, and cut with all behind it, where it
 * stands behind the last signed head; before a head it was changed later, and nothing is cut: hashes go on over the bytes that are there.
 */
export async function readAuditTail(hashes: Hashes, file: LeafFile, header: AuditFileHeader): Promise<AuditTail> {
  const walk = new TailWalk(hashes, file, header);
  for await (const { leaves } of file.read(0, file.count, PIECE_LEAVES)) for (const bytes of leaves) walk.take(bytes);
  return walk.end();
}

class TailWalk {
  readonly #hashes: Hashes;
  readonly #file: LeafFile;
  readonly #header: AuditFileHeader;
  #read: { count: number; tree: MerkleTree; last: Uint8Array; newestAt: number };
  /** The state in front of the first leaf behind the last head that does not follow, or null. */
  #broken: { count: number; peaks: Uint8Array[]; last: Uint8Array; newestAt: number } | null = null;
  /** The last head that is over the bytes in front of it; its signature is checked at the end. */
  #head: { index: number; head: AuditHead } | null = null;
  /** Leaves in front of this index need no signature any more. */
  #signedTo = 0;
  #damage: string | null = null;

  constructor(hashes: Hashes, file: LeafFile, header: AuditFileHeader) {
    this.#hashes = hashes;
    this.#file = file;
    this.#header = header;
    const tree = MerkleTree.resume(hashes, header.first, header.peaks) ?? new MerkleTree(hashes);
    this.#read = { count: 0, tree, last: header.previous, newestAt: header.createdAt };
  }

  take(bytes: Uint8Array): void {
    const read = this.#read;
    const parsed = parseAuditLeaf(bytes);
    const index = this.#header.first + read.count;
    const follows = parsed.ok && parsed.value.index === index && equalBytes(parsed.value.previous, read.last);
    if (!follows) {
      this.#broken ??= { count: read.count, peaks: read.tree.peaks, last: read.last, newestAt: read.newestAt };
    }
    const statement = parsed.ok ? parsed.value.statement : null;
    if (statement?.type === 'head') this.#takeHead(statement, index);
    const at = statement === null ? 0 : statement.type === 'entry' ? statement.entry.at : statement.at;
    read.last = leafHash(this.#hashes, bytes);
    read.tree.add(read.last);
    read.count += 1;
    read.newestAt = Math.max(read.newestAt, at);
  }

  end(): AuditTail {
    const { first } = this.#header;
    const { count, tree, last, newestAt } = this.#broken
      ? { ...this.#broken, tree: MerkleTree.resume(this.#hashes, first + this.#broken.count, this.#broken.peaks)! }
      : this.#read;
    const tornBytes = this.#file.openedBytes - this.#file.endBytes;
    const tornLeaves = this.#read.count - count + (tornBytes > 0 ? 1 : 0);
    const signed = this.#head !== null && this.#isSigned(this.#head.head, this.#head.index);
    if (this.#head && !signed) this.#damage = `the head at ${this.#head.index} is not signed by this node`;
    const { logId } = this.#header;
    const head = this.#head && signed ? { logId, count: this.#head.index, ...pick(this.#head.head) } : null;
    const unsigned = first + count - Math.max(first, this.#signedTo);
    return { count, tornLeaves, unsigned, head, tree, last, newestAt, damage: this.#damage };
  }

  /** A head whose root is that of the bytes in front of it marks them as synced; one signature is worth checking, the last. */
  /** A head whose root is that of the bytes in front of it marks them as synced; one signature is worth checking, the last. */
  #takeHead(head: AuditHead, index: number): void {
    if (!equalBytes(this.#read.tree.root(), head.root)) {
      // A torn leaf may look like anything; a genuine head over other bytes means that they were changed since.
      if (!this.#isSigned(head, index)) return;
      this.#damage = `leaves before ${index} were changed`;
    }
    this.#broken = null;
    this.#signedTo = index + 1;
    this.#head = { index, head };
  }

  #isSigned(head: AuditHead, count: number): boolean {
    const { nodeId, logId } = this.#header;
    const headerHash = this.#hashes.sha256(this.#file.header);
    return verifyAuditHead(this.#hashes, nodeId, { logId, headerHash, count }, head);
  }
}

const pick = ({ root, at }: AuditHead) => ({ root, at });
