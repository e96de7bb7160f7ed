import { DatabaseSync } from 'node:sqlite';
import { NvrError } from '../errors.ts';
import { indexFailed, vaultLocked } from './errors.ts';

/** Raised with every change of the tables: another number means the index is thrown away and rebuilt. */
export const SCHEMA_VERSION = 3;

const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- One row per source and stream, with sums kept beside the rows they count.
CREATE TABLE places (
  pk INTEGER PRIMARY KEY, source TEXT NOT NULL, stream TEXT NOT NULL,
  segments INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
  longest_us INTEGER NOT NULL DEFAULT 0,
  UNIQUE (source, stream)
);

-- One row per stream id: where its sequence, chain of leaves and timeline stand.
CREATE TABLE streams (
  pk INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, place INTEGER NOT NULL REFERENCES places,
  last_seq INTEGER NOT NULL DEFAULT 0, last_leaf BLOB NOT NULL, last_epoch INTEGER NOT NULL DEFAULT 0,
  at_us INTEGER NOT NULL DEFAULT 0, recording INTEGER NOT NULL DEFAULT 0, run BLOB
);

-- What decoders need to know beforehand; shared by many segments.
CREATE TABLE inits (pk INTEGER PRIMARY KEY, tracks TEXT NOT NULL UNIQUE);

CREATE TABLE segments (
  id BLOB PRIMARY KEY, place INTEGER NOT NULL, stream INTEGER NOT NULL, seq INTEGER NOT NULL,
  start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, size INTEGER NOT NULL, state INTEGER NOT NULL,
  epoch INTEGER NOT NULL, run BLOB NOT NULL, init INTEGER, leaf INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX segments_by_time ON segments (place, start_us, id);
CREATE INDEX segments_by_epoch ON segments (stream, epoch, seq);

CREATE TABLE gaps (
  stream INTEGER NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER, cause INTEGER NOT NULL,
  PRIMARY KEY (stream, start_us)
) WITHOUT ROWID;

-- Recorded time without its segments: neighbours that touch are one row.
CREATE TABLE stretches (
  stream INTEGER NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL,
  PRIMARY KEY (stream, start_us)
) WITHOUT ROWID;

-- The same from far: of each stream slots of five minutes, 288 a row (grain 0: a UTC day), and of an hour, 768 a row (grain 1: 32
-- days). A slot is u16, low octet first, 60,000 when full; null where all or none are full. begins: gaps that begin in each
-- slot (u8; null for none).
CREATE TABLE slots (
  grain INTEGER NOT NULL, stream INTEGER NOT NULL, block INTEGER NOT NULL, filled INTEGER NOT NULL, slots BLOB, begins BLOB,
  PRIMARY KEY (grain, stream, block)
) WITHOUT ROWID;

-- Where keyframes lie (as range.read tells it), written while recording and lost on a rebuild.
CREATE TABLE keyframes (id BLOB PRIMARY KEY, hints BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE epochs (
  stream INTEGER NOT NULL, epoch INTEGER NOT NULL, key_id BLOB NOT NULL,
  generation INTEGER NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY (stream, epoch)
) WITHOUT ROWID;
`;

/**
 * Opens the index file and takes it for this process alone. Gives null where it is not an index of this version (damaged,
 * older, newer): it must be removed and rebuilt. Throws `ERR_VAULT_LOCKED` (`conflict`) where another process has it.
 */
export function openDatabase(path: string): DatabaseSync | null {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
  } catch (cause) {
    throw indexFailed('open', cause);
  }
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; BEGIN IMMEDIATE; COMMIT;');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
    if (version === 0 && tables === 0) {
      database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
      return database;
    }
    if (version === SCHEMA_VERSION) return database;
    database.close();
    return null;
  } catch (cause) {
    try {
      database.close();
    } catch {
      // already closed by the failure
    }
    const number = (cause as { errcode?: number }).errcode;
    if (number === SQLITE_BUSY || number === SQLITE_LOCKED) throw vaultLocked(cause);
    if (number === SQLITE_NOTADB || number === SQLITE_CORRUPT || number === SQLITE_ERROR) return null;
    throw cause instanceof NvrError ? cause : indexFailed('open', cause);
  }
}

const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
