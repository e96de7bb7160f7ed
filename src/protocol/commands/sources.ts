import { z } from 'zod';
import { ACTIONS } from '../access.ts';
import { command } from './command.ts';
import { field, tracksShape } from './fields.ts';
import { RECORDER_STATES, STATES_PAGE_MAX, streamStateShape } from './source-state.ts';

/** Most sources on one page; two streams with two tracks each still fit a reply. */
export const SOURCES_PAGE_MAX = 32;

const page = {
  limit: z.int().min(1).max(SOURCES_PAGE_MAX).default(SOURCES_PAGE_MAX),
  cursor: field.cursor().optional().meta({ description: 'as given by the page before' }),
};
const nextPage = {
  cursor: field.cursor().optional().meta({ description: 'asks for the next page; absent on the last' }),
};

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
          actions: z
            .array(z.enum(ACTIONS))
            .max(ACTIONS.length)
            .meta({ description: 'what the asking device may do with it' }),
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
          actions: ['live', 'playback'],
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
  params: z.strictObject({ ...page, limit: z.int().min(1).max(STATES_PAGE_MAX).default(STATES_PAGE_MAX) }),
  result: z.object({ states: z.array(streamStateShape).max(STATES_PAGE_MAX * 2), ...nextPage }),
  example: {
    params: {},
    result: {
      states: [
        {
          source: 'front',
          stream: 'main',
          state: 'running',
          since: 1795000000000,
          recording: 'yes',
          restarts: 0,
          lastFragmentAt: 1795000061200,
          reader: 'own',
          transport: 'tcp',
          bitsPerSecond: 3981000,
          framesPerSecond: 25,
          gopMs: 2000,
          picture: { codec: 'avc1.64001f', width: 1280, height: 720 },
          sound: { treatment: 'copy', codec: 'mp4a.40.2' },
          lost: { fragments: 0, packets: 0, held: 0 },
          clock: { offsetMs: -140, driftMsPerDay: -22, alarm: false },
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

export type SourcesListResult = z.output<typeof sourcesList.result>;
export type SourcesStatesResult = z.output<typeof sourcesStates.result>;
