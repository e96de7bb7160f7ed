import type { GapCause } from '../protocol/index.ts';
import type { FragmentUnit, InitUnit } from './media-unit.ts';
import { MovieJoiner } from './movie-joiner.ts';
import type { GapUnit } from './nvr-client.ts';

/** Where a movie's bytes go; each call is awaited before the next, so a slow one holds the node back. */
export interface MovieSink {
  /** The bytes are the sink's from then on: it may hand their buffer to another thread. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

export interface ExportOptions {
  /** Opens the file of a part: 1, and one more each time the picture's format changes. */
  openPart(part: number): Promise<MovieSink>;
  /** Ends the export before the first fragment that starts this much picture later than the first one; µs. */
  durationUsMax?: number;
  /** Told after each fragment. */
  onProgress?: (progress: ExportProgress) => void;
}

export interface ExportProgress {
  /** Bytes written. */
  bytes: number;
  /** Length of the picture of all parts, µs. */
  durationUs: number;
  /** Wall time reached, µs. */
  endUs: number;
}

/** One file. */
export interface ExportedPart {
  part: number;
  /** Wall time of its first picture and after its last; µs. */
  startUs: number;
  endUs: number;
  /** How long it plays: what was not recorded is left out. */
  durationUs: number;
  fragments: number;
  bytes: number;
}

/** A stretch that was not recorded; the picture before and after it follow each other in the file. */
export interface ExportedGap {
  /** Wall time, µs. */
  startUs: number;
  endUs: number;
  /** Where in its part the picture goes on, µs from its beginning. */
  atUs: number;
  part: number;
  /** Why, where the node says it. */
  cause?: GapCause;
}

export interface ExportReport {
  /** Empty where there was no picture at all: then no file was opened. */
  parts: ExportedPart[];
  gaps: ExportedGap[];
}

/**
 * Writes what a reader gives as fragmented MP4: one file, or a further one wherever the picture's format changes.
 *
 * Starts with a keyframe. Gaps are left out and reported. A file that was begun is closed with its index even where the
 * reader fails later; the failure is thrown on afterwards.
 */
export async function exportMovie(
  units: AsyncIterable<InitUnit | FragmentUnit | GapUnit>,
  options: ExportOptions,
): Promise<ExportReport> {
  const writer = new MovieWriter(options);
  try {
    for await (const unit of units) {
      if (unit.kind === 'init') await writer.init(unit);
      else if (unit.kind === 'gap') writer.gap(unit);
      else if (!(await writer.fragment(unit))) break;
    }
  } catch (error) {
    await writer.finish().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
  await writer.finish();
  return writer.report;
}

class MovieWriter {
  readonly report: ExportReport = { parts: [], gaps: [] };
  readonly #options: ExportOptions;
  #init: InitUnit | null = null;
  #joiner: MovieJoiner | null = null;
  #sink: MovieSink | null = null;
  #part: ExportedPart | null = null;
  #before = { bytes: 0, durationUs: 0 };
  #gapCause: GapCause | null = null;
  #lastEndUs: number | null = null;

  constructor(options: ExportOptions) {
    this.#options = options;
  }

  /** The node says why nothing was recorded before the next fragment. */
  gap(unit: GapUnit): void {
    this.#gapCause = unit.cause;
  }

  async init(unit: InitUnit): Promise<void> {
    this.#init = unit;
    if (this.#joiner && !this.#joiner.accepts(unit)) await this.finish();
  }

  /** False where enough was written. */
  async fragment(unit: FragmentUnit): Promise<boolean> {
    if (!this.#init || (!this.#part && !unit.keyframe)) return true;
    if (!this.#part) await this.#begin(this.#init, unit);
    const [part, joiner, sink] = [this.#part!, this.#joiner!, this.#sink!];
    const reachedUs = this.#before.durationUs + joiner.durationUs;
    if (this.#options.durationUsMax !== undefined && reachedUs >= this.#options.durationUsMax) return false;
    const atUs = joiner.durationUs;
    const { bytes, gapUs } = joiner.fragment(unit);
    const lastEndUs = this.#lastEndUs;
    const cause = this.#gapCause;
    this.#gapCause = null;
    this.#lastEndUs = unit.endUs;
    if (gapUs !== undefined || (cause && lastEndUs !== null)) {
      const startUs = gapUs === undefined ? Math.min(lastEndUs!, unit.startUs) : unit.startUs - gapUs;
      this.report.gaps.push({ startUs, endUs: unit.startUs, atUs, part: part.part, ...(cause ? { cause } : {}) });
    }
    part.bytes += bytes.length;
    await sink.write(bytes);
    part.fragments += 1;
    part.endUs = unit.endUs;
    part.durationUs = joiner.durationUs;
    this.#options.onProgress?.({
      bytes: this.#before.bytes + part.bytes,
      durationUs: this.#before.durationUs + part.durationUs,
      endUs: unit.endUs,
    });
    return true;
  }

  /** Closes the open part, if there is one. */
  async finish(): Promise<void> {
    const [sink, part, joiner] = [this.#sink, this.#part, this.#joiner];
    this.#sink = null;
    this.#part = null;
    this.#joiner = null;
    if (!sink || !part || !joiner) return;
    try {
      const tail = joiner.tail();
      part.bytes += tail.length;
      await sink.write(tail);
    } finally {
      this.#before = {
        bytes: this.#before.bytes + part.bytes,
        durationUs: this.#before.durationUs + part.durationUs,
      };
      await sink.close();
    }
  }

  async #begin(init: InitUnit, first: FragmentUnit): Promise<void> {
    const joiner = new MovieJoiner(init);
    const number = this.report.parts.length + 1;
    const sink = await this.#options.openPart(number);
    this.#sink = sink;
    this.#joiner = joiner;
    this.#part = {
      part: number,
      startUs: first.startUs,
      endUs: first.endUs,
      durationUs: 0,
      fragments: 0,
      bytes: 0,
    };
    this.report.parts.push(this.#part);
    const head = joiner.head(first.startUs);
    this.#part.bytes += head.length;
    await sink.write(head);
  }
}
