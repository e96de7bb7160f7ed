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
import { type FragmentUnit, fragmentUnit, type InitUnit, initUnit } from './media-unit.ts';
import { type ReadPurpose, type ReadSegmentOptions, readSegment } from './segment-reader.ts';

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
}

/** Wraps an open connection. Holds nothing but it. */
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
        for (const segment of page.segments) {
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
  };
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
