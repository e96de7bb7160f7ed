import type { Engine, Feed } from '../engine/engine.ts';
import type { CommandResult, DeviceKey } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';
import type { CoverageCamera } from './coverage-source.ts';

export type EventKind = CommandResult<'events.list'>['events'][number]['kind'];

/** Something a camera told of. */
export interface EventMark {
  id: number;
  kind: EventKind;
  name: string | null;
  from: number;
  /** Null while it goes on. */
  to: number | null;
}

type Told = CommandResult<'events.list'>['events'][number];

/** Most events kept of one camera, newest first; older ones of a wide view are left out. */
const KEPT_MAX = 2_000;
const PAGE = 96;
/** Pages asked for one window of time: a month of busy cameras shows the newest of them. */
const PAGES_MAX = 8;
/** Windows asked for are powers of two of this; ms. */
const WINDOW_MS_MIN = 600_000;
const RETRY_MS = 8_000;

/** Events of cameras for what is seen: asked for by windows of time, once, and kept up to date while they happen. */
export class EventSource {
  /** By camera key, oldest first. */
  readonly marks = new Store<ReadonlyMap<string, readonly EventMark[]>>(new Map());
  readonly #engine: Pick<Engine, 'call' | 'watch' | 'nodes'>;
  readonly #events = new Map<string, Map<number, EventMark>>();
  readonly #asked = new Set<string>();
  readonly #retryAt = new Map<string, number>();
  readonly #watches = new Map<DeviceKey, Feed>();
  readonly #unsubscribe: () => void;
  #nodes: readonly DeviceKey[] = [];
  #closed = false;

  constructor(engine: Pick<Engine, 'call' | 'watch' | 'nodes'>) {
    this.#engine = engine;
    this.#unsubscribe = engine.nodes.subscribe(() => this.#watch());
  }

  /** Says what is seen; what is not known of it is asked for. */
  view(cameras: readonly CoverageCamera[], from: number, to: number): void {
    this.#nodes = [...new Set(cameras.map(({ node }) => node))];
    this.#watch();
    const size = WINDOW_MS_MIN * 2 ** Math.max(0, Math.ceil(Math.log2((to - from) / WINDOW_MS_MIN)));
    for (let index = Math.floor(from / size); index <= Math.floor((to - 1) / size); index++) {
      for (const node of this.#nodes) {
        const sources = cameras.filter((camera) => camera.node === node).map(({ source }) => source);
        const key = `${node} ${size} ${index} ${sources.join(' ')}`;
        if (this.#asked.has(key) || (this.#retryAt.get(key) ?? 0) > Date.now() || index * size > Date.now()) continue;
        this.#asked.add(key);
        void this.#ask(node, sources, index * size, (index + 1) * size).catch(() => {
          // The link tells what is wrong with it; a node that has no events has none.
          this.#asked.delete(key);
          this.#retryAt.set(key, Date.now() + RETRY_MS);
        });
      }
    }
    if (this.#asked.size > 1_000) this.#asked.clear();
    if (this.#retryAt.size > 1_000) this.#retryAt.clear();
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  async #ask(node: DeviceKey, sources: CoverageCamera['source'][], from: number, to: number): Promise<void> {
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX && !this.#closed; page++) {
      const wish = { sources, from, to, order: 'newest' as const, limit: PAGE, ...(cursor ? { cursor } : {}) };
      const answer = await this.#engine.call(node, 'events.list', wish);
      for (const event of answer.events) this.#put(node, event);
      if (answer.events.length > 0) this.#publish();
      cursor = answer.cursor;
      if (!cursor) return;
    }
  }

  /** Watches the nodes that are seen and can be reached. */
  #watch(): void {
    const open = new Set(
      this.#engine.nodes
        .get()
        .filter(({ node, link }) => link.kind === 'open' && this.#nodes.includes(node))
        .map(({ node }) => node),
    );
    for (const [node, watch] of this.#watches) {
      if (open.has(node)) continue;
      watch.close();
      this.#watches.delete(node);
      // What happened meanwhile was not told.
      for (const key of this.#asked) if (key.startsWith(`${node} `)) this.#asked.delete(key);
    }
    if (this.#closed) return;
    for (const node of open) {
      if (this.#watches.has(node)) continue;
      const watch = this.#engine.watch(
        node,
        'events.watch',
        {},
        {
          event: (name, params) => {
            if (name === 'reply')
              for (const event of (params as CommandResult<'events.watch'>).open) this.#put(node, event);
            else if (name === 'events.changed') this.#put(node, params as Told);
            else return;
            this.#publish();
          },
          ended: () => {},
        },
      );
      this.#watches.set(node, watch);
    }
  }

  #put(node: DeviceKey, { id, source, kind, name, startAt, endAt }: Told): void {
    const key = `${node}/${source}`;
    const events = this.#events.get(key) ?? new Map<number, EventMark>();
    this.#events.set(key, events);
    events.set(id, { id, kind, name: name ?? null, from: startAt, to: endAt });
    if (events.size <= KEPT_MAX) return;
    const oldest = [...events.values()].sort((a, b) => a.from - b.from).slice(0, events.size - KEPT_MAX + 200);
    for (const each of oldest) events.delete(each.id);
  }

  #publish(): void {
    this.marks.set(
      new Map([...this.#events].map(([key, events]) => [key, [...events.values()].sort((a, b) => a.from - b.from)])),
    );
  }
}
