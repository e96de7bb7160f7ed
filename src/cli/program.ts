import { resolve } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { fromUtf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import { createNodeDatagrams } from '../platform/node/index.ts';
import type { VirtualCameraFlags } from '../virtual-camera/index.ts';
import { adviceFor } from './advice.ts';
import { addEventsCommand } from './client-events.ts';
import { segmentsCommand, sourcesCommand, statusCommand } from './client-listings.ts';
import { getCommand, liveCommand, playCommand } from './client-media.ts';
import { nodesCommand, pairCommand } from './client-pairing.ts';
import { snapshotCommand } from './client-snapshot.ts';
import { programFault } from './errors.ts';
import { EXIT_CODES, EXIT_OK } from './exit-codes.ts';
import { addGrantCommands } from './grant-commands.ts';
import { addKeptCameraCommands, imagingCommand } from './kept-camera-commands.ts';
import { withNode } from './node-link.ts';
import { addPairingDecisions, devicesCodeCommand } from './pairing-commands.ts';
import { PTZ_ACTIONS, ptzCommand } from './ptz-command.ts';
import { AT_OPTION, collected } from './role-options.ts';
import { addSourceCommands, discoverOptions } from './source-commands.ts';
import { versionOf, type World } from './world.ts';

/**
 * Runs one command line and gives its exit code. Errors are told on standard error: what happened in one line, what to do
 * next in another; with `--json` as one object.
 */
export async function runCommandLine(world: World, args: readonly string[]): Promise<number> {
  const program = buildProgram(world);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_CODES.invalid;
    return tellError(world, error, args.includes('--json'));
  }
}

function tellError(world: World, error: unknown, json: boolean): number {
  const known = isNvrError(error) ? error : programFault(error);
  const { code, kind, message } = known;
  const next = adviceFor(known);
  if (json) world.terminal.err(`${JSON.stringify({ error: { code, kind, message, next } })}\n`);
  else world.terminal.err(`error: ${message} (${code})\n${next ? `  next: ${next}\n` : ''}`);
  if (!isNvrError(error) && error instanceof Error) world.terminal.err(`${error.stack}\n`);
  return EXIT_CODES[kind];
}

/**
 * Every command, as commander knows them. What only some commands need (the recorder, its vault, cameras) is loaded by those that do: most are run by
 * people who wait for them.
 */
export function buildProgram(world: World): Command {
  const program = new Command('constitute-nvr')
    .description('A video recorder that seals every fragment in memory and serves only its paired devices.')
    .version(versionOf(world))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.terminal.out(text),
      writeErr: (text) => world.terminal.err(text),
    })
    .showHelpAfterError('(see constitute-nvr help)');
  addNodeCommands(program, world);
  addClientCommands(program, world);
  return program;
}

const data = () =>
  new Option('--data <folder>', 'data folder (default: CONSTITUTE_NVR_DATA, else data beside the program)');
const json = () => new Option('--json', 'one JSON object on standard output');

function addNodeCommands(program: Command, world: World): void {
  program
    .command('start')
    .description('run the node until Ctrl-C')
    .addOption(data())
    .option('--no-qr', 'print invitations as text only')
    .option('--viewer <folder>', 'serve the viewer built into this folder (default: web/dist beside the program)')
    .action(async (options) => (await import('./start-command.ts')).startCommand(world, options));

  const devices = program.command('devices').description('paired devices and invitations of the node in a data folder');
  devices
    .command('list', { isDefault: true })
    .description('paired devices')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./device-commands.ts')).devicesListCommand(world, options));
  devices
    .command('invite')
    .description('make a one-time invitation')
    .addOption(data())
    .addOption(json())
    .option('--role <role>', 'viewer, operator, admin or owner (the first device becomes owner)', 'viewer')
    .option('--at <source=role>', AT_OPTION, collected)
    .option('--expires <length>', 'from 1m to 24h', '10m')
    .option('--no-qr', 'as text only')
    .action(async (options) => (await import('./device-commands.ts')).devicesInviteCommand(world, options));
  devices
    .command('withdraw')
    .description('take an invitation back that waits')
    .argument('<invitation>', 'the beginning of its id, as list shows it')
    .addOption(data())
    .addOption(json())
    .action(async (invitation, options) =>
      (await import('./device-commands.ts')).devicesWithdrawCommand(world, invitation, options),
    );
  devices
    .command('code')
    .description('make a code of eight digits to be typed on one new device')
    .addOption(data())
    .addOption(json())
    .option('--role <role>', 'viewer, operator, admin or owner (the first device becomes owner)', 'viewer')
    .option('--at <source=role>', AT_OPTION, collected)
    .option('--approve', 'somebody must approve the device that comes with it')
    .option('--expires <length>', 'from 1m to 1h', '10m')
    .action((options) => devicesCodeCommand(world, options));
  addPairingDecisions(devices, world, 'operator');
  addGrantCommands(devices, world, 'operator');
  devices
    .command('remove')
    .description('unpair a device')
    .argument('<device>', 'its label, or the beginning of its key')
    .addOption(data())
    .addOption(json())
    .action(async (device, options) =>
      (await import('./device-commands.ts')).devicesRemoveCommand(world, device, options),
    );

  program
    .command('config')
    .description('the configuration of the node in a data folder')
    .command('check')
    .description('read it as start would; say every mistake')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./node-commands.ts')).configCheckCommand(world, options));

  const vault = program.command('vault').description('the recordings in a data folder');
  vault
    .command('verify')
    .description('read every recording and the log, and say what is damaged')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./vault-commands.ts')).vaultVerifyCommand(world, options));
  vault
    .command('import')
    .description('take in recordings of version 1')
    .argument('<folder>', 'a storage folder of version 1, or its segments folder')
    .requiredOption('--key-file <file>', 'file with storage.encryption_key_hex of its configuration')
    .option('--time-zone <zone>', "the old recorder's, as in Europe/Berlin (default: this machine's)")
    .addOption(data())
    .addOption(json())
    .action(async (folder, options) =>
      (await import('./vault-commands.ts')).vaultImportCommand(world, folder, options),
    );

  program
    .command('swarm')
    .description('who is there, as the running node sees it; until Ctrl-C')
    .option('--once', 'one picture only')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./swarm-commands.ts')).swarmCommand(world, options));

  vault
    .command('rewrap')
    .description('write the key files of old recordings anew for the devices that may open them now')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./rewrap-commands.ts')).vaultRewrapCommand(world, options));

  const audit = program.command('audit').description('what was done at the node of a data folder, and by whom');
  addAuditFilter(audit.command('list', { isDefault: true }))
    .description('what was done, the newest first')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./audit-commands.ts')).auditListCommand(world, options));
  audit
    .command('verify')
    .description('check the audit log against the node key; the files suffice')
    .option('--node-key <key>', 'whose log it must be (default: the node of the folder)')
    .option('--head <head>', 'a head that audit verify printed before: finds what was cut off since')
    .addOption(data())
    .addOption(json())
    .action(async (options) => (await import('./audit-commands.ts')).auditVerifyCommand(world, options));

  addDiscover(program, world);
  addSourceCommands(program, world, 'operator');
  addKeptCameraCommands(program, world, 'operator');
  addVirtualCamera(program, world);
}

function addDiscover(program: Command, world: World): void {
  discoverOptions(program.command('discover'))
    .description('look for ONVIF cameras from this machine; no node needs to run')
    .option('--port <port>', 'UDP port that answers come to; 0 is any (default: as configured, else 33702)')
    .option(
      '--data <folder>',
      'data folder whose sources are known (default: CONSTITUTE_NVR_DATA, else data beside the program)',
    )
    .addOption(json())
    .action(async (options) => {
      const { discoverCommand, networkOf } = await import('./discover-command.ts');
      await discoverCommand(world, networkOf(world), options);
    });
}

function addAuditFilter(command: Command): Command {
  return command
    .option('--from <time>', 'beginning (docs/cli.md: times)')
    .option('--to <time>', 'end')
    .option('--device <device>', 'only what this device did')
    .option('--limit <count>', 'at most so many', '50')
    .option('--oldest', 'the oldest first');
}

function addVirtualCamera(program: Command, world: World): void {
  program
    .command('virtual-camera')
    .description('an RTSP camera with a generated picture, for demonstrations and tests; until Ctrl-C')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'TCP port; 0 takes a free one', '0')
    .option('--cameras <count>', 'also /cam1 to /camN, with the same picture')
    .option('--codec <codec>', 'h264 or h265')
    .option('--size <size>', 'of the main stream, as in 1280x720')
    .option('--sub-size <size>', 'of the sub stream, or none')
    .option('--fps <count>', 'pictures per second')
    .option('--gop <count>', 'pictures from keyframe to keyframe')
    .option('--bitrate <bits>', 'of the main stream, as in 2M')
    .option('--sub-bitrate <bits>', 'of the sub stream, as in 400k')
    .option('--audio <codec>', 'none, aac, pcma or pcmu')
    .option('--transport <transport>', 'tcp, udp or both')
    .option('--user <name>', 'asks for this user')
    .option('--password-file <file>', 'and the password in this file')
    .option('--auth <scheme>', 'basic, digest or none')
    .option('--fault <fault...>', 'faults that hold from the start (docs/cameras.md)')
    .option('--onvif', 'also answers as an ONVIF device')
    .option('--onvif-port <port>', 'TCP port of its device service; 0 takes a free one')
    .option('--discovery <address>', 'answers probes of WS-Discovery on this local address')
    .option('--ptz', 'has a head that moves the picture')
    .option('--imaging', 'has settings of the picture')
    .option('--serial <text>', 'serial number (default: drawn at random)')
    .option('--name <text>', 'what it calls itself')
    .option('--clock-offset <seconds>', 'how wrong its clock is')
    .action((options) => virtualCameraCommand(world, options));
}

async function virtualCameraCommand(
  world: World,
  options: VirtualCameraFlags & { passwordFile?: string; fault?: string[] },
): Promise<void> {
  const { runVirtualCamera, virtualCameraOptions, virtualDeviceOptions } = await import('../virtual-camera/index.ts');
  const { passwordFile, fault, ...flags } = options;
  const camera = virtualCameraOptions({ ...flags, password: await lineOf(world, passwordFile), faults: fault });
  const { clock, random, terminal } = world;
  const print = (line: string) => terminal.out(`${line}\n`);
  const deps = { clock, random, log: world.log('warn'), processes: world.processes(), print };
  const datagrams = createNodeDatagrams();
  await runVirtualCamera({ ...deps, datagrams }, camera, world.interrupt, virtualDeviceOptions(flags, camera));
}

/** What stands in a file of one line. */
async function lineOf(world: World, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = fromUtf8(await world.files.read(resolve(world.cwd, file), 1024));
  return text?.replace(/\r?\n$/, '');
}

function addClientCommands(program: Command, world: World): void {
  const client = program.command('client').description('use a node as a paired device');
  const node = () =>
    new Option('--node <name>', 'name of a paired node, or the beginning of its id (default: paired last)');
  const stream = () => new Option('--stream <stream>', 'main or sub').default('main');
  const intoFile = (command: Command, standard: string) =>
    command
      .addOption(node())
      .addOption(json())
      .addOption(stream())
      .option('-o, --output <file>', 'where the movie goes; - is standard output', standard)
      .option('--force', 'overwrite a file that is there')
      .option('--keep-partial', 'keep what was written as FILE.part when it is broken off');

  client
    .command('pair')
    .description('pair this user with a node')
    .argument('[invitation]', 'what the node printed; put it in quotes')
    .option('--code <digits>', 'instead of an invitation: the code the node showed')
    .option('--code-file <file>', 'a file with that code')
    .option('--address <host:port>', 'where the node is, with a code')
    .option('--label <text>', "what the node's list calls this device")
    .option('--name <text>', 'what you call the node')
    .addOption(json())
    .action((invitation, options) => pairCommand(world, invitation, options));
  addPairingDecisions(client, world, 'client');
  addGrantCommands(client, world, 'client');
  client
    .command('nodes')
    .description('paired nodes')
    .option('--forget <name>', 'forget one')
    .addOption(json())
    .action((options) => nodesCommand(world, options));
  client
    .command('find')
    .description('look for a node that has moved; remember whom to ask')
    .option('--via <peer...>', 'whom to ask: gateway=HOST:PORT or node=HOST:PORT')
    .option('--zone <key...>', 'zones they share with the node')
    .addOption(node())
    .addOption(json())
    .action(async (options) => (await import('./client-find.ts')).findCommand(world, options));
  client
    .command('sources')
    .description('what the node records, and how it goes')
    .addOption(node())
    .addOption(json())
    .action((options) => sourcesCommand(world, options));
  client
    .command('segments')
    .description('stored segments of a source')
    .argument('<source>')
    .addOption(stream())
    .option('--from <time>', 'beginning (docs/cli.md: times)')
    .option('--to <time>', 'end')
    .option('--limit <count>', 'at most so many', '50')
    .option('--oldest', 'the oldest first')
    .addOption(node())
    .addOption(json())
    .action((source, options) => segmentsCommand(world, source, options));
  addEventsCommand(client, world, (command) => command.addOption(node()).addOption(json()));
  intoFile(client.command('get'), 'segment.mp4')
    .description('one stored segment as a movie')
    .argument('<source>')
    .argument('<segment>', 'its id, the beginning of it, or its number')
    .action((source, segment, options) => getCommand(world, source, segment, options));
  intoFile(client.command('play'), 'recording.mp4')
    .description('a stretch of time as a movie, across segments')
    .argument('<source>')
    .requiredOption('--at <time>', 'beginning (docs/cli.md: times)')
    .option('--seconds <length>', 'how long')
    .option('--to <time>', 'or: the end')
    .action((source, options) => playCommand(world, source, options));
  intoFile(client.command('live'), 'live.mp4')
    .description('the live picture as a movie, until Ctrl-C')
    .argument('<source>')
    .option('--seconds <length>', 'how long')
    .action((source, options) => liveCommand(world, source, options));
  client
    .command('snapshot')
    .description('one picture, of now or of a recorded moment')
    .argument('<source>')
    .option('--at <time>', 'of this moment (docs/cli.md: times), from the recording')
    .option('--exact', 'the very picture, and not the keyframe before it')
    .option('--from <where>', 'of now: camera or live (default: camera, live where it gives none)')
    .addOption(stream())
    .option('-o, --output <file>', 'FILE.jpg or FILE.png; - is standard output', 'snapshot.jpg')
    .option('--force', 'overwrite a file that is there')
    .addOption(node())
    .addOption(json())
    .action((source, options) => snapshotCommand(world, source, options));
  client
    .command('ptz')
    .description('steer a camera that moves')
    .argument('<source>')
    .argument('<action>', PTZ_ACTIONS.join(', '))
    .argument('[preset]', 'for recall, save and forget: its name')
    .option('--pan <share>', 'speed or position, -1 to 1; right is positive')
    .option('--tilt <share>', 'up is positive')
    .option('--zoom <share>', 'in is positive; as a position 0 to 1')
    .option('--for <length>', 'how long to move', '1s')
    .option('--preset <token>', 'for save: the preset to replace')
    .option('--take', 'take it from whoever steers it; for admins and owners')
    .addOption(node())
    .addOption(json())
    .action((source, action, preset, options) =>
      ptzCommand(world, (work) => withNode(world, options.node, work), source, action, preset, options),
    );
  client
    .command('imaging')
    .description('how a camera makes its picture; changes what is named')
    .argument('<source>')
    .option('--brightness <share>', '0 to 1')
    .option('--contrast <share>', '0 to 1')
    .option('--saturation <share>', '0 to 1')
    .option('--sharpness <share>', '0 to 1')
    .option('--ir-cut <mode>', 'on, off or auto')
    .addOption(node())
    .addOption(json())
    .action((source, options) => imagingCommand(world, source, options));
  client
    .command('status')
    .description('how the node is doing')
    .addOption(node())
    .addOption(json())
    .action((options) => statusCommand(world, options));
  addAuditFilter(client.command('audit'))
    .description('what was done at the node, and by whom; for owners')
    .addOption(node())
    .addOption(json())
    .action(async (options) => (await import('./audit-commands.ts')).clientAuditCommand(world, options));
  client
    .command('rewrap')
    .description('have the key files of old recordings written anew; for owners')
    .addOption(node())
    .addOption(json())
    .action(async (options) => (await import('./rewrap-commands.ts')).clientRewrapCommand(world, options));
  addSourceCommands(client, world, 'client');
  addKeptCameraCommands(client, world, 'client');
}
