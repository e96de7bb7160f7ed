import type { GapCause } from '../../engine/messages.ts';

/** One local day, from its first to its last moment (epoch ms). */
export interface Day {
  from: number;
  to: number;
}

/** A stretch without recording, as `gaps.list` tells it. */
export interface GapFacts {
  cause: GapCause;
  startAt: number;
  /** Null while it lasts. */
  endAt: number | null;
}

/** What is missing of a day. */
export interface DayLoss extends Day {
  missingMs: number;
  /** Gaps that touch it. */
  gaps: number;
}

/** Causes that are as somebody wished: nothing is missing then. */
const WISHED: ReadonlySet<GapCause> = new Set<GapCause>(['unwanted', 'disabled']);

/** True where a gap is a loss, not a wish. */
export function isLoss({ cause }: Pick<GapFacts, 'cause'>): boolean {
  return !WISHED.has(cause);
}

/** The last local days of a zone, today the last, oldest first. Days have 23 or 25 hours where clocks change. */
export function lastDays(now: number, count: number, zone: string): Day[] {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const offsetAt = (at: number) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const local = Date.UTC(
      part['year']!,
      part['month']! - 1,
      part['day']!,
      part['hour']!,
      part['minute']!,
      part['second']!,
    );
    return local - Math.floor(at / 1_000) * 1_000;
  };
  const local = new Date(now + offsetAt(now));
  // The first moment of a local date; twice, because the offset there may be another one than here.
  const midnight = (daysBack: number) => {
    const wanted = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() - daysBack);
    let at = wanted - offsetAt(wanted);
    at = wanted - offsetAt(at);
    return at;
  };
  return Array.from({ length: count }, (_, index) => ({
    from: midnight(count - 1 - index),
    to: midnight(count - 2 - index),
  }));
}

/** How much of each day was lost, and in how many gaps; what is wished does not count. */
export function lossByDay(days: readonly Day[], gaps: readonly GapFacts[], now: number): DayLoss[] {
  const losses = days.map((day) => ({ ...day, missingMs: 0, gaps: 0 }));
  for (const gap of gaps) {
    if (!isLoss(gap)) continue;
    const endAt = gap.endAt ?? now;
    for (const day of losses) {
      const part = Math.min(endAt, day.to) - Math.max(gap.startAt, day.from);
      if (part <= 0) continue;
      day.missingMs += part;
      day.gaps++;
    }
  }
  return losses;
}
