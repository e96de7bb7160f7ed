import { createHash, hash } from 'node:crypto';
import { equalBytes, toHex } from '../../../src/bytes/index.ts';
import { type Hashes, schnorrPublicKey, schnorrSign, schnorrVerify } from '../../../src/crypto/index.ts';
import {
  type Clock,
  type Log,
  type NetworkFaults,
  SeededRandom,
  SimulatedClock,
  SimulatedNetwork,
  silentLog,
} from '../../../src/platform/index.ts';
import { createNodeSuite } from '../../../src/platform/node/index.ts';
import type { DeviceKey, SignedEvent } from '../../../src/protocol/index.ts';
import { createSwarm, type Swarm, type SwarmLimits, type SwarmPeer } from '../../../src/swarm/index.ts';
import { GatewayDouble } from '../../support/gateway-double.ts';

/** The usual hashes, with HMAC (RFC 2104) from two plain digests: three times as fast as a keyed object made for each datagram. */
export const hashes: Hashes = {
  ...createNodeSuite().hashes,
  hmacSha256(key, data) {
    const inner = new Uint8Array(64 + data.length).fill(0x36, 0, 64);
    const outer = new Uint8Array(96).fill(0x5c, 0, 64);
    for (const [index, byte] of key.entries()) {
      inner[index]! ^= byte;
      outer[index]! ^= byte;
    }
    inner.set(data, 64);
    outer.set(hash('sha256', inner, 'buffer'), 64);
    return Uint8Array.from(hash('sha256', outer, 'buffer'));
  },
};
export const ZONE = 'ZLoI5dHO2oBisXbfazo6';
export const PORT = 4_050;
export const GATEWAY_PORT = 4_040;

/** A way as bad as a home's: some loss, some datagrams twice, many overtaken. The MTU stands for routers that pass fragments of the old wire. */
export const HOME_WAY: Partial<NetworkFaults> = {
  loss: 0.05,
  duplicates: 0.02,
  delayMs: 10,
  jitterMs: 80,
  held: 0.02,
  heldMs: 400,
  mtuBytes: 2_100,
};

export interface SimulatedNode {
  index: number;
  host: string;
  key: DeviceKey;
  sign(digest: Uint8Array): Uint8Array;
  swarm: Swarm;
  events: { event: SignedEvent; zone: string }[];
  /** What it logged as an error. */
  errors: string[];
  running: boolean;
}

export interface SimulationOptions {
  faults?: Partial<NetworkFaults>;
  seed?: number;
  real?: boolean;
}

export interface NodeWish {
  /** Indices of nodes it lists, and of gateways. */
  nodes?: readonly number[];
  gateways?: readonly number[];
  /** How far its calendar is off, ms. */
  skewMs?: number;
  limits?: Partial<SwarmLimits>;
}

/** Nodes and gateways on one simulated network, one clock, one seed. */
export class SimulatedSwarm {
  readonly clock = new SimulatedClock();
  readonly network: SimulatedNetwork;
  readonly nodes: SimulatedNode[] = [];
  readonly gateways: GatewayDouble[] = [];
  readonly #seed: number;
  readonly #real: boolean;
  readonly #checked = new Map<string, boolean>();

  /**
   * `real` false: signatures are a digest of key and message instead, which anybody could make. Nobody forges where only the network
   * is on trial, and a hundred nodes sign and check some hundred times a second.
   */
  constructor({ faults = HOME_WAY, seed = 1, real = true }: SimulationOptions = {}) {
    this.#seed = seed;
    this.#real = real;
    this.network = new SimulatedNetwork(this.clock, { ...faults, seed });
  }

  /** Each signature is really checked once; a hundred nodes that hear it share the answer. */
  readonly verify = (key: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean => {
    if (!this.#real) return equalBytes(standIn(key, digest), signature);
    const name = `${toHex(key)}${toHex(digest)}${toHex(signature)}`;
    const known = this.#checked.get(name);
    if (known !== undefined) return known;
    const right = schnorrVerify(key, digest, signature);
    this.#checked.set(name, right);
    return right;
  };

  /** Adds gateways that know each other, and starts them. */
  async addGateways(count: number): Promise<void> {
    const peers = Array.from({ length: count }, (_, i) => ({ host: hostOfGateway(i), port: GATEWAY_PORT }));
    for (const [i, { host }] of peers.entries()) {
      const gateway = new GatewayDouble(
        { clock: this.clock, datagrams: this.network.host(host), verify: this.verify },
        {
          host,
          secret: new SeededRandom(900_000 + this.#seed * 1_000 + i).bytes(32),
          zones: [ZONE],
          peers: peers.filter((peer) => peer.host !== host),
        },
      );
      this.gateways.push(gateway);
      await gateway.start();
    }
  }

  /** Adds a node and starts it. */
  async addNode({ nodes = [], gateways = [], skewMs = 0, limits = {} }: NodeWish = {}): Promise<SimulatedNode> {
    const index = this.nodes.length;
    const host = hostOfNode(index);
    const random = new SeededRandom(this.#seed * 100_000 + index);
    const secret = random.bytes(32);
    const keyBytes = schnorrPublicKey(secret);
    const key = toHex(keyBytes) as DeviceKey;
    const sign = (digest: Uint8Array) =>
      this.#real ? schnorrSign(secret, digest, new Uint8Array(32)) : standIn(keyBytes, digest);
    const events: SimulatedNode['events'] = [];
    const errors: string[] = [];
    const log: Log = {
      ...silentLog,
      error: (fields, text) => errors.push(`${text} ${JSON.stringify(fields)}`),
      child: () => log,
    };
    const clock = skewMs === 0 ? this.clock : skewed(this.clock, skewMs);
    const peers: SwarmPeer[] = [
      ...gateways.map((i) => peerAt(hostOfGateway(i), GATEWAY_PORT, 'gateway')),
      ...nodes.map((i) => peerAt(hostOfNode(i), PORT, 'node')),
    ];
    const swarm = createSwarm(
      {
        clock,
        random,
        log,
        hashes,
        datagrams: this.network.host(host),
        nodeId: key,
        sign,
        facts: () => ({
          label: `Node ${index}`,
          identityId: 'id-b64urlExample012',
          version: '0.1.0',
          hostGateway: '',
          channelKey: secret,
          channelAddresses: [`${host}:8456`],
          camerasTotal: 3,
          camerasEnabled: 2,
          uptimeS: Math.floor(clock.monotonic() / 1000),
        }),
        onEvent: (event, zone) => events.push({ event, zone }),
        verify: this.verify,
      },
      {
        listen: [{ host, port: PORT }],
        peers,
        zones: [{ key: ZONE, name: 'Home' }],
        nodeName: `nvr-${index.toString(16).padStart(8, '0')}`,
        role: 'native',
        endpointHint: `${host}:${PORT}`,
        limits,
      },
    );
    const node = { index, host, key, sign, swarm, events, errors, running: true };
    this.nodes.push(node);
    await swarm.start();
    return node;
  }

  /** As many nodes as an owner with many homes would have: each lists two gateways and three other nodes, all start within two seconds. */
  async addNodes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const gateways = [i, i + 1].map((each) => each % Math.max(1, this.gateways.length));
      const nodes = [1, 7, 31].map((step) => (i + step) % count).filter((each) => each !== i);
      await this.addNode({
        nodes: [...new Set(nodes)],
        gateways: this.gateways.length > 0 ? [...new Set(gateways)] : [],
      });
      await this.clock.advance(2_000 / count);
    }
  }

  async stop(node: SimulatedNode): Promise<void> {
    node.running = false;
    await node.swarm.stop();
  }

  async stopAll(): Promise<void> {
    for (const node of this.nodes) if (node.running) await this.stop(node);
    for (const gateway of this.gateways) await gateway.stop();
  }

  /** Nodes that run. */
  get running(): SimulatedNode[] {
    return this.nodes.filter(({ running }) => running);
  }

  /** Lets time pass until a condition holds, a second at a time; gives how long that took, ms, or null beyond `mostMs`. */
  async until(condition: () => boolean, mostMs: number): Promise<number | null> {
    const startMs = this.clock.monotonic();
    while (!condition()) {
      if (this.clock.monotonic() - startMs >= mostMs) return null;
      await this.clock.advance(1_000);
    }
    return this.clock.monotonic() - startMs;
  }

  /** Pairs of running nodes of which the first does not know the second. */
  strangers(among: readonly SimulatedNode[] = this.running, of: readonly SimulatedNode[] = among): number {
    let count = 0;
    for (const node of among)
      for (const other of of) if (node !== other && !node.swarm.deviceRecord(other.key)) count++;
    return count;
  }

  /** Configured peers, over all running nodes, that are not confirmed; gateways too. */
  silent(among: readonly SimulatedNode[] = this.running): number {
    let count = 0;
    for (const { swarm } of among)
      count += swarm.status().peers.filter(({ configured, confirmed }) => configured && !confirmed).length;
    return count;
  }

  /** Nodes that so many links between confirmed peers or fewer lead to, without the one they begin at. */
  within(start: SimulatedNode, links: number): SimulatedNode[] {
    const byHost = new Map(this.running.map((node) => [`${node.host}:${PORT}`, node]));
    const found = new Set([start]);
    let edge = [start];
    for (let i = 0; i < links; i++) {
      edge = edge
        .flatMap(({ swarm }) => swarm.status().peers.filter(({ confirmed }) => confirmed))
        .map(({ address }) => byHost.get(address))
        .filter((node) => node !== undefined && !found.has(node)) as SimulatedNode[];
      for (const node of edge) found.add(node);
    }
    found.delete(start);
    return [...found];
  }

  /** A sum of one reason over all nodes. */
  refused(reason: string): number {
    return this.nodes.reduce((sum, { swarm }) => sum + (swarm.status().counters.refused[reason] ?? 0), 0);
  }
}

export function hostOfNode(index: number): string {
  return `10.${1 + Math.floor(index / 250)}.${index % 250}.1`;
}

export function hostOfGateway(index: number): string {
  return `192.0.2.${1 + index}`;
}

function peerAt(host: string, port: number, kind: SwarmPeer['kind']): SwarmPeer {
  return { host, port, kind, disclose: 'full', zones: [ZONE] };
}

function standIn(key: Uint8Array, digest: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha512').update(key).update(digest).digest());
}

/** The same time, with a calendar that is off. */
function skewed(clock: Clock, ms: number): Clock {
  return {
    now: () => clock.now() + ms,
    nowUs: () => clock.nowUs() + ms * 1000,
    monotonic: () => clock.monotonic(),
    monotonicUs: () => clock.monotonicUs(),
    sleep: (forMs, signal) => clock.sleep(forMs, signal),
    after: (afterMs, task) => clock.after(afterMs, task),
  };
}
