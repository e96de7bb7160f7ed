import {
  type ExportProgress,
  type ExportReport,
  exportMovie,
  type FragmentUnit,
  type GapUnit,
  type InitUnit,
  type NvrClient,
  type ReadPurpose,
} from '../client/index.ts';
import { type ClientOptions, findSegment, placeOf, timeOf } from './client-listings.ts';
import { interrupted, nothingRecorded, timeRefused, usageError } from './errors.ts';
import { MovieOutput } from './movie-output.ts';
import { withNode } from './node-link.ts';
import { Progress } from './progress.ts';
import { lengthText, sizeText, timeText } from './terminal.ts';
import { parseLength } from './time-text.ts';
import type { World } from './world.ts';

export interface MediaOptions extends ClientOptions {
  output: string;
  stream: string;
  force?: boolean;
  keepPartial?: boolean;
}

type MovieUnit = InitUnit | FragmentUnit | GapUnit;
type MediaUnits = AsyncIterable<MovieUnit>;

/** `client get`: one stored segment as a movie. */
export async function getCommand(world: World, source: string, segment: string, options: MediaOptions): Promise<void> {
  const place = placeOf(source, options.stream);
  await withNode(
    world,
    options.node,
    async (client) => {
      const facts = await client.segment(await findSegment(client, place, segment));
      const shareOf = ({ endUs }: ExportProgress) => (endUs / 1000 - facts.startAt) / (facts.endAt - facts.startAt);
      await writeMovie(world, options, { what: 'segment', shareOf, segment: facts.id }, (progress, signal) =>
        client.readSegment(facts, { signal, onBytes: (count) => progress.received(count) }),
      );
    },
    purposeOf(options),
  );
}

/** `client play`: a stretch of time, across segments. */
export async function playCommand(
  world: World,
  source: string,
  options: MediaOptions & { at: string; seconds?: string; to?: string },
): Promise<void> {
  const place = placeOf(source, options.stream);
  const from = timeOf(world, options.at);
  if ((options.seconds === undefined) === (options.to === undefined)) {
    throw usageError('expected either --seconds or --to');
  }
  const to = options.to === undefined ? from + lengthOf(options.seconds!) : timeOf(world, options.to);
  if (to <= from) throw usageError('expected the end to be after the beginning');
  await withNode(
    world,
    options.node,
    async (client) => {
      const shareOf = ({ endUs }: ExportProgress) => (endUs / 1000 - from) / (to - from);
      await writeMovie(world, options, { what: 'recording', shareOf, from, to }, (progress, signal) =>
        mediaAndGaps(client.readRange({ ...place, from, to, signal, onBytes: (count) => progress.received(count) })),
      );
    },
    purposeOf(options),
  );
}

/** `client live`: the picture as it comes, for some seconds or until Ctrl-C. */
export async function liveCommand(
  world: World,
  source: string,
  options: MediaOptions & { seconds?: string },
): Promise<void> {
  const place = placeOf(source, options.stream);
  const lengthMs = options.seconds === undefined ? null : lengthOf(options.seconds);
  await withNode(world, options.node, async (client) => {
    const shareOf = ({ durationUs }: ExportProgress) => (lengthMs === null ? undefined : durationUs / 1000 / lengthMs);
    const wish = { what: 'live picture', shareOf, ...(lengthMs === null ? { endless: true } : { lengthMs }) };
    await writeMovie(world, options, wish, (progress, signal) => counted(live(client, place, signal), progress));
  });
}

/** A file stays with whoever made it; what goes to a player is looked at. The grant and the audit log tell them apart. */
function purposeOf({ output }: MediaOptions): ReadPurpose {
  return output === '-' ? 'play' : 'export';
}

interface MovieWish {
  what: string;
  /** From 0 to 1, where it can be known. */
  shareOf: (progress: ExportProgress) => number | undefined;
  /** Ends after this much picture. */
  lengthMs?: number;
  /** Ctrl-C is how it is meant to end: what was written is whole. */
  endless?: boolean;
  segment?: string;
  from?: number;
  to?: number;
}

/** Writes what `open` reads to the output, with progress, and reports; an interruption leaves no half file. */
async function writeMovie(
  world: World,
  options: MediaOptions,
  wish: MovieWish,
  open: (progress: Progress, signal: AbortSignal) => MediaUnits,
): Promise<void> {
  const { terminal, interrupt } = world;
  const output = new MovieOutput(terminal, {
    path: options.output,
    force: options.force ?? false,
    keepPartial: options.keepPartial ?? false,
  });
  await output.check();
  const progress = new Progress(terminal, world.clock);
  let report: ExportReport;
  try {
    const units = failing(open(progress, interrupt), output, wish.endless === true ? interrupt : null);
    report = await exportMovie(units, {
      openPart: (part) => output.openPart(part),
      ...(wish.lengthMs === undefined ? {} : { durationUsMax: wish.lengthMs * 1000 }),
      onProgress: (state) => progress.tell(lengthText(state.durationUs / 1000), wish.shareOf(state)),
    });
  } catch (error) {
    throw interrupt.aborted ? interrupted() : error;
  } finally {
    progress.end();
    await output.abandon();
  }
  if (report.parts.length === 0) throw nothingRecorded(`no picture was found in this ${wish.what}`);
  if (interrupt.aborted && !wish.endless) throw interrupted();
  tellReport(world, options, wish, report, output.paths, progress);
}

/** Passes units on; a failure is told to the output before the writer closes it. Ends quietly where an interruption may. */
async function* failing(
  units: MediaUnits,
  output: MovieOutput,
  mayInterrupt: AbortSignal | null,
): AsyncGenerator<MovieUnit> {
  try {
    yield* units;
  } catch (error) {
    if (mayInterrupt?.aborted) return;
    output.fail();
    throw error;
  }
}

function tellReport(
  world: World,
  options: MediaOptions,
  wish: MovieWish,
  report: ExportReport,
  paths: readonly string[],
  progress: Progress,
): void {
  const files = report.parts.map((part, i) => ({
    path: paths[i]!,
    startAt: Math.floor(part.startUs / 1000),
    endAt: Math.floor(part.endUs / 1000),
    durationMs: Math.round(part.durationUs / 1000),
    fragments: part.fragments,
    bytes: part.bytes,
  }));
  const gaps = report.gaps.map((gap) => ({
    startAt: Math.floor(gap.startUs / 1000),
    endAt: Math.floor(gap.endUs / 1000),
    file: paths[gap.part - 1]!,
    atMs: Math.round(gap.atUs / 1000),
    ...(gap.cause ? { cause: gap.cause } : {}),
  }));
  const received = { bytes: progress.bytes, bytesPerSecond: Math.round(progress.rate) };
  const toOutput = options.output === '-';
  if (options.json) {
    const { segment, from, to } = wish;
    const asked = { ...(segment ? { segment } : {}), ...(from === undefined ? {} : { from, to }) };
    // Standard output is the movie's where that was asked for.
    const print = (text: string) => (toOutput ? world.terminal.err(text) : world.terminal.out(text));
    print(`${JSON.stringify({ ...asked, files, gaps, received })}\n`);
    return;
  }
  for (const file of files) {
    const size = `${lengthText(file.durationMs)}, ${sizeText(file.bytes)}`;
    world.terminal.err(`${file.path}: ${size}, from ${timeText(file.startAt)} to ${timeText(file.endAt)}\n`);
  }
  for (const gap of gaps) {
    const length = lengthText(gap.endAt - gap.startAt);
    const why = gap.cause ? ` (${gap.cause})` : '';
    world.terminal.err(
      `not recorded: ${length} from ${timeText(gap.startAt)}${why}, left out at ${lengthText(gap.atMs)}\n`,
    );
  }
  if (files.length > 1) world.terminal.err('the picture changed its format: it needed more than one file\n');
}

/** What the exporter takes of a range. */
async function* mediaAndGaps(units: ReturnType<NvrClient['readRange']>): AsyncGenerator<MovieUnit> {
  for await (const unit of units) if (unit.kind !== 'segment') yield unit;
}

function live(client: NvrClient, place: ReturnType<typeof placeOf>, signal: AbortSignal): MediaUnits {
  return client.live({ ...place, signal });
}

async function* counted(units: MediaUnits, progress: Progress): AsyncGenerator<MovieUnit> {
  for await (const unit of units) {
    if (unit.kind !== 'gap') progress.received(unit.bytes.length);
    yield unit;
  }
}

function lengthOf(text: string): number {
  const ms = parseLength(text);
  if (ms === null || ms <= 0) throw timeRefused(text, 'seconds, or a length such as 90s, 10m, 1h30m');
  return ms;
}
