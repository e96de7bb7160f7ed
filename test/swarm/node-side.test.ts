import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, utf8 } from '../../src/bytes/index.ts';
import { eventDigest, NODE_KINDS, type SignedEvent, signEvent } from '../../src/protocol/index.ts';
import { at, hashes, type Node, nodeAt, OTHER_ZONE, peerAt, Wire, ZONE } from './wire.ts';

const A = '10.0.1.1';
const B = '10.0.2.1';
const C = '10.0.3.1';
const BOTH = [
  { key: ZONE, name: 'Home' },
  { key: OTHER_ZONE, name: 'Shed' },
];

const peers = (node: Node) => node.swarm.status().peers;
const refused = (node: Node, reason: string) => node.swarm.status().counters.refused[reason] ?? 0;
const kindsSent = (wire: Wire, from: string, to: string) => wire.between(from, to).map((bytes) => bytes[4]);

async function start(...nodes: Node[]): Promise<void> {
  for (const { swarm } of nodes) await swarm.start();
}

async function stop(...nodes: Node[]): Promise<void> {
  for (const { swarm, log } of nodes) {
    await swarm.stop();
    assert.deepEqual(log, []);
  }
}

function signal(node: Node, wire: Wire, content: object = { type: 'swarm_signal' }): SignedEvent {
  const created_at = Math.floor(wire.clock.now() / 1000);
  const tags = [
    ['t', 'constitute'],
    ['z', ZONE],
  ];
  return signEvent(
    hashes,
    node.secret,
    { created_at, kind: 1, tags, content: JSON.stringify(content) },
    new Uint8Array(32),
  );
}

test('a node that lists another is proved and confirmed on both sides within a second, and both know each other’s record', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const b = nodeAt(wire, B);
  await start(a, b);
  await wire.clock.advance(1_000);
  const [ofA] = peers(a);
  const [ofB] = peers(b);
  assert.deepEqual(
    [ofA!.kind, ofA!.device, ofA!.proved, ofA!.confirmed, ofA!.zones],
    ['node', b.key, true, true, [ZONE]],
  );
  assert.deepEqual(
    [ofB!.kind, ofB!.device, ofB!.proved, ofB!.confirmed, ofB!.zones],
    ['stranger', a.key, true, true, [ZONE]],
  );
  assert.equal(a.swarm.deviceRecord(b.key)?.pubkey, b.key);
  assert.equal(b.swarm.deviceRecord(a.key)?.pubkey, a.key);
  assert.deepEqual(kindsSent(wire, A, B).slice(0, 2), [NODE_KINDS.hello, NODE_KINDS.prove]);
  assert.deepEqual(kindsSent(wire, B, A).slice(0, 2), [NODE_KINDS.cookie, NODE_KINDS.welcome]);
  for (const { bytes } of wire.sent) assert.ok(bytes.length <= 1_232);
  await stop(a, b);
});

test('over IPv6 as well, and by name', async () => {
  const wire = new Wire();
  wire.names.set('nvr.example', ['2001:db8:2::1', B]);
  const a = nodeAt(wire, '2001:db8:1::1', [peerAt('nvr.example', 'node')]);
  const b = nodeAt(wire, '2001:db8:2::1');
  await start(a, b);
  await wire.clock.advance(1_000);
  assert.deepEqual(
    peers(a).map(({ address, confirmed }) => [address, confirmed]),
    [['[2001:db8:2::1]:4050', true]],
  );
  await stop(a, b);
});

test('a name that leads elsewhere is followed when the old place is silent', async () => {
  const wire = new Wire();
  wire.names.set('nvr.example', [B]);
  const a = nodeAt(wire, A, [peerAt('nvr.example', 'node')]);
  const b = nodeAt(wire, B);
  const c = nodeAt(wire, C);
  await start(a, b, c);
  await wire.clock.advance(1_000);
  await b.swarm.stop();
  wire.names.set('nvr.example', [C]);
  await wire.clock.advance(60_000);
  assert.deepEqual(
    peers(a).map(({ device, confirmed }) => [device, confirmed]),
    [[c.key, true]],
  );
  await stop(a, c);
});

test('silence is noticed within twenty seconds, and the return within a few', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const b = nodeAt(wire, B, [peerAt(A, 'node')]);
  await start(a, b);
  await wire.clock.advance(60_000);
  assert.ok(peers(a)[0]!.confirmed && peers(b)[0]!.confirmed);
  wire.cut(A);
  await wire.clock.advance(30_000);
  assert.deepEqual([peers(a)[0]!.confirmed, peers(b)[0]!.confirmed], [false, false]);
  wire.heal();
  await wire.clock.advance(3_000);
  assert.deepEqual([peers(a)[0]!.confirmed, peers(b)[0]!.confirmed], [true, true]);
  await stop(a, b);
});

test('a restarted node is found again, and one that leaves says so', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const b = nodeAt(wire, B);
  await start(a, b);
  await wire.clock.advance(10_000);
  await b.swarm.stop();
  await wire.clock.advance(100);
  assert.equal(peers(a)[0]!.confirmed, false, 'BYE');
  const again = nodeAt(wire, B);
  await again.swarm.start();
  await wire.clock.advance(6_000);
  assert.deepEqual([peers(a)[0]!.device, peers(a)[0]!.confirmed], [again.key, true]);
  // Killed without a word: the other side's keys are worthless to the new one.
  wire.cut(B);
  await again.swarm.stop();
  wire.heal();
  const third = nodeAt(wire, B);
  await third.swarm.start();
  await wire.clock.advance(25_000);
  assert.deepEqual([peers(a)[0]!.device, peers(a)[0]!.confirmed], [third.key, true]);
  await stop(a, third);
});

test('only the key the operator named is believed of an address', async () => {
  const wire = new Wire();
  const b = nodeAt(wire, B, [peerAt(A, 'node')]);
  const c = nodeAt(wire, C);
  const a = nodeAt(wire, A, [peerAt(B, 'node', { key: c.key })]);
  await start(a, b);
  await wire.clock.advance(5_000);
  assert.equal(peers(a)[0]!.confirmed, false);
  assert.equal(peers(b)[0]!.confirmed, false);
  assert.ok(refused(b, 'expected-key') > 0, 'the asker says whom it expects');
  assert.ok(refused(a, 'wrong-key') > 0, 'and believes no other');
  await stop(a, b);
});

test('zones are shared only where both are in them and the operator shares them', async () => {
  const wire = new Wire();
  const a = nodeAt(
    wire,
    A,
    [peerAt(B, 'node', { zones: [OTHER_ZONE, ZONE] }), peerAt(C, 'node', { zones: [OTHER_ZONE] })],
    { zones: BOTH },
  );
  const b = nodeAt(wire, B, [peerAt(A, 'node', { zones: [OTHER_ZONE] })], { zones: [BOTH[1]!] });
  const c = nodeAt(wire, C, [], { zones: [BOTH[0]!] });
  await start(a, b, c);
  await wire.clock.advance(5_000);
  assert.deepEqual(
    peers(a).map(({ zones, confirmed }) => [zones, confirmed]),
    [
      [[OTHER_ZONE], true],
      [[], false],
    ],
  );
  assert.deepEqual(peers(c), [], 'who proves no zone is nobody');
  assert.ok(refused(c, 'zone-tag') > 0);
  const text = wire.sent.map(({ bytes }) => String.fromCharCode(...bytes)).join('\n');
  assert.ok(!text.includes(ZONE) && !text.includes(OTHER_ZONE), 'no zone key crosses the wire');
  await stop(a, b, c);
});

test('records and events travel on through members, three hops far, once', async () => {
  const wire = new Wire();
  const hosts = Array.from({ length: 7 }, (_, index) => `10.1.${index}.1`);
  const chain = hosts.map((host, index) => nodeAt(wire, host, index === 0 ? [] : [peerAt(hosts[index - 1]!, 'node')]));
  await start(...chain);
  await wire.clock.advance(5_000);
  chain[0]!.swarm.publish(signal(chain[0]!, wire), [ZONE]);
  await wire.clock.advance(1_000);
  assert.deepEqual(
    chain.map(({ events }) => events.length),
    [0, 1, 1, 1, 1, 0, 0],
  );
  // What was missed while joining is asked for, so records are known further than they are passed on.
  assert.ok(chain[4]!.swarm.deviceRecord(chain[0]!.key));
  await stop(...chain);
});

test('an event is handed to at most eight peers at once, and not back to where it came from', async () => {
  const wire = new Wire();
  const hosts = Array.from({ length: 12 }, (_, index) => `10.2.${index}.1`);
  const hub = nodeAt(
    wire,
    A,
    hosts.map((host) => peerAt(host, 'node')),
  );
  const spokes = hosts.map((host) => nodeAt(wire, host));
  await start(hub, ...spokes);
  await wire.clock.advance(5_000);
  wire.sent.length = 0;
  spokes[0]!.swarm.publish(signal(spokes[0]!, wire), [ZONE]);
  await wire.clock.advance(20);
  const reached = hosts.filter((host) => kindsSent(wire, A, host).includes(NODE_KINDS.record));
  assert.equal(reached.length, 8);
  assert.ok(!reached.includes(hosts[0]!));
  await stop(hub, ...spokes);
});

test('what a gateway tells is passed on to members of the zone, and nothing of theirs to the gateway', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(C, 'gateway', { disclose: 'least' }), peerAt(B, 'node')]);
  const b = nodeAt(wire, B);
  const c = nodeAt(wire, C, [peerAt(A, 'peer')]);
  await start(a, b, c);
  await wire.clock.advance(3_000);
  c.swarm.publish(signal(c, wire), [ZONE]);
  await wire.clock.advance(1_000);
  assert.equal(b.events.length, 1);
  assert.ok(b.swarm.deviceRecord(c.key));
  const told = wire
    .between(A, C)
    .map((bytes) => String.fromCharCode(...bytes))
    .join('\n');
  assert.ok(!told.includes(b.key), 'a gateway learns of nobody through us');
  assert.ok(told.includes(a.key));
  await stop(a, b, c);
});

test('a changed channel address is told within one announcement', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const b = nodeAt(wire, B);
  await start(a, b);
  await wire.clock.advance(2_000);
  a.facts.channelAddresses = ['203.0.113.9:8456'];
  await wire.clock.advance(21_000);
  assert.match(b.swarm.deviceRecord(a.key)!.content, /203\.0\.113\.9:8456/);
  await stop(a, b);
});

test('facts too long for one datagram are cut, the record still goes out', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const name = `${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.example`;
  a.facts.label = 'L'.repeat(64);
  a.facts.hostGateway = 'f'.repeat(64);
  a.facts.channelAddresses = [1, 2, 3, 4, 5].map((port) => `${name}:${port}`);
  const b = nodeAt(wire, B);
  await start(a, b);
  await wire.clock.advance(2_000);
  const { channel, deviceLabel } = JSON.parse(b.swarm.deviceRecord(a.key)!.content);
  assert.ok(channel.addresses.length >= 1 && channel.addresses.length < 4);
  assert.equal(channel.addresses[0], `${name}:1`);
  assert.ok(deviceLabel.length <= 48);
  await stop(a, b);
});

test('many records are told within the bit rate, the rest a little later', async () => {
  const wire = new Wire();
  const limits = { bitsPerPeer: 16_000 };
  const a = nodeAt(
    wire,
    A,
    [peerAt(B, 'gateway')],
    {
      limits: {
        ...limits,
        checksPerPeer: 1_000,
        checksPerPeerBurst: 1_000,
        checksPerSecond: 1_000,
        checksBurst: 1_000,
      },
    },
    () => true,
  );
  const b = nodeAt(wire, B, [peerAt(A, 'peer')]);
  await start(a, b);
  await wire.clock.advance(1_000);
  const c = nodeAt(
    wire,
    C,
    [peerAt(A, 'node')],
    { limits: { checksPerPeer: 1_000, checksPerPeerBurst: 1_000, checksPerSecond: 1_000, checksBurst: 1_000 } },
    () => true,
  );
  const now = wire.clock.now();
  for (let i = 0; i < 60; i++) {
    const pubkey = i.toString(16).padStart(64, '0');
    const content = JSON.stringify({ devicePk: pubkey, updatedAt: now, role: 'native' });
    const tags = [
      ['t', 'swarm_discovery'],
      ['type', 'device'],
      ['role', 'native'],
    ];
    const created_at = Math.floor(now / 1000);
    const id = toHex(eventDigest(hashes, { pubkey, created_at, kind: 30_078, tags, content }));
    const event = { id, pubkey, created_at, kind: 30_078, tags, content, sig: '0'.repeat(128) };
    wire.inject(
      utf8(JSON.stringify({ kind: 'record', v: 1, zone: ZONE, record_type: 'device', event, ts: now })),
      at(A),
      at(B),
    );
  }
  await wire.clock.advance(100);
  assert.equal(a.swarm.status().records.filter((each) => each.type === 'device').length, 61);
  await c.swarm.start();
  await wire.clock.advance(2_000);
  const early = c.swarm.status().records.length;
  await wire.clock.advance(30_000);
  const late = c.swarm.status().records.filter((each) => each.type === 'device').length;
  assert.ok(early < 50 && late >= 61, `${early}, then ${late}`);
  await stop(a, b, c);
});

test('with a tenth lost and a slow way both nodes are confirmed in time, and again after half a minute apart', async () => {
  const runs = process.env['SLOW'] === '1' ? 400 : 12;
  for (const wires of ['node', 'gateway'] as const) {
    for (let seed = 1; seed <= runs; seed++) {
      const wire = new Wire(undefined, seed);
      Object.assign(wire, { lossPercent: 10, delayMs: 80, jitterMs: 60 });
      const kind = (one: boolean) => (wires === 'node' ? 'node' : one ? 'gateway' : 'peer');
      const a = nodeAt(wire, A, [peerAt(B, kind(true))], {}, () => true);
      const b = nodeAt(wire, B, [peerAt(A, kind(false))], {}, () => true);
      await start(a, b);
      const confirmed = () => [peers(a)[0]!.confirmed, peers(b)[0]!.confirmed];
      await wire.clock.advance(6_000);
      assert.deepEqual(confirmed(), [true, true], `${wires} ${seed}: within six seconds of the start`);
      wire.cut(A);
      await wire.clock.advance(30_000);
      assert.deepEqual(confirmed(), [false, false]);
      wire.heal();
      await wire.clock.advance(15_000);
      assert.deepEqual(confirmed(), [true, true], `${wires} ${seed}: within fifteen seconds of the return`);
      await stop(a, b);
    }
  }
});
