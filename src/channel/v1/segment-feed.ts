import { concatBytes, equalBytes, fromBase64Url, fromHex, wipe } from '../../bytes/index.ts';
import { SEALED_CHUNK_SIZE, type SyncCryptoSuite } from '../../crypto/index.ts';
import {
  chunkRange,
  type OpenSegment,
  openSegment,
  SEGMENT_CHUNKS_AT,
  type SegmentId,
  type SegmentShape,
  type SegmentsGetResult,
  segmentShape,
} from '../../protocol/index.ts';
import { damagedSegment, sealedToOwners, unknownSegment } from './errors.ts';
import { segmentIdOf, segmentName } from './segment-name.ts';

/** Plain bytes of one piece; the last may be shorter. */
export const PIECE_SIZE = 49_152;
// From the specification: three chunks fill a piece exactly.

/** What feeding needs. */
export interface FeedDeps {
  suite: SyncCryptoSuite;
  /** Calls `segments.get@1`. `steady`: its bytes may take as long as their reader does. */
  get(
    params: { segment: SegmentId; offset: number; length?: number },
    onData: (unit: Uint8Array) => Promise<void>,
    pace?: 'steady',
  ): Promise<SegmentsGetResult>;
  /** Takes what is to be told, in order; resolves when there is room for more. */
  start(bytes: number): Promise<void>;
  piece(seq: number, plain: Uint8Array): Promise<void>;
}

/**
 * Opens one segment here and gives its fragmented MP4 in pieces of 48 KiB: `start` with the exact size, then the pieces.
 * Holds one unit of stored bytes and one piece, whatever the segment's size.
 *
 * Throws `ERR_CHANNEL_V1_SEGMENT` (`missing`) where that source has no segment of that name, `ERR_CHANNEL_V1_SEALED`
 * (`denied`) where the node has no key, `ERR_CHANNEL_V1_DAMAGED` (`corrupt`), and what the command throws.
 */
export async function feedSegment(
  deps: FeedDeps,
  { sourceId, name }: { sourceId: string; name: string },
): Promise<void> {
  const segment = segmentIdOf(name);
  if (!segment) throw unknownSegment();
  const head = new Collector(SEGMENT_CHUNKS_AT);
  const facts = await deps.get({ segment, offset: 0, length: SEGMENT_CHUNKS_AT }, head.take);
  if (facts.source !== sourceId || facts.stream !== 'main' || segmentName(facts) !== name) throw unknownSegment();
  const open = await openerOf(deps.suite, facts, head.bytes);
  const shape = await genuineShape(deps, facts, open);
  await deps.start(shape.plaintextSize);
  if (shape.chunkCount === 0) return;
  const feed = new Feed(open, shape, deps.piece);
  await deps.get({ segment, offset: SEGMENT_CHUNKS_AT }, (unit) => feed.take(unit), 'steady');
  await feed.finish();
}

/** The segment's opener, once its header is known to be that of what was asked for. */
async function openerOf(suite: SyncCryptoSuite, facts: SegmentsGetResult, start: Uint8Array): Promise<OpenSegment> {
  if (facts.fileKey === undefined) throw sealedToOwners();
  const fileKey = fromBase64Url(facts.fileKey);
  if (fileKey?.length !== 32) throw damagedSegment();
  const open = await openSegment(suite, start, fileKey);
  wipe(fileKey);
  const same =
    open &&
    equalBytes(open.header.segmentId, fromHex(facts.id)!) &&
    equalBytes(open.header.streamId, fromHex(facts.streamId)!) &&
    open.header.seq === facts.seq;
  if (!same) throw damagedSegment();
  return open;
}

/**
 * What can be opened of it. A segment that ended in a crash may end in a torn chunk; the wire tells the exact size first, so
 * that chunk is tried before anything is told.
 */
async function genuineShape(deps: FeedDeps, facts: SegmentsGetResult, open: OpenSegment): Promise<SegmentShape> {
  const shape = segmentShape(facts.size);
  if (!shape) throw damagedSegment();
  const { wholeChunks, tailSize, chunkCount } = shape;
  if (facts.state === 'final' || chunkCount === wholeChunks) return shape;
  const tail = new Collector(tailSize);
  await deps.get(
    { segment: facts.id as SegmentId, offset: chunkRange(wholeChunks).start, length: tailSize },
    tail.take,
  );
  if (await open.openChunk(wholeChunks, tail.bytes, true)) return shape;
  return segmentShape(chunkRange(wholeChunks).start)!;
}

/** Takes stored bytes as they come, from chunk 0 on, and gives plain pieces. */
class Feed {
  readonly #open: OpenSegment;
  readonly #shape: SegmentShape;
  readonly #give: (seq: number, plain: Uint8Array) => Promise<void>;
  readonly #piece = new Uint8Array(PIECE_SIZE);
  #filled = 0;
  #seq = 0;
  #chunk = 0;
  /** The beginning of a chunk whose rest is still to come. */
  #rest: Uint8Array = new Uint8Array();

  constructor(open: OpenSegment, shape: SegmentShape, give: (seq: number, plain: Uint8Array) => Promise<void>) {
    this.#open = open;
    this.#shape = shape;
    this.#give = give;
  }

  async take(unit: Uint8Array): Promise<void> {
    const { wholeChunks, tailSize, chunkCount } = this.#shape;
    const bytes = concatBytes(this.#rest, unit);
    let at = 0;
    for (; this.#chunk < chunkCount; this.#chunk++) {
      const isFinal = this.#chunk >= wholeChunks;
      const size = isFinal ? tailSize : SEALED_CHUNK_SIZE;
      if (bytes.length - at < size) break;
      const plain = await this.#open.openChunk(this.#chunk, bytes.subarray(at, at + size), isFinal);
      if (!plain) throw damagedSegment();
      at += size;
      await this.#fill(plain);
    }
    // What lies behind the last genuine chunk is a torn tail, of no use.
    this.#rest = this.#chunk < chunkCount ? bytes.slice(at) : new Uint8Array();
  }

  async finish(): Promise<void> {
    if (this.#chunk < this.#shape.chunkCount) throw damagedSegment();
    await this.#flush();
  }

  async #fill(plain: Uint8Array): Promise<void> {
    for (let at = 0; at < plain.length; ) {
      const count = Math.min(plain.length - at, PIECE_SIZE - this.#filled);
      this.#piece.set(plain.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === PIECE_SIZE) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    await this.#give(this.#seq++, this.#piece.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** Gathers a few bytes whose count is known. */
class Collector {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #filled = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#filled);
  }

  readonly take = async (unit: Uint8Array): Promise<void> => {
    const part = unit.subarray(0, this.#bytes.length - this.#filled);
    this.#bytes.set(part, this.#filled);
    this.#filled += part.length;
  };
}
