import type { Command } from 'commander';
import { Option } from 'commander';
import type { NvrClient } from '../client/index.ts';
import { type CommandParams, type CommandResult, checkParams } from '../protocol/index.ts';
import { type ClientOptions, placeOf } from './client-listings.ts';
import { usageError } from './errors.ts';
import { withNode } from './node-link.ts';
import { type Reach, type ReachOptions, reachingCommands, type Speaker } from './reach.ts';
import { harmless, lengthText, timeText } from './terminal.ts';
import type { World } from './world.ts';

export interface CameraTimeOptions extends ReachOptions {
  set?: string;
  server?: string;
}

/** Adds `camera show` and `camera time` to the `camera` commands below `parent`. */
export function addKeptCameraCommands(parent: Command, world: World, as: Speaker): void {
  const known = parent.commands.find((each) => each.name() === 'camera');
  const camera = known ?? parent.command('camera').description('cameras of a running node, spoken to over ONVIF');
  const { command, reach } = reachingCommands(camera, world, as);
  command('show', 'what the node knows of a camera: who it is, what it can do, its clock')
    .argument('<source>')
    .action((source, options) => cameraShowCommand(world, reach(options), source, options));
  command('time', "a camera's clock against the node's; sets it where asked to")
    .argument('<source>')
    .addOption(new Option('--set <what>', "clock: sets it to the node's time").choices(['clock']))
    .option('--server <host>', 'tells it which time server to follow')
    .action((source, options) => cameraTimeCommand(world, reach(options), source, options));
}

/** `camera show`. */
export async function cameraShowCommand(
  world: World,
  reach: Reach,
  source: string,
  { json }: ReachOptions,
): Promise<void> {
  const view = await reach((client) => client.call('cameras.view', { source: placeOf(source, 'main').source }));
  if (json) {
    world.terminal.out(`${JSON.stringify(view)}\n`);
    return;
  }
  const { state, since, identity, abilities, eventsConnected, clock } = view;
  const able = Object.entries(abilities ?? {}).flatMap(([name, value]) =>
    value === true ? [ABILITIES[name] ?? name] : [],
  );
  const lines = [
    ['state', `${STATES[state]}, since ${timeText(since)}`],
    ['make', [identity?.manufacturer, identity?.model].filter(Boolean).join(' ') || 'unknown'],
    ['firmware', identity?.firmware ?? 'unknown'],
    ...(identity?.hardwareId === undefined ? [] : [['serial', identity.hardwareId]]),
    ['can', able.join(', ') || (abilities ? 'nothing beside its streams' : 'unknown')],
    ['events', eventsConnected ? 'it tells what happens' : 'not connected'],
    ['clock', clock ? clockText(clock) : 'not measured yet'],
  ];
  for (const [name, text] of lines) world.terminal.out(`${name!.padEnd(10)}${harmless(text!)}\n`);
}

const STATES: Readonly<Record<CommandResult<'cameras.view'>['state'], string>> = {
  unknown: 'not asked yet',
  reached: 'reached',
  unreachable: 'does not answer',
  unauthorized: 'refuses the password the node has',
  foreign: 'ANOTHER camera answers at its address: it is not recorded',
  malformed: 'answers what cannot be understood',
};
const ABILITIES: Readonly<Record<string, string>> = {
  snapshot: 'pictures',
  ptz: 'moving',
  ptzAbsolute: 'going to positions',
  imaging: 'picture settings',
  events: 'events',
  recordings: 'recordings of its own',
};

function clockText({
  offsetMs,
  uncertaintyMs,
  driftMsPerDay,
  alarm,
}: NonNullable<CommandResult<'cameras.view'>['clock']>) {
  const drift = driftMsPerDay === null ? '' : `, running ${driftMsPerDay.toFixed(0)} ms a day away`;
  return `${awayText(offsetMs, uncertaintyMs)}${drift}${alarm ? ' — too far: camera time SOURCE --set clock' : ''}`;
}

function awayText(offsetMs: number, uncertaintyMs: number): string {
  if (Math.abs(offsetMs) <= uncertaintyMs) return `right, within ${lengthText(uncertaintyMs)}`;
  return `${lengthText(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}, give or take ${lengthText(uncertaintyMs)}`;
}

/** `camera time`. */
export async function cameraTimeCommand(
  world: World,
  reach: Reach,
  source: string,
  { set, server, json }: CameraTimeOptions,
): Promise<void> {
  if (set !== undefined && server !== undefined) throw usageError('expected --set clock or --server, not both');
  const wish = set === undefined ? (server === undefined ? {} : { set: { server } }) : { set };
  const params = checked('cameras.time', { source: placeOf(source, 'main').source, ...wish });
  const time = await reach((client) => client.call('cameras.time', params));
  if (json) {
    world.terminal.out(`${JSON.stringify({ source, ...time })}\n`);
    return;
  }
  if (set !== undefined) world.terminal.out(`${source} was set to the node's time\n`);
  if (server !== undefined) world.terminal.out(`${source} was told to follow ${server}; it may take minutes\n`);
  const { cameraAt, nodeAt, uncertaintyMs } = time;
  world.terminal.out(`camera    ${timeText(cameraAt)}\n`);
  world.terminal.out(`node      ${timeText(nodeAt)}\n`);
  world.terminal.out(`camera is ${awayText(cameraAt - nodeAt, uncertaintyMs)}\n`);
}

export interface ImagingOptions extends ClientOptions {
  brightness?: string;
  contrast?: string;
  saturation?: string;
  sharpness?: string;
  irCut?: string;
}

/** `client imaging`: how a camera makes its picture; changes what is named. */
export async function imagingCommand(world: World, name: string, options: ImagingOptions): Promise<void> {
  const { source } = placeOf(name, 'main');
  const { node, json, irCut, ...shares } = options;
  const wish = {
    ...Object.fromEntries(Object.entries(shares).map(([key, text]) => [key, shareOf(key, text)])),
    ...(irCut === undefined ? {} : { irCut }),
  };
  const ask = (client: NvrClient) =>
    Object.keys(wish).length === 0
      ? client.call('imaging.get', { source })
      : client.call('imaging.set', checked('imaging.set', { source, ...wish }));
  await withNode(world, node, async (client) => {
    const settings = await ask(client);
    if (json) {
      world.terminal.out(`${JSON.stringify({ source, ...settings })}\n`);
      return;
    }
    const rows = Object.entries(settings);
    if (rows.length === 0) world.terminal.err('this camera lets nothing of its picture be changed\n');
    for (const [key, value] of rows) {
      const title = key === 'irCut' ? 'ir-cut' : key;
      world.terminal.out(`${title.padEnd(12)}${typeof value === 'number' ? value.toFixed(2) : value}\n`);
    }
  });
}

function shareOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw usageError(`expected --${name} from 0 to 1`);
  return value;
}

function checked<N extends 'cameras.time' | 'imaging.set'>(command: N, params: unknown): CommandParams<N> {
  const outcome = checkParams(command, params);
  if ('problems' in outcome) throw usageError(outcome.problems);
  return outcome.params as CommandParams<N>;
}
