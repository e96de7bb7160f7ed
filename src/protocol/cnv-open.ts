import { type ChunkOpener, type CryptoSuite, openChunked, SEALED_CHUNK_SIZE } from '../crypto/index.ts';
import {
  parseSegmentHeader,
  SEGMENT_CHUNKS_AT,
  SEGMENT_HEADER_SIZE,
  type SegmentHeader,
  segmentContext,
} from './cnv.ts';

/** A segment whose keys are ready: opens its chunks in any order, several at once. */
export interface OpenSegment {
  readonly header: SegmentHeader;
  /**
   * The plaintext of chunk `index` from its stored bytes, or `null` where they are not genuine at this place.
   *
   * `isFinal` is what the reader expects by the file's size: true wants a shorter chunk (16 to 16,399 stored bytes), false
   * exactly 16,400. A segment is complete only when its final chunk opened.
   */
  openChunk(index: number, sealed: Uint8Array, isFinal: boolean): Promise<Uint8Array<ArrayBuffer> | null>;
}

/**
 * Prepares opening a segment from its first 568 bytes (more may follow) and its 32-byte file key.
 *
 * `null` where the header is malformed or the key is not this segment's: every header bit feeds the keys, so a header that
 * opens is the one it was sealed with. The caller still compares it with what it asked for.
 */
export async function openSegment(
  suite: CryptoSuite,
  start: Uint8Array,
  fileKey: Uint8Array,
): Promise<OpenSegment | null> {
  if (start.length < SEGMENT_CHUNKS_AT) return null;
  const parsed = parseSegmentHeader(start);
  if (!parsed.ok) return null;
  const context = segmentContext(suite.hashes, parsed.value.bound);
  const opener = await openChunked(suite, fileKey, start.subarray(SEGMENT_HEADER_SIZE, SEGMENT_CHUNKS_AT), context);
  return opener && { header: parsed.value.header, openChunk: (...chunk) => openChunk(opener, ...chunk) };
}

async function openChunk(opener: ChunkOpener, index: number, sealed: Uint8Array, isFinal: boolean) {
  if (isFinal ? sealed.length >= SEALED_CHUNK_SIZE : sealed.length !== SEALED_CHUNK_SIZE) return null;
  return opener.open(index, sealed);
}
