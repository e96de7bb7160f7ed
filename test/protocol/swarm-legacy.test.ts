import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  type DeviceKey,
  encodeLegacyDatagram,
  isNodeDatagram,
  type LegacyDatagram,
  parseLegacyDatagram,
  ZONES_MAX,
  zoneKeyOfIdentity,
  zoneKeyOfLabel,
} from '../../src/protocol/index.ts';
import { MUTATIONS, mutations } from './swarm-mutations.ts';
import { bytesOf, vectors } from './swarm-vectors.ts';

const { hashes } = createNodeSuite();
const zoneKeys = fc.stringMatching(/^[A-Za-z0-9_-]{20}$/);
const deviceKeys = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => text as DeviceKey);
const times = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const names = fc.string({ maxLength: 20 });
const targets = fc.option(names);
const PLAIN = { noNullPrototype: true } as const;

const greetings = fc.record(
  {
    kind: fc.constantFrom('hello', 'ack'),
    nodeName: names,
    device: deviceKeys,
    zones: fc.array(zoneKeys, { maxLength: ZONES_MAX }),
    ts: times,
  },
  PLAIN,
);
const requests = fc.record(
  {
    kind: fc.constant('recordrequest'),
    zone: zoneKeys,
    types: fc.array(names, { maxLength: 4 }),
    identityId: targets,
    device: targets,
    dhtScope: targets,
    dhtKey: targets,
    hops: fc.nat({ max: 255 }),
    ts: times,
  },
  PLAIN,
);
const records = fc.record(
  {
    kind: fc.constant('record'),
    zone: zoneKeys,
    recordType: names,
    event: fc.constantFrom(...vectors.events.map((each) => each.event)),
    ts: times,
  },
  PLAIN,
);

test('every message of the vectors is read and written again byte for byte', () => {
  for (const vector of vectors.udp.messages) {
    const parsed = parseLegacyDatagram(bytesOf(vector));
    assert.ok('message' in parsed, vector.name);
    assert.deepEqual(encodeLegacyDatagram(parsed.message), bytesOf(vector), vector.name);
  }
});

test('every accepted variant is understood as the plain greeting it is', () => {
  for (const vector of vectors.udp.accept) {
    const parsed = parseLegacyDatagram(bytesOf(vector));
    assert.ok('message' in parsed && parsed.message.kind === 'hello', `${vector.name}: ${vector.why}`);
    assert.deepEqual(parsed.message.zones, vector.name === 'empty-zones' ? [] : [vectors.udp.zones[0]], vector.name);
  }
});

test('every rejected variant is refused for its reason', () => {
  const reasons: Record<string, string> = {
    'exactly-2048-bytes': 'size',
    'version-missing': 'version',
    'version-2': 'version',
    'version-256': 'version',
    'version-string': 'version',
    'kind-upper-case': 'kind',
    'kind-with-underscore': 'kind',
    'kind-missing': 'kind',
    'ts-float': 'shape',
    'ts-negative': 'shape',
    'ts-missing': 'shape',
    'zones-string': 'shape',
    truncated: 'text',
    'trailing-bytes': 'text',
    empty: 'text',
    'not-utf8': 'text',
    'record-created-at-string': 'event',
    'record-numeric-tag': 'event',
    'record-sig-multibyte': 'event',
    'request-hops-256': 'shape',
    // Well-formed; the swarm itself refuses them (test/swarm/legacy-side.test.ts).
    'record-bad-signature': 'none',
    'record-zone-not-joined': 'none',
  };
  for (const vector of vectors.udp.reject) {
    const parsed = parseLegacyDatagram(bytesOf(vector));
    assert.equal('reason' in parsed ? parsed.reason : 'none', reasons[vector.name], `${vector.name}: ${vector.why}`);
  }
});

test('writing and reading are inverse, a cut is refused, and our own form is none of it', () => {
  fc.assert(
    fc.property(fc.oneof(greetings, requests, records) as fc.Arbitrary<LegacyDatagram>, fc.nat(), (message, cut) => {
      const bytes = encodeLegacyDatagram(message);
      assert.deepEqual(parseLegacyDatagram(bytes), { message });
      assert.ok('reason' in parseLegacyDatagram(bytes.subarray(0, cut % bytes.length)));
      assert.equal(isNodeDatagram(bytes), false);
    }),
    { numRuns: 300 },
  );
});

test('what has not the form of a zone key is left out of a greeting, and the rest is bounded', () => {
  const zones = [
    'short',
    'ZLoI5dHO2oBisXbfazo6',
    'ZLoI5dHO2oBisXbfazo6 ',
    ...Array.from({ length: 40 }, (_, i) => `${i}`.padStart(20, 'z')),
  ];
  const parsed = parseLegacyDatagram(
    utf8(JSON.stringify({ kind: 'ack', v: 1, node_id: 'x', device_pk: vectors.keys.gateway.publicKey, zones, ts: 1 })),
  );
  assert.ok('message' in parsed && parsed.message.kind === 'ack');
  assert.equal(parsed.message.zones.length, ZONES_MAX);
  assert.equal(parsed.message.zones[0], 'ZLoI5dHO2oBisXbfazo6');
});

test('no damaged datagram throws, and what is still read can be written', () => {
  const seeds = vectors.udp.messages.map(bytesOf);
  const seen = new Set<string>();
  for (const bytes of mutations(seeds, MUTATIONS, 11)) {
    const parsed = parseLegacyDatagram(bytes);
    if ('message' in parsed) assert.deepEqual(parseLegacyDatagram(encodeLegacyDatagram(parsed.message)), parsed);
    seen.add('reason' in parsed ? parsed.reason : 'message');
  }
  for (const outcome of ['message', 'text', 'version', 'kind', 'shape', 'event']) assert.ok(seen.has(outcome), outcome);
});

test('zone keys are derived as the vectors say', () => {
  for (const { identityId, roomKeyB64, zone } of vectors.derive.zoneFromIdentity) {
    assert.equal(zoneKeyOfIdentity(hashes, identityId, roomKeyB64), zone);
  }
  for (const { label, seed, zone } of vectors.derive.zoneFromLabel)
    assert.equal(zoneKeyOfLabel(hashes, label, seed), zone);
});
