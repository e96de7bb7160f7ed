import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, utf8 } from '../../src/bytes/index.ts';
import { SimulatedClock } from '../../src/platform/index.ts';
import {
  encodeLegacyDatagram,
  type LegacyDatagram,
  type SignedEvent,
  signEvent,
  verifyEvent,
} from '../../src/protocol/index.ts';
import { bytesOf, vectors } from '../protocol/swarm-vectors.ts';
import { at, hashes, messages, type Node, nodeAt, OTHER_ZONE, PORT, peerAt, Wire, ZONE } from './wire.ts';

const GATEWAY = '192.0.2.40';
const NODE = '192.0.2.10';
/** The hour of the vectors. */
const NOW = 1_772_200_005_000;
const gatewayKey = vectors.keys.gateway.publicKey as LegacyDatagram extends { device: infer D } ? D : never;

interface Table {
  wire: Wire;
  node: Node;
  /** Speaks as the gateway. */
  say(message: LegacyDatagram | Uint8Array): Promise<void>;
  /** What the gateway was sent since the last time. */
  heard(): Record<string, unknown>[];
}

/** One node that lists one gateway, which a test speaks for. */
async function table(
  options: Parameters<typeof nodeAt>[3] = {},
  peer: Parameters<typeof peerAt>[2] = {},
): Promise<Table> {
  const wire = new Wire(new SimulatedClock(NOW));
  const node = nodeAt(wire, NODE, [peerAt(GATEWAY, 'gateway', peer)], options);
  await node.swarm.start();
  await wire.clock.advance(100);
  return {
    wire,
    node,
    async say(message) {
      wire.inject(message instanceof Uint8Array ? message : encodeLegacyDatagram(message), at(NODE), at(GATEWAY));
      await wire.clock.advance(100);
    },
    heard() {
      const heard = messages(wire.between(NODE, GATEWAY));
      wire.sent.length = 0;
      return heard;
    },
  };
}

const ack = (ts = NOW): LegacyDatagram => ({
  kind: 'ack',
  nodeName: 'gw-7b34cc39',
  device: vectors.keys.gateway.publicKey as never,
  zones: [ZONE],
  ts,
});
const kinds = (heard: Record<string, unknown>[]) => heard.map((each) => String(each['record_type'] ?? each['kind']));
const request = (change: object = {}): LegacyDatagram => ({
  kind: 'recordrequest',
  zone: ZONE,
  types: ['device'],
  identityId: null,
  device: null,
  dhtScope: null,
  dhtKey: null,
  hops: 0,
  ts: NOW,
  ...change,
});
const refused = (node: Node, reason: string) => node.swarm.status().counters.refused[reason] ?? 0;

test('a gateway is greeted, confirmed by its answer, confirms us by ours, and is told who we are', async () => {
  const { node, say, heard, wire } = await table();
  const greeting = heard();
  assert.deepEqual(kinds(greeting), ['hello']);
  assert.deepEqual(Object.keys(greeting[0]!), ['kind', 'v', 'node_id', 'device_pk', 'zones', 'ts']);
  assert.equal(greeting[0]!['device_pk'], node.key);
  assert.equal(node.swarm.status().peers[0]!.confirmed, false);
  await say(ack());
  const status = node.swarm.status().peers[0]!;
  assert.deepEqual([status.confirmed, status.device, status.zones, status.proved], [true, gatewayKey, [ZONE], false]);
  const told = heard();
  assert.deepEqual(kinds(told), ['ack', 'device', 'zone_presence', 'signal', 'recordrequest']);
  for (const { event } of told as { event?: SignedEvent }[]) if (event) assert.ok(verifyEvent(hashes, event));
  assert.deepEqual(told[2]!['event'], told[3]!['event'], 'one presence under both labels');
  assert.deepEqual(told[4]!['types'], ['identity', 'device']);
  await wire.clock.advance(20_000);
  assert.ok(node.swarm.status().peers[0]!.confirmed === false, 'silence is noticed');
  await node.swarm.stop();
});

test('a configured gateway is told everything or the least, as the operator says', async () => {
  for (const disclose of ['full', 'least'] as const) {
    const { node, say, heard } = await table({}, { disclose });
    node.facts.hostGateway = gatewayKey;
    node.facts.sessionUrl = 'ws://192.0.2.10:8456/session';
    await say(ack());
    const event = heard().find((each) => each['record_type'] === 'device')!['event'] as SignedEvent;
    const content = JSON.parse(event.content);
    const full = disclose === 'full';
    assert.equal(content.deviceLabel, full ? `Node ${NODE}` : 'nvr-0a1b2c3d');
    for (const field of ['metrics', 'sessionWsUrl', 'channel', 'capabilities'])
      assert.equal(field in content, full, field);
    for (const never of ['uiRepo', 'uiRef', 'uiManifestUrl', 'uiEntry']) assert.ok(!(never in content), never);
    assert.equal(content.hostGatewayPk, gatewayKey);
    assert.equal(
      event.tags.some(([name, value]) => name === 'hello' && value !== 'signed'),
      false,
    );
    await node.swarm.stop();
  }
});

test('only zones shared with a peer are named to it', async () => {
  const { node, say, heard, wire } = await table({
    zones: [
      { key: ZONE, name: 'Home' },
      { key: OTHER_ZONE, name: 'Shed' },
    ],
  });
  await say({ ...ack(), zones: [ZONE, OTHER_ZONE] } as LegacyDatagram);
  await say(request({ zone: OTHER_ZONE }));
  await say({ ...(ack() as object), kind: 'hello', zones: [OTHER_ZONE] } as LegacyDatagram);
  await wire.clock.advance(19_000);
  assert.ok(
    !wire.sent.some(({ bytes, from }) => from.host === NODE && JSON.stringify(messages([bytes])).includes(OTHER_ZONE)),
  );
  assert.ok(heard().length > 5);
  assert.equal(refused(node, 'zone'), 1);
  await node.swarm.stop();
});

test('a request for our record is answered once we are sure who asks, and with nobody else’s record', async () => {
  const { node, say, heard } = await table();
  heard();
  await say(request());
  assert.deepEqual(heard(), [], 'an address that has not answered yet could be anybody');
  assert.equal(refused(node, 'unconfirmed'), 1);
  await say(ack());
  heard();
  for (const ask of [request(), request({ device: node.key }), request({ types: [] })]) {
    await say(ask);
    const answers = heard();
    assert.deepEqual(kinds(answers), ['device']);
    assert.equal((answers[0]!['event'] as SignedEvent).pubkey, node.key);
  }
  for (const ask of [
    request({ device: vectors.keys.other.publicKey }),
    request({ types: ['identity'] }),
    request({ types: ['dht'] }),
  ]) {
    await say(ask);
    assert.deepEqual(heard(), []);
  }
  await node.swarm.stop();
});

test('every accepted datagram of the vectors is understood and every rejected one dropped without an answer', async () => {
  const { node, say, heard } = await table();
  await say(ack());
  heard();
  for (const vector of vectors.udp.accept) {
    await say(bytesOf(vector));
    assert.deepEqual(kinds(heard()), ['ack'], vector.name);
  }
  for (const vector of vectors.udp.reject) {
    const before = node.swarm.status();
    await say(bytesOf(vector));
    const after = node.swarm.status();
    assert.deepEqual(heard(), [], vector.name);
    const count = (of: typeof after) => Object.values(of.counters.refused).reduce((sum, each) => sum + each, 0);
    assert.equal(count(after), count(before) + 1, `${vector.name} is counted once`);
    assert.deepEqual(after.records, before.records, vector.name);
  }
  await say(bytesOf(vectors.udp.messages.find((each) => each.name === 'record-device-v1')!));
  assert.equal(node.swarm.status().records.length, 1, 'the loop is alive');
  assert.equal(refused(node, 'fault'), 0);
  assert.deepEqual(node.log, []);
  await node.swarm.stop();
});

test('messages of the vectors are kept, handed on or answered', async () => {
  const { node, say } = await table();
  await say(ack());
  for (const vector of vectors.udp.messages) await say(bytesOf(vector));
  const { records, counters } = node.swarm.status();
  assert.deepEqual(
    records.map(({ type, device, role, zone }) => [type, device, role, zone]),
    [
      ['presence', vectors.keys.service.publicKey, 'native', ZONE],
      ['device', vectors.keys.service.publicKey, 'native', ZONE],
    ],
  );
  assert.deepEqual(
    node.events.map(({ event, zone }) => [JSON.parse(event.content).type, zone]),
    [['pair_request', ZONE]],
  );
  assert.equal(counters.recordsAdmitted, 3);
  assert.deepEqual(
    node.swarm.deviceRecord(vectors.keys.service.publicKey as never),
    vectors.records['device_v1']!.event,
  );
  assert.equal(node.swarm.deviceRecord(vectors.keys.other.publicKey as never), null);
  const identity = {
    kind: 'record',
    zone: ZONE,
    recordType: 'identity',
    event: vectors.records['identity']!.event,
    ts: NOW,
  } as const;
  await say(identity);
  await say(identity);
  assert.equal(node.events.length, 2, 'an identity record is handed on once');
  await node.swarm.stop();
});

test('nobody but configured addresses is spoken to in the old wire, whatever it says', async () => {
  const { node, wire } = await table();
  wire.sent.length = 0;
  for (const vector of [...vectors.udp.messages, ...vectors.udp.accept, ...vectors.udp.reject]) {
    wire.inject(bytesOf(vector), at(NODE), at('198.51.100.7'));
    wire.inject(bytesOf(vector), at(NODE), at(GATEWAY, PORT + 1));
    await wire.clock.advance(10);
  }
  assert.deepEqual(wire.between(NODE, '198.51.100.7'), []);
  assert.ok(wire.between(NODE, GATEWAY).every((bytes) => messages([bytes])[0]!['kind'] === 'hello'));
  assert.ok(refused(node, 'stranger') > 30);
  assert.equal(node.swarm.status().peers.length, 1);
  await node.swarm.stop();
});

test('an answer nobody asked for, or of another key than the configured one, confirms nothing', async () => {
  const { node, say } = await table({}, { key: vectors.keys.other.publicKey as never });
  await say(ack());
  assert.equal(node.swarm.status().peers[0]!.confirmed, false);
  assert.equal(refused(node, 'wrong-key'), 1);
  await node.swarm.stop();
  const greeted = await table();
  await greeted.say({ ...ack(), kind: 'hello' } as LegacyDatagram);
  assert.equal(greeted.node.swarm.status().peers[0]!.confirmed, false, 'a greeting is no answer');
  await greeted.say(ack());
  await greeted.say(ack());
  assert.equal(refused(greeted.node, 'unasked'), 1);
  await greeted.node.swarm.stop();
});

test('events are taken only in zones they name, only newer ones, and never our own echo', async () => {
  const { node, say, wire, heard } = await table(
    {
      zones: [
        { key: ZONE, name: 'Home' },
        { key: OTHER_ZONE, name: 'Shed' },
      ],
    },
    { zones: [ZONE, OTHER_ZONE] },
  );
  await say(ack());
  const secret = fromHex(vectors.keys.owner.secretKey)!;
  const event = (content: object, z: string[] = [], kind = 1) =>
    signEvent(
      hashes,
      secret,
      {
        created_at: Math.floor(wire.clock.now() / 1000),
        kind,
        tags: [
          ['t', kind === 1 ? 'constitute' : 'swarm_discovery'],
          ['type', 'device'],
          ...z.map((zone) => ['z', zone]),
        ],
        content: JSON.stringify(content),
      },
      new Uint8Array(32),
    );
  const record = (signed: SignedEvent, zone = ZONE): LegacyDatagram => ({
    kind: 'record',
    zone,
    recordType: 'signal',
    event: signed,
    ts: 1,
  });
  await say(record(event({ type: 'swarm_signal', n: 1 }, [OTHER_ZONE])));
  assert.deepEqual([node.events.length, refused(node, 'zone')], [0, 1]);
  await say(record(event({ type: 'swarm_signal', n: 2 }, [ZONE])));
  await say(record(event({ type: 'swarm_signal', n: 2 }, [ZONE])));
  assert.deepEqual([node.events.length, refused(node, 'duplicate')], [1, 1]);
  const device = (updatedAt: number) =>
    event({ devicePk: vectors.keys.owner.publicKey, updatedAt, role: '' }, [], 30_078);
  await say(record(device(NOW)));
  await say(record(device(NOW - 1)));
  await say(record(device(NOW)));
  assert.equal(refused(node, 'not-newer'), 2);
  await say(record(device(NOW + 1)));
  await say(record(device(NOW + 1), OTHER_ZONE));
  assert.equal(node.swarm.status().records.length, 2, 'one in each zone');
  const own = (heard().find((each) => each['record_type'] === 'device')!['event'] ?? null) as SignedEvent;
  await say(record(own));
  assert.equal(refused(node, 'own'), 1);
  await node.swarm.stop();
});

test('a published event goes to gateways that share the zone, as a signal', async () => {
  const { node, say, heard } = await table();
  const event = signEvent(
    hashes,
    node.secret,
    {
      created_at: Math.floor(NOW / 1000),
      kind: 1,
      tags: [
        ['t', 'constitute'],
        ['z', ZONE],
      ],
      content: '{"type":"pair_request"}',
    },
    new Uint8Array(32),
  );
  node.swarm.publish(event, [ZONE]);
  assert.deepEqual(kinds(heard()), ['hello'], 'not before it is confirmed');
  await say(ack());
  heard();
  node.swarm.publish(event, [ZONE, OTHER_ZONE, ZONE]);
  const sent = heard();
  assert.deepEqual(kinds(sent), ['signal']);
  assert.deepEqual(sent[0]!['event'], event);
  node.swarm.publish(
    signEvent(
      hashes,
      node.secret,
      {
        ...event,
        tags: [
          ['t', 'constitute'],
          ['z', OTHER_ZONE],
        ],
      },
      new Uint8Array(32),
    ),
    [ZONE],
  );
  assert.deepEqual(heard(), [], 'an event is not sent in a zone it does not name');
  await node.swarm.stop();
});

test('records with a forged signature cost what the limits say and no more', async () => {
  let checks = 0;
  const wire = new Wire(new SimulatedClock(NOW));
  const node = nodeAt(
    wire,
    NODE,
    [peerAt(GATEWAY, 'gateway')],
    { limits: { checksPerPeer: 2, checksPerPeerBurst: 5 } },
    () => {
      checks++;
      return false;
    },
  );
  await node.swarm.start();
  await wire.clock.advance(100);
  const good = vectors.records['pair_request']!.event;
  for (let i = 0; i < 100; i++) {
    const sig = i.toString(16).padStart(128, '0');
    wire.inject(
      encodeLegacyDatagram({ kind: 'record', zone: ZONE, recordType: 'signal', event: { ...good, sig }, ts: 1 }),
      at(NODE),
      at(GATEWAY),
    );
  }
  await wire.clock.advance(10);
  assert.equal(checks, 5);
  assert.deepEqual([refused(node, 'signature'), refused(node, 'rate-checks')], [5, 95]);
  for (let i = 0; i < 300; i++) wire.inject(utf8('{'), at(NODE), at(GATEWAY));
  await wire.clock.advance(10);
  assert.ok(refused(node, 'rate') > 100, 'and datagrams have a rate of their own');
  await node.swarm.stop();
});
