import { DatabaseSync } from 'node:sqlite';
import { eventsFailed } from './errors.ts';

/** Raised with every change of the tables. */
const EVENT_SCHEMA_VERSION = 1;

/** Described for readers in docs/events.md. */
const EVENT_SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- One row for each interval; kind and ended_by as numbered there. Times are epoch ms.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, kind INTEGER NOT NULL, name TEXT,
  start_at INTEGER NOT NULL, end_at INTEGER, ended_by INTEGER, initial INTEGER NOT NULL, count INTEGER NOT NULL,
  camera_start_at INTEGER, camera_end_at INTEGER,
  -- 1 while it goes on, and where it lasted longer than ten minutes.
  long INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (start_at, id);
CREATE INDEX events_by_source ON events (source, start_at, id);
CREATE INDEX events_long ON events (start_at, id) WHERE long = 1;

-- Readings of cameras' clocks: camera minus node, ms.
CREATE TABLE clock (
  source TEXT NOT NULL, at INTEGER NOT NULL, offset_ms INTEGER NOT NULL, uncertainty_ms INTEGER NOT NULL,
  rtcp INTEGER NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (source, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_by_time ON clock (at);
`;

/**
 * Opens the file and takes it for this process alone; null where it is damaged or none of this version. Throws `ERR_CAMERAS_EVENTS`
 * (`unavailable`) where it cannot be opened, or somebody else has it.
 */
export function openEventFile(path: string): DatabaseSync | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000; BEGIN IMMEDIATE; COMMIT;');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
    if (version === 0 && tables === 0) {
      database.exec(`BEGIN; ${EVENT_SCHEMA} PRAGMA user_version = ${EVENT_SCHEMA_VERSION}; COMMIT;`);
    } else {
      const sound = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] === 'ok';
      if (version !== EVENT_SCHEMA_VERSION || !sound) throw new DamagedFile();
    }
    return database;
  } catch (cause) {
    try {
      database?.close();
    } catch {
      // closed by the failure
    }
    if (isDamage(cause)) return null;
    throw eventsFailed(cause);
  }
}

class DamagedFile extends Error {}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** True for errors that say that the file is none, or broken. */
export function isDamage(error: unknown): boolean {
  const number = (error as { errcode?: number }).errcode ?? 0;
  return error instanceof DamagedFile || (number & 0xff) === SQLITE_CORRUPT || (number & 0xff) === SQLITE_NOTADB;
}
