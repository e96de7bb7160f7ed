import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { fromUtf8 } from '../bytes/index.ts';
import { parseCameraUrl } from '../media/index.ts';
import { type CommandParams, checkParams } from '../protocol/index.ts';
import { nothingNamed, usageError } from './errors.ts';
import { type Reach, type ReachOptions, reachingCommands, type Speaker } from './reach.ts';
import { harmless, printTable } from './terminal.ts';
import type { World } from './world.ts';

/** A password of a camera with its line feed. */
const PASSWORD_BYTES_MAX = 1024;

/** What `camera add` and `camera change` may be told. */
export interface CameraOptions extends ReachOptions {
  name?: string;
  url?: string;
  sub?: string;
  username?: string;
  passwordFile?: string;
  transport?: string;
  audio?: string;
  keep?: string;
  size?: string;
  enable?: boolean;
  disable?: boolean;
  clear?: string[];
}

/** What `camera change --clear` may take back. */
const CLEARABLE = ['name', 'sub', 'username', 'keep', 'size'] as const;

/** Adds `camera` to `client`, for a paired device, or to the program, for the operator at the machine. */
export function addCameraCommands(parent: Command, world: World, as: Speaker): void {
  const camera = parent.command('camera').description('cameras of a running node, changed without stopping it');
  const { command, reach } = reachingCommands(camera, world, as);
  const told = (name: string, about: string) =>
    command(name, about)
      .argument('<source>', 'its id')
      .option('--url <url>', 'main stream, rtsp or rtsps, without user and password')
      .option('--sub <url>', 'the small picture')
      .option('--name <text>', 'what people call it')
      .option('--username <name>', "the camera's user")
      .option('--password-file <file>', 'a file with the password on one line')
      .option('--transport <transport>', 'auto, tcp or udp')
      .option('--audio <treatment>', 'auto, copy or none')
      .option('--keep <length>', 'how long its recordings are kept, as in 14d')
      .option('--size <size>', 'most bytes of its recordings, as in 100GB or 20%')
      .option('--disable', 'record nothing new');
  told('add', 'record one more camera').action((source, options) =>
    cameraPutCommand(world, reach(options), 'new', source, options),
  );
  told('change', 'change what is said of a camera; what is not named stays')
    .option('--enable', 'record again')
    .addOption(new Option('--clear <field...>', 'take back').choices(CLEARABLE))
    .action((source, options) => cameraPutCommand(world, reach(options), 'known', source, options));
  command('remove', 'record a camera no more; its recordings stay until they are too old')
    .argument('<source>', 'its id')
    .action((source, options) => cameraRemoveCommand(world, reach(options), source, options));
  command('discover', 'ask the networks of the node for ONVIF cameras').action((options) =>
    cameraDiscoverCommand(world, reach(options), options),
  );
}

/** `camera add`, `camera change`. */
export async function cameraPutCommand(
  world: World,
  reach: Reach,
  expect: 'new' | 'known',
  source: string,
  options: CameraOptions,
): Promise<void> {
  const wish = await wishOf(world, expect, source, options);
  const result = await reach((client) => client.call('sources.put', wish));
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ source, ...result })}\n`);
    return;
  }
  const { created, changed, restarted } = result;
  const what = created ? 'added' : changed ? 'changed' : 'was so already';
  world.terminal.out(`${source} ${what}${changed && !created && restarted ? ', its recording began anew' : ''}\n`);
}

/** `camera remove`. */
export async function cameraRemoveCommand(
  world: World,
  reach: Reach,
  source: string,
  options: { json?: boolean },
): Promise<void> {
  const params = checked('sources.remove', { source });
  const { removed } = await reach((client) => client.call('sources.remove', params));
  if (!removed) throw nothingNamed('source', source);
  if (options.json) world.terminal.out(`${JSON.stringify({ source, removed })}\n`);
  else world.terminal.out(`removed ${source}; its recordings stay until they are too old\n`);
}

/** `camera discover`: hints, told as such. */
export async function cameraDiscoverCommand(world: World, reach: Reach, options: { json?: boolean }): Promise<void> {
  if (!options.json) world.terminal.err('asking for three seconds …\n');
  const found = await reach((client) => client.call('cameras.discover', {}));
  if (options.json) {
    world.terminal.out(`${JSON.stringify(found)}\n`);
    return;
  }
  if (found.cameras.length === 0) {
    world.terminal.err('no camera answered; many answer only after ONVIF was switched on in their settings\n');
    return;
  }
  const rows = found.cameras.map(({ from, endpoint, name, hardware }) =>
    [from.replace(/:\d+$/, ''), endpoint, hardware ?? '-', name ?? ''].map(harmless),
  );
  printTable(world.terminal, ['ADDRESS', 'ENDPOINT', 'HARDWARE', 'NAME'], rows);
  if (!found.complete) world.terminal.err('more answered than are told\n');
}

/** The wish, checked here as the node will check it: over the channel a refusal has no words. */
async function wishOf(
  world: World,
  expect: 'new' | 'known',
  source: string,
  options: CameraOptions,
): Promise<CommandParams<'sources.put'>> {
  if (options.enable && options.disable) throw usageError('expected --enable or --disable, not both');
  for (const url of [options.url, options.sub]) {
    // Arguments can be read by every user of this machine while the program runs.
    if (url !== undefined && parseCameraUrl(url).credentials) {
      throw usageError('expected a url without user and password: give --username and --password-file');
    }
  }
  if (expect === 'new' && options.url === undefined) throw usageError('expected --url');
  const { name, url, sub, username, transport, audio, keep, size } = options;
  const password = options.passwordFile === undefined ? undefined : await lineOf(world, options.passwordFile);
  const told = { name, url, sub, username, password, transport, audio, keep, size };
  const given = Object.entries(told).filter(([, value]) => value !== undefined);
  const cleared = (options.clear ?? []).map((field): [string, null] => [field, null]);
  const twice = cleared.find(([field]) => given.some(([key]) => key === field));
  if (twice) throw usageError(`expected --clear ${twice[0]} or --${twice[0]}, not both`);
  const enabled = options.enable ? { enabled: true } : options.disable ? { enabled: false } : {};
  return checked('sources.put', { source, expect, ...Object.fromEntries([...given, ...cleared]), ...enabled });
}

function checked<N extends 'sources.put' | 'sources.remove'>(command: N, params: unknown): CommandParams<N> {
  const outcome = checkParams(command, params);
  if ('problems' in outcome) throw usageError(outcome.problems);
  return outcome.params as CommandParams<N>;
}

/** What stands in a file of one line. */
async function lineOf(world: World, file: string): Promise<string> {
  const text = fromUtf8(await world.files.read(resolve(world.cwd, file), PASSWORD_BYTES_MAX))?.replace(/\r?\n$/, '');
  if (!text || text.includes('\n')) throw usageError('expected --password-file to name a file with one line of text');
  return text;
}
