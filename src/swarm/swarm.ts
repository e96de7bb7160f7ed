import { assert } from '../errors.ts';
import type { DatagramAddress, DatagramSocket } from '../platform/index.ts';
import {
  type DeviceKey,
  isNodeDatagram,
  isZoneKey,
  type SignedEvent,
  tagValues,
  ZONES_MAX,
} from '../protocol/index.ts';
import { Admission } from './admission.ts';
import { Announcer } from './announcer.ts';
import type { Swarm, SwarmDeps, SwarmLimits, SwarmOptions, SwarmStatus } from './api.ts';
import { ConfiguredPeers } from './configured-peers.ts';
import { Cookies } from './cookies.ts';
import { Counters, type Refusal } from './counters.ts';
import { LegacySide } from './legacy-side.ts';
import { SWARM_LIMITS, SWARM_TIMES } from './limits.ts';
import { addressText, sourceOf } from './network-of.ts';
import { NodeSide } from './node-side.ts';
import { Outbox } from './outbox.ts';
import type { SwarmParts } from './parts.ts';
import { zonesFor } from './parts.ts';
import type { Peer } from './peer.ts';
import { PeerTable } from './peer-table.ts';
import { RecordStore } from './record-store.ts';
import { SourceRates } from './source-rates.ts';

/** Shortest and longest time between two turns, ms. */
const TURN_MS = { least: 50, most: 5_000 };

/**
 * Makes the swarm room. `start` binds its sockets and rejects with the seam's `ERR_DATAGRAMS_BIND` (`::` may fail beside another);
 * nothing that comes from outside ends it afterwards.
 */
export function createSwarm(deps: SwarmDeps, options: SwarmOptions): Swarm {
  return new NodeSwarm(deps, options);
}

class NodeSwarm implements Swarm {
  readonly #deps: SwarmDeps;
  readonly #options: SwarmOptions;
  readonly #limits: SwarmLimits;
  readonly #counters = new Counters();
  readonly #peers: PeerTable;
  readonly #parts: SwarmParts;
  readonly #configured: ConfiguredPeers;
  readonly #legacy: LegacySide;
  readonly #nodes: NodeSide;
  readonly #announceMs: number;
  #sockets: DatagramSocket[] = [];
  #state: 'made' | 'running' | 'stopped' = 'made';
  #cancelTurn: () => void = () => {};
  #turnAtMs = Number.POSITIVE_INFINITY;
  #announceAtMs = 0;
  #announceOwnAtMs = 0;
  #sweepAtMs = 0;

  constructor(deps: SwarmDeps, options: SwarmOptions) {
    this.#deps = deps;
    this.#options = options;
    assert(options.zones.length <= ZONES_MAX && options.zones.every(({ key }) => isZoneKey(key)), 'checked zones');
    const limits = { ...SWARM_LIMITS, ...options.limits };
    this.#limits = limits;
    const { clock, random, datagrams } = deps;
    const counters = this.#counters;
    const peers = new PeerTable(random, limits);
    this.#peers = peers;
    const outbox = new Outbox(clock, limits, counters);
    this.#parts = {
      deps,
      options,
      limits,
      counters,
      peers,
      sources: new SourceRates(limits),
      outbox,
      admission: new Admission(deps, limits, counters),
      announcer: new Announcer(deps, options, () => this.#peerCounts()),
      hasten: (atMs) => this.#arm(atMs),
    };
    const onFound = () => this.#arm(clock.monotonic());
    this.#configured = new ConfiguredPeers({ clock, datagrams, peers, outbox, onFound }, options.peers);
    this.#nodes = new NodeSide(this.#parts, new Cookies(deps));
    this.#legacy = new LegacySide(this.#parts, (event, zone, from) => this.#nodes.spread(event, zone, 1, from));
    this.#announceMs = Math.max(SWARM_TIMES.announceMin, options.announceMs ?? SWARM_TIMES.announce);
  }

  async start(): Promise<void> {
    assert(this.#state === 'made', 'the swarm is started once');
    this.#state = 'running';
    const { clock, datagrams, log } = this.#deps;
    try {
      for (const place of this.#options.listen) {
        try {
          this.#sockets.push(await datagrams.open(place));
        } catch (error) {
          // Many machines have no IPv6; nobody meant it in particular by listening everywhere.
          if (place.host !== '::' || this.#options.listen.length === 1) throw error;
          log.warn({ error: String(error) }, 'went on without ipv6');
        }
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#parts.outbox.open(this.#sockets);
    for (const socket of this.#sockets) socket.onDatagram((bytes, from) => this.#receive(bytes, from));
    log.info({ listening: this.#listening(), peers: this.#options.peers.length }, 'started the swarm');
    const nowMs = clock.monotonic();
    this.#announceAtMs = nowMs + this.#announceMs;
    this.#announceOwnAtMs = nowMs + SWARM_TIMES.announceOwn;
    this.#turn();
  }

  async stop(): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'stopped';
    this.#cancelTurn();
    this.#configured.stop();
    if (!wasRunning) return;
    for (const peer of this.#peers) if (peer.confirmed) this.#nodes.leave(peer);
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }

  status(): SwarmStatus {
    const { deps, admission } = this.#parts;
    return {
      nodeId: deps.nodeId,
      listening: this.#listening(),
      zones: this.#options.zones.map(({ key, name }) => ({ key, name })),
      peers: this.#peers.all().map((peer) => peer.status()),
      records: admission.store.list(deps.clock.now()),
      counters: this.#counters.read(),
    };
  }

  publish(event: SignedEvent, zones: readonly string[]): void {
    if (this.#state !== 'running') return;
    this.#parts.admission.noteOwn(event);
    for (const zone of new Set(zones)) {
      if (!this.#options.zones.some(({ key }) => key === zone)) continue;
      const named = tagValues(event, 'z');
      if (named.length > 0 && !named.includes(zone)) continue;
      for (const peer of this.#peers) {
        if (peer.isLegacy && peer.confirmed && zonesFor(this.#parts, peer).includes(zone))
          this.#legacy.publish(peer, zone, event);
      }
      this.#nodes.spread(event, zone, 0, null);
    }
  }

  deviceRecord(device: DeviceKey): SignedEvent | null {
    const { store } = this.#parts.admission;
    const now = this.#deps.clock.now();
    let newest: { updatedAt: number; event: SignedEvent } | null = null;
    for (const { key: zone } of this.#options.zones) {
      const found = store.get(RecordStore.key({ zone, type: 'device', author: device }));
      if (found && found.expiresAt >= now && found.updatedAt > (newest?.updatedAt ?? -1)) newest = found;
    }
    return newest?.event ?? null;
  }

  /** One datagram; whatever it does, the next one is taken. */
  #receive(bytes: Uint8Array, from: DatagramAddress): void {
    if (this.#state !== 'running') return;
    const counters = this.#counters;
    counters.datagramsIn++;
    counters.bytesIn += bytes.length;
    try {
      const refused = this.#take(bytes, from);
      if (refused) counters.refuse(refused);
    } catch (error) {
      counters.refuse('fault');
      this.#deps.log.error({ error: String(error), from: addressText(from) }, 'failed on a datagram');
    }
  }

  #take(bytes: Uint8Array, from: DatagramAddress): Refusal | null {
    const { sources, limits } = this.#parts;
    const own = isNodeDatagram(bytes);
    if (bytes.length === 0 || bytes.length > (own ? limits.datagramMax : limits.legacyMax)) return 'size';
    const peer = this.#peers.get(from);
    const { clock } = this.#deps;
    const nowMs = clock.monotonic();
    if (!own && !peer?.isLegacy) return 'stranger';
    const { peerPerSecond, peerBurst } = limits;
    const allowed = peer
      ? peer.datagramRate.take(nowMs, peerPerSecond, peerBurst)
      : sources.datagram(sourceOf(from), nowMs);
    if (!allowed) {
      if (peer) peer.missed = true;
      return 'rate';
    }
    if (peer) {
      peer.datagramsIn++;
      peer.bytesIn += bytes.length;
      peer.lastSeenAt = clock.now();
    }
    return own ? this.#nodes.receive(bytes, from, peer) : this.#legacy.receive(bytes, peer!);
  }

  /** Does everything that is due, then sleeps until the next thing is. */
  #turn(): void {
    if (this.#state !== 'running') return;
    this.#cancelTurn();
    this.#turnAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#deps.clock.monotonic();
    try {
      this.#work(nowMs);
    } catch (error) {
      this.#counters.refuse('fault');
      this.#deps.log.error({ error: String(error) }, 'failed on a turn');
    }
    let nextMs = Math.min(nowMs + TURN_MS.most, this.#announceAtMs, this.#sweepAtMs);
    for (const peer of this.#peers) {
      nextMs = Math.min(nextMs, peer.nextGreetMs);
      if (peer.confirmed && peer.nextAskMs > 0) nextMs = Math.min(nextMs, peer.nextAskMs);
      if (peer.owed.size > 0) nextMs = Math.min(nextMs, nowMs + 5 * TURN_MS.least);
    }
    this.#arm(nextMs);
  }

  #work(nowMs: number): void {
    this.#configured.turn(nowMs);
    for (const peer of [...this.#peers]) {
      this.#expire(peer, nowMs);
      if (peer.isLegacy) this.#legacy.turn(peer, nowMs);
      else this.#nodes.turn(peer, nowMs, this.#configured.mayDial(peer));
    }
    if (nowMs >= this.#announceAtMs) this.#announce(nowMs);
    if (nowMs >= this.#sweepAtMs) {
      this.#sweepAtMs = nowMs + SWARM_TIMES.sweep;
      this.#parts.admission.store.sweep(this.#deps.clock.now());
    }
  }

  /** A peer that proves nothing any more is not confirmed; a stranger that stays so is forgotten. */
  #expire(peer: Peer, nowMs: number): void {
    const { confirmedMs, unconfirmedMs } = this.#limits;
    const provedMs = peer.provedMs ?? peer.createdMs;
    if (peer.confirmed && nowMs - provedMs >= confirmedMs) {
      peer.confirmedAt = null;
      peer.owed.clear();
      this.#deps.log.info({ peer: peer.name }, 'lost a peer');
    }
    if (!peer.configured && !peer.confirmed && nowMs - provedMs >= unconfirmedMs) this.#peers.remove(peer);
  }

  #announce(nowMs: number): void {
    this.#announceAtMs = nowMs + this.#announceMs;
    const { announcer } = this.#parts;
    const changed = announcer.renew();
    const own = changed || nowMs >= this.#announceOwnAtMs;
    if (own) this.#announceOwnAtMs = nowMs + SWARM_TIMES.announceOwn;
    const presences = new Map<string, SignedEvent>();
    const presence = (zone: string) => {
      const made = presences.get(zone) ?? announcer.presence(zone);
      presences.set(zone, made);
      return made;
    };
    for (const peer of this.#peers) {
      if (!peer.confirmed) continue;
      if (peer.isLegacy) this.#legacy.announce(peer, presence);
      else if (own) this.#nodes.announce(peer);
    }
  }

  /** Wakes by then, where the next turn would come later. */
  #arm(atMs: number): void {
    if (this.#state !== 'running' || atMs >= this.#turnAtMs) return;
    this.#cancelTurn();
    this.#turnAtMs = atMs;
    const { clock } = this.#deps;
    this.#cancelTurn = clock.after(Math.max(TURN_MS.least, atMs - clock.monotonic()), () => this.#turn());
  }

  #peerCounts(): { known: number; confirmed: number } {
    let confirmed = 0;
    for (const peer of this.#peers) if (peer.confirmed) confirmed++;
    return { known: this.#peers.size, confirmed };
  }

  #listening(): string[] {
    return this.#sockets.map(({ local }) => addressText(local));
  }
}
