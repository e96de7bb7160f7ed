import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { equalBytes, fromBase64Url, fromHex, isZero, toBase64Url, toHex } from '../bytes/index.ts';
import type { NvrError } from '../errors.ts';
import type { Track } from '../media/index.ts';
import {
  GAP_CAUSES,
  type GapCause,
  KEY_CAUSES,
  type LogLeaf,
  PRUNE_CAUSES,
  placeOfConfigLeaf,
  type SegmentId,
  type SegmentState,
  type SourceId,
  type StreamId,
  type StreamName,
} from '../protocol/index.ts';
import type {
  CoverageQuery,
  GapPage,
  GapQuery,
  SegmentPage,
  SegmentQuery,
  StoredCoverage,
  StoredGap,
  StoredSegment,
} from './api.ts';
import { counted, covered, joined, type Span, within } from './coverage.ts';
import { COARSE_SLOT_US, CoverageTables, SLOT_US } from './coverage-tables.ts';
import { cursorInvalid, indexFailed } from './errors.ts';
import { openDatabase } from './index-schema.ts';
import type { LoggedLeaf } from './log-file.ts';
import { readSegmentCursor, segmentCursor } from './open-segments.ts';
import type { Place } from './paths.ts';

/** What the index keeps of a segment that its leaf does not say. */
export interface SegmentExtra {
  run: Uint8Array;
  tracks: Track[];
  /** Where its keyframes lie (`encodeKeyframeHints`). */
  keyframes?: Uint8Array;
}

/** Where one stream stands: enough to go on with it after a restart. */
export interface StreamState extends Place {
  pk: number;
  placePk: number;
  /** Hex. */
  streamId: StreamId;
  lastSeq: number;
  /** Leaf hash of its last segment; zeros for none. */
  lastLeaf: Uint8Array;
  lastEpoch: number;
  /** End of the last segment, or end (of an open one: start) of the gap behind it: where the timeline stands. */
  atUs: number;
  /** True from the begin of a run to its gap leaf: at start-up it means a crash. */
  recording: boolean;
  run: Uint8Array | null;
}

/** What the log said last of one epoch's key file. */
export interface EpochRow {
  epochId: number;
  keyId: Uint8Array;
  generation: number;
  hash: Uint8Array;
}

export interface PlaceSum extends Place {
  pk: number;
  segments: number;
  bytes: number;
}

const STATES: readonly SegmentState[] = ['final', 'recovered', 'aborted'];
const GAP_NAMES = new Map(Object.entries(GAP_CAUSES).map(([name, number]) => [number, name as GapCause]));
const COLUMNS = `s.id, s.seq, s.start_us, s.end_us, s.size, s.state, s.epoch, s.run, p.source, p.stream, t.id AS stream_id,
  i.tracks, e.key_id`;
const JOINS = `JOIN places p ON p.pk = s.place JOIN streams t ON t.pk = s.stream
  LEFT JOIN inits i ON i.pk = s.init LEFT JOIN epochs e ON e.stream = s.stream AND e.epoch = s.epoch`;

type Row = Record<string, SQLInputValue>;

/** Stretches and gaps of one place that are read for a near look; with more, five-minute slots must do. */
const NEAR_ROWS_MAX = 4_000;
/** Gaps looked at for one page. */
const GAPS_LOOKED_AT = 5_000;

/**
 * The SQLite tables that find segments: a cache of the log, fed leaf by leaf in the log's order and never ahead of it.
 *
 * All calls answer at once. Not thread-safe and alone with its file.
 */
export class SegmentIndex {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #streams = new Map<StreamId, StreamState>();
  readonly #places = new Map<number, PlaceSum & { longestUs: number }>();
  readonly #coverage: CoverageTables;
  /** Streams that the batch being fed has changed. */
  readonly #touched = new Set<StreamState>();
  #applied = 0;
  #broken: NvrError | null = null;

  /** Opens the file; null where it must be removed and rebuilt. */
  static open(path: string): SegmentIndex | null {
    const database = openDatabase(path);
    if (database === null) return null;
    try {
      return new SegmentIndex(database);
    } catch {
      database.close();
      return null;
    }
  }

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#coverage = new CoverageTables({
      run: (sql, ...values) => this.#run(sql, ...values),
      get: (sql, ...values) => this.#get(sql, ...values),
      all: (sql, ...values) => this.#all(sql, ...values),
    });
    this.#applied = Number(this.#meta('applied') ?? 0);
    for (const row of this.#all('SELECT * FROM places')) this.#rememberPlace(row);
    for (const row of this.#all('SELECT * FROM streams')) this.#rememberStream(row);
  }

  /** Leaves of the log that are in the index. */
  get applied(): number {
    return this.#applied;
  }

  /** Which log it was fed from, and the hash of the last leaf it was fed; null for an empty index. */
  fedFrom(): { logId: string; lastHash: Uint8Array | null } | null {
    const logId = this.#meta('log');
    return typeof logId === 'string' ? { logId, lastHash: this.#meta('last') as Uint8Array | null } : null;
  }

  /** Ties an empty index to a log. */
  begin(logId: string): void {
    this.#run("INSERT OR REPLACE INTO meta VALUES ('log', ?), ('applied', 0)", logId);
  }

  /** Why the tables stopped following the log, or null. What they hold stays readable; the next start catches up. */
  get broken(): NvrError | null {
    return this.#broken;
  }

  /**
   * Takes leaves that are in the log, in its order, all or none. Never throws: a cache that cannot be written must not stop
   * recording, so from then on only the streams' states follow (`broken`).
   */
  feed(batch: readonly LoggedLeaf<SegmentExtra>[]): void {
    const last = batch.at(-1);
    if (!last) return;
    if (!this.#broken) {
      try {
        this.#database.exec('BEGIN');
        for (const each of batch) this.#apply(each);
        this.#coverage.flush();
        this.#storeTouched();
        this.#run("INSERT OR REPLACE INTO meta VALUES ('applied', ?), ('last', ?)", last.index + 1, last.hash);
        this.#database.exec('COMMIT');
        this.#applied = last.index + 1;
        return;
      } catch (cause) {
        this.#broken = indexFailed('be written', cause);
        this.#coverage.forget();
        try {
          this.#database.exec('ROLLBACK');
        } catch {
          // the failure already ended the transaction
        }
      }
    }
    for (const each of batch) this.#apply(each);
  }

  /** Takes more memory while very many leaves are fed at once (ids are random, so rows land everywhere), and gives it back. */
  bulk(on: boolean): void {
    if (!this.#broken) this.#database.exec(`PRAGMA cache_size = -${on ? 64_000 : 8_000}`);
  }

  stream(id: StreamId): StreamState | null {
    return this.#streams.get(id) ?? null;
  }

  streams(): StreamState[] {
    return [...this.#streams.values()];
  }

  places(): PlaceSum[] {
    return [...this.#places.values()];
  }

  /** Segments whose time touches [fromUs, toUs), by start. Throws `ERR_VAULT_CURSOR_INVALID` (`invalid`). */
  list(query: SegmentQuery): SegmentPage {
    const place = this.#placeOf(query);
    if (!place || query.limit <= 0 || query.toUs <= query.fromUs) return { segments: [] };
    const newest = query.order === 'newest';
    const cursor = query.cursor === undefined ? null : readSegmentCursor(query.cursor);
    const rows = this.#all(
      `SELECT ${COLUMNS} FROM segments s ${JOINS}
       WHERE s.place = ? AND s.start_us > ? AND s.start_us < ? AND s.end_us > ?
       ${cursor ? `AND (s.start_us, s.id) ${newest ? '<' : '>'} (?, ?)` : ''}
       ORDER BY s.start_us ${newest ? 'DESC' : ''}, s.id ${newest ? 'DESC' : ''} LIMIT ?`,
      place.pk,
      // Nothing here is longer than the longest: what starts earlier cannot reach into the range.
      Math.max(-1, query.fromUs - place.longestUs - 1),
      query.toUs,
      query.fromUs,
      ...(cursor ? [cursor.startUs, cursor.id] : []),
      query.limit + 1,
    );
    const segments = rows.slice(0, query.limit).map(segmentOf);
    const last = segments.at(-1);
    return rows.length > query.limit && last ? { segments, cursor: segmentCursor(last) } : { segments };
  }

  find(id: SegmentId): StoredSegment | null {
    const row = this.#get(`SELECT ${COLUMNS} FROM segments s ${JOINS} WHERE s.id = ?`, fromHex(id));
    return row ? segmentOf(row) : null;
  }

  gaps(query: { sourceId: SourceId; stream: StreamName; fromUs: number; toUs: number; limit: number }): StoredGap[] {
    const place = this.#placeOf(query);
    if (!place) return [];
    const found: StoredGap[] = [];
    for (const stream of this.#streams.values()) {
      if (stream.placePk !== place.pk) continue;
      // Gaps of one stream do not overlap, so of those that begin before the range only the last can reach into it.
      const rows = this.#all(
        `SELECT start_us, end_us, cause FROM gaps WHERE stream = ?1 AND start_us < ?3
         AND start_us >= coalesce((SELECT max(start_us) FROM gaps WHERE stream = ?1 AND start_us <= ?2), 0)
         AND (end_us IS NULL OR (end_us > ?2 AND end_us > start_us)) ORDER BY start_us LIMIT ?4`,
        stream.pk,
        query.fromUs,
        query.toUs,
        query.limit,
      );
      found.push(...rows.map(gapOf));
    }
    return found.sort((a, b) => a.startUs - b.startUs).slice(0, query.limit);
  }

  /** One page of gaps; see `Vault.gapPage`. */
  gapPage(query: GapQuery): GapPage {
    const { fromUs, toUs, order, limit, cursor, lengthUsMin, nowUs } = query;
    const place = this.#placeOf(query);
    const after = cursor === undefined ? null : readGapCursor(cursor);
    if (!place || limit <= 0 || toUs <= fromUs) return { gaps: [] };
    const newest = order === 'newest';
    const rows: Row[] = [];
    for (const { pk, placePk } of this.#streams.values()) {
      if (placePk !== place.pk) continue;
      // Of gaps that begin together that of the higher stream counts as the later one.
      const beyond = after && (newest ? pk < after.stream : pk > after.stream) ? '=' : '';
      rows.push(
        ...this.#all(
          `SELECT stream, start_us, end_us, cause FROM gaps WHERE stream = ?1 AND start_us < ?3
           AND start_us >= coalesce((SELECT max(start_us) FROM gaps WHERE stream = ?1 AND start_us <= ?2), 0)
           AND start_us ${newest ? '<' : '>'}${beyond} ?4 ORDER BY start_us ${newest ? 'DESC' : ''} LIMIT ?5`,
          pk,
          fromUs,
          toUs,
          after?.startUs ?? (newest ? Number.MAX_SAFE_INTEGER : -1),
          GAPS_LOOKED_AT + 1,
        ),
      );
    }
    const sign = newest ? -1 : 1;
    rows.sort((a, b) => sign * (num(a['start_us']) - num(b['start_us']) || num(a['stream']) - num(b['stream'])));
    const gaps: StoredGap[] = [];
    for (const [i, row] of rows.entries()) {
      const before = rows[i - 1];
      if (before && (gaps.length === limit || i === GAPS_LOOKED_AT)) {
        return { gaps, cursor: `${num(before['start_us'])}.${num(before['stream'])}` };
      }
      const gap = gapOf(row);
      const endUs = gap.endUs ?? Math.max(nowUs, gap.startUs);
      const isThere = gap.endUs === null || (gap.endUs > gap.startUs && gap.endUs > fromUs);
      if (isThere && endUs - gap.startUs >= lengthUsMin) gaps.push(gap);
    }
    return { gaps };
  }

  /** What is recorded of a stretch of time, with `open` beside what is closed; see `Vault.coverage`. */
  coverage(query: CoverageQuery, open: readonly Span[]): StoredCoverage {
    const { edgesUs, exactMax } = query;
    const [fromUs, toUs] = [edgesUs[0]!, edgesUs.at(-1)!];
    const place = this.#placeOf(query);
    const streams = [...this.#streams.values()].filter(({ placePk }) => placePk === place?.pk);
    const lengthUs = (toUs - fromUs) / (edgesUs.length - 1);
    const isNear = lengthUs < SLOT_US;
    const isCoarse = lengthUs >= COARSE_SLOT_US && !query.fine;
    const rowsMax = isNear ? NEAR_ROWS_MAX : exactMax;
    const lists = streams.map(({ pk }) => this.#coverage.stretches(pk, fromUs, toUs, rowsMax));
    const isExact = lists.every((list) => list !== null);
    const gaps = place ? this.gaps({ ...place, fromUs, toUs, limit: rowsMax + 1 }) : [];
    const areFew = gaps.length <= rowsMax;
    const far = isExact && areFew ? [] : streams.map(({ pk }) => this.#coverage.far(pk, edgesUs, isCoarse));
    const recorded = within(joined([...(isExact ? lists.flat() : []), ...open]), fromUs, toUs);
    const coveredUs = covered(edgesUs, recorded);
    if (!isExact) {
      for (const each of far) {
        // Streams of one place, and what is open, hardly overlap; where they do, no more than all of it is covered.
        for (let i = 0; i < coveredUs.length; i++) {
          coveredUs[i] = Math.min(coveredUs[i]! + each.coveredUs[i]!, edgesUs[i + 1]! - edgesUs[i]!);
        }
      }
    }
    const gapsBegun = counted(edgesUs, areFew ? gaps.map(({ startUs }) => startUs) : []);
    if (!areFew) for (const { begun } of far) for (let i = 0; i < begun.length; i++) gapsBegun[i]! += begun[i]!;
    return {
      coveredUs,
      stretches: isExact && recorded.length <= exactMax ? recorded : null,
      gaps: gaps.length <= exactMax ? gaps : null,
      gapsBegun,
    };
  }

  /** Where the keyframes of a closed segment lie, or null where nobody knows without looking. */
  keyframes(id: SegmentId): Uint8Array | null {
    const row = this.#get('SELECT hints FROM keyframes WHERE id = ?', fromHex(id));
    return (row?.['hints'] as Uint8Array | undefined) ?? null;
  }

  /** The gap that lasts at the end of a stream, or null. */
  openGap(streamPk: number): { startUs: number; cause: number } | null {
    const sql = 'SELECT start_us, cause FROM gaps WHERE stream = ? AND end_us IS NULL ORDER BY start_us DESC LIMIT 1';
    const row = this.#get(sql, streamPk);
    return row ? { startUs: row['start_us'] as number, cause: row['cause'] as number } : null;
  }

  /** The oldest segments of a place, for retention. */
  oldest(placePk: number, limit: number): { id: SegmentId; startUs: number; endUs: number; size: number }[] {
    const sql = 'SELECT id, start_us, end_us, size FROM segments WHERE place = ? ORDER BY start_us, id LIMIT ?';
    return this.#all(sql, placePk, limit).map((row) => ({
      id: toHex(row['id'] as Uint8Array) as SegmentId,
      startUs: row['start_us'] as number,
      endUs: row['end_us'] as number,
      size: row['size'] as number,
    }));
  }

  /** Where the log tells of a segment: its leaf's index, or null. */
  leafIndex(id: SegmentId): number | null {
    return (this.#get('SELECT leaf FROM segments WHERE id = ?', fromHex(id))?.['leaf'] as number | undefined) ?? null;
  }

  /** Every segment of one epoch, by sequence number. */
  epochSegments(streamPk: number, epochId: number): { id: SegmentId; seq: number; size: number }[] {
    const sql = 'SELECT id, seq, size FROM segments WHERE stream = ? AND epoch = ? ORDER BY seq';
    return this.#all(sql, streamPk, epochId).map((row) => ({
      id: toHex(row['id'] as Uint8Array) as SegmentId,
      seq: row['seq'] as number,
      size: row['size'] as number,
    }));
  }

  /** Epochs of a stream that hold segments or a key. */
  epochIds(streamPk: number): number[] {
    const sql =
      'SELECT epoch FROM segments WHERE stream = ?1 UNION SELECT epoch FROM epochs WHERE stream = ?1 ORDER BY epoch';
    return this.#all(sql, streamPk).map((row) => row['epoch'] as number);
  }

  /** True when no segment of the epoch is left. */
  epochEmpty(streamPk: number, epochId: number): boolean {
    return !this.#get('SELECT 1 FROM segments WHERE stream = ? AND epoch = ? LIMIT 1', streamPk, epochId);
  }

  epoch(streamPk: number, epochId: number): EpochRow | null {
    const row = this.#get('SELECT * FROM epochs WHERE stream = ? AND epoch = ?', streamPk, epochId);
    return row ? epochOf(row) : null;
  }

  epochs(streamPk: number): EpochRow[] {
    return this.#all('SELECT * FROM epochs WHERE stream = ? ORDER BY epoch', streamPk).map(epochOf);
  }

  /** Tells the name of an epoch key, which key leaves do not carry. */
  setEpochKeyId(streamPk: number, epochId: number, keyId: Uint8Array): void {
    this.#run('UPDATE epochs SET key_id = ? WHERE stream = ? AND epoch = ?', keyId, streamPk, epochId);
  }

  /** Fills in what decoders need, once somebody has looked. */
  setTracks(id: SegmentId, tracks: readonly Track[]): void {
    this.#run('UPDATE segments SET init = ? WHERE id = ?', this.#initOf(tracks), fromHex(id));
  }

  /** Start of the oldest segment, end of the newest, over everything; null for an empty vault. */
  span(): { oldestUs: number; newestUs: number } | null {
    let [oldestUs, newestUs] = [Number.POSITIVE_INFINITY, 0];
    for (const place of this.#places.values()) {
      const first = this.#get('SELECT min(start_us) AS at FROM segments WHERE place = ?', place.pk)?.['at'];
      const last = this.#get('SELECT max(start_us) AS at FROM segments WHERE place = ?', place.pk)?.['at'];
      if (typeof first === 'number') oldestUs = Math.min(oldestUs, first);
      if (typeof last === 'number') newestUs = Math.max(newestUs, last);
    }
    return newestUs === 0 ? null : { oldestUs, newestUs };
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #apply({ index, leaf, hash, extra }: LoggedLeaf<SegmentExtra>): void {
    if (leaf.type === 'config') {
      this.#assign(leaf);
      return;
    }
    const stream = this.#streams.get(toHex(leaf.streamId) as StreamId);
    if (!stream) return;
    if (leaf.type === 'segment') this.#addSegment(stream, index, leaf, hash, extra);
    else if (leaf.type === 'prune') this.#dropSegment(stream, leaf);
    else if (leaf.type === 'gap') this.#setGap(stream, leaf);
    else if (leaf.type === 'key') this.#setEpoch(stream, leaf);
    this.#touched.add(stream);
  }

  /** Writes the states and sums that a batch changed, each once. */
  #storeTouched(): void {
    for (const stream of this.#touched) {
      const { longestUs, segments, bytes } = this.#places.get(stream.placePk)!;
      const sql = 'UPDATE places SET segments = ?, bytes = ?, longest_us = ? WHERE pk = ?';
      this.#run(sql, segments, bytes, longestUs, stream.placePk);
      this.#run(
        'UPDATE streams SET last_seq = ?, last_leaf = ?, last_epoch = ?, at_us = ?, recording = ?, run = ? WHERE pk = ?',
        stream.lastSeq,
        stream.lastLeaf,
        stream.lastEpoch,
        stream.atUs,
        stream.recording ? 1 : 0,
        stream.run,
        stream.pk,
      );
    }
    this.#touched.clear();
  }

  #assign(leaf: LogLeaf): void {
    const place = placeOfConfigLeaf(leaf);
    if (this.#broken || !place || this.#streams.has(toHex(leaf.streamId) as StreamId)) return;
    this.#run('INSERT OR IGNORE INTO places (source, stream) VALUES (?, ?)', place.sourceId, place.stream);
    const sql = 'SELECT * FROM places WHERE source = ? AND stream = ?';
    const placePk = this.#rememberPlace(this.#get(sql, place.sourceId, place.stream)!);
    const nothing = new Uint8Array(32);
    this.#run('INSERT INTO streams (id, place, last_leaf) VALUES (?, ?, ?)', leaf.streamId, placePk, nothing);
    this.#rememberStream(this.#get('SELECT * FROM streams WHERE id = ?', leaf.streamId)!);
  }

  #addSegment(stream: StreamState, index: number, leaf: LogLeaf, hash: Uint8Array, extra?: SegmentExtra): void {
    const place = this.#places.get(stream.placePk)!;
    // Without the recorder's own run id, neighbours without a gap between them are one run.
    stream.run = extra?.run ?? stream.run ?? leaf.segmentId.slice();
    this.#run(
      'INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      leaf.segmentId,
      place.pk,
      stream.pk,
      leaf.seq,
      leaf.startUs,
      leaf.endUs,
      leaf.fileBytes,
      STATES.indexOf(leaf.state!),
      leaf.epochId,
      stream.run,
      extra && extra.tracks.length > 0 ? this.#initOf(extra.tracks) : null,
      index,
    );
    if (extra?.keyframes && extra.keyframes.length > 0) {
      this.#run('INSERT OR REPLACE INTO keyframes VALUES (?, ?)', leaf.segmentId, extra.keyframes);
    }
    if (!this.#broken) this.#coverage.add(stream.pk, leaf.startUs, leaf.endUs);
    stream.lastSeq = Math.max(stream.lastSeq, leaf.seq);
    stream.lastLeaf = hash;
    stream.lastEpoch = Math.max(stream.lastEpoch, leaf.epochId);
    stream.atUs = leaf.endUs;
    stream.recording = true;
    this.#count(place, 1, leaf.fileBytes, leaf.endUs - leaf.startUs);
  }

  #dropSegment(stream: StreamState, leaf: LogLeaf): void {
    const row = this.#get('SELECT place, stream, start_us, end_us, size FROM segments WHERE id = ?', leaf.segmentId);
    if (leaf.cause === PRUNE_CAUSES.empty) {
      stream.lastSeq = Math.max(stream.lastSeq, leaf.seq);
      stream.lastEpoch = Math.max(stream.lastEpoch, leaf.epochId);
    }
    if (!row) return;
    this.#run('DELETE FROM segments WHERE id = ?', leaf.segmentId);
    this.#run('DELETE FROM keyframes WHERE id = ?', leaf.segmentId);
    if (!this.#broken) this.#coverage.drop(num(row['stream']), num(row['start_us']), num(row['end_us']));
    this.#count(this.#places.get(row['place'] as number)!, -1, -(row['size'] as number), 0);
  }

  /** A gap leaf without end opens a gap; one with the same start and an end closes it, and a run begins. */
  #setGap(stream: StreamState, leaf: LogLeaf): void {
    const endUs = leaf.endUs === 0 ? null : leaf.endUs;
    if (!this.#broken) this.#countGap(stream.pk, leaf.startUs, endUs);
    this.#run('INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?)', stream.pk, leaf.startUs, endUs, leaf.cause);
    stream.recording = endUs !== null;
    stream.run = null;
    stream.atUs = endUs ?? leaf.startUs;
  }

  /** Counts a gap where it begins; one that turns out to have no length is none. */
  #countGap(streamPk: number, startUs: number, endUs: number | null): void {
    const known = this.#get('SELECT end_us FROM gaps WHERE stream = ? AND start_us = ?', streamPk, startUs);
    const counts = known !== undefined && known['end_us'] !== startUs;
    if (counts !== (endUs !== startUs)) this.#coverage.gap(streamPk, startUs, counts ? -1 : 1);
  }

  #setEpoch(stream: StreamState, leaf: LogLeaf): void {
    stream.lastEpoch = Math.max(stream.lastEpoch, leaf.epochId);
    if (leaf.cause === KEY_CAUSES.removed) {
      this.#run('DELETE FROM epochs WHERE stream = ? AND epoch = ?', stream.pk, leaf.epochId);
      return;
    }
    const known = this.epoch(stream.pk, leaf.epochId)?.keyId ?? new Uint8Array(16);
    const sql = 'INSERT OR REPLACE INTO epochs VALUES (?, ?, ?, ?, ?)';
    this.#run(sql, stream.pk, leaf.epochId, known, leaf.generation, leaf.headerHash);
  }

  #count(place: PlaceSum & { longestUs: number }, segments: number, bytes: number, durationUs: number): void {
    place.segments += segments;
    place.bytes += bytes;
    place.longestUs = Math.max(place.longestUs, durationUs);
  }

  #initOf(tracks: readonly Track[]): number | null {
    const text = JSON.stringify(tracks, (_, value) => (value instanceof Uint8Array ? toBase64Url(value) : value));
    this.#run('INSERT OR IGNORE INTO inits (tracks) VALUES (?)', text);
    return (this.#get('SELECT pk FROM inits WHERE tracks = ?', text)?.['pk'] as number | undefined) ?? null;
  }

  #placeOf({ sourceId, stream }: Place) {
    for (const place of this.#places.values()) {
      if (place.sourceId === sourceId && place.stream === stream) return place;
    }
    return null;
  }

  #rememberPlace(row: Row): number {
    const pk = row['pk'] as number;
    this.#places.set(pk, {
      pk,
      sourceId: row['source'] as SourceId,
      stream: row['stream'] as StreamName,
      segments: row['segments'] as number,
      bytes: row['bytes'] as number,
      longestUs: row['longest_us'] as number,
    });
    return pk;
  }

  #rememberStream(row: Row): void {
    const streamId = toHex(row['id'] as Uint8Array) as StreamId;
    const { sourceId, stream } = this.#places.get(row['place'] as number)!;
    this.#streams.set(streamId, {
      pk: row['pk'] as number,
      placePk: row['place'] as number,
      sourceId,
      stream,
      streamId,
      lastSeq: row['last_seq'] as number,
      lastLeaf: row['last_leaf'] as Uint8Array,
      lastEpoch: row['last_epoch'] as number,
      atUs: row['at_us'] as number,
      recording: row['recording'] === 1,
      run: row['run'] as Uint8Array | null,
    });
  }

  #meta(name: string): unknown {
    return this.#get('SELECT value FROM meta WHERE name = ?', name)?.['value'];
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    if (!this.#broken) this.#statement(sql).run(...values);
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }
}

function segmentOf(row: Row): StoredSegment {
  const keyId = row['key_id'] as Uint8Array | null;
  return {
    id: toHex(row['id'] as Uint8Array) as SegmentId,
    sourceId: row['source'] as SourceId,
    stream: row['stream'] as StreamName,
    streamId: toHex(row['stream_id'] as Uint8Array) as StreamId,
    seq: row['seq'] as number,
    startUs: row['start_us'] as number,
    endUs: row['end_us'] as number,
    sizeBytes: row['size'] as number,
    state: STATES[row['state'] as number]!,
    epochId: row['epoch'] as number,
    epochKeyId: keyId && !isZero(keyId) ? toHex(keyId) : '',
    run: toHex(row['run'] as Uint8Array),
    tracks: typeof row['tracks'] === 'string' ? tracksOf(row['tracks']) : [],
  };
}

function tracksOf(text: string): Track[] {
  const tracks = JSON.parse(text) as (Omit<Track, 'parameterSets'> & { parameterSets?: string[] })[];
  return tracks.map(({ parameterSets, ...track }) => ({
    ...track,
    ...(parameterSets ? { parameterSets: parameterSets.map((set) => fromBase64Url(set)!) } : {}),
  }));
}

function gapOf(row: Row): StoredGap {
  return {
    startUs: row['start_us'] as number,
    endUs: row['end_us'] as number | null,
    cause: GAP_NAMES.get(row['cause'] as 1) ?? 'unknown',
  };
}

function epochOf(row: Row): EpochRow {
  return {
    epochId: row['epoch'] as number,
    keyId: row['key_id'] as Uint8Array,
    generation: row['generation'] as number,
    hash: row['hash'] as Uint8Array,
  };
}

function readGapCursor(text: string): { startUs: number; stream: number } {
  const [, start, stream] = /^(\d{1,16})\.(\d{1,10})$/.exec(text) ?? [];
  if (start === undefined || !Number.isSafeInteger(Number(start))) throw cursorInvalid();
  return { startUs: Number(start), stream: Number(stream) };
}

/** A number of a row: columns of counts and times are never null. */
const num = (value: SQLInputValue | undefined): number => value as number;

/** True when an index was fed from this very log: same id, and its last leaf is the log's leaf at that place. */
export function matchesLog(
  index: SegmentIndex,
  log: { id: string; count: number },
  hashAtApplied: Uint8Array | null,
): boolean {
  const from = index.fedFrom();
  if (!from || from.logId !== log.id || index.applied > log.count) return false;
  if (index.applied === 0) return true;
  return from.lastHash !== null && hashAtApplied !== null && equalBytes(from.lastHash, hashAtApplied);
}
