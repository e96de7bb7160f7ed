import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  cookieOf,
  datagramCode,
  encodeCookie,
  encodeFind,
  encodeHello,
  encodeNodeDatagram,
  encodeProve,
  encodeWelcome,
  findTag,
  foundCode,
  hasDatagramCode,
  isNodeDatagram,
  NODE_COOKIE_SIZE,
  NODE_DATAGRAM_MAX,
  NODE_HEADER_SIZE,
  NODE_KINDS,
  NODE_QUESTION_SIZE,
  type NodeKind,
  parseLegacyDatagram,
  parseNodeDatagram,
  proveBodyOf,
  sessionKeys,
  stampCheck,
  welcomeBodyOf,
  zoneSecret,
  zoneTag,
} from '../../src/protocol/index.ts';
import { MUTATIONS, mutations } from './swarm-mutations.ts';

const { hashes } = createNodeSuite();
const random = new SeededRandom(23);
const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const [nonce, cookie, answerNonce] = [random.bytes(16), random.bytes(16), random.bytes(16)];
const [asker, answerer] = [random.bytes(32), random.bytes(32)];
const transcript = { nonce, cookie, answerNonce, asker, answerer };

const SAMPLES = [
  encodeHello(nonce),
  encodeCookie(nonce, cookie),
  encodeProve(cookie, {
    nonce,
    expected: answerer,
    author: asker,
    signature: random.bytes(64),
    tags: [random.bytes(16)],
  }),
  encodeWelcome({ nonce, answerNonce, author: answerer, signature: random.bytes(64), shared: 1 }),
  encodeNodeDatagram('record', random.bytes(300), { check: random.bytes(16), hops: 2 }),
  encodeNodeDatagram('request', random.bytes(34), { check: random.bytes(16) }),
  encodeNodeDatagram('ping', random.bytes(8), { check: random.bytes(16) }),
  encodeNodeDatagram('pong', random.bytes(8), { check: random.bytes(16) }),
  encodeNodeDatagram('bye', new Uint8Array(0), { check: random.bytes(16) }),
  encodeFind(cookie, { nonce, tag: random.bytes(16), device: asker }),
  encodeNodeDatagram('found', random.bytes(200), { check: random.bytes(16) }),
];

test('every kind is written and read again, and has the size the page says', () => {
  const kinds = Object.keys(NODE_KINDS) as NodeKind[];
  assert.equal(SAMPLES.length, kinds.length);
  for (const [index, sample] of SAMPLES.entries()) {
    const parsed = parseNodeDatagram(sample);
    assert.ok('datagram' in parsed);
    const { kind, hops, check, body } = parsed.datagram;
    assert.equal(kind, kinds[index]);
    assert.deepEqual(encodeNodeDatagram(kind, body, { check, hops }), sample);
    assert.ok(isNodeDatagram(sample));
  }
  assert.deepEqual(
    SAMPLES.slice(0, 4).map((sample) => sample.length),
    [NODE_QUESTION_SIZE, NODE_COOKIE_SIZE, 185, 154],
  );
  assert.equal(SAMPLES[9]!.length, NODE_QUESTION_SIZE);
});

test('the old wire reads none of it', () => {
  for (const sample of SAMPLES) assert.deepEqual(parseLegacyDatagram(sample), { reason: 'text' });
});

test('each rule of the header refuses with its own reason; every cut and every longer copy is refused', () => {
  const hello = SAMPLES[0]!;
  const changed = (at: number, value: number) => {
    const copy = hello.slice();
    copy[at] = value;
    return copy;
  };
  assert.deepEqual(parseNodeDatagram(changed(0, 0x7b)), { reason: 'magic' });
  assert.deepEqual(parseNodeDatagram(changed(2, 0)), { reason: 'magic' });
  assert.deepEqual(parseNodeDatagram(changed(3, 1)), { reason: 'version' });
  assert.deepEqual(parseNodeDatagram(changed(4, 0)), { reason: 'kind' });
  assert.deepEqual(parseNodeDatagram(changed(4, 12)), { reason: 'kind' });
  assert.deepEqual(parseNodeDatagram(changed(4, NODE_KINDS.ping)), { reason: 'body' });
  assert.deepEqual(parseNodeDatagram(changed(7, 0)), { reason: 'length' });
  assert.deepEqual(parseNodeDatagram(new Uint8Array(NODE_DATAGRAM_MAX + 1)), { reason: 'size' });
  for (const sample of SAMPLES) {
    for (let length = 0; length < sample.length; length++) {
      assert.ok('reason' in parseNodeDatagram(sample.subarray(0, length)));
    }
    assert.ok('reason' in parseNodeDatagram(Uint8Array.from([...sample, 0])));
  }
});

test('PROVE and WELCOME are written and read', () => {
  fc.assert(
    fc.property(
      fc.record(
        {
          nonce: bytes(16),
          expected: bytes(32),
          author: bytes(32),
          signature: bytes(64),
          tags: fc.array(bytes(16), { minLength: 1, maxLength: 16 }),
        },
        { noNullPrototype: true },
      ),
      fc.record(
        {
          nonce: bytes(16),
          answerNonce: bytes(16),
          author: bytes(32),
          signature: bytes(64),
          shared: fc.nat({ max: 0xffff }),
        },
        { noNullPrototype: true },
      ),
      (prove, welcome) => {
        const body = encodeProve(cookie, prove).subarray(NODE_HEADER_SIZE);
        assert.deepEqual(proveBodyOf(body), prove);
        assert.equal(proveBodyOf(body.subarray(0, body.length - 1)), null);
        assert.deepEqual(welcomeBodyOf(encodeWelcome(welcome).subarray(NODE_HEADER_SIZE)), welcome);
      },
    ),
    { numRuns: 100 },
  );
  assert.equal(proveBodyOf(new Uint8Array(145)), null, 'no tags');
  assert.equal(proveBodyOf(new Uint8Array(0)), null);
  const tooMany = new Uint8Array(145 + 17 * 16);
  tooMany[144] = 17;
  assert.equal(proveBodyOf(tooMany), null);
});

test('a code covers every byte of a datagram and is good in one direction only', () => {
  const keys = sessionKeys(hashes, [zoneSecret(hashes, 'ZLoI5dHO2oBisXbfazo6')], transcript);
  assert.notDeepEqual(keys.fromAsker, keys.fromAnswerer);
  const datagram = encodeNodeDatagram('record', random.bytes(40), { hops: 1 });
  stampCheck(datagram, datagramCode(hashes, keys.fromAsker, datagram));
  assert.ok(hasDatagramCode(hashes, keys.fromAsker, datagram));
  assert.ok(!hasDatagramCode(hashes, keys.fromAnswerer, datagram));
  for (let at = 0; at < datagram.length; at++) {
    const changed = datagram.slice();
    changed[at]! ^= 1;
    assert.ok(!hasDatagramCode(hashes, keys.fromAsker, changed), `byte ${at}`);
  }
});

test('keys change with every part of the handshake and with every zone', () => {
  const zones = [zoneSecret(hashes, 'a'.repeat(20)), zoneSecret(hashes, 'b'.repeat(20))];
  const seen = new Set<string>();
  const note = (keys: { fromAsker: Uint8Array }) => seen.add(String(keys.fromAsker));
  note(sessionKeys(hashes, zones, transcript));
  note(sessionKeys(hashes, zones.slice(0, 1), transcript));
  note(sessionKeys(hashes, zones.toReversed(), transcript));
  for (const part of ['nonce', 'cookie', 'answerNonce', 'asker', 'answerer'] as const) {
    note(sessionKeys(hashes, zones, { ...transcript, [part]: random.bytes(transcript[part].length) }));
  }
  assert.equal(seen.size, 8);
});

test('cookies, tags and codes differ by purpose, by secret and by what they are bound to', () => {
  const secret = random.bytes(32);
  const made = [
    cookieOf(hashes, secret, '192.0.2.1:4050', nonce),
    cookieOf(hashes, secret, '192.0.2.1:4051', nonce),
    cookieOf(hashes, secret, '192.0.2.1:4050', answerNonce),
    cookieOf(hashes, random.bytes(32), '192.0.2.1:4050', nonce),
    zoneTag(hashes, secret, { nonce, cookie, author: asker }),
    zoneTag(hashes, secret, { nonce, cookie, author: answerer }),
    findTag(hashes, secret, { nonce, cookie, device: asker }),
    foundCode(hashes, secret, { nonce, packed: asker }),
  ];
  for (const each of made) assert.equal(each.length, 16);
  assert.equal(new Set(made.map(String)).size, made.length);
});

test('no damaged datagram throws', () => {
  const seen = new Set<string>();
  for (const mutated of mutations(SAMPLES, MUTATIONS, 7)) {
    const parsed = parseNodeDatagram(mutated);
    seen.add('reason' in parsed ? parsed.reason : 'datagram');
    if ('datagram' in parsed && parsed.datagram.kind === 'prove') proveBodyOf(parsed.datagram.body);
  }
  for (const outcome of ['datagram', 'size', 'magic', 'version', 'kind', 'length'])
    assert.ok(seen.has(outcome), outcome);
});
