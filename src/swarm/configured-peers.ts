import type { Clock, Datagrams } from '../platform/index.ts';
import type { SwarmPeer } from './api.ts';
import { SWARM_TIMES } from './limits.ts';
import { addressText } from './network-of.ts';
import type { Outbox } from './outbox.ts';
import type { Peer } from './peer.ts';
import type { PeerTable } from './peer-table.ts';

/** Most addresses of one name that are used. */
const ADDRESSES_MAX = 4;

interface Line {
  peer: SwarmPeer;
  addresses: Peer[];
  resolvedMs: number | null;
  running: boolean;
}

/** Keeps the addresses of configured peers: their names are looked up at the start, now and then, and while they are silent. */
export class ConfiguredPeers {
  readonly #clock: Clock;
  readonly #datagrams: Datagrams;
  readonly #peers: PeerTable;
  readonly #outbox: Outbox;
  readonly #onFound: () => void;
  readonly #lines: Line[];
  #stopped = false;

  /** `onFound` is told when addresses came or went. */
  constructor(
    deps: { clock: Clock; datagrams: Datagrams; peers: PeerTable; outbox: Outbox; onFound: () => void },
    configured: readonly SwarmPeer[],
  ) {
    this.#clock = deps.clock;
    this.#datagrams = deps.datagrams;
    this.#peers = deps.peers;
    this.#outbox = deps.outbox;
    this.#onFound = deps.onFound;
    this.#lines = configured.map((peer) => ({ peer, addresses: [], resolvedMs: null, running: false }));
  }

  /** Looks up what is due. */
  turn(nowMs: number): void {
    for (const line of this.#lines) {
      const silent = !line.addresses.some((peer) => peer.confirmed);
      const everyMs = silent ? SWARM_TIMES.resolveSilent : SWARM_TIMES.resolve;
      const due = line.resolvedMs === null || nowMs - line.resolvedMs >= everyMs;
      if (due && !line.running) void this.#resolve(line, nowMs);
    }
  }

  /** False where another address of the same configured peer is confirmed, so that this one need not be dialled. */
  mayDial(peer: Peer): boolean {
    const line = this.#lines.find((each) => each.addresses.includes(peer));
    return !line?.addresses.some((other) => other !== peer && other.confirmed);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #resolve(line: Line, nowMs: number): Promise<void> {
    line.running = true;
    line.resolvedMs = nowMs;
    const { host, port } = line.peer;
    let found: { host: string; family: 4 | 6 }[] = [];
    try {
      found = await this.#datagrams.resolve(host);
    } catch {
      // The seam never rejects; should it, the name counts as unknown for now.
    }
    line.running = false;
    if (this.#stopped) return;
    const reached = found.filter(({ family }) => this.#outbox.reaches(family)).slice(0, ADDRESSES_MAX);
    if (reached.length === 0) return;
    const names = new Set(reached.map((each) => addressText({ ...each, port })));
    for (const peer of line.addresses) if (!names.has(peer.name) && !peer.confirmed) this.#peers.remove(peer);
    const kept = line.addresses.filter((peer) => peer.confirmed || names.has(peer.name));
    const fresh = reached.map((each) => this.#peers.pin({ ...each, port }, line.peer, this.#clock.monotonic()));
    // An address that two lines name belongs to the first.
    line.addresses = [...new Set([...kept, ...fresh])].filter((peer) => peer.configured === line.peer);
    this.#onFound();
  }
}
