import { NvrError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { DatagramAddress, DatagramSocket, Datagrams } from './datagrams.ts';
import { SeededRandom } from './seeded-random.ts';

/** What goes wrong on the way. Shares are from 0 to 1, times in ms. */
export interface NetworkFaults {
  /** Share of datagrams that never arrive. */
  loss: number;
  /** Share that arrives twice. */
  duplicates: number;
  /** Every way takes at least `delayMs` and up to `jitterMs` more, so that datagrams overtake each other. */
  delayMs: number;
  jitterMs: number;
  /** Share that is held up for `heldMs` besides. */
  held: number;
  heldMs: number;
  /** Largest IP packet; a datagram that needs fragments does not get through. */
  mtuBytes: number;
}

/** What became of a datagram. */
export type NetworkFate = 'delivered' | 'lost' | 'cut' | 'too-large' | 'nobody';

/** One datagram as it was sent; `bytes` are good for the call only. */
export interface Carried {
  bytes: Uint8Array;
  from: DatagramAddress;
  to: DatagramAddress;
}

/** The most the system takes: a UDP length is 16 bits. */
const DATAGRAM_MAX = 65_507;
/** IP and UDP headers, in bytes. */
const HEADERS = { 4: 28, 6: 48 } as const;
const FIRST_PORT = 49_152;

type Listener = (bytes: Uint8Array, from: DatagramAddress) => void;

/** Who listens at a place; a closed one hears nothing. */
interface Ear {
  listener: Listener | null;
}

interface Flight extends Carried {
  atMs: number;
  order: number;
  /** Member of a group it is for; absent: whoever listens at `to`. */
  ear: Ear | null;
}

/**
 * A network in memory: hosts with addresses and names, no routers that translate, and faults by seeded chance. Time is the clock's,
 * which must run timers of the same moment in order; the same seed and the same sends give the same run.
 */
export class SimulatedNetwork {
  /** In force for what is sent from now on. */
  faults: NetworkFaults;
  /** Datagrams by what became of them; those sent twice count twice. */
  readonly fates: Record<NetworkFate, number> = { delivered: 0, lost: 0, cut: 0, 'too-large': 0, nobody: 0 };
  /** Listeners that threw: their owner's fault, and the end of nothing. */
  thrown = 0;
  /** Called with each datagram as it is sent, before chance has a say. */
  onSend: ((carried: Carried) => void) | null = null;
  readonly #clock: Clock;
  readonly #chance: SeededRandom;
  readonly #listeners = new Map<string, Ear>();
  /** Members of multicast groups, by group and port; each with the address it joined through. */
  readonly #groups = new Map<string, Set<{ address: string; ear: Ear }>>();
  readonly #names = new Map<string, string[]>();
  readonly #sides = new Map<string, number>();
  readonly #flights = new Flights();
  #order = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake: () => void = () => {};

  constructor(clock: Clock, { seed = 1, ...faults }: Partial<NetworkFaults> & { seed?: number } = {}) {
    this.#clock = clock;
    this.#chance = new SeededRandom(seed);
    this.faults = { ...PERFECT, ...faults };
  }

  /**
   * The datagrams of a machine with these numeric addresses; `0.0.0.0` and `::` bind all of its family. What goes to a multicast group
   * reaches every socket that joined it, faults striking each way alone.
   */
  host(...addresses: string[]): Datagrams {
    return {
      open: async (options) => this.#open(addresses, options),
      resolve: async (host) => {
        const found = isNumeric(host) ? [host] : (this.#names.get(host) ?? []);
        return [...new Set(found)].sort().map((each) => ({ host: each, family: familyOf(each) }));
      },
    };
  }

  /** What a host name leads to from now on; nothing, where no address is given. */
  name(host: string, ...addresses: string[]): void {
    this.#names.set(host, addresses);
  }

  /** Parts the network: addresses of different groups do not reach each other; those in no group reach everybody. */
  part(...groups: (readonly string[])[]): void {
    this.#sides.clear();
    for (const [side, group] of groups.entries()) for (const host of group) this.#sides.set(host, side);
  }

  /** Ends a partition. */
  heal(): void {
    this.#sides.clear();
  }

  /** Sends in any name, as a stranger with a forged source address can. */
  inject(bytes: Uint8Array, from: DatagramAddress, to: DatagramAddress): void {
    this.onSend?.({ bytes, from, to });
    if (!isGroup(to.host)) {
      this.#carry(bytes, from, to, null);
      return;
    }
    const members = [...(this.#groups.get(placeOf(to.host, to.port)) ?? [])];
    if (members.length === 0) this.#end('nobody');
    for (const { address, ear } of members) this.#carry(bytes, from, { ...to, host: address }, ear);
  }

  #carry(bytes: Uint8Array, from: DatagramAddress, to: DatagramAddress, ear: Ear | null): void {
    const { faults } = this;
    const unfit =
      bytes.length + HEADERS[to.family] > faults.mtuBytes ? 'too-large' : this.#isCut(from, to) ? 'cut' : null;
    if (unfit) {
      this.#end(unfit);
      return;
    }
    const copies = this.#happens(faults.duplicates) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#happens(faults.loss)) {
        this.#end('lost');
        continue;
      }
      const jitterMs = faults.jitterMs > 0 ? this.#chance.below(faults.jitterMs + 1) : 0;
      const heldMs = this.#happens(faults.held) ? faults.heldMs : 0;
      const atMs = this.#clock.monotonic() + faults.delayMs + jitterMs + heldMs;
      this.#flights.push({ bytes: bytes.slice(), from: { ...from }, to, ear, atMs, order: this.#order++ });
      this.#wakeBy(atMs);
    }
  }

  #open(addresses: readonly string[], options: Parameters<Datagrams['open']>[0]): DatagramSocket {
    const { host, port: wanted, multicast, shared = false } = options;
    const family = familyOf(host);
    const all = host === '0.0.0.0' || host === '::';
    // A socket at the address of a group takes only what goes to the group.
    const bound = isGroup(host) ? [] : addresses.filter((each) => (all ? familyOf(each) === family : each === host));
    const local = multicast ? addresses.find((each) => each === multicast.through) : bound[0];
    const cause = local === undefined || (bound.length === 0 && !isGroup(host)) ? 'EADDRNOTAVAIL' : null;
    let port = wanted || FIRST_PORT;
    const taken = () => bound.some((each) => this.#listeners.has(placeOf(each, port)));
    while (wanted === 0 && taken()) port++;
    if (cause || (taken() && !shared)) {
      const text = `cannot take datagrams at ${host} port ${port}: ${cause ?? 'EADDRINUSE'}`;
      throw new NvrError('ERR_DATAGRAMS_BIND', 'unavailable', text);
    }
    const ear: Ear = { listener: null };
    for (const each of bound) this.#listeners.set(placeOf(each, port), ear);
    const leave = multicast?.group === undefined ? () => {} : this.#join(multicast.group, port, multicast.through, ear);
    const from: DatagramAddress = { host: bound[0] ?? local!, port, family };
    let open = true;
    return {
      local: { host, port, family },
      onDatagram: (listener) => {
        ear.listener = listener;
      },
      send: async (bytes, to) => {
        if (!open || to.family !== family || bytes.length > DATAGRAM_MAX) return false;
        this.inject(bytes, from, to);
        return true;
      },
      close: async () => {
        for (const each of bound) {
          if (this.#listeners.get(placeOf(each, port)) === ear) this.#listeners.delete(placeOf(each, port));
        }
        leave();
        ear.listener = null;
        open = false;
      },
    };
  }

  #join(group: string, port: number, address: string, ear: Ear): () => void {
    const place = placeOf(group, port);
    const members = this.#groups.get(place) ?? new Set();
    const member = { address, ear };
    this.#groups.set(place, members.add(member));
    return () => {
      members.delete(member);
      if (members.size === 0) this.#groups.delete(place);
    };
  }

  /** Delivers what has arrived by now. */
  #deliver(): void {
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonic();
    for (let flight = this.#flights.next; flight && flight.atMs <= nowMs; flight = this.#flights.next) {
      this.#flights.shift();
      const { bytes, from, to, ear } = flight;
      const { listener = null } = ear ?? this.#listeners.get(placeOf(to.host, to.port)) ?? {};
      if (this.#isCut(from, to)) this.#end('cut');
      else if (!listener) this.#end('nobody');
      else {
        this.#end('delivered');
        try {
          listener(bytes, from);
        } catch {
          this.thrown++;
        }
        // The bytes were lent for the call: whoever kept them shall notice.
        bytes.fill(0xee);
      }
    }
    if (this.#flights.next) this.#wakeBy(this.#flights.next.atMs);
  }

  /** One timer for all that is on its way. */
  #wakeBy(atMs: number): void {
    if (atMs >= this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = atMs;
    this.#cancelWake = this.#clock.after(atMs - this.#clock.monotonic(), () => this.#deliver());
  }

  #isCut(from: DatagramAddress, to: DatagramAddress): boolean {
    if (this.#sides.size === 0) return false;
    const [one, other] = [this.#sides.get(from.host), this.#sides.get(to.host)];
    return one !== undefined && other !== undefined && one !== other;
  }

  /** Chance is drawn only for faults that are switched on, so that one fault's seed does not depend on another's. */
  #happens(share: number): boolean {
    return share > 0 && this.#chance.below(1_000_000) < share * 1_000_000;
  }

  #end(fate: NetworkFate): void {
    this.fates[fate]++;
  }
}

const PERFECT: NetworkFaults = {
  loss: 0,
  duplicates: 0,
  delayMs: 1,
  jitterMs: 0,
  held: 0,
  heldMs: 0,
  mtuBytes: Number.POSITIVE_INFINITY,
};

/** What is on its way, first to arrive first (binary heap). */
class Flights {
  readonly #heap: Flight[] = [];

  get next(): Flight | undefined {
    return this.#heap[0];
  }

  push(flight: Flight): void {
    const heap = this.#heap;
    let at = heap.push(flight) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isBefore(flight, heap[up]!); up = (at - 1) >> 1) {
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = flight;
  }

  shift(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (let down = 1; down < heap.length; down = at * 2 + 1) {
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++;
      if (!isBefore(heap[down]!, last)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(one: Flight, other: Flight): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

function placeOf(host: string, port: number): string {
  return `${host} ${port}`;
}

function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4;
}

/** An address of IPv4 multicast, 224.0.0.0/4. */
function isGroup(host: string): boolean {
  return /^2(?:2[4-9]|3\d)\./.test(host);
}

function isNumeric(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}
