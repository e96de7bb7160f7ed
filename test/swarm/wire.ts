import { toHex } from '../../src/bytes/index.ts';
import { schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import {
  type DatagramAddress,
  type DatagramSocket,
  type Datagrams,
  type Log,
  SeededRandom,
  SimulatedClock,
  silentLog,
} from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import type { DeviceKey, SignedEvent } from '../../src/protocol/index.ts';
import { createSwarm, type NodeFacts, type Swarm, type SwarmOptions, type SwarmPeer } from '../../src/swarm/index.ts';

export const { hashes } = createNodeSuite();
export const ZONE = 'ZLoI5dHO2oBisXbfazo6';
export const OTHER_ZONE = 'vLZnKG-0ezZ1tyh24Kww';
export const PORT = 4050;

export interface Sent {
  bytes: Uint8Array;
  from: DatagramAddress;
  to: DatagramAddress;
}

/** A wire that loses nothing unless it is told to, remembers what passed, and lets anybody speak in any name. */
export class Wire {
  readonly clock: SimulatedClock;
  readonly sent: Sent[] = [];
  /** Share of datagrams that get lost, by seeded chance, and how long the others take: at least, and at most that much more. */
  lossPercent = 0;
  delayMs = 5;
  jitterMs = 0;
  readonly chance: SeededRandom;
  readonly names = new Map<string, string[]>();
  readonly #sockets = new Map<string, (bytes: Uint8Array, from: DatagramAddress) => void>();
  readonly #cut = new Set<string>();

  constructor(clock = new SimulatedClock(), seed = 1) {
    this.clock = clock;
    this.chance = new SeededRandom(seed);
  }

  /** The datagrams of one host. */
  host(host: string): Datagrams {
    return {
      open: async ({ port }) =>
        this.socket({ host, port: port || 50_000 + this.#sockets.size, family: familyOf(host) }),
      resolve: async (name) => (this.names.get(name) ?? [name]).map((each) => ({ host: each, family: familyOf(each) })),
    };
  }

  socket(local: DatagramAddress): DatagramSocket {
    return {
      local,
      onDatagram: (listener) => this.#sockets.set(`${local.host} ${local.port}`, listener),
      send: async (bytes, to) => {
        this.inject(bytes, to, local);
        return true;
      },
      close: async () => {
        this.#sockets.delete(`${local.host} ${local.port}`);
      },
    };
  }

  /** Sends in any name. */
  inject(bytes: Uint8Array, to: DatagramAddress, from: DatagramAddress): void {
    const copy = bytes.slice();
    this.sent.push({ bytes: copy, from, to });
    if (this.#cut.has(from.host) || this.#cut.has(to.host)) return;
    if (this.lossPercent > 0 && this.chance.below(100) < this.lossPercent) return;
    const delayMs = this.delayMs + (this.jitterMs > 0 ? this.chance.below(this.jitterMs) : 0);
    this.clock.after(delayMs, () => this.#sockets.get(`${to.host} ${to.port}`)?.(copy, from));
  }

  cut(host: string): void {
    this.#cut.add(host);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** What went from one host to another since the list was emptied. */
  between(from: string, to: string): Uint8Array[] {
    return this.sent.filter((each) => each.from.host === from && each.to.host === to).map((each) => each.bytes);
  }
}

export function at(host: string, port = PORT): DatagramAddress {
  return { host, port, family: familyOf(host) };
}

function familyOf(host: string): 4 | 6 {
  return host.includes(':') ? 6 : 4;
}

export function peerAt(host: string, kind: SwarmPeer['kind'], more: Partial<SwarmPeer> = {}): SwarmPeer {
  return { host, port: PORT, kind, disclose: 'full', zones: [ZONE], ...more };
}

export interface Node {
  swarm: Swarm;
  key: DeviceKey;
  secret: Uint8Array;
  events: { event: SignedEvent; zone: string }[];
  facts: NodeFacts;
  log: string[];
}

let made = 0;

/** A node on the wire, not started. */
export function nodeAt(
  wire: Wire,
  host: string,
  peers: SwarmPeer[] = [],
  options: Partial<SwarmOptions> = {},
  verify?: (key: Uint8Array, digest: Uint8Array, signature: Uint8Array) => boolean,
): Node {
  const random = new SeededRandom(1_000 + made++);
  const secret = random.bytes(32);
  const key = toHex(schnorrPublicKey(secret)) as DeviceKey;
  const events: Node['events'] = [];
  const lines: string[] = [];
  const facts: NodeFacts = {
    label: `Node ${host}`,
    identityId: 'id-b64urlExample012',
    version: '0.1.0',
    hostGateway: '',
    channelKey: random.bytes(32),
    channelAddresses: [`${host.includes(':') ? `[${host}]` : host}:8456`],
    camerasTotal: 3,
    camerasEnabled: 2,
    uptimeS: 60,
  };
  const log: Log = {
    ...silentLog,
    error: (fields, text) => lines.push(`${text} ${JSON.stringify(fields)}`),
    child: () => log,
  };
  const swarm = createSwarm(
    {
      clock: wire.clock,
      random,
      log,
      hashes,
      datagrams: wire.host(host),
      nodeId: key,
      sign: (digest) => schnorrSign(secret, digest, new Uint8Array(32)),
      facts: () => facts,
      onEvent: (event, zone) => events.push({ event, zone }),
      ...(verify ? { verify } : {}),
    },
    {
      listen: [{ host, port: PORT }],
      peers,
      zones: [{ key: ZONE, name: 'Home' }],
      nodeName: 'nvr-0a1b2c3d',
      role: 'native',
      endpointHint: `${host}:${PORT}`,
      ...options,
    },
  );
  return { swarm, key, secret, events, facts, log: lines };
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The JSON objects among some datagrams. */
export function messages(datagrams: readonly Uint8Array[]): Record<string, unknown>[] {
  return datagrams.filter((each) => each[0] === 0x7b).map((each) => JSON.parse(text(each)) as Record<string, unknown>);
}
