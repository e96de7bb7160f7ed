import { type Engine, EngineFailure } from '../engine/engine.ts';
import type { CommandResult, DeviceKey, NodeState, Role, SourceId, StreamName } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';

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
  /** What this device may do at its node; null while unknown. */
  role: Role | null;
}

/** How often states are asked while the page is seen, and while it is not. */
const ASK_MS = 2_000;
const ASK_HIDDEN_MS = 30_000;
/** Lists change seldom. */
const LIST_EVERY = 5;

/**
 * The cameras of every paired node, kept up to date. While a link is away its cameras stay as they were, marked unreachable, so that the
 * wall keeps its shape.
 */
export class Cameras {
  readonly all = new Store<readonly Camera[]>([]);
  readonly #engine: Engine;
  readonly #sources = new Map<DeviceKey, readonly SourceFacts[]>();
  readonly #states = new Map<DeviceKey, readonly StreamState[]>();
  #round = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;

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
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    const open = this.#engine.nodes.get().filter(({ link }) => link.kind === 'open');
    const lists = this.#round++ % LIST_EVERY === 0;
    await Promise.all(open.map((node) => this.#askNode(node, lists || !this.#sources.has(node.node))));
    this.#asking = false;
    this.#publish();
    this.#timer = setTimeout(() => void this.#ask(), document.hidden ? ASK_HIDDEN_MS : ASK_MS);
  }

  async #askNode({ node }: NodeState, lists: boolean): Promise<void> {
    const deadline = AbortSignal.timeout(8_000);
    try {
      if (lists) this.#sources.set(node, await this.#pages(node, 'sources.list', 'sources', deadline));
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
    for (const node of this.#sources.keys()) {
      if (!nodes.some((each) => each.node === node)) this.#sources.delete(node);
    }
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
          streams: source.streams,
          states: Object.fromEntries(
            (this.#states.get(node) ?? [])
              .filter((each) => each.source === source.id)
              .map((each) => [each.stream, each]),
          ),
          reachable: link.kind === 'open',
          role: link.kind === 'open' ? link.role : null,
        })),
      ),
    );
  }
}
