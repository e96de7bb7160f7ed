import { isNvrError, type NvrError } from '../errors.ts';
import { PRUNE_CAUSES, type SegmentId, type StreamId } from '../protocol/index.ts';
import { vaultFull } from './errors.ts';
import type { SegmentReader } from './reading.ts';
import { CalendarGuard } from './retention-clock.ts';
import type { PlaceSum } from './segment-index.ts';
import { pruneLeafOf } from './startup.ts';
import type { WriterParts } from './stream-writer.ts';

/** Segments pruned between two looks at the disk. */
const BATCH = 64;
/** Batches of one sweep: a huge backlog is worked off over several sweeps, so that recording is never held up. */
const BATCHES_MAX = 32;
/** The floor is never more than this part of a volume. */
const FLOOR_SHARE_MAX = 0.1;

interface Candidate {
  id: SegmentId;
  place: PlaceSum;
  endUs: number;
  startUs: number;
  size: number;
}

/** Room on the volumes of the store, as of the last sweep. */
export interface RoomReport {
  freeBytes: number;
  totalBytes: number;
  floorBytes: number;
}

/**
 * Forgets by age, by size and by free space, always the oldest first and never what is being read.
 *
 * A prune leaf is synced before a file goes, so that lawful forgetting and foul play look different.
 */
export class Retention {
  readonly #parts: WriterParts;
  readonly #reader: SegmentReader;
  readonly #calendar: CalendarGuard;
  room: RoomReport = { freeBytes: 0, totalBytes: 0, floorBytes: 0 };

  constructor(parts: WriterParts, reader: SegmentReader) {
    this.#parts = parts;
    this.#reader = reader;
    this.#calendar = new CalendarGuard(parts.deps.clock);
  }

  /** To be called once at start, with the newest time the vault knows of. */
  begin(newestUs: number | null): void {
    this.#calendar.begin(newestUs);
  }

  /** One look at everything. Gives why recording must be held, or null. */
  async sweep(): Promise<NvrError | null> {
    let left = BATCHES_MAX;
    while (left-- > 0 && (await this.#pruneBatch(this.#overAge(), PRUNE_CAUSES.age)) === BATCH);
    while (left-- > 0 && (await this.#pruneBatch(this.#overSize(), PRUNE_CAUSES.size)) === BATCH);
    return this.#keepFloor(left);
  }

  /** Days until a limit makes the vault forget, at the rate of what it holds; 0 when it already does, null when unknown. */
  daysLeft(): number | null {
    const { index, settings } = this.#parts;
    const span = index.span();
    if (!span || span.newestUs - span.oldestUs < 600_000_000) return null;
    const spanMs = (span.newestUs - span.oldestUs) / 1000;
    const used = index.places().reduce((sum, place) => sum + place.bytes, 0);
    const perDay = (used / spanMs) * 86_400_000;
    const room = Math.min(this.room.freeBytes - this.room.floorBytes, settings.retention.totalBytes - used);
    const ages = [settings.retention.default, ...Object.values(settings.retention.sources)].map(
      (rule) => rule.ageMs ?? Number.POSITIVE_INFINITY,
    );
    const days = Math.min(room / perDay, (Math.min(...ages) - spanMs) / 86_400_000);
    return Number.isFinite(days) ? Math.max(0, Math.round(days * 10) / 10) : null;
  }

  #overAge(): Candidate[] {
    const now = this.#calendar.nowUs();
    return this.#parts.index.places().flatMap((place) => {
      const { ageMs } = this.#ruleOf(place);
      return ageMs === undefined ? [] : this.#oldest([place]).filter(({ endUs }) => endUs < now - ageMs * 1000);
    });
  }

  #overSize(): Candidate[] {
    const { index, settings } = this.#parts;
    const places = index.places();
    const found: Candidate[] = [];
    for (const sourceId of new Set(places.map((place) => place.sourceId))) {
      const own = places.filter((place) => place.sourceId === sourceId);
      const { sizeBytes } = this.#ruleOf(own[0]!);
      if (sizeBytes !== undefined) found.push(...this.#excess(own, sizeBytes));
    }
    return found.length > 0 ? found : this.#excess(places, settings.retention.totalBytes);
  }

  #excess(places: PlaceSum[], limit: number): Candidate[] {
    return firstBytes(this.#oldest(places), places.reduce((sum, place) => sum + place.bytes, 0) - limit);
  }

  /** Keeps the floor on every volume; where nothing is left to forget, recording is held. */
  async #keepFloor(batches: number): Promise<NvrError | null> {
    let held: NvrError | null = null;
    const volumes = await this.#volumes();
    let least: RoomReport | null = null;
    for (const { path, places, own } of volumes.values()) {
      let room = await this.#roomOn(path);
      // Once below, a little more is freed, so that the floor is not met again with the next second.
      const aim = room.floorBytes + Math.min(room.floorBytes / 8, 256 * 2 ** 20);
      if (room.freeBytes < room.floorBytes) {
        for (let left = Math.max(1, batches); left > 0 && room.freeBytes < aim; left--) {
          const oldest = firstBytes(this.#oldest(places), aim - room.freeBytes);
          if ((await this.#pruneBatch(oldest, PRUNE_CAUSES.floor)) === 0) break;
          room = await this.#roomOn(path);
        }
      }
      if (room.freeBytes < room.floorBytes) {
        held ??= vaultFull(`${mib(room.freeBytes)} are free, ${mib(room.floorBytes)} must stay free`);
      }
      if (own || !least || room.freeBytes - room.floorBytes < least.freeBytes - least.floorBytes) least = room;
    }
    if (least) this.room = least;
    return held;
  }

  async #volumes(): Promise<Map<string, { path: string; places: PlaceSum[]; own: boolean }>> {
    const { deps, paths, index } = this.#parts;
    const volumes = new Map<string, { path: string; places: PlaceSum[]; own: boolean }>();
    const add = async (path: string, place: PlaceSum | null) => {
      const { volume } = await deps.files.space(path);
      const known = volumes.get(volume) ?? { path, places: [], own: place === null };
      if (place) known.places.push(place);
      volumes.set(volume, known);
    };
    await add(paths.root, null);
    for (const place of index.places()) await add(paths.source(place.sourceId), place);
    return volumes;
  }

  async #roomOn(path: string): Promise<RoomReport> {
    const { freeBytes, totalBytes } = await this.#parts.deps.files.space(path);
    const { bytes, ratio } = this.#parts.settings.floor;
    const floorBytes = Math.floor(Math.min(Math.max(bytes, totalBytes * ratio), totalBytes * FLOOR_SHARE_MAX));
    return { freeBytes, totalBytes, floorBytes };
  }

  /** The oldest segments of several places together, nobody reading them, at most one batch. */
  #oldest(places: PlaceSum[]): Candidate[] {
    return places
      .flatMap((place) => this.#parts.index.oldest(place.pk, BATCH).map((row) => ({ ...row, place })))
      .filter(({ id }) => !this.#reader.isRead(id))
      .sort((a, b) => a.startUs - b.startUs)
      .slice(0, BATCH);
  }

  async #pruneBatch(candidates: Candidate[], cause: number): Promise<number> {
    const { deps, log, index, paths, epochs } = this.#parts;
    const epochsTouched = new Map<string, { streamId: StreamId; epochId: number }>();
    const pruned = await Promise.all(
      candidates.slice(0, BATCH).map(async ({ id }) => {
        const segment = index.find(id);
        const leaf = await pruneLeafOf(this.#parts, id, cause);
        if (!segment || !leaf || this.#reader.isRead(id)) return 0;
        await log.append(leaf);
        this.#reader.forget(id);
        try {
          await deps.files.remove(paths.segment(segment, segment.epochId, segment));
        } catch (error) {
          if (!isNvrError(error, 'missing')) throw error;
        }
        epochsTouched.set(`${segment.streamId}/${segment.epochId}`, segment);
        return 1;
      }),
    );
    for (const { streamId, epochId } of epochsTouched.values()) {
      const stream = index.stream(streamId);
      if (stream && index.epochEmpty(stream.pk, epochId)) await epochs.forget(stream, epochId);
    }
    return pruned.reduce<number>((sum, count) => sum + count, 0);
  }

  #ruleOf({ sourceId }: PlaceSum) {
    const { retention } = this.#parts.settings;
    return retention.sources[sourceId] ?? retention.default;
  }
}

/** As many of the first as it takes to free `bytes`. */
function firstBytes(candidates: Candidate[], bytes: number): Candidate[] {
  let left = bytes;
  return candidates.filter(({ size }) => {
    const wanted = left > 0;
    left -= size;
    return wanted;
  });
}

const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
