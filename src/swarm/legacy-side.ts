import {
  encodeLegacyDatagram,
  type LegacyGreeting,
  type LegacyRecord,
  type LegacyRequest,
  parseLegacyDatagram,
  type SignedEvent,
} from '../protocol/index.ts';
import type { Refusal } from './counters.ts';
import { SWARM_TIMES } from './limits.ts';
import type { SwarmParts } from './parts.ts';
import { zonesFor } from './parts.ts';
import type { Peer } from './peer.ts';

/** Speaks the old wire, version 1, with configured gateways and peers and with nobody else (docs/protocol/swarm.md section 2). */
export class LegacySide {
  readonly #parts: SwarmParts;
  readonly #relay: (event: SignedEvent, zone: string, from: Peer) => void;

  /** `relay` is told each admitted event. */
  constructor(parts: SwarmParts, relay: (event: SignedEvent, zone: string, from: Peer) => void) {
    this.#parts = parts;
    this.#relay = relay;
  }

  /** A datagram from a configured address, within its rate; gives why it was refused, or null. */
  receive(bytes: Uint8Array, peer: Peer): Refusal | null {
    const parsed = parseLegacyDatagram(bytes);
    if ('reason' in parsed) return parsed.reason;
    const { message } = parsed;
    if (message.kind === 'record') return this.#record(message, peer);
    if (message.kind === 'recordrequest') return this.#request(message, peer);
    const { key } = peer.configured!;
    if (key !== undefined && key !== message.device) return 'wrong-key';
    return message.kind === 'hello' ? this.#hello(message, peer, bytes.length) : this.#ack(message, peer);
  }

  /** What is due towards a peer: a greeting, a question. */
  turn(peer: Peer, nowMs: number): void {
    if (nowMs >= peer.nextGreetMs) {
      const answered = peer.confirmed && peer.helloSentMs === null;
      this.#send(peer, this.#greeting('hello', peer));
      peer.helloSentMs = nowMs;
      peer.nextGreetMs = nowMs + (answered ? SWARM_TIMES.keepAlive : SWARM_TIMES.retry);
      // A gateway confirms only those who send it an `ack`.
      if (peer.confirmed && nowMs - (peer.ackSentMs ?? 0) >= SWARM_TIMES.ackAgain) this.#sendAck(peer, nowMs);
    }
    if (peer.confirmed && nowMs >= peer.nextAskMs) this.#ask(peer, nowMs);
    if (peer.missed && peer.nextAskMs > nowMs + SWARM_TIMES.askAgain) peer.nextAskMs = nowMs + SWARM_TIMES.askAgain;
  }

  /** Tells a confirmed peer who we are, in each zone it shares: presence under both labels, since gateways keep only one of them. */
  announce(peer: Peer, presence: (zone: string) => SignedEvent): void {
    const device = this.#parts.announcer.record(peer.configured!.disclose);
    for (const zone of zonesFor(this.#parts, peer)) {
      this.#sendRecord(peer, zone, 'device', device);
      this.#sendRecord(peer, zone, 'zone_presence', presence(zone));
      this.#sendRecord(peer, zone, 'signal', presence(zone));
    }
  }

  /** Sends an app event of our own as a signal. */
  publish(peer: Peer, zone: string, event: SignedEvent): void {
    this.#sendRecord(peer, zone, 'signal', event);
  }

  #hello({ device, zones }: LegacyGreeting, peer: Peer, length: number): Refusal | null {
    const { deps } = this.#parts;
    this.#note(peer, device, zones);
    const ack = encodeLegacyDatagram(this.#greeting('ack', peer));
    // Until its address is proved, it gets no more than it sent: our own hello asks for the proof.
    if (!peer.confirmed && ack.length > length) return 'unconfirmed';
    if (this.#parts.outbox.toPeer(peer, ack)) peer.ackSentMs = deps.clock.monotonic();
    return null;
  }

  #ack({ device, zones }: LegacyGreeting, peer: Peer): Refusal | null {
    const { deps, hasten } = this.#parts;
    const nowMs = deps.clock.monotonic();
    if (peer.helloSentMs === null || nowMs - peer.helloSentMs > SWARM_TIMES.ackWindow) return 'unasked';
    // One answer to each greeting.
    peer.helloSentMs = null;
    this.#note(peer, device, zones);
    if (!peer.prove(nowMs, deps.clock.now())) return null;
    peer.nextGreetMs = nowMs + SWARM_TIMES.keepAlive;
    peer.nextAskMs = nowMs;
    this.#sendAck(peer, nowMs);
    const made = new Map<string, SignedEvent>();
    this.announce(peer, (zone) => {
      const presence = made.get(zone) ?? this.#parts.announcer.presence(zone);
      made.set(zone, presence);
      return presence;
    });
    hasten(nowMs);
    return null;
  }

  #note(peer: Peer, device: LegacyGreeting['device'], zones: string[]): void {
    peer.device = device;
    peer.zones = zonesFor(this.#parts, peer).filter((zone) => zones.includes(zone));
  }

  #record({ zone, event }: LegacyRecord, peer: Peer): Refusal | null {
    const { deps, limits, admission } = this.#parts;
    if (!zonesFor(this.#parts, peer).includes(zone)) return 'zone';
    const { checksPerPeer, checksPerPeerBurst } = limits;
    const answer = admission.admit(event, {
      zone,
      from: peer.name,
      idProved: false,
      mayCheck: () => peer.checkRate.take(deps.clock.monotonic(), checksPerPeer, checksPerPeerBurst),
    });
    if (answer === 'rate-checks') peer.missed = true;
    if (answer !== 'admitted') return answer;
    this.#relay(event, zone, peer);
    return null;
  }

  /** Only our own record is given: what others told us they told us. */
  #request({ zone, types, device }: LegacyRequest, peer: Peer): Refusal | null {
    const { deps, announcer } = this.#parts;
    if (!zonesFor(this.#parts, peer).includes(zone)) return 'zone';
    if (!peer.confirmed) return 'unconfirmed';
    if (types.length > 0 && !types.includes('device')) return null;
    if (device !== null && device !== deps.nodeId) return null;
    this.#sendRecord(peer, zone, 'device', announcer.record(peer.configured!.disclose));
    return null;
  }

  /** Asks a gateway for the members of our zones; other peers of the old wire keep no records. */
  #ask(peer: Peer, nowMs: number): void {
    peer.nextAskMs = nowMs + SWARM_TIMES.ask;
    peer.missed = false;
    if (peer.kind !== 'gateway') return;
    const nobody = { identityId: null, device: null, dhtScope: null, dhtKey: null };
    for (const zone of zonesFor(this.#parts, peer)) {
      const ts = this.#parts.deps.clock.now();
      this.#send(peer, { kind: 'recordrequest', zone, types: ['identity', 'device'], ...nobody, hops: 0, ts });
    }
  }

  #sendAck(peer: Peer, nowMs: number): void {
    this.#send(peer, this.#greeting('ack', peer));
    peer.ackSentMs = nowMs;
  }

  #greeting(kind: 'hello' | 'ack', peer: Peer): LegacyGreeting {
    const { deps, options } = this.#parts;
    const { nodeName } = options;
    return { kind, nodeName, device: deps.nodeId, zones: zonesFor(this.#parts, peer), ts: deps.clock.now() };
  }

  #sendRecord(peer: Peer, zone: string, recordType: string, event: SignedEvent): void {
    this.#send(peer, { kind: 'record', zone, recordType, event, ts: this.#parts.deps.clock.now() });
  }

  #send(peer: Peer, message: LegacyGreeting | LegacyRecord | LegacyRequest): void {
    this.#parts.outbox.toPeer(peer, encodeLegacyDatagram(message));
  }
}
