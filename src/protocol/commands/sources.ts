import { z } from 'zod';
import { isNvrError } from '../../errors.ts';
import { parseCameraUrl } from '../../media/index.ts';
import type { SourceId } from '../ids.ts';
import { command } from './command.ts';
import { field, tracksShape } from './fields.ts';

/** Most sources on one page; two streams with two tracks each still fit a reply. */
export const SOURCES_PAGE_MAX = 32;

/** What a recorder is doing. `running` is said only after the first keyframe arrived. */
export const RECORDER_STATES = ['starting', 'running', 'stalled', 'backoff', 'disabled', 'failed'] as const;

const page = {
  limit: z.int().min(1).max(SOURCES_PAGE_MAX).default(SOURCES_PAGE_MAX),
  cursor: field.cursor().optional().meta({ description: 'as given by the page before' }),
};
const nextPage = {
  cursor: field.cursor().optional().meta({ description: 'asks for the next page; absent on the last' }),
};

const stateShape = z.object({
  source: field.source(),
  stream: field.streamName(),
  state: z.enum(RECORDER_STATES),
  since: field.at().meta({ description: 'when it entered this state' }),
  cause: field.cause().optional().meta({ description: 'why it does not run, or why it last ended' }),
  reason: z
    .string()
    .max(200)
    .regex(/^[\x20-\x7e]*$/)
    .optional()
    .meta({ description: 'for people; told to admins and owners only' }),
  restarts: field.count().meta({ description: 'runs begun after the first, in this life of the node' }),
  retryAt: field.at().optional().meta({ description: 'next try, in state `backoff`' }),
  lastFragmentAt: field.at().optional().meta({ description: 'when the last fragment arrived' }),
  transport: z.enum(['tcp', 'udp']).optional().meta({ description: 'how the camera sends' }),
  bitsPerSecond: field.count().optional().meta({ description: 'lately, sound and picture together' }),
  framesPerSecond: z.number().min(0).max(1000).optional().meta({ description: 'lately' }),
});

/** Configured sources, by id, and the tracks of each stream. */
export const sourcesList = command({
  name: 'sources.list',
  version: 1,
  about: 'Configured sources, sorted by id, each with its recorded streams.',
  params: z.strictObject(page),
  result: z.object({
    sources: z
      .array(
        z.object({
          id: field.source(),
          name: field.label().meta({ description: 'for people' }),
          enabled: z.boolean(),
          streams: z
            .array(
              z.object({
                stream: field.streamName(),
                streamId: field.hex(16),
                state: z.enum(RECORDER_STATES),
                tracks: tracksShape.meta({ description: 'of the current run; empty while none runs' }),
              }),
            )
            .max(2),
        }),
      )
      .max(SOURCES_PAGE_MAX),
    ...nextPage,
  }),
  example: {
    params: {},
    result: {
      sources: [
        {
          id: 'front',
          name: 'Front door',
          enabled: true,
          streams: [
            {
              stream: 'main',
              streamId: '3f0c2d5e8b7a49619c1d2e3f4a5b6c7d',
              state: 'running',
              tracks: [
                {
                  id: 1,
                  kind: 'video',
                  format: 'avc1',
                  codec: 'avc1.64001f',
                  timescale: 90000,
                  width: 1280,
                  height: 720,
                },
              ],
            },
          ],
        },
      ],
    },
  },
});

/** What each recorder is doing and since when. */
export const sourcesStates = command({
  name: 'sources.states',
  version: 1,
  about: 'What the recorder of each stream is doing. A page holds whole sources: at most two states for each.',
  params: z.strictObject(page),
  result: z.object({ states: z.array(stateShape).max(SOURCES_PAGE_MAX * 2), ...nextPage }),
  example: {
    params: {},
    result: {
      states: [
        {
          source: 'front',
          stream: 'main',
          state: 'running',
          since: 1795000000000,
          restarts: 0,
          lastFragmentAt: 1795000061200,
        },
        {
          source: 'yard',
          stream: 'main',
          state: 'backoff',
          since: 1795000050000,
          cause: 'unreachable',
          restarts: 3,
          retryAt: 1795000066000,
        },
      ],
    },
  },
});

/** A camera's URL by the one strict parser; its objection names a rule and never repeats the URL. */
const cameraUrl = () =>
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
const credential = () =>
  z
    .string()
    .max(128)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u);

/** Adds a camera, or changes what is said of it. */
export const sourcesPut = command({
  name: 'sources.put',
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
    password: credential().optional().meta({ description: 'kept in a file of its own and told to nobody' }),
    transport: z.enum(['auto', 'tcp', 'udp']).optional(),
    audio: z.enum(['auto', 'copy', 'none']).optional(),
    keep: z
      .string()
      .min(2)
      .max(16)
      .regex(/^[0-9.]+(?:ms|s|m|h|d)$/)
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
    'Stored credentials are sent to the hosts they were given for and nowhere else: a URL with another scheme, host or port wants `password` again, or `username` null (`ERR_DAEMON_CREDENTIALS`).',
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
  notes: ['The errors of `sources.put`, as far as they concern config.yaml.'],
  example: { params: { source: 'yard' as SourceId }, result: { removed: true } },
});

export type SourcesPutResult = z.output<typeof sourcesPut.result>;
export type SourcesListResult = z.output<typeof sourcesList.result>;
export type SourcesStatesResult = z.output<typeof sourcesStates.result>;
export type RecorderState = (typeof RECORDER_STATES)[number];
