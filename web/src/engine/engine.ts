import type {
  CommandName,
  CommandParams,
  CommandResult,
  DeviceKey,
  EngineError,
  EngineFacts,
  ExportOrder,
  ExportProgress,
  FromEngine,
  KeyframeAnswer,
  KeyframeOrder,
  LiveOrder,
  NodeState,
  Piece,
  PlayOrder,
  ToEngine,
} from './messages.ts';
import { Store } from './store.ts';

/** Where a feed's pieces go, each in its place. */
export interface FeedSink {
  piece(piece: Piece): void;
  /** `live.run`, `live.gap`, `live.dropped`, `live.lost` (the channel is away), `live.ended`; `play.lost`. */
  event?(name: string, params: unknown): void;
  /** The feed is over: null where it ended in order. Not told after `close`. */
  ended(error: EngineError | null): void;
}

/** Something that goes on until it ends or is closed. */
export interface Feed {
  /** So many more pieces may come; live feeds need no leave. */
  more(count: number): void;
  close(): void;
}

export interface ExportSink {
  bytes(part: number, bytes: ArrayBuffer): void | Promise<void>;
  partClosed(part: number): void;
  progress(progress: ExportProgress): void;
  /** The channel is away; the file goes on when it is back. */
  lost?(): void;
}

/** What an invitation says, before anything was sent. */
export interface InvitationFacts {
  node: DeviceKey;
  addresses: string[];
  expiresAt: number;
  /** This node is paired here already. */
  known: boolean;
}

/** What may be asked of a node, with the shape of its answer. */
export type Call = <N extends CommandName>(
  node: DeviceKey,
  name: N,
  params: CommandParams<N>,
  signal?: AbortSignal,
) => Promise<CommandResult<N>>;

interface Pending {
  settle?(message: FromEngine): void;
}

type Ask = Extract<ToEngine, { ask: string }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/**
 * The page's end of the engine. Everything that touches keys or sealed bytes happens in its worker; what comes out is opened media, replies and
 * states. Rejections are `EngineFailure`s with the code and kind of the node or of the client library.
 */
export class Engine {
  /** Paired nodes and how their links stand. */
  readonly nodes = new Store<readonly NodeState[]>([]);
  /** Null until the engine has looked. */
  readonly facts = new Store<EngineFacts | null>(null);
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #count = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromEngine>) => {
      if ('nodes' in data) this.nodes.set(data.nodes);
      else this.#pending.get(data.id)?.settle?.(data);
    };
  }

  /** Opens what this browser keeps and connects to every paired node. */
  async start(): Promise<void> {
    this.facts.set((await this.#ask({ ask: 'start' })) as EngineFacts);
  }

  /** Reads an invitation without using it. */
  look(invitation: string): Promise<InvitationFacts> {
    return this.#ask({ ask: 'look', invitation }) as Promise<InvitationFacts>;
  }

  /** Pairs this browser with the node of an invitation. */
  pair(wish: { invitation: string; label: string; name: string; site: string }): Promise<DeviceKey> {
    return this.#ask({ ask: 'pair', ...wish }) as Promise<DeviceKey>;
  }

  /** Pairs by typed digits; `onWaits` is told where somebody must approve first. */
  pairByCode(
    wish: { address: string; digits: string; label: string; name: string; site: string },
    onWaits: (waiting: { node: DeviceKey; device: DeviceKey; expiresAt: number }) => void,
    signal?: AbortSignal,
  ): Promise<DeviceKey> {
    return this.#ask({ ask: 'pairByCode', ...wish }, signal, (_, params) =>
      onWaits(params as never),
    ) as Promise<DeviceKey>;
  }

  forget(node: DeviceKey): Promise<unknown> {
    return this.#ask({ ask: 'forget', node });
  }

  rename(node: DeviceKey, name: string, site: string): Promise<unknown> {
    return this.#ask({ ask: 'rename', node, name, site });
  }

  /** Lost links are tried at once. */
  wake(): void {
    void this.#ask({ ask: 'wake' });
  }

  /** One command of a node; waits for its link. */
  call: Call = (node, name, params, signal) => this.#ask({ ask: 'call', node, name, params }, signal) as never;

  /** A command that stays open: `reply` first, then its events and units. */
  watch<N extends CommandName>(
    node: DeviceKey,
    name: N,
    params: CommandParams<N>,
    sink: { event(name: string, params: unknown): void; ended(error: EngineError | null): void },
  ): Feed {
    return this.#feed({ ask: 'watch', node, name, params }, { piece: () => {}, ...sink });
  }

  live(order: LiveOrder, sink: FeedSink): Feed {
    return this.#feed({ ask: 'live', order }, sink);
  }

  play(order: PlayOrder, sink: FeedSink): Feed {
    return this.#feed({ ask: 'play', order }, sink);
  }

  /** The last keyframe at or before a time, for pictures while somebody searches; null where nothing was recorded then. */
  keyframe(order: KeyframeOrder, signal?: AbortSignal): Promise<KeyframeAnswer> {
    return this.#ask({ ask: 'keyframe', order }, signal) as Promise<KeyframeAnswer>;
  }

  /** Writes a stretch as MP4; resolves with the report (`ExportReport` of the client library). Slow sinks hold the node back. */
  async exportMovie(order: ExportOrder, sink: ExportSink, signal?: AbortSignal): Promise<unknown> {
    const id = ++this.#count;
    return this.#run(
      id,
      { id, ask: 'export', order },
      signal,
      (message) => {
        if ('part' in message) {
          const taken = Promise.resolve(sink.bytes(message.part, message.bytes));
          // A sink that fails ends the export itself, by its signal.
          void taken.then(
            () => this.#say({ id, more: 1 }),
            () => {},
          );
        } else if ('event' in message && message.event === 'export.progress')
          sink.progress(message.params as ExportProgress);
        else if ('event' in message && message.event === 'export.lost') sink.lost?.();
        else if ('event' in message) sink.partClosed((message.params as { part: number }).part);
      },
      4,
    );
  }

  #feed(ask: WithoutId<Ask>, sink: FeedSink): Feed {
    const id = ++this.#count;
    this.#pending.set(id, {
      settle: (message) => {
        if ('piece' in message) sink.piece(message.piece);
        else if ('event' in message) sink.event?.(message.event, message.params);
        else if ('end' in message) {
          this.#pending.delete(id);
          sink.ended(message.end);
        }
      },
    });
    this.#say({ ...ask, id } as ToEngine);
    return {
      more: (count) => this.#say({ id, more: count }),
      close: () => {
        if (this.#pending.delete(id)) this.#say({ id, cancel: true });
      },
    };
  }

  #ask(ask: WithoutId<Ask>, signal?: AbortSignal, onEvent?: (name: string, params: unknown) => void): Promise<unknown> {
    const id = ++this.#count;
    return this.#run(id, { ...ask, id } as ToEngine, signal, (message) => {
      if ('event' in message) onEvent?.(message.event, message.params);
    });
  }

  #run(
    id: number,
    message: ToEngine,
    signal: AbortSignal | undefined,
    onNews: (message: FromEngine) => void,
    more = 0,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#pending.delete(id);
        signal?.removeEventListener('abort', cancel);
      };
      const cancel = () => this.#say({ id, cancel: true });
      if (signal?.aborted)
        return reject(new EngineFailure({ code: 'ERR_VIEWER_CANCELLED', kind: 'cancelled', message: 'cancelled' }));
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(id, {
        settle: (news) => {
          if ('result' in news) {
            done();
            resolve(news.result);
          } else if ('error' in news) {
            done();
            reject(new EngineFailure(news.error));
          } else onNews(news);
        },
      });
      this.#say(message);
      if (more > 0) this.#say({ id, more });
    });
  }

  #say(message: ToEngine): void {
    this.#worker.postMessage(message);
  }
}

/** What the engine could not do. */
export class EngineFailure extends Error {
  readonly code: string;
  readonly kind: string;

  constructor({ code, kind, message }: EngineError) {
    super(message);
    this.code = code;
    this.kind = kind;
  }
}
