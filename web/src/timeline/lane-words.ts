import type { TFunction } from 'i18next';
import type { Formats } from '../i18n/formats.ts';
import { causeText } from '../i18n/words.ts';
import type { Gap } from './coverage-source.ts';
import type { EventMark } from './event-source.ts';
import type { Hit } from './lane-layout.ts';

/** How the timeline speaks of what stands on it. */
export interface LaneWords {
  t: TFunction<'time'>;
  formats: Formats;
}

/** `Gap 3 m 40 s · camera unreachable · 11:54:42 to 11:58:22`. */
export function gapText({ t, formats }: LaneWords, { cause, from, to }: Gap, now: number): string {
  const length = formats.duration((to ?? now) - from);
  const values = { length, cause: causeText(t, cause), from: formats.moment(from, now) };
  if (to === null) return t('gap.lasting', values);
  return t('gap.ended', { ...values, to: formats.time(to) });
}

/** `Motion, garden path · 11:54:42, 12 s`. */
export function eventText({ t, formats }: LaneWords, { kind, name, from, to }: EventMark, now: number): string {
  const what = name === null ? t(`events.${kind}`) : t('events.named', { what: t(`events.${kind}`), name });
  const values = { what, from: formats.moment(from, now) };
  if (to === null) return t('events.lasting', values);
  return to - from < 1_000
    ? t('events.moment', values)
    : t('events.ended', { ...values, length: formats.duration(to - from) });
}

/** What stands there, in words. */
export function hitText(words: LaneWords, hit: Hit, now: number): string {
  const { t } = words;
  switch (hit.kind) {
    case 'event':
      return eventText(words, hit.event, now);
    case 'gap':
      return gapText(words, hit.gap, now);
    case 'gaps':
      return t('standing.gaps', { count: hit.count });
    case 'recorded':
      return t('standing.recorded');
    case 'nothing':
      return t('standing.nothing');
    case 'unknown':
      return t('standing.unknown');
  }
}

/** The short form, for what a screen reader says of the cursor: `gap, password refused`. */
export function standingText({ t }: LaneWords, hit: Hit): string {
  if (hit.kind === 'gap') return t('standing.gap', { cause: causeText(t, hit.gap.cause) });
  if (hit.kind === 'gaps') return t('standing.gaps', { count: hit.count });
  return t(`standing.${hit.kind === 'event' ? 'recorded' : hit.kind}`);
}
