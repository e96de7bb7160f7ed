import { ByteReader, ByteWriter, concatBytes, crc32c, equalBytes, isZero, utf8 } from '../bytes/index.ts';
import { CHUNK_SIZE, CHUNK_TAG_SIZE, CHUNKED_HEADER_SIZE, type Hashes, SEALED_CHUNK_SIZE } from '../crypto/index.ts';
import { assert } from '../errors.ts';

// The format (docs/formats/cnv.md).

/** Bytes of a segment file's header. */
export const SEGMENT_HEADER_SIZE = 512;
/** The part of the header that is bound into the keys ("FH"). */
export const SEGMENT_BOUND_SIZE = 256;
/** Header, salt and key commitment: where chunk 0 begins. */
export const SEGMENT_CHUNKS_AT = SEGMENT_HEADER_SIZE + CHUNKED_HEADER_SIZE;
/** Chain keys of one epoch; an index at or above it is refused before any derivation. */
export const CHAIN_INDEX_LIMIT = 16_384;
/** Policy: chunks of one file (2 GiB of plaintext). */
export const SEGMENT_CHUNKS_MAX = 2 ** 17;

const MAGIC = Uint8Array.of(0x89, 0x43, 0x4e, 0x56, 0x32, 0x0d, 0x0a, 0x1a);
const VERSION = 2;
const SUITE_COBBLESTONE_256 = 1;
const FLAGS_KNOWN = 0b1_1111;
const WRAPPED_KEY_SIZE = 48;
const CONTEXT_LABEL = utf8('constitute.cnv/2\0');

/** Bits of `SegmentHeader.flags`. */
export const SEGMENT_FLAGS = { sealedOnly: 1, preRoll: 2, eventClip: 4, audio: 8, padded: 16 } as const;

/** What the node knew of its calendar when a segment began. */
export type ClockState = 'unknown' | 'synced' | 'holdover' | 'camera';
const CLOCK_STATES: readonly ClockState[] = ['unknown', 'synced', 'holdover', 'camera'];

/** What a segment's plaintext is. */
export type SegmentKind = 'video' | 'thumbnails' | 'events';
const KINDS: readonly (SegmentKind | null)[] = [null, 'video', 'thumbnails', 'events'];

/** The header of a `.cnv` file: written once, never changed. */
export interface SegmentHeader {
  /** Sum of `SEGMENT_FLAGS`. */
  flags: number;
  /** 16 bytes. */
  segmentId: Uint8Array;
  /** 16 bytes. */
  streamId: Uint8Array;
  /** 32 bytes, the node's x-only key. */
  nodeId: Uint8Array;
  /** Per stream, +1, never reused. */
  seq: number;
  /** Wall time of the first sample, µs since the epoch. */
  startUs: number;
  /** The node's monotonic clock at its arrival, µs. */
  startMonoUs: number;
  /** 16 bytes, random per process start. */
  bootId: Uint8Array;
  clockState: ClockState;
  kind: SegmentKind;
  clockErrorMs: number;
  /** Which chain key of the epoch wraps the file key; below 16,384. */
  chainIndex: number;
  epochId: number;
  /** 16 bytes: the epoch key's name. */
  epochKeyId: Uint8Array;
  /** 32 bytes: leaf hash of this stream's previous segment, zeros for the first. */
  prevLeaf: Uint8Array;
}

/** What a parser of stored bytes gives: the value, or why there is none. Reasons are for people and for counting. */
export type FromFile<T> = { ok: true; value: T } | { ok: false; reason: string };

const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/** The 256 bound bytes of a header. Their SHA-256 feeds the payload keys and authenticates the wrapped file key. */
export function encodeBoundHeader(header: SegmentHeader): Uint8Array<ArrayBuffer> {
  assert((header.flags & ~FLAGS_KNOWN) === 0, 'known flags');
  assert(header.chainIndex < CHAIN_INDEX_LIMIT, 'a chain index below the limit');
  return new ByteWriter(SEGMENT_BOUND_SIZE)
    .bytes(MAGIC)
    .u8(VERSION)
    .u8(SUITE_COBBLESTONE_256)
    .u16(SEGMENT_HEADER_SIZE)
    .u32(header.flags)
    .bytes(header.segmentId, 16)
    .bytes(header.streamId, 16)
    .bytes(header.nodeId, 32)
    .u64(header.seq)
    .u64(header.startUs)
    .u64(header.startMonoUs)
    .bytes(header.bootId, 16)
    .u8(CLOCK_STATES.indexOf(header.clockState))
    .u8(KINDS.indexOf(header.kind))
    .u16(header.clockErrorMs)
    .u32(header.chainIndex)
    .u64(header.epochId)
    .bytes(header.epochKeyId, 16)
    .bytes(header.prevLeaf, 32)
    .zeros(72)
    .finish();
}

/** The whole 512-byte header: bound part, wrapped file key (48 bytes), zeros, CRC-32C. */
export function encodeSegmentHeader(bound: Uint8Array, wrappedKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(SEGMENT_HEADER_SIZE)
    .bytes(bound, SEGMENT_BOUND_SIZE)
    .bytes(wrappedKey, WRAPPED_KEY_SIZE)
    .zeros(204);
  return writer.u32(crc32c(writer.written())).finish();
}

/** A parsed header and the two byte strings that go with it; views into the input. */
export interface StoredHeader {
  header: SegmentHeader;
  /** The 256 bound bytes. */
  bound: Uint8Array;
  wrappedKey: Uint8Array;
}

/** Reads the first 512 bytes of a file (more may follow). Says nothing about authenticity: only the keys do. */
export function parseSegmentHeader(bytes: Uint8Array): FromFile<StoredHeader> {
  if (bytes.length < SEGMENT_HEADER_SIZE) return refuse('header is cut');
  const reader = new ByteReader(bytes.subarray(0, SEGMENT_HEADER_SIZE));
  if (!equalBytes(reader.bytes(8), MAGIC)) return refuse('not a .cnv file of version 2');
  if (reader.u8() !== VERSION) return refuse('unknown version');
  if (reader.u8() !== SUITE_COBBLESTONE_256) return refuse('unknown suite');
  if (reader.u16() !== SEGMENT_HEADER_SIZE) return refuse('header length is not 512');
  if (new ByteReader(bytes.subarray(508, 512)).u32() !== crc32c(bytes.subarray(0, 508))) {
    return refuse('header checksum differs');
  }
  const flags = reader.u32();
  if ((flags & ~FLAGS_KNOWN) !== 0) return refuse('unknown flags');
  const [segmentId, streamId, nodeId] = [reader.bytes(16), reader.bytes(16), reader.bytes(32)];
  const [seq, startUs, startMonoUs] = [exact(reader), exact(reader), exact(reader)];
  const bootId = reader.bytes(16);
  const clockState = CLOCK_STATES[reader.u8()];
  if (clockState === undefined) return refuse('unknown clock state');
  const kind = KINDS[reader.u8()];
  if (!kind) return refuse('unknown kind');
  const clockErrorMs = reader.u16();
  const chainIndex = reader.u32();
  if (chainIndex >= CHAIN_INDEX_LIMIT) return refuse('chain index out of range');
  const epochId = exact(reader);
  if (seq === null || startUs === null || startMonoUs === null || epochId === null)
    return refuse('number out of range');
  const [epochKeyId, prevLeaf] = [reader.bytes(16), reader.bytes(32)];
  if (!isZero(reader.bytes(72))) return refuse('reserved bytes are not zero');
  const wrappedKey = reader.bytes(WRAPPED_KEY_SIZE);
  if (!isZero(reader.bytes(204))) return refuse('reserved bytes are not zero');
  const header: SegmentHeader = {
    flags,
    segmentId,
    streamId,
    nodeId,
    seq,
    startUs,
    startMonoUs,
    bootId,
    clockState,
    kind,
    clockErrorMs,
    chainIndex,
    epochId,
    epochKeyId,
    prevLeaf,
  };
  return { ok: true, value: { header, bound: bytes.subarray(0, SEGMENT_BOUND_SIZE), wrappedKey } };
}

/** What the payload keys of a segment are bound to besides its file key. */
export function segmentContext(hashes: Hashes, bound: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(CONTEXT_LABEL, hashes.sha256(bound));
}

/** Where the bytes of chunk `index` lie in the file: from `start` to before `end`; a final chunk ends earlier. */
export function chunkRange(index: number): { start: number; end: number } {
  const start = SEGMENT_CHUNKS_AT + index * SEALED_CHUNK_SIZE;
  return { start, end: start + SEALED_CHUNK_SIZE };
}

/** The chunk that holds plaintext byte `offset`, and the place in it. */
export function chunkOf(offset: number): { index: number; within: number } {
  return { index: Math.floor(offset / CHUNK_SIZE), within: offset % CHUNK_SIZE };
}

/** What a file of `fileSize` bytes can hold. */
export interface SegmentShape {
  /** Whole chunks of 16,384 plaintext bytes. */
  wholeChunks: number;
  /** Stored bytes after the whole chunks: 0, or the final chunk, or a torn tail. */
  tailSize: number;
  /** All chunks, counting a tail that is long enough to be a final one. */
  chunkCount: number;
  /** Plaintext bytes if that tail is genuine. */
  plaintextSize: number;
}

/** The shape that a file's size tells, or `null` where not even the place of chunk 0 is reached. */
export function segmentShape(fileSize: number): SegmentShape | null {
  const left = fileSize - SEGMENT_CHUNKS_AT;
  if (!Number.isSafeInteger(left) || left < 0) return null;
  const wholeChunks = Math.floor(left / SEALED_CHUNK_SIZE);
  const tailSize = left % SEALED_CHUNK_SIZE;
  const final = tailSize >= CHUNK_TAG_SIZE;
  return {
    wholeChunks,
    tailSize,
    chunkCount: wholeChunks + (final ? 1 : 0),
    plaintextSize: wholeChunks * CHUNK_SIZE + (final ? tailSize - CHUNK_TAG_SIZE : 0),
  };
}

function exact(reader: ByteReader): number | null {
  const value = reader.u64();
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}
