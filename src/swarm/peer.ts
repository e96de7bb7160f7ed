import type { DatagramAddress } from '../platform/index.ts';
import type { DeviceKey, SessionKeys } from '../protocol/index.ts';
import type { PeerStatus, SwarmPeer } from './api.ts';
import { addressText } from './network-of.ts';
import { Rate } from './rate.ts';

/** A session of our own form with a peer: keys, the zones both know, and whether its freshness is proved. */
export interface Session {
  /** The asker's nonce, hex: names the handshake. */
  name: string;
  sendKey: SessionKeys[keyof SessionKeys];
  receiveKey: SessionKeys[keyof SessionKeys];
  /** In the order both sides count them. */
  zones: string[];
  /** The answerer's WELCOME, sent again where it got lost; null at the asker. */
  welcome: Uint8Array | null;
  device: DeviceKey;
}

/** A handshake we began. */
export interface Dial {
  nonce: Uint8Array;
  startedMs: number;
  cookie: Uint8Array | null;
  /** PROVE as sent, once the cookie is there. */
  prove: Uint8Array | null;
  tags: Uint8Array[];
  zones: string[];
}

/** Most sessions kept with one peer: both sides may have begun at once. */
const SESSIONS_MAX = 2;

/** An address we exchange datagrams with. Times in ms are monotonic. */
export class Peer {
  readonly address: DatagramAddress;
  /** `host:port`. */
  readonly name: string;
  /** Its line in the configuration, or null. */
  readonly configured: SwarmPeer | null;
  readonly createdMs: number;
  device: DeviceKey | null = null;
  /** Last proof that it is there and hears us, and since when (epoch ms) there was one without a break. */
  provedMs: number | null = null;
  confirmedAt: number | null = null;
  lastSeenAt: number | null = null;
  lastSeenMs: number | null = null;
  /** Zones both of us are in, as far as it said (old wire) or proved (our form). */
  zones: string[] = [];
  datagramsIn = 0;
  datagramsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly datagramRate = new Rate();
  readonly checkRate = new Rate();
  readonly bitRate = new Rate();
  /** When it is greeted or dialled next, and asked for records next. */
  nextGreetMs = 0;
  nextAskMs = 0;
  /** Something it sent was refused for a rate since it was asked. */
  missed = false;
  /** Old wire: when the `hello` was sent that has no answer yet, and when an `ack` was sent last. */
  helloSentMs: number | null = null;
  ackSentMs: number | null = null;
  /** Our form: sessions, the one used last first; a handshake under way; keep-alives without an answer, newest last. */
  readonly sessions: Session[] = [];
  dial: Dial | null = null;
  readonly pings: string[] = [];
  /** Keys of records it asked for and has not been sent yet. */
  readonly owed = new Set<string>();
  /** Signatures that did not hold in what it vouched for. */
  forged = 0;

  constructor(address: DatagramAddress, configured: SwarmPeer | null, nowMs: number) {
    this.address = { ...address };
    this.name = addressText(address);
    this.configured = configured;
    this.createdMs = nowMs;
  }

  get kind(): PeerStatus['kind'] {
    return this.configured?.kind ?? 'stranger';
  }

  /** True where the old wire is spoken. */
  get isLegacy(): boolean {
    return this.configured !== null && this.configured.kind !== 'node';
  }

  get confirmed(): boolean {
    return this.confirmedAt !== null;
  }

  /** The session to send under: the last one heard under, which the peer surely has. */
  get session(): Session | null {
    return this.sessions[0] ?? null;
  }

  /** Takes a session into use; the least used one falls out. */
  use(session: Session): void {
    const at = this.sessions.indexOf(session);
    if (at === 0) return;
    if (at > 0) this.sessions.splice(at, 1);
    this.sessions.unshift(session);
    this.sessions.length = Math.min(this.sessions.length, SESSIONS_MAX);
  }

  /** Adds a session that is not proved fresh yet: used only where there is no other. */
  offer(session: Session): void {
    this.sessions.length = Math.min(this.sessions.length, SESSIONS_MAX - 1);
    this.sessions.push(session);
  }

  /** A proof that it is there now; true where it was not confirmed before. */
  prove(nowMs: number, now: number): boolean {
    this.provedMs = nowMs;
    if (this.confirmedAt !== null) return false;
    this.confirmedAt = now;
    return true;
  }

  status(): PeerStatus {
    const { device, lastSeenAt, confirmedAt, datagramsIn, datagramsOut, bytesIn, bytesOut } = this;
    return {
      address: this.name,
      configured: this.configured !== null,
      kind: this.kind,
      device,
      proved: this.sessions.length > 0,
      confirmed: this.confirmed,
      lastSeenAt,
      confirmedAt,
      zones: [...this.zones],
      datagramsIn,
      datagramsOut,
      bytesIn,
      bytesOut,
    };
  }
}
