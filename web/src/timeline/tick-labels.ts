import { placeLabels, type Tick, tickStep, ticksOf } from './ticks.ts';
import type { Scale } from './time-view.ts';
import type { Shift, Zone } from './zone.ts';

/** A tick with its words and where they stand. */
export interface TickLabel {
  at: number;
  x: number;
  text: string;
  /** Left edge of the words, px. */
  left: number;
  /** A new day, month or year. */
  strong: boolean;
  /** The words have room. */
  shown: boolean;
}

/** Words of times in a language and zone. */
export interface TickWords {
  /** `14:22`. */
  minute(at: number): string;
  /** `14:22:07`. */
  second(at: number): string;
  /** `Sat 21 Nov`. */
  day(at: number): string;
  /** `21`. */
  dayShort(at: number): string;
  /** `November`. */
  month(at: number): string;
  year(at: number): string;
}

/** Words of ticks for `Intl` of a language and zone. */
export function tickWords(language: string, timeZone: string): TickWords {
  const locale = language === 'en' ? 'en-GB' : language;
  const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const two = '2-digit' as const;
  const minute = make({ hour: two, minute: two, hourCycle: 'h23' });
  const second = make({ hour: two, minute: two, second: two, hourCycle: 'h23' });
  const day = make({ weekday: 'short', day: 'numeric', month: 'short' });
  const dayShort = make({ weekday: 'short', day: 'numeric' });
  const month = make({ month: 'long' });
  const year = make({ year: 'numeric' });
  return {
    minute: (at) => minute.format(at),
    second: (at) => second.format(at),
    day: (at) => day.format(at).replace(',', ''),
    dayShort: (at) => dayShort.format(at).replace(',', ''),
    month: (at) => month.format(at),
    year: (at) => year.format(at),
  };
}

/** Pixels that a label of the finest step needs. */
const LABEL_PX = 62;
const SPACE_PX = 10;

/**
 * The scale: ticks at round local times with those labels that have room, heavier ones first. The words of a day that began left of the view
 * stand at its left edge, so that the date is always told.
 */
export function tickLabels(
  scale: Scale,
  zone: Zone,
  words: TickWords,
  measure: (text: string, strong: boolean) => number,
): { labels: TickLabel[]; shifts: Shift[] } {
  const step = tickStep(scale.to - scale.from, scale.width, LABEL_PX);
  const { ticks, shifts } = ticksOf(zone, scale.from, scale.to, step);
  const isDays = step.unit !== 'ms';
  const labels: (TickLabel & { weight: number; width: number })[] = ticks.map((tick) => {
    const strong = tick.kind === 'year' || tick.kind === 'month' || (!isDays && tick.kind === 'day');
    const text = textOf(tick, words, isDays);
    const width = measure(text, strong);
    const x = scale.x(tick.at);
    const left = Math.min(Math.max(x - width / 2, 0), scale.width - width);
    return { at: tick.at, x, text, strong, left, width, shown: false, weight: strong ? 2 : tick.offset ? 1 : 0 };
  });
  const pinned = pinnedOf(scale, words, isDays, measure);
  const all = [...(pinned ? [pinned] : []), ...labels];
  for (const index of placeLabels(all, SPACE_PX)) all[index]!.shown = true;
  return { labels: all, shifts };
}

function textOf({ at, kind, offset }: Tick, words: TickWords, isDays: boolean): string {
  if (kind === 'year') return isDays ? words.year(at) : words.day(at);
  if (kind === 'month') return isDays ? words.month(at) : words.day(at);
  if (kind === 'day') return isDays ? words.dayShort(at) : words.day(at);
  const text = kind === 'minute' ? words.minute(at) : words.second(at);
  const part = kind === 'part' ? `.${Math.round((((at % 1000) + 1000) % 1000) / 100)}` : '';
  return `${text}${part}${offset ? ` ${offset}` : ''}`;
}

/** What the left edge belongs to; gives way to a day that begins beside it. */
function pinnedOf(scale: Scale, words: TickWords, isDays: boolean, measure: (text: string, strong: boolean) => number) {
  const text = isDays ? `${words.month(scale.from)} ${words.year(scale.from)}` : words.day(scale.from);
  const width = measure(text, true);
  if (scale.width < width * 3) return null;
  return { at: scale.from, x: -1, text, strong: true, left: 0, width, shown: false, weight: 1.5 };
}
