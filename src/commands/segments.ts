import { toBase64Url } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { CheckedParams, GapFacts, RangeSegment, SegmentId, SourceId, StreamName } from '../protocol/index.ts';
import type { SegmentPage, SegmentReading, StoredSegment, Vault } from '../vault/index.ts';
import { offsetOutside, paramsRefused, segmentMissing } from './errors.ts';
import type { CommandDeps, Family } from './handler.ts';
import { streamOf } from './sources.ts';
import { StoredBytes } from './stored-bytes.ts';
import { atOf, gapFacts, segmentFacts, trackFacts, usOf } from './wire.ts';

/** Gap leaves that may stand between two segments and are still told as one gap. */
const GAPS_BETWEEN_MAX = 64;

/** `segments.list`, `segments.get`, `range.read`. */
export function segmentCommands({
  vault,
  sources,
}: Pick<CommandDeps, 'vault' | 'sources'>): Family<'segments.list' | 'segments.get' | 'range.read'> {
  const stored = new StoredBytes();
  return {
    async 'segments.list'({ params }) {
      const { source, stream, order } = params;
      requireStream(source, stream);
      const page = listPage(vault, params, order);
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

    async 'range.read'({ params, signal }) {
      const { source, stream } = params;
      requireStream(source, stream);
      const page = listPage(vault, params, 'oldest');
      const segments: RangeSegment[] = [];
      for (const [i, segment] of page.segments.entries()) {
        signal.throwIfAborted();
        const gapBefore = gapInFront(vault, segment, page.segments[i - 1]);
        const key = await keyOf(vault, segment.id);
        // Pruned since it was listed: the client reads on behind it.
        if (key) segments.push({ ...segmentFacts(segment), ...key, ...(gapBefore ? { gapBefore } : {}) });
      }
      const surroundings = params.cursor === undefined ? whereFromLies(vault, params, page) : {};
      return { source, stream, segments, ...cursorOf(page), ...surroundings };
    },
  };

  /** A stream that is configured, or one that was and has left recordings: those may still be read. */
  function requireStream(source: SourceId, stream: StreamName): void {
    try {
      streamOf(sources, source, stream);
    } catch (error) {
      const any = {
        sourceId: source,
        stream,
        fromUs: 0,
        toUs: Number.MAX_SAFE_INTEGER,
        order: 'oldest',
        limit: 1,
      } as const;
      if (vault.list(any).segments.length === 0) throw error;
    }
  }
}

type Span = Pick<CheckedParams<'range.read'>, 'source' | 'stream' | 'from' | 'to' | 'limit' | 'cursor'>;

/** One page of the vault. A cursor that the vault does not know is the caller's fault. */
function listPage(vault: Vault, span: Span, order: 'oldest' | 'newest'): SegmentPage {
  const { source: sourceId, stream, from, to, limit, cursor } = span;
  const query = { sourceId, stream, fromUs: usOf(from), toUs: usOf(to), order, limit };
  try {
    return vault.list(cursor === undefined ? query : { ...query, cursor });
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
function whereFromLies(vault: Vault, span: Span, page: SegmentPage): { gap?: GapFacts; next?: number } {
  const { source: sourceId, stream } = span;
  const fromUs = usOf(span.from);
  const first = page.segments[0];
  if (first && first.startUs <= fromUs) return {};
  const gap = vault.gaps({ sourceId, stream, fromUs, toUs: fromUs + 1, limit: 1 })[0];
  const told = gap ? { gap: gapFacts(gap) } : {};
  if (first) return told;
  const after = {
    sourceId,
    stream,
    fromUs: usOf(span.to),
    toUs: Number.MAX_SAFE_INTEGER,
    order: 'oldest',
    limit: 1,
  } as const;
  const next = vault.list(after).segments[0];
  return next ? { ...told, next: atOf(next.startUs) } : told;
}
