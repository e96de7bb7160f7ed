import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { DatagramAddress } from '../../../src/platform/index.ts';
import { encodeHello, encodeNodeDatagram, NODE_KINDS, type NodeKind } from '../../../src/protocol/index.ts';
import { mutations } from '../../protocol/swarm-mutations.ts';
import { bytesOf, vectors } from '../../protocol/swarm-vectors.ts';
import {
  GATEWAY_PORT,
  hostOfGateway,
  hostOfNode,
  PORT,
  type SimulatedNode,
  SimulatedSwarm,
} from './simulated-swarm.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const SLOW = process.env['SLOW'] === '1';
const DATAGRAMS = SLOW ? 1_000_000 : 20_000;
const BATCH = 200;
/** More than what tables, rates and caches of the limits can hold; a leak of 50 bytes a datagram would be far beyond it. */
const HEAP_MAX = 24_000_000;
const INVENTED = 10_000;

const at = (host: string, port = PORT): DatagramAddress => ({ host, port, family: 4 });
/** Ten thousand and more addresses of no network anybody has peers in. */
const stranger = (index: number) =>
  at(`100.${64 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}`, 1_024 + (index % 60_000));
const isStranger = ({ host }: DatagramAddress) => host.startsWith('100.');

/** A node with a gateway and another node, all at rest, and bytes to and from each stranger. */
async function nodeAmongStrangers() {
  const simulation = new SimulatedSwarm({ seed: 6, faults: {} });
  const seeds: Uint8Array[] = [];
  simulation.network.onSend = ({ bytes }) => {
    if (seeds.length < 400) seeds.push(bytes.slice());
  };
  await simulation.addGateways(1);
  const node = await simulation.addNode({ nodes: [1], gateways: [0] });
  const friend = await simulation.addNode({ nodes: [0], gateways: [0] });
  await simulation.clock.advance(10_000);
  const balance = new Map<string, number>();
  simulation.network.onSend = ({ bytes, from, to }) => {
    const [side, sign] = isStranger(to) ? [to, 1] : isStranger(from) ? [from, -1] : [null, 0];
    if (side)
      balance.set(`${side.host} ${side.port}`, (balance.get(`${side.host} ${side.port}`) ?? 0) + sign * bytes.length);
  };
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  return { simulation, node, friend, seeds, balance, heap };
}

function assertUnharmed(simulation: SimulatedSwarm, node: SimulatedNode, friend: SimulatedNode): void {
  const { peers, counters } = node.swarm.status();
  assert.deepEqual(
    peers.filter(({ configured }) => configured).map(({ kind, confirmed }) => [kind, confirmed]),
    [
      ['gateway', true],
      ['node', true],
    ],
    'who was there is there',
  );
  assert.ok(node.swarm.deviceRecord(friend.key));
  assert.equal(counters.refused['fault'] ?? 0, 0);
  assert.deepEqual(node.errors, []);
  assert.equal(simulation.network.thrown, 0);
}

test(`${DATAGRAMS} damaged datagrams from strangers, a gateway and a peer: no end, no answer beyond the question, no growth`, async (t) => {
  const { simulation, node, friend, seeds, balance, heap } = await nodeAmongStrangers();
  const { network, clock } = simulation;
  const all = [
    ...seeds,
    ...[vectors.udp.messages, vectors.udp.accept, vectors.udp.reject].flat().map(bytesOf),
    encodeHello(new Uint8Array(16).fill(5)),
    ...(Object.keys(NODE_KINDS) as NodeKind[]).map((kind) => encodeNodeDatagram(kind, new Uint8Array(34))),
  ];
  const senders = [at(hostOfGateway(0), GATEWAY_PORT), at(hostOfNode(1)), at(hostOfNode(1), 9)];
  let count = 0;
  let before = 0;
  for (const bytes of mutations(all, DATAGRAMS, 77)) {
    // Two of three in a stranger's name, from few addresses and from many; the rest in the names of those it talks to.
    const from =
      count % 3 === 2 ? senders[Math.floor(count / 3) % senders.length]! : stranger(count % 2 ? count : count % 5);
    network.inject(bytes, from, at(node.host));
    if (++count % BATCH > 0) continue;
    await clock.advance(SLOW ? 200 : 1_000);
    for (const [address, bytesMore] of balance)
      assert.ok(bytesMore <= 0, `${address} got ${bytesMore} bytes more than it sent`);
    balance.clear();
    if (count === DATAGRAMS / 2) before = heap();
  }
  await clock.advance(30_000);
  const grownBytes = heap() - before;
  t.diagnostic(`heap ${grownBytes} bytes larger after the second half`);
  assert.ok(grownBytes < HEAP_MAX, `${grownBytes} bytes`);
  const { refused } = node.swarm.status().counters;
  assert.ok(Object.keys(refused).length > 15, `many reasons: ${JSON.stringify(refused)}`);
  assertUnharmed(simulation, node, friend);
  await simulation.stopAll();
});

test(`${INVENTED} invented peers knock: tables keep their bounds, and whoever was listed is served`, async (t) => {
  const { simulation, node, friend, balance, heap } = await nodeAmongStrangers();
  const { network, clock } = simulation;
  const hello = encodeHello(new Uint8Array(16).fill(9));
  const greeting = bytesOf(vectors.udp.messages.find(({ name }) => name === 'hello')!);
  const record = bytesOf(vectors.udp.messages.find(({ name }) => name === 'record-device-v1')!);
  const knock = async (first: number, last: number) => {
    for (let i = first; i < last; i++) {
      network.inject(i % 16 ? hello : i % 32 ? greeting : record, stranger(i * 257), at(node.host));
      // So many at once that not all of their addresses can be counted one by one.
      if (i % 5_000 === 4_999) await clock.advance(1_000);
    }
  };
  await knock(0, INVENTED / 2);
  const before = heap();
  await knock(INVENTED / 2, INVENTED);
  await clock.advance(5_000);
  for (const [address, more] of balance) assert.ok(more <= 0, `${address} got ${more} bytes more than it sent`);
  assert.ok(balance.size > 9_000);
  balance.clear();
  const grownBytes = heap() - before;
  t.diagnostic(`heap ${grownBytes} bytes larger after the second half`);
  assert.ok(grownBytes < 8_000_000, `${grownBytes} bytes`);
  const { peers, records, counters } = node.swarm.status();
  assert.equal(peers.length, 2);
  assert.ok(records.every(({ device }) => simulation.nodes.some(({ key }) => key === device)));
  assert.ok((counters.refused['stranger'] ?? 0) > 0 && (counters.refused['rate'] ?? 0) > 0);
  assertUnharmed(simulation, node, friend);
  await simulation.stopAll();
});
