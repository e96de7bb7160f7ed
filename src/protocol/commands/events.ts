import { z } from 'zod';
import { CAMERA_EVENT_KINDS } from '../camera-event.ts';
import { command } from './command.ts';
import { field, TIME_AT_MAX } from './fields.ts';

/** Most events on one page of `events.list`, and most that are told as going on by `events.watch`. */
export const EVENTS_PAGE_MAX = 96;

/** Most sources one query names. */
export const EVENT_SOURCES_MAX = 64;

/** Most watches of one channel. */
export const EVENT_WATCHES_MAX = 4;

/** Most changes told to one watch in a second; beyond, they are counted. */
export const EVENT_CHANGES_SECOND_MAX = 64;

const kind = () => z.enum(CAMERA_EVENT_KINDS);
const wish = {
  sources: z
    .array(field.sourceId())
    .min(1)
    .max(EVENT_SOURCES_MAX)
    .optional()
    .meta({ description: 'absent: all that the device may know of. Others have no events' }),
  kinds: z.array(kind()).min(1).max(CAMERA_EVENT_KINDS.length).optional().meta({ description: 'absent: all' }),
};

/** Something a camera told of, from when to when. */
export const eventShape = z.object({
  id: field.count().meta({ description: 'the same while it goes on and when it has ended' }),
  source: field.source(),
  kind: kind().meta({ description: '`line`: somebody crossed a line or entered a region; `input`: a digital input' }),
  name: field.label().optional().meta({ description: 'region, line or input, where the camera names it' }),
  startAt: field.at().meta({ description: "by the node's clock" }),
  endAt: field.at().nullable().meta({ description: 'null while it goes on; equal to `startAt` for a moment' }),
  endedBy: z.enum(['camera', 'lost', 'restart']).optional().meta({
    description: '`lost`: nobody knows how it went on, for the camera told nothing more; `restart`: the node stopped',
  }),
  initial: z.boolean().optional().meta({ description: 'true where it went on already when the node began to listen' }),
  count: field.count().meta({ description: 'how often the camera told of it; repetitions within two seconds are one' }),
  cameraStartAt: field.at().optional().meta({ description: "by the camera's own clock, as far as that is known" }),
  cameraEndAt: field.at().optional(),
  cameraUncertaintyMs: field
    .count()
    .optional()
    .meta({ description: 'the camera did not say its time: it was worked out, and may be so much off' }),
});

const orderRule = { path: ['to'], error: 'a time that is not before from' };

/** Events of cameras by time. */
export const eventsList = command({
  name: 'events.list',
  version: 1,
  about: 'Events of cameras whose time touches [from, to), by their beginning.',
  params: z
    .strictObject({
      ...wish,
      from: field.at().default(0),
      to: field.at().default(TIME_AT_MAX),
      order: z.enum(['oldest', 'newest']).default('newest').meta({ description: 'which comes first' }),
      limit: z.int().min(1).max(EVENTS_PAGE_MAX).default(50),
      cursor: field
        .cursor()
        .optional()
        .meta({ description: 'as given by the page before, with the same other fields' }),
    })
    .refine((asked) => asked.from <= asked.to, orderRule),
  result: z.object({
    events: z.array(eventShape).max(EVENTS_PAGE_MAX),
    cursor: field.cursor().optional().meta({ description: 'asks for the next page; absent on the last' }),
  }),
  notes: [
    'What began before the look-back of the grant is told as beginning with it.',
    'What stands in the list was told by cameras: it says that a camera saw motion, not that there was any.',
  ],
  example: {
    params: { sources: ['front'], kinds: ['motion'], from: 1795000000000, to: 1795000600000 },
    result: { events: [exampleEvent()] },
  },
});

/** Events of cameras as they come. */
export const eventsWatch = command({
  name: 'events.watch',
  version: 1,
  about: 'What goes on in front of the cameras now, and every beginning and end from here on.',
  params: z.strictObject(wish),
  result: z.object({
    open: z.array(eventShape).max(EVENTS_PAGE_MAX).meta({ description: 'what goes on now, oldest first' }),
    complete: z.boolean().meta({ description: 'false: more goes on than is told' }),
  }),
  events: {
    'events.changed': {
      about:
        'An event began (`endAt` null), ended, or goes on again; a moment comes once, or again where it is repeated.',
      params: eventShape,
    },
    'events.missed': {
      about: 'More happened in a second than is told; `events.list` has it.',
      params: z.object({ count: field.count() }),
    },
  },
  notes: [
    `It ends by CANCEL. A channel has at most ${EVENT_WATCHES_MAX} of them, more are refused with \`ERR_COMMANDS_WATCHES\`.`,
    `At most ${EVENT_CHANGES_SECOND_MAX} changes are told in a second.`,
  ],
  example: { params: {}, result: { open: [{ ...exampleOpen() }], complete: true } },
});

export type EventFacts = z.output<typeof eventShape>;
export type EventsListResult = z.output<typeof eventsList.result>;
export type EventsWatchResult = z.output<typeof eventsWatch.result>;

function exampleOpen() {
  return { id: 7, source: 'front', kind: 'motion' as const, startAt: 1795000030120, endAt: null, count: 1 };
}

function exampleEvent() {
  return { ...exampleOpen(), endAt: 1795000041870, endedBy: 'camera' as const, count: 3, cameraStartAt: 1795000029000 };
}
