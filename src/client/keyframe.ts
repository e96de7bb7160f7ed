import { isNvrError } from '../errors.ts';
import type { SourceId, StreamName } from '../protocol/index.ts';
import type { FragmentUnit, InitUnit } from './media-unit.ts';
import {
  type HintedSegment,
  keyframeTimes,
  type ReaderDeps,
  type ReadSegmentOptions,
  readKeyframe,
  readSegment,
  type SegmentHead,
} from './segment-reader.ts';

export interface KeyframeAtQuery {
  source: SourceId;
  stream: StreamName;
  /** Epoch ms. */
  at: number;
  signal?: AbortSignal;
  onBytes?: (count: number) => void;
}

/** What a decoder needs to show one keyframe. */
export interface KeyframeAt {
  segment: HintedSegment;
  init: InitUnit;
  /** It begins with the last keyframe at or before the time (the segment's first where the time lies before it). */
  fragment: FragmentUnit;
}

/** Asks the node for the first segment of a stretch of time, with its keyframes; null where there is none. */
export type SegmentAt = (
  place: { source: SourceId; stream: StreamName; from: number; to: number },
  options?: { signal: AbortSignal },
) => Promise<HintedSegment | null>;

interface Known {
  source: SourceId;
  stream: StreamName;
  segment: HintedSegment;
  head: SegmentHead | null;
}

/** Segments whose place, key and beginning are remembered: somebody who drags goes to and fro in them. */
const KNOWN_MAX = 64;

/**
 * Finds keyframes of recordings: one request each in a segment that was looked into before, two at once after its place in any other.
 */
export class KeyframeFinder {
  readonly #deps: ReaderDeps;
  readonly #segmentAt: SegmentAt;
  /** By segment id, the least recently used first. */
  readonly #known = new Map<string, Known>();

  constructor(deps: ReaderDeps, segmentAt: SegmentAt) {
    this.#deps = deps;
    this.#segmentAt = segmentAt;
  }

  /** See `NvrClient.keyframeAt`. Throws what `readSegment` throws. */
  async at(query: KeyframeAtQuery): Promise<KeyframeAt | null> {
    const known = this.#find(query);
    if (known) {
      try {
        return await this.#read(known, query);
      } catch (error) {
        // Forgotten by the node since, or cut by a failing disk: it is asked anew.
        if (!isNvrError(error, 'missing') && !isNvrError(error, 'corrupt') && !isNvrError(error, 'invalid'))
          throw error;
        this.#known.delete(known.segment.id);
      }
    }
    const { source, stream, at, signal } = query;
    const segment = await this.#segmentAt({ source, stream, from: at, to: at + 1 }, signal ? { signal } : undefined);
    return segment && this.#read({ source, stream, segment, head: null }, query);
  }

  async #read(known: Known, { at, signal, onBytes }: KeyframeAtQuery): Promise<KeyframeAt | null> {
    const { segment, head } = known;
    const options = { head, ...(signal ? { signal } : {}), ...(onBytes ? { onBytes } : {}) };
    const found = await readKeyframe(this.#deps, segment, at, options);
    if (!found) return null;
    this.#known.delete(segment.id);
    this.#known.set(segment.id, { ...known, head: found.head });
    for (const id of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) break;
      this.#known.delete(id);
    }
    return { segment, init: found.head.init, fragment: found.fragment };
  }

  #find({ source, stream, at }: KeyframeAtQuery): Known | null {
    for (const known of this.#known.values()) {
      const { startAt, endAt } = known.segment;
      if (known.source === source && known.stream === stream && startAt <= at && at < endAt) return known;
    }
    return null;
  }
}

export interface KeyframesQuery {
  source: SourceId;
  stream: StreamName;
  /** Epoch ms; begins with the last keyframe at or before `from`, ends before the first at or after `to`. */
  from: number;
  to: number;
  /** Keyframes nearer than this to the one given before are left out; ms, absent: none. */
  spacingMs?: number;
  signal?: AbortSignal;
  onBytes?: (count: number) => void;
}

/** Keyframes that are asked for at once: the way to the node and back is waited for once, not once a picture. */
const ASKED_AHEAD_MAX = 4;

/** One segment and the keyframes wanted of it; the first one read brings the head that the others need. */
interface Wanted {
  segment: HintedSegment;
  head: Promise<SegmentHead | null>;
}

type Found = { head: SegmentHead; fragment: FragmentUnit } | null;

/**
 * The keyframes of segments that follow each other, in order: each segment's init segment once, then the fragments that begin with the keyframes
 * wanted. Where the node told their places one byte range is read for each, a few at once; a segment without that is read through.
 * Throws what `readSegment` throws; nothing is left open when it ends or is left.
 */
export async function* readKeyframes<T>(
  deps: ReaderDeps,
  segments: AsyncIterable<HintedSegment | { other: T }>,
  { from, to, spacingMs = 0, signal, onBytes }: Omit<KeyframesQuery, 'source' | 'stream'>,
): AsyncGenerator<InitUnit | FragmentUnit | T> {
  const life = new AbortController();
  const end = () => life.abort();
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  const options: ReadSegmentOptions = { signal: life.signal, ...(onBytes ? { onBytes } : {}) };
  const spacing = new Spacing(from, to, spacingMs);
  const asked: { segment: HintedSegment; found: Promise<Found> }[] = [];
  let told: InitUnit | null = null;
  let of: HintedSegment | null = null;

  async function* give(left: number): AsyncGenerator<InitUnit | FragmentUnit> {
    while (asked.length > left) {
      const { segment, found } = asked.shift()!;
      const answer = await found;
      if (!answer) continue;
      if (of !== segment) yield (told = answer.head.init);
      of = segment;
      yield answer.fragment;
    }
  }

  try {
    for await (const segment of segments) {
      if ('other' in segment) {
        yield* give(0);
        yield segment.other;
        continue;
      }
      const times = keyframeTimes(segment);
      if (times.length === 0) {
        yield* give(0);
        for await (const unit of readSegment(deps, segment, { ...options, ...spacing.bounds(segment) })) {
          if (unit.kind === 'init') told = unit;
          else if (!unit.keyframe || !spacing.wants(Math.floor(unit.startUs / 1000))) continue;
          else {
            if (of !== segment) yield told!;
            of = segment;
            yield unit;
          }
        }
        continue;
      }
      const wanted: Wanted = { segment, head: Promise.resolve(null) };
      let first = true;
      for (const at of spacing.of(times)) {
        const found = ask(deps, wanted, at, options);
        // The beginning of the segment is read with its first keyframe, for all of them.
        if (first) wanted.head = found.then((answer) => answer?.head ?? null);
        if (first) wanted.head.catch(() => {});
        first = false;
        found.catch(() => {}); // looked at in its turn
        asked.push({ segment, found });
        yield* give(ASKED_AHEAD_MAX - 1);
      }
    }
    yield* give(0);
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

async function ask(
  deps: ReaderDeps,
  { segment, head }: Wanted,
  at: number,
  options: ReadSegmentOptions,
): Promise<Found> {
  const known = await head;
  options.signal?.throwIfAborted();
  return readKeyframe(deps, segment, at, { ...options, head: known });
}

/** Which keyframes of a stretch are wanted: none nearer to the one before than asked for. */
class Spacing {
  readonly #from: number;
  readonly #to: number;
  readonly #ms: number;
  #last = Number.NEGATIVE_INFINITY;

  constructor(from: number, to: number, ms: number) {
    this.#from = from;
    this.#to = to;
    this.#ms = ms;
  }

  /** Of a segment's keyframes, whose times are all known (epoch ms). */
  of(times: readonly number[]): number[] {
    const begin =
      this.#last === Number.NEGATIVE_INFINITY
        ? Math.max(
            0,
            times.findLastIndex((at) => at <= this.#from),
          )
        : 0;
    return times.slice(begin).filter((at) => this.wants(at));
  }

  wants(at: number): boolean {
    if (at >= this.#to || at - this.#last < Math.max(this.#ms, 1)) return false;
    this.#last = at;
    return true;
  }

  /** What of a segment has to be read where its keyframes are not told. */
  bounds({ startAt }: HintedSegment): Pick<ReadSegmentOptions, 'fromUs' | 'toUs'> {
    const inside = this.#last === Number.NEGATIVE_INFINITY && this.#from > startAt;
    return { toUs: this.#to * 1000, ...(inside ? { fromUs: this.#from * 1000 } : {}) };
  }
}
