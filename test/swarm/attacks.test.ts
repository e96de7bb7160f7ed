import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { concatBytes, fromHex, utf8 } from '../../src/bytes/index.ts';
import { schnorrSign } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  encodeFind,
  encodeHello,
  encodeNodeDatagram,
  encodeProve,
  findTag,
  NODE_KINDS,
  parseNodeDatagram,
  proveDigest,
  zoneSecret,
  zoneTag,
} from '../../src/protocol/index.ts';
import { mutations } from '../protocol/swarm-mutations.ts';
import { bytesOf, vectors } from '../protocol/swarm-vectors.ts';
import { at, hashes, type Node, nodeAt, OTHER_ZONE, PORT, peerAt, Wire, ZONE } from './wire.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const SLOW = process.env['SLOW'] === '1';
const A = '10.0.1.1';
const B = '10.0.2.1';
const EVE = '198.51.100.66';
const random = new SeededRandom(99);
const secret = fromHex(vectors.keys.other.secretKey)!;
const author = fromHex(vectors.keys.other.publicKey)!;
const refused = (node: Node, reason: string) => node.swarm.status().counters.refused[reason] ?? 0;

/** Cookie for an address: what a HELLO from there is answered with. */
async function cookieFor(wire: Wire, to: string, from: ReturnType<typeof at>, nonce: Uint8Array): Promise<Uint8Array> {
  wire.inject(encodeHello(nonce), at(to), from);
  await wire.clock.advance(20);
  const answer = wire.sent.findLast((each) => each.to.host === from.host && each.to.port === from.port)!;
  return answer.bytes.slice(40, 56);
}

/** A proof as a member of the zone would make it. */
function proof(
  nonce: Uint8Array,
  cookie: Uint8Array,
  change: { zone?: string; secret?: Uint8Array; expected?: Uint8Array } = {},
) {
  const expected = change.expected ?? new Uint8Array(32);
  const tags = [zoneTag(hashes, zoneSecret(hashes, change.zone ?? ZONE), { nonce, cookie, author })];
  const digest = proveDigest(hashes, { nonce, cookie, expected, tags });
  const signature = schnorrSign(change.secret ?? secret, digest, new Uint8Array(32));
  return encodeProve(cookie, { nonce, expected, author, signature, tags });
}

async function twoNodes(): Promise<{ wire: Wire; a: Node; b: Node }> {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  const b = nodeAt(wire, B);
  await a.swarm.start();
  await b.swarm.start();
  await wire.clock.advance(2_000);
  return { wire, a, b };
}

test('an address that proves nothing is never sent more than it sent', async () => {
  const wire = new Wire();
  const node = nodeAt(wire, A, [peerAt('10.0.9.9', 'gateway')]);
  await node.swarm.start();
  await wire.clock.advance(100);
  const tag = random.bytes(16);
  const seeds = [
    ...vectors.udp.messages.map(bytesOf),
    encodeHello(random.bytes(16)),
    proof(random.bytes(16), random.bytes(16)),
    encodeFind(random.bytes(16), { nonce: random.bytes(16), tag, device: author }),
    ...Object.keys(NODE_KINDS).map((kind) => encodeNodeDatagram(kind as 'ping', random.bytes(kind === 'bye' ? 0 : 34))),
  ];
  const stranger = fc.record({
    host: fc.integer({ min: 1, max: 254 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(stranger, { minLength: 1, maxLength: 12 }), async (knocks) => {
      wire.sent.length = 0;
      for (const { host, port, seed } of knocks) {
        const from = at(`198.51.100.${host}`, port);
        wire.inject(seeds[seed % seeds.length]!, at(A), from);
        for (const bytes of mutations(seeds, 3, seed)) wire.inject(bytes, at(A), from);
      }
      await wire.clock.advance(300);
      const sums = new Map<string, number>();
      for (const { bytes, from, to } of wire.sent) {
        if (from.host === A) sums.set(`${to.host} ${to.port}`, (sums.get(`${to.host} ${to.port}`) ?? 0) + bytes.length);
        else sums.set(`${from.host} ${from.port}`, (sums.get(`${from.host} ${from.port}`) ?? 0) - bytes.length);
      }
      sums.delete(`10.0.9.9 ${PORT}`);
      for (const [address, balance] of sums) assert.ok(balance <= 0, `${address} got ${balance} bytes more`);
    }),
    { numRuns: SLOW ? 1_000 : 40 },
  );
  assert.equal(node.swarm.status().peers.length, 1);
  assert.equal(refused(node, 'fault'), 0);
  await node.swarm.stop();
});

test('a cookie is good for its own address and nonce only, and not for ever', async () => {
  const wire = new Wire();
  const node = nodeAt(wire, A);
  await node.swarm.start();
  const nonce = random.bytes(16);
  const cookie = await cookieFor(wire, A, at(EVE), nonce);
  const tries: [Uint8Array, ReturnType<typeof at>][] = [
    [proof(nonce, cookie), at('198.51.100.67')],
    [proof(nonce, cookie), at(EVE, PORT + 1)],
    [proof(random.bytes(16), cookie), at(EVE)],
    [proof(nonce, random.bytes(16)), at(EVE)],
  ];
  for (const [bytes, from] of tries) {
    wire.inject(bytes, at(A), from);
    await wire.clock.advance(20);
  }
  assert.equal(refused(node, 'cookie'), tries.length);
  assert.equal(node.swarm.status().counters.signatureChecks, 0, 'and none of it cost a signature check');
  await wire.clock.advance(250_000);
  wire.inject(proof(nonce, cookie), at(A), at(EVE));
  await wire.clock.advance(20);
  assert.equal(refused(node, 'cookie'), tries.length + 1);
  assert.deepEqual(node.swarm.status().peers, []);
  await node.swarm.stop();
});

test('who does not know a zone, or signs with another key, or wants somebody else, becomes no peer', async () => {
  const wire = new Wire();
  const node = nodeAt(wire, A);
  await node.swarm.start();
  const cases: [string, Parameters<typeof proof>[2]][] = [
    ['zone-tag', { zone: OTHER_ZONE }],
    ['signature', { secret: random.bytes(32) }],
    ['expected-key', { expected: random.bytes(32) }],
  ];
  for (const [reason, change] of cases) {
    const nonce = random.bytes(16);
    wire.inject(proof(nonce, await cookieFor(wire, A, at(EVE), nonce), change), at(A), at(EVE));
    await wire.clock.advance(20);
    assert.equal(refused(node, reason), 1, reason);
    assert.deepEqual(node.swarm.status().peers, []);
  }
  await node.swarm.stop();
});

test('a replayed proof confirms nobody: the answer’s nonce is in the keys', async () => {
  const { wire, a, b } = await twoNodes();
  const prove = wire.between(A, B).find((bytes) => bytes[4] === NODE_KINDS.prove)!;
  wire.cut(A);
  await a.swarm.stop();
  await wire.clock.advance(30_000);
  wire.heal();
  assert.deepEqual(
    b.swarm.status().peers.map(({ confirmed }) => confirmed),
    [false],
  );
  for (let i = 0; i < 20; i++) {
    wire.inject(prove, at(B), at(A));
    await wire.clock.advance(500);
  }
  assert.deepEqual(
    b.swarm.status().peers.filter(({ confirmed }) => confirmed),
    [],
  );
  await wire.clock.advance(120_000);
  assert.deepEqual(b.swarm.status().peers, [], 'and it is forgotten');
  await b.swarm.stop();
});

test('what a session carried is worth nothing a second time', async () => {
  const { wire, a, b } = await twoNodes();
  const recorded = wire.between(A, B);
  wire.cut(A);
  await wire.clock.advance(25_000);
  assert.equal(b.swarm.status().peers[0]!.confirmed, false);
  wire.heal();
  await a.swarm.stop();
  wire.cut(A);
  const admitted = b.swarm.status().counters.recordsAdmitted;
  const before = wire.sent.length;
  wire.heal();
  for (const bytes of recorded.filter((each) => each[4] !== NODE_KINDS.bye)) {
    wire.inject(bytes, at(B), at(A));
    await wire.clock.advance(50);
  }
  assert.equal(b.swarm.status().peers[0]?.confirmed ?? false, false, 'old keep-alives prove nothing');
  assert.equal(b.swarm.status().counters.recordsAdmitted, admitted);
  assert.ok(wire.sent.length > before);
  await b.swarm.stop();
});

test('in the name of a proved peer nothing is taken without its code, and reflected datagrams have the wrong one', async () => {
  const { wire, a, b } = await twoNodes();
  const fromB = wire.between(B, A).filter((bytes) => (bytes[4] ?? 0) >= NODE_KINDS.record);
  const before = b.swarm.status();
  for (const bytes of fromB) wire.inject(bytes, at(B), at(A));
  for (const kind of ['record', 'request', 'ping', 'pong', 'bye'] as const) {
    const size = { record: 200, request: 34, ping: 8, pong: 8, bye: 0 }[kind];
    wire.inject(encodeNodeDatagram(kind, random.bytes(size), { check: random.bytes(16) }), at(B), at(A));
  }
  await wire.clock.advance(100);
  assert.equal(refused(b, 'code') - (before.counters.refused['code'] ?? 0), fromB.length + 5);
  assert.equal(b.swarm.status().peers[0]!.confirmed, true);
  await a.swarm.stop();
  await b.swarm.stop();
});

test('every changed byte of every datagram of a conversation is refused', async () => {
  const { wire, a, b } = await twoNodes();
  const said = wire
    .between(A, B)
    .filter((bytes) => (bytes[4] ?? 0) >= NODE_KINDS.record && bytes[4] !== NODE_KINDS.bye);
  assert.ok(said.length > 4);
  await wire.clock.advance(5_000);
  const before = b.swarm.status().counters;
  let changed = 0;
  for (const bytes of said.slice(0, 6)) {
    for (let index = 0; index < bytes.length; index += bytes.length > 100 ? 61 : 5) {
      const copy = bytes.slice();
      copy[index]! ^= 1 << (index % 8);
      wire.inject(copy, at(B), at(A));
      changed++;
      await wire.clock.advance(50);
    }
  }
  const after = b.swarm.status().counters;
  assert.equal(after.recordsAdmitted, before.recordsAdmitted);
  assert.equal(after.signatureChecks, before.signatureChecks);
  assert.ok(changed > 50);
  assert.equal(refused(b, 'fault'), 0);
  await a.swarm.stop();
  await b.swarm.stop();
});

test('a member that vouches for forged records is dropped', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')], {}, () => true);
  const b = nodeAt(wire, B);
  await a.swarm.start();
  await b.swarm.start();
  await wire.clock.advance(1_000);
  const created_at = Math.floor(wire.clock.now() / 1000);
  for (let i = 0; i < 4; i++) {
    const event = { ...vectors.events[0]!.event, created_at, content: JSON.stringify({ type: 'swarm_signal', i }) };
    a.swarm.publish(event, [ZONE]);
    await wire.clock.advance(20);
  }
  assert.deepEqual([refused(b, 'signature'), refused(b, 'forger')], [3, 1]);
  assert.deepEqual(b.swarm.status().peers, []);
  await a.swarm.stop();
  await b.swarm.stop();
});

test('ten thousand invented addresses leave no trace, and a listed peer is served among them', async () => {
  const wire = new Wire();
  const a = nodeAt(wire, A, [peerAt(B, 'node')]);
  await a.swarm.start();
  const hello = encodeHello(random.bytes(16));
  const knock = (from: number, to: number) => {
    for (let i = from; i < to; i++)
      wire.inject(
        i % 2 ? hello : utf8('{"kind":"hello","v":1}'),
        at(A),
        at(`100.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`),
      );
  };
  const heap = () => {
    wire.sent.length = 0;
    collect();
    return process.memoryUsage().heapUsed;
  };
  knock(0, 5_000);
  await wire.clock.advance(100);
  const middle = heap();
  knock(5_000, 10_000);
  const b = nodeAt(wire, B, [peerAt(A, 'node')]);
  await b.swarm.start();
  await wire.clock.advance(6_000);
  const status = a.swarm.status();
  assert.deepEqual(
    status.peers.map(({ device, confirmed }) => [device, confirmed]),
    [[b.key, true]],
  );
  assert.ok(status.counters.bytesOut < status.counters.bytesIn / 10);
  assert.equal(status.counters.signatureChecks < 10, true);
  assert.ok(heap() - middle < 8_000_000);
  await a.swarm.stop();
  await b.swarm.stop();
});

test('members with many keys fill no more than the table holds: eight from one network, sixty-four unproved', async () => {
  const wire = new Wire();
  const limits = { checksPerSecond: 10_000, checksBurst: 10_000, peersMax: 40, unconfirmedMax: 24 };
  const node = nodeAt(wire, A, [peerAt(B, 'node')], { limits }, () => true);
  await node.swarm.start();
  const join = async (host: string) => {
    const nonce = random.bytes(16);
    wire.inject(proof(nonce, await cookieFor(wire, A, at(host), nonce)), at(A), at(host));
    await wire.clock.advance(10);
    wire.sent.length = 0;
  };
  for (let i = 0; i < 20; i++) await join(`203.0.113.${i}`);
  assert.equal(node.swarm.status().peers.filter(({ configured }) => !configured).length, 8);
  for (let i = 0; i < 60; i++) await join(`100.64.${i}.1`);
  const { peers } = node.swarm.status();
  assert.equal(peers.filter(({ configured }) => !configured).length, 24);
  assert.ok(peers[0]!.configured, 'what the operator listed stays');
  await node.swarm.stop();
});

test('FIND is answered with one record, to members of its zone, and never with more than was asked', async () => {
  const { wire, a, b } = await twoNodes();
  const nonce = random.bytes(16);
  const cookie = await cookieFor(wire, B, at(EVE), nonce);
  const ask = async (zone: string, device: Uint8Array, withCookie = cookie) => {
    wire.sent.length = 0;
    const tag = findTag(hashes, zoneSecret(hashes, zone), { nonce, cookie: withCookie, device });
    wire.inject(encodeFind(withCookie, { nonce, tag, device }), at(B), at(EVE));
    await wire.clock.advance(20);
    return wire.between(B, EVE);
  };
  for (const key of [a.key, b.key]) {
    const answers = await ask(ZONE, fromHex(key)!);
    assert.equal(answers.length, 1);
    assert.ok(answers[0]!.length <= 1_200);
    const parsed = parseNodeDatagram(answers[0]!);
    assert.ok('datagram' in parsed && parsed.datagram.kind === 'found');
  }
  assert.deepEqual(await ask(OTHER_ZONE, fromHex(a.key)!), []);
  assert.deepEqual(await ask(ZONE, author), [], 'unknown devices');
  assert.deepEqual(await ask(ZONE, fromHex(a.key)!, random.bytes(16)), []);
  const mixed = encodeFind(cookie, {
    nonce,
    tag: findTag(hashes, zoneSecret(hashes, ZONE), { nonce, cookie, device: author }),
    device: fromHex(a.key)!,
  });
  wire.sent.length = 0;
  wire.inject(mixed, at(B), at(EVE));
  await wire.clock.advance(20);
  assert.deepEqual(wire.between(B, EVE), [], 'a proof is good for one device');
  await a.swarm.stop();
  await b.swarm.stop();
});

test('a seeded run of damaged datagrams from strangers and peers ends nothing', async () => {
  const { wire, a, b } = await twoNodes();
  const seeds = [
    ...wire.sent.map(({ bytes }) => bytes),
    ...vectors.udp.messages.map(bytesOf),
    concatBytes(encodeHello(random.bytes(16)), random.bytes(32)),
  ];
  let count = 0;
  for (const bytes of mutations(seeds, SLOW ? 60_000 : 2_000, 31)) {
    wire.inject(bytes, at(B), count % 3 ? at(`198.51.100.${count % 250}`, 1 + (count % 60_000)) : at(A));
    if (++count % 100 === 0) {
      wire.sent.length = 0;
      await wire.clock.advance(200);
    }
  }
  await wire.clock.advance(10_000);
  assert.equal(refused(b, 'fault'), 0);
  assert.deepEqual(b.log, []);
  assert.deepEqual(
    b.swarm.status().peers.map(({ device, confirmed }) => [device, confirmed]),
    [[a.key, true]],
  );
  await a.swarm.stop();
  await b.swarm.stop();
});
