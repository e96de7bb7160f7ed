import type { Clock, Files, Log } from '../platform/index.ts';
import type { CameraEventKind, SourceId } from '../protocol/index.ts';
import type { CameraEvent, ClockMeasurement } from './api.ts';
import { eventsFailed } from './errors.ts';
import type { CameraMoment, EventPage, EventQuery, EventStore, StoredEvent } from './event-api.ts';
import { EventDatabase } from './event-database.ts';
import { EventLane, type EventRow } from './event-lane.ts';

export interface EventStoreDeps {
  clock: Clock;
  log: Log;
  files: Files;
}

export interface EventStoreOptions {
  /** The file, `events.db` in the data folder; `:memory:` keeps nothing. */
  path: string;
  /** Most events kept; beyond, the oldest hundredth goes. Default 1,000,000 (about 120 MB). */
  rowsMax?: number;
}

const ROWS_MAX = 1_000_000;
/** While anything goes on, the file says so often that the node lives. */
const ALIVE_MS = 10_000;
/** What only grew (a repeated moment) is written so often. */
const FLUSH_MS = 1_000;
/** A file that fails is complained of so often. */
const COMPLAIN_MS = 60_000;
/** Readings of one camera's clock kept in an hour: an honest one has two. */
const MEASUREMENTS_HOUR_MAX = 60;
const HOUR_MS = 3_600_000;

/** Makes the store. `start` rejects with `ERR_CAMERAS_EVENTS` (`unavailable`) where the file cannot be opened or moved aside. */
export function createEventStore(deps: EventStoreDeps, options: EventStoreOptions): EventStore {
  return new Store(deps, options);
}

class Store implements EventStore {
  readonly #deps: EventStoreDeps;
  readonly #path: string;
  readonly #rowsMax: number;
  /** By source; those that were quiet for an hour are forgotten. */
  readonly #lanes = new Map<SourceId, EventLane>();
  readonly #listeners = new Set<(event: StoredEvent) => void>();
  readonly #grown = new Set<EventRow>();
  /** The same. */
  readonly #measurements = new Map<SourceId, { since: number; count: number; skipped: boolean }>();
  #database: EventDatabase | null = null;
  #started = false;
  #mending: Promise<void> | null = null;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #cancelAlive: (() => void) | null = null;
  #cancelFlush: (() => void) | null = null;

  constructor(deps: EventStoreDeps, { path, rowsMax = ROWS_MAX }: EventStoreOptions) {
    this.#deps = deps;
    this.#path = path;
    this.#rowsMax = rowsMax;
  }

  async start(): Promise<void> {
    this.#database = await this.#open();
    this.#started = true;
    const closed = this.#try((database) => database.closeOpen());
    if (closed) this.#deps.log.info({ events: closed }, 'ended the events that went on when the node stopped');
  }

  async stop(): Promise<void> {
    this.#started = false;
    await this.#mending;
    const now = this.#deps.clock.now();
    for (const lane of this.#lanes.values()) lane.end(now, 'restart');
    this.#lanes.clear();
    this.#flush();
    this.#cancelAlive?.();
    this.#database?.close();
    this.#database = null;
  }

  take(source: SourceId, event: CameraEvent): void {
    if (this.#started) this.#laneOf(source).take(event);
  }

  connected(source: SourceId, connected: boolean): void {
    if (!connected) this.#lanes.get(source)?.end(this.#deps.clock.now(), 'lost');
    const before = this.#deps.clock.monotonic() - HOUR_MS;
    for (const [name, lane] of this.#lanes) if (lane.isQuiet()) this.#lanes.delete(name);
    for (const [name, pace] of this.#measurements)
      if (pace.since < before && !pace.skipped) this.#measurements.delete(name);
  }

  active(source: SourceId): ReadonlySet<CameraEventKind> {
    return new Set(
      this.#lanes
        .get(source)
        ?.open()
        .map(({ kind }) => kind),
    );
  }

  open(): StoredEvent[] {
    const events = [...this.#lanes.values()].flatMap((lane) => lane.open());
    return events.sort((a, b) => a.startAt - b.startAt || a.id - b.id);
  }

  list(query: EventQuery): EventPage {
    this.#flush();
    return this.#try((database) => database.list(query)) ?? { events: [] };
  }

  onChange(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  measured(source: SourceId, measurement: ClockMeasurement): void {
    const now = this.#deps.clock.monotonic();
    let pace = this.#measurements.get(source);
    if (!pace || now - pace.since >= HOUR_MS) pace = { since: now, count: 0, skipped: pace?.skipped ?? false };
    this.#measurements.set(source, pace);
    pace.count += 1;
    // A clock that is set again and again: what is left out may hide a step, and the next one kept says so.
    if (pace.count > MEASUREMENTS_HOUR_MAX) {
      pace.skipped = true;
      return;
    }
    const step = measurement.step || pace.skipped;
    pace.skipped = false;
    this.#try((database) => database.keepMeasurement(source, { ...measurement, step }));
  }

  cameraTimeAt(source: SourceId, nodeAt: number): CameraMoment | null {
    return this.#try((database) => database.cameraTimeAt(source, nodeAt)) ?? null;
  }

  forget(source: SourceId, beforeAt: number): number {
    return this.#try((database) => database.forget(source, beforeAt)) ?? 0;
  }

  #laneOf(source: SourceId): EventLane {
    const known = this.#lanes.get(source);
    if (known) return known;
    const lane = new EventLane(source, this.#deps.clock, {
      add: (row) => this.#add(row),
      changed: (row) => this.#changed(row),
      grew: (row) => {
        this.#counted(row);
        this.#tell(row);
      },
      counted: (row) => this.#counted(row),
      tooMany: () =>
        this.#deps.log.warn({ source }, 'a camera told of too many events; the rest of this hour is joined'),
    });
    this.#lanes.set(source, lane);
    return lane;
  }

  #add(row: EventRow): void {
    row.event.id = this.#try((database) => database.add(row.event, this.#rowsMax)) ?? 0;
    this.#tell(row);
    this.#keepAlive();
  }

  #changed(row: EventRow): void {
    this.#grown.delete(row);
    if (row.event.id > 0) this.#try((database) => database.change(row.event));
    this.#tell(row);
    this.#keepAlive();
  }

  #counted(row: EventRow): void {
    this.#grown.add(row);
    this.#cancelFlush ??= this.#deps.clock.after(FLUSH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    const rows = [...this.#grown].filter(({ event }) => event.id > 0);
    this.#grown.clear();
    if (rows.length > 0) this.#try((database) => database.changeAll(rows.map(({ event }) => event)));
  }

  #tell({ event }: EventRow): void {
    const told = { ...event };
    for (const listener of this.#listeners) listener(told);
  }

  /** So that a node that dies leaves no event that seems to go on for ever, and none that is cut by more than this. */
  #keepAlive(): void {
    if (this.#cancelAlive || !this.#started) return;
    this.#cancelAlive = this.#deps.clock.after(ALIVE_MS, () => {
      this.#cancelAlive = null;
      if (![...this.#lanes.values()].some((lane) => lane.open().length > 0)) return;
      this.#try((database) => database.alive(this.#deps.clock.now()));
      this.#keepAlive();
    });
  }

  /** Opens the file; one that is damaged is moved aside, so that whoever cares can look at it, and a new one begun. */
  async #open(): Promise<EventDatabase> {
    const opened = EventDatabase.open(this.#path);
    if (opened) return opened;
    const { log, files } = this.#deps;
    for (const end of ['', '-wal', '-shm']) {
      const from = `${this.#path}${end}`;
      if (await files.stat(from)) await files.rename(from, `${this.#path}.damaged${end}`);
    }
    log.error({}, 'the file of events was damaged: it was moved aside, and a new one begun');
    const begun = EventDatabase.open(this.#path);
    if (!begun) throw eventsFailed(new Error('a new file is damaged'));
    return begun;
  }

  /** Works on the file where there is one; what fails is told, once a minute, and a file that proves damaged is replaced. */
  #try<T>(work: (database: EventDatabase) => T): T | null {
    const database = this.#database;
    if (!database) return null;
    const outcome = database.attempt(work);
    if ('value' in outcome) return outcome.value;
    const now = this.#deps.clock.monotonic();
    if (now - this.#complainedAt >= COMPLAIN_MS) {
      this.#complainedAt = now;
      this.#deps.log.error({ error: outcome.failure }, 'events could not be stored or read');
    }
    if (outcome.damaged) this.#mend(database);
    return null;
  }

  #mend(database: EventDatabase): void {
    this.#database = null;
    database.close();
    this.#mending ??= this.#open()
      .then((opened) => {
        this.#database = opened;
      })
      .catch((error: unknown) => this.#deps.log.error({ error }, 'no new file of events could be begun'))
      .finally(() => {
        this.#mending = null;
      });
  }
}
