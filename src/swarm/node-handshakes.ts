import { equalBytes, fromHex, isZero, toHex } from '../bytes/index.ts';
import type { DatagramAddress } from '../platform/index.ts';
import {
  type DeviceKey,
  datagramCode,
  encodeCookie,
  encodeHello,
  encodeProve,
  encodeWelcome,
  hasDatagramCode,
  type NodeDatagram,
  type ProveBody,
  proveBodyOf,
  proveDigest,
  sessionKeys,
  stampCheck,
  type WelcomeBody,
  welcomeBodyOf,
  welcomeDigest,
  ZONES_MAX,
  zoneSecret,
  zoneTag,
} from '../protocol/index.ts';
import type { Cookies } from './cookies.ts';
import type { Refusal } from './counters.ts';
import { SWARM_TIMES } from './limits.ts';
import { addressText, sourceOf } from './network-of.ts';
import type { SwarmParts } from './parts.ts';
import { zonesFor } from './parts.ts';
import type { Dial, Peer, Session } from './peer.ts';

/** Zones both sides know, and which of the offered ones they are. */
interface Shared {
  zones: string[];
  bits: number;
}

const NOBODY = new Uint8Array(32);

/**
 * Handshakes of our own form: from HELLO to a session, as asker and as answerer (docs/protocol/swarm.md section 4).
 *
 * Towards an address that has proved nothing it remembers nothing, and answers 1,200 bytes with 56.
 */
export class NodeHandshakes {
  readonly #parts: SwarmParts;
  readonly #cookies: Cookies;
  readonly #self: Uint8Array;
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #onSession: (peer: Peer, session: Session) => void;

  /** `onSession` is told when a session is proved fresh on our side: the asker's at once. */
  constructor(parts: SwarmParts, cookies: Cookies, onSession: (peer: Peer, session: Session) => void) {
    this.#parts = parts;
    this.#cookies = cookies;
    this.#self = fromHex(parts.deps.nodeId, 32)!;
    this.#onSession = onSession;
    for (const { key } of parts.options.zones) this.#secrets.set(key, zoneSecret(parts.deps.hashes, key));
  }

  /** The secret of one of our zones. */
  secretOf(zone: string): Uint8Array | undefined {
    return this.#secrets.get(zone);
  }

  /** HELLO from anybody: a cookie, nothing else. */
  hello({ body }: NodeDatagram, from: DatagramAddress, known: Peer | undefined): Refusal | null {
    const nonce = body.slice(0, 16);
    const cookie = encodeCookie(nonce, this.#cookies.give(addressText(from), nonce));
    // A peer has its own share of what may be sent; strangers cannot use it up.
    if (known) this.#parts.outbox.toPeer(known, cookie);
    else this.#parts.outbox.toAddress(from, cookie);
    return null;
  }

  /** True where the check of a datagram is a cookie that address was given for that nonce. */
  hasCookie({ check }: NodeDatagram, nonce: Uint8Array, from: DatagramAddress): boolean {
    return this.#cookies.knows(check, addressText(from), nonce);
  }

  /** Begins or goes on with a handshake that is due. */
  dial(peer: Peer, nowMs: number): void {
    const { deps, outbox } = this.#parts;
    const zones = zonesFor(this.#parts, peer).slice(0, ZONES_MAX);
    if (zones.length === 0) return;
    if (!peer.dial || nowMs - peer.dial.startedMs > SWARM_TIMES.handshake) {
      const nonce = deps.random.bytes(16);
      peer.dial = { nonce, startedMs: nowMs, cookie: null, prove: null, tags: [], zones };
    }
    peer.nextGreetMs =
      nowMs + (nowMs - peer.dial.startedMs < 4 * SWARM_TIMES.step ? SWARM_TIMES.step : SWARM_TIMES.retry);
    outbox.toPeer(peer, peer.dial.prove ?? encodeHello(peer.dial.nonce));
  }

  /** COOKIE: proves our key and our zones to whoever answered the HELLO. */
  cookie({ body }: NodeDatagram, peer: Peer | undefined): Refusal | null {
    const { deps, outbox } = this.#parts;
    const dial = peer?.dial;
    if (!peer || !dial || dial.cookie || !equalBytes(body.subarray(0, 16), dial.nonce)) return 'unasked';
    const { hashes } = deps;
    const { nonce } = dial;
    const cookie = body.slice(16, 32);
    dial.cookie = cookie;
    dial.tags = dial.zones.map((zone) =>
      zoneTag(hashes, this.#secrets.get(zone)!, { nonce, cookie, author: this.#self }),
    );
    const { tags } = dial;
    const expected = peer.configured?.key ? fromHex(peer.configured.key, 32)! : NOBODY;
    const signature = deps.sign(proveDigest(hashes, { nonce, cookie, expected, tags }));
    dial.prove = encodeProve(cookie, { nonce, expected, author: this.#self, signature, tags });
    outbox.toPeer(peer, dial.prove);
    peer.nextGreetMs = deps.clock.monotonic() + SWARM_TIMES.step;
    this.#parts.hasten(peer.nextGreetMs);
    return null;
  }

  /** PROVE: the address has shown its cookie; who proves key and zone becomes a peer and is welcomed. */
  prove(datagram: NodeDatagram, from: DatagramAddress, known: Peer | undefined): Refusal | null {
    const { deps, peers, outbox, admission } = this.#parts;
    const body = proveBodyOf(datagram.body);
    if (!body) return 'body';
    const { nonce, expected, author, tags } = body;
    if (!this.hasCookie(datagram, nonce, from)) return 'cookie';
    if (known?.isLegacy) return 'stranger';
    const name = toHex(nonce);
    const earlier = known?.sessions.find((session) => session.name === name);
    if (earlier && !earlier.welcome) return 'duplicate';
    const shared = this.#shared(body, datagram.check, known ?? null);
    if (shared.zones.length === 0) return 'zone-tag';
    if (earlier) {
      this.#parts.outbox.toPeer(known!, earlier.welcome!);
      return null;
    }
    if (!isZero(expected) && !equalBytes(expected, this.#self)) return 'expected-key';
    if (equalBytes(author, this.#self)) return 'own-key';
    const device = toHex(author) as DeviceKey;
    const { key } = known?.configured ?? {};
    if (key !== undefined && key !== device) return 'wrong-key';
    const nowMs = deps.clock.monotonic();
    if (!this.#parts.sources.check(sourceOf(from), nowMs) || !admission.mayCheck(known !== undefined)) {
      return 'rate-checks';
    }
    const digest = proveDigest(deps.hashes, { nonce, cookie: datagram.check, expected, tags });
    if (!admission.verify(author, digest, body.signature)) return 'signature';
    const peer = known ?? peers.add(from, nowMs);
    if (!peer) return 'peers-full';
    const { session, welcome } = this.#welcome(body, datagram.check, device, shared);
    peer.offer(session);
    outbox.toPeer(peer, welcome);
    return null;
  }

  /** WELCOME: the answer to our PROVE; the session is fresh, since our nonce is in its keys. */
  welcome(datagram: NodeDatagram, bytes: Uint8Array, peer: Peer | undefined): Refusal | null {
    const { deps, admission } = this.#parts;
    const { hashes } = deps;
    const dial = peer?.dial;
    const body = welcomeBodyOf(datagram.body);
    if (!peer || !dial?.cookie || !equalBytes(body.nonce, dial.nonce)) return 'unasked';
    const device = toHex(body.author) as DeviceKey;
    const { key } = peer.configured ?? {};
    if (device === deps.nodeId) return 'own-key';
    if (key !== undefined && key !== device) return 'wrong-key';
    const zones = dial.zones.filter((_, index) => (body.shared >> index) & 1);
    if (zones.length === 0 || body.shared >> dial.zones.length !== 0) return 'zone-tag';
    const transcript = this.#transcript(dial, body);
    const keys = sessionKeys(hashes, this.#secretsOf(zones), transcript);
    if (!hasDatagramCode(hashes, keys.fromAnswerer, bytes)) return 'code';
    if (!admission.mayCheck(true)) return 'rate-checks';
    if (!admission.verify(body.author, welcomeDigest(hashes, transcript, body.shared), body.signature)) {
      return 'signature';
    }
    peer.dial = null;
    const { fromAsker: sendKey, fromAnswerer: receiveKey } = keys;
    const session = { name: toHex(body.nonce), sendKey, receiveKey, zones, welcome: null, device };
    peer.use(session);
    this.#onSession(peer, session);
    return null;
  }

  #welcome({ nonce, author }: ProveBody, cookie: Uint8Array, device: DeviceKey, { zones, bits }: Shared) {
    const { deps } = this.#parts;
    const { hashes } = deps;
    const answerNonce = deps.random.bytes(16);
    const transcript = { nonce, cookie, answerNonce, asker: author, answerer: this.#self };
    const keys = sessionKeys(hashes, this.#secretsOf(zones), transcript);
    const signature = deps.sign(welcomeDigest(hashes, transcript, bits));
    const welcome = encodeWelcome({ nonce, answerNonce, author: this.#self, signature, shared: bits });
    stampCheck(welcome, datagramCode(hashes, keys.fromAnswerer, welcome));
    const { fromAsker: receiveKey, fromAnswerer: sendKey } = keys;
    const session: Session = { name: toHex(nonce), sendKey, receiveKey, zones, welcome, device };
    return { session, welcome };
  }

  /** Our zones that the tags prove the asker to know, in the order of the tags, and a bit for each such tag. */
  #shared({ nonce, author, tags }: ProveBody, cookie: Uint8Array, peer: Peer | null): Shared {
    const { hashes } = this.#parts.deps;
    const made = new Map<string, string>();
    for (const zone of zonesFor(this.#parts, peer)) {
      made.set(toHex(zoneTag(hashes, this.#secrets.get(zone)!, { nonce, cookie, author })), zone);
    }
    const zones: string[] = [];
    let bits = 0;
    for (const [index, tag] of tags.entries()) {
      const zone = made.get(toHex(tag));
      if (zone === undefined || zones.includes(zone)) continue;
      zones.push(zone);
      bits |= 1 << index;
    }
    return { zones, bits };
  }

  #transcript({ nonce, cookie }: Dial, { answerNonce, author }: WelcomeBody) {
    return { nonce, cookie: cookie!, answerNonce, asker: this.#self, answerer: author };
  }

  #secretsOf(zones: readonly string[]): Uint8Array[] {
    return zones.map((zone) => this.#secrets.get(zone)!);
  }
}
