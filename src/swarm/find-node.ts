import { equalBytes, fromHex } from '../bytes/index.ts';
import { type Hashes, schnorrVerify } from '../crypto/index.ts';
import type { Clock, DatagramAddress, DatagramSocket, Datagrams, Random } from '../platform/index.ts';
import {
  type DeviceKey,
  discoveryRecordOf,
  encodeFind,
  encodeHello,
  encodeLegacyDatagram,
  eventDigest,
  findTag,
  foundCode,
  isNodeDatagram,
  LEGACY_DATAGRAM_MAX,
  parseLegacyDatagram,
  parseNodeDatagram,
  type SignedEvent,
  unpackEvent,
  zoneSecret,
} from '../protocol/index.ts';
import type { SwarmPeer } from './api.ts';
import { addressText } from './network-of.ts';

export interface FindNodeDeps {
  clock: Clock;
  random: Random;
  hashes: Hashes;
  datagrams: Datagrams;
}

export interface FindNodeOptions {
  /** Whom to ask; only in the zones each of them shares. */
  peers: readonly Pick<SwarmPeer, 'host' | 'port' | 'kind' | 'zones'>[];
  /** The node's device key. */
  device: DeviceKey;
  timeoutMs: number;
}

/** Where a node is now, as it signed it. */
export interface FoundNode {
  /** Static X25519 key, 32 bytes. */
  channelKey: Uint8Array<ArrayBuffer>;
  /** `host:port`, best first. */
  addresses: string[];
  record: SignedEvent;
}

/** How often a question is asked again, ms. */
const AGAIN_MS = 700;
/** How long after a first answer newer ones are waited for, ms. */
const GRACE_MS = 400;
/** Signatures checked for one search. */
const CHECKS_MAX = 32;
const ADDRESSES_MAX = 4;

interface Asked {
  address: DatagramAddress;
  kind: SwarmPeer['kind'];
  zones: readonly string[];
  nonce: Uint8Array;
  cookie: Uint8Array | null;
}

/**
 * Asks gateways and nodes for a device's newest record that tells where its channel is, without being a member of the swarm:
 * opens sockets of its own and closes them. Null where nobody told within the time. The record's signature and freshness are
 * checked; whether the device is to be trusted is the caller's to know. Rejects only where no socket opens.
 */
export async function findNode(deps: FindNodeDeps, options: FindNodeOptions): Promise<FoundNode | null> {
  const sockets = await openSockets(deps.datagrams);
  try {
    return await new Search(deps, options, sockets).run();
  } finally {
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/** Both families where there are both; one of them may be missing. */
async function openSockets(datagrams: Datagrams): Promise<DatagramSocket[]> {
  const [ipv4, ipv6] = await Promise.allSettled([
    datagrams.open({ host: '0.0.0.0', port: 0 }),
    datagrams.open({ host: '::', port: 0 }),
  ]);
  const sockets = [ipv4, ipv6].flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (sockets.length === 0) throw (ipv4 as PromiseRejectedResult).reason;
  return sockets;
}

class Search {
  readonly #deps: FindNodeDeps;
  readonly #options: FindNodeOptions;
  readonly #sockets: DatagramSocket[];
  readonly #asked = new Map<string, Asked>();
  #best: (FoundNode & { updatedAt: number }) | null = null;
  #checks = 0;
  #wake = () => {};

  constructor(deps: FindNodeDeps, options: FindNodeOptions, sockets: DatagramSocket[]) {
    this.#deps = deps;
    this.#options = options;
    this.#sockets = sockets;
  }

  async run(): Promise<FoundNode | null> {
    const { clock } = this.#deps;
    const endMs = clock.monotonic() + this.#options.timeoutMs;
    for (const socket of this.#sockets) socket.onDatagram((bytes, from) => this.#receive(bytes, from));
    // A name that does not resolve must not hold up the others.
    for (const peer of this.#options.peers) void this.#resolve(peer);
    while (!this.#best && clock.monotonic() < endMs) {
      for (const asked of this.#asked.values()) this.#ask(asked);
      await this.#pause(Math.min(AGAIN_MS, endMs - clock.monotonic()));
    }
    if (!this.#best) return null;
    if (this.#asked.size > 1) await clock.sleep(Math.max(0, Math.min(GRACE_MS, endMs - clock.monotonic())));
    const { channelKey, addresses, record } = this.#best;
    return { channelKey, addresses, record };
  }

  async #resolve({ host, port, kind, zones }: FindNodeOptions['peers'][number]): Promise<void> {
    const found = await this.#deps.datagrams.resolve(host).catch(() => []);
    for (const each of found.slice(0, ADDRESSES_MAX)) {
      const address = { ...each, port };
      if (!this.#socketFor(address) || this.#asked.has(addressText(address))) continue;
      const asked = { address, kind, zones, nonce: this.#deps.random.bytes(16), cookie: null };
      this.#asked.set(addressText(address), asked);
      this.#ask(asked);
    }
  }

  #ask(asked: Asked): void {
    const { device } = this.#options;
    if (asked.kind === 'node') {
      if (!asked.cookie) this.#send(encodeHello(asked.nonce), asked);
      else for (const zone of asked.zones) this.#send(this.#findIn(zone, asked, asked.cookie), asked);
      return;
    }
    const nobody = { identityId: null, dhtScope: null, dhtKey: null };
    const ts = this.#deps.clock.now();
    for (const zone of asked.zones) {
      const request = { kind: 'recordrequest', zone, types: ['device'], ...nobody, device, hops: 0, ts } as const;
      this.#send(encodeLegacyDatagram({ ...request, types: ['device'] }), asked);
    }
  }

  #findIn(zone: string, { nonce }: Asked, cookie: Uint8Array): Uint8Array {
    const { hashes } = this.#deps;
    const device = fromHex(this.#options.device, 32)!;
    return encodeFind(cookie, {
      nonce,
      tag: findTag(hashes, zoneSecret(hashes, zone), { nonce, cookie, device }),
      device,
    });
  }

  #receive(bytes: Uint8Array, from: DatagramAddress): void {
    const asked = this.#asked.get(addressText(from));
    if (!asked || bytes.length > LEGACY_DATAGRAM_MAX) return;
    const own = isNodeDatagram(bytes);
    if (own !== (asked.kind === 'node')) return;
    const event = own ? this.#eventOfNode(bytes, asked) : this.#eventOfLegacy(bytes, asked);
    if (event) this.#consider(event);
  }

  #eventOfLegacy(bytes: Uint8Array, { zones }: Asked): SignedEvent | null {
    const parsed = parseLegacyDatagram(bytes);
    if (!('message' in parsed) || parsed.message.kind !== 'record') return null;
    return zones.includes(parsed.message.zone) ? parsed.message.event : null;
  }

  #eventOfNode(bytes: Uint8Array, asked: Asked): SignedEvent | null {
    const { hashes } = this.#deps;
    const parsed = parseNodeDatagram(bytes);
    if (!('datagram' in parsed)) return null;
    const { kind, body, check } = parsed.datagram;
    if (!equalBytes(body.subarray(0, 16), asked.nonce)) return null;
    if (kind === 'cookie' && !asked.cookie) {
      asked.cookie = body.slice(16, 32);
      this.#ask(asked);
    }
    if (kind !== 'found') return null;
    const packed = body.subarray(16);
    const answered = asked.zones.some((zone) =>
      equalBytes(foundCode(hashes, zoneSecret(hashes, zone), { nonce: asked.nonce, packed }), check),
    );
    return answered ? unpackEvent(hashes, packed) : null;
  }

  #consider(event: SignedEvent): void {
    const { clock, hashes } = this.#deps;
    if (event.pubkey !== this.#options.device) return;
    const read = discoveryRecordOf(event, clock.now());
    if (!('record' in read) || read.record.type !== 'device' || !read.record.place) return;
    const { place, updatedAt } = read.record;
    if (this.#best && updatedAt <= this.#best.updatedAt) return;
    if (this.#checks++ >= CHECKS_MAX) return;
    const digest = eventDigest(hashes, event);
    if (!equalBytes(digest, fromHex(event.id)!)) return;
    if (!schnorrVerify(fromHex(event.pubkey)!, digest, fromHex(event.sig)!)) return;
    this.#best = { ...place, record: event, updatedAt };
    this.#wake();
  }

  #send(bytes: Uint8Array, { address }: Asked): void {
    void this.#socketFor(address)?.send(bytes, address);
  }

  #socketFor({ family }: DatagramAddress): DatagramSocket | undefined {
    return this.#sockets.find(({ local }) => local.family === family);
  }

  /** Waits, but not longer than until an answer is there. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(Math.max(0, ms), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
