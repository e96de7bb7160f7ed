import { fromBase64Url } from '../../../src/bytes/index.ts';
import { GAP_CAUSES } from '../../../src/protocol/gap.ts';
import type { CommandResult, GapCause } from '../engine/messages.ts';

/** A stretch of time, epoch ms. */
export interface Span {
  from: number;
  to: number;
}

/** Where nothing was recorded, and why. */
export interface Gap {
  cause: GapCause;
  from: number;
  /** Null while it lasts. */
  to: number | null;
}

/** Lengths of buckets that are asked for; a view takes the shortest that has no more buckets than pixels. */
export const BUCKETS_MS = [
  2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000, 1_800_000,
  3_600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 604_800_000,
] as const;

/** Buckets of one tile: what is asked and kept as a whole. */
export const TILE_BUCKETS = 500;

/** What one camera recorded in one tile of time. */
export interface CoverageTile {
  /** 0 nothing, 255 all of the bucket is recorded. */
  fill: Uint8Array;
  /** Null where there are too many to be told. */
  stretches: readonly Span[] | null;
  /** Null where there are too many to be told: then they are counted. */
  gaps: readonly Gap[] | null;
  gapCounts: Uint8Array;
  /** Epoch ms by our own clock at which it was asked. */
  askedAt: number;
  /** It may still change by itself: it reaches into the future of the node, or a gap in it lasts. */
  growing: boolean;
}

type Coverage = CommandResult<'timeline.coverage'>;

const CAUSES = new Map(Object.entries(GAP_CAUSES).map(([name, number]) => [number as number, name as GapCause]));

/** The bucket length for a view of `to - from` ms on so many pixels. */
export function bucketMsFor(from: number, to: number, pixels: number): number {
  const wanted = (to - from) / Math.max(1, pixels);
  return BUCKETS_MS.find((each) => each >= wanted) ?? BUCKETS_MS.at(-1)!;
}

/** The lanes of the node's answer as tiles that begin at `from`, in its order; null for one that is not as described. */
export function tilesOf(
  { lanes, turns, gaps, at }: Coverage,
  { from, bucketMs }: { from: number; bucketMs: number },
  askedAt: number,
): { source: string; stream: string; tile: CoverageTile | null }[] {
  let [turn, gap] = [0, 0];
  return lanes.map(({ source, stream, fill, stretches, gaps: gapCount, gapCounts }) => {
    const mine = turns.slice(turn, (turn += 2 * (stretches ?? 0)));
    const missing = gapsOf(gaps.slice(gap, (gap += 3 * (gapCount ?? 0))));
    const octets = fromBase64Url(fill);
    const isWhole = octets?.length === TILE_BUCKETS && (gapCounts ?? '').length % TILE_BUCKETS === 0;
    if (!isWhole) return { source, stream, tile: null };
    const tile = {
      fill: octets,
      stretches: stretches === undefined ? null : spansOf(from, mine),
      gaps: gapCount === undefined ? null : missing,
      gapCounts: gapCounts
        ? Uint8Array.from(gapCounts, (digit) => Number.parseInt(digit, 16))
        : countGaps(missing, from, bucketMs),
      askedAt,
      growing: from + TILE_BUCKETS * bucketMs > at || missing.some(({ to }) => to === null),
    };
    return { source, stream, tile };
  });
}

/** Nothing recorded: what a camera has that the node does not tell of. */
export function emptyTile(askedAt: number): CoverageTile {
  const none = () => new Uint8Array(TILE_BUCKETS);
  return { fill: none(), stretches: [], gaps: [], gapCounts: none(), askedAt, growing: true };
}

/** ms by turns (not recorded, recorded, …) as stretches. */
function spansOf(from: number, turns: readonly number[]): Span[] {
  const spans: Span[] = [];
  let at = from;
  for (let i = 0; i + 1 < turns.length; i += 2) {
    const begin = at + turns[i]!;
    at = begin + turns[i + 1]!;
    spans.push({ from: begin, to: at });
  }
  return spans;
}

function gapsOf(numbers: readonly number[]): Gap[] {
  const gaps: Gap[] = [];
  for (let i = 0; i + 2 < numbers.length; i += 3) {
    const [from, length, cause] = [numbers[i]!, numbers[i + 1]!, numbers[i + 2]!];
    gaps.push({ cause: CAUSES.get(cause) ?? 'unknown', from, to: length === 0 ? null : from + length });
  }
  return gaps;
}

function countGaps(gaps: readonly Gap[], from: number, bucketMs: number): Uint8Array {
  const counts = new Uint8Array(TILE_BUCKETS);
  for (const gap of gaps) {
    const bucket = Math.floor((gap.from - from) / bucketMs);
    if (bucket >= 0 && bucket < TILE_BUCKETS && counts[bucket]! < 15) counts[bucket]! += 1;
  }
  return counts;
}

/** Stretches of neighbouring tiles as one list: what is cut at the border of two tiles becomes whole again. */
export function joinSpans(parts: readonly (readonly Span[])[]): Span[] {
  const joined: Span[] = [];
  for (const part of parts) {
    for (const span of part) {
      const last = joined.at(-1);
      if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
      else joined.push({ ...span });
    }
  }
  return joined;
}

/** Gaps of neighbouring tiles, each once; the newest news of one wins. */
export function joinGaps(parts: readonly (readonly Gap[])[]): Gap[] {
  const byStart = new Map<string, Gap>();
  for (const part of parts) {
    for (const gap of part) {
      const key = `${gap.from} ${gap.cause}`;
      const known = byStart.get(key);
      if (!known || known.to === null) byStart.set(key, gap);
    }
  }
  return [...byStart.values()].sort((a, b) => a.from - b.from);
}
