const RELATIVE = /^([+-])((?:\d{1,6}(?:\.\d{1,3})?[dhms])+)$/;
const PART = /(\d{1,6}(?:\.\d{1,3})?)([dhms])/g;
const UNIT_MS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const EPOCH_MS = /^\d{12,14}$/;

/** What `parseTime` understands, for messages. */
export const TIME_FORMS =
  'now, -10m, 14:22, 2026-11-21, 2026-11-21T14:22[:05] (local, or with Z or +01:00), or epoch milliseconds';

/**
 * Epoch ms of what a person wrote, or null. Total.
 *
 * `now`; `-1h30m` and `+5s` from now; a date or date and time, local unless a zone stands behind it; a time of day, which
 * is the last one that is past; 12 to 14 digits are epoch ms.
 */
export function parseTime(text: string, now: number): number | null {
  const word = text.trim();
  if (word === 'now') return now;
  if (EPOCH_MS.test(word)) return inRange(Number(word));
  const relative = RELATIVE.exec(word);
  if (relative) {
    const length = durationOf(relative[2]!);
    return inRange(relative[1] === '-' ? now - length : now + length);
  }
  const clock = CLOCK.exec(word);
  if (clock) return timeOfDay(clock, now);
  const date = DATE.exec(word);
  return date ? dateTime(date) : null;
}

/** Milliseconds of a length such as `30`, `30s`, `1m30s`, `1.5h` (a bare number: seconds), or null. Total. */
export function parseLength(text: string): number | null {
  const word = text.trim();
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(word)) return Math.round(Number(word) * 1000);
  return /^(?:\d{1,6}(?:\.\d{1,3})?[dhms])+$/.test(word) ? durationOf(word) : null;
}

function durationOf(parts: string): number {
  let sum = 0;
  for (const [, amount, unit] of parts.matchAll(PART)) sum += Number(amount) * UNIT_MS[unit!]!;
  return Math.round(sum);
}

/** The last time the local clock showed this. */
function timeOfDay([, hours, minutes, seconds = '0']: RegExpExecArray, now: number): number | null {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  if (h > 23 || m > 59 || s > 59) return null;
  const day = new Date(now);
  const today = new Date(day.getFullYear(), day.getMonth(), day.getDate(), h, m, s).getTime();
  return today <= now ? today : new Date(day.getFullYear(), day.getMonth(), day.getDate() - 1, h, m, s).getTime();
}

function dateTime(parts: RegExpExecArray): number | null {
  const [year, month, day, h, m, s] = [1, 2, 3, 4, 5, 6].map((i) => Number(parts[i] ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Math.floor(Number((parts[7] ?? '0').padEnd(3, '0').slice(0, 3)));
  if (h > 23 || m > 59 || s > 59) return null;
  const utc = Date.UTC(year, month - 1, day, h, m, s, ms);
  // 31 February and the like roll over into another day.
  if (new Date(utc).getUTCMonth() !== month - 1 || new Date(utc).getUTCDate() !== day || year < 1970) return null;
  const zone = parts[8];
  if (zone === undefined) return inRange(new Date(year, month - 1, day, h, m, s, ms).getTime());
  if (zone === 'Z') return inRange(utc);
  const [zoneHours, zoneMinutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
  if (zoneHours > 14 || zoneMinutes > 59) return null;
  const offset = (zoneHours * 60 + zoneMinutes) * 60_000;
  return inRange(zone[0] === '+' ? utc - offset : utc + offset);
}

/** What fits the wire: 1970 to 2255. */
function inRange(at: number): number | null {
  return at >= 0 && at <= 9_007_199_254_740 ? at : null;
}
