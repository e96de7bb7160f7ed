import { z } from 'zod';
import { command } from './command.ts';
import { field } from './fields.ts';
import { RECORDER_STATES } from './source-state.ts';

const states = Object.fromEntries(RECORDER_STATES.map((state) => [state, field.count()])) as Record<
  (typeof RECORDER_STATES)[number],
  z.ZodInt
>;

/** Most warnings that are told at once, and most characters of one. */
export const WARNINGS_MAX = 16;
export const WARNING_LENGTH_MAX = 240;

/** How the node is doing. */
export const statusGet = command({
  name: 'status.get',
  version: 1,
  about: 'How the node is doing: version and age, storage, recorders, channels.',
  params: z.strictObject({}),
  result: z.object({
    node: z.object({
      id: field.hex(32).meta({ description: 'the node’s own device key' }),
      version: z
        .string()
        .max(32)
        .regex(/^[\x21-\x7e]*$/),
      now: field.at(),
      startedAt: field.at(),
      uptimeMs: field.count().meta({ description: 'by the monotonic clock' }),
    }),
    storage: z.object({
      state: z.enum(['ok', 'full', 'failing']),
      segments: field.count(),
      size: field.count().meta({ description: 'bytes of all segments' }),
      oldestAt: field.at().nullable(),
      free: field.count().meta({ description: 'bytes left on the volume' }),
      total: field.count(),
      leaves: field.count().meta({ description: 'of the log' }),
      daysLeft: z
        .number()
        .min(0)
        .nullable()
        .meta({ description: 'until retention or the floor bites, at today’s rate' }),
      recovery: z
        .object({
          recovered: field.count(),
          discarded: field.count(),
          indexRebuilt: z.boolean(),
          durationMs: field.count(),
        })
        .nullable()
        .meta({ description: 'what the last start found and mended' }),
    }),
    recorders: z.object(states).meta({ description: 'streams in each state' }),
    live: z.object({ subscriptions: field.count(), droppedFragments: field.count() }),
    channels: z.object({
      open: field.count(),
      devices: field.count(),
      bytesIn: field.count(),
      bytesOut: field.count(),
    }),
    warnings: z
      .array(
        z
          .string()
          .max(WARNING_LENGTH_MAX)
          .regex(/^[\x20-\x7e]*$/),
      )
      .max(WARNINGS_MAX)
      .meta({ description: 'what a person should look at, in English; told to admins and owners' }),
  }),
  example: {
    params: {},
    result: {
      node: {
        id: '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e',
        version: '0.1.0',
        now: 1795000061000,
        startedAt: 1795000000000,
        uptimeMs: 61000,
      },
      storage: {
        state: 'ok',
        segments: 1440,
        size: 43_200_000_000,
        oldestAt: 1794913600000,
        free: 120_000_000_000,
        total: 250_000_000_000,
        leaves: 1502,
        daysLeft: 4.2,
        recovery: { recovered: 1, discarded: 0, indexRebuilt: false, durationMs: 84 },
      },
      recorders: { starting: 0, running: 2, stalled: 0, backoff: 0, disabled: 0, failed: 0 },
      live: { subscriptions: 1, droppedFragments: 0 },
      channels: { open: 1, devices: 1, bytesIn: 20_480, bytesOut: 31_457_280 },
      warnings: [],
    },
  },
});

export type StatusResult = z.output<typeof statusGet.result>;
