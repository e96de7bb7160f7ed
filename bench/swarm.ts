import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromHex, toHex, utf8 } from '../src/bytes/index.ts';
import { schnorrPublicKey, schnorrSign, schnorrVerify } from '../src/crypto/index.ts';
import {
  type DatagramAddress,
  type Datagrams,
  SeededRandom,
  SimulatedClock,
  SimulatedNetwork,
  silentLog,
} from '../src/platform/index.ts';
import { createNodeSuite } from '../src/platform/node/index.ts';
import {
  type DeviceKey,
  deviceRecordEvent,
  encodeFind,
  encodeHello,
  encodeLegacyDatagram,
  encodeNodeDatagram,
  encodeProve,
  NODE_KINDS,
  type NodeKind,
  type SignedEvent,
  signEventWith,
} from '../src/protocol/index.ts';
import { createSwarm, type Swarm, type SwarmLimits, type SwarmPeer } from '../src/swarm/index.ts';
import { type Bench, measure } from './measure.ts';

const { hashes } = createNodeSuite();
const ZONE = 'ZLoI5dHO2oBisXbfazo6';
const PORT = 4050;
const PEER = '10.0.1.1';
const RELAY = '10.0.2.1';
const GATEWAY = '10.0.3.1';

/** Enough for a steady figure, few enough to be signed in some seconds. */
const RECORDS = 2_000;
const BATCH = 100;
const FORGED = 40_000;
/** How long each kind of question is waited on for late answers, simulated ms: longer than any memory of a stranger. */
const WAIT_MS = 120_000;

/** Rates that a single sender would meet at once; what is measured is the work behind them. */
const UNLIMITED: Partial<SwarmLimits> = {
  peerPerSecond: 1e9,
  peerBurst: 1e9,
  checksPerPeer: 1e9,
  checksPerPeerBurst: 1e9,
  checksPerSecond: 1e9,
  checksBurst: 1e9,
  bitsPerPeer: 1e12,
  bitsTotal: 1e12,
  recordsMax: 2 * RECORDS,
};

interface Node {
  swarm: Swarm;
  /** Hands it a datagram without a network between. */
  receive(bytes: Uint8Array, from: DatagramAddress): void;
}

interface Author {
  secret: Uint8Array;
  key: DeviceKey;
}

/** CPU per record against a bare signature check, datagrams refused per second, and what an address that proves nothing gets for its bytes. */
export const benchSwarm: Bench = async (report, say) => {
  const { node, clock, datagrams, events } = await recordsOnTheirWay(say);
  const checks = events.map(({ pubkey, id, sig }) => [fromHex(pubkey)!, fromHex(id)!, fromHex(sig)!] as const);
  const from = at(RELAY);
  const spentMs = { bare: 0, admitted: 0 };
  // By turns, so that both meet the same moods of the machine; the first round warms both up and does not count.
  for (let first = 0; first < RECORDS; first += BATCH) {
    const bare = cpuMs(() => {
      for (const [key, digest, signature] of checks.slice(first, first + BATCH))
        if (!schnorrVerify(key, digest, signature)) throw new Error('a good signature was refused');
    });
    const admitted = cpuMs(() => {
      for (const bytes of datagrams.slice(first, first + BATCH)) node.receive(bytes, from);
    });
    if (first === 0) continue;
    spentMs.bare += bare;
    spentMs.admitted += admitted;
  }
  const { records, counters } = node.swarm.status();
  const kept = records.filter(
    ({ type, device }) => type === 'device' && events.some(({ pubkey }) => pubkey === device),
  );
  if (kept.length !== RECORDS)
    throw new Error(`${kept.length} of ${RECORDS} records were admitted: ${JSON.stringify(counters)}`);
  const counted = RECORDS - BATCH;
  report(
    measure('swarm.admitted', (counted / spentMs.admitted) * 1000, 'records/s', {
      baseline: `bare schnorrVerify, ${Math.round((counted / spentMs.bare) * 1000)}/s`,
      ratio: spentMs.bare / spentMs.admitted,
      atLeast: 0.8,
    }),
  );

  // Forged in a peer's name: the right address, a record's form and size, no session key. Each costs a code over 1.1 kB.
  const forged = datagrams.map((bytes, index) => {
    const copy = bytes.slice();
    copy[8 + (index % 16)]! ^= 0x40;
    return copy;
  });
  report(
    measure(
      'swarm.refused',
      rate(node, forged, () => from, 'code', say),
      'datagrams/s',
    ),
  );
  const proof = encodeProve(new Uint8Array(16), {
    nonce: new Uint8Array(16),
    expected: new Uint8Array(32),
    author: new Uint8Array(32),
    signature: new Uint8Array(64),
    tags: [new Uint8Array(16)],
  });
  // From strangers, each with an address of its own: proofs with an invented cookie.
  const stranger = (index: number) => at(`100.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`);
  report(measure('swarm.refused_strangers', rate(node, [proof], stranger, 'cookie', say), 'datagrams/s'));
  await node.swarm.stop();
  await clock.advance(1_000);

  report(measure('swarm.amplification', await worstAnswer(say), 'bytes out per byte in', { atMost: 1 }));
};

/** A node with a proved peer, and datagrams of that peer that it has not seen: one device record each, of as many authors. */
async function recordsOnTheirWay(say: (text: string) => void) {
  say(`signing ${RECORDS} records …`);
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock);
  const node = nodeOn(network, clock, PEER, [], UNLIMITED);
  const relay = nodeOn(network, clock, RELAY, [peer(PEER, 'node')], UNLIMITED);
  await node.swarm.start();
  await relay.swarm.start();
  await clock.advance(3_000);
  if (node.swarm.status().peers[0]?.confirmed !== true) throw new Error('the peer was not confirmed');
  network.part([PEER], [RELAY]);
  const datagrams: Uint8Array[] = [];
  network.onSend = ({ bytes, to }) => {
    if (to.host === PEER && bytes[4] === NODE_KINDS.record) datagrams.push(bytes.slice());
  };
  const random = new SeededRandom(7);
  const events = Array.from({ length: RECORDS }, () => recordOf(authorOf(random), clock.now()));
  for (const event of events) relay.swarm.publish(event, [ZONE]);
  network.onSend = null;
  return { node, clock, datagrams, events };
}

/** How many forged datagrams a second of CPU refuses; each must end for `reason` or at a rate before it. */
function rate(
  node: Node,
  datagrams: readonly Uint8Array[],
  from: (index: number) => DatagramAddress,
  reason: string,
  say: (text: string) => void,
): number {
  const feed = (count: number) => {
    for (let i = 0; i < count; i++) node.receive(datagrams[i % datagrams.length]!, from(i));
  };
  feed(FORGED / 10);
  const before = node.swarm.status().counters;
  const spent = cpuMs(() => feed(FORGED));
  const after = node.swarm.status().counters;
  const ended = (name: string) => (after.refused[name] ?? 0) - (before.refused[name] ?? 0);
  if (ended(reason) + ended('rate') !== FORGED) throw new Error(`some were not refused: ${JSON.stringify(after)}`);
  say(`${ended(reason)} refused as ${reason}, ${ended('rate')} at a rate`);
  return (FORGED / spent) * 1000;
}

/** The largest ratio of bytes out to bytes in over many kinds of datagrams, each kind from addresses of its own. */
async function worstAnswer(say: (text: string) => void): Promise<number> {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock);
  const random = new SeededRandom(11);
  // One that greets nobody: whatever it sends is an answer. The gateway it lists is not there.
  const node = nodeOn(network, clock, PEER, [peer(GATEWAY, 'gateway')]);
  await node.swarm.start();
  const author = authorOf(random);
  const kinds = await questions(random, author, clock.now());
  const totals = new Map<string, { into: number; out: number }>();
  network.onSend = ({ bytes, from, to }) => {
    const side = from.host === PEER ? to.host : from.host;
    const total = totals.get(side) ?? { into: 0, out: 0 };
    totals.set(side, total);
    total[from.host === PEER ? 'out' : 'into'] += bytes.length;
  };
  let worst = { ratio: 0, name: 'none' };
  for (const [index, [name, datagrams]] of kinds.entries()) {
    totals.clear();
    for (const times of [1, 30]) {
      const from = at(`198.51.${index}.${times}`, 40_000 + times);
      for (let i = 0; i < times; i++) network.inject(datagrams[i % datagrams.length]!, from, at(PEER));
    }
    await clock.advance(WAIT_MS);
    for (const [host, { into, out }] of totals) {
      if (host === GATEWAY) continue;
      if (out / into > worst.ratio) worst = { ratio: out / into, name };
    }
  }
  say(`${kinds.length} kinds of datagrams; the largest answer was to ${worst.name}`);
  if (worst.ratio === 0) throw new Error('nothing was answered at all: the measure measures nothing');
  await node.swarm.stop();
  return worst.ratio;
}

/** What an address that has received nothing can send: every kind of both wires, well and badly formed, and noise. */
async function questions(random: SeededRandom, author: Author, now: number): Promise<[string, Uint8Array[]][]> {
  const record = recordOf(author, now);
  const greeting = { nodeName: 'nvr-0a1b2c3d', device: author.key, zones: [ZONE], ts: now };
  const nobody = { identityId: null, device: null, dhtScope: null, dhtKey: null };
  const nonce = random.bytes(16);
  const device = fromHex(author.key)!;
  const signature = random.bytes(64);
  const zeros = new Uint8Array(32);
  const found: [string, Uint8Array[]][] = [
    ['HELLO', [encodeHello(nonce)]],
    ['HELLO, new nonces', Array.from({ length: 30 }, () => encodeHello(random.bytes(16)))],
    ['HELLO, cut', [encodeHello(nonce).slice(0, 100)]],
    ['PROVE', [encodeProve(random.bytes(16), { nonce, expected: zeros, author: device, signature, tags: [nonce] })]],
    ['FIND', [encodeFind(random.bytes(16), { nonce, tag: random.bytes(16), device })]],
    ['hello', [encodeLegacyDatagram({ kind: 'hello', ...greeting })]],
    ['ack', [encodeLegacyDatagram({ kind: 'ack', ...greeting })]],
    ['record', [encodeLegacyDatagram({ kind: 'record', zone: ZONE, recordType: 'device', event: record, ts: now })]],
    [
      'recordrequest',
      [encodeLegacyDatagram({ kind: 'recordrequest', zone: ZONE, types: [], ...nobody, hops: 0, ts: now })],
    ],
    ['noise', Array.from({ length: 30 }, () => random.bytes(1 + random.below(1_400)))],
    ['one byte', [Uint8Array.of(0xf5)]],
    ['nothing', [new Uint8Array(0)]],
    ['STUN binding request', [fromHex('000100002112a442000102030405060708090a0b')!]],
    ['DNS question', [fromHex('000101000001000000000000076578616d706c6503636f6d0000010001')!]],
  ];
  for (const kind of Object.keys(NODE_KINDS) as NodeKind[]) {
    for (const size of [0, 8, 32, 34, 130, 600]) {
      found.push([
        `${kind} of ${size} bytes`,
        [encodeNodeDatagram(kind, random.bytes(size), { check: random.bytes(16) })],
      ]);
    }
  }
  const vectors = JSON.parse(readFileSync(resolve(import.meta.dirname, '../test/vectors/vectors-v1.json'), 'utf8')) as {
    udp: Record<'messages' | 'accept' | 'reject', { name: string; datagram?: string; datagramHex?: string }[]>;
  };
  for (const { name, datagram, datagramHex } of [vectors.udp.messages, vectors.udp.accept, vectors.udp.reject].flat()) {
    found.push([`vector ${name}`, [datagramHex === undefined ? utf8(datagram!) : fromHex(datagramHex)!]]);
  }
  return found;
}

function nodeOn(
  network: SimulatedNetwork,
  clock: SimulatedClock,
  host: string,
  peers: SwarmPeer[],
  limits: Partial<SwarmLimits> = {},
): Node {
  const random = new SeededRandom(host.length + Number(host.split('.')[2]));
  const { secret, key } = authorOf(random);
  let receive: Node['receive'] = () => {};
  const inner = network.host(host);
  const datagrams: Datagrams = {
    resolve: inner.resolve,
    async open(place) {
      const socket = await inner.open(place);
      return {
        ...socket,
        onDatagram(listener) {
          receive = listener;
          socket.onDatagram(listener);
        },
      };
    },
  };
  const swarm = createSwarm(
    {
      clock,
      random,
      log: silentLog,
      hashes,
      datagrams,
      nodeId: key,
      sign: (digest) => schnorrSign(secret, digest, random.bytes(32)),
      facts: () => ({
        label: `Node ${host}`,
        identityId: 'id-b64urlExample012',
        version: '0.1.0',
        hostGateway: '',
        channelKey: new Uint8Array(32).fill(9),
        channelAddresses: [`${host}:8456`],
        camerasTotal: 3,
        camerasEnabled: 2,
        uptimeS: 60,
      }),
      onEvent: () => {},
    },
    {
      listen: [{ host, port: PORT }],
      peers,
      zones: [{ key: ZONE, name: 'Home' }],
      nodeName: 'nvr-0a1b2c3d',
      role: 'native',
      endpointHint: `${host}:${PORT}`,
      limits,
    },
  );
  return { swarm, receive: (bytes, from) => receive(bytes, from) };
}

function authorOf(random: SeededRandom): Author {
  const secret = random.bytes(32);
  return { secret, key: toHex(schnorrPublicKey(secret)) as DeviceKey };
}

/** A device record with all details, as a node tells its peers. */
function recordOf({ secret, key }: Author, now: number): SignedEvent {
  const draft = deviceRecordEvent(
    {
      device: key,
      identityId: 'id-b64urlExample012',
      label: 'Garage',
      role: 'native',
      version: '0.1.0',
      hostGateway: '',
      updatedAt: now,
    },
    {
      uptimeS: 60,
      peersKnown: 3,
      peersConfirmed: 2,
      camerasTotal: 3,
      camerasEnabled: 2,
      sessionUrl: '',
      channelKey: new Uint8Array(32).fill(7),
      channelAddresses: ['192.0.2.7:8456'],
    },
  );
  return signEventWith(hashes, key, draft, (digest) => schnorrSign(secret, digest, new Uint8Array(32)));
}

function peer(host: string, kind: SwarmPeer['kind']): SwarmPeer {
  return { host, port: PORT, kind, disclose: 'full', zones: [ZONE] };
}

function at(host: string, port = PORT): DatagramAddress {
  return { host, port, family: 4 };
}

/** CPU this process spends on `work`, ms. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
