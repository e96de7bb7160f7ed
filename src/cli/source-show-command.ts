import { isNvrError } from '../errors.ts';
import { isSourceId } from '../protocol/index.ts';
import { nothingNamed } from './errors.ts';
import type { Reach } from './reach.ts';
import { harmless, timeText } from './terminal.ts';
import type { World } from './world.ts';

/** `source show`: everything the node tells of one source. */
export async function sourceShowCommand(
  world: World,
  reach: Reach,
  id: string,
  options: { json?: boolean },
): Promise<void> {
  if (!isSourceId(id)) throw nothingNamed('source', id);
  const found = await reach(async (client) => {
    const source = await firstOf(client.sources(), (each) => each.id === id);
    if (!source) throw nothingNamed('source', id);
    const states = [];
    for await (const state of client.states()) if (state.source === id) states.push(state);
    // A source without ONVIF has no such view.
    const camera = await client.call('cameras.view', { source: id }).catch((error: unknown) => {
      if (isNvrError(error, 'missing')) return null;
      throw error;
    });
    return { source, states, camera };
  });
  if (options.json) {
    world.terminal.out(`${JSON.stringify(found)}\n`);
    return;
  }
  const { source, states, camera } = found;
  const line = (name: string, text: string) => world.terminal.out(`${name.padEnd(12)}${harmless(text)}\n`);
  line(
    'source',
    `${source.id}${source.name === source.id ? '' : ` (${source.name})`}${source.enabled ? '' : ', disabled'}`,
  );
  for (const state of states) {
    const tracks = source.streams.find(({ stream }) => stream === state.stream)?.tracks ?? [];
    line(state.stream, `${state.state} since ${timeText(state.since)}`);
    for (const track of tracks) {
      line('', `${track.codec}${track.width ? ` ${track.width}x${track.height}` : ''}`);
    }
    for (const [key, value] of Object.entries(state)) {
      if (['source', 'stream', 'state', 'since'].includes(key) || typeof value === 'object') continue;
      line('', `${key}: ${key.endsWith('At') ? timeText(Number(value)) : String(value)}`);
    }
  }
  if (camera) for (const [key, text] of flat('', camera)) line('camera', `${key}: ${text}`);
}

/** Names and plain values of what is nested. */
function flat(prefix: string, value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[prefix, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flat(prefix ? `${prefix}.${key}` : key, inner));
}

async function firstOf<T>(all: AsyncIterable<T>, isIt: (each: T) => boolean): Promise<T | null> {
  for await (const each of all) if (isIt(each)) return each;
  return null;
}
