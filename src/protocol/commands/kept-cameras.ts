import { z } from 'zod';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field, TIME_AT_MAX } from './fields.ts';

/** How a camera and the node stand to each other. */
export const CAMERA_STATES = ['unknown', 'reached', 'unreachable', 'unauthorized', 'foreign', 'malformed'] as const;

const clockShape = z.object({
  offsetMs: z.int().min(-TIME_AT_MAX).max(TIME_AT_MAX).meta({ description: 'camera minus node' }),
  uncertaintyMs: field.count().meta({ description: 'how wrong that may be' }),
  at: field.at().meta({ description: 'of that measurement' }),
  by: z.enum(['onvif', 'rtcp']),
  driftMsPerDay: z
    .number()
    .min(-1e9)
    .max(1e9)
    .nullable()
    .meta({ description: 'how fast it runs away from the node’s; null before an hour was seen' }),
  alarm: z.boolean().meta({ description: 'past the limit of the configuration' }),
});

const abilitiesShape = z.object({
  snapshot: z.boolean(),
  ptz: z.boolean(),
  ptzAbsolute: z.boolean().meta({ description: '`ptz.goto` works' }),
  presetsMax: z.int().min(0).max(65_535),
  imaging: z.boolean(),
  events: z.boolean(),
  recordings: z.boolean().meta({ description: 'it keeps recordings of its own' }),
});

const identityShape = z.object({
  manufacturer: field.label().optional(),
  model: field.label().optional(),
  firmware: field.label().optional(),
  hardwareId: field.label().optional().meta({ description: 'serial number; told to admins and owners only' }),
  endpoint: field.label().optional().meta({ description: 'its name in WS-Discovery; told to admins and owners only' }),
});

/** One camera, as the node knows it. */
export const camerasView = command({
  name: 'cameras.view',
  version: 1,
  about:
    'What the node knows of the camera of a source that it speaks ONVIF with: who it is, what it can do, its clock.',
  params: z.strictObject({ source: field.sourceId() }),
  result: z.object({
    source: field.source(),
    state: z.enum(CAMERA_STATES).meta({
      description: '`unknown`: no answer yet; `foreign`: another camera answers there, and is not recorded',
    }),
    since: field.at().meta({ description: 'when it entered this state' }),
    identity: identityShape.nullable().meta({ description: 'null before it said who it is' }),
    abilities: abilitiesShape.nullable(),
    eventsConnected: z.boolean().meta({ description: 'it tells the node what happens in front of it' }),
    clock: clockShape.nullable().meta({ description: 'null before it was measured' }),
  }),
  notes: [
    '`ERR_CAMERAS_NONE` (`missing`): the source has no `onvif` in the configuration, or the node has yet to begin.',
  ],
  example: {
    params: { source: 'yard' as SourceId },
    result: {
      source: 'yard',
      state: 'reached' as const,
      since: 1795000000000,
      identity: { manufacturer: 'Example', model: 'IPC-2', firmware: '1.4.2' },
      abilities: {
        snapshot: true,
        ptz: true,
        ptzAbsolute: true,
        presetsMax: 100,
        imaging: true,
        events: true,
        recordings: false,
      },
      eventsConnected: true,
      clock: {
        offsetMs: -340,
        uncertaintyMs: 40,
        at: 1795000000000,
        by: 'onvif' as const,
        driftMsPerDay: -85.5,
        alarm: false,
      },
    },
  },
});

/** A camera's own clock. */
export const camerasTime = command({
  name: 'cameras.time',
  version: 1,
  about: 'Asks a camera for its time, after setting its clock or naming it a time server where that is wished.',
  params: z.strictObject({
    source: field.sourceId(),
    set: z
      .union([
        z.enum(['clock']),
        z.strictObject({
          server: z
            .string()
            .min(1)
            .max(253)
            .regex(/^(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63})*\.?|[0-9A-Fa-f:]{2,39})$/)
            .meta({ description: 'host name or address of an NTP server, as the camera reaches it' }),
        }),
      ])
      .optional()
      .meta({ description: '`clock`: to the node’s time; needs the action `configure`, as a server does' }),
  }),
  result: z.object({
    cameraAt: field.at().meta({ description: 'what its clock said' }),
    nodeAt: field.at().meta({ description: 'what the node’s said at that moment' }),
    uncertaintyMs: field
      .count()
      .meta({ description: 'how wrong the difference may be; most cameras tell whole seconds' }),
  }),
  notes: ['Setting is told in the audit log. Recordings are not touched: the timeline is always the node’s time.'],
  example: {
    params: { source: 'yard' as SourceId, set: 'clock' },
    result: { cameraAt: 1795000000000, nodeAt: 1795000000120, uncertaintyMs: 512 },
  },
});
