import type { Call } from '../engine/engine.ts';
import type { CoverageCamera } from './coverage-source.ts';
import type { Zone } from './zone.ts';

/** A month of the calendar; months count from 1. */
export interface Month {
  year: number;
  month: number;
}

export interface Day {
  /** `2026-11-21`. */
  date: string;
  day: number;
  from: number;
  to: number;
  /** 0 Monday to 6 Sunday. */
  weekday: number;
}

/** Days of a month with their first and last moments in a zone. */
export function daysOf({ year, month }: Month, zone: Zone): Day[] {
  const count = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Array.from({ length: count }, (_, index) => {
    const day = index + 1;
    const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
    const from = zone.startOfDay(year, month, day);
    return { date: dateText(year, month, day), day, from, to: zone.startOfDay(year, month, day + 1), weekday };
  });
}

export function monthAfter({ year, month }: Month, count: number): Month {
  const index = year * 12 + month - 1 + count;
  return { year: Math.floor(index / 12), month: (((index % 12) + 12) % 12) + 1 };
}

/** Of each day how much was recorded: the most that one of the cameras has, as a share of the day. Days without are not in it. */
export async function recordedDays(
  call: Call,
  cameras: readonly CoverageCamera[],
  month: Month,
  zone: Zone,
): Promise<Map<string, { share: number; seconds: number }>> {
  const days = daysOf(month, zone);
  const [from, to] = [days[0]!.from, days.at(-1)!.to];
  const found = new Map<string, { share: number; seconds: number }>();
  const byNode = Map.groupBy(cameras, ({ node }) => node);
  await Promise.all(
    [...byNode].map(async ([node, own]) => {
      const sources = own.map(({ source, stream = 'main' }) => ({ source, stream }));
      const answer = await call(node, 'calendar.days', { sources, from, to, timeZone: zone.name });
      const first = days.findIndex(({ date }) => date === answer.first);
      for (const { seconds } of answer.lanes) {
        for (const [index, each] of seconds.entries()) {
          const day = days[first + index];
          if (first < 0 || !day || each <= (found.get(day.date)?.seconds ?? 0)) continue;
          found.set(day.date, { seconds: each, share: Math.min(1, (each * 1000) / (day.to - day.from)) });
        }
      }
    }),
  );
  return found;
}

/** The moment of a day at a time of the clock; where that time does not exist, the first after; ms. */
export function momentOf(day: Pick<Day, 'from' | 'to'>, hour: number, minute: number, zone: Zone): number {
  const wished = hour * 60 + minute;
  let at = day.from + wished * 60_000;
  // Clocks that were changed on the way are made up for.
  for (let i = 0; i < 2; i++) {
    const local = zone.local(at);
    const isDay = at >= day.from && at < day.to;
    const off = wished - (local.hour * 60 + local.minute) + (isDay ? 0 : at >= day.to ? -1_440 : 1_440);
    if (off === 0) break;
    const next = at + off * 60_000;
    const shown = zone.local(next);
    if (shown.hour * 60 + shown.minute !== wished) return zone.shifts(day.from - 1, day.to)[0]?.at ?? next;
    at = next;
  }
  return Math.min(Math.max(at, day.from), day.to - 1);
}

function dateText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
