import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  AUDIT_DROP_CAUSES,
  AUDIT_EVENTS,
  AUDIT_HEADER_SIZE,
  AUDIT_LEAF_SIZE,
  AUDIT_LOSS_CAUSES,
  type AuditEntry,
  type AuditEvent,
  type AuditFileHeader,
  type AuditLeaf,
  auditText,
  type DeviceKey,
  encodeAuditFileHeader,
  encodeAuditLeaf,
  parseAuditFileHeader,
  parseAuditLeaf,
  type SourceId,
} from '../../src/protocol/index.ts';

const MUTATIONS = process.env['SLOW'] === '1' ? 200_000 : 4_000;

const record = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(shape, { noNullPrototype: true });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const count = () => fc.maxSafeNat();
const key = () => bytes(32).map((each) => toHex(each.fill(1, 0, 1)) as DeviceKey);
const printable = (maxLength: number) =>
  fc.array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength }).map((codes) => String.fromCharCode(...codes));
const ipv4 = () => fc.ipV4();
const ipv6 = () =>
  fc.constantFrom('2001:db8::7', 'fe80::1', '::1', '2001:db8:0:1:1:1:1:1', '2001:0:0:1::1', 'ff02::fb');

const entry = record({
  event: fc.constantFrom(...(Object.keys(AUDIT_EVENTS) as AuditEvent[])),
  at: count(),
  device: fc.option(key()),
  source: fc.option(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/).map((id) => id as SourceId)),
  span: fc.option(record({ from: count(), to: count() })),
  detail: printable(64),
  address: fc.oneof(ipv4(), ipv6(), fc.constant('')),
});

const statement: fc.Arbitrary<AuditLeaf['statement']> = fc.oneof(
  entry.map((each) => ({ type: 'entry' as const, entry: each })),
  record({ type: fc.constant('head' as const), at: count(), root: bytes(32), signature: bytes(64) }),
  record({
    type: fc.constant('dropped' as const),
    at: count(),
    cause: fc.constantFrom(...(Object.keys(AUDIT_DROP_CAUSES) as 'age'[])),
    before: count(),
    closingHash: bytes(32),
  }),
  record({
    type: fc.constant('lost' as const),
    at: count(),
    cause: fc.constantFrom(...(Object.keys(AUDIT_LOSS_CAUSES) as 'disk'[])),
    count: count(),
    from: count(),
    to: count(),
    device: fc.option(key()),
  }),
);
const leaf: fc.Arbitrary<AuditLeaf> = record({ index: count(), previous: bytes(32), statement });

const header: fc.Arbitrary<AuditFileHeader> = record({
  nodeId: bytes(32),
  logId: bytes(16),
  first: count(),
  createdAt: count(),
  previous: bytes(32),
}).chain((fixed) => {
  const peaks = fixed.first.toString(2).replaceAll('0', '').length;
  return fc.array(bytes(32), { minLength: peaks, maxLength: peaks }).map((each) => ({ ...fixed, peaks: each }));
});

test('what is written into a leaf is read out of it', () => {
  fc.assert(
    fc.property(leaf, (each) => {
      const encoded = encodeAuditLeaf(each);
      assert.equal(encoded.length, AUDIT_LEAF_SIZE);
      const parsed = parseAuditLeaf(encoded);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.deepEqual(parsed.value, each);
    }),
  );
});

test('what is written into a file header is read out of it', () => {
  fc.assert(
    fc.property(header, (each) => {
      const parsed = parseAuditFileHeader(encodeAuditFileHeader(each));
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.deepEqual(parsed.value, each);
    }),
  );
});

test('cut leaves and headers are refused at every length', () => {
  const whole = encodeAuditLeaf(fc.sample(leaf, { numRuns: 1, seed: 3 })[0]!);
  for (let length = 0; length < whole.length; length++) assert.ok(!parseAuditLeaf(whole.subarray(0, length)).ok);
  const begin = encodeAuditFileHeader(fc.sample(header, { numRuns: 1, seed: 3 })[0]!);
  for (let length = 0; length < begin.length; length++) assert.ok(!parseAuditFileHeader(begin.subarray(0, length)).ok);
});

test('there is one encoding of everything: whatever a mutated leaf or header still says, is written the same way', () => {
  const random = new SeededRandom(11);
  const leaves = fc.sample(leaf, { numRuns: 40, seed: 7 }).map(encodeAuditLeaf);
  const headers = fc.sample(header, { numRuns: 40, seed: 7 }).map(encodeAuditFileHeader);
  let [taken, refused] = [0, 0];
  for (let i = 0; i < MUTATIONS; i++) {
    const isLeaf = i % 2 === 0;
    const pool = isLeaf ? leaves : headers;
    const mutated = pool[random.below(pool.length)]!.slice();
    for (let flips = 1 + random.below(3); flips > 0; flips--) mutated[random.below(mutated.length)] = random.below(256);
    if (isLeaf) {
      const parsed = parseAuditLeaf(mutated);
      if (parsed.ok) assert.deepEqual(encodeAuditLeaf(parsed.value), mutated);
      parsed.ok ? taken++ : refused++;
    } else {
      const parsed = parseAuditFileHeader(mutated);
      if (parsed.ok) assert.deepEqual(encodeAuditFileHeader(parsed.value), mutated);
      parsed.ok ? taken++ : refused++;
    }
  }
  assert.ok(taken > MUTATIONS / 20 && refused > MUTATIONS / 20, `${taken} taken, ${refused} refused`);
  const noise = new SeededRandom(12);
  for (let i = 0; i < MUTATIONS / 4; i++) {
    parseAuditLeaf(noise.bytes(AUDIT_LEAF_SIZE));
    parseAuditFileHeader(noise.bytes(AUDIT_HEADER_SIZE));
  }
});

test('an entry is made to fit, whatever a room writes into it', () => {
  const table: [Partial<AuditEntry>, Partial<AuditEntry>][] = [
    [{ detail: 'x'.repeat(300) }, { detail: 'x'.repeat(64) }],
    [{ detail: 'Küche\n\u202e\0' }, { detail: 'K?che???' }],
    [{ address: '::ffff:192.0.2.9' }, { address: '192.0.2.9' }],
    [{ address: 'fe80::1%eth0' }, { address: 'fe80::1' }],
    [{ address: 'nvr.example' }, { address: '' }],
    [{ address: '1'.repeat(400) }, { address: '' }],
    [{ source: 'Über' as SourceId }, { source: null }],
    [{ device: 'beef' as DeviceKey }, { device: null }],
    [{ at: Number.NaN }, { at: 0 }],
    [
      { at: -5.5, span: { from: 1.9, to: 1e300 } },
      { at: 0, span: { from: 1, to: Number.MAX_SAFE_INTEGER } },
    ],
  ];
  for (const [given, expected] of table) {
    const written = fits({
      event: 'played',
      at: 5,
      device: null,
      source: null,
      span: null,
      detail: '',
      address: '',
      ...given,
    });
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(written[name as keyof typeof written], value, `${name} of ${JSON.stringify(given)}`);
    }
  }
  assert.equal(auditText('ok'), 'ok');

  function fits(each: AuditEntry): AuditEntry {
    const parsed = parseAuditLeaf(
      encodeAuditLeaf({ index: 1, previous: new Uint8Array(32), statement: { type: 'entry', entry: each } }),
    );
    assert.ok(parsed.ok && parsed.value.statement.type === 'entry');
    return parsed.value.statement.entry;
  }
});
