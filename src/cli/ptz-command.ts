import type { NvrClient, PtzHold } from '../client/index.ts';
import { isNvrError } from '../errors.ts';
import type { SourceId } from '../protocol/index.ts';
import { type ClientOptions, placeOf } from './client-listings.ts';
import { headBusy, interrupted, nothingNamed, severalNamed, timeRefused, usageError } from './errors.ts';
import type { Reach } from './reach.ts';
import { harmless, lengthText, printTable, timeText } from './terminal.ts';
import { parseLength } from './time-text.ts';
import type { World } from './world.ts';

export const PTZ_ACTIONS = ['move', 'stop', 'goto', 'presets', 'recall', 'save', 'forget', 'status'] as const;
type PtzAction = (typeof PTZ_ACTIONS)[number];

export interface PtzOptions extends ClientOptions {
  pan?: string;
  tilt?: string;
  zoom?: string;
  for?: string;
  preset?: string;
  take?: boolean;
}

/** Longest `move`: whoever wants more is not looking. */
const MOVE_MS_MAX = 60_000;
/** One step of a long move, and how long before its end the next one is asked for. */
const STEP_MS = 1_000;
const RENEW_MS = 400;

/** `client ptz`: steers a camera, or tells where it looks. */
export async function ptzCommand(
  world: World,
  reach: Reach,
  name: string,
  action: string,
  what: string | undefined,
  options: PtzOptions,
): Promise<void> {
  const { source } = placeOf(name, 'main');
  const wish = wishOf(action, what, options);
  const result = await reach((client) => perform(world, client, source, wish, options));
  if (options.json) world.terminal.out(`${JSON.stringify({ source, ...result })}\n`);
  else tell(world, wish.action, source, result);
}

interface Wish {
  action: PtzAction;
  what: string;
  vector: { pan: number; tilt: number; zoom: number };
  forMs: number;
}

/** What is meant, checked before anything is asked. */
function wishOf(action: string, what: string | undefined, options: PtzOptions): Wish {
  if (!isAction(action)) throw usageError(`expected one of ${PTZ_ACTIONS.join(', ')}`);
  const isNaming = action === 'recall' || action === 'save' || action === 'forget';
  if (isNaming !== (what !== undefined)) {
    throw usageError(isNaming ? `expected the name of a preset after ${action}` : `expected nothing after ${action}`);
  }
  const least = action === 'goto' ? 0 : -1;
  const vector = {
    pan: shareOf('--pan', options.pan, -1),
    tilt: shareOf('--tilt', options.tilt, -1),
    zoom: shareOf('--zoom', options.zoom, least),
  };
  const isSteering = action === 'move' || action === 'goto';
  const isGiven = options.pan !== undefined || options.tilt !== undefined || options.zoom !== undefined;
  if (isSteering !== isGiven) {
    throw usageError(
      isSteering ? 'expected --pan, --tilt or --zoom' : '--pan, --tilt and --zoom are for move and goto',
    );
  }
  const forMs = parseLength(options.for ?? '1');
  if (forMs === null || forMs < 100 || forMs > MOVE_MS_MAX) {
    throw timeRefused(options.for ?? '', 'from 0.1 to 60 seconds');
  }
  return { action, what: what ?? '', vector, forMs };
}

function isAction(text: string): text is PtzAction {
  return (PTZ_ACTIONS as readonly string[]).includes(text);
}

function shareOf(option: string, text: string | undefined, least: number): number {
  const value = Number(text ?? 0);
  if (text?.trim() === '' || !(value >= least && value <= 1)) throw usageError(`expected ${option} from ${least} to 1`);
  return value;
}

async function perform(world: World, client: NvrClient, source: SourceId, wish: Wish, options: PtzOptions) {
  switch (wish.action) {
    case 'status':
      return client.call('ptz.status', { source });
    case 'presets':
      return client.call('ptz.presets', { source });
    case 'save':
      return client.call('ptz.save', {
        source,
        name: wish.what,
        ...(options.preset ? { preset: options.preset } : {}),
      });
    case 'forget': {
      const preset = await presetOf(client, source, wish.what);
      await client.call('ptz.forget', { source, preset });
      return { preset };
    }
    default:
      return steer(world, client, source, wish, options);
  }
}

/** What needs the lease: it is taken, used and given back. */
async function steer(world: World, client: NvrClient, source: SourceId, wish: Wish, { take }: PtzOptions) {
  const preset = wish.action === 'recall' ? await presetOf(client, source, wish.what) : null;
  const held = await hold(client, source, take ?? false);
  try {
    if (wish.action === 'stop') await held.stop();
    else if (wish.action === 'goto') await held.goto(wish.vector);
    else if (preset !== null) await held.recall(preset);
    else await move(world, held, wish);
  } finally {
    held.release();
  }
  return preset === null ? { done: wish.action } : { done: wish.action, preset };
}

async function hold(client: NvrClient, source: SourceId, take: boolean): Promise<PtzHold> {
  try {
    return await client.ptz(source, { take });
  } catch (error) {
    if (!isNvrError(error) || error.code !== 'ERR_CAMERAS_PTZ_HELD') throw error;
    const { holder } = await client.call('ptz.status', { source });
    const who = holder?.label === undefined ? 'somebody else' : harmless(holder.label);
    throw headBusy(source, who, holder ? timeText(holder.since) : 'a moment ago');
  }
}

/** Renews the move until its time is over or the person has enough; the head is told to stop in both cases. */
async function move({ clock, interrupt }: World, held: PtzHold, { vector, forMs }: Wish): Promise<void> {
  const end = clock.monotonic() + forMs;
  try {
    for (let left = forMs; left > 0; left = end - clock.monotonic()) {
      const isLast = left <= STEP_MS;
      await held.move(vector, Math.max(100, Math.round(Math.min(left, STEP_MS))));
      const waitMs = isLast ? end - clock.monotonic() : STEP_MS - RENEW_MS;
      await clock.sleep(Math.max(0, waitMs), interrupt).catch(() => {});
      if (interrupt.aborted) break;
      if (isLast) break;
    }
  } finally {
    await held.stop();
  }
  if (interrupt.aborted) throw interrupted();
}

/** The preset a person means: by its name, or by its token. */
async function presetOf(client: NvrClient, source: SourceId, text: string): Promise<string> {
  const { presets } = await client.call('ptz.presets', { source });
  const token = presets.find(({ preset }) => preset === text);
  const named = presets.filter(({ name }) => name?.toLowerCase() === text.toLowerCase());
  if (named.length > 1 && !token) {
    throw severalNamed(
      'preset',
      text,
      named.map(({ preset }) => preset),
    );
  }
  const found = named.length === 1 ? named[0] : token;
  if (!found) throw nothingNamed('preset', text);
  return found.preset;
}

type Told = Awaited<ReturnType<typeof perform>>;

function tell({ terminal, clock }: World, action: PtzAction, source: SourceId, told: Told): void {
  if ('presets' in told) {
    const rows = told.presets.map(({ preset, name }) => [preset, name ?? '-'].map(harmless));
    if (rows.length === 0) terminal.err('no preset is kept; make one with: client ptz SOURCE save NAME\n');
    else printTable(terminal, ['PRESET', 'NAME'], rows);
  } else if ('holder' in told) {
    const { position, moving, holder, unstopped } = told;
    const place =
      position && `pan ${position.pan.toFixed(2)}, tilt ${position.tilt.toFixed(2)}, zoom ${position.zoom.toFixed(2)}`;
    terminal.out(`looks     ${place ?? 'the camera does not tell where'}\n`);
    terminal.out(`moves     ${moving === null ? 'the camera does not tell' : moving ? 'yes' : 'no'}\n`);
    const who = holder && (holder.self ? 'this device' : harmless(holder.label ?? 'another device'));
    const since = holder && `, for ${lengthText(Math.max(0, clock.now() - holder.since))}`;
    terminal.out(`steered   ${who ? `by ${who}${since}` : 'by nobody'}\n`);
    if (unstopped) terminal.out('look at   it was told to stop and did not confirm it\n');
  } else if ('done' in told) {
    const texts = { move: 'moved and stopped', stop: 'stopped', goto: 'is going there', recall: 'is going there' };
    terminal.out(`${source} ${texts[action as keyof typeof texts]}\n`);
  } else {
    terminal.out(`${action === 'save' ? 'kept' : 'forgot'} preset ${harmless(told.preset)} of ${source}\n`);
  }
}
