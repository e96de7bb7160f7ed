import {
  type Connection,
  connect,
  createDeviceKeys,
  createNvrClient,
  type DeviceKeys,
  type NvrClient,
} from '../../../src/client/index.ts';
import { xWingPairOfSeed, xWingPublicKey } from '../../../src/crypto/index.ts';
import { isNvrError, NvrError } from '../../../src/errors.ts';
import type { KeptNode } from './device-store.ts';
import type { LinkState } from './messages.ts';
import type { BrowserPlatform } from './platform.ts';

/** Waiting between tries: doubling, with a random half. */
const FIRST_MS = 400;
const LAST_MS = 15_000;
/** While a link is open, so often it is noted that it was. */
const SEEN_MS = 60_000;
/** A device that is not known is looked at again now and then: its owner may let it in again. */
const REFUSED_MS = 60_000;

/** Keeps one channel to one node, for ever: connects again whenever it is lost. */
export class NodeLink {
  readonly #platform: BrowserPlatform;
  readonly #tell: () => void;
  readonly #saw: (at: number) => void;
  /** When the link was known to be open, before this page was. */
  readonly #seenAt: number | null;
  #kept: KeptNode;
  #state: LinkState;
  #client: NvrClient | null = null;
  #tries = 0;
  #cancelRetry = () => {};
  #cancelNote = () => {};
  #stopped = false;
  #wasOpen = false;
  readonly #waiting = new Set<(client: NvrClient | null) => void>();
  readonly #life = new AbortController();

  /**
   * `tell` is called after each change of state; `saw` now and then while the link is open, and when it is lost. `seenAt` is what `saw` was told
   * last, by an earlier page.
   */
  constructor(
    platform: BrowserPlatform,
    kept: KeptNode,
    { tell, saw, seenAt }: { tell(): void; saw(at: number): void; seenAt: number | null },
  ) {
    this.#platform = platform;
    this.#kept = kept;
    this.#tell = tell;
    this.#saw = saw;
    this.#seenAt = seenAt;
    this.#state = { kind: 'connecting', since: platform.now() };
  }

  get state(): LinkState {
    return this.#state;
  }

  get kept(): KeptNode {
    return this.#kept;
  }

  set kept(kept: KeptNode) {
    this.#kept = kept;
    this.#tell();
  }

  start(): void {
    void this.#connect();
  }

  /** Takes a channel that is open already, as pairing leaves it. */
  adopt(connection: Connection, address: string): void {
    this.#opened(connection, address);
  }

  /** Tries at once instead of waiting: the network came back, or somebody looks. */
  wake(): void {
    if (this.#state.kind !== 'lost' && this.#state.kind !== 'refused') return;
    this.#cancelRetry();
    this.#tries = 0;
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
    this.#cancelNote();
    this.#life.abort();
    this.#client?.connection.close();
    for (const settle of this.#waiting) settle(null);
    this.#waiting.clear();
  }

  /** The node's commands, as soon as the channel is open. Rejects `cancelled` with the signal, or when the link is stopped. */
  client(signal: AbortSignal): Promise<NvrClient> {
    if (this.#client) return Promise.resolve(this.#client);
    return new Promise((resolve, reject) => {
      const settle = (client: NvrClient | null) => {
        this.#waiting.delete(settle);
        if (client) resolve(client);
        else reject(new NvrError('ERR_VIEWER_CANCELLED', 'cancelled', 'cancelled'));
      };
      if (signal.aborted || this.#stopped) return settle(null);
      this.#waiting.add(settle);
      signal.addEventListener('abort', () => settle(null), { once: true });
    });
  }

  async #connect(): Promise<void> {
    if (this.#stopped) return;
    if (this.#state.kind !== 'connecting') this.#enter({ kind: 'connecting', since: this.#platform.now() });
    const { node, channelKey, addresses } = this.#kept;
    try {
      const device = await deviceKeys(this.#platform, this.#kept);
      const pin = { nodeId: node, channelKey, addresses };
      const connection = await connect(this.#platform, { pin, device, signal: this.#life.signal });
      this.#opened(connection, addresses[0]!);
    } catch (error) {
      this.#failed(error);
    }
  }

  #opened(connection: Connection, address: string): void {
    if (this.#stopped) {
      connection.close();
      return;
    }
    this.#tries = 0;
    const client = createNvrClient({ connection, suite: this.#platform.suite });
    this.#client = client;
    this.#enter({ kind: 'open', since: this.#platform.now(), address });
    for (const settle of this.#waiting) settle(client);
    this.#note();
    void connection.closed.then((reason) => {
      this.#client = null;
      this.#cancelNote();
      if (!this.#stopped) this.#saw(this.#platform.now());
      this.#failed(reason);
    });
  }

  #note(): void {
    this.#saw(this.#platform.now());
    this.#cancelNote = this.#platform.after(SEEN_MS, () => this.#note());
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    const now = this.#platform.now();
    const refused = isNvrError(error) && error.code === 'ERR_CLIENT_REFUSED';
    const fullMs = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(this.#tries++, 10));
    const jitter = this.#platform.random.bytes(1)[0]! / 255;
    const waitMs = refused ? REFUSED_MS : fullMs * (0.5 + 0.5 * jitter);
    const reason = isNvrError(error) ? error.code : 'ERR_CLIENT_CLOSED';
    this.#enter(
      refused ? { kind: 'refused', since: now } : { kind: 'lost', since: now, retryAt: now + waitMs, reason },
    );
    this.#cancelRetry = this.#platform.after(waitMs, () => void this.#connect());
  }

  #enter(state: LinkState): void {
    // What is said of the time a link was lost begins with the loss, not with the latest try.
    const before = this.#state;
    const away = (kind: LinkState['kind']) => kind === 'connecting' || kind === 'lost';
    const same = before.kind === state.kind || (away(before.kind) && away(state.kind));
    const since = state.kind === 'lost' && !this.#wasOpen ? (this.#seenAt ?? before.since) : before.since;
    this.#wasOpen ||= state.kind === 'open';
    this.#state = same && state.kind !== 'open' ? { ...state, since } : state;
    this.#tell();
  }
}

/** This browser's keys for a node, with a fresh certificate. */
export async function deviceKeys(platform: BrowserPlatform, kept: KeptNode): Promise<DeviceKeys> {
  const { secretKey, wrapSeed, channelScalar } = kept.secrets;
  return createDeviceKeys(platform.suite, {
    secretKey,
    channel: kept.channelPair ?? channelScalar!,
    wrapKey: xWingPublicKey(await xWingPairOfSeed(platform.suite, wrapSeed)),
    nodeId: kept.node,
    now: platform.now(),
    auxiliary: platform.random.bytes(32),
  });
}
