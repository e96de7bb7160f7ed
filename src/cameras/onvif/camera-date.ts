import type { XmlElement } from '../../protocol/index.ts';
import { first, textAt } from './element-reader.ts';

const POINT = [
  ['Date', 'Year'],
  ['Date', 'Month'],
  ['Date', 'Day'],
  ['Time', 'Hour'],
  ['Time', 'Minute'],
  ['Time', 'Second'],
] as const;

/**
 * What `GetSystemDateAndTimeResponse` says, epoch ms of a whole second, or null. Cameras without UTC are taken at their local time and
 * zone. Total.
 */
export function systemDateOf(response: XmlElement): number | null {
  const date = first(response, 'SystemDateAndTime');
  const utc = pointOf(first(date, 'UTCDateTime'));
  if (utc !== null) return utc;
  const local = pointOf(first(date, 'LocalDateTime'));
  if (local === null) return null;
  const zone = textAt(date, 'TimeZone', 'TZ');
  const summer = textAt(date, 'DaylightSavings') === 'true' ? 3_600_000 : 0;
  return local - zoneOffsetMs(zone) - summer;
}

/** `2024-03-01T12:00:00.5Z`, with a zone or without (UTC then), as epoch ms; null where it is none. Total. */
export function dateOf(text: string): number | null {
  const match = /^\s*(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?\s*$/.exec(text.slice(0, 64));
  if (!match) return null;
  const at = Date.parse(`${match[1]!.slice(0, 23)}${match[2] ?? 'Z'}`);
  return Number.isFinite(at) && at >= 0 ? at : null;
}

/** Time zone of POSIX, `CST-8` or `EST5EDT,M3.2.0,M11.1.0`, as ms to add to UTC; 0 where it cannot be read. */
function zoneOffsetMs(zone: string): number {
  const match = /^\s*(?:[A-Za-z]{3,10}|<[\w+-]{1,10}>)([+-]?\d{1,2})(?::(\d\d))?/.exec(zone.slice(0, 64));
  if (!match || Math.abs(Number(match[1])) > 24) return 0;
  const minutes = Math.abs(Number(match[1])) * 60 + Number(match[2] ?? 0);
  // West is positive there.
  return (match[1]!.startsWith('-') ? 1 : -1) * minutes * 60_000;
}

function pointOf(element: XmlElement | undefined): number | null {
  const parts = POINT.map((path) => textAt(element, ...path));
  if (!parts.every((text) => /^\d{1,4}$/.test(text))) return null;
  const [year, month, day, hour, minute, second] = parts.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const isDate = year >= 1970 && year <= 2200 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  return isDate && hour <= 23 && minute <= 59 && second <= 60
    ? Date.UTC(year, month - 1, day, hour, minute, second)
    : null;
}
