/** Minutes of a day and of a week; the week begins on Monday at 00:00. */
export const DAY_MINUTES = 1_440;
export const WEEK_MINUTES = 7 * DAY_MINUTES;
/** Days as the configuration writes them. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** Most texts of one schedule. */
export const TEXTS_MAX = 32;

/** Minutes of the week from `from` up to, not with, `until`. */
export interface Span {
  from: number;
  until: number;
}

/** When is recorded in a week: spans in order, apart from each other, none beyond Sunday's end. */
export type Week = readonly Span[];

export const WHOLE_WEEK: Week = [{ from: 0, until: WEEK_MINUTES }];

/** The times of one text such as `mon-fri 08:00-18:00`, or null where it means none. */
export function parseTimes(text: string): Span[] | null {
  const parts = /^([a-z,-]{3,64}) ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)$/.exec(text.trim());
  const days = parts && daysOf(parts[1]!);
  if (!parts || !days) return null;
  const from = Number(parts[2]) * 60 + Number(parts[3]);
  const until = Number(parts[4]) * 60 + Number(parts[5]);
  if (from >= DAY_MINUTES || until > DAY_MINUTES || from === until) return null;
  return days.flatMap((day) => {
    const start = day * DAY_MINUTES + from;
    const end = day * DAY_MINUTES + until + (until < from ? DAY_MINUTES : 0);
    if (end <= WEEK_MINUTES) return [{ from: start, until: end }];
    return [
      { from: start, until: WEEK_MINUTES },
      { from: 0, until: end - WEEK_MINUTES },
    ].filter((span) => span.until > span.from);
  });
}

/** A week of the configuration's texts; the texts that mean nothing are told apart. */
export function parseWeek(texts: readonly string[]): { week: Week; refused: string[] } {
  const spans: Span[] = [];
  const refused: string[] = [];
  for (const text of texts) {
    const found = parseTimes(text);
    if (found) spans.push(...found);
    else refused.push(text);
  }
  return { week: joined(spans), refused };
}

/**
 * The fewest texts we find for a week: equal times of several days share one, and what goes over midnight until noon at most is one time.
 * `[]` is a week without any time. May be more than the node takes (`TEXTS_MAX`).
 */
export function weekTexts(week: Week): string[] {
  const times = new Map<string, number[]>();
  for (const { day, from, until } of pieces(week)) {
    const key = `${clock(from)}-${clock(until)}`;
    times.set(key, [...(times.get(key) ?? []), day]);
  }
  return [...times].sort(([, a], [, b]) => a[0]! - b[0]!).map(([time, days]) => `${dayNames(days)} ${time}`);
}

/** How much of [from, until) is in the week: none, some or all of it. */
export function share(week: Week, from: number, until: number): 'none' | 'some' | 'all' {
  let inside = 0;
  for (const span of week) inside += Math.max(0, Math.min(span.until, until) - Math.max(span.from, from));
  if (inside === 0) return 'none';
  return inside === until - from ? 'all' : 'some';
}

/** The week with [from, until) in it, or without it. */
export function painted(week: Week, from: number, until: number, on: boolean): Week {
  if (on) return joined([...week, { from, until }]);
  return week.flatMap((span) =>
    [
      { from: span.from, until: Math.min(span.until, from) },
      { from: Math.max(span.from, until), until: span.until },
    ].filter((rest) => rest.until > rest.from),
  );
}

/** Minutes of a week that are in it. */
export function minutesOf(week: Week): number {
  return week.reduce((sum, { from, until }) => sum + until - from, 0);
}

/** Spans in order, those that touch made one. */
function joined(spans: readonly Span[]): Week {
  const all: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last && span.from <= last.until) last.until = Math.max(last.until, span.until);
    else all.push({ ...span });
  }
  return all;
}

/** The week cut at midnights; a night that ends by noon stays with the evening it began on. */
function pieces(week: Week): { day: number; from: number; until: number }[] {
  const cut = week.flatMap((span) => {
    const parts: Span[] = [];
    for (let from = span.from; from < span.until; ) {
      const until = Math.min(span.until, (Math.floor(from / DAY_MINUTES) + 1) * DAY_MINUTES);
      parts.push({ from, until });
      from = until;
    }
    return parts;
  });
  const days = cut.map(({ from, until }) => {
    const day = Math.floor(from / DAY_MINUTES);
    return { day, from: from - day * DAY_MINUTES, until: until - day * DAY_MINUTES };
  });
  const isWhole = (piece: { from: number; until: number }) => piece.from === 0 && piece.until === DAY_MINUTES;
  const mornings = new Set(days.filter((each) => each.from === 0 && each.until <= DAY_MINUTES / 2));
  const nights = days
    .filter((each) => !mornings.has(each))
    .map((evening) => {
      if (evening.until !== DAY_MINUTES || isWhole(evening)) return evening;
      const morning = [...mornings].find((each) => each.day === (evening.day + 1) % 7);
      // A morning as late as the evening began would read as a whole day and more.
      if (!morning || morning.until >= evening.from) return evening;
      mornings.delete(morning);
      return { ...evening, until: morning.until };
    });
  return [...nights, ...mornings].sort((a, b) => a.day - b.day || a.from - b.from);
}

/** `mon-fri`, `sat,sun`, `sat-mon`: runs of three days or more as a range. */
function dayNames(days: readonly number[]): string {
  const has = new Set(days);
  if (has.size === 7) return 'mon-sun';
  const runs: number[][] = [];
  const first = [...has].sort((a, b) => a - b).filter((day) => !has.has((day + 6) % 7));
  for (const start of first) {
    const run = [start];
    while (has.has((run.at(-1)! + 1) % 7)) run.push((run.at(-1)! + 1) % 7);
    runs.push(run);
  }
  return runs
    .map((run) => (run.length < 3 ? run.map((day) => DAYS[day]).join(',') : `${DAYS[run[0]!]}-${DAYS[run.at(-1)!]}`))
    .join(',');
}

function daysOf(text: string): number[] | null {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const ends = part.split('-').map((name) => DAYS.indexOf(name as (typeof DAYS)[number]));
    if (ends.length > 2 || ends.includes(-1)) return null;
    const [first, last = first] = ends as [number, number?];
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return [...days];
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
