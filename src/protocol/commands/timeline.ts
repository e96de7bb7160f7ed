import { z } from 'zod';
import { command } from './command.ts';
import { field, gapShape, TIME_AT_MAX } from './fields.ts';

/** Most streams one question about time names. */
export const TIMELINE_SOURCES_MAX = 16;
/** Most buckets of `timeline.coverage`. */
export const TIMELINE_BUCKETS_MAX = 1_000;
/** Most exact stretches, and most exact gaps, of all streams of an answer together. */
export const TIMELINE_EXACT_MAX = 360;
/** Most local days of `calendar.days`. */
export const CALENDAR_DAYS_MAX = 400;
/** Most gaps on one page of `gaps.list`. */
export const GAPS_PAGE_MAX = 200;

const octets = () =>
  z
    .string()
    .min(2)
    .max(Math.ceil((TIMELINE_BUCKETS_MAX * 4) / 3))
    .regex(/^[A-Za-z0-9_-]+$/);
const place = { source: field.source(), stream: field.streamName() };
const streams = {
  sources: z
    .array(z.strictObject({ source: field.sourceId(), stream: field.streamName().default('main') }))
    .min(1)
    .max(TIMELINE_SOURCES_MAX)
    .meta({ description: 'those the device may not know of, or that are not there, are left out of the answer' }),
};
const orderRule = { path: ['to'], error: 'a time that is not before from' };
const DAY_MS = 86_400_000;

/** How much of a stretch of time is recorded. */
export const timelineCoverage = command({
  name: 'timeline.coverage',
  version: 1,
  about: 'How much of each part of [from, to) is recorded, for up to 16 streams, in bounded time at any zoom.',
  params: z
    .strictObject({
      ...streams,
      from: field.at(),
      to: field.at(),
      buckets: z.int().min(1).max(TIMELINE_BUCKETS_MAX).meta({ description: 'parts of equal length' }),
    })
    .refine(({ from, to, buckets }) => to - from >= buckets, {
      path: ['to'],
      error: 'a time at least one ms a bucket after from',
    }),
  result: z.object({
    lanes: z
      .array(
        z.object({
          ...place,
          fill: octets().meta({ description: 'one octet a bucket, base64url: 0 nothing, 255 all of it is recorded' }),
          stretches: z
            .int()
            .min(0)
            .max(TIMELINE_EXACT_MAX)
            .optional()
            .meta({ description: 'how many of it stand in `turns`; absent where there are too many' }),
          gaps: z
            .int()
            .min(0)
            .max(TIMELINE_EXACT_MAX)
            .optional()
            .meta({ description: 'how many of it stand in `gaps`; absent where there are too many' }),
          gapCounts: z
            .string()
            .max(TIMELINE_BUCKETS_MAX)
            .regex(/^[0-9a-f]+$/)
            .optional()
            .meta({
              description: 'without `gaps`: how many begin in each bucket, one hex digit each, `f`: 15 or more',
            }),
        }),
      )
      .max(TIMELINE_SOURCES_MAX),
    turns: z
      .array(z.int().min(0).max(TIME_AT_MAX))
      .max(2 * TIMELINE_EXACT_MAX)
      .meta({
        description:
          'the stretches of one lane after the other, two numbers each: ms without recording since the stretch before (the first of a lane: since `from`), ms with',
      }),
    gaps: z
      .array(z.int().min(0).max(TIME_AT_MAX))
      .max(3 * TIMELINE_EXACT_MAX)
      .meta({
        description:
          'the gaps of one lane after the other, oldest first, three numbers each: begin (epoch ms), length in ms (0: it lasts), cause (as in docs/formats/log.md)',
      }),
    at: field.at().meta({ description: "the node's clock: nothing is recorded behind it" }),
  }),
  notes: [
    'Bucket i (from 0) begins at `from` + floor(i × (`to` − `from`) / `buckets`) and ends where the next begins. An octet is 0 only where nothing, and 255 only where everything is recorded; between them it is the share of 255, rounded, and 1 to 254.',
    `Stretches, and likewise gaps, are told one by one of a stream that has at most ${TIMELINE_EXACT_MAX} of them in the range, divided by the streams answered for (rounded down).`,
    'Exact to the ms where a bucket is shorter than five minutes (up to 4,000 stretches) or stretches are told; else recorded time is known in slots of five minutes (of an hour where a bucket is that long) and shared out evenly inside a slot, and a gap is counted where its slot begins.',
    'The segment being recorded counts up to its last synced fragment. What lies before the look-back of the grant is not recorded.',
    'A part that is neither recorded nor in a gap was never recorded, or is forgotten by retention.',
  ],
  example: {
    params: { sources: [{ source: 'front' }], from: 1795000000000, to: 1795000600000, buckets: 4 },
    result: {
      lanes: [
        {
          source: 'front',
          stream: 'main',
          fill: '__8AZg',
          stretches: 2,
          gaps: 1,
        },
      ],
      turns: [0, 300000, 240000, 60000],
      gaps: [1795000300000, 240000, 4],
      at: 1795000700000,
    },
  },
});

/** Which days hold recordings. */
export const calendarDays = command({
  name: 'calendar.days',
  version: 1,
  about: 'Seconds recorded on each local day of a time zone.',
  params: z
    .strictObject({
      ...streams,
      from: field.at(),
      to: field.at(),
      timeZone: z
        .string()
        .min(1)
        .max(64)
        .regex(/^[A-Za-z0-9_+\-/]+$/)
        .meta({ description: 'IANA name, such as `Europe/Madrid`' }),
    })
    .refine(({ from, to }) => from < to && to - from <= CALENDAR_DAYS_MAX * DAY_MS, {
      path: ['to'],
      error: `a time after from, at most ${CALENDAR_DAYS_MAX} days`,
    }),
  result: z.object({
    first: z
      .string()
      .length(10)
      .regex(/^[0-9-]+$/)
      .meta({ description: 'the local day that holds `from`' }),
    days: z
      .int()
      .min(1)
      .max(CALENDAR_DAYS_MAX + 2)
      .meta({ description: 'up to the one that holds the last ms before `to`' }),
    lanes: z
      .array(
        z.object({
          ...place,
          seconds: z
            .array(z.int().min(0).max(172_800))
            .max(CALENDAR_DAYS_MAX + 2)
            .meta({ description: 'of `first` and each day after it' }),
        }),
      )
      .max(TIMELINE_SOURCES_MAX),
  }),
  notes: [
    'Whole local days are told, also where `from` and `to` lie inside them. A day lasts from its first to its last moment by the rules of the zone: 23 or 25 hours where clocks change.',
    'Seconds are rounded, to at least 1 where anything is recorded. An unknown `timeZone` is refused as a param.',
  ],
  example: {
    params: { sources: [{ source: 'front' }], from: 1795000000000, to: 1795100000000, timeZone: 'Europe/Madrid' },
    result: { first: '2026-11-18', days: 2, lanes: [{ source: 'front', stream: 'main', seconds: [41203, 86400] }] },
  },
});

/** Where recordings are missing. */
export const gapsList = command({
  name: 'gaps.list',
  version: 1,
  about: 'Gaps of one stream that touch [from, to), with their causes.',
  params: z
    .strictObject({
      source: field.sourceId(),
      stream: field.streamName().default('main'),
      from: field.at().default(0),
      to: field.at().default(TIME_AT_MAX),
      order: z.enum(['oldest', 'newest']).default('newest').meta({ description: 'which comes first' }),
      lengthMin: field
        .count()
        .max(TIME_AT_MAX)
        .default(0)
        .meta({ unit: 'ms', description: 'shorter ones are passed over; one that lasts is as long as it has lasted' }),
      limit: z.int().min(1).max(GAPS_PAGE_MAX).default(50),
      cursor: field
        .cursor()
        .optional()
        .meta({ description: 'as given by the page before, with the same other fields' }),
    })
    .refine(({ from, to }) => from <= to, orderRule),
  result: z.object({
    ...place,
    gaps: z.array(gapShape).max(GAPS_PAGE_MAX),
    cursor: field.cursor().optional().meta({ description: 'asks for the next page; absent on the last' }),
  }),
  notes: [
    'The node looks at no more than 5,000 gaps for one page: with `lengthMin` a page may hold fewer than `limit`, even none, and still have a `cursor`.',
    'A gap from before the look-back of the grant is told as beginning with it.',
  ],
  example: {
    params: { source: 'front', lengthMin: 60000, limit: 1 },
    result: {
      source: 'front',
      stream: 'main',
      gaps: [{ cause: 'stalled', startAt: 1794999970000, endAt: 1795000090000 }],
      cursor: '1794999970000000.1',
    },
  },
});

export type TimelineCoverageResult = z.output<typeof timelineCoverage.result>;
export type CalendarDaysResult = z.output<typeof calendarDays.result>;
export type GapsListResult = z.output<typeof gapsList.result>;
