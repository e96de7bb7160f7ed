import { z } from 'zod';
import { GAP_CAUSES, type GapCause } from '../gap.ts';
import { type DeviceKey, type SegmentId, SOURCE_ID_RULE, type SourceId, type StreamId } from '../ids.ts';
import { LABEL_LENGTH_MAX, LABEL_SIGNS } from '../label.ts';

/** Latest time on the wire, epoch ms: its microseconds still fit a safe integer (the year 2255). */
export const TIME_AT_MAX = 9_007_199_254_740;

/** Most bytes of one JSON-RPC message on a stream (docs/protocol/channel.md). */
export const JSON_BYTES_MAX = 65_024;

/** Most bytes of one result: what is left beside `{"jsonrpc":"2.0","id":4294967295,"result":}`. */
export const RESULT_BYTES_MAX = JSON_BYTES_MAX - 64;

const hex = (octets: number) =>
  z
    .string()
    .length(octets * 2)
    .regex(/^[0-9a-f]+$/);
const count = () => z.int().min(0);
const sourceText = () =>
  z
    .string()
    .max(63)
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, `expected an id of the form ${SOURCE_ID_RULE}`);

/** Building blocks of every command's schema. All strings and lists are bounded, so that every reply has a greatest size. */
export const field = {
  count,
  hex,
  at: () => z.int().min(0).max(TIME_AT_MAX).meta({ unit: 'ms since 1970, UTC' }),
  source: sourceText,
  sourceId: () => sourceText() as unknown as z.ZodType<SourceId, string>,
  streamName: () => z.enum(['main', 'sub']),
  streamId: () => hex(16) as unknown as z.ZodType<StreamId, string>,
  segmentId: () => hex(16) as unknown as z.ZodType<SegmentId, string>,
  deviceKey: () => hex(32) as unknown as z.ZodType<DeviceKey, string>,
  role: () => z.enum(['viewer', 'operator', 'admin', 'owner']),
  cause: () => z.enum(Object.keys(GAP_CAUSES) as [GapCause, ...GapCause[]]),
  label: () =>
    z
      .string()
      .min(1)
      .max(LABEL_LENGTH_MAX)
      .regex(LABEL_SIGNS)
      .refine((text) => text.trim() === text, 'no space at either end'),
  cursor: () =>
    z
      .string()
      .min(1)
      .max(128)
      .regex(/^[\x21-\x7e]+$/),
};

/** One track of a stream, as a decoder must know it beforehand. */
export const trackShape = z.object({
  id: count(),
  kind: z.enum(['video', 'audio']),
  format: z
    .string()
    .max(4)
    .regex(/^[\x21-\x7e]*$/)
    .meta({ description: 'sample entry: `avc1`, `hvc1`, `hev1`, `mp4a`, `Opus`' }),
  codec: z
    .string()
    .max(64)
    .regex(/^[\x21-\x7e]*$/)
    .meta({ description: 'codec string of RFC 6381' }),
  timescale: count(),
  width: count().optional(),
  height: count().optional(),
  sampleRate: count().optional(),
  channels: count().optional(),
});

/** The tracks of one run: a video track, perhaps an audio track; empty where the node does not know (any more). */
export const tracksShape = z.array(trackShape).max(2);

/** A span in which nothing was recorded. */
export const gapShape = z.object({
  cause: field.cause(),
  startAt: field.at(),
  endAt: field.at().nullable().meta({ description: 'null while it lasts' }),
});

export type TrackFacts = z.output<typeof trackShape>;
export type GapFacts = z.output<typeof gapShape>;
