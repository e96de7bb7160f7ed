import type { Span } from './coverage.ts';

/** Recorded time is counted in slots, 60,000 units each; a row holds as many slots as its span has. */
interface Grain {
  number: 0 | 1;
  slotUs: number;
  slots: number;
}

/** A full slot. */
const SLOT_UNITS = 60_000;
/** Five minutes (in units of 5 ms), a UTC day a row. */
const FINE: Grain = { number: 0, slotUs: 300_000_000, slots: 288 };
/** An hour, 32 days a row: for a year at once. */
const COARSE: Grain = { number: 1, slotUs: 3_600_000_000, slots: 768 };
const GRAINS = [FINE, COARSE];
export const SLOT_US = FINE.slotUs;
export const COARSE_SLOT_US = COARSE.slotUs;
const DAY_US = 86_400_000_000;
/** Less than this between two segments is no hole that the wire could tell. */
const TOUCH_US = 1_000;
/** Nothing that is recorded in one piece is longer; more of it is not counted. */
const SPAN_US_MAX = 400 * DAY_US;
/** Gaps that begin in one slot; beyond, they are not counted. */
const BEGINS_MAX = 255;

type Value = number | Uint8Array | null;

/** How the tables are reached: the statements of the index. */
export interface TableAccess {
  run(sql: string, ...values: Value[]): void;
  get(sql: string, ...values: Value[]): Record<string, unknown> | undefined;
  all(sql: string, ...values: Value[]): Record<string, unknown>[];
}

/** What one stream did in the span of one row. */
interface Block {
  grain: Grain;
  stream: number;
  block: number;
  slots: Uint16Array;
  begins: Uint8Array;
}

/** A stretch that may still grow, not written yet. */
interface Growing extends Span {
  stored: boolean;
}

/**
 * Recorded time of each stream beside its segments: stretches (neighbouring segments are one) for near looks, slots of five minutes and of
 * an hour for far ones, so that a year is not read segment by segment. What changes is gathered, and written by `flush`.
 */
export class CoverageTables {
  readonly #tables: TableAccess;
  readonly #blocks = new Map<string, Block>();
  /** The newest stretch of each stream that was written to lately. */
  readonly #growing = new Map<number, Growing>();

  constructor(tables: TableAccess) {
    this.#tables = tables;
  }

  /** A stretch of this stream is recorded; streams are recorded forwards, anything else is put in its place. */
  add(stream: number, startUs: number, endUs: number): void {
    if (endUs <= startUs) return;
    const last = this.#growing.get(stream) ?? this.#newest(stream);
    if (last && startUs < last.startUs) this.#insert(stream, { startUs, endUs });
    else if (last && startUs <= last.endUs + TOUCH_US) {
      if (endUs > last.endUs) this.#growing.set(stream, { startUs: last.startUs, endUs, stored: false });
    } else {
      this.#store(stream);
      this.#growing.set(stream, { startUs, endUs, stored: false });
    }
    this.#count(stream, startUs, endUs, 1);
  }

  /** It is forgotten. */
  drop(stream: number, startUs: number, endUs: number): void {
    if (endUs <= startUs) return;
    this.#store(stream);
    this.#growing.delete(stream);
    for (const span of this.#touching(stream, startUs, endUs, Number.MAX_SAFE_INTEGER)) {
      this.#tables.run('DELETE FROM stretches WHERE stream = ? AND start_us = ?', stream, span.startUs);
      // What is left within the tolerance was no recording of its own.
      if (startUs - span.startUs > TOUCH_US) this.#put(stream, span.startUs, startUs);
      if (span.endUs - endUs > TOUCH_US) this.#put(stream, endUs, span.endUs);
    }
    this.#count(stream, startUs, endUs, -1);
  }

  /** A gap began (`by` 1), or is none after all (-1). */
  gap(stream: number, startUs: number, by: 1 | -1): void {
    for (const grain of GRAINS) {
      const { block, slot } = placeIn(grain, startUs);
      const { begins } = this.#block(grain, stream, block);
      begins[slot] = Math.min(BEGINS_MAX, Math.max(0, begins[slot]! + by));
    }
  }

  /** Writes what was gathered. */
  flush(): void {
    for (const stream of this.#growing.keys()) this.#store(stream);
    for (const each of this.#blocks.values()) this.#storeBlock(each);
    this.#blocks.clear();
    // Bounded by the streams that are being recorded; those of a rebuild are looked up again.
    if (this.#growing.size > 1_024) this.#growing.clear();
  }

  /** Forgets what was not written: the transaction is gone. */
  forget(): void {
    this.#blocks.clear();
    this.#growing.clear();
  }

  /** Stretches that touch [fromUs, toUs), oldest first; null where there are more than `limit`. */
  stretches(stream: number, fromUs: number, toUs: number, limit: number): Span[] | null {
    const sql = `SELECT count(*) AS n FROM (SELECT 1 FROM stretches WHERE stream = ? AND start_us >= ? AND start_us < ? LIMIT ?)`;
    const n = this.#tables.get(sql, stream, fromUs, toUs, limit + 1)?.['n'];
    if (Number(n) > limit) return null;
    const spans = this.#touching(stream, fromUs, toUs, limit + 2);
    return spans.length > limit ? null : spans;
  }

  /**
   * What the slots (of an hour where `isCoarse`) tell of each interval between neighbouring edges. Written as one tight loop, for a year
   * has 100,000 slots of five minutes.
   */
  far(stream: number, edgesUs: readonly number[], isCoarse: boolean): { coveredUs: Float64Array; begun: Uint32Array } {
    const grain = isCoarse ? COARSE : FINE;
    const { slotUs } = grain;
    const [rowUs, unitUs] = [slotUs * grain.slots, slotUs / SLOT_UNITS];
    const coveredUs = new Float64Array(edgesUs.length - 1);
    const begun = new Uint32Array(coveredUs.length);
    const [fromUs, toUs] = [edgesUs[0]!, edgesUs.at(-1)!];
    /** The first interval that ends behind the slot looked at. */
    let at = 0;
    const share = (startUs: number, endUs: number, us: number) => {
      for (let i = at; i < coveredUs.length && edgesUs[i]! < endUs; i++) {
        const overlap = Math.min(endUs, edgesUs[i + 1]!) - Math.max(startUs, edgesUs[i]!);
        if (overlap > 0) coveredUs[i]! += (overlap * us) / (endUs - startUs);
      }
    };
    const sql = `SELECT block, filled, slots, begins FROM slots WHERE grain = ? AND stream = ? AND block >= ? AND block <= ?
      ORDER BY block`;
    const [first, last] = [Math.floor(fromUs / rowUs), Math.floor((toUs - 1) / rowUs)];
    for (const row of this.#tables.all(sql, grain.number, stream, first, last)) {
      const startUs = (row['block'] as number) * rowUs;
      const begins = row['begins'] as Uint8Array | null;
      const isFull = row['filled'] === grain.slots * SLOT_UNITS;
      while (at < begun.length && edgesUs[at + 1]! <= startUs) at++;
      if (isFull) share(startUs, startUs + rowUs, rowUs);
      const slots = isFull ? null : (row['slots'] as Uint8Array | null);
      if (!slots && !begins) continue;
      for (let slot = 0; slot < grain.slots; slot++) {
        const slotStartUs = startUs + slot * slotUs;
        const slotEndUs = slotStartUs + slotUs;
        while (at < begun.length && edgesUs[at + 1]! <= slotStartUs) at++;
        if (at === begun.length) break;
        const units = slots ? slots[2 * slot]! + 256 * slots[2 * slot + 1]! : 0;
        if (units > 0) {
          if (slotStartUs >= edgesUs[at]! && slotEndUs <= edgesUs[at + 1]!) coveredUs[at]! += units * unitUs;
          else share(slotStartUs, slotEndUs, units * unitUs);
        }
        // The slot that the range begins in counts as a whole: nothing tells where in it a gap began.
        if (begins && begins[slot]! > 0 && slotEndUs > fromUs && slotStartUs < toUs) begun[at]! += begins[slot]!;
      }
    }
    return { coveredUs, begun };
  }

  #touching(stream: number, fromUs: number, toUs: number, limit: number): Span[] {
    // Stretches do not overlap, so of those that begin before the range only the last can reach into it.
    const sql = `SELECT start_us, end_us FROM stretches WHERE stream = ?1 AND start_us < ?3 AND end_us > ?2
      AND start_us >= coalesce((SELECT max(start_us) FROM stretches WHERE stream = ?1 AND start_us <= ?2), 0)
      ORDER BY start_us LIMIT ?4`;
    return this.#tables.all(sql, stream, fromUs, toUs, limit).map(spanOf);
  }

  #newest(stream: number): Growing | null {
    const sql = 'SELECT start_us, end_us FROM stretches WHERE stream = ? ORDER BY start_us DESC LIMIT 1';
    const row = this.#tables.get(sql, stream);
    if (!row) return null;
    const last = { ...spanOf(row), stored: true };
    this.#growing.set(stream, last);
    return last;
  }

  /** Puts a stretch among older ones. */
  #insert(stream: number, span: Span): void {
    this.#store(stream);
    this.#growing.delete(stream);
    let { startUs, endUs } = span;
    const near = this.#touching(stream, startUs - TOUCH_US, endUs + TOUCH_US + 1, Number.MAX_SAFE_INTEGER);
    for (const each of near) {
      this.#tables.run('DELETE FROM stretches WHERE stream = ? AND start_us = ?', stream, each.startUs);
      startUs = Math.min(startUs, each.startUs);
      endUs = Math.max(endUs, each.endUs);
    }
    this.#put(stream, startUs, endUs);
  }

  #put(stream: number, startUs: number, endUs: number): void {
    this.#tables.run('INSERT OR REPLACE INTO stretches VALUES (?, ?, ?)', stream, startUs, endUs);
  }

  #store(stream: number): void {
    const growing = this.#growing.get(stream);
    if (!growing || growing.stored) return;
    this.#put(stream, growing.startUs, growing.endUs);
    growing.stored = true;
  }

  /** Adds to or takes from the slots. Units are counted from borders rounded down: pieces that tile fill a slot exactly. */
  #count(stream: number, startUs: number, endUs: number, by: 1 | -1): void {
    const lastUs = Math.min(endUs, startUs + SPAN_US_MAX);
    for (const grain of GRAINS) {
      const unitUs = grain.slotUs / SLOT_UNITS;
      for (let at = startUs; at < lastUs; ) {
        const { block, slot, endsUs } = placeIn(grain, at);
        const until = Math.min(lastUs, endsUs);
        const units = Math.floor(until / unitUs) - Math.floor(at / unitUs);
        const { slots } = this.#block(grain, stream, block);
        slots[slot] = Math.min(SLOT_UNITS, Math.max(0, slots[slot]! + by * units));
        at = until;
      }
    }
  }

  #block(grain: Grain, stream: number, block: number): Block {
    const key = `${grain.number}/${stream}/${block}`;
    let found = this.#blocks.get(key);
    if (found) return found;
    const sql = 'SELECT filled, slots, begins FROM slots WHERE grain = ? AND stream = ? AND block = ?';
    const row = this.#tables.get(sql, grain.number, stream, block);
    const full = row?.['filled'] === grain.slots * SLOT_UNITS;
    found = {
      grain,
      stream,
      block,
      slots: full
        ? new Uint16Array(grain.slots).fill(SLOT_UNITS)
        : slotsOf(grain, (row?.['slots'] ?? null) as Uint8Array | null),
      begins: (row?.['begins'] as Uint8Array | null | undefined)?.slice() ?? new Uint8Array(grain.slots),
    };
    this.#blocks.set(key, found);
    return found;
  }

  /** A row in which nothing is does not stand; a full one has no slots. */
  #storeBlock({ grain, stream, block, slots, begins }: Block): void {
    const filled = slots.reduce((sum, units) => sum + units, 0);
    const hasBegins = begins.some((count) => count > 0);
    if (filled === 0 && !hasBegins) {
      this.#tables.run('DELETE FROM slots WHERE grain = ? AND stream = ? AND block = ?', grain.number, stream, block);
      return;
    }
    const isPartial = filled > 0 && filled < grain.slots * SLOT_UNITS;
    const sql = 'INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, ?, ?)';
    this.#tables.run(
      sql,
      grain.number,
      stream,
      block,
      filled,
      isPartial ? blobOf(slots) : null,
      hasBegins ? begins : null,
    );
  }
}

function placeIn({ slotUs, slots }: Grain, atUs: number): { block: number; slot: number; endsUs: number } {
  const number = Math.floor(atUs / slotUs);
  const block = Math.floor(number / slots);
  return { block, slot: number - block * slots, endsUs: (number + 1) * slotUs };
}

/** Numbers of two octets, the lower one first. */
function slotsOf({ slots }: Grain, blob: Uint8Array | null): Uint16Array {
  const found = new Uint16Array(slots);
  if (blob) for (let slot = 0; slot < slots; slot++) found[slot] = blob[2 * slot]! + 256 * blob[2 * slot + 1]!;
  return found;
}

function blobOf(slots: Uint16Array): Uint8Array {
  const blob = new Uint8Array(2 * slots.length);
  for (let slot = 0; slot < slots.length; slot++) {
    blob[2 * slot] = slots[slot]! & 255;
    blob[2 * slot + 1] = slots[slot]! >> 8;
  }
  return blob;
}

function spanOf(row: Record<string, unknown>): Span {
  return { startUs: row['start_us'] as number, endUs: row['end_us'] as number };
}
