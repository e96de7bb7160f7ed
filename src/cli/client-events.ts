import type { Command } from 'commander';
import type { NvrClient } from '../client/index.ts';
import { isNvrError } from '../errors.ts';
import {
  CAMERA_EVENT_KINDS,
  type CameraEventKind,
  checkResult,
  EVENTS_PAGE_MAX,
  type EventFacts,
  isSourceId,
  type SourceId,
} from '../protocol/index.ts';
import { type ClientOptions, timeOf } from './client-listings.ts';
import { nothingNamed, usageError } from './errors.ts';
import { withNode } from './node-link.ts';
import { harmless, lengthText, printTable, type Terminal, timeText } from './terminal.ts';
import type { World } from './world.ts';

export interface EventsOptions extends ClientOptions {
  source?: string[];
  kind?: string[];
  from?: string;
  to?: string;
  limit: string;
  oldest?: boolean;
  follow?: boolean;
}

/** Adds `client events`; `common` puts the options of every `client` command behind it. */
export function addEventsCommand(client: Command, world: World, common: (command: Command) => Command): void {
  const command = client
    .command('events')
    .description('what cameras saw: motion, tampering, lines crossed, digital inputs')
    .option('--source <source...>', 'only of these sources')
    .option('--kind <kind...>', `only these: ${CAMERA_EVENT_KINDS.join(', ')}`)
    .option('--from <time>', 'beginning (docs/cli.md: times)')
    .option('--to <time>', 'end')
    .option('--limit <count>', 'at most so many', '50')
    .option('--oldest', 'the oldest first')
    .option('--follow', 'then tell what happens, until Ctrl-C');
  common(command).action((options) => eventsCommand(world, options));
}

/** `client events`: what cameras told, and with `--follow` what they tell. With `--json` one object for each event and line. */
export async function eventsCommand(
  world: World,
  options: EventsOptions,
  reach: (work: (client: NvrClient) => Promise<void>) => Promise<void> = (work) => withNode(world, options.node, work),
): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) throw usageError('expected --limit as a whole number from 1 on');
  if (options.follow && options.to !== undefined) throw usageError('expected --follow without --to');
  const about = { ...sourcesOf(options.source), ...kindsOf(options.kind) };
  const span = {
    ...(options.from === undefined ? {} : { from: timeOf(world, options.from) }),
    ...(options.to === undefined ? {} : { to: timeOf(world, options.to) }),
  };
  if (span.from !== undefined && span.to !== undefined && span.from > span.to) {
    throw usageError('expected --from not to be after --to');
  }
  const order = options.oldest ? ('oldest' as const) : ('newest' as const);
  await reach(async (client) => {
    const events = await eventsOf(client, { ...about, ...span, order }, limit, world.interrupt);
    // What follows comes below what was.
    if (options.follow && !options.oldest) events.reverse();
    tellEvents(world.terminal, events, options);
    if (options.follow) await follow(world, client, about, options, new Set(events.map(({ id }) => id)));
  });
}

type About = { sources?: SourceId[]; kinds?: CameraEventKind[] };
type Query = About & { from?: number; to?: number; order: 'oldest' | 'newest' };

async function eventsOf(client: NvrClient, query: Query, limit: number, signal: AbortSignal): Promise<EventFacts[]> {
  const events: EventFacts[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call(
      'events.list',
      {
        ...query,
        limit: Math.min(limit - events.length, EVENTS_PAGE_MAX),
        ...(cursor === undefined ? {} : { cursor }),
      },
      { signal },
    );
    events.push(...page.events);
    cursor = page.events.length === 0 || page.cursor === cursor ? undefined : page.cursor;
  } while (cursor !== undefined && events.length < limit);
  return events.slice(0, limit);
}

async function follow(
  { terminal, interrupt }: World,
  client: NvrClient,
  about: About,
  options: EventsOptions,
  listed: ReadonlySet<number>,
): Promise<void> {
  const open = client.connection.open('events.watch@1', about, { signal: interrupt });
  const tell = (event: EventFacts) => {
    if (options.json) terminal.out(`${JSON.stringify(event)}\n`);
    else terminal.out(`${lineOf(event).join('  ').trimEnd()}\n`);
  };
  open.onEvent((name, params) => {
    if (name === 'events.missed') terminal.err('more happened than is told here; ask again without --follow\n');
    // A result of one event is checked as a page of one.
    const checked = checkResult('events.list', { events: [params] });
    const event = 'result' in checked ? checked.result.events[0] : undefined;
    if (name === 'events.changed' && event) tell(event);
  });
  try {
    const going = checkResult('events.watch', await open.result);
    // What began since the list was made.
    if ('result' in going) going.result.open.filter(({ id }) => !listed.has(id)).forEach(tell);
    for await (const _ of open.units);
  } catch (error) {
    if (!interrupt.aborted && !isNvrError(error, 'cancelled')) throw error;
  } finally {
    open.cancel();
  }
}

function tellEvents(
  terminal: Terminal,
  events: readonly EventFacts[],
  { json, follow: followed }: EventsOptions,
): void {
  if (json && followed) for (const event of events) terminal.out(`${JSON.stringify(event)}\n`);
  else if (json) terminal.out(`${JSON.stringify({ events })}\n`);
  else if (events.length > 0)
    printTable(terminal, ['START', 'LENGTH', 'SOURCE', 'KIND', 'NAME', ''], events.map(lineOf));
  else terminal.err('cameras told of no event in this time\n');
}

function lineOf({ source, kind, name, startAt, endAt, endedBy, count, cameraStartAt }: EventFacts): string[] {
  const length = endAt === null ? 'goes on' : endAt === startAt ? '-' : lengthText(endAt - startAt);
  const offMs = cameraStartAt === undefined ? 0 : cameraStartAt - startAt;
  const notes = [
    endedBy === 'lost' ? 'the camera was lost' : endedBy === 'restart' ? 'the node stopped' : '',
    count > 1 ? `${count} times` : '',
    // Within a few seconds it is the way of the message, not the clock.
    Math.abs(offMs) >= 5_000 ? `camera's clock: ${timeText(cameraStartAt!)}` : '',
  ];
  return [timeText(startAt), length, source, kind, name ?? '', notes.filter((note) => note !== '').join(', ')].map(
    harmless,
  );
}

function sourcesOf(names: readonly string[] | undefined): { sources?: SourceId[] } {
  if (!names) return {};
  return {
    sources: names.map((name) => {
      if (!isSourceId(name)) throw nothingNamed('source', name);
      return name;
    }),
  };
}

function kindsOf(names: readonly string[] | undefined): { kinds?: CameraEventKind[] } {
  if (!names) return {};
  const kinds = CAMERA_EVENT_KINDS.filter((kind) => names.includes(kind));
  if (kinds.length < new Set(names).size) throw usageError(`expected --kind as ${CAMERA_EVENT_KINDS.join(', ')}`);
  return { kinds };
}
