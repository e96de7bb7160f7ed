import { concatBytes, toHex, utf8, wipe } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import { prft, type Run, sameConfiguration } from '../media/index.ts';
import { isSourceId, type SourceId, type StreamId } from '../protocol/index.ts';
import type { StreamWriter, Vault } from './api.ts';
import type { VaultDeps, VaultOptions } from './options.ts';
import { type FragmentedMovie, fragmentMovie } from './plain-movie.ts';
import { isV1Blob, openV1Blob, parseV1Key } from './v1-blob.ts';
import { createVault } from './vault.ts';

/** A version 1 segment is seconds long; anything larger than this is not one. */
const BLOB_BYTES_MAX = 512 * 2 ** 20;
const DEPTH_MAX = 4;
/** Two files further apart than this are two runs: names have whole seconds only. */
const JOIN_US = 1_500_000;
const NAME_TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.cnv$/;

/** What to bring over from a version 1 store. */
export interface ImportRequest {
  /** Absolute: a storage root, its `segments` folder, or one source's folder. */
  folder: string;
  /** `storage.encryption_key_hex` of the old configuration. */
  keyHex: string;
  /** IANA zone the old recorder's clock was in: its file names have local time without a zone. Default UTC. */
  timeZone?: string;
}

export interface ImportProgress {
  done: number;
  total: number;
}

export interface ImportReport {
  found: number;
  imported: number;
  /** Blobs whose time this store already holds from a former import. */
  alreadyThere: number;
  /** Blobs left out, each with a reason for people. */
  refused: { path: string; reason: string }[];
  /** Bytes of imported blobs. */
  sizeBytes: number;
}

interface Blob {
  path: string;
  sourceId: SourceId;
  startUs: number;
  sizeBytes: number;
}

/**
 * Brings `CNRV1` blobs into the store. The old files are only read; the footage of each is opened in memory, its samples are put
 * unchanged into fragments, and the ordinary writer seals them under the source's `main` stream (docs/formats/cnv.md, "Version 1").
 *
 * The vault must not be running (`ERR_VAULT_LOCKED`). Throws `ERR_VAULT_IMPORT_KEY` (`invalid`) for a malformed or published key.
 * A blob that cannot be opened, or is no finished MP4, is reported and left out.
 */
export async function importV1(
  deps: VaultDeps,
  options: VaultOptions,
  request: ImportRequest,
  onProgress: (progress: ImportProgress) => void = () => {},
): Promise<ImportReport> {
  const key = parseV1Key(deps.suite.hashes, request.keyHex);
  const report: ImportReport = { found: 0, imported: 0, alreadyThere: 0, refused: [], sizeBytes: 0 };
  const blobs = await findBlobs(deps, request, report);
  const vault = createVault(deps, options);
  await vault.start();
  try {
    let done = 0;
    for (const [sourceId, own] of bySource(blobs)) {
      const importer = new SourceImporter(deps, options, vault, sourceId, report);
      for (const blob of own) {
        await importer.take(blob, key);
        onProgress({ done: ++done, total: blobs.length });
      }
      await importer.finish();
    }
  } finally {
    wipe(key);
    await vault.stop();
  }
  return report;
}

/** The stream id that imported footage of a source gets: always the same one on this node. */
export function importStreamId(deps: Pick<VaultDeps, 'suite' | 'keys'>, sourceId: SourceId): StreamId {
  const name = concatBytes(utf8('constitute.import/1 stream'), deps.keys.nodeId, utf8(sourceId));
  return toHex(deps.suite.hashes.sha256(name).subarray(0, 16)) as StreamId;
}

/** Imports one source's blobs, oldest first. Files that follow each other become one run. */
class SourceImporter {
  readonly #deps: VaultDeps;
  readonly #options: VaultOptions;
  readonly #vault: Vault;
  readonly #sourceId: SourceId;
  readonly #streamId: StreamId;
  readonly #report: ImportReport;
  readonly #writer: StreamWriter;
  #run: { run: Run; endUs: number; seconds: number } | null = null;

  constructor(deps: VaultDeps, options: VaultOptions, vault: Vault, sourceId: SourceId, report: ImportReport) {
    this.#deps = deps;
    this.#options = options;
    this.#vault = vault;
    this.#sourceId = sourceId;
    this.#streamId = importStreamId(deps, sourceId);
    this.#report = report;
    this.#writer = vault.openStream({ sourceId, stream: 'main', streamId: this.#streamId });
  }

  async take(blob: Blob, key: Uint8Array): Promise<void> {
    if (this.#tooOld(blob)) return this.#refuse(blob, 'it is older than the retention of its source');
    const opened = openV1Blob(key, await this.#deps.files.read(blob.path, BLOB_BYTES_MAX));
    if (!opened.ok) return this.#refuse(blob, opened.reason);
    try {
      const movie = fragmentMovie(opened.value);
      const seconds = movie.videoTicks / movie.init.tracks[0]!.timescale;
      if (this.#holds(blob.startUs + Math.floor(seconds * 500_000))) {
        this.#report.alreadyThere += 1;
        return;
      }
      await this.#store(blob, movie, seconds);
      this.#report.imported += 1;
      this.#report.sizeBytes += blob.sizeBytes;
    } catch (error) {
      if (!isNvrError(error, 'corrupt')) throw error;
      this.#refuse(blob, `${error.message} (the old recorder sealed files it had not finished)`);
    } finally {
      wipe(opened.value);
    }
  }

  async finish(): Promise<void> {
    await this.#endRun();
    await this.#writer.release();
  }

  async #store(blob: Blob, movie: FragmentedMovie, seconds: number): Promise<void> {
    const joins =
      this.#run !== null &&
      Math.abs(blob.startUs - this.#run.endUs) <= JOIN_US &&
      sameConfiguration(this.#run.run.init, movie.init);
    if (!joins) {
      // Whole-second names may claim that two files overlap: a run never begins before the last one ended.
      const startUs = Math.max(blob.startUs, this.#overlapEnd(blob.startUs));
      await this.#endRun();
      const run: Run = { id: toHex(this.#deps.random.bytes(16)), init: movie.init, startUs };
      await this.#writer.beginRun(run);
      this.#run = { run, endUs: startUs, seconds: 0 };
    }
    const current = this.#run!;
    const startUs = current.endUs;
    const trackId = movie.init.tracks[0]!.id;
    for (const part of movie.fragments(current.seconds)) {
      const wallUs = startUs + Math.round(part.start * 1_000_000);
      await this.#writer.fragment({
        bytes: concatBytes(prft({ trackId, wallUs, mediaTime: part.videoDecodeTime }), part.bytes),
        keyframe: part.keyframe,
        startUs: wallUs,
        endUs: startUs + Math.round(part.end * 1_000_000),
        monoUs: this.#deps.clock.monotonicUs(),
        sampleCount: part.sampleCount,
        videoDecodeTime: part.videoDecodeTime,
      });
    }
    current.endUs = startUs + Math.round(seconds * 1_000_000);
    current.seconds += seconds;
  }

  async #endRun(): Promise<void> {
    if (!this.#run) return;
    await this.#writer.endRun({ cause: 'stopped', endUs: this.#run.endUs, reason: 'the old recording ends here' });
    this.#run = null;
  }

  #overlapEnd(startUs: number): number {
    const endUs = this.#run?.endUs ?? 0;
    return endUs - startUs <= JOIN_US ? endUs : 0;
  }

  /** True when a former import already put footage of this moment here. */
  #holds(atUs: number): boolean {
    const query = { sourceId: this.#sourceId, stream: 'main', order: 'oldest', limit: 100 } as const;
    const found = this.#vault.list({ ...query, fromUs: atUs, toUs: atUs + 1 });
    return found.segments.some((segment) => segment.streamId === this.#streamId);
  }

  #tooOld(blob: Blob): boolean {
    const { retention } = this.#options;
    const ageMs = (retention?.sources?.[this.#sourceId] ?? retention?.default)?.ageMs;
    return ageMs !== undefined && blob.startUs < this.#deps.clock.nowUs() - ageMs * 1000;
  }

  #refuse(blob: Blob, reason: string): void {
    this.#report.refused.push({ path: blob.path, reason });
  }
}

/** Every blob below a folder whose name and place are understood, by source and time. */
async function findBlobs(deps: VaultDeps, request: ImportRequest, report: ImportReport): Promise<Blob[]> {
  const blobs: Blob[] = [];
  const takenBy = new Map<SourceId, string>();
  const walk = async (folder: string, depth: number) => {
    for (const entry of await deps.files.list(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.kind === 'folder' && depth < DEPTH_MAX) await walk(path, depth + 1);
      if (entry.kind !== 'file' || !entry.name.endsWith('.cnv')) continue;
      if (!(await beginsAsV1(deps, path))) continue;
      report.found += 1;
      const sourceId = sourceIdOf(folder.slice(folder.lastIndexOf('/') + 1));
      const startUs = timeOf(entry.name, request.timeZone ?? 'UTC');
      const taken = sourceId && takenBy.get(sourceId);
      const fault =
        sourceId === null
          ? 'its folder names no source'
          : startUs === null
            ? 'its name tells no time'
            : entry.sizeBytes > BLOB_BYTES_MAX
              ? 'it is larger than 512 MiB'
              : taken && taken !== folder
                ? `its source id ${sourceId} is that of ${taken} too`
                : null;
      if (fault !== null || sourceId === null || startUs === null) {
        report.refused.push({ path, reason: fault ?? '' });
        continue;
      }
      takenBy.set(sourceId, folder);
      blobs.push({ path, sourceId, startUs, sizeBytes: entry.sizeBytes });
    }
  };
  await walk(request.folder.replace(/\/+$/, ''), 0);
  return blobs.sort((a, b) => a.startUs - b.startUs);
}

async function beginsAsV1({ files }: VaultDeps, path: string): Promise<boolean> {
  const handle = await files.open(path);
  const start = new Uint8Array(5);
  await handle.read(start, 0).finally(() => handle.close());
  return isV1Blob(start);
}

function bySource(blobs: Blob[]): Map<SourceId, Blob[]> {
  const sources = new Map<SourceId, Blob[]>();
  for (const blob of blobs) {
    const own = sources.get(blob.sourceId) ?? [];
    own.push(blob);
    sources.set(blob.sourceId, own);
  }
  return sources;
}

/** Old folder names may hold capitals and begin with a mark; ours may not. */
function sourceIdOf(folderName: string): SourceId | null {
  const id = folderName
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '_')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return isSourceId(id) ? id : null;
}

/** Wall µs of `YYYYMMDDTHHMMSS.cnv` in a zone; null for another name or an impossible time. */
function timeOf(name: string, timeZone: string): number | null {
  const match = NAME_TIME.exec(name);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, ...number[]];
  const asUtc = Date.UTC(year, month! - 1, day, hour, minute, second);
  if (new Date(asUtc).getUTCDate() !== day || hour! > 23) return null;
  // The zone's offset at that moment is found by asking twice: once near it, once at the moment the first answer gives.
  const near = asUtc - offsetMs(asUtc, timeZone);
  return (asUtc - offsetMs(near, timeZone)) * 1000;
}

function offsetMs(atMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const field = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const local = Date.UTC(
    field('year'),
    field('month') - 1,
    field('day'),
    field('hour'),
    field('minute'),
    field('second'),
  );
  return local - Math.floor(atMs / 1000) * 1000;
}
