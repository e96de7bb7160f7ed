import { createHash } from 'node:crypto';
import { schnorrPublicKey, schnorrSign, schnorrVerify } from '../../src/crypto/index.ts';
import type { Clock, DatagramAddress, DatagramSocket, Datagrams } from '../../src/platform/index.ts';
import { GatewayStore } from './gateway-store.ts';
import {
  contentOf,
  type GatewayMessage,
  type GatewayQuestion,
  idOf,
  isSigned,
  readMessage,
  tagsOf,
  type WireEvent,
  writeMessage,
} from './gateway-wire.ts';

export interface GatewayDeps {
  clock: Clock;
  datagrams: Datagrams;
  /** BIP-340; default the real one. Many gateways of one simulation may share a memory of checks. */
  verify?: (key: Uint8Array, digest: Uint8Array, signature: Uint8Array) => boolean;
}

export interface GatewayOptions {
  host: string;
  port?: number;
  /** Secret of its device key, 32 bytes. */
  secret: Uint8Array;
  zones: readonly string[];
  /** `udp_peers`: greeted, asked for records, and told of what the gateway's own clients say. */
  peers?: readonly { host: string; port: number }[];
}

interface Entry {
  address: DatagramAddress;
  device: string;
  zones: string[];
  confirmed: boolean;
  heardMs: number;
}

/** The numbers of a gateway of February to May 2026. */
const PACKET_MAX = 2_048;
const RATE_PER_S = 60;
const GREET_MS = 5_000;
const EXPIRE_MS = 60_000;
const SYNC_MS = 90_000;
const FORWARDED_TO = 8;
const HOPS_MAX = 2;
const REPLAY = { ms: 600_000, max: 4_096 };
const PASSED_ON = new Set([
  'pair_claim',
  'pair_request',
  'pair_approve',
  'pair_reject',
  'pair_resolved',
  'swarm_signal',
]);

/**
 * A gateway as the contract describes it, faults that matter to others included: it tells every stranger all its zones, answers with
 * more than it was asked with, throws presence under its own label away, and forgets who asked when it passes a question on.
 */
export class GatewayDouble {
  readonly device: string;
  /** What its relay published, raw signals and wrapped records alike: what browsers behind it see. */
  readonly published: WireEvent[] = [];
  readonly counts = { in: 0, out: 0, tooLarge: 0, rate: 0, unreadable: 0, zone: 0, unsigned: 0, kept: 0, notKept: 0 };
  readonly #deps: GatewayDeps;
  readonly #options: GatewayOptions;
  readonly #table = new Map<string, Entry>();
  readonly #stores: Map<string, GatewayStore>;
  readonly #windows = new Map<string, { startMs: number; count: number }>();
  /** Event ids, the oldest first. */
  readonly #replayed = new Map<string, number>();
  readonly #timers = new Set<() => void>();
  #peers: DatagramAddress[] = [];
  #socket: DatagramSocket | null = null;

  constructor(deps: GatewayDeps, options: GatewayOptions) {
    this.#deps = deps;
    this.#options = options;
    this.device = Buffer.from(schnorrPublicKey(options.secret)).toString('hex');
    this.#stores = new Map(options.zones.map((zone) => [zone, new GatewayStore()]));
  }

  async start(): Promise<void> {
    const { datagrams } = this.#deps;
    const { host, port = 4_040, peers = [] } = this.#options;
    this.#socket = await datagrams.open({ host, port });
    this.#socket.onDatagram((bytes, from) => this.#receive(bytes, from));
    // Resolved once, as the original does.
    for (const peer of peers) {
      for (const found of await datagrams.resolve(peer.host)) this.#peers.push({ ...found, port: peer.port });
    }
    this.#every(GREET_MS, () => this.#greet());
    this.#every(SYNC_MS, () => this.#sync());
  }

  async stop(): Promise<void> {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await this.#socket?.close();
    this.#socket = null;
  }

  /** Who is in its table, and whether confirmed. */
  table(): { address: string; device: string; confirmed: boolean }[] {
    return [...this.#table].map(([address, { device, confirmed }]) => ({ address, device, confirmed }));
  }

  /** Device keys it knows of in a zone. */
  devices(zone: string): string[] {
    return this.#stores.get(zone)?.devices() ?? [];
  }

  /** What a client of its relay says: kept in all its zones where it is a record, and passed to its peers. */
  relay(event: WireEvent): void {
    if (!this.#isFirst(event) || !isSigned(event, this.#deps.verify ?? schnorrVerify)) return;
    this.published.push(event);
    for (const zone of this.#stores.keys()) this.#keep(zone, event);
    const type = contentOf(event)?.['type'];
    const discovery = event.kind === 30_078;
    if (!discovery && !PASSED_ON.has(String(type))) return;
    const named = tagsOf(event, 'z').filter((zone) => this.#stores.has(zone));
    const record_type = discovery ? (tagsOf(event, 'type')[0] ?? '') : 'signal';
    for (const zone of named.length > 0 ? named : this.#stores.keys()) {
      for (const peer of this.#peers) this.#send({ kind: 'record', zone, record_type, event, ts: this.#now() }, peer);
    }
  }

  #receive(bytes: Uint8Array, from: DatagramAddress): void {
    this.counts.in++;
    if (bytes.length >= PACKET_MAX) {
      this.#count('tooLarge');
      return;
    }
    if (!this.#isWithinRate(from)) {
      this.#count('rate');
      return;
    }
    const message = readMessage(bytes);
    if (!message) {
      this.#count('unreadable');
      return;
    }
    const entry = this.#table.get(nameOf(from));
    if (entry) entry.heardMs = this.#deps.clock.monotonic();
    if (message.kind === 'record') this.#record(message.zone, message.record_type, message.event);
    else if (message.kind === 'recordrequest') this.#answer(message, from);
    else {
      const { kind, device_pk: device, zones } = message;
      const confirmed = kind === 'ack' || (entry?.confirmed ?? false);
      const heardMs = this.#deps.clock.monotonic();
      this.#table.set(nameOf(from), { address: { ...from }, device, zones, confirmed, heardMs });
      if (kind === 'hello') this.#send(this.#greeting('ack'), from);
    }
  }

  /** No greeting, no known sender and no fresh time is asked for; the label decides between the relay's way and the store's. */
  #record(zone: string, type: string, event: WireEvent): void {
    if (!this.#stores.has(zone)) {
      this.#count('zone');
      return;
    }
    if (!isSigned(event, this.#deps.verify ?? schnorrVerify)) {
      this.#count('unsigned');
      return;
    }
    if (type !== 'signal') {
      this.#keep(zone, event);
      return;
    }
    if (!this.#isFirst(event)) return;
    this.published.push(event);
    for (const each of this.#stores.keys()) this.#keep(each, event);
    if (event.kind !== 30_078) return;
    for (const peer of this.#peers)
      this.#send({ kind: 'record', zone, record_type: tagsOf(event, 'type')[0] ?? '', event, ts: this.#now() }, peer);
  }

  #answer(question: GatewayQuestion & { kind: 'recordrequest'; ts: number }, from: DatagramAddress): void {
    const { zone, hops } = question;
    const store = this.#stores.get(zone);
    if (!store) {
      this.#count('zone');
      return;
    }
    const hits = store.find(question);
    for (const event of hits) {
      const record_type = tagsOf(event, 'type')[0] ?? '';
      this.#send({ kind: 'record', zone, record_type, event, ts: this.#now() }, from);
    }
    const target = targetOf(question);
    if (hits.length > 0 || target === null || hops > HOPS_MAX) return;
    for (const peer of this.#nearest(zone, target, from)) this.#send({ ...question, hops: hops + 1 }, peer);
  }

  /** Confirmed members of a zone by XOR distance; the configured peers where there is none. Never whoever asked. */
  #nearest(zone: string, target: string, asker: DatagramAddress): DatagramAddress[] {
    const members = [...this.#table.values()].filter(
      ({ address, confirmed, zones }) => confirmed && zones.includes(zone) && nameOf(address) !== nameOf(asker),
    );
    if (members.length > 0) {
      const nearest = byDistance(target, members, ({ device }) => device);
      return nearest.slice(0, FORWARDED_TO).map(({ address }) => address);
    }
    const others = this.#peers.filter((peer) => nameOf(peer) !== nameOf(asker));
    return others.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).slice(0, FORWARDED_TO);
  }

  #keep(zone: string, event: WireEvent): void {
    if (!this.#stores.get(zone)!.put(event, this.#now())) {
      this.#count('notKept');
      return;
    }
    this.#count('kept');
    const type = tagsOf(event, 'type')[0];
    const content = JSON.stringify({ type: `swarm_${type}_record`, record: event });
    const wrapper = {
      pubkey: this.device,
      created_at: Math.floor(this.#now() / 1000),
      kind: 1,
      tags: [['t', 'constitute']],
      content,
    };
    const id = idOf(wrapper);
    // Nobody checks it in a simulation, and signing is dear: made only where somebody looks.
    const { secret } = this.#options;
    let sig: string | null = null;
    this.published.push({
      id: id.toString('hex'),
      ...wrapper,
      get sig() {
        sig ??= Buffer.from(schnorrSign(secret, id, new Uint8Array(32))).toString('hex');
        return sig;
      },
    });
    // What a browser sees is a window on the latest, not a history.
    if (this.published.length > REPLAY.max) this.published.splice(0, REPLAY.max / 2);
  }

  #greet(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const [name, { heardMs }] of this.#table) if (nowMs - heardMs >= EXPIRE_MS) this.#table.delete(name);
    for (const peer of this.#peers) this.#send(this.#greeting('hello'), peer);
  }

  #sync(): void {
    const nobody = { identity_id: null, device_pk: null, dht_scope: null, dht_key: null };
    for (const zone of this.#stores.keys()) {
      const question = { zone, types: ['identity', 'device'], ...nobody, hops: 0 };
      for (const peer of this.#peers) this.#send({ kind: 'recordrequest', ...question, ts: this.#now() }, peer);
    }
  }

  #greeting(kind: 'hello' | 'ack'): GatewayMessage {
    const zones = [...this.#stores.keys()];
    return { kind, node_id: `gw-${this.device.slice(0, 8)}`, device_pk: this.device, zones, ts: this.#now() };
  }

  #send(message: GatewayMessage, to: DatagramAddress): void {
    const bytes = writeMessage(message);
    if (bytes.length > PACKET_MAX) {
      this.#count('tooLarge');
      return;
    }
    this.counts.out++;
    void this.#socket?.send(bytes, to);
  }

  /** Windows of one second that begin with their first datagram. */
  #isWithinRate({ host, port }: DatagramAddress): boolean {
    const nowMs = this.#deps.clock.monotonic();
    const name = `${host} ${port}`;
    const window = this.#windows.get(name);
    if (window && nowMs - window.startMs < 1_000) return ++window.count <= RATE_PER_S;
    if (this.#windows.size > REPLAY.max) this.#windows.clear();
    this.#windows.set(name, { startMs: nowMs, count: 1 });
    return true;
  }

  #isFirst({ id }: WireEvent): boolean {
    const nowMs = this.#deps.clock.monotonic();
    for (const [known, seenMs] of this.#replayed) {
      if (nowMs - seenMs < REPLAY.ms && this.#replayed.size < REPLAY.max) break;
      this.#replayed.delete(known);
    }
    if (this.#replayed.has(id)) return false;
    this.#replayed.set(id, nowMs);
    return true;
  }

  #every(ms: number, task: () => void): void {
    task();
    const again = () => {
      const cancel = this.#deps.clock.after(ms, () => {
        this.#timers.delete(cancel);
        task();
        again();
      });
      this.#timers.add(cancel);
    };
    again();
  }

  #now(): number {
    return this.#deps.clock.now();
  }

  #count(what: Exclude<keyof GatewayDouble['counts'], 'in' | 'out'>): void {
    this.counts[what]++;
  }
}

/** Things ordered by the XOR distance of their keys to a target: 64 hex characters are 32 bytes, any other text its SHA-256. */
export function byDistance<T>(target: string, things: readonly T[], keyOf: (thing: T) => string): T[] {
  const to = pointOf(target);
  const distance = (thing: T) => pointOf(keyOf(thing)).map((byte, index) => byte ^ to[index]!);
  return things
    .map((thing) => ({ thing, distance: Buffer.from(distance(thing)) }))
    .sort((a, b) => a.distance.compare(b.distance))
    .map(({ thing }) => thing);
}

function pointOf(text: string): Uint8Array {
  return /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : createHash('sha256').update(text).digest();
}

/** The one thing a question is about, or null where it asks for all of a type. */
function targetOf({ device_pk, identity_id, dht_scope, dht_key }: GatewayQuestion): string | null {
  return device_pk ?? identity_id ?? (dht_scope !== null && dht_key !== null ? `${dht_scope}:${dht_key}` : null);
}

function nameOf({ host, port }: DatagramAddress): string {
  return `${host}:${port}`;
}
