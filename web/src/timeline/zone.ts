/** A moment by the clock on the wall. */
export interface LocalTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** A change of clocks. */
export interface Shift {
  /** First ms of the new time. */
  at: number;
  /** Minutes before and after, east of UTC. */
  before: number;
  after: number;
}

const HOUR_MS = 3_600_000;
/** No zone changes its clocks twice in so short a time. */
const PROBE_MS = 14 * 24 * HOUR_MS;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** A time zone by its IANA name. All sums of the timeline are in UTC; this tells where local hours and days begin. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;

  /** A name the browser does not know counts as UTC. */
  constructor(name: string) {
    let format = formatters.get(name);
    if (!format) {
      try {
        format = formatIn(name);
      } catch {
        format = formatIn('UTC');
      }
      formatters.set(name, format);
    }
    this.#format = format;
    this.name = format.resolvedOptions().timeZone;
  }

  local(at: number): LocalTime {
    const [month, day, year, hour, minute, second] = this.#format.format(at).match(/\d+/g)!.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { year, month, day, hour, minute, second };
  }

  /** Milliseconds east of UTC, as they hold at that moment. */
  offset(at: number): number {
    const { year, month, day, hour, minute, second } = this.local(at);
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
  }

  /** Changes of clocks in (from, to], oldest first. */
  shifts(from: number, to: number): Shift[] {
    const found: Shift[] = [];
    let [at, before] = [from, this.offset(from)];
    while (at < to) {
      const next = Math.min(at + PROBE_MS, to);
      const after = this.offset(next);
      if (after !== before) {
        let [low, high] = [at, next];
        while (high - low > 1) {
          const middle = Math.floor((low + high) / 2);
          if (this.offset(middle) === before) low = middle;
          else high = middle;
        }
        found.push({ at: high, before: before / 60_000, after: after / 60_000 });
      }
      [at, before] = [next, after];
    }
    return found;
  }

  /** Where a local date begins; where that hour is missing, the first moment after. Months and days outside their range count on. */
  startOfDay(year: number, month: number, day: number): number {
    const wished = Date.UTC(year, month - 1, day);
    const offsets = [this.offset(wished - 24 * HOUR_MS), this.offset(wished + 24 * HOUR_MS)];
    // The earlier of two moments that are both called midnight; none: the change itself.
    const fits = offsets.map((offset) => wished - offset).filter((at) => at + this.offset(at) === wished);
    if (fits.length > 0) return Math.min(...fits);
    return this.shifts(wished - 26 * HOUR_MS, wished + 26 * HOUR_MS)[0]?.at ?? wished - offsets[0]!;
  }

  /** True where the clock shows the same time twice that night. */
  isRepeated(at: number): boolean {
    return this.shifts(at - 3 * HOUR_MS, at + 3 * HOUR_MS).some(({ at: change, before, after }) => {
      const length = (before - after) * 60_000;
      return length > 0 && at >= change - length && at < change + length;
    });
  }
}

/** `+2`, `-3:30`: a distance from UTC in minutes. */
export function offsetText(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  const two = '2-digit' as const;
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
    hourCycle: 'h23',
  });
}
