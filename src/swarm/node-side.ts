import { concatBytes, equalBytesConstantTime, toHex } from '../bytes/index.ts';
import type { DatagramAddress } from '../platform/index.ts';
import {
  type DeviceKey,
  datagramCode,
  encodeNodeDatagram,
  findTag,
  foundCode,
  hasDatagramCode,
  NODE_EVENT_MAX,
  type NodeDatagram,
  type NodeKind,
  packEvent,
  parseNodeDatagram,
  REQUEST_WANTS,
  type SignedEvent,
  stampCheck,
  unpackEvent,
} from '../protocol/index.ts';
import type { Cookies } from './cookies.ts';
import type { Refusal } from './counters.ts';
import { SWARM_TIMES } from './limits.ts';
import { NodeHandshakes } from './node-handshakes.ts';
import type { SwarmParts } from './parts.ts';
import type { Peer, Session } from './peer.ts';
import { RecordStore } from './record-store.ts';

/** Most records owed to one peer; it asks again. */
const OWED_MAX = 512;
/** Key under which our own record is owed. */
const OWN = 'own';
/** Keep-alives that wait for their answer. */
const PINGS_MAX = 4;
/** Unanswered keep-alives after which a new handshake is tried beside them. */
const PINGS_LOST = 2;
/** Forged records after which a peer that vouched for them is dropped. */
const FORGED_MAX = 3;
const NO_DEVICE = new Uint8Array(32);

/** Speaks our own form with nodes: sessions, keep-alives, records, questions (docs/protocol/swarm.md section 4). */
export class NodeSide {
  readonly #parts: SwarmParts;
  readonly #handshakes: NodeHandshakes;

  constructor(parts: SwarmParts, cookies: Cookies) {
    this.#parts = parts;
    this.#handshakes = new NodeHandshakes(parts, cookies, (peer, session) => this.#onFresh(peer, session));
  }

  /** A datagram whose first byte is ours; `peer` is who has that address, if anybody. Gives why it was refused, or null. */
  receive(bytes: Uint8Array, from: DatagramAddress, peer: Peer | undefined): Refusal | null {
    const parsed = parseNodeDatagram(bytes);
    if ('reason' in parsed) return parsed.reason;
    const { datagram } = parsed;
    switch (datagram.kind) {
      case 'hello':
        return this.#handshakes.hello(datagram, from, peer);
      case 'cookie':
        return this.#handshakes.cookie(datagram, peer);
      case 'prove':
        return this.#handshakes.prove(datagram, from, peer);
      case 'welcome':
        return this.#handshakes.welcome(datagram, bytes, peer);
      case 'find':
        return this.#find(datagram, from);
      case 'found':
        return 'unasked';
      default:
        return this.#inSession(datagram, bytes, peer);
    }
  }

  /** What is due towards a peer: a keep-alive, a handshake, a question, records it waits for. `dialled` false: another address of it serves. */
  turn(peer: Peer, nowMs: number, dialled: boolean): void {
    const { session } = peer;
    if (nowMs >= peer.nextGreetMs) {
      const answered = peer.confirmed && peer.pings.length === 0;
      peer.nextGreetMs = nowMs + (answered ? SWARM_TIMES.keepAlive : SWARM_TIMES.retry);
      if (session) this.#ping(peer, session);
      const quiet = !peer.confirmed || peer.pings.length > PINGS_LOST;
      if (peer.configured && quiet && dialled) this.#handshakes.dial(peer, nowMs);
    }
    if (!session || !peer.confirmed) return;
    if (nowMs >= peer.nextAskMs) this.#ask(peer, session, nowMs);
    if (peer.missed && peer.nextAskMs > nowMs + SWARM_TIMES.askAgain) peer.nextAskMs = nowMs + SWARM_TIMES.askAgain;
    this.#payOwed(peer, session);
  }

  /** Tells a confirmed peer who we are. */
  announce(peer: Peer): void {
    const { session } = peer;
    for (const index of session?.zones.keys() ?? [])
      this.#sendPacked(peer, session!, index, this.#parts.announcer.packed());
  }

  /** Hands an event to the peers of a zone: never back to `from`, never to its author, never to an unproved address. */
  spread(event: SignedEvent, zone: string, hops: number, from: Peer | null): void {
    const { peers, limits } = this.#parts;
    if (hops > limits.hops) return;
    const packed = packEvent(event);
    if (!packed || packed.length > NODE_EVENT_MAX) return;
    const members: Peer[] = [];
    for (const peer of peers) {
      if (peer === from || !peer.confirmed || peer.device === event.pubkey) continue;
      if (peer.session?.zones.includes(zone)) members.push(peer);
    }
    for (const peer of peers.pick(members, limits.fanOut)) {
      this.#sendPacked(peer, peer.session!, peer.session!.zones.indexOf(zone), packed, hops);
    }
  }

  /** Says goodbye, so that the peer need not wait for silence. */
  leave(peer: Peer): void {
    if (peer.session) this.#send(peer, peer.session, 'bye', new Uint8Array(0));
  }

  /** Everything but handshakes: only under a session, known by its code. */
  #inSession(datagram: NodeDatagram, bytes: Uint8Array, peer: Peer | undefined): Refusal | null {
    const { deps } = this.#parts;
    if (!peer || peer.sessions.length === 0) return 'stranger';
    const session = peer.sessions.find(({ receiveKey }) => hasDatagramCode(deps.hashes, receiveKey, bytes));
    if (!session) return 'code';
    // The answerer's nonce is in these keys: a first code under them is fresh, a later one might be an old one sent again.
    if (session.welcome) {
      session.welcome = null;
      this.#onFresh(peer, session);
    }
    peer.use(session);
    const { kind, body, hops } = datagram;
    if (kind === 'record') return this.#record(peer, session, body, hops);
    if (kind === 'request') return this.#request(peer, session, body);
    if (kind === 'pong') return this.#pong(peer, body);
    if (kind === 'bye') return this.#bye(peer);
    this.#send(peer, session, 'pong', body);
    return null;
  }

  #onFresh(peer: Peer, session: Session): void {
    const { clock } = this.#parts.deps;
    const nowMs = clock.monotonic();
    peer.device = session.device;
    peer.zones = session.zones;
    peer.pings.length = 0;
    peer.nextAskMs = nowMs;
    const begins = peer.prove(nowMs, clock.now());
    this.#ping(peer, session);
    peer.nextGreetMs = nowMs + SWARM_TIMES.step;
    if (begins) this.announce(peer);
    this.#parts.hasten(nowMs);
  }

  #ping(peer: Peer, session: Session): void {
    const id = this.#parts.deps.random.bytes(8);
    peer.pings.push(toHex(id));
    if (peer.pings.length > PINGS_MAX) peer.pings.shift();
    this.#send(peer, session, 'ping', id);
  }

  #pong(peer: Peer, id: Uint8Array): Refusal | null {
    const { deps, hasten } = this.#parts;
    const at = peer.pings.indexOf(toHex(id));
    if (at < 0) return 'unasked';
    peer.pings.length = 0;
    peer.dial = null;
    const nowMs = deps.clock.monotonic();
    peer.nextGreetMs = nowMs + SWARM_TIMES.keepAlive;
    if (!peer.prove(nowMs, deps.clock.now())) return null;
    peer.nextAskMs = nowMs;
    this.announce(peer);
    hasten(nowMs);
    return null;
  }

  #bye(peer: Peer): Refusal | null {
    peer.sessions.length = 0;
    peer.pings.length = 0;
    peer.confirmedAt = null;
    peer.owed.clear();
    if (!peer.configured) this.#parts.peers.remove(peer);
    return null;
  }

  #record(peer: Peer, session: Session, body: Uint8Array, hops: number): Refusal | null {
    const { deps, limits, counters, admission } = this.#parts;
    if (hops > limits.hops) return 'hops';
    const zone = session.zones[body[0] ?? 255];
    if (zone === undefined) return 'zone';
    const event = unpackEvent(deps.hashes, body.subarray(1));
    if (!event) return 'event';
    const { checksPerPeer, checksPerPeerBurst } = limits;
    const answer = admission.admit(event, {
      zone,
      from: peer.name,
      idProved: true,
      mayCheck: () => peer.checkRate.take(deps.clock.monotonic(), checksPerPeer, checksPerPeerBurst),
    });
    if (answer === 'admitted') {
      this.spread(event, zone, hops + 1, peer);
      return null;
    }
    if (answer === 'rate-checks') peer.missed = true;
    // Honest peers check what they pass on, and its code says that this one sent it.
    if (answer === 'signature' && ++peer.forged >= FORGED_MAX) {
      counters.refuse('forger');
      peer.forged = 0;
      this.#bye(peer);
    }
    return answer;
  }

  #request(peer: Peer, session: Session, body: Uint8Array): Refusal | null {
    const { deps, admission, hasten } = this.#parts;
    const zone = session.zones[body[0]!];
    if (zone === undefined) return 'zone';
    const want = body[1]!;
    const device = toHex(body.subarray(2, 34)) as DeviceKey;
    const now = deps.clock.now();
    const keys: string[] = [];
    if (want === REQUEST_WANTS.devices) keys.push(`${OWN} ${zone}`, ...admission.store.keysOf(zone, 'device', now));
    else if (want === REQUEST_WANTS.identities) keys.push(...admission.store.keysOf(zone, 'identity', now));
    else if (want === REQUEST_WANTS.device && device === deps.nodeId) keys.push(`${OWN} ${zone}`);
    else if (want === REQUEST_WANTS.device) keys.push(RecordStore.key({ zone, type: 'device', author: device }));
    for (const key of keys) if (peer.owed.size < OWED_MAX) peer.owed.add(key);
    hasten(deps.clock.monotonic());
    return null;
  }

  #ask(peer: Peer, session: Session, nowMs: number): void {
    peer.nextAskMs = nowMs + SWARM_TIMES.ask;
    peer.missed = false;
    for (const index of session.zones.keys()) {
      for (const want of [REQUEST_WANTS.devices, REQUEST_WANTS.identities]) {
        this.#send(peer, session, 'request', concatBytes(Uint8Array.of(index, want), NO_DEVICE));
      }
    }
  }

  /** Sends what a peer asked for as far as its bit rate goes; the rest waits for the next turn. */
  #payOwed(peer: Peer, session: Session): void {
    const { admission, announcer, deps } = this.#parts;
    for (const key of peer.owed) {
      const stored = admission.store.get(key);
      const own = key.startsWith(`${OWN} `);
      const zone = own ? key.slice(OWN.length + 1) : stored?.zone;
      const index = zone === undefined ? -1 : session.zones.indexOf(zone);
      const packed = own ? announcer.packed() : stored && packEvent(stored.event);
      const wanted = index >= 0 && packed && packed.length <= NODE_EVENT_MAX && (own || stored!.author !== peer.device);
      if (wanted && (own || stored!.expiresAt >= deps.clock.now()) && !this.#sendPacked(peer, session, index, packed))
        return;
      peer.owed.delete(key);
    }
  }

  /** FIND from an address with a cookie: the newest record of one device, to members of the zone; no longer than the question. */
  #find(datagram: NodeDatagram, from: DatagramAddress): Refusal | null {
    const { deps, options, admission, announcer, outbox } = this.#parts;
    const { hashes } = deps;
    const { check: cookie, body } = datagram;
    const [nonce, tag, device] = [body.subarray(0, 16), body.subarray(16, 32), body.subarray(32, 64)];
    if (!this.#handshakes.hasCookie(datagram, nonce, from)) return 'cookie';
    const zone = options.zones.find(({ key }) =>
      equalBytesConstantTime(findTag(hashes, this.#handshakes.secretOf(key)!, { nonce, cookie, device }), tag),
    );
    if (!zone) return 'zone-tag';
    const author = toHex(device) as DeviceKey;
    const stored = admission.store.get(RecordStore.key({ zone: zone.key, type: 'device', author }));
    const packed = author === deps.nodeId ? announcer.packed() : stored && packEvent(stored.event);
    if (!packed || packed.length > NODE_EVENT_MAX) return null;
    const check = foundCode(hashes, this.#handshakes.secretOf(zone.key)!, { nonce, packed });
    outbox.toAddress(from, encodeNodeDatagram('found', concatBytes(nonce, packed), { check }));
    return null;
  }

  #sendPacked(peer: Peer, session: Session, index: number, packed: Uint8Array, hops = 0): boolean {
    return this.#send(peer, session, 'record', concatBytes(Uint8Array.of(index), packed), hops);
  }

  #send(peer: Peer, session: Session, kind: NodeKind, body: Uint8Array, hops = 0): boolean {
    const datagram = encodeNodeDatagram(kind, body, { hops });
    stampCheck(datagram, datagramCode(this.#parts.deps.hashes, session.sendKey, datagram));
    return this.#parts.outbox.toPeer(peer, datagram);
  }
}
