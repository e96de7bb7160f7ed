import { ByteReader, ByteWriter, equalBytes, isZero } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import type { FromFile } from './cnv.ts';

// The format (docs/formats/audit.md).
const MAGIC = Uint8Array.of(0x89, 0x43, 0x4e, 0x41, 0x31, 0x0d, 0x0a, 0x1a);
const VERSION = 1;
const FIXED_SIZE = 128;
/** A count below 2^53 has at most so many bits set. */
const PEAKS_MAX = 53;
export const AUDIT_HEADER_SIZE = 2048;

/** How one file of the audit log begins: enough to go on with the chain and the tree of all leaves before it. */
export interface AuditFileHeader {
  /** 32 bytes: x-only key of the node that keeps it. */
  nodeId: Uint8Array;
  /** 16 bytes, random, the same in every file of one log. */
  logId: Uint8Array;
  /** Leaves before this file's first. */
  first: number;
  /** Epoch ms. */
  createdAt: number;
  /** Leaf hash (32 bytes) of leaf `first - 1`; zeros where there is none. */
  previous: Uint8Array;
  /** `MerkleTree.peaks` of the leaves before, 32 bytes each: as many as bits are set in `first`. */
  peaks: Uint8Array[];
}

/** The first 2,048 bytes of an audit file. */
export function encodeAuditFileHeader(header: AuditFileHeader): Uint8Array<ArrayBuffer> {
  assert(header.peaks.length === bitsIn(header.first), 'a peak for each bit of the count');
  const writer = new ByteWriter(AUDIT_HEADER_SIZE)
    .bytes(MAGIC)
    .u8(VERSION)
    .zeros(7)
    .bytes(header.nodeId, 32)
    .bytes(header.logId, 16)
    .u64(header.first)
    .u64(header.createdAt)
    .bytes(header.previous, 32)
    .u8(header.peaks.length)
    .zeros(15);
  for (const peak of header.peaks) writer.bytes(peak, 32);
  return writer.zeros(AUDIT_HEADER_SIZE - writer.offset).finish();
}

/** Reads the header of an audit file; byte strings are copies. Total. */
export function parseAuditFileHeader(bytes: Uint8Array): FromFile<AuditFileHeader> {
  if (bytes.length < AUDIT_HEADER_SIZE) return refuse('audit header is cut');
  const reader = new ByteReader(bytes.subarray(0, AUDIT_HEADER_SIZE));
  if (!equalBytes(reader.bytes(8), MAGIC)) return refuse('not an audit file of version 1');
  if (reader.u8() !== VERSION) return refuse('unknown version');
  if (!isZero(reader.bytes(7))) return refuse('reserved bytes are not zero');
  const [nodeId, logId] = [reader.bytes(32).slice(), reader.bytes(16).slice()];
  const [first, createdAt] = [reader.u64(), reader.u64()];
  if (first > MAX || createdAt > MAX) return refuse('number out of range');
  const previous = reader.bytes(32).slice();
  const count = reader.u8();
  if (count > PEAKS_MAX || count !== bitsIn(Number(first))) return refuse('peaks do not fit the count');
  if (!isZero(reader.bytes(15))) return refuse('reserved bytes are not zero');
  const peaks = Array.from({ length: count }, () => reader.bytes(32).slice());
  if (!isZero(reader.bytes(AUDIT_HEADER_SIZE - FIXED_SIZE - count * 32))) return refuse('reserved bytes are not zero');
  return { ok: true, value: { nodeId, logId, first: Number(first), createdAt: Number(createdAt), previous, peaks } };
}

function bitsIn(count: number): number {
  return count.toString(2).replaceAll('0', '').length;
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });
