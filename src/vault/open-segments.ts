import { fromHex, toHex } from '../bytes/index.ts';
import type { SegmentPage, SegmentQuery, StoredSegment } from './api.ts';
import { cursorInvalid } from './errors.ts';

/** Where a listing goes on: behind the segment of this start and id. */
export interface SegmentPosition {
  startUs: number;
  id: Uint8Array;
}

/** The text of a position. */
export function segmentCursor({ startUs, id }: Pick<StoredSegment, 'startUs' | 'id'>): string {
  return `${startUs}.${id}`;
}

/** Reads a position. Throws `ERR_VAULT_CURSOR_INVALID` (`invalid`). */
export function readSegmentCursor(text: string): SegmentPosition {
  const [start, id, ...rest] = text.split('.');
  const startUs = /^\d{1,16}$/.test(start ?? '') ? Number(start) : Number.NaN;
  const bytes = fromHex(id ?? '', 16);
  if (rest.length > 0 || !Number.isSafeInteger(startUs) || bytes === null) throw cursorInvalid();
  return { startUs, id: bytes };
}

/** A page of closed segments with the open ones in their places; their positions are the same before and after they close. */
export function withOpen(query: SegmentQuery, page: SegmentPage, open: readonly StoredSegment[]): SegmentPage {
  const { sourceId, stream, fromUs, toUs, order, limit, cursor } = query;
  if (limit <= 0 || toUs <= fromUs) return page;
  const sign = order === 'oldest' ? 1 : -1;
  const after = cursor === undefined ? null : readSegmentCursor(cursor);
  const behind = after && { startUs: after.startUs, id: toHex(after.id) };
  const known = new Set(page.segments.map(({ id }) => id));
  const mine = open.filter(
    (each) =>
      each.sourceId === sourceId &&
      each.stream === stream &&
      each.startUs < toUs &&
      each.endUs > fromUs &&
      !known.has(each.id) &&
      (behind === null || sign * compare(each, behind) > 0),
  );
  if (mine.length === 0) return page;
  const all = [...page.segments, ...mine].sort((a, b) => sign * compare(a, b));
  const segments = all.slice(0, limit);
  const isMore = page.cursor !== undefined || all.length > limit;
  return isMore ? { segments, cursor: segmentCursor(segments.at(-1)!) } : { segments };
}

function compare(a: { startUs: number; id: string }, b: { startUs: number; id: string }): number {
  return a.startUs - b.startUs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
