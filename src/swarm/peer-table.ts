import type { DatagramAddress, Random } from '../platform/index.ts';
import type { SwarmLimits, SwarmPeer } from './api.ts';
import { addressText, networkOf } from './network-of.ts';
import { Peer } from './peer.ts';

/**
 * Every address we exchange datagrams with. Bounded by `peersMax`, `peersPerNetMax` and `unconfirmedMax`; configured peers are
 * never evicted, of the others a random unconfirmed one is.
 */
export class PeerTable {
  readonly #limits: SwarmLimits;
  readonly #random: Random;
  readonly #peers = new Map<string, Peer>();

  constructor(random: Random, limits: SwarmLimits) {
    this.#random = random;
    this.#limits = limits;
  }

  get size(): number {
    return this.#peers.size;
  }

  get(address: DatagramAddress): Peer | undefined {
    return this.#peers.get(addressText(address));
  }

  /** Configured ones first. */
  all(): Peer[] {
    return [...this.#peers.values()].sort((a, b) => Number(b.configured !== null) - Number(a.configured !== null));
  }

  [Symbol.iterator](): IterableIterator<Peer> {
    return this.#peers.values();
  }

  /** Pins a configured peer's address; what was known of the address as a stranger is forgotten. */
  pin(address: DatagramAddress, configured: SwarmPeer, nowMs: number): Peer {
    const known = this.get(address);
    if (known?.configured) return known;
    const peer = new Peer(address, configured, nowMs);
    this.#peers.set(peer.name, peer);
    return peer;
  }

  /** Adds an address that proved itself, making room where it may; null where there is none. */
  add(address: DatagramAddress, nowMs: number): Peer | null {
    const strangers = [...this.#peers.values()].filter((peer) => peer.configured === null);
    const network = networkOf(address);
    const neighbours = strangers.filter((peer) => networkOf(peer.address) === network);
    const unconfirmed = strangers.filter((peer) => !peer.confirmed);
    if (neighbours.length >= this.#limits.peersPerNetMax) {
      if (!this.#evict(neighbours.filter((peer) => !peer.confirmed))) return null;
    } else if (this.#peers.size >= this.#limits.peersMax || unconfirmed.length >= this.#limits.unconfirmedMax) {
      if (!this.#evict(unconfirmed)) return null;
    }
    const peer = new Peer(address, null, nowMs);
    this.#peers.set(peer.name, peer);
    return peer;
  }

  remove(peer: Peer): void {
    if (this.#peers.get(peer.name) === peer) this.#peers.delete(peer.name);
  }

  /** Up to `count` of some peers, by chance. */
  pick(peers: Peer[], count: number): Peer[] {
    if (peers.length <= count) return peers;
    const chances = this.#random.bytes(count * 2);
    for (let i = 0; i < count; i++) {
      const chance = chances[i * 2]! * 256 + chances[i * 2 + 1]!;
      const at = i + (chance % (peers.length - i));
      [peers[i], peers[at]] = [peers[at]!, peers[i]!];
    }
    return peers.slice(0, count);
  }

  #evict(candidates: Peer[]): boolean {
    const [victim] = this.pick(candidates, 1);
    if (victim) this.remove(victim);
    return victim !== undefined;
  }
}
