import type { Clock } from '../platform/index.ts';
import type { CameraEventKind, SourceId } from '../protocol/index.ts';
import type { CameraEvent } from './api.ts';
import type { EventEnd, StoredEvent } from './event-api.ts';

/** What begins again so soon after its end never ended. */
export const JOIN_MS = 2_000;
/** Rows one source may add in an hour; what is beyond is joined into one row for each kind. */
export const ROWS_HOUR_MAX = 600;
/** Regions, lines and inputs of one source that are told apart at one time. */
export const NAMES_MAX = 64;
const HOUR_MS = 3_600_000;

/** One interval, and what goes on in it. */
export interface EventRow {
  readonly event: StoredEvent;
  /** Keys of the states that go on; more than one only where the flood joined them. */
  readonly members: Set<string>;
  /** Monotonic ms at which it ended or grew last. */
  touchedAt: number;
}

export interface EventLaneSink {
  /** A row began; its id is set before this returns. */
  add(row: EventRow): void;
  /** It ended or goes on again. */
  changed(row: EventRow): void;
  /** A moment was repeated. */
  grew(row: EventRow): void;
  /** Only its count grew. */
  counted(row: EventRow): void;
  tooMany(): void;
}

/**
 * Makes intervals of what one camera tells: states that begin and end, moments that are repeated. Knows the rows that go on and those
 * that ended a moment ago, and bounds what a camera can make us write.
 */
export class EventLane {
  readonly #source: SourceId;
  readonly #clock: Clock;
  readonly #sink: EventLaneSink;
  /** By kind and name; at most `NAMES_MAX`. */
  readonly #rows = new Map<string, EventRow>();
  /** What was too much, by kind. */
  readonly #joined = new Map<CameraEventKind, EventRow>();
  #hourAt = Number.NEGATIVE_INFINITY;
  #rowsInHour = 0;

  constructor(source: SourceId, clock: Clock, sink: EventLaneSink) {
    this.#source = source;
    this.#clock = clock;
    this.#sink = sink;
  }

  take(event: CameraEvent): void {
    const key = `${event.kind} ${event.name ?? ''}`;
    const goingOn = [this.#rows.get(key), this.#joined.get(event.kind)].find((row) => row?.members.has(key));
    if (event.active === false) {
      if (goingOn) this.#leave(goingOn, key, event);
    } else if (event.active === null || !goingOn) {
      this.#forgetOld();
      const row = this.#rows.get(key);
      if (row) this.#again(row, key, event);
      else if (this.#mayAdd()) this.#rows.set(key, this.#begin(key, event, event.name));
      else this.#join(key, event);
    }
  }

  /** Nobody will tell how what goes on ends. */
  end(at: number, endedBy: EventEnd): void {
    for (const row of [...this.#rows.values(), ...this.#joined.values()]) {
      if (row.members.size === 0) continue;
      row.members.clear();
      this.#close(row, at, null, endedBy);
    }
    this.#rows.clear();
    this.#joined.clear();
  }

  open(): StoredEvent[] {
    const rows = [...this.#rows.values(), ...this.#joined.values()].filter(({ members }) => members.size > 0);
    return rows.map(({ event }) => ({ ...event }));
  }

  /** Nothing of it need be remembered. */
  isQuiet(): boolean {
    const isOver = this.#clock.monotonic() - this.#hourAt >= HOUR_MS;
    this.#forgetOld();
    return isOver && this.#rows.size === 0 && this.#joined.size === 0;
  }

  #begin(key: string, { kind, active, at, cameraAt, initial }: CameraEvent, name: string | null): EventRow {
    const isState = active !== null;
    const event: StoredEvent = {
      id: 0,
      source: this.#source,
      kind,
      name,
      startAt: at,
      endAt: isState ? null : at,
      endedBy: isState ? null : 'camera',
      initial,
      count: 1,
      cameraStartAt: cameraAt,
      cameraEndAt: isState ? null : cameraAt,
    };
    const row = { event, members: new Set(isState ? [key] : []), touchedAt: this.#clock.monotonic() };
    this.#sink.add(row);
    return row;
  }

  #again(row: EventRow, key: string, { active, at, cameraAt }: CameraEvent): void {
    const { event, members } = row;
    event.count += 1;
    row.touchedAt = this.#clock.monotonic();
    if (active === null) {
      // A moment within a state says nothing new.
      if (members.size > 0) {
        this.#sink.counted(row);
        return;
      }
      event.endAt = Math.max(event.startAt, at);
      event.cameraEndAt = cameraAt;
      this.#sink.grew(row);
    } else {
      const isOpen = members.size > 0;
      if (members.size < NAMES_MAX) members.add(key);
      if (isOpen) {
        this.#sink.counted(row);
        return;
      }
      Object.assign(event, { endAt: null, endedBy: null, cameraEndAt: null });
      this.#sink.changed(row);
    }
  }

  #leave(row: EventRow, key: string, { at, cameraAt }: CameraEvent): void {
    row.members.delete(key);
    if (row.members.size === 0) this.#close(row, at, cameraAt, 'camera');
  }

  #close(row: EventRow, at: number, cameraAt: number | null, endedBy: EventEnd): void {
    const { event } = row;
    Object.assign(event, { endAt: Math.max(event.startAt, at), endedBy, cameraEndAt: cameraAt });
    row.touchedAt = this.#clock.monotonic();
    this.#sink.changed(row);
  }

  /** Too much: one row of its kind takes what comes until the hour is over. */
  #join(key: string, event: CameraEvent): void {
    const row = this.#joined.get(event.kind);
    if (row) this.#again(row, key, event);
    else this.#joined.set(event.kind, this.#begin(key, event, null));
  }

  #mayAdd(): boolean {
    if (this.#rows.size >= NAMES_MAX || this.#rowsInHour > ROWS_HOUR_MAX) return false;
    this.#rowsInHour += 1;
    if (this.#rowsInHour <= ROWS_HOUR_MAX) return true;
    this.#sink.tooMany();
    return false;
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [key, row] of this.#rows) {
      if (row.members.size === 0 && now - row.touchedAt > JOIN_MS) this.#rows.delete(key);
    }
    if (now - this.#hourAt < HOUR_MS) return;
    this.#hourAt = now;
    this.#rowsInHour = 0;
    for (const [kind, row] of this.#joined) if (row.members.size === 0) this.#joined.delete(kind);
  }
}
