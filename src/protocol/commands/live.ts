import { z } from 'zod';
import { command } from './command.ts';
import { field, gapShape, tracksShape } from './fields.ts';

/** Most live subscriptions of one channel. */
export const LIVE_SUBSCRIPTIONS_MAX = 32;

const runShape = z.object({
  run: field.hex(16),
  tracks: tracksShape,
  startAt: field.at().meta({ description: 'wall time of the first sample of the run' }),
});

/** The picture as it comes. */
export const liveSubscribe = command({
  name: 'live.subscribe',
  version: 1,
  about: 'The picture of one stream as it arrives: init segment, then fragments from the newest keyframe on.',
  params: z.strictObject({ source: field.sourceId(), stream: field.streamName().default('main') }),
  result: z.object({
    subscription: field
      .count()
      .meta({ description: 'names this subscription on this channel, for `live.unsubscribe`' }),
    source: field.source(),
    stream: field.streamName(),
    running: z.boolean().meta({ description: 'false: nothing is recorded now; units follow when a run begins' }),
    tracks: tracksShape.meta({ description: 'of the current run; empty while none runs' }),
  }),
  data: 'One unit per init segment (mark `init`) and per fragment (`prft` + `moof` + `mdat`; mark `keyframe` where it starts with one). The first unit is an init segment, the first fragment after it starts with a keyframe.',
  events: {
    'live.run': { about: 'A run begins; the unit after it is its init segment.', params: runShape },
    'live.gap': { about: 'The run ended; units go on when the next one begins.', params: gapShape },
    'live.dropped': {
      about: 'The reader was too slow: fragments were left out, the next one starts with a keyframe.',
      params: z.object({ fragments: field.count() }),
    },
  },
  notes: [
    'It ends by CANCEL, by `live.unsubscribe`, when the source is removed, and when the device loses its right.',
    'What a slow reader has not taken is bounded for each channel, not for each stream; beyond it whole groups of pictures are left out.',
  ],
  example: {
    params: { source: 'front' },
    result: {
      subscription: 1,
      source: 'front',
      stream: 'main',
      running: true,
      tracks: [
        { id: 1, kind: 'video', format: 'avc1', codec: 'avc1.64001f', timescale: 90000, width: 1280, height: 720 },
      ],
    },
  },
});

/** Ends a subscription of the same channel. */
export const liveUnsubscribe = command({
  name: 'live.unsubscribe',
  version: 1,
  about: 'Ends a subscription of the same channel: its stream ends (END). A CANCEL frame on that stream does the same.',
  params: z.strictObject({ subscription: field.count() }),
  result: z.object({ ended: z.boolean().meta({ description: 'false: there was no such subscription (any more)' }) }),
  example: { params: { subscription: 1 }, result: { ended: true } },
});

export type LiveSubscribeResult = z.output<typeof liveSubscribe.result>;
export type LiveRun = z.output<typeof runShape>;
