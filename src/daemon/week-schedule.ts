import type { WeekSpan } from './config.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** How far ahead a change is looked for, in steps of at most a day: every span begins and ends within a week. */
const STEPS_MAX = 4_096;
const HORIZON_MS = 9 * DAY_MINUTES * MINUTE_MS;
/** Most zones whose clocks are remembered; a node has one. */
const ZONES_MAX = 8;

/**
 * True where a schedule covers the moment `at` (epoch ms), by what a clock on the wall of that zone shows; a null schedule covers
 * everything. An hour that a zone shows twice in autumn is covered twice, one it skips in spring never comes.
 */
export function isScheduled(schedule: readonly WeekSpan[] | null, timezone: string, at: number): boolean {
  if (schedule === null) return true;
  const minute = minuteOfWeek(at + offsetAt(timezone, at));
  return schedule.some(({ from, until }) => minute >= from && minute < until);
}

/**
 * The first moment (epoch ms) behind `at` at which `isScheduled` answers otherwise than at `at`; null where it never does, or not
 * within nine days.
 */
export function nextChange(schedule: readonly WeekSpan[] | null, timezone: string, at: number): number | null {
  if (schedule === null || schedule.length === 0) return null;
  const now = isScheduled(schedule, timezone, at);
  const edges = schedule.flatMap(({ from, until }) => [from, until % WEEK_MINUTES]);
  let time = at;
  for (let step = 0; step < STEPS_MAX && time - at <= HORIZON_MS; step++) {
    const offset = offsetAt(timezone, time);
    const shown = minuteOfWeek(time + offset);
    const ahead = Math.min(DAY_MINUTES, ...edges.map((edge) => minutesTo(shown, edge)));
    const begun = time - mod(time + offset, MINUTE_MS);
    let next = begun + ahead * MINUTE_MS;
    // Where the zone's clock is set in between, nothing behind that moment lies where it was counted to.
    if (offsetAt(timezone, next) !== offset) next = clockSet(timezone, offset, time, next);
    if (isScheduled(schedule, timezone, next) !== now) return next;
    time = next;
  }
  return null;
}

/**
 * Spans of a text such as `mon-fri 08:00-18:00`, `sat,sun 00:00-24:00` or `mon 22:00-06:00` (over midnight), or null where it means
 * none. Total.
 */
export function parseWeekTimes(text: string): WeekSpan[] | null {
  const parts = /^([a-z,-]{3,64}) ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)$/.exec(text);
  if (!parts) return null;
  const days = daysOf(parts[1]!);
  const from = Number(parts[2]) * 60 + Number(parts[3]);
  const until = Number(parts[4]) * 60 + Number(parts[5]);
  if (!days || from >= DAY_MINUTES || until > DAY_MINUTES || from === until) return null;
  return days.flatMap((day) => {
    const start = day * DAY_MINUTES;
    const end = start + until + (until < from ? DAY_MINUTES : 0);
    if (end <= WEEK_MINUTES) return [{ from: start + from, until: end }];
    const rest = { from: 0, until: end - WEEK_MINUTES };
    return rest.until === 0
      ? [{ from: start + from, until: WEEK_MINUTES }]
      : [{ from: start + from, until: WEEK_MINUTES }, rest];
  });
}

/** The same times in order, each minute once. */
export function mergedSpans(spans: readonly WeekSpan[]): WeekSpan[] {
  const merged: WeekSpan[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && span.from <= last.until) last.until = Math.max(last.until, span.until);
    else merged.push({ ...span });
  }
  return merged;
}

/** True for a name of the IANA time zone database that this machine knows. */
export function isTimezone(name: string): boolean {
  if (name.length > 64 || !/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Days of `mon-fri`, `sat,sun`, `sat-mon`: 0 is Monday. */
function daysOf(text: string): number[] | null {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const ends = part.split('-').map((name) => DAYS.indexOf(name));
    if (ends.length > 2 || ends.includes(-1)) return null;
    const [first, last = first] = ends as [number, number?];
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return [...days];
}

/** Minutes from one minute of the week to the next time of another: 1 to 10,080. */
function minutesTo(shown: number, edge: number): number {
  return mod(edge - shown - 1, WEEK_MINUTES) + 1;
}

/** The minute of the week that local time shows, Monday 00:00 is 0; 1970 began on a Thursday. */
function minuteOfWeek(local: number): number {
  return mod(Math.floor(local / MINUTE_MS) + 3 * DAY_MINUTES, WEEK_MINUTES);
}

/** The first moment behind `from` at which the zone's clock is not `offset` ahead any more; at `to` it is not. */
function clockSet(timezone: string, offset: number, from: number, to: number): number {
  let [before, after] = [from, to];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(timezone, middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** How far a zone's clock is ahead of UTC at a moment, ms. */
function offsetAt(timezone: string, at: number): number {
  let clock = clocks.get(timezone);
  if (!clock) {
    if (clocks.size >= ZONES_MAX) clocks.clear();
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    clock = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hourCycle: 'h23', ...fields, second: 'numeric' });
    clocks.set(timezone, clock);
  }
  const shown: Record<string, number> = {};
  for (const { type, value } of clock.formatToParts(at)) shown[type] = Number(value);
  const { year, month, day, hour, minute, second } = shown as Record<string, number>;
  return Date.UTC(year!, month! - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
