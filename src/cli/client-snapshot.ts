import { dirname, resolve } from 'node:path';
import { concatBytes } from '../bytes/index.ts';
import type { NvrClient, SnapshotAt, SnapshotNow } from '../client/index.ts';
import { isNvrError } from '../errors.ts';
import { type ClientOptions, placeOf, timeOf } from './client-listings.ts';
import { fileExists, interrupted, nothingRecorded, outputFailed, usageError } from './errors.ts';
import { withNode } from './node-link.ts';
import { decodePicture, type PictureOrder } from './picture-decoder.ts';
import { sizeText, timeText } from './terminal.ts';
import type { World } from './world.ts';

export interface SnapshotOptions extends ClientOptions {
  output: string;
  stream: string;
  at?: string;
  exact?: boolean;
  from?: string;
  force?: boolean;
}

/** What was fetched: how to make a picture of it, of when it is, and where it is from. */
interface Fetched {
  order: Omit<PictureOrder, 'output'>;
  at: number;
  from: 'camera' | 'live' | 'recording';
}

/** `client snapshot`: one picture, of now or of a recorded moment; nothing is written but the file asked for. */
export async function snapshotCommand(world: World, source: string, options: SnapshotOptions): Promise<void> {
  const place = placeOf(source, options.stream);
  const output = formatOf(options.output);
  const from = originOf(options);
  const at = options.at === undefined ? null : timeOf(world, options.at);
  const path = await checkOutput(world, options);
  const work = (client: NvrClient) =>
    at === null ? fetchNow(world, client, place, from) : fetchAt(world, client, { ...place, at }, options);
  // As with movies: a file stays with whoever made it, what goes to standard output is looked at.
  const fetched = await withNode(world, options.node, work, path === null ? 'play' : 'export').catch((error) => {
    throw world.interrupt.aborted ? interrupted() : error;
  });
  const isReady = fetched.order.form === 'jpeg' && output === 'jpg';
  const deps = { clock: world.clock, signal: world.interrupt };
  const picture = isReady
    ? fetched.order.input
    : await decodePicture({ ...deps, processes: world.processes() }, { ...fetched.order, output });
  if (path === null) await world.terminal.outBytes(picture);
  else await write(world, path, options.output, picture);
  tell(world, options, fetched, picture.length);
}

async function fetchNow(
  world: World,
  client: NvrClient,
  place: ReturnType<typeof placeOf>,
  from: 'camera' | 'live' | null,
): Promise<Fetched> {
  const query = { ...place, signal: world.interrupt };
  try {
    return nowOf(await client.snapshotNow({ ...query, from: from ?? 'camera' }));
  } catch (error) {
    // No ONVIF, or no pictures by it: the stream has one.
    if (from !== null || !isNvrError(error, 'missing') || error.code === 'ERR_COMMANDS_SOURCE') throw error;
    return nowOf(await client.snapshotNow({ ...query, from: 'live' }));
  }
}

function nowOf(snapshot: SnapshotNow): Fetched {
  const { at, from } = snapshot;
  if (snapshot.from === 'camera') return { order: { input: snapshot.jpeg, form: 'jpeg', fromUs: 0 }, at, from };
  const input = concatBytes(snapshot.init.bytes, ...snapshot.fragments.map(({ bytes }) => bytes));
  return { order: { input, form: 'mp4', fromUs: 0 }, at, from };
}

async function fetchAt(
  world: World,
  client: NvrClient,
  place: ReturnType<typeof placeOf> & { at: number },
  { exact = false }: SnapshotOptions,
): Promise<Fetched> {
  const found = await client.snapshotAt({ ...place, exact, signal: world.interrupt });
  if (!found) throw nothingRecorded(`nothing is recorded at ${timeText(place.at)}`);
  const input = concatBytes(found.init.bytes, ...found.fragments.map(({ bytes }) => bytes));
  const fromUs = exact ? pictureStart(found) : 0;
  const at = Math.floor((found.keyframeUs + (exact ? found.offsetUs : 0)) / 1000);
  return { order: { input, form: 'mp4', fromUs }, at, from: 'recording' };
}

/** Where the decoder has to look from, so that the first picture it finds is the one shown at the time wanted. */
function pictureStart({ init, fragments, offsetUs }: SnapshotAt): number {
  const { id, timescale } = init.segment.tracks[0]!;
  const last = fragments.at(-1)!;
  const part = last.fragment.parts.find((each) => each.id === id);
  const lengthUs = ((part?.duration ?? 0) * 1e6) / timescale;
  const pictureUs = lengthUs / Math.max(1, part?.sampleCount ?? 1);
  const endUs = Number(((last.time - fragments[0]!.time) * 1_000_000n) / BigInt(timescale)) + lengthUs;
  // Half a millisecond of slack: times on the wire are whole ones.
  return Math.max(0, Math.min(offsetUs - pictureUs + 500, endUs - pictureUs - 500));
}

function formatOf(path: string): 'jpg' | 'png' {
  if (path === '-' || /\.jpe?g$/i.test(path)) return 'jpg';
  if (/\.png$/i.test(path)) return 'png';
  throw usageError('expected -o FILE.jpg, FILE.png, or - for a JPEG on standard output');
}

function originOf({ from, at, exact }: SnapshotOptions): 'camera' | 'live' | null {
  if (at !== undefined && from !== undefined) throw usageError('expected --at or --from, not both');
  if (exact && at === undefined) throw usageError('expected --exact together with --at');
  if (from === undefined) return null;
  if (from !== 'camera' && from !== 'live') throw usageError('expected --from camera or --from live');
  return from;
}

/** The file's whole path, or null for standard output. Refuses at once what would be refused later. */
async function checkOutput(
  { terminal, files, cwd }: World,
  { output, force }: SnapshotOptions,
): Promise<string | null> {
  if (output === '-') {
    if (terminal.outInteractive) throw usageError('expected -o FILE, or standard output going somewhere else');
    return null;
  }
  const path = resolve(cwd, output);
  if (!force && (await files.stat(path))) throw fileExists(output);
  if ((await files.stat(dirname(path)))?.kind !== 'folder') {
    throw outputFailed(output, 'its folder does not exist', null);
  }
  return path;
}

async function write({ files }: World, path: string, name: string, picture: Uint8Array): Promise<void> {
  try {
    await files.replace(path, picture);
  } catch (error) {
    throw outputFailed(name, isNvrError(error, 'exhausted') ? 'the disk is full' : 'it cannot be written', error);
  }
}

function tell({ terminal }: World, { output, json }: SnapshotOptions, { at, from }: Fetched, bytes: number): void {
  const print = (text: string) => (output === '-' ? terminal.err(text) : terminal.out(text));
  if (json) print(`${JSON.stringify({ path: output, at, from, bytes })}\n`);
  else
    terminal.err(`${output}: ${sizeText(bytes)}, of ${timeText(at)}, from the ${from === 'live' ? 'stream' : from}\n`);
}
