// A node's swarm as a process of its own, without the rest of the node: told on standard input what to do (one JSON line), it says what
// it sees ten times a second (one JSON line each), until its standard input ends.
import { createInterface } from 'node:readline';
import { toHex } from '../../src/bytes/index.ts';
import { schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeRandom,
  createNodeSuite,
} from '../../src/platform/node/index.ts';
import type { DeviceKey } from '../../src/protocol/index.ts';
import { createSwarm, type SwarmLimits, type SwarmPeer, type SwarmStatus } from '../../src/swarm/index.ts';

/** What it is told. */
export interface SwarmProcessTask {
  listen: { host: string; port: number }[];
  peers: SwarmPeer[];
  zone: string;
  limits?: Partial<SwarmLimits>;
}

/** What it says: wall time, epoch ms, and the member's view. */
export interface SwarmProcessSight {
  at: number;
  status: SwarmStatus;
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { listen, peers, zone, limits = {} } = JSON.parse((await lines.next()).value as string) as SwarmProcessTask;
const random = createNodeRandom();
const clock = createNodeClock();
const secret = random.bytes(32);
const channelKey = random.bytes(32);
const swarm = createSwarm(
  {
    clock,
    random,
    log: silentLog,
    hashes: createNodeSuite().hashes,
    datagrams: createNodeDatagrams(),
    nodeId: toHex(schnorrPublicKey(secret)) as DeviceKey,
    sign: (digest) => schnorrSign(secret, digest, random.bytes(32)),
    facts: () => ({
      label: 'Swarm process',
      identityId: '',
      version: '0.1.0',
      hostGateway: '',
      channelKey,
      channelAddresses: listen.map(({ host }) => (host.includes(':') ? `[${host}]:8456` : `${host}:8456`)),
      camerasTotal: 0,
      camerasEnabled: 0,
      uptimeS: 0,
    }),
    onEvent: () => {},
  },
  {
    listen,
    peers,
    zones: [{ key: zone, name: 'Way' }],
    nodeName: `nvr-${toHex(random.bytes(4))}`,
    role: 'native',
    endpointHint: '',
    limits,
  },
);
await swarm.start();
const telling = setInterval(() => {
  const sight: SwarmProcessSight = { at: clock.now(), status: swarm.status() };
  process.stdout.write(`${JSON.stringify(sight)}\n`);
}, 100);
await lines.next();
clearInterval(telling);
await swarm.stop();
