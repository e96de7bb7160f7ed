import { z } from 'zod';
import { isNvrError } from '../../errors.ts';
import { parseCameraUrl } from '../../media/index.ts';
import { CAMERA_EVENT_KINDS, RECORD_MODES } from '../camera-event.ts';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field } from './fields.ts';

/** A camera's URL by the one strict parser; its objection names a rule and never repeats the URL. */
export const cameraUrl = () =>
  z
    .string()
    .min(1)
    .max(2048)
    .superRefine((text, context) => {
      try {
        parseCameraUrl(text);
      } catch (error) {
        if (!isNvrError(error, 'invalid')) throw error;
        context.addIssue({ code: 'custom', message: error.message.replace(/^expected /, '') });
      }
    });
/** A user name or password: any text on one line. */
export const credential = () =>
  z
    .string()
    .max(128)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u);

/** A length such as `5s`. */
const length = () =>
  z
    .string()
    .min(2)
    .max(16)
    .regex(/^[0-9.]+(?:ms|s|m|h|d)$/);
/** An http address; the node checks it as it checks its configuration. */
export const serviceUrl = () =>
  z
    .string()
    .min(8)
    .max(512)
    .regex(/^https?:\/\/[!#-[\]-~]+$/);
/** Most texts of one schedule. */
const SCHEDULE_MAX = 32;

/** Adds a camera, or changes what is said of it. */
export const sourcesUpsert = command({
  name: 'sources.upsert',
  version: 1,
  about:
    'Adds a camera, or changes a configured one: fields that are absent stay as they are, null takes a field back. The node checks everything first, writes its config.yaml, then begins or restarts this source alone, and only if something changed that its recorder goes by.',
  params: z.strictObject({
    source: field.sourceId(),
    expect: z
      .enum(['new', 'known'])
      .optional()
      .meta({ description: 'refuses to change a source that is there, or to add one that is not' }),
    name: field.label().nullable().optional().meta({ description: 'for people' }),
    enabled: z.boolean().optional().meta({ description: 'false keeps the recordings and records nothing new' }),
    url: cameraUrl().optional().meta({ description: 'main stream, `rtsp` or `rtsps`; needed for a new source' }),
    sub: cameraUrl().nullable().optional().meta({ description: 'the small picture' }),
    username: credential()
      .min(1)
      .nullable()
      .optional()
      .meta({ description: 'null forgets the password too; another name without a password has none' }),
    password: credential().optional().meta({ description: 'sealed on the node and told to nobody' }),
    onvif: z
      .union([z.literal(true), serviceUrl()])
      .nullable()
      .optional()
      .meta({ description: 'where its ONVIF device service is; true: at the usual place of the host of `url`' }),
    hardware: field
      .label()
      .nullable()
      .optional()
      .meta({ description: 'who must answer there; null: whoever does next, which is then written down' }),
    find: z
      .boolean()
      .optional()
      .meta({ description: 'look for it by its hardware id where it does not answer any more' }),
    transport: z.enum(['auto', 'tcp', 'udp']).optional(),
    reader: z.enum(['auto', 'own', 'ffmpeg']).optional().meta({ description: 'what reads the camera' }),
    audio: z.enum(['auto', 'copy', 'none']).optional(),
    record: z
      .union([
        z.enum(RECORD_MODES),
        z.strictObject({ main: z.enum(RECORD_MODES).optional(), sub: z.enum(RECORD_MODES).optional() }),
      ])
      .nullable()
      .optional()
      .meta({ description: 'when it is recorded while `schedule` allows it; `event` needs `onvif`' }),
    schedule: z
      .array(z.string().min(3).max(80))
      .min(1)
      .max(SCHEDULE_MAX)
      .nullable()
      .optional()
      .meta({ description: "times of the week in the node's time zone, such as `mon-fri 08:00-18:00`; null: always" }),
    on: z
      .array(z.enum(CAMERA_EVENT_KINDS))
      .min(1)
      .max(CAMERA_EVENT_KINDS.length)
      .nullable()
      .optional()
      .meta({ description: 'with `event`: what starts a recording' }),
    before: length()
      .nullable()
      .optional()
      .meta({ description: 'with `event`: how much before it is kept, `0s` to `30s`' }),
    after: length().nullable().optional().meta({ description: 'with `event`: how much after it, `1s` to `10m`' }),
    keep: length()
      .nullable()
      .optional()
      .meta({ description: 'recordings of this source are kept so long, such as `14d`' }),
    size: z
      .string()
      .min(2)
      .max(24)
      .regex(/^[0-9.]+(?:%|[kMGT]i?B|B)$/)
      .nullable()
      .optional()
      .meta({ description: 'most bytes of this source, such as `100GB`, or a share of the volume, such as `20%`' }),
  }),
  result: z.object({
    created: z.boolean(),
    changed: z.boolean().meta({ description: 'false: everything was so already, nothing was written' }),
    restarted: z.boolean().meta({ description: 'its recorder began, or began anew' }),
  }),
  notes: [
    'Credentials inside a URL are taken out of it, as if they had been given apart.',
    'Stored credentials are sent to the hosts they were given for and nowhere else: a URL with another scheme, host or port wants `password` again, or `username` null (`ERR_DAEMON_CREDENTIALS`). `onvif` may name another port of a host they were given for.',
    'An id that was used before gets its old stream ids and so its old recordings back.',
    'Further errors: `ERR_DAEMON_SOURCE_MISSING` and `ERR_DAEMON_SOURCE_KNOWN` (against `expect`), `ERR_DAEMON_SOURCE_REFUSED` (the configuration would have mistakes), `ERR_DAEMON_CONFIG_BROKEN` (config.yaml was changed by hand and has mistakes), `ERR_DAEMON_CONFIG_WRITE` (it could not be written; nothing has changed).',
  ],
  example: {
    params: {
      source: 'yard' as SourceId,
      expect: 'new',
      name: 'Yard',
      url: 'rtsp://192.168.1.21/stream1',
      username: 'viewer',
      password: 'not this one',
      onvif: true,
      record: 'event',
      before: '10s',
      keep: '14d',
    },
    result: { created: true, changed: true, restarted: true },
  },
});

/** Takes a source out of the configuration. */
export const sourcesRemove = command({
  name: 'sources.remove',
  version: 1,
  about:
    'Takes a source out of the configuration. Its recorder is stopped in order; what it recorded stays until retention forgets it.',
  params: z.strictObject({ source: field.sourceId() }),
  result: z.object({ removed: z.boolean().meta({ description: 'false: no such source is configured' }) }),
  notes: ['The errors of `sources.upsert`, as far as they concern config.yaml.'],
  example: { params: { source: 'yard' as SourceId }, result: { removed: true } },
});

export type SourcesUpsertResult = z.output<typeof sourcesUpsert.result>;
