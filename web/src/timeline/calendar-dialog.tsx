import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../i18n/use-formats.ts';
import { useModel } from '../model/model.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { daysOf, type Month, momentOf, monthAfter, recordedDays } from './calendar-days.ts';
import type { TimeCamera } from './time-cameras.ts';
import { Zone } from './zone.ts';

interface Props {
  cameras: readonly TimeCamera[];
  /** The day that is shown first, epoch ms. */
  at: number;
  onChoose(at: number): void;
  onClose(): void;
}

type Recorded = Awaited<ReturnType<typeof recordedDays>>;

/** Months with the days that were recorded; a day and a time of it are chosen. */
export function CalendarDialog({ cameras, at, onChoose, onClose }: Props) {
  const { engine } = useModel();
  const { t, i18n } = useTranslation('time');
  const formats = useFormats();
  const zone = useMemo(() => new Zone(formats.zone), [formats.zone]);
  // The moment it was opened with: time goes on behind it.
  const [opened] = useState(() => zone.local(at));
  const [month, setMonth] = useState<Month>(opened);
  const [day, setDay] = useState(opened.day);
  const [clock, setClock] = useState(`${two(opened.hour)}:${two(opened.minute)}`);
  const [recorded, setRecorded] = useState<Recorded | 'asking' | 'unknown'>('asking');
  const grid = useRef<HTMLTableElement>(null);
  const moved = useRef(false);
  const { year, month: number } = month;
  const days = useMemo(() => daysOf({ year, month: number }, zone), [year, number, zone]);
  const now = Date.now();

  useEffect(() => {
    let stale = false;
    setRecorded('asking');
    recordedDays(engine.call, cameras, { year, month: number }, zone).then(
      (found) => !stale && setRecorded(found),
      () => !stale && setRecorded('unknown'),
    );
    return () => {
      stale = true;
    };
  }, [engine, cameras, year, number, zone]);

  // The focus goes with the day that the keys chose.
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each move
  useEffect(() => {
    if (moved.current) grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    moved.current = false;
  }, [day, days]);

  const locale = i18n.language === 'en' ? 'en-GB' : i18n.language;
  const intl = useMemo(() => {
    const make = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
    return {
      title: make({ month: 'long', year: 'numeric' }),
      full: make({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
      weekday: make({ weekday: 'short' }),
      weekdayLong: make({ weekday: 'long' }),
    };
  }, [locale]);
  const nameOf = (each: number) => intl.full.format(Date.UTC(year, number - 1, each));

  const turn = (count: number) => {
    const next = monthAfter(month, count);
    setMonth(next);
    setDay((before) => Math.min(before, daysOf(next, zone).length));
  };
  const moveDay = (count: number) => {
    moved.current = true;
    const date = new Date(Date.UTC(year, number - 1, day + count));
    setMonth({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 });
    setDay(date.getUTCDate());
  };
  const choose = (each = day) => {
    const [hour, minute] = clock.split(':').map(Number) as [number, number];
    const place = days[each - 1];
    if (place && place.from <= now) onChoose(Math.min(momentOf(place, hour || 0, minute || 0, zone), now));
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const { key, shiftKey } = event;
    if (key === 'ArrowLeft') moveDay(-1);
    else if (key === 'ArrowRight') moveDay(1);
    else if (key === 'ArrowUp') moveDay(-7);
    else if (key === 'ArrowDown') moveDay(7);
    else if (key === 'Home') moveDay(1 - day);
    else if (key === 'End') moveDay(days.length - day);
    else if (key === 'PageUp' || key === 'PageDown') {
      moved.current = true;
      turn((key === 'PageUp' ? -1 : 1) * (shiftKey ? 12 : 1));
    } else if (key === 'Enter') choose();
    else return;
    event.preventDefault();
  };

  const weeks: (typeof days)[] = [];
  for (const each of days) {
    if (weeks.length === 0 || each.weekday === 0) weeks.push([]);
    weeks.at(-1)!.push(each);
  }

  return (
    <Dialog
      title={t('days.title')}
      width={380}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('days.cancel')}</Button>
          <Button kind="main" onClick={() => choose()} disabled={(days[day - 1]?.from ?? 0) > now}>
            {t('days.go')}
          </Button>
        </>
      }
    >
      <div className="calendar-head">
        <IconButton icon="back" label={t('days.previous')} onClick={() => turn(-1)} />
        <h3 aria-live="polite">{intl.title.format(Date.UTC(year, number - 1, 1))}</h3>
        <IconButton icon="forward" label={t('days.next')} onClick={() => turn(1)} disabled={days.at(-1)!.to > now} />
      </div>
      <table className="calendar-grid" ref={grid} onKeyDown={onKeyDown} aria-label={t('days.title')}>
        <thead>
          <tr>
            {Array.from({ length: 7 }, (_, index) => Date.UTC(2024, 0, index + 1)).map((each) => (
              <th key={each} scope="col" abbr={intl.weekdayLong.format(each)}>
                {intl.weekday.format(each)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]!.date}>
              {week[0]!.weekday > 0 && <td colSpan={week[0]!.weekday} aria-hidden="true" />}
              {week.map((each) => {
                const found = recorded instanceof Map ? recorded.get(each.date) : undefined;
                const future = each.from > now;
                const name = nameOf(each.day);
                const label = future
                  ? t('days.future', { day: name })
                  : found
                    ? t('days.recorded', { day: name, length: formats.duration(found.seconds * 1000) })
                    : recorded instanceof Map
                      ? t('days.empty', { day: name })
                      : name;
                return (
                  <td key={each.date}>
                    <button
                      type="button"
                      tabIndex={each.day === day ? 0 : -1}
                      aria-pressed={each.day === day}
                      aria-disabled={future}
                      aria-label={label}
                      title={label}
                      data-recorded={found ? '' : undefined}
                      data-today={each.from <= now && now < each.to ? '' : undefined}
                      onClick={() => !future && setDay(each.day)}
                      onDoubleClick={() => choose(each.day)}
                    >
                      {each.day}
                      <span className="calendar-bar" aria-hidden="true">
                        {found && <i style={{ width: `${Math.max(8, found.share * 100)}%` }} />}
                      </span>
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="calendar-note" role="status">
        {recorded === 'asking' ? t('days.asking') : recorded === 'unknown' ? t('days.unknown') : t('days.legend')}
      </p>
      <label className="calendar-time">
        {t('days.time')}
        <input type="time" value={clock} onChange={(event) => setClock(event.target.value || '00:00')} />
        <span className="dim">{t('days.zone', { zone: formats.zone })}</span>
      </label>
    </Dialog>
  );
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
