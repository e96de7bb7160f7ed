/** Rows drawn beyond what is seen, at each end, so that scrolling never shows a hole. */
const SPARE = 8;

/** Which rows of a long list are drawn, and how many pixels stand for the others. */
export interface VisibleRows {
  first: number;
  /** Not drawn any more. */
  last: number;
  before: number;
  after: number;
}

/** `count` rows of `rowHeight` pixels, scrolled by `scrollTop`, in a window of `height` pixels (infinite: all). */
export function visibleRows(count: number, rowHeight: number, scrollTop: number, height: number): VisibleRows {
  if (!Number.isFinite(height)) return { first: 0, last: count, before: 0, after: 0 };
  const seen = Math.ceil(height / rowHeight) + 2 * SPARE;
  const first = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - SPARE, count - seen));
  const last = Math.min(count, first + seen);
  return { first, last, before: first * rowHeight, after: (count - last) * rowHeight };
}
