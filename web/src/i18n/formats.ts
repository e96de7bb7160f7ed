/** What `createFormats` gives: numbers and times in a language and a zone, as they stand on the page. */
export interface Formats {
  /** Zone of display, IANA. */
  readonly zone: string;
  /** `1,234.5`; at most `digits` after the point (1). */
  number(value: number, digits?: number): string;
  /** `43 %` of a share of 1. */
  percent(share: number): string;
  /** `4.2 GB`; steps of 1000. */
  bytes(value: number): string;
  /** `3.9 Mbit/s`. */
  bitRate(bitsPerSecond: number): string;
  /** `3 m 40 s`, `4 h 12 m`, `2 d 3 h`; below ten seconds with tenths: `0.4 s`. */
  duration(ms: number): string;
  /** `14:22:07`. */
  time(at: number): string;
  /** `14:22`. */
  minute(at: number): string;
  /** `Sat 21 Nov`; with the year when it is another one than that of `now`. */
  date(at: number, now?: number): string;
  /** `Sat 21 Nov, 14:22:07`. */
  dateTime(at: number, now?: number): string;
  /** The time today, date and minute before. */
  moment(at: number, now: number): string;
  /** Everything, with the zone in words and its distance from UTC: for hover and screen readers. */
  exact(at: number): string;
  /** `4 h 12 m ago`, `in 52 s`, `now`. */
  relative(at: number, now: number): string;
  /** `a, b and c`. */
  list(words: readonly string[]): string;
}

const UNITS = {
  en: {
    d: 'd',
    h: 'h',
    m: 'm',
    s: 's',
    now: 'now',
    ago: (text: string) => `${text} ago`,
    in: (text: string) => `in ${text}`,
  },
  es: {
    d: 'd',
    h: 'h',
    m: 'min',
    s: 's',
    now: 'ahora',
    ago: (text: string) => `hace ${text}`,
    in: (text: string) => `dentro de ${text}`,
  },
} as const;

export type Language = keyof typeof UNITS;
export const LANGUAGES = Object.keys(UNITS) as readonly Language[];

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const RATES = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'] as const;
/** Stands between a number and its unit. */
const THIN = '\u00a0';

/** The formats of a language in an IANA time zone (a zone the browser does not know counts as UTC). */
export function createFormats(language: Language, zone: string): Formats {
  const timeZone = knownZone(zone);
  const units = UNITS[language];
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  // English of no country: day before month, 24 hours, as the rest of the page has it.
  const locale = language === 'en' ? 'en-GB' : language;
  const of = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const formats = {
    time: of({ ...clock, second: '2-digit' }),
    minute: of(clock),
    date: of({ weekday: 'short', day: 'numeric', month: 'short' }),
    dateYear: of({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
    exact: of({ dateStyle: 'full', timeStyle: 'full' }),
    offset: of({ timeZoneName: 'longOffset' }),
    day: new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }),
    list: new Intl.ListFormat(locale, { type: 'conjunction' }),
  };
  const numbers = new Map<number, Intl.NumberFormat>();
  const number = (value: number, digits = 1) => {
    let format = numbers.get(digits);
    if (!format) numbers.set(digits, (format = new Intl.NumberFormat(locale, { maximumFractionDigits: digits })));
    return format.format(value);
  };
  const scaled = (value: number, names: readonly string[]) => {
    let step = 0;
    let rest = Math.max(0, value);
    // What would be written as 1000 is one of the next.
    while (step < names.length - 1 && rest >= (step === 0 ? 1000 : 999.5)) {
      rest /= 1000;
      step++;
    }
    return `${number(rest, step === 0 || rest >= 99.95 ? 0 : 1)}${THIN}${names[step]}`;
  };
  const duration = (ms: number) => {
    const tenths = Math.round(Math.max(0, ms) / 100);
    if (tenths < 100) return `${number(tenths / 10)}${THIN}${units.s}`;
    const seconds = Math.round(ms / 1000);
    const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
      small === 0
        ? `${number(big, 0)}${THIN}${bigUnit}`
        : `${number(big, 0)}${THIN}${bigUnit} ${small}${THIN}${smallUnit}`;
    if (seconds < 60) return `${seconds}${THIN}${units.s}`;
    if (seconds < 3_600) return pair(Math.floor(seconds / 60), units.m, seconds % 60, units.s);
    const minutes = Math.floor(seconds / 60);
    if (minutes < 1_440) return pair(Math.floor(minutes / 60), units.h, minutes % 60, units.m);
    const hours = Math.floor(minutes / 60);
    return pair(Math.floor(hours / 24), units.d, hours % 24, units.h);
  };
  const day = (at: number) => formats.day.format(at);
  const date = (at: number, now = Date.now()) =>
    (day(at).slice(0, 4) === day(now).slice(0, 4) ? formats.date : formats.dateYear).format(at).replace(',', '');
  const time = (at: number) => formats.time.format(at);
  return {
    zone: timeZone,
    number,
    percent: (share) => `${number(share * 100, 0)}${THIN}%`,
    bytes: (value) => scaled(value, BYTES),
    bitRate: (value) => scaled(value, RATES),
    duration,
    time,
    minute: (at) => formats.minute.format(at),
    date,
    dateTime: (at, now) => `${date(at, now)}, ${time(at)}`,
    moment: (at, now) => (day(at) === day(now) ? time(at) : `${date(at, now)}, ${formats.minute.format(at)}`),
    exact: (at) => {
      const offset = formats.offset.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
      return `${formats.exact.format(at)} · ${timeZone} (${offset.replace('GMT', 'UTC')})`;
    },
    relative: (at, now) => {
      const away = now - at;
      if (Math.abs(away) < 1_000) return units.now;
      const rounded = Math.round(Math.abs(away) / 1000) * 1000;
      // Under ten seconds no tenths: they would change too fast to be read.
      const text = rounded < 10_000 ? `${rounded / 1000}${THIN}${units.s}` : duration(rounded);
      return away > 0 ? units.ago(text) : units.in(text);
    },
    list: (words) => formats.list.format(words),
  };
}

/** A language of ours that a browser's list of languages asks for first; English when it asks for none. */
export function languageOf(wished: readonly string[]): Language {
  for (const each of wished) {
    const language = each.toLowerCase().split('-', 1)[0];
    if (LANGUAGES.includes(language as Language)) return language as Language;
  }
  return 'en';
}

function knownZone(zone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}
