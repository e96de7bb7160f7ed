import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../../i18n/use-formats.ts';
import { Button, Field } from '../../ui/index.ts';
import { DAY_MINUTES, minutesOf, painted, parseWeek, share, type Week, WHOLE_WEEK, weekTexts } from './week.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const HOUR = 60;
/** Monday of a week long ago, to name days by the browser's calendar. */
const MONDAY = Date.UTC(2024, 0, 1);

export interface WeekEditorProps {
  week: Week;
  onChange(week: Week): void;
  /** What is wrong with it, in words. */
  error?: string | undefined;
}

interface Cell {
  day: number;
  hour: number;
}

/**
 * Times of a week: a grid of days and hours that is painted by pointer or by keys (arrows walk, space turns, shift with arrows paints), and a
 * text for times that are not whole hours.
 */
export function WeekEditor({ week, onChange, error }: WeekEditorProps) {
  const { t, i18n } = useTranslation('cameras');
  const formats = useFormats();
  const grid = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<Cell>({ day: 0, hour: 8 });
  const stroke = useRef<{ on: boolean; start: Cell; before: Week } | null>(null);
  const [written, setWritten] = useState<string | null>(null);
  const names = (style: 'short' | 'long') =>
    Array.from({ length: 7 }, (_, day) =>
      new Intl.DateTimeFormat(i18n.language, { weekday: style, timeZone: 'UTC' }).format(MONDAY + day * 86_400_000),
    );
  const [short, long] = [names('short'), names('long')];
  const change = (next: Week) => {
    setWritten(null);
    onChange(next);
  };

  const cellOf = (event: React.PointerEvent): Cell => {
    const first = grid.current!.querySelector('[data-cell="0 0"]')!.getBoundingClientRect();
    const last = grid.current!.querySelector('[data-cell="6 23"]')!.getBoundingClientRect();
    const part = (value: number, from: number, to: number, count: number) =>
      Math.max(0, Math.min(count - 1, Math.floor(((value - from) / (to - from)) * count)));
    return {
      day: part(event.clientY, first.top, last.bottom, 7),
      hour: part(event.clientX, first.left, last.right, HOURS.length),
    };
  };
  const paint = (before: Week, a: Cell, b: Cell, on: boolean): Week => {
    let next = before;
    const [fromHour, untilHour] = [Math.min(a.hour, b.hour), Math.max(a.hour, b.hour) + 1];
    for (let day = Math.min(a.day, b.day); day <= Math.max(a.day, b.day); day++) {
      next = painted(next, day * DAY_MINUTES + fromHour * HOUR, day * DAY_MINUTES + untilHour * HOUR, on);
    }
    return next;
  };
  const isFull = ({ day, hour }: Cell) => share(week, ...rangeOf(day, hour)) === 'all';
  const focus = (cell: Cell) => {
    setAt(cell);
    grid.current?.querySelector<HTMLElement>(`[data-cell="${cell.day} ${cell.hour}"]`)?.focus();
  };
  const onKey = (event: React.KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      Home: [0, -at.hour],
      End: [0, HOURS.length - 1 - at.hour],
    };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      const next = {
        day: Math.max(0, Math.min(6, at.day + step[0])),
        hour: Math.max(0, Math.min(23, at.hour + step[1])),
      };
      if (event.shiftKey) change(paint(week, at, next, isFull(at)));
      focus(next);
    } else if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      change(paint(week, at, at, !isFull(at)));
    }
  };
  const texts = weekTexts(week);
  const lines = (written ?? texts.join('\n')).split('\n').filter((line) => line.trim() !== '');
  const refused = parseWeek(lines).refused;
  const minutes = minutesOf(week);

  return (
    <div className="cameras-week">
      <div className="cameras-week-quick">
        <Button onClick={() => change(parseWeek(['mon-fri 08:00-18:00']).week)}>{t('week.office')}</Button>
        <Button onClick={() => change(parseWeek(['mon-fri 18:00-08:00', 'sat,sun 00:00-24:00']).week)}>
          {t('week.closed')}
        </Button>
        <Button onClick={() => change(parseWeek(['mon-sun 20:00-07:00']).week)}>{t('week.nights')}</Button>
        <Button onClick={() => change(WHOLE_WEEK)}>{t('week.all')}</Button>
        <Button onClick={() => change([])}>{t('week.clear')}</Button>
      </div>
      <table
        ref={grid}
        className="cameras-week-grid"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table that is walked and painted by keys is a grid
        role="grid"
        aria-label={t('week.label')}
        aria-multiselectable="true"
        onKeyDown={onKey}
        onPointerDown={(event) => {
          if (!(event.target as Element).closest('[data-cell]')) return;
          event.preventDefault();
          event.currentTarget.setPointerCapture(event.pointerId);
          const start = cellOf(event);
          const on = !isFull(start);
          stroke.current = { on, start, before: week };
          focus(start);
          change(paint(week, start, start, on));
        }}
        onPointerMove={(event) => {
          const now = stroke.current;
          if (now) change(paint(now.before, now.start, cellOf(event), now.on));
        }}
        onPointerUp={() => {
          stroke.current = null;
        }}
        onPointerCancel={() => {
          stroke.current = null;
        }}
      >
        <thead>
          <tr>
            <td>
              <span className="spoken">{t('week.day')}</span>
            </td>
            {HOURS.map((hour) => (
              <th key={hour} scope="col">
                <span className={hour % 3 === 0 ? undefined : 'spoken'}>{hour}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {short.map((name, day) => (
            <tr key={name}>
              <th scope="row" aria-label={long[day]}>
                {name}
              </th>
              {HOURS.map((hour) => {
                const filled = share(week, ...rangeOf(day, hour));
                return (
                  <td
                    key={hour}
                    // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: it takes focus and can be selected
                    role="gridcell"
                    data-cell={`${day} ${hour}`}
                    data-share={filled}
                    className="cameras-week-cell"
                    aria-selected={filled !== 'none'}
                    aria-label={t(`week.cell.${filled}`, { day: long[day], from: hour, to: hour + 1 })}
                    tabIndex={at.day === day && at.hour === hour ? 0 : -1}
                    onFocus={() => setAt({ day, hour })}
                  />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="dim cameras-week-sum" aria-live="polite">
        {t('week.sum', { hours: formats.number(minutes / 60, 1) })} {t('week.zone')}
      </p>
      <Field
        label={t('week.exact')}
        hint={t('week.exactHint')}
        error={refused.length > 0 ? t('week.refused', { text: refused[0] }) : error}
      >
        {(control) => (
          <textarea
            {...control}
            rows={Math.max(2, Math.min(6, lines.length + 1))}
            spellCheck={false}
            value={written ?? texts.join('\n')}
            onChange={(event) => {
              const text = event.currentTarget.value;
              setWritten(text);
              const read = parseWeek(text.split('\n').filter((line) => line.trim() !== ''));
              if (read.refused.length === 0) onChange(read.week);
            }}
            onBlur={() => refused.length === 0 && setWritten(null)}
          />
        )}
      </Field>
    </div>
  );
}

function rangeOf(day: number, hour: number): [number, number] {
  const from = day * DAY_MINUTES + hour * HOUR;
  return [from, from + HOUR];
}
