import type { DeviceKey, SignedEvent } from '../protocol/index.ts';
import type { RecordStatus } from './api.ts';

/** A verified record as it is kept. */
export interface StoredRecord {
  type: RecordStatus['type'];
  zone: string;
  author: DeviceKey;
  role: string;
  /** Epoch ms. */
  updatedAt: number;
  /** Epoch ms; every kept record has an end. */
  expiresAt: number;
  receivedAt: number;
  /** `host:port` of who handed it on. */
  from: string;
  event: SignedEvent;
  /** Device records: whether it says where the channel is reached. */
  hasPlace: boolean;
}

/** Identity and DHT records one author may have here; devices have one record each by nature. */
const OTHERS_PER_AUTHOR = 8;

/** For so long a device record that says less does not replace one that says where the channel is. */
const FULLER_MS = 600_000;

/** How often a full store is searched for expired records, ms. */
const SWEEP_MS = 1_000;

/**
 * The newest record of each kind, author and zone. Bounded by `max`: expired ones go first, then those received longest ago.
 */
export class RecordStore {
  readonly #max: number;
  /** Received longest ago first. */
  readonly #records = new Map<string, StoredRecord>();
  /** Identity and DHT records by zone and author. */
  readonly #others = new Map<string, number>();
  #sweptAt = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Where a record belongs: `of` tells apart what one author may have several of. */
  static key({ zone, type, author }: Pick<StoredRecord, 'zone' | 'type' | 'author'>, of = ''): string {
    return `${zone} ${type} ${author} ${of}`;
  }

  get(key: string): StoredRecord | undefined {
    return this.#records.get(key);
  }

  /** Why a record may not take its place now, or null where it may. `now` is epoch ms. */
  refuses(key: string, record: StoredRecord, now: number): 'not-newer' | 'author-full' | null {
    const known = this.#records.get(key);
    if (known && known.expiresAt >= now) {
      if (record.updatedAt <= known.updatedAt) return 'not-newer';
      const lesser = known.hasPlace && !record.hasPlace;
      if (lesser && record.updatedAt - known.updatedAt < FULLER_MS) return 'not-newer';
    }
    if (known || !isOther(record)) return null;
    return (this.#others.get(authorKey(record)) ?? 0) >= OTHERS_PER_AUTHOR ? 'author-full' : null;
  }

  put(key: string, record: StoredRecord, now: number): void {
    this.#delete(key);
    if (this.#records.size >= this.#max && Math.abs(now - this.#sweptAt) >= SWEEP_MS) this.sweep(now);
    if (this.#records.size >= this.#max) this.#delete(this.#records.keys().next().value!);
    this.#records.set(key, record);
    if (isOther(record)) this.#others.set(authorKey(record), (this.#others.get(authorKey(record)) ?? 0) + 1);
  }

  /** Forgets what has expired. */
  sweep(now: number): void {
    this.#sweptAt = now;
    for (const [key, record] of this.#records) if (record.expiresAt < now) this.#delete(key);
  }

  /** Keys of a zone's unexpired records of one type, received longest ago first. */
  keysOf(zone: string, type: StoredRecord['type'], now: number): string[] {
    const found: string[] = [];
    for (const [key, record] of this.#records) {
      if (record.zone === zone && record.type === type && record.expiresAt >= now) found.push(key);
    }
    return found;
  }

  /** What the member's view shows, received last first. */
  list(now: number): RecordStatus[] {
    const shown: RecordStatus[] = [];
    for (const { type, author, zone, role, updatedAt, receivedAt, from, expiresAt } of this.#records.values()) {
      if (expiresAt >= now) shown.push({ type, device: author, zone, role, updatedAt, receivedAt, from });
    }
    return shown.reverse();
  }

  #delete(key: string): void {
    const record = this.#records.get(key);
    if (!record) return;
    this.#records.delete(key);
    if (!isOther(record)) return;
    const left = (this.#others.get(authorKey(record)) ?? 1) - 1;
    if (left > 0) this.#others.set(authorKey(record), left);
    else this.#others.delete(authorKey(record));
  }
}

function isOther({ type }: StoredRecord): boolean {
  return type === 'identity' || type === 'dht';
}

function authorKey({ zone, author }: StoredRecord): string {
  return `${zone} ${author}`;
}
