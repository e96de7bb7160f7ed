import { z } from 'zod';
import { RECORDING_STATES } from '../camera-event.ts';
import { field } from './fields.ts';

/** What a recorder is doing. `running` is said only after the first keyframe arrived. */
export const RECORDER_STATES = ['starting', 'running', 'stalled', 'backoff', 'disabled', 'failed'] as const;

export type RecorderState = (typeof RECORDER_STATES)[number];

/** Most sources on one page of states; two streams each still fit a reply. */
export const STATES_PAGE_MAX = 24;

/** Most that is told of an offset or a drift, ms: a camera without a battery is 55 years behind. */
export const CLOCK_MS_MAX = 2 ** 42;

const codec = () =>
  z
    .string()
    .max(64)
    .regex(/^[!#-[\]-~]*$/);
const span = () => z.int().min(-CLOCK_MS_MAX).max(CLOCK_MS_MAX);

/** What the recorder of one stream does, and how its picture comes. */
export const streamStateShape = z.object({
  source: field.source(),
  stream: field.streamName(),
  state: z.enum(RECORDER_STATES),
  since: field.at().meta({ description: 'when it entered this state' }),
  recording: z.enum(RECORDING_STATES).optional().meta({
    description:
      'what happens to pictures that come now: stored (`yes`; `event`, while one goes on; `unsure`: nobody can tell of events, so all is stored), or only shown (`schedule`: not at this time; `waiting` for an event; `never`)',
  }),
  cause: field.cause().optional().meta({ description: 'why it does not run, or why it last ended' }),
  reason: z
    .string()
    .max(200)
    .regex(/^[\x20-\x7e]*$/)
    .optional()
    .meta({ description: 'for people; told to admins and owners only' }),
  restarts: field.count().meta({ description: 'runs begun after the first, in this life of the node' }),
  retryAt: field.at().optional().meta({ description: 'next try, in states `backoff` and `failed`' }),
  lastFragmentAt: field.at().optional().meta({ description: 'when the last fragment arrived' }),
  reader: z.enum(['own', 'ffmpeg']).optional().meta({ description: 'what reads the camera' }),
  transport: z.enum(['tcp', 'udp']).optional().meta({ description: 'how the camera sends' }),
  certificate: field
    .hex(32)
    .optional()
    .meta({ description: 'rtsps: SHA-256 of the certificate the camera shows; told to admins and owners only' }),
  bitsPerSecond: field.count().optional().meta({ description: 'lately, sound and picture together' }),
  framesPerSecond: z.number().min(0).max(1000).optional().meta({ description: 'lately' }),
  gopMs: field.count().optional().meta({ description: 'between the last two keyframes' }),
  picture: z
    .object({ codec: codec(), width: field.count(), height: field.count() })
    .optional()
    .meta({ description: 'of the current run' }),
  sound: z
    .object({ treatment: z.enum(['copy', 'transcode', 'none']), codec: codec().optional() })
    .optional()
    .meta({ description: 'of the current run: copied as it comes, transcoded, or none' }),
  lost: z
    .object({
      fragments: field.count().meta({ description: 'that could not be used' }),
      packets: field.count().meta({ description: 'that did not arrive' }),
      held: field.count().meta({ description: 'fragments that memory could not hold until an event' }),
    })
    .optional()
    .meta({ description: 'in this life of the node' }),
  clock: z
    .object({
      offsetMs: span().meta({ description: "the camera's clock minus the node's, as measured last" }),
      driftMsPerDay: span().optional().meta({ description: 'how fast it runs away; absent before an hour was seen' }),
      alarm: z.boolean().meta({ description: 'it is off by more than the configuration allows' }),
    })
    .optional()
    .meta({ description: 'of the camera' }),
});
