import { z } from 'zod';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field } from './fields.ts';
import { cameraUrl, credential, serviceUrl } from './source-changes.ts';

/** Most streams of a camera that are told; a reply with that many, and all the rest, still fits. */
export const TESTED_STREAMS_MAX = 16;
/** Longest URL of a stream that is told. */
export const TESTED_URL_MAX = 400;
/** Most sentences of advice, and the longest. */
export const ADVICE_MAX = 12;
export const ADVICE_LENGTH_MAX = 200;

/** Why a camera did not answer as wished: causes of gaps as far as a stream is concerned, and what ONVIF says beside. */
export const TEST_TROUBLES = [
  'unreachable',
  'unauthorized',
  'unsupported',
  'malformed',
  'refused',
  'cancelled',
  'stalled',
  'ended',
  'timeout',
  'unknown',
] as const;

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\x20-\x7e]*$/);
const trouble = {
  cause: z.enum(TEST_TROUBLES).optional(),
  reason: text(200).optional().meta({ description: 'for people' }),
};
const codec = z.enum(['h264', 'h265', 'other']);
const side = z.int().min(0).max(65_535);

const onvifShape = z.object({
  ok: z.boolean().meta({ description: 'it said who it is' }),
  ...trouble,
  identity: z
    .object({
      hardwareId: field.label(),
      manufacturer: field.label().nullable(),
      model: field.label().nullable(),
      firmware: field.label().nullable(),
    })
    .optional(),
  expected: z.boolean().optional().meta({ description: 'false: it is not the camera that is configured here' }),
  streams: z
    .array(
      z.object({
        name: field.label().nullable(),
        codec,
        width: side,
        height: side,
        fps: z.number().min(0).max(1000).nullable(),
        audio: z.boolean(),
        url: text(TESTED_URL_MAX),
      }),
    )
    .max(TESTED_STREAMS_MAX)
    .meta({ description: 'largest picture first' }),
  abilities: z
    .array(z.enum(['media2', 'snapshot', 'ptz', 'imaging', 'events', 'recordings']))
    .max(8)
    .meta({ description: 'what it says it can do' }),
  snapshot: z.boolean().optional().meta({ description: 'it gave a picture by HTTP' }),
  clockOffsetMs: z.int().optional().meta({ description: "the camera's clock minus the node's" }),
});

const streamShape = z.object({
  stream: field.streamName(),
  ok: z.boolean().meta({ description: 'a whole picture arrived' }),
  ...trouble,
  codec: codec.optional(),
  size: z.object({ width: side, height: side }).optional(),
  fps: z.number().min(0).max(1000).optional().meta({ description: 'as far as one stretch of it tells' }),
  audio: z.boolean().optional(),
  transport: z.enum(['tcp', 'udp']).optional(),
  ms: field.count().optional().meta({ description: 'from the beginning to the first picture' }),
});

/** Tries a camera before it is configured, or as it is. */
export const sourcesTest = command({
  name: 'sources.test',
  version: 1,
  about:
    'Tries a camera and tells what came of it: who answers by ONVIF and what it offers, and whether a picture comes from each stream. Nothing is stored and nothing is changed.',
  params: z.strictObject({
    source: field
      .sourceId()
      .optional()
      .meta({ description: 'a configured source: its addresses and credentials, where others are not given' }),
    url: cameraUrl().optional(),
    sub: cameraUrl().nullable().optional(),
    username: credential().min(1).optional(),
    password: credential().optional(),
    onvif: z
      .union([z.literal(true), serviceUrl()])
      .nullable()
      .optional(),
    transport: z.enum(['auto', 'tcp', 'udp']).optional(),
  }),
  result: z.object({
    onvif: onvifShape.optional().meta({ description: 'absent where it was not tried' }),
    streams: z.array(streamShape).max(2),
    picture: field.streamName().optional().meta({ description: 'the stream whose picture follows' }),
    advice: z.array(text(ADVICE_LENGTH_MAX)).max(ADVICE_MAX).meta({ description: 'for people' }),
  }),
  data: 'With `picture`: two units, the init segment (mark 2) and the first fragment (mark 1), which begins with a keyframe.',
  notes: [
    'Stored credentials are used for the hosts they were given for and nowhere else: with another scheme, host or port they must be given (`ERR_DAEMON_CREDENTIALS`).',
    'A stream has 15 seconds for its picture, the whole test 40. Four tests run at once (`ERR_DAEMON_TESTS`).',
    'Further errors: `ERR_DAEMON_SOURCE_MISSING`, `ERR_DAEMON_SOURCE_REFUSED` (there is nothing to try, or it makes no sense).',
  ],
  example: {
    params: { source: 'yard' as SourceId },
    result: {
      onvif: {
        ok: true,
        identity: { hardwareId: 'DS-0042', manufacturer: 'Acme', model: 'IPC-2', firmware: '1.4.0' },
        expected: true,
        streams: [
          {
            name: 'mainStream',
            codec: 'h264',
            width: 1920,
            height: 1080,
            fps: 25,
            audio: false,
            url: 'rtsp://192.168.1.21/stream1',
          },
        ],
        abilities: ['snapshot', 'events'],
        snapshot: true,
        clockOffsetMs: -340,
      },
      streams: [
        {
          stream: 'main',
          ok: true,
          codec: 'h264',
          size: { width: 1920, height: 1080 },
          fps: 25,
          audio: false,
          transport: 'tcp',
          ms: 640,
        },
      ],
      picture: 'main',
      advice: ['there is no sub stream: grids of many cameras are lighter with one'],
    },
  },
});

export type SourcesTestResult = z.output<typeof sourcesTest.result>;
