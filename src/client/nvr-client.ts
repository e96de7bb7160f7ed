import type { CryptoSuite } from '../crypto/index.ts';
import { NvrError } from '../errors.ts';
import type {
  CommandName,
  CommandParams,
  CommandResult,
  GapFacts,
  RangeSegment,
  SegmentFacts,
  SegmentsGetResult,
  SourceId,
  StreamName,
} from '../protocol/index.ts';
import type { Connection, Unit } from './api.ts';
import {
  type KeyframeAt,
  type KeyframeAtQuery,
  KeyframeFinder,
  type KeyframesQuery,
  readKeyframes,
} from './keyframe.ts';
import { type FragmentUnit, fragmentUnit, type InitUnit, initUnit } from './media-unit.ts';
import { holdPtz, type PtzHold } from './ptz-hold.ts';
import { type HintedSegment, type ReadPurpose, type ReadSegmentOptions, readSegment } from './segment-reader.ts';
import {
  type SnapshotAt,
  type SnapshotAtQuery,
  type SnapshotNow,
  type SnapshotNowQuery,
  snapshotAt,
  snapshotNow,
} from './snapshot.ts';

export interface NvrClientDeps {
  connection: Connection;
  suite: CryptoSuite;
  /**
   * Checks a reply against its command's schema and gives what the schema knows, or the problems (`checkResult` of
   * `protocol`). Absent: the node's replies are taken as they are, and the schemas need not be shipped.
   */
  check?: <N extends CommandName>(name: N, result: unknown) => { result: CommandResult<N> } | { problems: string };
  /** What is said to be done with recordings; `play` where it is left out. */
  purpose?: ReadPurpose;
}

/** A stretch without recording, between what was read before and what follows. */
export interface GapUnit extends GapFacts {
  kind: 'gap';
}

/** A stored segment begins. */
export interface SegmentUnit {
  kind: 'segment';
  segment: RangeSegment;
}

export interface RangeQuery {
  source: SourceId;
  stream: StreamName;
  /** Epoch ms. */
  from: number;
  to: number;
  signal?: AbortSignal;
  onBytes?: (count: number) => void;
}

export interface LiveQuery {
  source: SourceId;
  stream: StreamName;
  signal?: AbortSignal;
  /** Told `live.run`, `live.gap` and `live.dropped`, each in its place between the units. */
  onEvent?: (name: string, params: unknown) => void;
}

/** Every command of a node as a typed call, and recordings and live picture as a stream of opened media. */
export interface NvrClient {
  readonly connection: Connection;
  /** One command. Throws the node's error, or `ERR_CLIENT_REPLY` (`corrupt`) where a checked reply is not as described. */
  call<N extends CommandName>(
    name: N,
    params: CommandParams<N>,
    options?: { signal?: AbortSignal },
  ): Promise<CommandResult<N>>;
  /** Every source, over all pages. */
  sources(): AsyncGenerator<CommandResult<'sources.list'>['sources'][number]>;
  /** Every recorder's state, over all pages. */
  states(): AsyncGenerator<CommandResult<'sources.states'>['states'][number]>;
  /** Segments of a stream, over all pages, until the caller has enough. */
  segments(query: CommandParams<'segments.list'>): AsyncGenerator<SegmentFacts>;
  /** Facts and key of one segment, without its bytes. */
  segment(id: string): Promise<SegmentsGetResult>;
  /** One stored segment, opened. */
  readSegment(
    segment: RangeSegment | SegmentsGetResult,
    options?: ReadSegmentOptions,
  ): AsyncGenerator<InitUnit | FragmentUnit>;
  /**
   * A stretch of time across segments, opened: from the last keyframe at or before `from` to before the first fragment at or
   * after `to`, with the gaps in between.
   */
  readRange(query: RangeQuery): AsyncGenerator<SegmentUnit | InitUnit | FragmentUnit | GapUnit>;
  /** The live picture, from the newest keyframe on; ends with the channel, the source, or the signal. */
  live(query: LiveQuery): AsyncGenerator<InitUnit | FragmentUnit>;
  /** A picture of now, from the camera itself or from a stream. */
  snapshotNow(query: SnapshotNowQuery): Promise<SnapshotNow>;
  /** What a decoder needs for the picture of a recorded moment; null where nothing was recorded then. */
  snapshotAt(query: SnapshotAtQuery): Promise<SnapshotAt | null>;
  /** The fragment that begins with the last keyframe at or before a recorded moment, for fast looks; null where nothing was recorded then. */
  keyframeAt(query: KeyframeAtQuery): Promise<KeyframeAt | null>;
  /**
   * The keyframes of a stretch of time, for fast motion: each fragment that begins with one, after its segment's init segment, with the gaps in
   * between. What lies between two is not asked for.
   */
  keyframes(query: KeyframesQuery): AsyncGenerator<InitUnit | FragmentUnit | GapUnit>;
  /** Takes the lease of a camera that moves; `take`: from whoever holds it. */
  ptz(source: SourceId, options?: { take?: boolean; signal?: AbortSignal }): Promise<PtzHold>;
}

/** Wraps an open connection. Holds nothing but it, and the heads of a few segments that keyframes were taken from. */
export function createNvrClient({ connection, suite, check, purpose = 'play' }: NvrClientDeps): NvrClient {
  const deps = { connection, suite, purpose };

  function checked<N extends CommandName>(name: N, result: unknown): CommandResult<N> {
    if (!check) return result as CommandResult<N>;
    const found = check(name, result);
    if ('problems' in found) throw replyRefused(name, found.problems);
    return found.result;
  }

  async function call<N extends CommandName>(
    name: N,
    params: CommandParams<N>,
    options?: { signal?: AbortSignal },
  ): Promise<CommandResult<N>> {
    return checked(name, await connection.call(methodText(name), params, options));
  }

  /** Asks page after page; a cursor that comes twice would have us ask for ever. */
  async function* pages<N extends 'sources.list' | 'sources.states' | 'segments.list' | 'range.read'>(
    name: N,
    params: CommandParams<N>,
    signal?: AbortSignal,
  ): AsyncGenerator<CommandResult<N>> {
    let cursor: string | undefined;
    do {
      const wish = (cursor === undefined ? params : { ...params, cursor }) as CommandParams<N>;
      const page = await call(name, wish, signal ? { signal } : undefined);
      yield page;
      if (page.cursor !== undefined && page.cursor === cursor) throw replyRefused(name, 'the same page twice');
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  const keyframes = new KeyframeFinder(deps, async (place, options) => {
    const page = await call('range.read', { ...place, limit: 1, keyframes: true, purpose }, options);
    return hinted(page)[0] ?? null;
  });

  return {
    connection,
    call,

    async *sources() {
      for await (const page of pages('sources.list', {})) yield* page.sources;
    },

    async *states() {
      for await (const page of pages('sources.states', {})) yield* page.states;
    },

    async *segments(query) {
      for await (const page of pages('segments.list', query)) yield* page.segments;
    },

    segment(id) {
      return call('segments.get', { segment: id, offset: 0, length: 0, purpose });
    },

    readSegment(segment, options) {
      return readSegment(deps, segment, options);
    },

    async *readRange({ source, stream, from, to, signal, onBytes }) {
      const common = { ...(signal ? { signal } : {}), ...(onBytes ? { onBytes } : {}) };
      let first = true;
      for await (const page of pages('range.read', { source, stream, from, to, purpose }, signal)) {
        if (page.gap) yield { kind: 'gap', ...page.gap };
        for (const segment of hinted(page)) {
          if (!first && segment.gapBefore) yield { kind: 'gap', ...segment.gapBefore };
          yield { kind: 'segment', segment };
          const start = first ? { fromUs: from * 1000 } : {};
          first = false;
          yield* readSegment(deps, segment, { ...common, ...start, toUs: to * 1000 });
        }
      }
    },

    async *live({ source, stream, signal, onEvent }) {
      const open = connection.open(methodText('live.subscribe'), { source, stream }, signal ? { signal } : {});
      if (onEvent) open.onEvent(onEvent);
      try {
        checked('live.subscribe', await open.result);
        yield* liveUnits(open.units);
      } finally {
        open.cancel();
      }
    },

    snapshotNow(query) {
      return snapshotNow(connection, query, (result) => checked('snapshots.get', result));
    },

    snapshotAt(query) {
      const options = query.signal ? { signal: query.signal } : undefined;
      return snapshotAt(deps, query, async (place) => {
        const page = await call('range.read', { ...place, limit: 1, purpose }, options);
        return page.segments;
      });
    },

    keyframeAt(query) {
      return keyframes.at(query);
    },

    keyframes({ source, stream, ...query }) {
      const { from, to, signal } = query;
      const place = { source, stream, from, to, keyframes: true, purpose };
      return readKeyframes(deps, segmentsAndGaps(pages('range.read', place, signal)), query);
    },

    ptz(source, options = {}) {
      return holdPtz({ connection, call }, { source, ...options }, (result) => checked('ptz.hold', result));
    },
  };
}

/** The segments of a page, each with what the page tells of its keyframes. */
function hinted({ segments, keyframes }: CommandResult<'range.read'>): HintedSegment[] {
  return segments.map((segment) => {
    const told = keyframes?.find((each) => each.segment === segment.id);
    return told ? { ...segment, keyframes: told.hints } : segment;
  });
}

/** What pages tell, in order of time; the gap before the first segment is that of `from` where it lies in one. */
async function* segmentsAndGaps(
  pages: AsyncIterable<CommandResult<'range.read'>>,
): AsyncGenerator<HintedSegment | { other: GapUnit }> {
  let first = true;
  for await (const page of pages) {
    if (page.gap) yield { other: { kind: 'gap', ...page.gap } };
    for (const segment of hinted(page)) {
      if (!first && segment.gapBefore) yield { other: { kind: 'gap', ...segment.gapBefore } };
      first = false;
      yield segment;
    }
  }
}

/** Units of a live stream as media; what cannot be used before the first init segment is passed over. */
async function* liveUnits(units: AsyncIterable<Unit>): AsyncGenerator<InitUnit | FragmentUnit> {
  let init: InitUnit | null = null;
  for await (const { bytes, marks } of units) {
    if (marks.init) {
      init = initUnit(bytes);
      yield init;
    } else if (init) {
      yield fragmentUnit(bytes, init, { time: null, us: 0 });
    }
  }
}

/** Every command is at its first version; a test holds this against the catalogue, which this file must not load. */
export function methodText(name: CommandName): string {
  return `${name}@1`;
}

function replyRefused(name: string, problems: string): NvrError {
  return new NvrError('ERR_CLIENT_REPLY', 'corrupt', `expected a reply to ${name} as described, found: ${problems}`);
}
