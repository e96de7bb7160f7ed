import type { Hashes } from '../crypto/index.ts';
import type { Clock } from '../platform/index.ts';
import {
  CHANNEL_ADDRESSES_MAX,
  type DeviceDetails,
  deviceRecordEvent,
  NODE_EVENT_MAX,
  packEvent,
  presenceEvent,
  type SignedEvent,
  signEventWith,
  type UnsignedEvent,
} from '../protocol/index.ts';
import type { NodeFacts, SwarmDeps, SwarmOptions } from './api.ts';
import { factsTooLong } from './errors.ts';

/** How much a record says: `least` to anybody configured, `full` to zone members and gateways the operator trusts with it. */
export type Disclosure = 'least' | 'full';

/** Labels are for people; a longer one is cut. */
const LABEL_MAX = 48;
/** A longer URL of the old session is not told. */
const SESSION_URL_MAX = 128;

/** Makes what the node says of itself: device records in two disclosures, presence. */
export class Announcer {
  readonly #clock: Clock;
  readonly #hashes: Hashes;
  readonly #deps: SwarmDeps;
  readonly #options: SwarmOptions;
  readonly #peers: () => { known: number; confirmed: number };
  #records: Record<Disclosure, SignedEvent> | null = null;
  #packed: Uint8Array | null = null;
  #facts = '';
  #lastUpdatedAt = 0;

  constructor(deps: SwarmDeps, options: SwarmOptions, peers: () => { known: number; confirmed: number }) {
    this.#clock = deps.clock;
    this.#hashes = deps.hashes;
    this.#deps = deps;
    this.#options = options;
    this.#peers = peers;
  }

  /** Signs both records anew; true where something changed that others act on, not only counts and times. */
  renew(): boolean {
    const facts = this.#deps.facts();
    const { identityId, hostGateway, version, channelKey, channelAddresses, label } = facts;
    const material = JSON.stringify([identityId, hostGateway, version, [...channelKey], channelAddresses, label]);
    const changed = material !== this.#facts;
    this.#facts = material;
    const least = this.#sign(this.#leastRecord(facts));
    // The fuller one is the newer one: who hears both keeps it.
    const full = this.#fullRecord(facts);
    this.#records = { least, full: full.event };
    this.#packed = full.packed;
    return changed;
  }

  /** The node's device record as signed last. */
  record(disclosure: Disclosure): SignedEvent {
    if (!this.#records) this.renew();
    return this.#records![disclosure];
  }

  /** The full record, packed. */
  packed(): Uint8Array {
    if (!this.#packed) this.renew();
    return this.#packed!;
  }

  /** Presence in a zone, at this moment. */
  presence(zone: string): SignedEvent {
    const { role, endpointHint: swarm } = this.#options;
    const { version } = this.#deps.facts();
    return this.#sign(presenceEvent({ zone, device: this.#deps.nodeId, swarm, role, version, now: this.#clock.now() }));
  }

  #leastRecord(facts: NodeFacts): UnsignedEvent {
    return deviceRecordEvent(this.#base(facts, this.#options.nodeName));
  }

  /** As much of it as fits into one datagram: addresses are left out first, last first, then the old session, then all details. */
  #fullRecord(facts: NodeFacts): { event: SignedEvent; packed: Uint8Array } {
    const { known, confirmed } = this.#peers();
    const base = this.#base(facts, facts.label.slice(0, LABEL_MAX).toWellFormed());
    const { sessionUrl = '', uptimeS, camerasTotal, camerasEnabled, channelKey } = facts;
    const counts = { uptimeS, peersKnown: known, peersConfirmed: confirmed, camerasTotal, camerasEnabled };
    const addresses = facts.channelAddresses.slice(0, CHANNEL_ADDRESSES_MAX);
    const sizes = addresses.map((_, index) => addresses.slice(0, addresses.length - index));
    const wishes: (DeviceDetails | undefined)[] = [...sizes, []].map((channelAddresses) => ({
      ...counts,
      sessionUrl: sessionUrl.length <= SESSION_URL_MAX ? sessionUrl : '',
      channelKey,
      channelAddresses,
    }));
    wishes.push(undefined);
    for (const details of wishes) {
      const draft = deviceRecordEvent(base, details);
      const packed = packEvent({ ...draft, id: '', pubkey: this.#deps.nodeId, sig: '0'.repeat(128) });
      if (!packed || packed.length > NODE_EVENT_MAX) continue;
      const event = this.#sign(draft);
      return { event, packed: packEvent(event)! };
    }
    throw factsTooLong();
  }

  #base({ identityId, version, hostGateway }: NodeFacts, label: string) {
    this.#lastUpdatedAt = Math.max(this.#clock.now(), this.#lastUpdatedAt + 1);
    const { role } = this.#options;
    return { device: this.#deps.nodeId, identityId, label, role, version, hostGateway, updatedAt: this.#lastUpdatedAt };
  }

  #sign(event: UnsignedEvent): SignedEvent {
    return signEventWith(this.#hashes, this.#deps.nodeId, event, (digest) => this.#deps.sign(digest));
  }
}
