import { z } from 'zod';
import { CAMERA_EVENT_KINDS, RECORD_MODES } from '../camera-event.ts';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field } from './fields.ts';
import { credential } from './source-changes.ts';

/** Most spans of a week that are told. */
const SPANS_MAX = 256;
/** Minutes of a week. */
const WEEK_MINUTES = 10_080;

const minute = () => z.int().min(0).max(WEEK_MINUTES);
/** Characters of a URL: visible ASCII that JSON need not escape. */
const url = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[!#-[\]-~]+$/);

/** What is configured of a source. */
export const sourcesSettings = command({
  name: 'sources.settings',
  version: 1,
  about:
    'How a source is configured, for a form that changes it. Whether it has a password is told, the password never.',
  params: z.strictObject({ source: field.sourceId() }),
  result: z.object({
    source: field.source(),
    name: field.label(),
    enabled: z.boolean(),
    virtual: z.boolean().meta({ description: 'the generated camera; it has no address' }),
    url: url(2048).optional().meta({ description: 'without credentials' }),
    sub: url(2048).optional(),
    username: credential().optional(),
    password: z.boolean().meta({ description: 'one is stored' }),
    onvif: url(512).optional(),
    hardware: field.label().optional(),
    find: z.boolean(),
    transport: z.enum(['auto', 'tcp', 'udp']),
    reader: z.enum(['auto', 'own', 'ffmpeg']),
    audio: z.enum(['auto', 'copy', 'none']),
    record: z.object({ main: z.enum(RECORD_MODES), sub: z.enum(RECORD_MODES) }),
    schedule: z
      .array(z.object({ from: minute(), until: minute() }))
      .max(SPANS_MAX)
      .nullable()
      .meta({ description: 'minutes of the week from Monday 00:00 in `timezone`; null: always' }),
    timezone: url(64),
    on: z.array(z.enum(CAMERA_EVENT_KINDS)).max(CAMERA_EVENT_KINDS.length),
    beforeMs: field.count(),
    afterMs: field.count(),
    keepMs: field.count().nullable().meta({ description: 'null: as the node keeps everything' }),
    size: z
      .union([z.object({ bytes: field.count() }), z.object({ share: z.number().min(0).max(1) })])
      .nullable()
      .meta({ description: 'most bytes, or share of the volume; null: no limit of its own' }),
  }),
  notes: ['An id that is not configured is `ERR_DAEMON_SOURCE_MISSING` (`missing`).'],
  example: {
    params: { source: 'yard' as SourceId },
    result: {
      source: 'yard',
      name: 'Yard',
      enabled: true,
      virtual: false,
      url: 'rtsp://192.168.1.21/stream1',
      username: 'viewer',
      password: true,
      onvif: 'http://192.168.1.21/onvif/device_service',
      hardware: 'DS-2CD2042',
      find: true,
      transport: 'auto',
      reader: 'auto',
      audio: 'auto',
      record: { main: 'event', sub: 'always' },
      schedule: null,
      timezone: 'Europe/Madrid',
      on: ['motion'],
      beforeMs: 10_000,
      afterMs: 10_000,
      keepMs: 1_209_600_000,
      size: null,
    },
  },
});

export type SourcesSettingsResult = z.output<typeof sourcesSettings.result>;
