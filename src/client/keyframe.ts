import { isNvrError } from '../errors.ts';
import type { SourceId, StreamName } from '../protocol/index.ts';
import type { FragmentUnit, InitUnit } from './media-unit.ts';
import { type HintedSegment, type ReaderDeps, readKeyframe, type SegmentHead } from './segment-reader.ts';

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
