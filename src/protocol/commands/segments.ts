import { z } from 'zod';
import { KEYFRAME_HINT_BYTES_MAX } from '../keyframe-hint.ts';
import { command } from './command.ts';
import { field, gapShape, TIME_AT_MAX, tracksShape } from './fields.ts';

/** Most segments on one page of `segments.list`. */
export const SEGMENTS_PAGE_MAX = 150;

/** Most segments on one page of `range.read`; each carries a key and perhaps a gap. */
export const RANGE_PAGE_MAX = 100;

/** Most segments on one page of `range.read` whose keyframes are told. */
export const RANGE_KEYFRAMES_MAX = 4;

/** Most bytes of one DATA unit of stored bytes. */
export const STORED_UNIT_BYTES_MAX = 256 * 1024;

const facts = {
  id: field.hex(16).meta({ description: 'segment id' }),
  streamId: field.hex(16),
  seq: field.count().meta({ description: 'counts the segments of this stream' }),
  startAt: field.at(),
  endAt: field.at(),
  size: field.count().meta({ description: 'bytes of the stored `.cnv`; of an open one those that are synced' }),
  state: z.enum(['final', 'recovered', 'aborted', 'open']).meta({
    description:
      '`open`: still being recorded, told up to its last synced fragment and in whole chunks; it grows and ends as one of the others',
  }),
  epochId: field.count(),
  epochKeyId: field.hex(16).optional().meta({ description: 'absent where the node has yet to learn it' }),
  run: z
    .string()
    .max(32)
    .regex(/^[0-9a-f]*$/)
    .meta({ description: 'equal for segments without a gap between them' }),
};
const key = {
  fileKey: z
    .string()
    .length(43)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional()
    .meta({ description: '32 bytes, base64url; absent where only the epoch key of `epochKeyId` opens it' }),
};
const purpose = {
  purpose: z.enum(['play', 'export']).default('play').meta({
    description: '`export` wants the action `export` as well, and the audit log calls it so: for copies that are kept',
  }),
};
const place = { source: field.source(), stream: field.streamName() };
const wish = { source: field.sourceId(), stream: field.streamName().default('main') };
const inOrder = (asked: { from: number; to: number }) => asked.from <= asked.to;
const orderRule = { path: ['to'], error: 'a time that is not before from' };
const nextPage = {
  cursor: field.cursor().optional().meta({ description: 'asks for the next page; absent on the last' }),
};

/** Facts of one stored segment on the wire. */
export const segmentShape = z.object(facts);
/** One segment of a range: facts, its key, and the gap in front of it. */
export const rangeSegmentShape = z.object({
  ...facts,
  ...key,
  gapBefore: gapShape.optional().meta({ description: 'what is missing between the segment before and this one' }),
});

/** Stored segments of a stream by time. */
export const segmentsList = command({
  name: 'segments.list',
  version: 1,
  about: 'Segments of one stream whose time touches [from, to), the one being recorded (state `open`) included.',
  params: z
    .strictObject({
      ...wish,
      from: field.at().default(0),
      to: field.at().default(TIME_AT_MAX),
      order: z.enum(['oldest', 'newest']).default('newest').meta({ description: 'which comes first' }),
      limit: z.int().min(1).max(SEGMENTS_PAGE_MAX).default(50),
      cursor: field
        .cursor()
        .optional()
        .meta({ description: 'as given by the page before, with the same other fields' }),
    })
    .refine(inOrder, orderRule),
  result: z.object({ ...place, segments: z.array(segmentShape).max(SEGMENTS_PAGE_MAX), ...nextPage }),
  example: {
    params: { source: 'front', from: 1795000000000, to: 1795000600000, order: 'oldest' },
    result: { source: 'front', stream: 'main', segments: [exampleSegment()] },
  },
});

/** One stored segment: facts and key, then its stored bytes. */
export const segmentsGet = command({
  name: 'segments.get',
  version: 1,
  about: 'Facts and key of one segment, then its stored (sealed) bytes from `offset` on.',
  params: z.strictObject({
    segment: field.segmentId(),
    offset: field.count().default(0),
    length: field
      .count()
      .optional()
      .meta({ description: 'bytes wanted; absent: to the end. 0 asks for the facts only' }),
    ...purpose,
  }),
  result: z.object({
    ...place,
    ...facts,
    ...key,
    tracks: tracksShape,
    offset: field.count(),
    length: field.count().meta({ description: 'bytes that follow as DATA; less than asked at the end of the file' }),
  }),
  data: 'Stored bytes in order, in units of at most 262,144 bytes; the borders of units mean nothing.',
  notes: [
    'The node reads a piece from disk only when the piece before was taken, so a reader that stops taking stops the disk.',
    'An `offset` past the end is refused with `ERR_COMMANDS_RANGE`.',
    'An open segment is read up to the `size` of the reply; asked again it may be longer. That it is closed meanwhile changes nothing in the bytes told.',
  ],
  example: {
    params: { segment: 'a1b2c3d4e5f60718293a4b5c6d7e8f90', offset: 0, length: 568 },
    result: {
      source: 'front',
      stream: 'main',
      ...exampleSegment(),
      fileKey: 'ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY',
      tracks: [
        { id: 1, kind: 'video', format: 'avc1', codec: 'avc1.64001f', timescale: 90000, width: 1280, height: 720 },
      ],
      offset: 0,
      length: 568,
    },
  },
});

/** What a player needs to read a stretch of time. */
export const rangeRead = command({
  name: 'range.read',
  version: 1,
  about:
    'The segments of [from, to), oldest first, with their keys and the gaps between them. The client then asks `segments.get` for the byte ranges it wants.',
  params: z
    .strictObject({
      ...wish,
      from: field.at(),
      to: field.at(),
      limit: z.int().min(1).max(RANGE_PAGE_MAX).default(RANGE_PAGE_MAX),
      keyframes: z
        .boolean()
        .default(false)
        .meta({ description: `tell where keyframes lie; a page then has at most ${RANGE_KEYFRAMES_MAX} segments` }),
      cursor: field
        .cursor()
        .optional()
        .meta({ description: 'as given by the page before, with the same other fields' }),
      ...purpose,
    })
    .refine(inOrder, orderRule),
  result: z.object({
    ...place,
    segments: z.array(rangeSegmentShape).max(RANGE_PAGE_MAX),
    ...nextPage,
    gap: gapShape.optional().meta({ description: 'the gap in which `from` lies, where it lies in one' }),
    keyframes: z
      .array(
        z.object({
          segment: field.hex(16),
          hints: z
            .string()
            .max(Math.ceil((KEYFRAME_HINT_BYTES_MAX * 4) / 3))
            .regex(/^[A-Za-z0-9_-]*$/)
            .meta({ description: 'base64url, see below' }),
        }),
      )
      .max(RANGE_KEYFRAMES_MAX)
      .optional()
      .meta({
        description: 'of segments of this page whose keyframes the node knows, where asked for; of an open one always',
      }),
    next: field
      .at()
      .optional()
      .meta({ description: 'where no segment touches the range: the start of the first one after it' }),
  }),
  notes: [
    '`gap` and `next` are told on the first page only.',
    '`hints`: at most 256 keyframes of a segment in the order of time, each three numbers: ms since the one before (the first: since `startAt`), plaintext bytes between the end of the fragment before and this one (the first: from plaintext byte 0), bytes of the fragment. A number is LEB128: seven bits an octet, lowest first, the top bit set on all but the last octet, below 2^28. They are kept while recording and lost when the index is rebuilt; then the `mfra` at the end of the segment has them. With more than 256 some are left out.',
    'Whoever may play back has the keys and could keep a copy: `purpose` is what the client says it does, for the grant and the audit log.',
  ],
  example: {
    params: { source: 'front', from: 1795000000000, to: 1795000060000, limit: 2 },
    result: {
      source: 'front',
      stream: 'main',
      segments: [
        {
          ...exampleSegment(),
          fileKey: 'ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY',
          gapBefore: { cause: 'stalled', startAt: 1794999970000, endAt: 1795000000040 },
        },
      ],
    },
  },
});

export type SegmentFacts = z.output<typeof segmentShape>;
export type RangeSegment = z.output<typeof rangeSegmentShape>;
export type SegmentsListResult = z.output<typeof segmentsList.result>;
export type SegmentsGetResult = z.output<typeof segmentsGet.result>;
export type RangeReadResult = z.output<typeof rangeRead.result>;

function exampleSegment() {
  return {
    id: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
    streamId: '3f0c2d5e8b7a49619c1d2e3f4a5b6c7d',
    seq: 42,
    startAt: 1795000000040,
    endAt: 1795000060040,
    size: 30_412_345,
    state: 'final' as const,
    epochId: 3,
    epochKeyId: '711aa7df7644447994e406699528a2ce',
    run: '00112233445566778899aabbccddeeff',
  };
}
