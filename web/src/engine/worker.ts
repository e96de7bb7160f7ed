import { createNvrClient } from '../../../src/client/index.ts';
import { isNvrError } from '../../../src/errors.ts';
import { type DeviceKey, isLabel } from '../../../src/protocol/index.ts';
import { DeviceStore, type KeptNode } from './device-store.ts';
import { feedExport, feedLive, feedPlay, keyframeOf } from './feeds.ts';
import type { EngineError, EngineFacts, FromEngine, NodeState, ToEngine } from './messages.ts';
import { NodeLink } from './node-link.ts';
import { type Paired, pairByDigits, pairByInvitation, readInvitation } from './pairing.ts';
import { type BrowserPlatform, browserPlatform } from './platform.ts';

// The engine: everything that holds keys, opens what is sealed and takes media apart, off the page's thread.

/** One thing the page asked for and that goes on. */
class Task {
  readonly abort = new AbortController();
  #room = 0;
  #waiting: (() => void) | null = null;

  more(count: number): void {
    this.#room += count;
    if (this.#room <= 0 || !this.#waiting) return;
    this.#room--;
    this.#waiting();
    this.#waiting = null;
  }

  room(): Promise<void> {
    if (this.#room > 0 || this.abort.signal.aborted) {
      this.#room--;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  cancel(): void {
    this.abort.abort();
    this.#waiting?.();
    this.#waiting = null;
  }
}

const port = self as unknown as Worker;
const tasks = new Map<number, Task>();
const links = new Map<DeviceKey, NodeLink>();
let ready: Promise<{ platform: BrowserPlatform; store: DeviceStore }> | null = null;
let telling = false;

port.onmessage = ({ data }: MessageEvent<ToEngine>) => {
  if ('more' in data) tasks.get(data.id)?.more(data.more);
  else if ('cancel' in data) tasks.get(data.id)?.cancel();
  else void run(data);
};

async function run(order: Extract<ToEngine, { ask: string }>): Promise<void> {
  const { id } = order;
  const task = new Task();
  tasks.set(id, task);
  try {
    const streams = order.ask === 'live' || order.ask === 'play' || order.ask === 'watch';
    const result = await answer(order, task);
    if (streams) say({ id, end: null });
    else say({ id, result }, buffersOf(result));
  } catch (error) {
    const streams = order.ask === 'live' || order.ask === 'play' || order.ask === 'watch';
    say(streams ? { id, end: told(error) } : { id, error: told(error) });
  } finally {
    tasks.delete(id);
  }
}

async function answer(order: Extract<ToEngine, { ask: string }>, task: Task): Promise<unknown> {
  const { platform, store } = await (ready ??= begin());
  const { id } = order;
  const { signal } = task.abort;
  switch (order.ask) {
    case 'start':
      return {
        crypto: platform.suite.name === 'noble' ? 'noble' : 'web',
        keysGuarded: store.guarded,
      } satisfies EngineFacts;
    case 'look': {
      const { nodeId, addresses, expiresAt } = readInvitation(platform, order.invitation);
      return { node: nodeId, addresses, expiresAt, known: links.has(nodeId) };
    }
    case 'pair':
      return keep(store, platform, await pairByInvitation(platform, order.invitation, wordsOf(order), signal));
    case 'pairByCode': {
      const onPending = (waiting: unknown) => say({ id, event: 'pairing.waits', params: waiting });
      const paired = await pairByDigits(platform, order.address, order.digits, wordsOf(order), { signal, onPending });
      return keep(store, platform, paired);
    }
    case 'forget':
      links.get(order.node)?.stop();
      links.delete(order.node);
      await store.remove(order.node);
      tellNodes();
      return null;
    case 'rename': {
      const link = linkOf(order.node);
      const kept = { ...link.kept, name: order.name, site: order.site };
      await store.put(kept);
      link.kept = kept;
      return null;
    }
    case 'wake':
      for (const link of links.values()) link.wake();
      return null;
    case 'call': {
      const client = await linkOf(order.node).client(signal);
      return client.call(order.name, order.params as never, { signal });
    }
    case 'watch':
      return watch(order, task);
    case 'live':
      return feedLive(linkOf(order.order.node), order.order, outOf(id, task), signal);
    case 'play':
      return feedPlay(linkOf(order.order.node), order.order, outOf(id, task), signal);
    case 'keyframe':
      return keyframeOf(linkOf(order.order.node), order.order, signal);
    case 'export': {
      const link = linkOf(order.order.node);
      // Said to be an export, for the right to it and for the audit log.
      const reach = async (until: AbortSignal) => {
        const { connection } = await link.client(until);
        return createNvrClient({ connection, suite: platform.suite, purpose: 'export' });
      };
      const out = {
        bytes: (part: number, bytes: ArrayBuffer) => say({ id, part, bytes }, [bytes]),
        event: (event: string, params: unknown) => say({ id, event, params }),
        room: () => task.room(),
      };
      return feedExport(reach, order.order, out, signal);
    }
  }
}

/** A command whose stream stays open and tells events; the first piece of news is its reply. */
async function watch(order: Extract<ToEngine, { ask: 'watch' }>, task: Task): Promise<void> {
  const { signal } = task.abort;
  const client = await linkOf(order.node).client(signal);
  const open = client.connection.open(`${order.name}@1`, order.params, { signal });
  open.onEvent((event, params) => say({ id: order.id, event, params }));
  say({ id: order.id, event: 'reply', params: await open.result });
  for await (const { bytes, marks } of open.units) {
    say({ id: order.id, event: marks.init ? 'unit.init' : 'unit', params: bytes });
  }
}

async function begin() {
  const platform = await browserPlatform();
  const store = await DeviceStore.open(platform);
  for (const kept of await store.list()) addLink(platform, store, kept, await store.seenAt(kept.node)).start();
  tellNodes();
  return { platform, store };
}

async function keep(store: DeviceStore, platform: BrowserPlatform, { kept, connection }: Paired): Promise<DeviceKey> {
  await store.put(kept);
  links.get(kept.node)?.stop();
  addLink(platform, store, kept, null).adopt(connection, kept.addresses[0]!);
  return kept.node;
}

function addLink(platform: BrowserPlatform, store: DeviceStore, kept: KeptNode, seenAt: number | null): NodeLink {
  // Where it cannot be noted (no space) only the time since is less exact.
  const saw = (at: number) => void store.saw(kept.node, at).catch(() => {});
  const link = new NodeLink(platform, kept, { tell: tellNodes, saw, seenAt });
  links.set(kept.node, link);
  return link;
}

function linkOf(node: DeviceKey): NodeLink {
  const link = links.get(node);
  if (!link) throw { code: 'ERR_VIEWER_NODE', kind: 'missing', message: 'no such node is paired here' };
  return link;
}

function wordsOf({ label, name, site }: { label: string; name: string; site: string }) {
  for (const each of [label, name]) {
    if (!isLabel(each))
      throw { code: 'ERR_VIEWER_LABEL', kind: 'invalid', message: 'expected a name of 1 to 64 characters' };
  }
  return { label, name, site };
}

function outOf(id: number, task: Task) {
  return {
    piece(piece: Extract<FromEngine, { piece: unknown }>['piece']) {
      say({ id, piece }, piece.kind === 'gap' ? [] : [piece.bytes]);
    },
    event: (event: string, params: unknown) => say({ id, event, params }),
    room: () => task.room(),
  };
}

/** The nodes as they are; changes of one moment are told together. */
function tellNodes(): void {
  if (telling) return;
  telling = true;
  queueMicrotask(() => {
    telling = false;
    const nodes: NodeState[] = [...links.values()].map(({ kept, state }) => ({
      node: kept.node,
      name: kept.name,
      site: kept.site,
      addresses: kept.addresses,
      device: kept.device,
      pairedAt: kept.pairedAt,
      link: state,
    }));
    say({ nodes });
  });
}

function say(message: FromEngine, transfer: Transferable[] = []): void {
  port.postMessage(message, transfer);
}

/** What an answer has that is handed over and not copied. */
function buffersOf(result: unknown): Transferable[] {
  const { init, fragment } = (result ?? {}) as Partial<Record<string, { bytes?: unknown }>>;
  return [init?.bytes, fragment?.bytes].filter((each) => each instanceof ArrayBuffer);
}

function told(error: unknown): EngineError {
  if (isNvrError(error)) return { code: error.code, kind: error.kind, message: error.message };
  const { code, kind, message } = error as Partial<EngineError>;
  if (code && kind) return { code, kind, message: message ?? '' };
  if ((error as { name?: string } | null)?.name === 'AbortError')
    return { code: 'ERR_VIEWER_CANCELLED', kind: 'cancelled', message: 'cancelled' };
  return { code: 'ERR_VIEWER_INTERNAL', kind: 'internal', message: String((error as Error | null)?.message ?? error) };
}
