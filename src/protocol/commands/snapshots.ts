import { z } from 'zod';
import { command } from './command.ts';
import { field, tracksShape } from './fields.ts';

/** Most snapshots that one channel is being sent at once. */
export const SNAPSHOTS_MAX = 4;

/** A picture of now. */
export const snapshotsGet = command({
  name: 'snapshots.get',
  version: 1,
  about:
    'A picture of now: a JPEG from the camera itself, or the newest keyframe of a stream, which the viewer decodes. Nothing of it is kept by the node.',
  params: z.strictObject({
    source: field.sourceId(),
    from: z.enum(['camera', 'live']).default('camera'),
    stream: field.streamName().default('main').meta({ description: 'of `live`' }),
  }),
  result: z.object({
    source: field.source(),
    from: z.enum(['camera', 'live']),
    at: field
      .at()
      .meta({ description: '`camera`: when it had come; `live`: wall time of the keyframe. Node’s clock, both' }),
    size: field.count().meta({ description: 'bytes that follow as DATA' }),
    tracks: tracksShape.meta({ description: 'of `live`; empty for `camera`' }),
  }),
  data: '`camera`: one unit, the JPEG (at most 8 MiB). `live`: two units, the init segment (mark `init`) and the fragment that begins with the newest keyframe (mark `keyframe`).',
  notes: [
    '`camera`: whoever asks within a second gets the same picture; a camera is asked for two at once at most, all of them for eight (`ERR_CAMERAS_SNAPSHOTS`, `exhausted`).',
    '`live`: where no picture came within ten seconds, `ERR_COMMANDS_NO_PICTURE` (`unavailable`).',
    'One channel gets four at once (`ERR_COMMANDS_SNAPSHOTS`, `exhausted`). The audit log tells of the first of an hour, as of live viewing.',
    'Of a recorded moment: `range.read` and `segments.get` give what is needed (../formats/cnv.md); the node does not open recordings.',
  ],
  example: {
    params: { source: 'front', from: 'camera' },
    result: { source: 'front', from: 'camera' as const, at: 1795000000000, size: 184_213, tracks: [] },
  },
});

export type SnapshotsGetResult = z.output<typeof snapshotsGet.result>;
