import { type Engine, EngineFailure } from '../engine/engine.ts';
import type { CommandResult, DeviceKey, NodeState, SourceId, StreamName } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';
import { type Action, accessOf, type PageAccess } from './access.ts';

export type SourceFacts = CommandResult<'sources.list'>['sources'][number];
export type StreamState = CommandResult<'sources.states'>['states'][number];

/** One camera of one node, as it stands. */
export interface Camera {
  /** `node/source`: unique over all nodes. */
  key: string;
  node: DeviceKey;
  nodeName: string;
  site: string;
  source: SourceId;
  name: string;
  enabled: boolean;
  streams: readonly SourceFacts['streams'][number][];
  /** What the recorder of each stream does; empty until it was told. */
  states: Partial<Record<StreamName, StreamState>>;
  /** The link to its node is open. */
  reachable: boolean;
  /** What this device may do with it, as its node told last. */
  actions: readonly Action[];
}

/** How often states are asked while the page is seen, and while it is not. */
const ASK_MS = 2_000;
const ASK_HIDDEN_MS = 30_000;
/** Lists change seldom. */
const LIST_EVERY = 5;

/**
 * The cameras of every paired node and what this device may do there, kept up to date. While a link is away its cameras stay as they were, marked unreachable, so that the
 * wall keeps its shape.
 */
export class Cameras {
  readonly all = new Store<readonly Camera[]>([]);
  /** What this device may at each node, as it was told last; also of nodes that are away or turn it away. */
  readonly access = new Store<ReadonlyMap<DeviceKey, PageAccess>>(new Map());
  readonly #engine: Engine;
  readonly #sources = new Map<DeviceKey, readonly SourceFacts[]>();
  readonly #states = new Map<DeviceKey, readonly StreamState[]>();
  #round = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  /** Somebody wanted news while an answer was on its way that may not tell it yet. */
  #wanted = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.nodes.subscribe(() => {
      this.#publish();
      if (engine.nodes.get().some(({ node, link }) => link.kind === 'open' && !this.#sources.has(node))) this.refresh();
    });
    document.addEventListener('visibilitychange', () => this.refresh());
  }

  /** Asks every reachable node now, lists included. */
  refresh(): void {
    this.#round = 0;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#asking) {
      this.#wanted = true;
      return;
    }
    this.#asking = true;
    this.#wanted = false;
    clearTimeout(this.#timer);
    const open = this.#engine.nodes.get().filter(({ link }) => link.kind === 'open');
    const lists = this.#round++ % LIST_EVERY === 0;
    await Promise.all(open.map((node) => this.#askNode(node, lists || !this.#sources.has(node.node))));
    this.#asking = false;
    this.#publish();
    const pause = this.#wanted ? 0 : document.hidden ? ASK_HIDDEN_MS : ASK_MS;
    this.#timer = setTimeout(() => void this.#ask(), pause);
  }

  async #askNode({ node }: NodeState, lists: boolean): Promise<void> {
    const deadline = AbortSignal.timeout(8_000);
    try {
      const access = accessOf(await this.#engine.call(node, 'access.get', {}, deadline));
      const changed = JSON.stringify(access) !== JSON.stringify(this.access.get().get(node));
      if (changed) this.access.update((all) => new Map(all).set(node, access));
      if (lists || changed) {
        const listed = await this.#pages<SourceFacts>(node, 'sources.list', 'sources', deadline);
        this.#sources.set(node, listed.toSorted(byName));
      }
      this.#states.set(node, await this.#pages(node, 'sources.states', 'states', deadline));
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      // The link tells by itself what is wrong with it.
    }
  }

  async #pages<T>(
    node: DeviceKey,
    name: 'sources.list' | 'sources.states',
    field: string,
    signal: AbortSignal,
  ): Promise<T[]> {
    const found: T[] = [];
    let cursor: string | undefined;
    do {
      const page = (await this.#engine.call(node, name, cursor ? { cursor } : {}, signal)) as Record<string, unknown>;
      found.push(...(page[field] as T[]));
      cursor = page['cursor'] as string | undefined;
    } while (cursor && found.length < 1_024);
    return found;
  }

  #publish(): void {
    const nodes = this.#engine.nodes.get();
    const isPaired = (node: DeviceKey) => nodes.some((each) => each.node === node);
    for (const node of this.#sources.keys()) if (!isPaired(node)) this.#sources.delete(node);
    const access = this.access.get();
    const paired = [...access].filter(([node]) => isPaired(node));
    if (paired.length < access.size) this.access.set(new Map(paired));
    this.all.set(
      nodes.flatMap(({ node, name, site, link }) =>
        (this.#sources.get(node) ?? []).map((source) => ({
          key: `${node}/${source.id}`,
          node,
          nodeName: name,
          site,
          source: source.id as SourceId,
          name: source.name,
          enabled: source.enabled,
          actions: source.actions,
          streams: source.streams,
          states: Object.fromEntries(
            (this.#states.get(node) ?? [])
              .filter((each) => each.source === source.id)
              .map((each) => [each.stream, each]),
          ),
          reachable: link.kind === 'open',
        })),
      ),
    );
  }
}

/** As people count: camera 2 before camera 10. The node lists by id. */
export function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name, undefined, { numeric: true });
}
