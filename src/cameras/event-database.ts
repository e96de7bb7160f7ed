import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { CAMERA_EVENT_KINDS, type CameraEventKind, type SourceId } from '../protocol/index.ts';
import type { ClockMeasurement } from './api.ts';
import { eventsCursorInvalid } from './errors.ts';
import type { CameraMoment, EventEnd, EventPage, EventQuery, StoredEvent } from './event-api.ts';
import { isDamage, openEventFile } from './event-schema.ts';

const ENDS: readonly EventEnd[] = ['camera', 'lost', 'restart'];
/** What lasts longer is looked for apart, so that a query need not read far back for what reaches into its range. */
const LONG_MS = 600_000;
/** Sources that are asked for one by one; more are picked out of all. */
const SOURCES_APART_MAX = 16;
/** Rows deleted at once. */
const FORGET_MAX = 20_000;
/** Readings of clocks kept: ten years of ten cameras, half a year of 200. */
const MEASUREMENTS_MAX = 900_000;
/** How far clocks drift apart unseen: 10 s a day beyond the last reading, and a tenth of it between two. */
const DRIFT_BEYOND = 116e-6;
const DRIFT_BETWEEN = 12e-6;

type Row = Record<string, SQLInputValue>;

/** The SQLite file behind the event store. All calls answer at once; they throw what SQLite throws, unless called by `attempt`. */
export class EventDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #rows: number;
  #measurements: number;

  /** As `openEventFile`; null where the file is damaged. */
  static open(path: string): EventDatabase | null {
    const database = openEventFile(path);
    return database && new EventDatabase(database);
  }

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#rows = Number(this.#get('SELECT count(*) AS n FROM events')?.['n']);
    this.#measurements = Number(this.#get('SELECT count(*) AS n FROM clock')?.['n']);
  }

  /** What `work` gives, or why SQLite did not do it. Errors of our own pass through. */
  attempt<T>(work: (database: EventDatabase) => T): { value: T } | { failure: unknown; damaged: boolean } {
    try {
      return { value: work(this) };
    } catch (failure) {
      if (!(failure instanceof Error) || !('errcode' in failure)) throw failure;
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return { failure, damaged: isDamage(failure) };
    }
  }

  /** Gives the id. Beyond `rowsMax` the oldest hundredth goes. */
  add(event: StoredEvent, rowsMax: number): number {
    if (this.#rows >= rowsMax) {
      const sql = `DELETE FROM events WHERE id IN
        (SELECT id FROM events WHERE end_at IS NOT NULL ORDER BY start_at, id LIMIT ?)`;
      this.#rows -= this.#run(sql, Math.min(FORGET_MAX, Math.ceil(rowsMax / 100)));
    }
    const { source, kind, name, startAt, cameraStartAt } = event;
    const row = this.#get(
      `INSERT INTO events (source, kind, name, start_at, end_at, ended_by, initial, count, camera_start_at, camera_end_at, long)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      source,
      CAMERA_EVENT_KINDS.indexOf(kind),
      name,
      startAt,
      event.endAt,
      event.endedBy && ENDS.indexOf(event.endedBy),
      event.initial ? 1 : 0,
      event.count,
      cameraStartAt,
      event.cameraEndAt,
      isLong(event) ? 1 : 0,
    );
    this.#rows += 1;
    return row!['id'] as number;
  }

  change(event: StoredEvent): void {
    this.#run(
      'UPDATE events SET end_at = ?, ended_by = ?, count = ?, camera_end_at = ?, long = ? WHERE id = ?',
      event.endAt,
      event.endedBy && ENDS.indexOf(event.endedBy),
      event.count,
      event.cameraEndAt,
      isLong(event) ? 1 : 0,
      event.id,
    );
  }

  changeAll(events: readonly StoredEvent[]): void {
    this.#database.exec('BEGIN');
    for (const event of events) this.change(event);
    this.#database.exec('COMMIT');
  }

  /** The node lives. */
  alive(at: number): void {
    this.#run("INSERT OR REPLACE INTO meta VALUES ('alive', ?)", at);
  }

  /** Ends what seems to go on, when the node was last known to live. Gives how many. */
  closeOpen(): number {
    return this.#run(
      `UPDATE events SET ended_by = ?1, end_at = max(start_at, (SELECT coalesce(max(value), 0) FROM meta WHERE name = 'alive')),
       long = (max(start_at, (SELECT coalesce(max(value), 0) FROM meta WHERE name = 'alive')) - start_at > ?2)
       WHERE end_at IS NULL`,
      ENDS.indexOf('restart'),
      LONG_MS,
    );
  }

  list({ sources, kinds, fromAt, toAt, order, limit, cursor }: EventQuery): EventPage {
    const after = cursor === undefined ? null : readCursor(cursor);
    const most = Math.min(Math.max(0, limit), 1_000);
    if (most === 0 || toAt <= fromAt) return { events: [] };
    const kind = kinds === 'all' ? null : JSON.stringify([...kinds].map((each) => CAMERA_EVENT_KINDS.indexOf(each)));
    const few = sources !== 'all' && sources.size <= SOURCES_APART_MAX;
    const asked = few ? [...sources] : [null];
    const among = sources === 'all' || few ? null : JSON.stringify([...sources]);
    const [sign, down] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    const filter = (source: SourceId | null) =>
      `start_at < :to AND (end_at IS NULL OR end_at > :from OR start_at >= :from)
       ${source === null ? '' : 'AND source = :source'} ${among === null ? '' : 'AND source IN (SELECT value FROM json_each(:among))'}
       ${kind === null ? '' : 'AND kind IN (SELECT value FROM json_each(:kind))'}
       ${after ? `AND (start_at, id) ${sign} (:afterAt, :afterId)` : ''}`;
    const rows = asked.flatMap((source) =>
      this.#statement(
        `SELECT * FROM events WHERE start_at >= :near AND ${filter(source)}
         UNION ALL SELECT * FROM events INDEXED BY events_long WHERE long = 1 AND start_at < :near AND ${filter(source)}
         ORDER BY start_at ${down}, id ${down} LIMIT :limit`,
      ).all({
        near: fromAt - LONG_MS,
        from: fromAt,
        to: toAt,
        limit: most + 1,
        ...(source === null ? {} : { source }),
        ...(among === null ? {} : { among }),
        ...(kind === null ? {} : { kind }),
        ...(after ? { afterAt: after[0], afterId: after[1] } : {}),
      }),
    );
    const direction = order === 'newest' ? -1 : 1;
    const found = rows.map(eventOf).sort((a, b) => direction * (a.startAt - b.startAt || a.id - b.id));
    const events = found.slice(0, most);
    const last = events.at(-1);
    return found.length > most && last ? { events, cursor: `${last.startAt}.${last.id}` } : { events };
  }

  keepMeasurement(source: SourceId, { at, offsetMs, uncertaintyMs, by, step }: ClockMeasurement): void {
    const sql = 'INSERT OR REPLACE INTO clock VALUES (?, ?, ?, ?, ?, ?)';
    this.#run(sql, source, at, offsetMs, uncertaintyMs, by === 'rtcp' ? 1 : 0, step ? 1 : 0);
    this.#measurements += 1;
    if (this.#measurements <= MEASUREMENTS_MAX) return;
    const cut = `DELETE FROM clock WHERE at <= (SELECT at FROM clock ORDER BY at LIMIT 1 OFFSET ?)`;
    this.#run(cut, Math.ceil(MEASUREMENTS_MAX / 100));
    this.#measurements = Number(this.#get('SELECT count(*) AS n FROM clock')?.['n']);
  }

  cameraTimeAt(source: SourceId, nodeAt: number): CameraMoment | null {
    const before = this.#get(
      'SELECT * FROM clock WHERE source = ? AND at <= ? ORDER BY at DESC LIMIT 1',
      source,
      nodeAt,
    );
    const after = this.#get('SELECT * FROM clock WHERE source = ? AND at > ? ORDER BY at LIMIT 1', source, nodeAt);
    const [a, b] = [before, after].map((row) => row && readingOf(row));
    const offset = a && b ? between(a, b, nodeAt) : beyond(a ?? b, nodeAt);
    return offset && { cameraAt: Math.round(nodeAt + offset.ms), uncertaintyMs: Math.ceil(offset.uncertaintyMs) };
  }

  forget(source: SourceId, beforeAt: number): number {
    const sql = `DELETE FROM events WHERE id IN
      (SELECT id FROM events WHERE source = ? AND start_at < ? AND end_at < ? ORDER BY start_at LIMIT ${FORGET_MAX})`;
    const events = this.#run(sql, source, beforeAt, beforeAt);
    this.#rows -= events;
    // The last reading before is what the first moments after it are told by.
    const clock = `DELETE FROM clock WHERE source = ?1 AND at < (SELECT max(at) FROM clock WHERE source = ?1 AND at < ?2)`;
    this.#measurements -= this.#run(clock, source, beforeAt);
    return events;
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  /** Gives how many rows changed. */
  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** The texts are few: none has a value of a caller in it. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

interface ClockReading {
  at: number;
  ms: number;
  uncertaintyMs: number;
  step: boolean;
}

/** Between two readings: on the line, or, where a clock was set in between, by the nearer one. */
function between(a: ClockReading, b: ClockReading, at: number): { ms: number; uncertaintyMs: number } {
  const near = at - a.at <= b.at - at ? a : b;
  const sure = Math.max(a.uncertaintyMs, b.uncertaintyMs) + Math.abs(at - near.at) * DRIFT_BETWEEN;
  if (b.step) return { ms: near.ms, uncertaintyMs: at === a.at ? a.uncertaintyMs : sure + Math.abs(b.ms - a.ms) };
  return { ms: a.ms + ((b.ms - a.ms) * (at - a.at)) / (b.at - a.at), uncertaintyMs: sure };
}

function beyond(reading: ClockReading | undefined, at: number) {
  if (!reading) return null;
  return { ms: reading.ms, uncertaintyMs: reading.uncertaintyMs + Math.abs(at - reading.at) * DRIFT_BEYOND };
}

function readingOf(row: Row): ClockReading {
  return {
    at: row['at'] as number,
    ms: row['offset_ms'] as number,
    uncertaintyMs: row['uncertainty_ms'] as number,
    step: row['step'] === 1,
  };
}

function eventOf(row: Row): StoredEvent {
  const endedBy = row['ended_by'] as number | null;
  return {
    id: row['id'] as number,
    source: row['source'] as SourceId,
    kind: CAMERA_EVENT_KINDS[row['kind'] as number] as CameraEventKind,
    name: row['name'] as string | null,
    startAt: row['start_at'] as number,
    endAt: row['end_at'] as number | null,
    endedBy: endedBy === null ? null : ENDS[endedBy]!,
    initial: row['initial'] === 1,
    count: row['count'] as number,
    cameraStartAt: row['camera_start_at'] as number | null,
    cameraEndAt: row['camera_end_at'] as number | null,
  };
}

function isLong({ startAt, endAt }: StoredEvent): boolean {
  return endAt === null || endAt - startAt > LONG_MS;
}

function readCursor(text: string): [number, number] {
  const parts = /^(\d{1,16})\.(\d{1,16})$/.exec(text);
  const [at, id] = [Number(parts?.[1]), Number(parts?.[2])];
  if (!parts || !Number.isSafeInteger(at) || !Number.isSafeInteger(id)) throw eventsCursorInvalid();
  return [at, id];
}
