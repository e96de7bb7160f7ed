import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Icon } from './icons.tsx';
import { visibleRows } from './visible-rows.ts';

export interface Column<R> {
  key: string;
  label: string;
  align?: 'start' | 'end';
  cell(row: R): ReactNode;
  /** Present: the column can be sorted by this. */
  sortBy?(row: R): number | string;
}

export interface TableProps<R> {
  /** What the table is about; read, not shown. */
  caption: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey(row: R): string;
  /** Pixels of every row; 34 when absent. */
  rowHeight?: number;
  /** Pixels after which it scrolls by itself; only the rows seen are drawn. Absent: as long as its rows. */
  height?: number;
  /** Near its end: load more. */
  onEnd?(): void;
}

/** A dense table; long ones draw only what is seen. */
export function Table<R>({ caption, columns, rows, rowKey, rowHeight = 34, height, onEnd }: TableProps<R>) {
  const frame = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [sort, setSort] = useState<{ key: string; down: boolean } | null>(null);
  const by = columns.find(({ key }) => key === sort?.key)?.sortBy;
  const ordered = by ? [...rows].sort((a, b) => order(by(a), by(b)) * (sort!.down ? -1 : 1)) : rows;
  const seen = visibleRows(ordered.length, rowHeight, scrollTop, height ?? Number.POSITIVE_INFINITY);
  const atEnd = height !== undefined && seen.last >= ordered.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once for each end that is reached
  useEffect(() => {
    if (atEnd && ordered.length > 0) onEnd?.();
  }, [atEnd, ordered.length]);

  return (
    <section
      ref={frame}
      className="ui-table-frame"
      style={height ? { maxHeight: height } : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
      tabIndex={0}
      aria-label={caption}
      onScroll={height ? (event) => setScrollTop(event.currentTarget.scrollTop) : undefined}
    >
      <table className="ui-table" aria-rowcount={ordered.length + 1}>
        <caption className="spoken">{caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ key, label, align, sortBy }) => (
              <th
                key={key}
                scope="col"
                data-align={align}
                aria-sort={sort?.key === key ? (sort.down ? 'descending' : 'ascending') : undefined}
              >
                {sortBy ? (
                  <button
                    type="button"
                    className="ui-table-sort"
                    onClick={() => setSort({ key, down: sort?.key === key && !sort.down })}
                  >
                    {label}
                    <Icon name={sort?.key === key ? (sort.down ? 'down' : 'up') : 'sort'} />
                  </button>
                ) : (
                  label
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {seen.before > 0 && <Spacer height={seen.before} span={columns.length} />}
          {ordered.slice(seen.first, seen.last).map((row, index) => (
            <tr key={rowKey(row)} aria-rowindex={seen.first + index + 2} style={{ height: rowHeight }}>
              {columns.map(({ key, align, cell }) => (
                <td key={key} data-align={align}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {seen.after > 0 && <Spacer height={seen.after} span={columns.length} />}
        </tbody>
      </table>
    </section>
  );
}

function Spacer({ height, span }: { height: number; span: number }) {
  return (
    <tr className="ui-table-spacer">
      <td colSpan={span} style={{ height }} />
    </tr>
  );
}

function order(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
