import { equalBytes, fromHex, isZero, toHex } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import {
  createLeaf,
  EPOCH_KEY_FILE_MAX,
  GAP_CAUSES,
  type LogLeaf,
  PRUNE_CAUSES,
  parseEpochKeyFile,
  parseSegmentHeader,
  SEGMENT_HEADER_SIZE,
  type SegmentId,
  type StreamId,
} from '../protocol/index.ts';
import type { LoggedLeaf } from './log-file.ts';
import { type Place, parseEpochKeyName, parseEpochName, parsePlace, parseSegmentName } from './paths.ts';
import { recoverFile, type UnloggedFile } from './recovery.ts';
import type { SegmentExtra, StreamState } from './segment-index.ts';
import type { WriterParts } from './stream-writer.ts';

/** Prune leaves looked back at: more are never on their way at once. */
const PRUNES_LOOKED_AT = 512;
/** Key leaves looked back at: key files are written one at a time, so hardly more than one can be behind the log. */
const KEYS_LOOKED_AT = 32;
const LEAVES_LOOKED_AT = 65_536;

/** Feeds the index every leaf it has not seen, from wherever it stands. */
export async function catchUp({ log, index }: Pick<WriterParts, 'log' | 'index'>): Promise<void> {
  const many = log.count - index.applied > LEAVES_LOOKED_AT;
  if (many) index.bulk(true);
  for await (const piece of log.read(index.applied)) {
    const known: LoggedLeaf<SegmentExtra>[] = piece.flatMap(({ leaf, ...rest }) => (leaf ? [{ leaf, ...rest }] : []));
    index.feed(known);
  }
  if (many) index.bulk(false);
}

/** Every place that has a folder. */
export async function placesOnDisk({ deps, paths }: Pick<WriterParts, 'deps' | 'paths'>): Promise<Place[]> {
  const places: Place[] = [];
  for (const source of await deps.files.list(paths.segments)) {
    for (const stream of await deps.files.list(`${paths.segments}/${source.name}`)) {
      const place = parsePlace(source.name, stream.name);
      if (place && stream.kind === 'folder') places.push(place);
    }
  }
  return places;
}

/**
 * Mends what a crash left: segments no leaf tells of are recovered or discarded, files whose prune leaf was written are removed,
 * key files and log are brought together, and every stream that was being recorded gets its gap.
 *
 * With `thorough` every folder is compared with the log (after a rebuild); otherwise only the newest epoch of each stream, where
 * alone an open segment can lie: a segment is logged before the next epoch begins.
 */
export async function mend(parts: WriterParts, thorough: boolean): Promise<{ recovered: number; discarded: number }> {
  const found = { recovered: 0, discarded: 0 };
  const last = await lastLeaves(parts);
  await removePruned(parts, last.prunes);
  for (const place of await placesToCheck(parts)) {
    for (const epochId of await epochsToCheck(parts, place, thorough)) {
      const keyed = await reconcileKey(parts, place, epochId);
      for (const file of await unlogged(parts, place, epochId, thorough)) {
        if (thorough && (await wasPruned(parts, file))) {
          await parts.deps.files.remove(parts.paths.segment(place, epochId, file.name));
          continue;
        }
        const outcome = await recoverFile(parts, file);
        if (outcome === 'recovered') found.recovered += 1;
        if (outcome === 'discarded') found.discarded += 1;
      }
      if (keyed) await parts.epochs.forget(keyed, epochId).catch(unlessHolding(parts, keyed, epochId));
    }
  }
  for (const leaf of last.keys) {
    const stream = parts.index.stream(toHex(leaf.streamId) as StreamId);
    if (stream && parts.index.epoch(stream.pk, leaf.epochId)) await parts.epochs.reconcile(stream, leaf.epochId);
  }
  for (const stream of parts.index.streams()) {
    for (const row of parts.index.epochs(stream.pk)) {
      if (isZero(row.keyId)) await parts.epochs.reconcile(stream, row.epochId);
    }
    await endCrashed(parts, stream);
  }
  return found;
}

/** Goes on with the epoch each stream was writing, where managed mode allows it. */
export async function resumeEpochs(parts: WriterParts): Promise<void> {
  const { deps, paths, index, epochs } = parts;
  for (const stream of index.streams()) {
    const last = index.epochSegments(stream.pk, stream.lastEpoch).at(-1);
    if (!last) continue;
    try {
      const handle = await deps.files.open(paths.segment(stream, stream.lastEpoch, last));
      const start = new Uint8Array(SEGMENT_HEADER_SIZE);
      await handle.read(start, 0).finally(() => handle.close());
      const parsed = parseSegmentHeader(start);
      if (parsed.ok) await epochs.resume(stream, stream.lastEpoch, parsed.value.header.chainIndex);
    } catch (error) {
      deps.log.warn({ error, source: stream.sourceId }, 'an epoch could not be gone on with');
    }
  }
}

/** The last leaf of a removed epoch's folder may be missing while its folder still holds something: nothing to do then. */
function unlessHolding(parts: WriterParts, stream: StreamState, epochId: number) {
  return (error: unknown) => {
    parts.deps.log.warn({ error, source: stream.sourceId, epochId }, 'an empty epoch could not be removed');
  };
}

/** Brings an epoch's key file and the log together; gives its stream where the epoch holds no segment and is over. */
async function reconcileKey(parts: WriterParts, place: Place, epochId: number): Promise<StreamState | null> {
  const { deps, paths, index, epochs } = parts;
  let stream: StreamState | null = null;
  try {
    const parsed = parseEpochKeyFile(await deps.files.read(paths.epochKey(place, epochId), EPOCH_KEY_FILE_MAX));
    if (parsed.ok) stream = index.stream(toHex(parsed.value.file.streamId) as StreamId);
  } catch (error) {
    if (!isNvrError(error, 'missing') && !isNvrError(error, 'invalid')) throw error;
  }
  if (!stream) return null;
  await epochs.reconcile(stream, epochId);
  return epochId < stream.lastEpoch && index.epochEmpty(stream.pk, epochId) ? stream : null;
}

async function placesToCheck(parts: WriterParts): Promise<Place[]> {
  const places = await placesOnDisk(parts);
  for (const { sourceId, stream } of parts.index.places()) {
    if (!places.some((each) => each.sourceId === sourceId && each.stream === stream)) places.push({ sourceId, stream });
  }
  return places;
}

async function epochsToCheck(parts: WriterParts, place: Place, thorough: boolean): Promise<number[]> {
  const on = parts.index
    .streams()
    .filter((stream) => stream.sourceId === place.sourceId && stream.stream === place.stream);
  const current = new Set(on.map((stream) => stream.lastEpoch));
  const newest = Math.max(0, ...current);
  const ids = new Set<number>(thorough ? on.flatMap((stream) => parts.index.epochIds(stream.pk)) : []);
  for (const { name } of await parts.deps.files.list(parts.paths.place(place))) {
    const id = parseEpochName(name) ?? parseEpochKeyName(name);
    if (id !== null && (thorough || current.has(id) || id > newest)) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}

/** Segment files of an epoch that no leaf tells of, by sequence number. Logs as missing what has a leaf but no file. */
async function unlogged(parts: WriterParts, place: Place, epochId: number, thorough: boolean): Promise<UnloggedFile[]> {
  const { deps, paths, index } = parts;
  const files: UnloggedFile[] = [];
  const present = new Set<SegmentId>();
  for (const { name } of await deps.files.list(paths.epoch(place, epochId))) {
    const segment = parseSegmentName(name);
    if (!segment) continue;
    present.add(segment.id);
    if (!index.find(segment.id)) files.push({ place, epochId, name: segment });
  }
  if (thorough) {
    for (const stream of index.streams()) {
      if (stream.sourceId !== place.sourceId || stream.stream !== place.stream) continue;
      for (const { id } of index.epochSegments(stream.pk, epochId)) {
        if (!present.has(id)) await logMissing(parts, id);
      }
    }
  }
  return files.sort((a, b) => a.name.seq - b.name.seq);
}

/** Accounts for a segment whose file is gone without the vault having removed it. */
export async function logMissing(
  parts: Pick<WriterParts, 'deps' | 'log' | 'index' | 'bootId'>,
  id: SegmentId,
): Promise<void> {
  const leaf = await pruneLeafOf(parts, id, PRUNE_CAUSES.missing);
  if (!leaf) return;
  parts.deps.log.error({ segment: id }, 'a segment file was missing');
  await parts.log.append(leaf);
}

/** A prune leaf that keeps what the segment's own leaf said; null where the index does not know the segment. */
export async function pruneLeafOf(
  { deps, log, index, bootId }: Pick<WriterParts, 'deps' | 'log' | 'index' | 'bootId'>,
  id: SegmentId,
  cause: number,
): Promise<LogLeaf | null> {
  const at = index.leafIndex(id);
  if (at === null) return null;
  const original = await log.leafAt(at);
  if (!original || toHex(original.segmentId) !== id) return null;
  const { startMonoUs: _start, endMonoUs: _end, prevLeaf: _prev, bootId: _boot, lostFrames: _lost, ...kept } = original;
  const stream = index.stream(toHex(original.streamId) as StreamId);
  return createLeaf('prune', {
    ...kept,
    startMonoUs: deps.clock.monotonicUs(),
    bootId,
    prevLeaf: stream?.lastLeaf ?? original.prevLeaf,
    cause,
  });
}

/** The last leaves that tell of something about to be done to a file: a crash may have come between. */
async function lastLeaves({ log }: Pick<WriterParts, 'log'>): Promise<{ prunes: LogLeaf[]; keys: LogLeaf[] }> {
  const [prunes, keys]: [LogLeaf[], LogLeaf[]] = [[], []];
  for await (const piece of log.read(Math.max(0, log.count - LEAVES_LOOKED_AT))) {
    for (const { leaf } of piece) {
      if (leaf?.type === 'prune') prunes.push(leaf);
      else if (leaf?.type === 'key') keys.push(leaf);
    }
    prunes.splice(0, Math.max(0, prunes.length - PRUNES_LOOKED_AT));
    keys.splice(0, Math.max(0, keys.length - KEYS_LOOKED_AT));
  }
  return { prunes, keys };
}

/** Removes files whose prune leaf was written before a crash came between. */
async function removePruned({ deps, paths, index }: WriterParts, prunes: readonly LogLeaf[]): Promise<void> {
  for (const leaf of prunes) {
    const stream = index.stream(toHex(leaf.streamId) as StreamId);
    if (!stream || leaf.epochId === 0) continue;
    const name = { seq: leaf.seq, id: toHex(leaf.segmentId) as SegmentId };
    const path = paths.segment(stream, leaf.epochId, name);
    if ((await deps.files.stat(path)) !== null) await deps.files.remove(path);
  }
}

/** True when some prune leaf tells of this file. Reads the whole log: asked only for the few files no segment leaf tells of. */
async function wasPruned({ log }: WriterParts, file: UnloggedFile): Promise<boolean> {
  const id = fromHex(file.name.id)!;
  for await (const piece of log.read()) {
    for (const { leaf } of piece) if (leaf?.type === 'prune' && equalBytes(leaf.segmentId, id)) return true;
  }
  return false;
}

/** A stream that was being recorded when the node ended gets a gap that lasts until its next run. */
async function endCrashed({ log, bootId }: WriterParts, stream: StreamState): Promise<void> {
  if (!stream.recording) return;
  const leaf = createLeaf('gap', {
    streamId: fromHex(stream.streamId)!,
    seq: stream.lastSeq,
    startUs: stream.atUs,
    bootId,
    prevLeaf: stream.lastLeaf,
    cause: GAP_CAUSES.crashed,
  });
  await log.append(leaf);
}
