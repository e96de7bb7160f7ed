import { toHex, wipe } from '../bytes/index.ts';
import { openChunkedSync } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Track } from '../media/index.ts';
import {
  CHAIN_INDEX_LIMIT,
  chainKeyAt,
  chunkRange,
  parseSegmentHeader,
  SEGMENT_CHUNKS_AT,
  SEGMENT_HEADER_SIZE,
  type SegmentId,
  type StoredHeader,
  segmentContext,
  unwrapFileKey,
} from '../protocol/index.ts';
import type { SegmentReading, StoredSegment } from './api.ts';
import { sealed, segmentDamaged, segmentMissing } from './errors.ts';
import { FragmentWalk } from './fragment-walk.ts';
import { readFully } from './leaf-file.ts';
import { logMissing } from './startup.ts';
import type { WriterParts } from './stream-writer.ts';

/** Chain keys are kept at every such index, so that a key far into a day costs few steps. */
const CHAIN_STRIDE = 128;
/** Epochs whose keys are kept in memory. */
const EPOCHS_MAX = 32;
/** File keys kept in memory. */
const FILE_KEYS_MAX = 512;
/** An init segment ends within the first chunks. */
const INIT_CHUNKS_MAX = 64;

/** Reads segments, open ones as far as they are synced, and finds their keys; bounded caches of both kinds of key. */
export class SegmentReader {
  readonly #parts: WriterParts;
  readonly #find: (id: SegmentId) => StoredSegment | null;
  readonly #readers = new Map<SegmentId, number>();
  readonly #epochs = new Map<string, Uint8Array[]>();
  readonly #fileKeys = new Map<SegmentId, Uint8Array>();

  /** `find` knows open and closed segments. */
  constructor(parts: WriterParts, find: (id: SegmentId) => StoredSegment | null) {
    this.#parts = parts;
    this.#find = find;
  }

  /** True while somebody reads this segment: it must not be pruned. */
  isRead(id: SegmentId): boolean {
    return this.#readers.has(id);
  }

  /** Opens a stored segment; see `Vault.read`. */
  async read(id: SegmentId): Promise<SegmentReading> {
    const { deps, paths } = this.#parts;
    const found = this.#find(id);
    if (!found) throw segmentMissing(id);
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    let open = true;
    const letGo = () => {
      const left = (this.#readers.get(id) ?? 1) - 1;
      if (left > 0) this.#readers.set(id, left);
      else this.#readers.delete(id);
    };
    try {
      const handle = await deps.files.open(paths.segment(found, found.epochId, found));
      const segment = found.tracks.length > 0 ? found : { ...found, tracks: await this.#findTracks(found) };
      return {
        segment,
        read: (into, position) => {
          const left = segment.sizeBytes - position;
          return left <= 0 ? Promise.resolve(0) : handle.read(into.subarray(0, Math.min(into.length, left)), position);
        },
        close: async () => {
          if (!open) return;
          open = false;
          letGo();
          await handle.close();
        },
      };
    } catch (error) {
      letGo();
      if (!isNvrError(error, 'missing')) throw error;
      await logMissing(this.#parts, id);
      throw segmentMissing(id);
    }
  }

  /** The 32-byte file key of a managed segment, as a copy; see `Vault.fileKey`. */
  async fileKey(id: SegmentId): Promise<Uint8Array> {
    const cached = this.#fileKeys.get(id);
    if (cached) return cached.slice();
    const segment = this.#find(id);
    if (!segment) throw segmentMissing(id);
    const stored = await this.#header(segment);
    const chainKey = await this.#chainKey(segment, stored.header.chainIndex);
    const fileKey = await unwrapFileKey(this.#parts.deps.suite, chainKey, stored);
    wipe(chainKey);
    if (!fileKey) throw segmentDamaged(id, 'its header does not open');
    keep(this.#fileKeys, id, fileKey, FILE_KEYS_MAX, (key) => wipe(key));
    return fileKey.slice();
  }

  /** Forgets what is known of a pruned segment. */
  forget(id: SegmentId): void {
    const key = this.#fileKeys.get(id);
    if (key) wipe(key);
    this.#fileKeys.delete(id);
  }

  wipe(): void {
    for (const key of this.#fileKeys.values()) wipe(key);
    for (const keys of this.#epochs.values()) wipe(...keys);
    this.#fileKeys.clear();
    this.#epochs.clear();
  }

  async #header(segment: StoredSegment): Promise<StoredHeader> {
    const start = await this.#start(segment, SEGMENT_HEADER_SIZE);
    const parsed = parseSegmentHeader(start);
    if (!parsed.ok) throw segmentDamaged(segment.id, parsed.reason);
    const { header } = parsed.value;
    if (toHex(header.segmentId) !== segment.id || toHex(header.streamId) !== segment.streamId) {
      throw segmentDamaged(segment.id, 'its header is another one');
    }
    return parsed.value;
  }

  async #start(segment: StoredSegment, length: number): Promise<Uint8Array> {
    const { deps, paths } = this.#parts;
    const start = new Uint8Array(length);
    try {
      const handle = await deps.files.open(paths.segment(segment, segment.epochId, segment));
      const count = await readFully(handle, start, 0).finally(() => handle.close());
      return start.subarray(0, count);
    } catch (error) {
      if (isNvrError(error, 'missing')) throw segmentMissing(segment.id);
      throw error;
    }
  }

  async #chainKey(segment: StoredSegment, chainIndex: number): Promise<Uint8Array> {
    const name = `${segment.streamId}/${segment.epochId}`;
    let known = this.#epochs.get(name);
    if (!known) {
      const epochKey = await this.#parts.epochs.open(segment, segment.epochId);
      if (!epochKey) throw sealed(segment.id);
      known = [epochKey];
      keep(this.#epochs, name, known, EPOCHS_MAX, (keys) => wipe(...keys));
    }
    const nearest = Math.min(known.length - 1, Math.floor(chainIndex / CHAIN_STRIDE));
    const { hashes } = this.#parts.deps.suite;
    const key = chainKeyAt(hashes, known[nearest]!, nearest * CHAIN_STRIDE, chainIndex, (index, step) => {
      if (index === known.length * CHAIN_STRIDE) known.push(step.slice());
    });
    if (!key) throw segmentDamaged(segment.id, `its chain index is not below ${CHAIN_INDEX_LIMIT}`);
    return key;
  }

  /** What decoders need, read from the segment itself; empty where the node holds no key or the picture is not understood. */
  async #findTracks(segment: StoredSegment): Promise<Track[]> {
    const { deps, index } = this.#parts;
    try {
      const fileKey = await this.fileKey(segment.id);
      const size = Math.min(segment.sizeBytes, chunkRange(INIT_CHUNKS_MAX).start);
      const start = await this.#start(segment, size);
      const parsed = parseSegmentHeader(start);
      if (!parsed.ok) return [];
      const context = segmentContext(deps.suite.hashes, parsed.value.bound);
      const opener = openChunkedSync(
        deps.suite,
        fileKey,
        start.subarray(SEGMENT_HEADER_SIZE, SEGMENT_CHUNKS_AT),
        context,
      );
      wipe(fileKey);
      const walk = new FragmentWalk();
      for (let k = 0; !walk.init && walk.fault === null; k++) {
        const { start: from, end } = chunkRange(k);
        const plain = from < size ? opener?.open(k, start.subarray(from, Math.min(end, size))) : null;
        if (!plain) return [];
        walk.push(plain);
      }
      const tracks = walk.init?.tracks ?? [];
      if (tracks.length > 0) index.setTracks(segment.id, tracks);
      return tracks;
    } catch (error) {
      if (isNvrError(error, 'denied') || isNvrError(error, 'corrupt')) return [];
      throw error;
    }
  }
}

/** Puts a value into a bounded cache; the one that was put in first goes. */
function keep<K, V>(cache: Map<K, V>, key: K, value: V, limit: number, drop: (old: V) => void): void {
  cache.set(key, value);
  if (cache.size <= limit) return;
  const [first] = cache;
  if (!first) return;
  drop(first[1]);
  cache.delete(first[0]);
}
