import type { Clock, DatagramAddress, DatagramSocket, Datagrams, Log, Random } from '../platform/index.ts';
import { type CamerasDiscoverResult, DISCOVERED_MAX } from '../protocol/index.ts';
import { searchRefused } from './errors.ts';
import { PROBE_TYPES, type ProbeMatch, type ProbeReason, parseProbeMatches, uuidOf, writeProbe } from './probe.ts';

export interface DiscoveryDeps {
  clock: Clock;
  random: Random;
  log: Log;
  datagrams: Datagrams;
  /** Numeric IPv4 addresses of this machine: each one's network is asked. Empty: wherever the system sends it. */
  localAddresses: () => readonly string[];
}

export interface DiscoveryOptions {
  /** Whom probes go to. Default: the group of WS-Discovery, 239.255.255.250, port 3702. */
  target?: { host: string; port: number };
  /** How long one search takes, whatever arrives. Default 3,000. */
  searchMs?: number;
}

const GROUP = { host: '239.255.255.250', port: 3702 };
const SEARCH_MS = 3_000;
/** SOAP over UDP: a multicast message goes out twice, 50 to 250 ms apart. */
const REPEAT_MS = { min: 50, spread: 200 };
/** Networks asked at once. */
const SOCKETS_MAX = 16;
/** Answers read in one search, and of one address: an honest camera needs four for each network it shares with us. */
const ANSWERS_MAX = 1_024;
const ANSWERS_OF_ONE_MAX = 16;

/** Cameras that answer on the local networks. */
export interface CameraDiscovery {
  /** Hints of cameras nearby, after three seconds. Calls at the same time share one search. `ERR_CAMERAS_SEARCH` (`unavailable`). */
  discover(): Promise<CamerasDiscoverResult>;
}

/** Makes the discovery of ONVIF cameras by WS-Discovery. It holds no socket between searches. */
export function createCameraDiscovery(deps: DiscoveryDeps, options: DiscoveryOptions = {}): CameraDiscovery {
  const { target = GROUP, searchMs = SEARCH_MS } = options;
  let running: Promise<CamerasDiscoverResult> | null = null;
  return {
    discover() {
      running ??= search(deps, { ...target, family: 4 }, searchMs).finally(() => {
        running = null;
      });
      return running;
    },
  };
}

async function search(deps: DiscoveryDeps, target: DatagramAddress, searchMs: number): Promise<CamerasDiscoverResult> {
  const { clock, random, log } = deps;
  const until = new AbortController();
  const cancel = clock.after(searchMs, () => until.abort());
  const over = new Promise<void>((done) => until.signal.addEventListener('abort', () => done(), { once: true }));
  const probes = (Object.keys(PROBE_TYPES) as (keyof typeof PROBE_TYPES)[]).map((type) => {
    const uuid = uuidOf(random.bytes(16));
    return { uuid, bytes: writeProbe(uuid, type) };
  });
  const answers = new Answers((uuid) => probes.some((each) => each.uuid === uuid));
  const sockets: DatagramSocket[] = [];
  const ask = async (host: string) => {
    const socket = await deps.datagrams.open({ host, port: 0 });
    if (until.signal.aborted) return socket.close(); // opened too late
    sockets.push(socket);
    socket.onDatagram((bytes, from) => answers.take(bytes, from));
    for (const { bytes } of probes) await socket.send(bytes, target);
    await clock.sleep(REPEAT_MS.min + (random.bytes(1)[0]! / 255) * REPEAT_MS.spread, until.signal).catch(() => {});
    for (const { bytes } of until.signal.aborted ? [] : probes) await socket.send(bytes, target);
  };
  try {
    const hosts = [...new Set(deps.localAddresses())].slice(0, SOCKETS_MAX);
    const asked = Promise.allSettled((hosts.length > 0 ? hosts : ['0.0.0.0']).map(ask));
    const results = await Promise.race([asked, over]);
    for (const result of results ?? []) {
      if (result.status === 'rejected') log.debug({ error: result.reason }, 'a network could not be asked for cameras');
    }
    if (results?.every(({ status }) => status === 'rejected')) {
      throw searchRefused(results.find((each) => each.status === 'rejected')?.reason);
    }
    await over;
    const found = answers.told();
    log.info({ cameras: found.cameras.length, ...answers.counts() }, 'looked for cameras');
    return found;
  } finally {
    cancel();
    until.abort();
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/** What came in; bounded in answers of each, answers of all, and cameras. */
class Answers {
  readonly #asked: (uuid: string) => boolean;
  readonly #found = new Map<string, CamerasDiscoverResult['cameras'][number]>();
  readonly #ofOne = new Map<string, number>();
  readonly #refused = new Map<ProbeReason, number>();
  #read = 0;
  #complete = true;

  constructor(asked: (uuid: string) => boolean) {
    this.#asked = asked;
  }

  take(bytes: Uint8Array, from: DatagramAddress): void {
    const ofOne = this.#ofOne.get(from.host) ?? 0;
    if (this.#read === ANSWERS_MAX || ofOne === ANSWERS_OF_ONE_MAX) {
      this.#complete = false;
      this.#count('limit');
      return;
    }
    this.#read += 1;
    this.#ofOne.set(from.host, ofOne + 1);
    const answer = parseProbeMatches(bytes, this.#asked);
    if ('reason' in answer) this.#count(answer.reason);
    else for (const match of answer.matches) this.#keep(match, from);
  }

  told(): CamerasDiscoverResult {
    const cameras = [...this.#found.values()].sort((a, b) => compare(orderOf(a.from), orderOf(b.from)));
    return { cameras, complete: this.#complete };
  }

  counts() {
    return { answers: this.#read, refused: Object.fromEntries(this.#refused) };
  }

  #keep({ device, urls, name, hardware }: ProbeMatch, { host, port }: DatagramAddress): void {
    const facts = { ...(name === undefined ? {} : { name }), ...(hardware === undefined ? {} : { hardware }) };
    for (const endpoint of urls) {
      const key = `${device} ${endpoint}`;
      if (this.#found.has(key)) continue;
      if (this.#found.size === DISCOVERED_MAX) {
        this.#complete = false;
        return;
      }
      this.#found.set(key, { endpoint, from: `${host}:${port}`, device, ...facts });
    }
  }

  #count(reason: ProbeReason): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}

/** Numbers of an address padded, so that .9 stands before .10. */
function orderOf(from: string): string {
  return from.replace(/\d+/g, (digits) => digits.padStart(5, '0'));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
