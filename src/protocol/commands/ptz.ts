import { z } from 'zod';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field } from './fields.ts';

/** Longest time one `ptz.move` goes on by itself, ms. */
export const PTZ_FOR_MS_MAX = 2_000;

/** Most presets of one camera that are told. */
export const PTZ_PRESETS_MAX = 128;

const source = () => field.sourceId();
const lease = () => field.hex(8).meta({ description: 'as given by `ptz.hold` on this channel' });
const speed = (about: string) => z.number().min(-1).max(1).default(0).meta({ description: about });
const token = () => field.label().meta({ description: 'names a preset for the camera' });
const sent = { sent: z.boolean().meta({ description: 'false: a newer wish came first' }) };
const vectorShape = z.object({
  pan: z.number().min(-1).max(1),
  tilt: z.number().min(-1).max(1),
  zoom: z.number().min(0).max(1).meta({ description: '0: widest' }),
});

/** The right to steer, for as long as the stream is open. */
export const ptzHold = command({
  name: 'ptz.hold',
  version: 1,
  about:
    'Takes the lease of a camera that moves. It lasts as long as this stream: whatever ends the stream stops the head at once and gives the lease back.',
  params: z.strictObject({
    source: source(),
    take: z
      .boolean()
      .optional()
      .meta({ description: 'true: take it from whoever holds it; needs the action `configure` as well' }),
  }),
  result: z.object({ lease: lease(), since: field.at() }),
  events: {
    'ptz.lost': {
      about: 'The lease has ended without the holder; the stream ends after it.',
      params: z.object({
        reason: z.enum(['taken', 'idle', 'removed', 'closing']).meta({
          description:
            '`taken`: by another device, or by this one on another channel; `idle`: nothing was asked with it for 60 s; `removed`: the camera is not kept any more; `closing`: the node stops',
        }),
      }),
    },
  },
  notes: [
    'One device holds a camera at a time; another gets `ERR_CAMERAS_PTZ_HELD` (`conflict`) and learns from `ptz.status` who it is and since when. A device may always take it from itself.',
    'The head goes on to a place (`ptz.goto`, `ptz.recall`) by itself where the stream is ended by the holder, or lost; it is stopped where the lease is taken, or the right is.',
    'Taking a lease is told in the audit log; single moves are not.',
  ],
  example: { params: { source: 'yard' as SourceId }, result: { lease: '00112233445566aa', since: 1795000000000 } },
});

/** One step of steering. */
export const ptzMove = command({
  name: 'ptz.move',
  version: 1,
  about:
    'Moves the head at a speed for a short time; it then stops unless another `ptz.move` came. Answered when the camera took it.',
  params: z.strictObject({
    source: source(),
    lease: lease(),
    pan: speed('right is positive'),
    tilt: speed('up is positive'),
    zoom: speed('in is positive'),
    forMs: z.int().min(100).max(PTZ_FOR_MS_MAX).default(1_000),
  }),
  result: z.object(sent),
  notes: [
    'Asked again before `forMs` is over it goes on without a stop. No speed at all is a stop.',
    'The camera is sent at most 20 moves a second, one at a time; the newest wish replaces those that wait, which are answered with `sent: false`.',
    'The camera is given the same time as its own limit, but no less than a second. A stop that it does not confirm is said three times; then `ERR_CAMERAS_PTZ_UNSTOPPED` (`unavailable`) and a line in the log tell of it.',
    '`ERR_CAMERAS_PTZ_LEASE` (`conflict`): the lease has ended.',
  ],
  example: {
    params: { source: 'yard' as SourceId, lease: '00112233445566aa', pan: 0.5, tilt: -0.1, zoom: 0, forMs: 500 },
    result: { sent: true },
  },
});

/** The end of a move. */
export const ptzStop = command({
  name: 'ptz.stop',
  version: 1,
  about: 'Stops the head, wherever it is going. Answered when the camera has confirmed it.',
  params: z.strictObject({ source: source(), lease: lease() }),
  result: z.object({}),
  notes: ['`ERR_CAMERAS_PTZ_UNSTOPPED` (`unavailable`): it was told three times and did not confirm it.'],
  example: { params: { source: 'yard' as SourceId, lease: '00112233445566aa' }, result: {} },
});

/** A place by numbers. */
export const ptzGoto = command({
  name: 'ptz.goto',
  version: 1,
  about: 'Goes to a position. Answered when the camera took it, which is before it has arrived.',
  params: z.strictObject({
    source: source(),
    lease: lease(),
    position: z.strictObject({
      pan: z.number().min(-1).max(1),
      tilt: z.number().min(-1).max(1),
      zoom: z.number().min(0).max(1),
    }),
  }),
  result: z.object(sent),
  example: {
    params: {
      source: 'yard' as SourceId,
      lease: '00112233445566aa',
      position: { pan: 0.25, tilt: 0, zoom: 0 },
    },
    result: { sent: true },
  },
});

/** A place by its name. */
export const ptzRecall = command({
  name: 'ptz.recall',
  version: 1,
  about: 'Goes to a preset. Answered when the camera took it, which is before it has arrived.',
  params: z.strictObject({ source: source(), lease: lease(), preset: token() }),
  result: z.object(sent),
  example: {
    params: { source: 'yard' as SourceId, lease: '00112233445566aa', preset: '3' },
    result: { sent: true },
  },
});

/** The places a camera knows. */
export const ptzPresets = command({
  name: 'ptz.presets',
  version: 1,
  about: 'The presets of a camera, in its own order. Those whose token cannot be shown to people are left out.',
  params: z.strictObject({ source: source() }),
  result: z.object({
    presets: z
      .array(z.object({ preset: token(), name: field.label().optional().meta({ description: 'for people' }) }))
      .max(PTZ_PRESETS_MAX),
  }),
  example: { params: { source: 'yard' as SourceId }, result: { presets: [{ preset: '3', name: 'Gate' }] } },
});

/** Keeps a place. */
export const ptzSave = command({
  name: 'ptz.save',
  version: 1,
  about: 'Keeps where the head looks now as a preset. Needs no lease, but is refused while another device holds it.',
  params: z.strictObject({
    source: source(),
    name: field.label(),
    preset: token().optional().meta({ description: 'to replace; absent: a new one' }),
  }),
  result: z.object({ preset: token() }),
  example: { params: { source: 'yard' as SourceId, name: 'Gate' }, result: { preset: '3' } },
});

/** Forgets a place. */
export const ptzForget = command({
  name: 'ptz.forget',
  version: 1,
  about: 'Removes a preset. Needs no lease, but is refused while another device holds it.',
  params: z.strictObject({ source: source(), preset: token() }),
  result: z.object({}),
  example: { params: { source: 'yard' as SourceId, preset: '3' }, result: {} },
});

/** Where it looks, and who steers. */
export const ptzStatus = command({
  name: 'ptz.status',
  version: 1,
  about: 'Where the head looks, whether it moves, and who steers it.',
  params: z.strictObject({ source: source() }),
  result: z.object({
    position: vectorShape.nullable().meta({ description: 'null where the camera does not tell' }),
    moving: z.boolean().nullable().meta({ description: 'null where the camera does not tell' }),
    holder: z
      .object({
        self: z.boolean().meta({ description: 'the asking device' }),
        since: field.at(),
        device: field.deviceKey().optional().meta({ description: 'told to admins and owners only' }),
        label: field.label().optional().meta({ description: 'told to admins and owners only' }),
      })
      .nullable(),
    unstopped: z.boolean().meta({ description: 'it did not confirm the last stop: somebody should look' }),
  }),
  example: {
    params: { source: 'yard' as SourceId },
    result: {
      position: { pan: 0.25, tilt: 0, zoom: 0 },
      moving: false,
      holder: { self: true, since: 1795000000000 },
      unstopped: false,
    },
  },
});
