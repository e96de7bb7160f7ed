import { ByteReader, ByteWriter, concatBytes, equalBytes, fromUtf8, isZero, utf8, zeros } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import type { FromFile } from './cnv.ts';
import { isSourceId, type SourceId, type StreamName } from './ids.ts';

// The format (docs/formats/log.md).
const MAGIC = Uint8Array.of(0x89, 0x43, 0x4e, 0x4c, 0x31, 0x0d, 0x0a, 0x1a);
const VERSION = 1;
export const LOG_HEADER_SIZE = 64;
export const LEAF_SIZE = 256;

/** What a leaf tells; the number is its type byte. Numbers are for ever. */
export const LEAF_TYPES = { segment: 1, prune: 2, gap: 3, key: 4, clock: 5, boot: 6, config: 7 } as const;
export type LeafType = keyof typeof LEAF_TYPES;
const TYPE_NAMES: readonly (LeafType | null)[] = [null, 'segment', 'prune', 'gap', 'key', 'clock', 'boot', 'config'];

/** How a segment came to its end. */
export type SegmentState = 'final' | 'recovered' | 'aborted';
const STATES: readonly (SegmentState | null)[] = [null, 'final', 'recovered', 'aborted'];

/** Causes of prune leaves. */
export const PRUNE_CAUSES = { age: 1, size: 2, floor: 3, empty: 4, missing: 5, owner: 6 } as const;
/** Causes of key leaves. */
export const KEY_CAUSES = { written: 1, removed: 2 } as const;
/** Causes of config leaves. */
export const CONFIG_CAUSES = { streamAssigned: 1 } as const;

/**
 * One line of the log. Which fields a type uses stands in docs/formats/log.md; all others are zero.
 * Times are µs since the epoch, monotonic ones µs of that process; ids and hashes have fixed lengths.
 */
export interface LogLeaf {
  type: LeafType;
  state: SegmentState | null;
  chunkCount: number;
  fileBytes: number;
  segmentId: Uint8Array;
  streamId: Uint8Array;
  seq: number;
  startUs: number;
  endUs: number;
  startMonoUs: number;
  endMonoUs: number;
  bootId: Uint8Array;
  /** Leaf hash of the stream's last segment leaf before this leaf; zeros for none. */
  prevLeaf: Uint8Array;
  /** SHA-256 of the first 568 bytes of a segment, or of a `.cnk` file. */
  headerHash: Uint8Array;
  chunkRoot: Uint8Array;
  lostFrames: number;
  cause: number;
  /** Config leaves: 1 main, 2 sub. */
  detail: number;
  epochId: number;
  /** Key leaves: the `.cnk`'s generation. */
  generation: number;
}

/** Who keeps a log, and which one it is. */
export interface LogHeader {
  /** 32 bytes. */
  nodeId: Uint8Array;
  /** 16 bytes, random at creation. */
  logId: Uint8Array;
}

const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/** The first 64 bytes of a log file. */
export function encodeLogHeader(header: LogHeader): Uint8Array<ArrayBuffer> {
  return new ByteWriter(LOG_HEADER_SIZE)
    .bytes(MAGIC)
    .u8(VERSION)
    .zeros(7)
    .bytes(header.nodeId, 32)
    .bytes(header.logId, 16)
    .finish();
}

export function parseLogHeader(bytes: Uint8Array): FromFile<LogHeader> {
  if (bytes.length < LOG_HEADER_SIZE) return refuse('log header is cut');
  const reader = new ByteReader(bytes);
  if (!equalBytes(reader.bytes(8), MAGIC)) return refuse('not a log of version 1');
  if (reader.u8() !== VERSION) return refuse('unknown version');
  if (!isZero(reader.bytes(7))) return refuse('reserved bytes are not zero');
  return { ok: true, value: { nodeId: reader.bytes(32), logId: reader.bytes(16) } };
}

/** A leaf of `type` whose other fields are zero where not given. */
export function createLeaf(type: LeafType, fields: Partial<Omit<LogLeaf, 'type'>>): LogLeaf {
  return {
    state: null,
    chunkCount: 0,
    fileBytes: 0,
    segmentId: zeros(16),
    streamId: zeros(16),
    seq: 0,
    startUs: 0,
    endUs: 0,
    startMonoUs: 0,
    endMonoUs: 0,
    bootId: zeros(16),
    prevLeaf: zeros(32),
    headerHash: zeros(32),
    chunkRoot: zeros(32),
    lostFrames: 0,
    cause: 0,
    detail: 0,
    epochId: 0,
    generation: 0,
    ...fields,
    type,
  };
}

/** The 256 bytes of a leaf. */
export function encodeLeaf(leaf: LogLeaf): Uint8Array<ArrayBuffer> {
  const type = TYPE_NAMES.indexOf(leaf.type);
  assert(type > 0 && (leaf.type !== 'segment' || leaf.state !== null), 'a known leaf type, a segment with its state');
  return new ByteWriter(LEAF_SIZE)
    .u8(1)
    .u8(type)
    .u16(STATES.indexOf(leaf.state))
    .u32(leaf.chunkCount)
    .u64(leaf.fileBytes)
    .bytes(leaf.segmentId, 16)
    .bytes(leaf.streamId, 16)
    .u64(leaf.seq)
    .u64(leaf.startUs)
    .u64(leaf.endUs)
    .u64(leaf.startMonoUs)
    .u64(leaf.endMonoUs)
    .bytes(leaf.bootId, 16)
    .bytes(leaf.prevLeaf, 32)
    .bytes(leaf.headerHash, 32)
    .bytes(leaf.chunkRoot, 32)
    .u64(leaf.lostFrames)
    .u16(leaf.cause)
    .u8(leaf.detail)
    .zeros(5)
    .u64(leaf.epochId)
    .u64(leaf.generation)
    .zeros(24)
    .finish();
}

/** Reads one leaf of exactly 256 bytes; byte strings are views into the input. */
export function parseLeaf(bytes: Uint8Array): FromFile<LogLeaf> {
  if (bytes.length !== LEAF_SIZE) return refuse('a leaf has 256 bytes');
  const reader = new ByteReader(bytes);
  if (reader.u8() !== 1) return refuse('unknown leaf version');
  const type = TYPE_NAMES[reader.u8()];
  if (!type) return refuse('unknown leaf type');
  const state = STATES[reader.u16()];
  if (state === undefined) return refuse('unknown segment state');
  if ((type === 'segment') !== (state !== null) && type !== 'prune') return refuse('state does not fit the type');
  let inRange = true;
  const number = () => {
    const value = reader.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) inRange = false;
    return Number(value);
  };
  const leaf: LogLeaf = {
    type,
    state,
    chunkCount: reader.u32(),
    fileBytes: number(),
    segmentId: reader.bytes(16),
    streamId: reader.bytes(16),
    seq: number(),
    startUs: number(),
    endUs: number(),
    startMonoUs: number(),
    endMonoUs: number(),
    bootId: reader.bytes(16),
    prevLeaf: reader.bytes(32),
    headerHash: reader.bytes(32),
    chunkRoot: reader.bytes(32),
    lostFrames: number(),
    cause: reader.u16(),
    detail: reader.u8(),
    epochId: 0,
    generation: 0,
  };
  if (!isZero(reader.bytes(5))) return refuse('reserved bytes are not zero');
  leaf.epochId = number();
  leaf.generation = number();
  if (!isZero(reader.bytes(24))) return refuse('reserved bytes are not zero');
  return inRange ? { ok: true, value: leaf } : refuse('number out of range');
}

/** A config leaf that says which source and stream a stream id belongs to, for ever. */
export function streamAssignedLeaf(
  place: { sourceId: SourceId; stream: StreamName; streamId: Uint8Array },
  fields: Partial<Omit<LogLeaf, 'type'>>,
): LogLeaf {
  const name = concatBytes(utf8(place.sourceId), zeros(64 - place.sourceId.length));
  return createLeaf('config', {
    ...fields,
    streamId: place.streamId,
    headerHash: name.slice(0, 32),
    chunkRoot: name.slice(32),
    cause: CONFIG_CAUSES.streamAssigned,
    detail: place.stream === 'main' ? 1 : 2,
  });
}

/** The source and stream a config leaf names, or null where it names none. */
export function placeOfConfigLeaf(leaf: LogLeaf): { sourceId: SourceId; stream: StreamName } | null {
  if (leaf.type !== 'config' || leaf.cause !== CONFIG_CAUSES.streamAssigned) return null;
  const name = concatBytes(leaf.headerHash, leaf.chunkRoot);
  const end = name.indexOf(0);
  if (end < 0 || !isZero(name.subarray(end))) return null;
  const sourceId = fromUtf8(name.subarray(0, end));
  if (sourceId === null || !isSourceId(sourceId) || (leaf.detail !== 1 && leaf.detail !== 2)) return null;
  return { sourceId, stream: leaf.detail === 1 ? 'main' : 'sub' };
}

/** RFC 6962 leaf hash: SHA-256(00 ‖ bytes). Of a 256-byte leaf it is the leaf's name; of a stored chunk its tree leaf. */
export function leafHash(hashes: Hashes, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length >= LEAF_BYTES.length) return hashes.sha256(concatBytes(LEAF_PREFIX, bytes));
  // A copy into the same place each time, and one call: a running hash for each chunk costs more than both.
  LEAF_BYTES.set(bytes, 1);
  return hashes.sha256(LEAF_BYTES.subarray(0, bytes.length + 1));
}

/** Working memory of `leafHash`: the prefix, and room for a sealed chunk. It holds nothing that is not stored. */
const LEAF_BYTES = new Uint8Array(1 + 16 * 1024 + 16);

/**
 * A Merkle tree of RFC 6962 that only grows: `add` leaf hashes in order, `root` at any time.
 * Keeps one hash per level (at most 38), not the leaves.
 */
export class MerkleTree {
  readonly #hashes: Hashes;
  /** Roots of complete subtrees, largest first, and the log2 of their leaf counts. */
  #peaks: { hash: Uint8Array; level: number }[] = [];
  #count = 0;

  constructor(hashes: Hashes) {
    this.#hashes = hashes;
  }

  get count(): number {
    return this.#count;
  }

  /** Roots of the complete subtrees so far, largest first: one for each bit that is set in `count`. */
  get peaks(): Uint8Array[] {
    return this.#peaks.map(({ hash }) => hash);
  }

  /** The tree after `count` leaves, of its peaks alone; null where they are not as many as `count` asks for. */
  static resume(hashes: Hashes, count: number, peaks: readonly Uint8Array[]): MerkleTree | null {
    const levels = [...count.toString(2)].flatMap((bit, i, bits) => (bit === '1' ? [bits.length - 1 - i] : []));
    if (levels.length !== peaks.length) return null;
    const tree = new MerkleTree(hashes);
    tree.#peaks = levels.map((level, i) => ({ hash: peaks[i]!, level }));
    tree.#count = count;
    return tree;
  }

  add(hash: Uint8Array): void {
    let peak = { hash, level: 0 };
    for (let last = this.#peaks.at(-1); last?.level === peak.level; last = this.#peaks.at(-1)) {
      peak = { hash: this.#node(last.hash, peak.hash), level: peak.level + 1 };
      this.#peaks.pop();
    }
    this.#peaks.push(peak);
    this.#count += 1;
  }

  /** The root of what was added so far; SHA-256 of nothing for an empty tree. */
  root(): Uint8Array<ArrayBuffer> {
    const last = this.#peaks.at(-1);
    if (!last) return this.#hashes.sha256(new Uint8Array(0));
    let root = last.hash;
    for (let i = this.#peaks.length - 2; i >= 0; i--) root = this.#node(this.#peaks[i]!.hash, root);
    return root.slice() as Uint8Array<ArrayBuffer>;
  }

  #node(left: Uint8Array, right: Uint8Array): Uint8Array {
    return this.#hashes.sha256(concatBytes(NODE_PREFIX, left, right));
  }
}

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);
