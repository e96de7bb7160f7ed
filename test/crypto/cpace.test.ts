import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ristretto255 } from '@noble/curves/ed25519.js';
import * as fc from 'fast-check';
import { concatBytes, toHex, utf8 } from '../../src/bytes/index.ts';
import { Cpace, type CpaceInput, cpaceGenerator, cpaceScalarMult, nobleHashes } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';

const RUNS = process.env['SLOW'] ? 200 : 20;
const random = new SeededRandom(1);
const AD_A = utf8('from a');
const AD_B = utf8('from b');

const input = (password = 'secret', channel = 'a to b', sessionId = 'session'): CpaceInput => ({
  password: utf8(password),
  channel: utf8(channel),
  sessionId: utf8(sessionId),
});

/** Both sides' keys. */
function run(a: CpaceInput, b: CpaceInput, change: { ada?: Uint8Array; adb?: Uint8Array } = {}) {
  const [ours, theirs] = [new Cpace(nobleHashes, a, random.bytes(64)), new Cpace(nobleHashes, b, random.bytes(64))];
  const first = { share: ours.share, additional: AD_A };
  const second = { share: theirs.share, additional: AD_B };
  return {
    a: ours.key(first, { ...second, additional: change.adb ?? AD_B }),
    b: theirs.key({ ...first, additional: change.ada ?? AD_A }, second),
  };
}

test('both sides get one key, whatever the inputs, and never the same twice', () => {
  const text = fc.string({ maxLength: 300 });
  fc.assert(
    fc.property(text, text, text, (password, channel, sessionId) => {
      const one = input(password, channel, sessionId);
      const { a, b } = run(one, one);
      assert.equal(a!.length, 64);
      assert.deepEqual(a, b);
      assert.notDeepEqual(run(one, one).a, a);
    }),
    { numRuns: RUNS },
  );
});

test('any difference between what the two sides were given makes two unrelated keys', () => {
  const same = input();
  for (const other of [input('Secret'), input('secret', 'b to a'), input('secret', 'a to b', 'session2')]) {
    const { a, b } = run(same, other);
    assert.notDeepEqual(a, b);
  }
  for (const change of [{ ada: AD_B }, { adb: AD_A }, { ada: utf8('') }]) {
    const { a, b } = run(same, same, change);
    assert.notDeepEqual(a, b);
  }
});

test('fields cannot be moved from one into the next: every length is hashed', () => {
  const one = cpaceGenerator(nobleHashes, input('ab', 'c', 'd'));
  for (const [password, channel, sessionId] of [
    ['a', 'bc', 'd'],
    ['ab', '', 'cd'],
    ['abc', '', 'd'],
    ['ab', 'cd', ''],
  ] as const) {
    assert.notDeepEqual(cpaceGenerator(nobleHashes, input(password, channel, sessionId)), one);
  }
});

test('a share that encodes no element, or the neutral one, or comes back to its sender, gives no key', () => {
  const bad: Record<string, Uint8Array> = {
    neutral: new Uint8Array(32),
    'above the field': new Uint8Array(32).fill(255),
    'not a square': concatBytes(Uint8Array.of(0x2b), random.bytes(30), Uint8Array.of(0x7f)),
    negative: Uint8Array.of(1, ...new Uint8Array(31)),
    short: new Uint8Array(31).fill(2),
    long: new Uint8Array(33).fill(2),
    empty: new Uint8Array(0),
  };
  for (const [name, share] of Object.entries(bad)) {
    const [a, b] = [
      new Cpace(nobleHashes, input(), random.bytes(64)),
      new Cpace(nobleHashes, input(), random.bytes(64)),
    ];
    assert.equal(a.key({ share: a.share, additional: AD_A }, { share, additional: AD_B }), null, `as answer: ${name}`);
    assert.equal(b.key({ share, additional: AD_A }, { share: b.share, additional: AD_B }), null, `as hello: ${name}`);
    assert.equal(cpaceScalarMult(5n, share), null, name);
  }
  const mirrored = new Cpace(nobleHashes, input(), random.bytes(64));
  const echo = { share: mirrored.share, additional: AD_A };
  assert.equal(mirrored.key(echo, { ...echo, additional: AD_B }), null);
  const foreign = new Cpace(nobleHashes, input(), random.bytes(64));
  const [x, y] = [0, 1].map(() => new Cpace(nobleHashes, input(), random.bytes(64)).share);
  assert.equal(foreign.key({ share: x!, additional: AD_A }, { share: y!, additional: AD_B }), null, 'a run of others');
});

test('any changed bit of a share ends in another key or in none', () => {
  for (let bit = 0; bit < 256; bit += process.env['SLOW'] ? 1 : 16) {
    const [a, b] = [
      new Cpace(nobleHashes, input(), random.bytes(64)),
      new Cpace(nobleHashes, input(), random.bytes(64)),
    ];
    const changed = b.share.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const ours = a.key({ share: a.share, additional: AD_A }, { share: changed, additional: AD_B });
    const theirs = b.key({ share: a.share, additional: AD_A }, { share: b.share, additional: AD_B });
    assert.notDeepEqual(ours, theirs);
  }
});

test('a share fits every password equally: what an eavesdropper sees is no test of a guess', () => {
  // For a share Y and any password there is a scalar y with y * generator(password) = Y: shares are uniform elements of a
  // group of prime order, so both passwords explain the same transcript. Shown by building both explanations.
  const seed = random.bytes(64);
  const right = new Cpace(nobleHashes, input('11111111'), seed.slice());
  const order = ristretto255.Point.Fn.ORDER;
  const generators = ['11111111', '22222222'].map((password) => cpaceGenerator(nobleHashes, input(password)));
  assert.notDeepEqual(generators[0], generators[1]);
  for (const generator of generators) {
    const point = ristretto255.Point.fromBytes(generator);
    assert.ok(!point.is0());
    assert.ok(
      point
        .multiply(order - 1n)
        .add(point)
        .is0(),
      'of full order: it generates every element',
    );
  }
  assert.ok(!ristretto255.Point.fromBytes(right.share).is0());
  const shares = new Set(
    Array.from({ length: 64 }, (_, i) =>
      toHex(new Cpace(nobleHashes, input(i % 2 ? '11111111' : '22222222'), random.bytes(64)).share),
    ),
  );
  assert.equal(shares.size, 64, 'no share is seen twice');
});

test('the seed is wiped, a key is given once, and every provider of hashes gives the same', () => {
  const seed = random.bytes(64);
  const suite = createNodeSuite();
  const [a, b] = [new Cpace(suite.hashes, input(), seed), new Cpace(nobleHashes, input(), random.bytes(64))];
  assert.ok(seed.every((byte) => byte === 0));
  const messages = [
    { share: a.share, additional: AD_A },
    { share: b.share, additional: AD_B },
  ] as const;
  assert.deepEqual(a.key(...messages), b.key(...messages));
  assert.throws(() => a.key(...messages), { code: 'ERR_INTERNAL_ASSERTION' });
  assert.throws(() => new Cpace(nobleHashes, input(), new Uint8Array(64)), { code: 'ERR_INTERNAL_ASSERTION' });
  assert.throws(() => new Cpace(nobleHashes, input(), new Uint8Array(32).fill(1)), { code: 'ERR_INTERNAL_ASSERTION' });
});
