import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../src/platform/index.ts';
import { type DeviceKey, verifyEvent } from '../../src/protocol/index.ts';
import { type FoundNode, findNode } from '../../src/swarm/index.ts';
import { vectors } from '../protocol/swarm-vectors.ts';
import { at, hashes, type Node, nodeAt, OTHER_ZONE, peerAt, Wire, ZONE } from './wire.ts';

const A = '10.0.1.1';
const B = '10.0.2.1';
const SEEKER = '203.0.113.5';

async function seek(
  wire: Wire,
  peers: ReturnType<typeof peerAt>[],
  device: DeviceKey,
  timeoutMs = 3_000,
): Promise<FoundNode | null> {
  const random = new SeededRandom(4);
  const found = findNode(
    { clock: wire.clock, random, hashes, datagrams: wire.host(SEEKER) },
    { peers, device, timeoutMs },
  );
  await wire.clock.advance(timeoutMs + 1);
  return found;
}

async function pair(kind: 'node' | 'gateway'): Promise<{ wire: Wire; a: Node; b: Node }> {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, kind)]);
  const b = nodeAt(wire, B, kind === 'node' ? [] : [peerAt(A, 'peer'), peerAt(SEEKER, 'peer')]);
  await a.swarm.start();
  await b.swarm.start();
  await wire.clock.advance(2_000);
  return { wire, a, b };
}

test('a node is found through another that knows it, after its address changed', async () => {
  const { wire, a, b } = await pair('node');
  a.facts.channelAddresses = ['198.51.100.9:8456', '[2001:db8::9]:8456'];
  await wire.clock.advance(21_000);
  const found = await seek(wire, [peerAt(B, 'node')], a.key);
  assert.deepEqual(found?.addresses, a.facts.channelAddresses);
  assert.deepEqual(found?.channelKey, a.facts.channelKey);
  assert.ok(verifyEvent(hashes, found!.record) && found!.record.pubkey === a.key);
  const self = await seek(wire, [peerAt(A, 'node')], a.key);
  assert.deepEqual(self?.channelKey, a.facts.channelKey, 'or through itself');
  await a.swarm.stop();
  await b.swarm.stop();
});

test('lost datagrams are asked for again', async () => {
  const { wire, a, b } = await pair('node');
  wire.cut(SEEKER);
  wire.clock.after(1_500, () => wire.heal());
  assert.ok(await seek(wire, [peerAt(B, 'node')], a.key, 5_000));
  await a.swarm.stop();
  await b.swarm.stop();
});

test('without the zone, for an unknown device, or with nobody there, nothing is found', async () => {
  const { wire, a, b } = await pair('node');
  const stranger = vectors.keys.other.publicKey as DeviceKey;
  assert.equal(await seek(wire, [peerAt(B, 'node', { zones: [OTHER_ZONE] })], a.key), null);
  assert.equal(await seek(wire, [peerAt(B, 'node')], stranger), null);
  assert.equal(await seek(wire, [peerAt('10.0.7.7', 'node')], a.key), null);
  assert.equal(await seek(wire, [], a.key, 100), null);
  await a.swarm.stop();
  await b.swarm.stop();
});

test('a gateway is asked in the old wire, and its answer is checked', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const b = nodeAt(wire, B);
  await a.swarm.start();
  await b.swarm.start();
  await wire.clock.advance(2_000);
  const record = b.swarm.deviceRecord(a.key)!;
  const other = { ...record, content: record.content.replace('10.0.1.1:8456', '10.6.6.6:8456') };
  const gateway = wire.socket(at('192.0.2.40'));
  const asked: Record<string, unknown>[] = [];
  gateway.onDatagram((bytes, from) => {
    asked.push(JSON.parse(new TextDecoder().decode(bytes)));
    for (const event of [other, record]) {
      const answer = { kind: 'record', v: 1, zone: ZONE, record_type: 'device', event, ts: 1 };
      wire.inject(new TextEncoder().encode(JSON.stringify(answer)), from, gateway.local);
    }
  });
  const found = await seek(wire, [peerAt('192.0.2.40', 'gateway')], a.key);
  assert.deepEqual(found?.record, record, 'the forged one is not believed');
  assert.deepEqual(
    [asked[0]!['kind'], asked[0]!['device_pk'], asked[0]!['types']],
    ['recordrequest', a.key, ['device']],
  );
  await a.swarm.stop();
  await b.swarm.stop();
});

test('of several answers the newest is taken, though an older one came first', async () => {
  const { wire, a, b } = await pair('node');
  const old = b.swarm.deviceRecord(a.key)!;
  a.facts.channelAddresses = ['198.51.100.9:8456'];
  await wire.clock.advance(21_000);
  const fresh = b.swarm.deviceRecord(a.key)!;
  assert.notDeepEqual(fresh, old);
  for (const [host, event] of [
    ['192.0.2.40', old],
    ['192.0.2.41', fresh],
  ] as const) {
    const gateway = wire.socket(at(host));
    gateway.onDatagram((_, from) => {
      const answer = { kind: 'record', v: 1, zone: ZONE, record_type: 'device', event, ts: 1 };
      const bytes = new TextEncoder().encode(JSON.stringify(answer));
      wire.clock.after(event === old ? 0 : 100, () => wire.inject(bytes, from, gateway.local));
    });
  }
  const found = await seek(wire, [peerAt('192.0.2.40', 'gateway'), peerAt('192.0.2.41', 'gateway')], a.key);
  assert.deepEqual(found?.record, fresh);
  await a.swarm.stop();
  await b.swarm.stop();
});
