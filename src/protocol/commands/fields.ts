import { z } from 'zod';
import { GAP_CAUSES, type GapCause } from '../gap.ts';
import type { DeviceKey, SegmentId, SourceId, StreamId } from '../ids.ts';

/** Latest time on the wire, epoch ms: its microseconds still fit a safe integer (the year 2255). */
export const TIME_AT_MAX = 9_007_199_254_740;

/** Most bytes of one JSON-RPC message on a stream (docs/protocol/channel.md). */
export const JSON_BYTES_MAX = 65_024;

/** Most bytes of one result: what is left beside `{"jsonrpc":"2.0","id":4294967295,"result":}`. */
export const RESULT_BYTES_MAX = JSON_BYTES_MAX - 64;

/** Most characters (UTF-16 units) of a name that people give to a device or a source. */
export const LABEL_LENGTH_MAX = 64;

// Control characters, unpaired surrogates, line separators and the marks that reverse writing direction.
const LABEL = /^[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069\ufeff]+$/u;

/** True for a text that may be shown as somebody's name of a thing: 1 to 64 characters, nothing invisible that misleads. */
export function isLabel(text: string): boolean {
  return text.length <= LABEL_LENGTH_MAX && text.trim() === text && LABEL.test(text);
}

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
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/);

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
      .regex(LABEL)
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
