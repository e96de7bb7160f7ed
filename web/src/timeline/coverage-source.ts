import type { Engine } from '../engine/engine.ts';
import type { DeviceKey, SourceId, StreamName } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';
import {
  BUCKETS_MS,
  bucketMsFor,
  type CoverageTile,
  emptyTile,
  type Gap,
  joinGaps,
  joinSpans,
  type Span,
  TILE_BUCKETS,
  tilesOf,
} from './coverage-tile.ts';

export type { Gap, Span } from './coverage-tile.ts';

/** Whose recordings are asked for; a `Camera` is one. */
export interface CoverageCamera {
  /** `node/source`, as in `Camera.key`. */
  key: string;
  node: DeviceKey;
  source: SourceId;
  /** Default `main`. */
  stream?: StreamName;
}

/** What one camera recorded in the stretch that is seen, and a little around it. */
export interface Lane {
  /** `Camera.key`. */
  camera: string;
  /** Where the first bucket begins, epoch ms; at or before what is seen. */
  from: number;
  bucketMs: number;
  /** 0 nothing, 255 all of the bucket is recorded. */
  buckets: Uint8Array;
  /** 1 where a bucket was told by the node at this zoom; 0 where it is taken from another zoom, or is not known yet. */
  known: Uint8Array;
  /** Exactly what is recorded; null where there is too much to be told, or not all of it is known yet. */
  stretches: readonly Span[] | null;
  /** The gaps that are known one by one, oldest first. */
  gaps: readonly Gap[];
  /** How many gaps begin in each bucket; 15: or more. */
  gapCounts: Uint8Array;
}

interface View {
  cameras: readonly CoverageCamera[];
  bucketMs: number;
  first: number;
  last: number;
}

interface Question {
  node: DeviceKey;
  cameras: CoverageCamera[];
  bucketMs: number;
  index: number;
}

/** How often what grows is asked again while it is seen. */
const GROWING_MS = 5_000;
/** What lies in the past changes only by being forgotten. */
const SETTLED_MS = 600_000;
/** Tiles kept: some 1 KB each. */
const TILES_MAX = 4_096;
/** Questions under way at once, over all nodes. */
const ASKING_MAX = 4;
/** So many zooms to either side are looked at for what a tile may look like before it has come. */
const BORROWED_ZOOMS = 4;
/** Streams of one question. */
const SOURCES_MAX = 16;

/**
 * What was recorded, for what is seen of the timeline: asks the nodes for tiles of time at the zoom of the view, keeps them, and asks again
 * for what grows. One for each timeline; `view` may be called at every move, `close` when it is gone.
 */
export class CoverageSource {
  readonly lanes = new Store<readonly Lane[]>([]);
  readonly #engine: Pick<Engine, 'call'>;
  readonly #now: () => number;
  readonly #after: (ms: number, task: () => void) => () => void;
  /** The least recently used first. */
  readonly #tiles = new Map<string, CoverageTile>();
  readonly #asking = new Set<string>();
  /** When a tile that could not be had is asked for again. */
  readonly #retryAt = new Map<string, number>();
  #running = 0;
  #view: View | null = null;
  #cancelTimer: (() => void) | null = null;
  #closed = false;

  constructor(
    engine: Pick<Engine, 'call'>,
    now: () => number = () => Date.now(),
    after: (ms: number, task: () => void) => () => void = later,
  ) {
    this.#engine = engine;
    this.#now = now;
    this.#after = after;
  }

  /** Says what is seen: these cameras, [from, to) in epoch ms, on so many pixels. Gives the one store, with what is known of it already. */
  view(cameras: readonly CoverageCamera[], from: number, to: number, pixels: number): Store<readonly Lane[]> {
    const bucketMs = bucketMsFor(from, to, pixels);
    const tileMs = bucketMs * TILE_BUCKETS;
    const [first, last] = [Math.floor(from / tileMs), Math.floor(Math.max(from, to - 1) / tileMs)];
    const before = this.#view;
    this.#view = { cameras, bucketMs, first: Math.max(0, first), last };
    const isSame =
      before?.bucketMs === bucketMs &&
      before.first === this.#view.first &&
      before.last === last &&
      before.cameras.length === cameras.length &&
      cameras.every(({ key, stream }, i) => before.cameras[i]!.key === key && before.cameras[i]!.stream === stream);
    if (!isSame) this.#publish();
    this.#ask();
    return this.lanes;
  }

  /** Asks for everything that is seen anew: a camera was changed, recordings were removed. */
  refresh(): void {
    for (const tile of this.#tiles.values()) tile.askedAt = Number.NEGATIVE_INFINITY;
    this.#ask();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** Starts as many questions as may run, the newest time first; the rest is thought of again when one has been answered. */
  #ask(): void {
    if (this.#closed || !this.#view) return;
    for (const question of this.#questions(this.#view)) {
      if (this.#running >= ASKING_MAX) break;
      void this.#put(question);
    }
    this.#cancelTimer ??= this.#after(GROWING_MS, () => {
      this.#cancelTimer = null;
      this.#ask();
    });
  }

  *#questions({ cameras, bucketMs, first, last }: View): Generator<Question> {
    const now = this.#now();
    for (let index = last; index >= first; index--) {
      const byNode = new Map<DeviceKey, CoverageCamera[]>();
      for (const camera of cameras) {
        if (!this.#isWanted(tileKey(camera, bucketMs, index), now)) continue;
        byNode.set(camera.node, [...(byNode.get(camera.node) ?? []), camera]);
      }
      for (const [node, wanted] of byNode) {
        for (let i = 0; i < wanted.length; i += SOURCES_MAX)
          yield { node, cameras: wanted.slice(i, i + SOURCES_MAX), bucketMs, index };
      }
    }
  }

  #isWanted(key: string, now: number): boolean {
    if (this.#asking.has(key) || (this.#retryAt.get(key) ?? 0) > now) return false;
    const tile = this.#tiles.get(key);
    return !tile || now - tile.askedAt >= (tile.growing ? GROWING_MS : SETTLED_MS);
  }

  async #put({ node, cameras, bucketMs, index }: Question): Promise<void> {
    const from = index * TILE_BUCKETS * bucketMs;
    const askedAt = this.#now();
    const keys = cameras.map((camera) => tileKey(camera, bucketMs, index));
    for (const key of keys) this.#asking.add(key);
    this.#running++;
    try {
      const answer = await this.#engine.call(node, 'timeline.coverage', {
        sources: cameras.map(({ source, stream = 'main' }) => ({ source, stream })),
        from,
        to: from + TILE_BUCKETS * bucketMs,
        buckets: TILE_BUCKETS,
      });
      const tiles = tilesOf(answer, { from, bucketMs }, askedAt);
      for (const [i, { source, stream = 'main' }] of cameras.entries()) {
        const told = tiles.find((each) => each.source === source && each.stream === stream);
        const tile = told ? told.tile : emptyTile(askedAt);
        if (tile) this.#keep(keys[i]!, tile);
        else this.#retryAt.set(keys[i]!, askedAt + GROWING_MS);
      }
    } catch {
      // The link tells by itself what is wrong with it; the tile is asked for again.
      for (const key of keys) this.#retryAt.set(key, this.#now() + GROWING_MS);
    } finally {
      for (const key of keys) this.#asking.delete(key);
      this.#running--;
    }
    if (this.#closed) return;
    this.#publish();
    this.#ask();
  }

  #keep(key: string, tile: CoverageTile): void {
    this.#retryAt.delete(key);
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    for (const old of this.#tiles.keys()) {
      if (this.#tiles.size <= TILES_MAX) break;
      this.#tiles.delete(old);
    }
    if (this.#retryAt.size > TILES_MAX) this.#retryAt.clear();
  }

  #publish(): void {
    const view = this.#view;
    if (view) this.lanes.set(view.cameras.map((camera) => this.#laneOf(camera, view)));
  }

  #laneOf(camera: CoverageCamera, { bucketMs, first, last }: View): Lane {
    const tiles: (CoverageTile | null)[] = [];
    for (let index = first; index <= last; index++) tiles.push(this.#use(tileKey(camera, bucketMs, index)));
    const length = tiles.length * TILE_BUCKETS;
    const lane = {
      camera: camera.key,
      from: first * TILE_BUCKETS * bucketMs,
      bucketMs,
      buckets: new Uint8Array(length),
      known: new Uint8Array(length),
      gapCounts: new Uint8Array(length),
    };
    for (const [i, tile] of tiles.entries()) {
      const place = i * TILE_BUCKETS;
      if (tile) {
        lane.buckets.set(tile.fill, place);
        lane.gapCounts.set(tile.gapCounts, place);
        lane.known.fill(1, place, place + TILE_BUCKETS);
      } else this.#borrow(camera, lane, place);
    }
    const stretches = tiles.map((tile) => tile?.stretches ?? null);
    return {
      ...lane,
      stretches: stretches.every((each) => each !== null) ? joinSpans(stretches) : null,
      gaps: joinGaps(tiles.flatMap((tile) => (tile?.gaps ? [tile.gaps] : []))),
    };
  }

  /** Fills a tile that is not there yet with what another zoom knows, the nearest coarser one first. */
  #borrow(
    camera: CoverageCamera,
    { from, bucketMs, buckets }: Pick<Lane, 'from' | 'bucketMs' | 'buckets'>,
    place: number,
  ) {
    const own = BUCKETS_MS.indexOf(bucketMs as (typeof BUCKETS_MS)[number]);
    const finer = BUCKETS_MS.slice(Math.max(0, own - BORROWED_ZOOMS), own).reverse();
    const others = [...BUCKETS_MS.slice(own + 1, own + 1 + BORROWED_ZOOMS), ...finer];
    for (let i = place; i < place + TILE_BUCKETS; ) {
      const at = from + i * bucketMs;
      // Where nothing is found, nothing is before the next border of a tile of the finest zoom looked at.
      const step = Math.min(bucketMs, ...others) * TILE_BUCKETS;
      let reach = Math.max(i + 1, Math.ceil(((Math.floor(at / step) + 1) * step - from) / bucketMs));
      for (const other of others) {
        const index = Math.floor(at / (other * TILE_BUCKETS));
        const tile = this.#tiles.get(tileKey(camera, other, index));
        if (!tile) continue;
        const tileFrom = index * other * TILE_BUCKETS;
        const end = Math.min(place + TILE_BUCKETS, Math.ceil((tileFrom + other * TILE_BUCKETS - from) / bucketMs));
        for (; i < end; i++) {
          const bucket = Math.floor((from + i * bucketMs - tileFrom) / other);
          if (bucket >= TILE_BUCKETS) break;
          buckets[i] = tile.fill[bucket]!;
        }
        reach = Math.max(i, end);
        break;
      }
      i = reach;
    }
  }

  #use(key: string): CoverageTile | null {
    const tile = this.#tiles.get(key);
    if (!tile) return null;
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    return tile;
  }
}

function tileKey({ key, stream = 'main' }: CoverageCamera, bucketMs: number, index: number): string {
  return `${key} ${stream} ${bucketMs} ${index}`;
}

function later(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}
