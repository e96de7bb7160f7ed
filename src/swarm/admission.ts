import { fromHex, toHex } from '../bytes/index.ts';
import { type Hashes, schnorrVerify } from '../crypto/index.ts';
import type { Clock, Log } from '../platform/index.ts';
import {
  APP_EVENT_KIND,
  appEventOf,
  type DeviceKey,
  DISCOVERY_AGE_MS,
  discoveryRecordOf,
  eventDigest,
  type SignedEvent,
} from '../protocol/index.ts';
import type { SwarmDeps, SwarmLimits } from './api.ts';
import type { Counters, Refusal } from './counters.ts';
import { SWARM_TIMES } from './limits.ts';
import { Rate } from './rate.ts';
import { RecordStore, type StoredRecord } from './record-store.ts';
import { SeenEvents } from './seen-events.ts';

/** How an event came. */
export interface Arrival {
  zone: string;
  /** `host:port`. */
  from: string;
  /** The id was worked out here, not read from the datagram. */
  idProved: boolean;
  /** Takes a signature check from whoever sent it; asked after everything cheaper. */
  mayCheck(): boolean;
}

/** Share of the signature checks of all that authors not heard of before may use. */
const UNKNOWN_SHARE = 0.5;

/**
 * Decides on every event that comes, cheapest question first: own, shape, zone, time, newer, seen, rate, id, signature.
 * What passes is kept, or handed to the daemon.
 */
export class Admission {
  readonly store: RecordStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #hashes: Hashes;
  readonly #nodeId: DeviceKey;
  readonly #verify: NonNullable<SwarmDeps['verify']>;
  readonly #onEvent: SwarmDeps['onEvent'];
  readonly #limits: SwarmLimits;
  readonly #counters: Counters;
  readonly #seen: SeenEvents;
  readonly #checks = new Rate();

  constructor(deps: SwarmDeps, limits: SwarmLimits, counters: Counters) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#hashes = deps.hashes;
    this.#nodeId = deps.nodeId;
    this.#verify = deps.verify ?? schnorrVerify;
    this.#onEvent = (event, zone) => deps.onEvent(event, zone);
    this.#limits = limits;
    this.#counters = counters;
    this.store = new RecordStore(limits.recordsMax);
    this.#seen = new SeenEvents(limits.seenMax, limits.seenMs);
  }

  /** Admits an event, or says why not. Counting refusals is the caller's. */
  admit(event: SignedEvent, arrival: Arrival): 'admitted' | Refusal {
    if (event.pubkey === this.#nodeId) return 'own';
    return event.kind === APP_EVENT_KIND ? this.#admitApp(event, arrival) : this.#admitRecord(event, arrival);
  }

  /** Takes one check for the whole node: half of them are kept for authors that were heard of before. */
  mayCheck(known: boolean): boolean {
    const { checksPerSecond, checksBurst } = this.#limits;
    const burst = known ? checksBurst : Math.max(1, checksBurst * UNKNOWN_SHARE);
    return this.#checks.take(this.#clock.monotonic(), checksPerSecond, burst);
  }

  /** True where a signature is right; counted. */
  verify(key: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
    this.#counters.signatureChecks++;
    return this.#verify(key, digest, signature);
  }

  /** Remembers an event of our own, so that its echo is nothing new. */
  noteOwn(event: SignedEvent): void {
    this.#seen.add(event.id, this.#clock.monotonic());
  }

  #admitRecord(event: SignedEvent, arrival: Arrival): 'admitted' | Refusal {
    const now = this.#clock.now();
    const read = discoveryRecordOf(event, now);
    if ('reason' in read) return read.reason;
    const { record } = read;
    const { zone, from } = arrival;
    if (!namesZone(event, zone)) return 'zone';
    const { type, author, updatedAt } = record;
    const stored: StoredRecord = {
      type,
      zone,
      author,
      role: record.type === 'device' ? record.role : '',
      updatedAt,
      expiresAt: Math.min(record.expiresAt ?? Number.POSITIVE_INFINITY, updatedAt + 2 * DISCOVERY_AGE_MS),
      receivedAt: now,
      from,
      event,
      hasPlace: record.type === 'device' && record.place !== null,
    };
    const of =
      record.type === 'identity' ? record.identityId : record.type === 'dht' ? `${record.scope}:${record.key}` : '';
    const key = RecordStore.key(stored, of);
    const refused = this.store.refuses(key, stored, now);
    if (refused) return refused;
    const name = `${event.id}${zone}`;
    const reason = this.#prove(event, name, this.store.get(key) !== undefined, arrival);
    if (reason) return reason;
    this.store.put(key, stored, now);
    if (type === 'identity') this.#tell(event, zone);
    return 'admitted';
  }

  #admitApp(event: SignedEvent, arrival: Arrival): 'admitted' | Refusal {
    const now = this.#clock.now();
    const { freshPast: past, freshAhead: ahead } = SWARM_TIMES;
    const read = appEventOf(event, now, { past, ahead });
    if ('reason' in read) return read.reason;
    const { type, zones, role } = read.app;
    const { zone, from } = arrival;
    if (!namesZone(event, zone)) return 'zone';
    const author = event.pubkey;
    if (type !== 'zone_presence') {
      const reason = this.#prove(event, event.id, this.#isKnown(zone, author), arrival);
      if (reason) return reason;
      this.#tell(event, zone);
      return 'admitted';
    }
    if (!zones.includes(zone)) return 'zone';
    const updatedAt = event.created_at * 1000;
    const expiresAt = now + past;
    const stored = {
      type: 'presence',
      zone,
      author,
      role,
      updatedAt,
      expiresAt,
      receivedAt: now,
      from,
      event,
    } as const;
    const key = RecordStore.key(stored);
    const refused = this.store.refuses(key, { ...stored, hasPlace: false }, now);
    if (refused) return refused;
    const reason = this.#prove(event, event.id, this.#isKnown(zone, author), arrival);
    if (reason) return reason;
    this.store.put(key, { ...stored, hasPlace: false }, now);
    return 'admitted';
  }

  /** The last questions: seen before, allowed to cost a check, and true. Null where all are answered well. */
  #prove(event: SignedEvent, name: string, known: boolean, { idProved, mayCheck }: Arrival): Refusal | null {
    if (this.#seen.has(name)) return 'duplicate';
    const digest = idProved ? fromHex(event.id)! : eventDigest(this.#hashes, event);
    if (!idProved && toHex(digest) !== event.id) return 'id';
    if (!mayCheck() || !this.mayCheck(known)) return 'rate-checks';
    if (!this.verify(fromHex(event.pubkey)!, digest, fromHex(event.sig)!)) return 'signature';
    this.#seen.add(name, this.#clock.monotonic());
    this.#counters.recordsAdmitted++;
    return null;
  }

  #isKnown(zone: string, author: DeviceKey): boolean {
    return this.store.get(RecordStore.key({ zone, type: 'device', author })) !== undefined;
  }

  #tell(event: SignedEvent, zone: string): void {
    try {
      this.#onEvent(event, zone);
    } catch (error) {
      this.#log.error({ error: String(error), event: event.id }, 'failed to hand on an event');
    }
  }
}

/** True unless the event names zones and this one is not among them. */
function namesZone({ tags }: SignedEvent, zone: string): boolean {
  let named = false;
  for (const [name, value] of tags) {
    if (name !== 'z') continue;
    if (value === zone) return true;
    named = true;
  }
  return !named;
}
