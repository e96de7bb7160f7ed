import { concatBytes, equalBytes, fromBase64Url, fromHex } from '../bytes/index.ts';
import { CHUNK_SIZE, type CryptoSuite, SEALED_CHUNK_SIZE } from '../crypto/index.ts';
import { isNvrError, NvrError } from '../errors.ts';
import { type KeyframeEntry, mfraSize, PRFT_BYTES, readBoxHead, readMfra } from '../media/index.ts';
import {
  chunkOf,
  chunkRange,
  type KeyframeHint,
  type OpenSegment,
  openSegment,
  parseKeyframeHints,
  type RangeSegment,
  SEGMENT_CHUNKS_AT,
  type SegmentId,
  segmentShape,
} from '../protocol/index.ts';
import type { Connection } from './api.ts';
import { type FragmentUnit, fragmentUnit, type InitUnit, initUnit } from './media-unit.ts';
import { damaged, MovieCutter, type MoviePiece } from './movie-cutter.ts';
import { StoredBytes } from './stored-bytes.ts';

/** What a reader of recordings needs: an open channel and primitives. */
export interface ReaderDeps {
  connection: Connection;
  suite: CryptoSuite;
  /** What is said to be done with recordings, for the grant and the audit log; `play` where it is left out. */
  purpose?: ReadPurpose;
}

/** Looked at, or kept outside the recorder. */
export type ReadPurpose = 'play' | 'export';

/** One segment as `range.read` and `segments.get` describe it. */
export type SegmentPlace = Pick<
  RangeSegment,
  'id' | 'streamId' | 'seq' | 'startAt' | 'endAt' | 'size' | 'state' | 'fileKey'
> & {
  /** As `range.read` tells where keyframes lie; without it the segment's own index is read. */
  keyframes?: string | undefined;
};

/** A segment of a range with the hints the page told of it. */
export type HintedSegment = RangeSegment & Pick<SegmentPlace, 'keyframes'>;

export interface ReadSegmentOptions {
  /** Begin with the last keyframe at or before this time, whole µs; absent: with the segment. */
  fromUs?: number;
  /** End before the first fragment that starts at or after this time. */
  toUs?: number;
  /** Only the group of pictures that holds `fromUs`: bytes behind it are not asked for. */
  groupOnly?: boolean;
  signal?: AbortSignal;
  /** Told the bytes that arrived, as they arrive. */
  onBytes?: (count: number) => void;
}

/** What is learned of a segment by reading its beginning: another keyframe of it is then a single request. */
export interface SegmentHead {
  opener: OpenSegment;
  init: InitUnit;
}

/** Chunks that are being opened at once. */
const OPENING_MAX = 8;
/** Read from the end of a segment to find its index: more than a minute of keyframes only. */
const TAIL_CHUNKS = 3;
/** Read from the front where the rest is not wanted; an init segment has about one kilobyte. */
const FRONT_CHUNKS = 2;
/** How far the linear guess at a keyframe's wall time may be off before its own `prft` is asked; µs. */
const GUESS_SLACK_US = 250_000;

/**
 * Reads one stored segment: asks for sealed bytes, opens them here, gives its init segment and then its fragments.
 *
 * Holds a few chunks and one fragment. A segment whose end was lost in a crash, or that is still being recorded, is read as far as it
 * goes (as far as it went when it was told of). Throws
 * `ERR_CLIENT_SEGMENT_KEY` (`denied`) without its key, `ERR_CLIENT_SEGMENT_DAMAGED` (`corrupt`) where bytes are not genuine,
 * `ERR_CLIENT_MEDIA` (`corrupt`), and what the connection throws.
 */
export async function* readSegment(
  deps: ReaderDeps,
  segment: SegmentPlace,
  options: ReadSegmentOptions = {},
): AsyncGenerator<InitUnit | FragmentUnit> {
  const reader = new SegmentReader(deps, segment, options);
  try {
    const { fromUs, toUs } = options;
    const isInside = fromUs !== undefined && fromUs > segment.startAt * 1000 + 1000;
    const skips = fromUs !== undefined && (isInside || options.groupOnly);
    yield* skips ? reader.readFrom(fromUs, toUs) : reader.readAll(toUs);
  } finally {
    reader.close();
  }
}

/**
 * Reads the one fragment that begins with the last keyframe at or before `at` (epoch ms; before the first: the first), and no more than its
 * chunks where the node told where it lies. Null where the segment holds no fragment. Throws what `readSegment` throws.
 */
export async function readKeyframe(
  deps: ReaderDeps,
  segment: SegmentPlace,
  at: number,
  options: Pick<ReadSegmentOptions, 'signal' | 'onBytes'> & { head?: SegmentHead | null } = {},
): Promise<{ head: SegmentHead; fragment: FragmentUnit } | null> {
  const { head = null, ...common } = options;
  const reader = new SegmentReader(deps, segment, { ...common, fromUs: at * 1000, groupOnly: true }, head);
  try {
    return await reader.readKeyframe(at);
  } finally {
    reader.close();
  }
}

class SegmentReader {
  readonly #deps: ReaderDeps;
  readonly #segment: SegmentPlace;
  readonly #options: ReadSegmentOptions;
  readonly #open = new Set<StoredBytes>();
  readonly #fileKey: Uint8Array;
  readonly #shape: { wholeChunks: number; tailSize: number; chunkCount: number };
  readonly #hints: readonly KeyframeHint[];
  #opener: OpenSegment | null = null;
  #init: InitUnit | null = null;
  /** Decode time and wall time of the first fragment seen: places fragments that carry no wall time. */
  #origin: { time: bigint; us: number } | null = null;

  constructor(deps: ReaderDeps, segment: SegmentPlace, options: ReadSegmentOptions, head: SegmentHead | null = null) {
    this.#deps = deps;
    this.#segment = segment;
    this.#options = options;
    const key = segment.fileKey === undefined ? null : fromBase64Url(segment.fileKey);
    if (key?.length !== 32) throw keyMissing(segment.id);
    this.#fileKey = key;
    const shape = segmentShape(segment.size);
    if (!shape) throw this.#broken('it is shorter than a header');
    this.#shape = shape;
    this.#hints = hintsOf(segment);
    this.#opener = head?.opener ?? null;
    this.#init = head?.init ?? null;
  }

  close(): void {
    for (const bytes of this.#open) bytes.close();
    this.#open.clear();
    this.#fileKey.fill(0);
  }

  /** From the first byte. */
  async *readAll(toUs: number | undefined): AsyncGenerator<InitUnit | FragmentUnit> {
    const bytes = this.#request(0);
    await this.#readHeader(bytes);
    for await (const piece of this.#pieces(bytes, 0, 0)) {
      const unit = this.#unitOf(piece);
      if (unit.kind === 'fragment' && toUs !== undefined && unit.startUs >= toUs) return;
      yield unit;
    }
  }

  /** From the last keyframe at or before `fromUs`. */
  async *readFrom(fromUs: number, toUs: number | undefined): AsyncGenerator<InitUnit | FragmentUnit> {
    const entries = await this.#findKeyframes();
    yield this.#init!;
    // The index has decode times; the first entry whose own wall time is not too late is the one.
    let at = entries.findLastIndex((each) => each.guessUs <= fromUs + GUESS_SLACK_US);
    for (at = Math.max(at, 0); ; at--) {
      const place = entries[at]?.moofAt ?? 0;
      const end = this.#options.groupOnly ? entries[at + 1]?.moofAt : undefined;
      let begun = false;
      for await (const piece of this.#piecesFrom(place, end)) {
        const unit = this.#unitOf(piece);
        if (unit.kind === 'init') continue;
        if (!begun && unit.startUs > fromUs && at > 0) break;
        begun = true;
        if (toUs !== undefined && unit.startUs >= toUs) return;
        yield unit;
      }
      if (begun || at <= 0) return;
    }
  }

  /** One keyframe; its bytes are asked for together with the segment's beginning. */
  async readKeyframe(at: number): Promise<{ head: SegmentHead; fragment: FragmentUnit } | null> {
    const hint =
      this.#hints[
        Math.max(
          0,
          this.#hints.findLastIndex((each) => each.at <= at),
        )
      ];
    if (!hint) {
      // To the end of the asked millisecond: a picture may begin inside it.
      for await (const unit of this.readFrom(at * 1000 + 999, undefined))
        if (unit.kind === 'fragment') return this.#found(unit);
      return null;
    }
    const { offset, length } = hint;
    const { index, within } = chunkOf(offset);
    const chunks = chunkOf(offset + length - 1).index - index + 1;
    const bytes = this.#request(chunkRange(index).start, chunkRange(chunks).start - SEGMENT_CHUNKS_AT);
    if (!this.#opener || !this.#init) await this.#readFront();
    for await (const piece of this.#pieces(bytes, index, within, chunks)) {
      const unit = this.#unitOf(piece);
      if (unit.kind === 'fragment' && unit.keyframe) return this.#found(unit);
    }
    throw damaged('no keyframe where one was told');
  }

  #found(fragment: FragmentUnit): { head: SegmentHead; fragment: FragmentUnit } {
    return { head: { opener: this.#opener!, init: this.#init! }, fragment };
  }

  /** Header and init segment. */
  async #readFront(): Promise<void> {
    const front = this.#request(0, SEGMENT_CHUNKS_AT + FRONT_CHUNKS * SEALED_CHUNK_SIZE);
    await this.#readHeader(front);
    for await (const piece of this.#pieces(front, 0, 0, FRONT_CHUNKS)) {
      this.#unitOf(piece);
      if (this.#init) break;
    }
    front.close();
  }

  /** Keyframes with their approximate wall times: as the node told, from the index at the end, or by reading through where there is none. */
  async #findKeyframes(): Promise<(KeyframeEntry & { guessUs: number })[]> {
    if (this.#hints.length > 0) {
      await this.#readFront();
      if (!this.#init) throw damaged('a segment without an init segment');
      return this.#hints.map(({ at, offset }) => ({ time: 0n, moofAt: offset + PRFT_BYTES, guessUs: at * 1000 }));
    }
    const isOpen = this.#segment.state === 'open';
    const tailChunk = Math.max(0, this.#shape.chunkCount - TAIL_CHUNKS);
    const tail = isOpen ? null : this.#request(chunkRange(tailChunk).start);
    await this.#readFront();
    if (!tail) return this.#scan();
    const index = this.#init ? await this.#readIndex(tail, tailChunk) : null;
    tail.close();
    const video = this.#init?.segment.tracks[0];
    const first = index?.entries[0];
    if (!index || !first || index.trackId !== video?.id) return this.#scan();
    const startUs = this.#opener!.header.startUs;
    this.#origin = { time: first.time, us: startUs };
    return index.entries.map((entry) => ({
      ...entry,
      guessUs: startUs + Number(((entry.time - first.time) * 1_000_000n) / BigInt(video.timescale)),
    }));
  }

  async #readIndex(tail: StoredBytes, firstChunk: number) {
    const parts: Uint8Array[] = [];
    for await (const plain of this.#plaintext(tail, firstChunk)) parts.push(plain);
    const end = concatBytes(...parts);
    const size = mfraSize(end, end.length);
    try {
      return size === null ? null : readMfra(end.slice(end.length - size));
    } catch (error) {
      if (isNvrError(error, 'corrupt')) return null; // a segment that ended in a crash has none
      throw error;
    }
  }

  /** Reads a segment without an index once, keeping nothing but places; stops when `fromUs` is passed. */
  async #scan(): Promise<(KeyframeEntry & { guessUs: number })[]> {
    const found: (KeyframeEntry & { guessUs: number })[] = [];
    for await (const piece of this.#piecesFrom(0)) {
      const unit = this.#unitOf(piece);
      if (unit.kind === 'init') continue;
      if (unit.startUs > this.#options.fromUs!) break;
      const moofAt = piece.offset + (unit.wallTime ? PRFT_BYTES : 0);
      if (unit.keyframe) found.push({ time: unit.time, moofAt, guessUs: unit.startUs });
    }
    if (!this.#init) throw damaged('a segment without an init segment');
    return found;
  }

  #request(offset: number, length?: number): StoredBytes {
    const { id, size, state } = this.#segment;
    // An open one may have grown: what was not told of is not asked for.
    const wanted = length ?? (state === 'open' ? size : undefined);
    const range = {
      segment: id as SegmentId,
      purpose: this.#deps.purpose ?? 'play',
      offset: Math.min(offset, size),
      ...(wanted === undefined ? {} : { length: Math.max(0, Math.min(wanted, size - offset)) }),
    };
    const bytes = new StoredBytes(this.#deps.connection, range, this.#options);
    this.#open.add(bytes);
    return bytes;
  }

  async #readHeader(bytes: StoredBytes): Promise<void> {
    const start = (await bytes.take(SEGMENT_CHUNKS_AT)).slice();
    const opener = await openSegment(this.#deps.suite, start, this.#fileKey);
    if (!opener) throw this.#broken('its header is not genuine, or the key is of another segment');
    const { id, streamId, seq, startAt } = this.#segment;
    const { header } = opener;
    const asked =
      equalBytes(header.segmentId, fromHex(id, 16) ?? new Uint8Array()) &&
      equalBytes(header.streamId, fromHex(streamId, 16) ?? new Uint8Array()) &&
      header.seq === seq &&
      Math.abs(header.startUs / 1000 - startAt) <= 1;
    if (!asked) throw this.#broken('it is another segment than the one asked for');
    this.#opener = opener;
  }

  /** Pieces from a plaintext place on, which is a fragment's `moof`, or 0; with `end`, only those that begin before it. */
  async *#piecesFrom(moofAt: number, end?: number): AsyncGenerator<MoviePiece> {
    const start = Math.max(0, moofAt - PRFT_BYTES);
    const { index, within } = chunkOf(start);
    const from = chunkRange(index).start;
    const isBounded = end !== undefined && end > moofAt;
    const chunks = isBounded ? chunkOf(end - 1).index - index + 1 : Number.POSITIVE_INFINITY;
    const length = isBounded ? chunkRange(index + chunks).start - from : undefined;
    const bytes = this.#request(from, length);
    try {
      if (!this.#opener) throw this.#broken('its header was not read');
      for await (const piece of this.#pieces(bytes, index, within, chunks, moofAt - start)) {
        if (isBounded && piece.offset + PRFT_BYTES >= end) return;
        yield piece;
      }
    } finally {
      bytes.close();
      this.#open.delete(bytes);
    }
  }

  /**
   * Cuts the plaintext from byte `within` of chunk `index` on. `lead` bytes stand in front of the `moof` wanted: they are its
   * `prft`, or of no interest.
   */
  async *#pieces(
    bytes: StoredBytes,
    index: number,
    within: number,
    chunksMax = Number.POSITIVE_INFINITY,
    lead = 0,
  ): AsyncGenerator<MoviePiece> {
    const cutter = new MovieCutter();
    let base = index * CHUNK_SIZE + within;
    let skip = within;
    let leading = lead;
    let held: Uint8Array = new Uint8Array();
    for await (const plain of this.#plaintext(bytes, index, chunksMax)) {
      let rest: Uint8Array = plain.subarray(Math.min(skip, plain.length));
      skip -= plain.length - rest.length;
      if (leading > 0) {
        held = concatBytes(held, rest);
        if (held.length < lead) continue; // the bytes in front span two chunks
        leading = 0;
        const isReference = isReferenceOf(held, lead);
        rest = isReference ? held : held.subarray(lead);
        if (!isReference) base += lead;
      }
      for (const piece of cutter.push(rest)) yield { ...piece, offset: piece.offset + base };
      if (cutter.ended) return;
    }
    // A file cut between two chunks opens without a fault: only its end says that it is whole.
    if (chunksMax === Number.POSITIVE_INFINITY && this.#segment.state === 'final') {
      throw this.#broken('it ends before its index');
    }
  }

  /** Opened chunks in order, a few at a time. Ends with the segment, or after `chunksMax`. */
  async *#plaintext(
    bytes: StoredBytes,
    firstChunk: number,
    chunksMax = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Uint8Array> {
    const { wholeChunks, chunkCount, tailSize } = this.#shape;
    const opening: Promise<Uint8Array | null>[] = [];
    const end = Math.min(chunkCount, firstChunk + chunksMax);
    let next = firstChunk;
    for (let done = firstChunk; done < end; done++) {
      while (next < end && opening.length < OPENING_MAX) {
        const isFinal = next >= wholeChunks;
        const size = isFinal ? tailSize : SEALED_CHUNK_SIZE;
        if (opening.length > 0 && bytes.waiting < size) break; // what is being opened must not wait for what is to come
        const sealed = await bytes.take(size);
        if (sealed.length < size) throw this.#broken('the node sent fewer bytes than it has');
        const opened = this.#opener!.openChunk(next, sealed, isFinal);
        opened.catch(() => {}); // looked at below, in order
        opening.push(opened);
        next += 1;
      }
      const plain = await opening.shift()!;
      if (plain) yield plain;
      else if (done >= wholeChunks && this.#segment.state !== 'final') return;
      else throw this.#broken(`chunk ${done} is not genuine`);
    }
  }

  #unitOf(piece: MoviePiece): InitUnit | FragmentUnit {
    if (piece.kind === 'init') {
      this.#init = initUnit(piece.bytes);
      return this.#init;
    }
    if (!this.#init) throw damaged('a fragment before the init segment');
    const startUs = this.#opener!.header.startUs;
    const unit = fragmentUnit(piece.bytes, this.#init, this.#origin ?? { time: null, us: startUs });
    this.#origin ??= { time: unit.time, us: startUs };
    return unit;
  }

  #broken(what: string): NvrError {
    const text = `segment ${this.#segment.id} cannot be read: ${what}`;
    return new NvrError('ERR_CLIENT_SEGMENT_DAMAGED', 'corrupt', text);
  }
}

/** When the keyframes are shown whose places the node told, whole epoch ms, in order; none where it told nothing of use. */
export function keyframeTimes(segment: SegmentPlace): number[] {
  return hintsOf(segment).map(({ at }) => at);
}

/** Where the node says that keyframes lie, as far as they lie in what it told of; none where it does not, or not as described. */
function hintsOf({ keyframes, startAt, size }: SegmentPlace): KeyframeHint[] {
  const bytes = keyframes === undefined ? null : fromBase64Url(keyframes);
  const plaintext = segmentShape(size)?.plaintextSize ?? 0;
  const hints = bytes && parseKeyframeHints(startAt, bytes);
  return hints?.filter(({ offset, length }) => length > 0 && offset + length <= plaintext) ?? [];
}

/** True where `bytes` begin with a `prft` that fills exactly what stands in front of a `moof`. */
function isReferenceOf(bytes: Uint8Array, lead: number): boolean {
  try {
    const head = readBoxHead(bytes);
    return head?.type === 'prft' && head.sizeBytes === lead;
  } catch {
    return false; // any bytes at all may stand there
  }
}

function keyMissing(id: string): NvrError {
  const text = `expected the key of segment ${id}, got none: only a device that holds its epoch key opens it`;
  return new NvrError('ERR_CLIENT_SEGMENT_KEY', 'denied', text);
}
