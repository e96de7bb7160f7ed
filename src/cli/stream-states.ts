import type { CommandResult } from '../protocol/index.ts';
import { harmless, lengthText, printTable, sizeText, type Terminal, timeText } from './terminal.ts';

/** What a node tells of one stream. */
export type StreamState = CommandResult<'sources.states'>['states'][number];

const HEAD = [
  ...['SOURCE', 'STREAM', 'STATE', 'FOR', 'STORED', 'PICTURE', 'SOUND', 'RATE', 'GOP', 'VIA', 'RESTARTS', 'LOST'],
  ...['CLOCK', 'LAST', 'NAME'],
];

/** What `recording` means, in a word or two. */
const STORED: Readonly<Record<NonNullable<StreamState['recording']>, string>> = {
  yes: 'yes',
  schedule: 'no, not at this time',
  waiting: 'waits for an event',
  event: 'yes, an event',
  unsure: 'yes, events unknown',
  never: 'no, only shown',
};

/** What to do about a stream that does not run, by the cause. */
const ADVICE: Partial<Record<NonNullable<StreamState['cause']>, string>> = {
  unauthorized:
    'it refuses the user name or the password. It is tried once a minute so that it does not lock the node out; correct them with: source change',
  foreign: 'another camera answers at its address and is not recorded; see its network, or change its hardware id',
  unreachable: 'it does not answer: see its power, its network and its address',
  malformed: 'what it sends is not understood: set its main stream to H.264 or H.265',
  full: 'the disk is full: see client status',
  storage: 'recordings cannot be written: see client status',
};
/** A camera that restarts now and then needs no advice yet. */
const ADVICE_AFTER_MS = 30_000;

/** Prints a table of streams, and below it what a person should do. `names`: of the sources, by id; `now`: epoch ms. */
export function printStates(
  terminal: Terminal,
  states: readonly StreamState[],
  names: ReadonlyMap<string, string>,
  now: number,
): void {
  const rows = states.map((state) => rowOf(state, names.get(state.source) ?? '', now).map(harmless));
  // A column nobody has anything for is not shown.
  const shown = HEAD.map((_, i) => i < 3 || rows.some((row) => row[i] !== '-' && row[i] !== ''));
  const kept = (row: readonly string[]) => row.filter((_, i) => shown[i]);
  printTable(terminal, kept(HEAD), rows.map(kept));
  for (const advice of advicesOf(states, now)) terminal.out(`look at  ${harmless(advice)}\n`);
}

function rowOf(state: StreamState, name: string, now: number): string[] {
  const { source, stream, since, recording, picture, sound, bitsPerSecond, framesPerSecond, gopMs } = state;
  const { reader, transport, restarts, lost, clock, lastFragmentAt } = state;
  const rate = framesPerSecond === undefined ? '' : ` at ${framesPerSecond} fps`;
  const last = lastFragmentAt === undefined ? '-' : timeText(lastFragmentAt);
  return [
    source,
    stream,
    state.state,
    lengthText(Math.max(0, now - since)),
    recording === undefined ? '-' : STORED[recording],
    picture ? `${picture.codec} ${picture.width}x${picture.height}${rate}` : (state.reason ?? state.cause ?? '-'),
    sound ? [sound.codec, SOUND[sound.treatment]].filter(Boolean).join(' ') : '-',
    bitsPerSecond === undefined ? '-' : `${sizeText(bitsPerSecond / 8)}/s`,
    gopMs === undefined ? '-' : `${(gopMs / 1000).toFixed(1)} s`,
    state.state === 'disabled' ? '-' : [reader, transport].filter(Boolean).join(' ') || '-',
    String(restarts),
    lost ? lostText(lost) : '-',
    clock ? clockText(clock) : '-',
    state.state === 'running' ? 'now' : last,
    name,
  ];
}

const SOUND = { copy: '', transcode: 'transcoded', none: 'none' };

function lostText({ fragments, packets, held }: NonNullable<StreamState['lost']>): string {
  const told = [
    ...(fragments > 0 ? [`${fragments} fragments`] : []),
    ...(packets > 0 ? [`${packets} packets`] : []),
    ...(held > 0 ? [`${held} before events`] : []),
  ];
  return told.join(', ') || '0';
}

function clockText({ offsetMs, driftMsPerDay, alarm }: NonNullable<StreamState['clock']>): string {
  const sign = offsetMs < 0 ? '-' : '+';
  const size = Math.abs(offsetMs);
  const offset = size < 10_000 ? `${sign}${size} ms` : `${sign}${lengthText(size)}`;
  const drift = driftMsPerDay === undefined ? '' : ` (${driftMsPerDay} ms a day)`;
  return `${offset}${drift}${alarm ? ' WRONG' : ''}`;
}

/** One line for each stream that needs a person. */
function advicesOf(states: readonly StreamState[], now: number): string[] {
  const advices: string[] = [];
  for (const { source, stream, state, cause, since, retryAt, recording, clock } of states) {
    const place = `${source}/${stream}`;
    const lasts = state === 'failed' || (state === 'backoff' && now - since > ADVICE_AFTER_MS);
    const advice = cause && ADVICE[cause];
    if (lasts && advice) {
      const next = retryAt !== undefined && retryAt > now ? `; next try in ${lengthText(retryAt - now)}` : '';
      advices.push(`${place}: ${advice}${next}`);
    }
    if (recording === 'unsure') advices.push(`${place}: it does not tell of events now, so everything is stored`);
    if (clock?.alarm && stream === 'main')
      advices.push(`${source}: its clock is wrong; recordings go by the clock of the node`);
  }
  return advices;
}
