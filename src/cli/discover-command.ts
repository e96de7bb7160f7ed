import { createCameraDiscovery, createOnvifDriver, type DiscoveryDeps, type DiscoveryWish } from '../cameras/index.ts';
import type { NvrClient } from '../client/index.ts';
import { knownCameras, loadConfig } from '../daemon/index.ts';
import { isNvrError } from '../errors.ts';
import { createNodeDatagrams, createNodeHttp, interfaceAddresses, nodeCameraHashes } from '../platform/node/index.ts';
import {
  type CamerasDiscoverResult,
  COMMANDS,
  type CommandParams,
  checkParams,
  checkResult,
  DISCOVERED_TOLD_MAX,
  type DiscoveredCamera,
  type DiscoveredHost,
  methodOf,
} from '../protocol/index.ts';
import { replyNotUnderstood, usageError } from './errors.ts';
import { environmentOf } from './node-commands.ts';
import type { Reach } from './reach.ts';
import { harmless, printTable } from './terminal.ts';
import type { World } from './world.ts';

/** What every search may be told. */
export interface DiscoverOptions {
  interface?: string[];
  seconds?: string;
  host?: string;
  json?: boolean;
}

/** What a search of this program's own may be told besides. */
export interface LocalDiscoverOptions extends DiscoverOptions {
  port?: string;
  data?: string;
}

/** The network as a search of our own needs it. */
export type DiscoverNetworkDeps = Pick<DiscoveryDeps, 'datagrams' | 'networks' | 'driverOf'>;

/** The network of this machine. */
export function networkOf({ clock, random, log }: World): DiscoverNetworkDeps {
  const deps = { clock, random, log: log('warn'), http: createNodeHttp({ clock }), hashes: nodeCameraHashes };
  return {
    datagrams: createNodeDatagrams(),
    networks: () => interfaceAddresses().filter(({ family }) => family === 4),
    driverOf: ({ service, credentials }) => createOnvifDriver(deps, { service, credentials, trustedAddress: false }),
  };
}

/** `discover`: looks for cameras from this machine, whether or not a node runs on it. */
export async function discoverCommand(
  world: World,
  network: DiscoverNetworkDeps,
  options: LocalDiscoverOptions,
): Promise<void> {
  const { clock, random, interrupt } = world;
  const wish = wishOf(options);
  const port = options.port === undefined ? null : portOf(options.port);
  const { known, ...configured } = await configuredBy(world, options);
  const discovery = createCameraDiscovery(
    { clock, random, log: world.log('warn'), ...network, known: () => known },
    { port: port ?? configured.port, ...(configured.interfaces ? { interfaces: configured.interfaces } : {}) },
  );
  await show(world, options, wish, (onFound) => discovery.discover(wish, { onFound, signal: interrupt }));
}

/** `camera discover`: has a running node look for cameras. */
export async function cameraDiscoverCommand(world: World, reach: Reach, options: DiscoverOptions): Promise<void> {
  const wish = wishOf(options);
  await show(world, options, wish, (onFound) =>
    reach((client) => discoverThrough(client, wish, onFound, world.interrupt)),
  );
}

/** Has a node look for cameras; what it tells on the way goes to `onFound`. */
async function discoverThrough(
  { connection }: NvrClient,
  wish: CommandParams<'cameras.discover'>,
  onFound: (camera: DiscoveredCamera) => void,
  signal: AbortSignal,
): Promise<CamerasDiscoverResult> {
  const stream = connection.open(methodOf('cameras.discover'), wish, { signal });
  const shape = COMMANDS['cameras.discover'].events!['cameras.found']!.params;
  stream.onEvent((name, params) => {
    const told = name === 'cameras.found' ? shape.safeParse(params) : null;
    if (told?.success) onFound(told.data as DiscoveredCamera);
  });
  for await (const _ of stream.units) {
    // None is expected; reading them is what brings the notifications.
  }
  const checked = checkResult('cameras.discover', await stream.result);
  if ('problems' in checked) throw replyNotUnderstood('cameras.discover', checked.problems);
  return checked.result;
}

async function show(
  world: World,
  { json }: DiscoverOptions,
  wish: DiscoveryWish,
  search: (onFound: (camera: DiscoveredCamera) => void) => Promise<CamerasDiscoverResult>,
): Promise<void> {
  const { terminal } = world;
  const all = new Map<string, DiscoveredCamera>();
  if (!json) {
    const where = wish.host ? `asking ${harmless(wish.host)}` : 'looking for cameras';
    terminal.err(`${where} for ${wish.seconds === 1 ? 'a second' : `${wish.seconds} seconds`} …\n`);
  }
  const found = await search((camera) => {
    const isNew = !all.has(camera.device);
    if (isNew && all.size === DISCOVERED_TOLD_MAX) return;
    all.set(camera.device, camera);
    if (isNew && !json)
      terminal.err(`  ${harmless(camera.name ?? camera.hardware ?? 'a camera')} at ${placeOf(camera)}\n`);
  });
  // The reply has them in order and as they were known at the end; beyond its size there is what was told on the way.
  for (const camera of found.cameras) all.delete(camera.device);
  const cameras = [...found.cameras, ...all.values()];
  if (json) terminal.out(`${JSON.stringify({ ...found, cameras })}\n`);
  else print(world, cameras, found);
}

function print(
  { terminal }: World,
  cameras: readonly DiscoveredCamera[],
  { complete, networks, host }: CamerasDiscoverResult,
): void {
  if (cameras.length > 0) {
    const rows = cameras.map((camera) =>
      [
        camera.name ?? '-',
        camera.hardware ?? '-',
        placeOf(camera),
        camera.urls[0] ?? '-',
        camera.configured ?? 'no',
      ].map(harmless),
    );
    printTable(terminal, ['NAME', 'HARDWARE', 'ADDRESS', 'URL', 'CONFIGURED'], rows);
  }
  if (host) terminal.out(`${HOST_SAYS[host.onvif](host)}\n`);
  for (const { name, address, asked } of networks) {
    if (!asked) terminal.err(`${harmless(name)} (${address}) could not be asked\n`);
  }
  if (!complete) terminal.err('more answered than are told\n');
  const doubtful = cameras.filter(({ from }) => from.length > 1).length;
  if (doubtful > 0) {
    const which = doubtful === 1 ? 'one answered' : `${doubtful} answered`;
    terminal.err(`${which} from two addresses: it has both, or somebody answers in its name\n`);
  }
  terminal.err(`${nextAfter(cameras, networks, host)}\n`);
}

/** What a person does next. */
function nextAfter(
  cameras: readonly DiscoveredCamera[],
  networks: CamerasDiscoverResult['networks'],
  host: DiscoveredHost | undefined,
): string {
  const fresh = cameras.find(({ configured }) => configured === undefined)?.urls[0];
  const url = fresh ?? (cameras.length === 0 && host && SPEAKS.has(host.onvif) ? host.url : undefined);
  if (url !== undefined) return `  next: source add ID --onvif ${harmless(url)} --username NAME`;
  if (cameras.length > 0) return '  all of them are configured';
  if (host) return '  next: see that ONVIF is switched on in its settings; some ask for an ONVIF user of its own';
  const ports = [...new Set(networks.filter(({ asked }) => asked).map(({ port }) => port))];
  const through = ports.length > 0 ? ` and that a firewall lets answers in to UDP port ${ports.join(', ')}` : '';
  return `no camera answered\n  next: see that ONVIF and its discovery are switched on in their settings${through}; or name one: --host HOST`;
}

const SPEAKS: ReadonlySet<DiscoveredHost['onvif']> = new Set(['answers', 'protected']);

const HOST_SAYS: Readonly<Record<DiscoveredHost['onvif'], (host: DiscoveredHost) => string>> = {
  answers: ({ url, manufacturer, model, firmware }) => {
    const facts = [manufacturer, model, firmware].filter((each) => each !== undefined).join(' ');
    return `ONVIF answers at ${url}${facts === '' ? '' : `: ${harmless(facts)}`}`;
  },
  protected: ({ url }) => `ONVIF answers at ${url}; it wants a user before it says who it is`,
  other: ({ url }) => `something answers at ${url}, and it does not speak ONVIF`,
  silent: ({ url }) => `nobody answers at ${url}`,
};

function placeOf({ from }: DiscoveredCamera): string {
  return from.map((each) => each.replace(/:\d+$/, '')).join(', ');
}

function wishOf({ interface: interfaces, seconds = '3', host }: DiscoverOptions) {
  const wish = {
    seconds: /^\d{1,2}$/.test(seconds) ? Number(seconds) : Number.NaN,
    ...(interfaces === undefined ? {} : { interfaces }),
    ...(host === undefined ? {} : { host }),
  };
  const checked = checkParams('cameras.discover', wish);
  if ('problems' in checked) throw usageError(checked.problems);
  return checked.params;
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw usageError('expected --port to be from 0 to 65535; 0 is any');
  return port;
}

/** What the configuration of this machine's node says, where it can be read; a search needs none. */
async function configuredBy(world: World, { data }: LocalDiscoverOptions) {
  try {
    const { folder } = environmentOf(world, data === undefined ? {} : { data });
    const { config } = await loadConfig(world.files, folder);
    const { discoveryPort: port, interfaces } = config.cameras;
    return { known: knownCameras(config.sources), port, interfaces };
  } catch (error) {
    if (!isNvrError(error)) throw error;
    world.terminal.err('config.yaml cannot be read; it is not told which cameras are configured\n');
    return { known: [], port: 33_702, interfaces: null };
  }
}
