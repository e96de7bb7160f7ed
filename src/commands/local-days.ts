const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** No zone is or was further from UTC, whole minutes. */
const OFFSET_MINUTES_MAX = 26 * 60;

/** Local days, one after the other. */
export interface LocalDays {
  /** `YYYY-MM-DD` of the first. */
  first: string;
  /** Epoch ms at which each begins, and at last the end of the last; a day the zone left out has no length. */
  edges: number[];
}

/**
 * The local days of an IANA time zone that touch [from, to) (epoch ms), whole; null where there is no such zone. A day begins with the
 * first moment (to the minute) that the zone's clocks show its date: they may skip midnight, and the day then is shorter.
 */
export function localDays(from: number, to: number, timeZone: string): LocalDays | null {
  const zone = zoneOf(timeZone);
  if (!zone) return null;
  const first = Math.floor((from + zone.offset(from)) / DAY_MS);
  const last = Math.floor((to - 1 + zone.offset(to - 1)) / DAY_MS);
  const edges: number[] = [];
  for (let day = first; day <= last + 1; day++) edges.push(beginning(zone, day));
  return { first: dateText(first), edges };
}

interface Zone {
  /** ms to be added to UTC for the local time then. */
  offset(at: number): number;
}

function zoneOf(timeZone: string): Zone | null {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return null;
  }
  return {
    offset(at) {
      const part: Record<string, number> = {};
      for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
      const { year, month, day, hour, minute, second } = part as Record<string, number>;
      return Date.UTC(year!, month! - 1, day, hour, minute, second) - (at - (((at % 1000) + 1000) % 1000));
    },
  };
}

/** The first minute that shows day `day` (days since 1970) or a later one. */
function beginning(zone: Zone, day: number): number {
  const isReached = (at: number) => Math.floor((at + zone.offset(at)) / DAY_MS) >= day;
  // Mostly the offset of noon holds at midnight too.
  const likely = day * DAY_MS - zone.offset(day * DAY_MS - zone.offset(day * DAY_MS));
  if (isReached(likely) && !isReached(likely - MINUTE_MS)) return likely;
  let [before, after] = [-OFFSET_MINUTES_MAX, OFFSET_MINUTES_MAX];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (isReached(day * DAY_MS + middle * MINUTE_MS)) after = middle;
    else before = middle;
  }
  return day * DAY_MS + after * MINUTE_MS;
}

function dateText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
