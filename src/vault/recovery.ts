import { fromHex, toHex, wipe } from '../bytes/index.ts';
import { openChunkedSync, SEALED_CHUNK_SIZE, type SyncChunkOpener } from '../crypto/index.ts';
import type { FileHandle } from '../platform/index.ts';
import {
  chainKeyAt,
  chunkRange,
  createLeaf,
  leafHash,
  MerkleTree,
  PRUNE_CAUSES,
  parseSegmentHeader,
  SEGMENT_CHUNKS_AT,
  SEGMENT_HEADER_SIZE,
  type SegmentHeader,
  type StoredHeader,
  type StreamId,
  segmentContext,
  segmentShape,
  streamAssignedLeaf,
  unwrapFileKey,
} from '../protocol/index.ts';
import { FragmentWalk } from './fragment-walk.ts';
import { readFully } from './leaf-file.ts';
import type { Place, SegmentName } from './paths.ts';
import { SEGMENT_FILE_MIN } from './segment-file.ts';
import type { WriterParts } from './stream-writer.ts';

/** Chunks read in one piece while a file is checked. */
const READ_CHUNKS = 32;

/** A segment file that the log does not know. */
export interface UnloggedFile {
  place: Place;
  epochId: number;
  name: SegmentName;
}

/**
 * Mends one file that was open when the node ended (docs/formats/cnv.md, "Recovery"): keeps the longest run of whole chunks that
 * open, tries what is left as the final chunk, cuts the rest off, syncs, and logs the segment as recovered.
 */
export async function recoverFile(
  parts: WriterParts,
  file: UnloggedFile,
): Promise<'recovered' | 'discarded' | 'unreadable'> {
  const { deps, paths, log } = parts;
  const path = paths.segment(file.place, file.epochId, file.name);
  const handle = await deps.files.open(path, { write: true });
  try {
    const size = await handle.sizeBytes();
    const start = new Uint8Array(SEGMENT_CHUNKS_AT);
    await readFully(handle, start, 0);
    const parsed = parseSegmentHeader(start);
    if (size < SEGMENT_FILE_MIN)
      return await discard(parts, file, handle, path, parsed.ok ? parsed.value.header : null);
    if (!parsed.ok) return await setAside(parts, path, parsed.reason);
    const { header } = parsed.value;
    if (header.seq !== file.name.seq || toHex(header.segmentId) !== file.name.id || header.epochId !== file.epochId) {
      return await setAside(parts, path, 'its name and its header differ');
    }
    const streamId = toHex(header.streamId) as StreamId;
    if (!parts.index.stream(streamId)) {
      await log.append(streamAssignedLeaf({ ...file.place, streamId: header.streamId }, { bootId: parts.bootId }));
    }
    const opener = await openerFor(parts, file, parsed.value, start);
    if (opener === 'other') return await setAside(parts, path, 'its keys do not open it');
    const kept = await keepWhole(parts, handle, size, opener);
    if (kept.chunkCount === 0) return await discard(parts, file, handle, path, header);
    if (kept.fileBytes < size) await handle.truncate(kept.fileBytes);
    await handle.sync();
    const endUs = Math.max(header.startUs, kept.walk.endUs ?? header.startUs);
    const leaf = createLeaf('segment', {
      state: 'recovered',
      chunkCount: kept.chunkCount,
      fileBytes: kept.fileBytes,
      segmentId: header.segmentId,
      streamId: header.streamId,
      seq: header.seq,
      startUs: header.startUs,
      endUs,
      startMonoUs: header.startMonoUs,
      endMonoUs: header.startMonoUs + (endUs - header.startUs),
      bootId: header.bootId,
      prevLeaf: header.prevLeaf,
      headerHash: deps.suite.hashes.sha256(start),
      chunkRoot: kept.tree.root(),
      epochId: header.epochId,
    });
    const run = parts.index.stream(streamId)?.run ?? header.segmentId.slice();
    await log.append(leaf, { run, tracks: kept.walk.init?.tracks ?? [] });
    return 'recovered';
  } finally {
    await handle.close();
  }
}

/** An opener for a managed segment; null where the node holds no key to its epoch; 'other' where a key it holds is not it. */
async function openerFor(
  parts: WriterParts,
  file: UnloggedFile,
  stored: StoredHeader,
  start: Uint8Array,
): Promise<SyncChunkOpener | null | 'other'> {
  const { suite } = parts.deps;
  const epochKey = await parts.epochs.open(file.place, file.epochId);
  if (!epochKey) return null;
  const chainKey = chainKeyAt(suite.hashes, epochKey, 0, stored.header.chainIndex)!;
  const fileKey = await unwrapFileKey(suite, chainKey, stored);
  wipe(epochKey, chainKey);
  if (!fileKey) return 'other';
  const context = segmentContext(suite.hashes, stored.bound);
  const opener = openChunkedSync(suite, fileKey, start.subarray(SEGMENT_HEADER_SIZE), context);
  wipe(fileKey);
  return opener ?? 'other';
}

/** Follows the chunks from the first: how many are whole (and, with an opener, genuine), and their tree. */
async function keepWhole(parts: WriterParts, handle: FileHandle, size: number, opener: SyncChunkOpener | null) {
  const { hashes } = parts.deps.suite;
  const shape = segmentShape(size)!;
  const tree = new MerkleTree(hashes);
  const walk = new FragmentWalk();
  const buffer = new Uint8Array(READ_CHUNKS * SEALED_CHUNK_SIZE);
  const take = (sealed: Uint8Array): boolean => {
    const plain = opener?.open(tree.count, sealed);
    if (plain === null) return false;
    if (plain) {
      walk.push(plain);
      wipe(plain);
    }
    tree.add(leafHash(hashes, sealed));
    return true;
  };
  reading: for (let at = 0; at < shape.wholeChunks; at += READ_CHUNKS) {
    const count = Math.min(READ_CHUNKS, shape.wholeChunks - at);
    await readFully(handle, buffer.subarray(0, count * SEALED_CHUNK_SIZE), chunkRange(at).start);
    for (let i = 0; i < count; i++) {
      if (!take(buffer.subarray(i * SEALED_CHUNK_SIZE, (i + 1) * SEALED_CHUNK_SIZE))) break reading;
    }
  }
  let fileBytes = chunkRange(tree.count).start;
  if (opener && tree.count === shape.wholeChunks && shape.chunkCount > shape.wholeChunks) {
    const tail = new Uint8Array(shape.tailSize);
    await readFully(handle, tail, fileBytes);
    if (take(tail)) fileBytes += tail.length;
  }
  return { chunkCount: tree.count, fileBytes, tree, walk };
}

/** Nothing in the file was ever acknowledged: its sequence number is accounted for in the log, and it goes. */
async function discard(
  parts: WriterParts,
  file: UnloggedFile,
  handle: FileHandle,
  path: string,
  header: SegmentHeader | null,
): Promise<'discarded'> {
  await handle.close();
  const stream = header
    ? parts.index.stream(toHex(header.streamId) as StreamId)
    : parts.index.streams().find((each) => each.sourceId === file.place.sourceId && each.stream === file.place.stream);
  if (stream) {
    const leaf = createLeaf('prune', {
      segmentId: fromHex(file.name.id)!,
      streamId: fromHex(stream.streamId)!,
      seq: file.name.seq,
      startUs: header?.startUs ?? 0,
      endUs: header?.startUs ?? 0,
      bootId: parts.bootId,
      prevLeaf: stream.lastLeaf,
      cause: PRUNE_CAUSES.empty,
      epochId: file.epochId,
    });
    await parts.log.append(leaf);
  }
  await parts.deps.files.remove(path);
  return 'discarded';
}

/** Keeps what cannot be understood out of the way, for people to look at. */
async function setAside(parts: WriterParts, path: string, reason: string): Promise<'unreadable'> {
  parts.deps.log.warn({ path, reason }, 'a segment file could not be understood and was set aside');
  await parts.deps.files.rename(path, `${path}.unreadable`);
  return 'unreadable';
}
