import type { RangeSegment, SnapshotsGetResult, SourceId, StreamName } from '../protocol/index.ts';
import type { Connection, Unit } from './api.ts';
import { type FragmentUnit, fragmentUnit, type InitUnit, initUnit } from './media-unit.ts';
import { damaged } from './movie-cutter.ts';
import { type ReaderDeps, readSegment } from './segment-reader.ts';

/** Most bytes of the group of pictures of an exact snapshot. */
const GROUP_BYTES_MAX = 64 * 1024 * 1024;
/** Most bytes of a picture that is taken from a node. */
const JPEG_BYTES_MAX = 8 * 1024 * 1024;

export interface SnapshotNowQuery {
  source: SourceId;
  /** The camera's own JPEG, or the newest keyframe of a stream. */
  from: 'camera' | 'live';
  /** Of `live`; default `main`. */
  stream?: StreamName;
  signal?: AbortSignal;
}

/** A picture of now. */
export type SnapshotNow =
  | { from: 'camera'; at: number; jpeg: Uint8Array<ArrayBuffer> }
  | { from: 'live'; at: number; init: InitUnit; fragments: FragmentUnit[] };

export interface SnapshotAtQuery {
  source: SourceId;
  stream: StreamName;
  /** Epoch ms. */
  at: number;
  /** The picture that was shown at that time, and not the keyframe before it: more is read, and more has to be decoded. */
  exact?: boolean;
  signal?: AbortSignal;
  onBytes?: (count: number) => void;
}

/** What a decoder needs for a picture of the past. */
export interface SnapshotAt {
  segment: RangeSegment;
  init: InitUnit;
  /** From the last keyframe at or before the time on: that fragment alone, or up to the one that holds the time (`exact`). */
  fragments: FragmentUnit[];
  /** Wall time of the keyframe, whole µs. */
  keyframeUs: number;
  /** The picture wanted, µs of picture after the keyframe; 0 without `exact`. */
  offsetUs: number;
}

/** Asks for a picture of now. Throws the node's error, media's errors and `ERR_CLIENT_MEDIA` (`corrupt`). */
export async function snapshotNow(
  connection: Connection,
  { source, from, stream = 'main', signal }: SnapshotNowQuery,
  checked: (result: unknown) => SnapshotsGetResult,
): Promise<SnapshotNow> {
  const open = connection.open('snapshots.get@1', { source, from, stream }, signal ? { signal } : {});
  try {
    const { at } = checked(await open.result);
    const units = open.units[Symbol.asyncIterator]();
    if (from === 'camera') {
      const jpeg = await unitOf(units);
      if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8 || jpeg.length > JPEG_BYTES_MAX) throw damaged('no JPEG');
      return { from, at, jpeg };
    }
    const init = initUnit(await unitOf(units));
    const fragment = fragmentUnit(await unitOf(units), init, { time: null, us: at * 1000 });
    if (!fragment.keyframe) throw damaged('a snapshot without a keyframe');
    return { from, at, init, fragments: [fragment] };
  } finally {
    open.cancel();
  }
}

/**
 * Finds a recorded picture: asks for the one segment, reads its index and one group of pictures, opens them here. Null where nothing was
 * recorded at that time. Throws what `readSegment` throws.
 */
export async function snapshotAt(
  deps: ReaderDeps,
  { source, stream, at, exact = false, signal, onBytes }: SnapshotAtQuery,
  segmentAt: (params: { source: SourceId; stream: StreamName; from: number; to: number }) => Promise<RangeSegment[]>,
): Promise<SnapshotAt | null> {
  const [segment] = await segmentAt({ source, stream, from: at, to: at + 1 });
  if (!segment) return null;
  const fromUs = at * 1000;
  // To the end of the asked millisecond: a picture may begin inside it.
  const toUs = fromUs + 1000;
  const common = { ...(signal ? { signal } : {}), ...(onBytes ? { onBytes } : {}) };
  let init: InitUnit | null = null;
  let bytes = 0;
  const fragments: FragmentUnit[] = [];
  for await (const unit of readSegment(deps, segment, { ...common, fromUs, groupOnly: true })) {
    if (unit.kind === 'init') {
      init = unit;
      continue;
    }
    if (fragments.length > 0 && unit.startUs >= toUs) break;
    fragments.push(unit);
    bytes += unit.bytes.length;
    if (!exact) break;
    if (bytes > GROUP_BYTES_MAX) throw damaged(`a group of pictures above ${GROUP_BYTES_MAX} bytes`);
  }
  const [first, last] = [fragments[0], fragments.at(-1)];
  if (!init || !first || !last) return null;
  return {
    segment,
    init,
    fragments,
    keyframeUs: first.startUs,
    offsetUs: exact ? offsetOf(init, first, last, fromUs) : 0,
  };
}

/** How much picture lies between the keyframe and a wall time inside, or after, the last fragment. */
function offsetOf(init: InitUnit, first: FragmentUnit, last: FragmentUnit, atUs: number): number {
  const { timescale } = init.segment.tracks[0]!;
  const beforeUs = Number(((last.time - first.time) * 1_000_000n) / BigInt(timescale));
  return Math.max(0, beforeUs + Math.min(Math.max(atUs - last.startUs, 0), last.endUs - last.startUs));
}

async function unitOf(units: AsyncIterator<Unit>): Promise<Uint8Array<ArrayBuffer>> {
  const next = await units.next();
  if (next.done) throw damaged('less than a snapshot');
  return next.value.bytes;
}
