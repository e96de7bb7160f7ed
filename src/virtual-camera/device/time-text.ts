const DURATION_MAX_MS = 366 * 86_400_000;

/** Milliseconds of an xs:duration without years and months (`PT1M`, `P1DT0.5S`), at most a year; null where it is none. Total. */
export function durationMs(text: string): number | null {
  if (text.length > 40) return null;
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  if (!found || text.endsWith('P') || text.endsWith('T')) return null;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const ms = Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
  return ms <= DURATION_MAX_MS ? ms : null;
}

/** Epoch ms of an xs:dateTime with `Z` or an offset; null where it is none. Total. */
export function dateTimeMs(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** An xs:dateTime in whole seconds, as cameras write it. */
export function dateTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
