import { type Command, Option } from 'commander';
import type { NvrClient } from '../client/index.ts';
import type { CommandParams } from '../protocol/index.ts';
import { nothingNamed, usageError } from './errors.ts';
import { type Reach, reachingCommands, type Speaker } from './reach.ts';
import { addressesOf, checkedParams, type SourceOptions } from './source-options.ts';
import { sourceShowCommand } from './source-show-command.ts';
import { showTest, sourceTestCommand, tryCamera } from './source-test-command.ts';
import type { World } from './world.ts';

/** What `source change --clear` may take back. */
const CLEARABLE = [
  ...['name', 'sub', 'username', 'onvif', 'hardware', 'record', 'schedule', 'on', 'before', 'after', 'keep', 'size'],
] as const;

/** Adds `source` and `camera` to `client`, for a paired device, or to the program, for the operator at the machine. */
export function addSourceCommands(parent: Command, world: World, as: Speaker): void {
  const source = parent.command('source').description('cameras of a running node, changed without stopping it');
  const { command, reach } = reachingCommands(source, world, as);
  const told = (name: string, about: string) =>
    addressOptions(command(name, about).argument('<source>', 'its id'))
      .option('--name <text>', 'what people call it')
      .option('--hardware <id>', 'who must answer there, as source test tells it')
      .option('--find', 'look for it where it does not answer any more')
      .option('--no-find', 'do not')
      .option('--reader <reader>', 'auto, own or ffmpeg')
      .option('--audio <treatment>', 'auto, copy or none')
      .option('--record <mode>', 'always, event or never')
      .option('--record-sub <mode>', 'the same for the small picture alone')
      .option('--schedule <times...>', 'when it may be recorded, as in "mon-fri 08:00-18:00"')
      .option('--on <events...>', 'with --record event: motion, tamper, line, input')
      .option('--before <length>', 'with --record event: how much before it is kept, as in 5s')
      .option('--after <length>', 'with --record event: how much after it, as in 10s')
      .option('--keep <length>', 'how long its recordings are kept, as in 14d')
      .option('--size <size>', 'most bytes of its recordings, as in 100GB or 20%')
      .option('--disable', 'record nothing new');
  told('add', 'record one more camera, after it was tried')
    .option('--no-test', 'do not try it first')
    .action((id, options) => sourceUpsertCommand(world, reach(options), 'new', id, options));
  told('change', 'change what is said of a camera; what is not named stays')
    .option('--enable', 'record again')
    .addOption(new Option('--clear <field...>', 'take back').choices(CLEARABLE))
    .action((id, options) => sourceUpsertCommand(world, reach(options), 'known', id, options));
  command('remove', 'record a camera no more; its recordings stay until they are too old')
    .argument('<source>', 'its id')
    .action((id, options) => sourceRemoveCommand(world, reach(options), id, options));
  addressOptions(command('test', 'try a camera, configured or not, and say what it does; nothing is stored'))
    .argument('[source]', 'id of a configured source')
    .option('--picture <file>', 'write the picture that came as a movie of one fragment')
    .action((id, options) => sourceTestCommand(world, reach(options), id, options));
  command('show', 'what a source is doing and what is known of its camera')
    .argument('<source>', 'its id')
    .action((id, options) => sourceShowCommand(world, reach(options), id, options));

  const camera = parent.command('camera').description('cameras on the networks of a running node');
  const cameras = reachingCommands(camera, world, as);
  discoverOptions(cameras.command('discover', 'ask the networks of the node for ONVIF cameras')).action(
    async (options) => {
      const { cameraDiscoverCommand } = await import('./discover-command.ts');
      await cameraDiscoverCommand(world, cameras.reach(options), options);
    },
  );
}

function addressOptions(command: Command): Command {
  return command
    .option('--url <url>', 'main stream, rtsp or rtsps, without user and password')
    .option('--sub <url>', 'the small picture')
    .option('--username <name>', "the camera's user; its password is asked for")
    .option('--password-file <file>', 'a file with the password on one line; - is standard input')
    .option('--onvif [url]', 'it speaks ONVIF, at that http address where it is not the usual one')
    .option('--transport <transport>', 'auto, tcp or udp');
}

/** `source add`, `source change`. */
export async function sourceUpsertCommand(
  world: World,
  reach: Reach,
  expect: 'new' | 'known',
  source: string,
  options: SourceOptions,
): Promise<void> {
  const wish = await wishOf(world, expect, source, options);
  const result = await reach(async (client) => {
    const tried = expect === 'new' && options.test !== false ? await offeredBy(world, client, wish, options) : {};
    return client.call('sources.upsert', { ...tried, ...wish });
  });
  if (options.json) {
    world.terminal.out(`${JSON.stringify({ source, ...result })}\n`);
    return;
  }
  const { created, changed, restarted } = result;
  const what = created ? 'added' : changed ? 'changed' : 'was so already';
  world.terminal.out(`${source} ${what}${changed && !created && restarted ? ', its recording began anew' : ''}\n`);
}

/** Tries a camera before it is added, and says what was seen; gives the addresses it offers where none was named. */
async function offeredBy(
  world: World,
  client: NvrClient,
  { url, sub, username, password, onvif, transport }: CommandParams<'sources.upsert'>,
  { json }: SourceOptions,
): Promise<{ url?: string; sub?: string }> {
  if (!json) world.terminal.err('trying the camera, for at most 40 seconds …\n');
  const given = Object.entries({ url, sub, username, password, onvif, transport });
  const params = Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null));
  const { result } = await tryCamera(client, params, world.interrupt);
  showTest(world, result, json ? 'quietly' : 'aside');
  if (url !== undefined) return {};
  const [main, ...smaller] = result.onvif?.streams ?? [];
  if (!main) throw usageError('expected --url: the camera offers no stream by ONVIF');
  const least = smaller.at(-1);
  return { url: main.url, ...(least && sub === undefined ? { sub: least.url } : {}) };
}

/** `source remove`. */
export async function sourceRemoveCommand(
  world: World,
  reach: Reach,
  source: string,
  options: { json?: boolean },
): Promise<void> {
  const params = checkedParams('sources.remove', { source });
  const { removed } = await reach((client) => client.call('sources.remove', params));
  if (!removed) throw nothingNamed('source', source);
  if (options.json) world.terminal.out(`${JSON.stringify({ source, removed })}\n`);
  else world.terminal.out(`removed ${source}; its recordings stay until they are too old\n`);
}

/** The wish, checked here as the node will check it: over the channel a refusal has no words. */
async function wishOf(
  world: World,
  expect: 'new' | 'known',
  source: string,
  options: SourceOptions,
): Promise<CommandParams<'sources.upsert'>> {
  if (options.enable && options.disable) throw usageError('expected --enable or --disable, not both');
  if (expect === 'new' && options.url === undefined && (typeof options.onvif !== 'string' || options.test === false)) {
    throw usageError('expected --url, or --onvif with an address that is asked for one');
  }
  const { name, hardware, reader, audio, schedule, on, before, after, keep, size } = options;
  const { record, recordSub, find } = options;
  const both = recordSub === undefined ? record : { ...(record === undefined ? {} : { main: record }), sub: recordSub };
  const told = { name, hardware, reader, audio, record: both, schedule, on, before, after, keep, size, find };
  const given = Object.entries({ ...(await addressesOf(world, source, options)), ...told }).filter(
    ([, value]) => value !== undefined,
  );
  const cleared = (options.clear ?? []).map((field): [string, null] => [field, null]);
  const twice = cleared.find(([field]) => given.some(([key]) => key === field));
  if (twice) throw usageError(`expected --clear ${twice[0]} or --${twice[0]}, not both`);
  const enabled = options.enable ? { enabled: true } : options.disable ? { enabled: false } : {};
  const wish = { source, expect, ...Object.fromEntries([...given, ...cleared]), ...enabled };
  return checkedParams('sources.upsert', wish);
}

/** Gives a command the options of every search. */
export function discoverOptions(command: Command): Command {
  return command
    .option('--interface <name...>', 'only these interfaces, by name or address')
    .option('--seconds <count>', 'how long, 1 to 10', '3')
    .option('--host <host>', 'ask this host alone; with :PORT where its ONVIF is not at 80');
}
