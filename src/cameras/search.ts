import { NvrError } from '../errors.ts';
import type { Clock, DatagramAddress, DatagramSocket, Datagrams, Log, Random } from '../platform/index.ts';
import type { DiscoveredCamera, DiscoverNetwork } from '../protocol/index.ts';
import { searchRefused } from './errors.ts';
import { FoundCameras, type KnownCamera } from './found-cameras.ts';
import { PROBE_TYPES, uuidOf, writeProbe } from './probe.ts';

/** SOAP over UDP: a message goes out twice, 50 to 250 ms apart. */
const REPEAT_MS = { min: 50, spread: 200 };

export interface SearchDeps {
  clock: Clock;
  random: Random;
  log: Log;
  datagrams: Datagrams;
}

/** One place to ask from. */
export interface SearchPlace {
  /** Name of the interface, for people. */
  name: string;
  /** Local address to send from and to take answers at. */
  address: string;
  /** Who is asked: a group, whose probes leave through that address, or hosts. */
  targets: readonly DatagramAddress[];
  /** Only these may answer (numeric addresses); null: anybody. */
  answers: readonly string[] | null;
}

export interface SearchOptions {
  places: readonly SearchPlace[];
  /** How long, whatever arrives. */
  searchMs: number;
  /** Local UDP port of every place, 0: any. Where it is taken, another. */
  port: number;
  known: readonly KnownCamera[];
  onFound: (camera: DiscoveredCamera) => void;
  /** Ends it early: what was heard by then is given. */
  signal: AbortSignal;
}

/** What was heard, and which networks were asked. */
export interface Search {
  cameras: DiscoveredCamera[];
  complete: boolean;
  networks: DiscoverNetwork[];
}

/** One search for cameras. Its sockets live as long as it. `ERR_CAMERAS_SEARCH` (`unavailable`) where no place can be asked from. */
export async function search(deps: SearchDeps, options: SearchOptions): Promise<Search> {
  const { clock, random, log } = deps;
  const { places, known, onFound } = options;
  const until = new AbortController();
  const end = () => until.abort();
  const cancel = clock.after(options.searchMs, end);
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  const over = new Promise<void>((done) => {
    if (until.signal.aborted) done();
    until.signal.addEventListener('abort', () => done(), { once: true });
  });
  const probes = (Object.keys(PROBE_TYPES) as (keyof typeof PROBE_TYPES)[]).map((type) => {
    const uuid = uuidOf(random.bytes(16));
    return { uuid, bytes: writeProbe(uuid, type) };
  });
  const found = new FoundCameras({ asked: (uuid) => probes.some((each) => each.uuid === uuid), known, onFound });
  const sockets: DatagramSocket[] = [];
  const networks = places.map(({ name, address }): DiscoverNetwork => ({ name, address, asked: false, port: 0 }));

  const ask = async ({ name, address, targets, answers }: SearchPlace, network: DiscoverNetwork) => {
    const isGroup = targets.some(({ host }) => isMulticast(host));
    const socket = await openAt(deps.datagrams, { host: address, isGroup, port: options.port });
    if (until.signal.aborted) return socket.close(); // opened too late
    sockets.push(socket);
    socket.onDatagram((bytes, from) => {
      if (!until.signal.aborted && (answers?.includes(from.host) ?? true)) found.take(bytes, from, name);
    });
    let sent = false;
    const send = async () => {
      for (const target of targets) {
        for (const { bytes } of probes) sent = (!until.signal.aborted && (await socket.send(bytes, target))) || sent;
      }
    };
    await send();
    Object.assign(network, { asked: sent, port: sent ? socket.local.port : 0 });
    await clock.sleep(REPEAT_MS.min + (random.bytes(1)[0]! / 255) * REPEAT_MS.spread, until.signal).catch(() => {});
    await send();
    Object.assign(network, { asked: sent, port: sent ? socket.local.port : 0 });
    if (!sent && !until.signal.aborted) throw new Error('the system sent nothing');
  };

  try {
    const asked = Promise.allSettled(places.map((place, i) => ask(place, networks[i]!)));
    const results = await Promise.race([asked, over]);
    const refused = (results ?? []).flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    for (const error of refused) log.debug({ error }, 'a network could not be asked for cameras');
    if (results && refused.length === results.length) throw searchRefused(refused[0]);
    await over;
    const cameras = found.cameras();
    log.info({ cameras: cameras.length, ...found.counts() }, 'looked for cameras');
    return { cameras, complete: found.complete, networks: networks.map((each) => ({ ...each })) };
  } finally {
    cancel();
    options.signal.removeEventListener('abort', end);
    end();
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/** A socket at the port that the firewall knows, or, where somebody else has it, at any. */
async function openAt(
  datagrams: Datagrams,
  { host, isGroup, port }: { host: string; isGroup: boolean; port: number },
): Promise<DatagramSocket> {
  const multicast = isGroup && host !== '0.0.0.0' ? { multicast: { through: host } } : {};
  try {
    return await datagrams.open({ host, port, ...multicast });
  } catch (error) {
    if (port === 0 || !(error instanceof NvrError)) throw error;
    return datagrams.open({ host, port: 0, ...multicast });
  }
}

function isMulticast(host: string): boolean {
  const first = Number(/^(\d+)\./.exec(host)?.[1] ?? 0);
  return first >= 224 && first <= 239;
}
