import type { NvrClient } from '../client/index.ts';
import { isSourceId, isStreamName, type SegmentFacts, type SourceId, type StreamName } from '../protocol/index.ts';
import { nothingNamed, severalNamed, timeRefused, usageError } from './errors.ts';
import { withNode } from './node-link.ts';
import { printStates } from './stream-states.ts';
import { harmless, lengthText, printTable, sizeText, timeText } from './terminal.ts';
import { parseTime, TIME_FORMS } from './time-text.ts';
import type { World } from './world.ts';

/** Options every `client` command has. */
export interface ClientOptions {
  node?: string;
  json?: boolean;
}

/** `client sources`: what is recorded and how it goes. */
export async function sourcesCommand(world: World, options: ClientOptions): Promise<void> {
  await withNode(world, options.node, async (client) => {
    const sources = await all(client.sources());
    const states = await all(client.states());
    if (options.json) {
      world.terminal.out(`${JSON.stringify({ sources, states })}\n`);
      return;
    }
    printStates(world.terminal, states, namesOf(sources), world.clock.now());
  });
}

/** `client segments`: what is stored of a source. */
export async function segmentsCommand(
  world: World,
  source: string,
  options: ClientOptions & { stream: string; from?: string; to?: string; limit: string; oldest?: boolean },
): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) throw usageError('expected --limit as a whole number from 1 on');
  const order = options.oldest ? ('oldest' as const) : ('newest' as const);
  const query = {
    ...placeOf(source, options.stream),
    order,
    limit: Math.min(limit, 150),
    ...(options.from === undefined ? {} : { from: timeOf(world, options.from) }),
    ...(options.to === undefined ? {} : { to: timeOf(world, options.to) }),
  };
  if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
    throw usageError('expected --from not to be after --to');
  }
  await withNode(world, options.node, async (client) => {
    const segments: SegmentFacts[] = [];
    for await (const segment of client.segments(query)) {
      segments.push(segment);
      if (segments.length === limit) break;
    }
    if (options.json) {
      world.terminal.out(`${JSON.stringify({ source, stream: query.stream, segments })}\n`);
      return;
    }
    if (segments.length === 0) {
      world.terminal.err('no segment is stored in this time; the one being recorded is listed once it is closed\n');
      return;
    }
    const rows = segments.map(({ id, seq, startAt, endAt, size, state }) => [
      String(seq),
      id.slice(0, 12),
      timeText(startAt),
      lengthText(endAt - startAt),
      sizeText(size),
      state,
    ]);
    printTable(world.terminal, ['SEQ', 'SEGMENT', 'START', 'LENGTH', 'SIZE', 'STATE'], rows);
  });
}

/** `client status`: how the node is doing. */
export async function statusCommand(world: World, options: ClientOptions): Promise<void> {
  await withNode(world, options.node, async (client, pairing) => {
    const status = await client.call('status.get', {}, { signal: world.interrupt });
    const states = await all(client.states());
    if (options.json) {
      world.terminal.out(`${JSON.stringify({ ...status, streams: states })}\n`);
      return;
    }
    const { node, storage, recorders, live, channels, warnings } = status;
    const busy = Object.entries(recorders).filter(([, count]) => count > 0);
    const mended = storage.recovery;
    const lines = [
      ['node', `${harmless(pairing.name)}, version ${harmless(node.version)}, up ${lengthText(node.uptimeMs)}`],
      ['recorders', busy.map(([state, count]) => `${count} ${state}`).join(', ') || 'none'],
      ['storage', `${storage.state}, ${storage.segments} segments, ${sizeText(storage.size)}`],
      ['oldest', storage.oldestAt === null ? 'nothing stored' : timeText(storage.oldestAt)],
      ['volume', `${sizeText(storage.free)} free of ${sizeText(storage.total)}`],
      ['room for', storage.daysLeft === null ? 'unknown' : `${storage.daysLeft.toFixed(1)} days at today's rate`],
      [
        'last start',
        mended ? `${mended.recovered} segments recovered, ${mended.discarded} discarded` : 'nothing to mend',
      ],
      ['live', `${live.subscriptions} subscriptions, ${live.droppedFragments} fragments dropped`],
      ['channels', `${channels.open} open, ${channels.devices} devices, ${sizeText(channels.bytesOut)} sent`],
    ];
    for (const [name, text] of lines) world.terminal.out(`${name!.padEnd(12)}${text}\n`);
    for (const warning of warnings) world.terminal.out(`${'look at'.padEnd(12)}${harmless(warning)}\n`);
    if (states.length === 0) return;
    world.terminal.out('\n');
    printStates(world.terminal, states, namesOf(await all(client.sources())), world.clock.now());
  });
}

function namesOf(sources: readonly { id: string; name: string }[]): ReadonlyMap<string, string> {
  return new Map(sources.map(({ id, name }) => [id, name]));
}

/** The stream that is meant. */
export function placeOf(source: string, stream: string): { source: SourceId; stream: StreamName } {
  if (!isSourceId(source)) throw nothingNamed('source', source);
  if (!isStreamName(stream)) throw usageError('expected --stream main or --stream sub');
  return { source, stream };
}

/** Epoch ms of a person's text. `ERR_CLI_TIME` (`invalid`). */
export function timeOf(world: World, text: string): number {
  const at = parseTime(text, world.clock.now());
  if (at === null) throw timeRefused(text, TIME_FORMS);
  return at;
}

const HEX = /^[0-9a-f]{1,32}$/;

/** The id of the segment a person means: whole, by its beginning (4 characters or more), or by its number. */
export async function findSegment(
  client: NvrClient,
  place: { source: SourceId; stream: StreamName },
  text: string,
): Promise<string> {
  const word = text.toLowerCase();
  if (/^[0-9a-f]{32}$/.test(word)) return word;
  const isNumber = /^\d{1,12}$/.test(word);
  const isPrefix = HEX.test(word) && word.length >= 4;
  if (!isNumber && !isPrefix) throw nothingNamed('segment', text);
  const prefixed: string[] = [];
  for await (const { id, seq } of client.segments({ ...place, limit: 150 })) {
    if (isNumber && seq === Number(word)) return id;
    if (isPrefix && id.startsWith(word)) prefixed.push(id);
  }
  if (prefixed.length > 1) {
    throw severalNamed(
      'segment',
      text,
      prefixed.map((id) => id.slice(0, 16)),
    );
  }
  if (!prefixed[0]) throw nothingNamed('segment', text);
  return prefixed[0];
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}
