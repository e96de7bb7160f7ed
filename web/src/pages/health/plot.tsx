import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useFormats } from '../../i18n/use-formats.ts';

/** Shortest time that is drawn across. */
const SPAN_S_MIN = 60;
const DAY_S = 86_400;
/** Rows of the table that says the same in words. */
const ROWS_MAX = 24;

export interface PlotProps {
  /** What is plotted; read by screen readers. */
  label: string;
  /** Seconds since 1970, rising. */
  times: readonly number[];
  values: readonly (number | null)[];
  kind: 'line' | 'bars';
  /** A token of the theme, without the dashes: `sealed`, `gap`, `event`. */
  color: string;
  /** A value with its unit. */
  format(value: number): string;
  /** A time of the table and of what is pointed at. */
  formatTime(seconds: number): string;
  /** Least height of the scale, so that small unrest is not drawn as a storm. */
  topMin: number;
  height?: number;
}

/** A quantity over time, in the theme's colours; the same in a table for those who do not see it. */
export function Plot({ label, times, values, kind, color, format, formatTime, topMin, height = 180 }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ format, formatTime, times, values });
  latest.current = { format, formatTime, times, values };
  const formats = useFormats();
  const [theme, setTheme] = useState(0);
  const [pointed, setPointed] = useState<number | null>(null);

  useEffect(() => {
    const changed = () => setTheme((count) => count + 1);
    document.addEventListener('themechange', changed);
    return () => document.removeEventListener('themechange', changed);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew with another look; its data follow below
  useEffect(() => {
    const element = frame.current!;
    const style = getComputedStyle(element);
    const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: token('dim'),
      grid: { stroke: token('line'), width: 1 },
      ticks: { show: false },
      font: `12px ${token('font')}`,
    };
    const bars = kind === 'bars';
    const made = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        // Times are shown in the zone of display, not in the browser's.
        tzDate: (at) => uPlot.tzDate(new Date(at * 1_000), formats.zone),
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: {
          // A bar stands to the right of its time: the last one needs its day.
          x: { range: (_, least, most) => [Math.min(least, most - SPAN_S_MIN), bars ? most + DAY_S : most] },
          y: { range: (_, __, most) => [0, Math.max(topMin, most * 1.08)] },
        },
        axes: [
          { ...axis, space: 76, values: (_, splits) => splits.map((at) => axisTime(at, splits, formats)) },
          { ...axis, size: 78, values: (_, splits) => splits.map((value) => latest.current.format(value)) },
        ],
        series: [
          {},
          {
            stroke: token(color),
            width: bars ? 0 : 1.5,
            fill: bars ? token(color) : `color-mix(in srgb, ${token(color)} 14%, transparent)`,
            points: { show: false },
            ...(bars ? { paths: uPlot.paths.bars!({ size: [0.7, 28], align: 1 }) } : {}),
          },
        ],
        hooks: { setCursor: [(self) => setPointed(self.cursor.idx ?? null)] },
      },
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0 && width !== made.width) made.setSize({ width, height });
    });
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [kind, color, height, theme, formats, topMin]);
  useEffect(() => {
    plot.current?.setData(dataOf({ times, values }));
  }, [times, values]);

  const at = pointed === null ? undefined : times[pointed];
  const value = pointed === null ? null : (values[pointed] ?? null);
  return (
    <figure className="health-plot">
      <figcaption>
        <span>{label}</span>
        <span className="dim health-pointed">
          {at !== undefined && `${formatTime(at)} · ${value === null ? '–' : format(value)}`}
        </span>
      </figcaption>
      <div ref={frame} className="health-plot-frame" style={{ height }} aria-hidden="true" />
      <table className="spoken">
        <caption>{label}</caption>
        <tbody>
          {picked(times.length).map((index) => (
            <tr key={times[index]}>
              <th scope="row">{formatTime(times[index]!)}</th>
              <td>{values[index] == null ? '–' : format(values[index])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** Below two days hours are told, else days. */
function axisTime(at: number, splits: readonly number[], formats: ReturnType<typeof useFormats>): string {
  const step = splits.length > 1 ? splits[1]! - splits[0]! : 3_600;
  const ms = at * 1_000;
  if (step >= 86_400) return formats.date(ms).replace(/^\S+\s/, '');
  return step < 60 ? formats.time(ms) : formats.minute(ms);
}

function dataOf({ times, values }: Pick<PlotProps, 'times' | 'values'>): uPlot.AlignedData {
  return [times as number[], values as (number | null)[]];
}

/** Places of at most `ROWS_MAX` rows, spread evenly, the last one among them. */
function picked(count: number): number[] {
  const step = Math.max(1, Math.ceil(count / ROWS_MAX));
  const places: number[] = [];
  for (let index = count - 1; index >= 0; index -= step) places.unshift(index);
  return places;
}
