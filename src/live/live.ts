import type { CapturedFragment, Run } from '../media/index.ts';
import type { Log } from '../platform/index.ts';
import type { GapCause, SourceId, StreamName } from '../protocol/index.ts';
import { QueueBudget } from './budget.ts';
import { streamMissing } from './errors.ts';
import { StreamHub } from './hub.ts';
import type { Subscription } from './subscription.ts';
import type { LiveInit } from './unit.ts';

/** Which stream of which source. */
export interface LivePlace {
  sourceId: SourceId;
  stream: StreamName;
}

export interface LiveOptions {
  /** Most bytes of the newest group of pictures kept per stream; a longer one makes newcomers wait for the next keyframe. */
  gopBytesMax?: number;
  /** Most bytes that wait for one slow viewer, over all its streams. */
  queueBytesMax?: number;
}

/** Takes one stream's runs. Synchronous and never refusing: the recorder must not wait for viewers. */
export interface LiveSink {
  beginRun(run: Run): void;
  fragment(fragment: CapturedFragment): void;
  endRun(end: { cause: GapCause; endUs: number; reason?: string }): void;
}

/** The picture as it comes, from recorders to any number of viewers. */
export interface Live {
  /** Where the recorder of a stream puts what it captures; asking again gives the same stream. */
  sink(place: LivePlace): LiveSink;
  /**
   * Reads a stream: its init segment, the fragments from the newest keyframe on, then everything that comes. Ends by the
   * signal, by leaving the loop, or with the source. Readers that share a `budget` share the bytes that may wait for them.
   * `ERR_LIVE_STREAM_MISSING` (`missing`) where no recorder feeds such a stream.
   */
  subscribe(place: LivePlace, options?: { signal?: AbortSignal; budget?: QueueBudget }): Subscription;
  /** A budget for all streams of one viewer. */
  budget(): QueueBudget;
  /** The run that is going on, or null. */
  current(place: LivePlace): LiveInit | null;
  /** Ends both streams of a source and all who read them. */
  removeSource(sourceId: SourceId): void;
  status(): LiveStatus;
}

export interface LiveStatus {
  streams: {
    sourceId: SourceId;
    stream: StreamName;
    running: boolean;
    gopBytes: number;
    subscriptions: number;
    droppedFragments: number;
  }[];
  subscriptions: number;
  /** Fragments that slow viewers missed since the start. */
  droppedFragments: number;
}

const GOP_BYTES_MAX = 3 * 1024 * 1024;
/** With what a channel holds for stored bytes and in its socket, a viewer stays below 4 MiB. */
const QUEUE_BYTES_MAX = 1.5 * 1024 * 1024;

/** Makes the live room. It holds at most one group of pictures per stream and what slow viewers have not taken. */
export function createLive(deps: { log: Log }, options: LiveOptions = {}): Live {
  const { gopBytesMax = GOP_BYTES_MAX, queueBytesMax = QUEUE_BYTES_MAX } = options;
  /** Bounded by the configured sources, two streams each. */
  const hubs = new Map<string, { place: LivePlace; hub: StreamHub }>();
  const find = (place: LivePlace) => hubs.get(keyOf(place))?.hub;

  return {
    sink(place) {
      const key = keyOf(place);
      const entry = hubs.get(key) ?? {
        place: { sourceId: place.sourceId, stream: place.stream },
        hub: new StreamHub(gopBytesMax),
      };
      hubs.set(key, entry);
      return entry.hub;
    },

    subscribe(place, { signal, budget = new QueueBudget(queueBytesMax) } = {}) {
      const hub = find(place);
      if (!hub) throw streamMissing();
      const subscription = hub.subscribe(budget);
      if (signal?.aborted) subscription.end();
      else signal?.addEventListener('abort', () => subscription.end(), { once: true });
      return subscription;
    },

    budget: () => new QueueBudget(queueBytesMax),

    current: (place) => find(place)?.init ?? null,

    removeSource(sourceId) {
      for (const [key, { place, hub }] of hubs) {
        if (place.sourceId !== sourceId) continue;
        hubs.delete(key);
        deps.log.debug({ sourceId, stream: place.stream, subscriptions: hub.subscriptions }, 'ended a live stream');
        hub.end();
      }
    },

    status() {
      const streams = [...hubs.values()].map(({ place, hub }) => ({
        ...place,
        running: hub.init !== null,
        gopBytes: hub.gopBytes,
        subscriptions: hub.subscriptions,
        droppedFragments: hub.droppedFragments,
      }));
      const sum = (key: 'subscriptions' | 'droppedFragments') => streams.reduce((total, each) => total + each[key], 0);
      return { streams, subscriptions: sum('subscriptions'), droppedFragments: sum('droppedFragments') };
    },
  };
}

function keyOf({ sourceId, stream }: LivePlace): string {
  return `${sourceId}/${stream}`;
}
