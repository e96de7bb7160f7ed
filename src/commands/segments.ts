import { toBase64Url } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import {
  type CheckedParams,
  earliestOf,
  type GapFacts,
  RANGE_KEYFRAMES_MAX,
  type RangeSegment,
  type SegmentId,
  type SourceId,
  type StreamName,
} from '../protocol/index.ts';
import type { SegmentPage, SegmentReading, StoredSegment, Vault } from '../vault/index.ts';
import { offsetOutside, paramsRefused, segmentMissing } from './errors.ts';
import type { Family, Granted, NotingDeps } from './handler.ts';
import { streamOf } from './sources.ts';
import { StoredBytes } from './stored-bytes.ts';
import { atOf, gapFacts, segmentFacts, trackFacts, usOf } from './wire.ts';

/** Gap leaves that may stand between two segments and are still told as one gap. */
const GAPS_BETWEEN_MAX = 64;

/** `segments.list`, `segments.get`, `range.read`. */
export function segmentCommands({
  vault,
  sources,
  notes,
}: Pick<NotingDeps, 'vault' | 'sources' | 'notes'>): Family<'segments.list' | 'segments.get' | 'range.read'> {
  const stored = new StoredBytes();
  return {
    async 'segments.list'(granted) {
      const { source, stream, order } = granted.params;
      requireStream(source, stream);
      const page = listPage(vault, granted.params, order, earliestFor(granted));
      return { source, stream, segments: page.segments.map(segmentFacts), ...cursorOf(page) };
    },

    async 'segments.get'({ params, call, signal }) {
      const reading = await openSegment(vault, params.segment);
      let closing: Promise<void> | null = null;
      const close = () => (closing ??= reading.close());
      // Whoever gave up holds no segment back from being pruned, even while a piece waits for credit.
      signal.addEventListener('abort', () => void close().catch(() => {}), { once: true });
      try {
        const { segment } = reading;
        const { offset } = params;
        if (offset > segment.sizeBytes) throw offsetOutside(segment.sizeBytes);
        const length = Math.min(params.length ?? segment.sizeBytes, segment.sizeBytes - offset);
        const key = await keyOf(vault, segment.id);
        if (!key) throw segmentMissing();
        signal.throwIfAborted();
        const { sourceId: source, stream } = segment;
        const span = { from: atOf(segment.startUs), to: atOf(segment.endUs), piece: true };
        notes.read(call, { source, stream }, span, params.purpose);
        const tracks = trackFacts(segment.tracks);
        call.stream.reply({ source, stream, ...segmentFacts(segment), ...key, tracks, offset, length });
        const to = { sessionId: call.caller.sessionId, stream: call.stream, signal };
        await stored.send(reading, to, offset, length);
        return undefined;
      } catch (error) {
        signal.throwIfAborted(); // what failed because we closed the file under it
        throw error;
      } finally {
        await close();
      }
    },

    async 'range.read'(granted) {
      const { params, signal, call, at } = granted;
      const { source, stream, purpose } = params;
      requireStream(source, stream);
      const earliest = earliestFor(granted);
      const limit = params.keyframes ? Math.min(params.limit, RANGE_KEYFRAMES_MAX) : params.limit;
      const page = listPage(vault, { ...params, limit }, 'oldest', earliest);
      const segments: RangeSegment[] = [];
      const keyframes: { segment: string; hints: string }[] = [];
      for (const [i, segment] of page.segments.entries()) {
        signal.throwIfAborted();
        const gapBefore = clippedGap(gapInFront(vault, segment, page.segments[i - 1]), earliest);
        const key = await keyOf(vault, segment.id);
        // Pruned since it was listed: the client reads on behind it.
        if (!key) continue;
        segments.push({ ...segmentFacts(segment), ...key, ...(gapBefore ? { gapBefore } : {}) });
        // An open segment has no index of its own yet.
        const isTold = (params.keyframes || segment.state === 'open') && keyframes.length < RANGE_KEYFRAMES_MAX;
        const hints = isTold ? vault.keyframes(segment.id) : null;
        if (hints) keyframes.push({ segment: segment.id, hints: toBase64Url(hints) });
      }
      const from = Math.max(params.from, earliest);
      const span = { from, to: Math.min(params.to, Math.max(from, at)) };
      if (segments.length > 0) notes.read(call, { source, stream }, span, purpose);
      const surroundings = params.cursor === undefined ? whereFromLies(vault, params, page, earliest) : {};
      const hinted = keyframes.length > 0 ? { keyframes } : {};
      return { source, stream, segments, ...hinted, ...cursorOf(page), ...surroundings };
    },
  };

  function requireStream(source: SourceId, stream: StreamName): void {
    requireKnown({ vault, sources }, source, stream);
  }
}

/** A stream that is configured, or one that was and has left recordings: those may still be read. Throws `ERR_COMMANDS_SOURCE` (`missing`). */
export function requireKnown(
  { vault, sources }: Pick<NotingDeps, 'vault' | 'sources'>,
  sourceId: SourceId,
  stream: StreamName,
): void {
  try {
    streamOf(sources, sourceId, stream);
  } catch (error) {
    const any = { sourceId, stream, fromUs: 0, toUs: Number.MAX_SAFE_INTEGER, order: 'oldest', limit: 1 } as const;
    if (vault.list(any).segments.length === 0) throw error;
  }
}

/** A gap as far as it lies in what may be seen. */
export function clippedGap(gap: GapFacts | null, earliest: number): GapFacts | null {
  return gap && gap.startAt < earliest ? { ...gap, startAt: earliest } : gap;
}

type Span = Pick<CheckedParams<'range.read'>, 'source' | 'stream' | 'from' | 'to' | 'limit' | 'cursor'>;

/** Epoch ms from which on this caller sees recordings. */
function earliestFor({ access, at }: Pick<Granted<'range.read'>, 'access' | 'at'>): number {
  return earliestOf(access, at);
}

/** One page of the vault, of segments that begin at `earliest` or later. A cursor that the vault does not know is the caller's fault. */
function listPage(vault: Vault, span: Span, order: 'oldest' | 'newest', earliest: number): SegmentPage {
  const { source: sourceId, stream, from, to, limit, cursor } = span;
  const query = { sourceId, stream, fromUs: usOf(Math.max(from, earliest)), toUs: usOf(to), order, limit };
  try {
    const page = vault.list(cursor === undefined ? query : { ...query, cursor });
    // The one that reaches into the window from before it is not in it.
    return { ...page, segments: page.segments.filter(({ startUs }) => startUs >= usOf(earliest)) };
  } catch (error) {
    if (cursor !== undefined && isNvrError(error, 'invalid'))
      throw paramsRefused('cursor: expected one of a page before');
    throw error;
  }
}

function cursorOf({ cursor }: SegmentPage): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

async function openSegment(vault: Vault, id: SegmentId): Promise<SegmentReading> {
  try {
    return await vault.read(id);
  } catch (error) {
    if (isNvrError(error, 'missing')) throw segmentMissing();
    throw error;
  }
}

/** The file key where the node holds it, nothing where the segment is sealed to its owners; null where it is gone. */
async function keyOf(vault: Vault, id: SegmentId): Promise<{ fileKey?: string } | null> {
  try {
    return { fileKey: toBase64Url(await vault.fileKey(id)) };
  } catch (error) {
    if (isNvrError(error, 'denied')) return {};
    if (isNvrError(error, 'missing')) return null;
    throw error;
  }
}

/** What is missing right before a segment; several leaves in a row (a crash, then a failing start) are told as one gap. */
function gapInFront(vault: Vault, segment: StoredSegment, before: StoredSegment | undefined): GapFacts | null {
  const { sourceId, stream, startUs } = segment;
  if (before && before.endUs >= startUs) return null;
  // Without a neighbour on this page, only a gap that reaches up to the segment is looked for.
  const fromUs = before ? before.endUs : Math.max(0, startUs - 1_000);
  const gaps = vault.gaps({ sourceId, stream, fromUs, toUs: startUs, limit: GAPS_BETWEEN_MAX });
  const [first, last] = [gaps[0], gaps.at(-1)];
  if (first && last) return gapFacts({ ...first, endUs: Math.min(last.endUs ?? startUs, startUs) });
  // The end of one and the start of the next may differ by less than the wire can tell.
  if (!before || atOf(before.endUs) === atOf(startUs)) return null;
  return gapFacts({ cause: 'unknown', startUs: before.endUs, endUs: startUs });
}

/** Where the wished start lies: inside a gap, and how far it is to the next recording. */
function whereFromLies(
  vault: Vault,
  span: Span,
  page: SegmentPage,
  earliest: number,
): { gap?: GapFacts; next?: number } {
  const { source: sourceId, stream } = span;
  const fromUs = usOf(Math.max(span.from, earliest));
  const first = page.segments[0];
  if (first && first.startUs <= fromUs) return {};
  const gap = vault.gaps({ sourceId, stream, fromUs, toUs: fromUs + 1, limit: 1 })[0];
  const told = gap ? { gap: clippedGap(gapFacts(gap), earliest)! } : {};
  if (first) return told;
  const after = {
    sourceId,
    stream,
    fromUs: Math.max(usOf(span.to), fromUs),
    toUs: Number.MAX_SAFE_INTEGER,
    order: 'oldest',
    limit: 2,
  } as const;
  const next = vault.list(after).segments.find(({ startUs }) => startUs >= usOf(earliest));
  return next ? { ...told, next: atOf(next.startUs) } : told;
}
