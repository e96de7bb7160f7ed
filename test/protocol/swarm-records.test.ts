import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  appEventOf,
  CHANNEL_ADDRESSES_MAX,
  channelPlaceField,
  channelPlaceOf,
  type DeviceKey,
  type DiscoveryReason,
  deviceRecordEvent,
  discoveryRecordOf,
  eventOf,
  packEvent,
  presenceEvent,
  type SignedEvent,
  unpackEvent,
  verifyEvent,
} from '../../src/protocol/index.ts';
import { MUTATIONS, mutations } from './swarm-mutations.ts';
import { vectors } from './swarm-vectors.ts';

const { hashes } = createNodeSuite();
const NOW = 1_772_200_000_500;
const service = vectors.keys.service.publicKey as DeviceKey;
const record = (name: string) => vectors.records[name]!.event;
const window = { past: 120_000, ahead: 30_000 };

test('every record check ends as we want it to', () => {
  for (const { name, type, now, event, want, why } of vectors.recordChecks) {
    const read = eventOf(event);
    const checked = read && verifyEvent(hashes, read) ? discoveryRecordOf(read, now * 1000) : null;
    const accepted = checked !== null && 'record' in checked && checked.record.type === type;
    assert.equal(accepted ? 'accept' : 'reject', want, `${name}: ${why}`);
  }
});

test('each rule of a record refuses with its own reason', () => {
  const device = record('device_v1');
  const identity = record('identity');
  const dht = record('dht');
  const content = (event: SignedEvent, change: object) => ({
    ...event,
    content: JSON.stringify({ ...JSON.parse(event.content), ...change }),
  });
  const table: [DiscoveryReason, SignedEvent, number?][] = [
    ['kind', { ...device, kind: 1 }],
    ['topic', { ...device, tags: device.tags.slice(1) }],
    [
      'type',
      {
        ...device,
        tags: [
          ['t', 'swarm_discovery'],
          ['type', 'relay'],
        ],
      },
    ],
    ['type', { ...device, tags: [['t', 'swarm_discovery']] }],
    ['stale', device, NOW + 86_401_000],
    ['future', device, NOW - 601_000],
    ['future', content(device, { updatedAt: NOW + 700_000 })],
    ['content', { ...device, content: '[]' }],
    ['content', content(device, { updatedAt: 'now' })],
    ['content', content(device, { expiresAt: -1 })],
    ['content', content(device, { role: 'x'.repeat(300) })],
    ['expired', content(device, { expiresAt: NOW - 1 })],
    ['author', content(device, { devicePk: vectors.keys.other.publicKey })],
    ['role', content(device, { role: 'gateway' })],
    ['content', content(identity, { identityId: ' ' })],
    ['content', content(identity, { devicePks: [1] })],
    ['content', content(identity, { devicePks: 'all' })],
    ['author', content(identity, { devicePks: [service] })],
    ['content', content(dht, { scope: '' })],
    ['content', content(dht, { value: undefined })],
    ['author', content(dht, { authorPk: service })],
  ];
  for (const [reason, event, now = NOW] of table)
    assert.deepEqual(discoveryRecordOf(event, now), { reason }, event.content);
  assert.ok('record' in discoveryRecordOf(identity, NOW));
  assert.ok('record' in discoveryRecordOf(dht, NOW));
});

test('our device records are those of the vectors where they say the same', () => {
  const facts = {
    device: service,
    identityId: 'id-b64urlExample012',
    label: 'Garage NVR',
    role: 'native',
    version: '0.1.0',
    hostGateway: '',
    updatedAt: 1_772_200_000_123,
  };
  const least = deviceRecordEvent(facts);
  const { tags, content, created_at, kind } = record('device_v1');
  assert.deepEqual({ ...least, content: '' }, { created_at, kind, tags, content: '' });
  assert.equal(least.content, content.replace('"service":"nvr"', '"deviceKind":"service","service":"nvr"'));
  const hosted = deviceRecordEvent({ ...facts, hostGateway: vectors.keys.gateway.publicKey });
  assert.deepEqual(
    Object.keys(JSON.parse(hosted.content)),
    'devicePk identityId deviceLabel updatedAt expiresAt role deviceKind service hostGatewayPk serviceVersion'.split(
      ' ',
    ),
  );
  const full = deviceRecordEvent(facts, {
    sessionUrl: 'ws://192.0.2.10:8456/session',
    uptimeS: 4711,
    peersKnown: 2,
    peersConfirmed: 1,
    camerasTotal: 3,
    camerasEnabled: 2,
    channelKey: new Uint8Array(32).fill(7),
    channelAddresses: ['192.0.2.10:8456'],
  });
  const theirs = record('device_v1_1');
  assert.deepEqual(full.tags, theirs.tags);
  const { deviceKind, channel, ...rest } = JSON.parse(full.content);
  const { uiRepo, uiRef, uiManifestUrl, uiEntry, ...wanted } = JSON.parse(theirs.content);
  assert.ok(uiRepo && uiRef && uiManifestUrl && uiEntry);
  assert.equal(JSON.stringify(rest), JSON.stringify(wanted), 'the same fields in the same order');
  assert.equal(deviceKind, 'service');
  assert.deepEqual(channelPlaceOf({ channel }), {
    channelKey: new Uint8Array(32).fill(7),
    addresses: ['192.0.2.10:8456'],
  });
});

test('presence is that of the vectors, byte for byte', () => {
  const { created_at, kind, tags, content } = record('zone_presence');
  const made = presenceEvent({
    zone: 'ZLoI5dHO2oBisXbfazo6',
    device: service,
    swarm: '192.0.2.10:4050',
    role: 'native',
    version: '0.1.0',
    now: 1_772_200_000_123,
  });
  assert.deepEqual(made, { created_at, kind, tags, content });
});

test('app events are taken while they are fresh', () => {
  const presence = record('zone_presence');
  assert.deepEqual(appEventOf(presence, NOW, window), {
    app: { type: 'zone_presence', role: 'native', zones: ['ZLoI5dHO2oBisXbfazo6'] },
  });
  for (const name of ['pair_request', 'pair_approve', 'device_revoked', 'gateway_wrapper']) {
    assert.ok('app' in appEventOf(record(name), NOW + 10_000, window), name);
  }
  const content = (change: object) => ({
    ...presence,
    content: JSON.stringify({ ...JSON.parse(presence.content), ...change }),
  });
  const table: [string, SignedEvent, number?][] = [
    ['kind', { ...presence, kind: 30_078 }],
    ['topic', { ...presence, tags: [['t', 'other']] }],
    ['stale', presence, NOW + 122_000],
    ['future', presence, NOW - 31_000],
    ['content', { ...presence, content: '' }],
    ['content', content({ type: '' })],
    ['content', content({ type: 7 })],
    ['content', content({ devicePk: vectors.keys.other.publicKey })],
    ['content', content({ ts: 0 })],
    ['content', content({ ttl: 'long' })],
    ['content', content({ role: [] })],
    ['stale', content({ ts: NOW - 121_000 })],
    ['stale', content({ ts: NOW - 601_000, ttl: undefined })],
    ['future', content({ ts: NOW + 121_000 })],
  ];
  for (const [reason, event, now = NOW] of table)
    assert.deepEqual(appEventOf(event, now, window), { reason }, event.content);
});

test('a channel place is written and read, and anything else is none', () => {
  const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const addresses = fc.constantFrom('192.0.2.7:8456', '[2001:db8::7]:1', 'nvr.example:65535', '10.0.0.1:80');
  fc.assert(
    fc.property(
      keys,
      fc.array(addresses, { minLength: 1, maxLength: CHANNEL_ADDRESSES_MAX }),
      fc.anything(),
      (channelKey, list, wild) => {
        const field = channelPlaceField({ channelKey, addresses: list });
        assert.deepEqual(channelPlaceOf(JSON.parse(JSON.stringify({ channel: field }))), {
          channelKey,
          addresses: list,
        });
        for (const broken of [
          { ...field, v: 3 },
          { ...field, key: field.key.slice(1) },
          { ...field, key: `${field.key}A` },
          { ...field, addresses: [] },
          { ...field, addresses: ['http://192.0.2.7'] },
          { ...field, addresses: ['192.0.2.7:0'] },
          { ...field, addresses: Array(CHANNEL_ADDRESSES_MAX + 1).fill('192.0.2.7:1') },
          { ...field, addresses: [7] },
          wild,
        ]) {
          assert.equal(channelPlaceOf({ channel: broken }), null);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('packed events are unpacked as they were; a changed or missing byte is another event or none', () => {
  const events = Object.values(vectors.records)
    .map((each) => each.event)
    .filter((event) => packEvent(event));
  assert.ok(events.length >= 7);
  for (const event of events) {
    const packed = packEvent(event)!;
    assert.deepEqual(unpackEvent(hashes, packed), event);
    assert.ok(packed.length < JSON.stringify(event).length);
    for (let at = 0; at < packed.length; at += 7) {
      const changed = packed.slice();
      changed[at]! ^= 1;
      const read = unpackEvent(hashes, changed);
      // The signature is no part of the id.
      if (read && (at < 32 || at >= 96)) assert.notEqual(read.id, event.id);
      if (read) assert.deepEqual(packEvent(read), changed, 'one spelling for each event');
      const cut = unpackEvent(hashes, packed.subarray(0, at));
      assert.ok(cut === null || cut.id !== event.id);
    }
  }
  assert.equal(packEvent({ ...events[0]!, content: 'x'.repeat(1_025) }), null);
  assert.equal(packEvent({ ...events[0]!, tags: Array.from({ length: 33 }, () => ['t']) }), null);
});

test('no damaged packed event throws', () => {
  const seeds = Object.values(vectors.records).flatMap((each) => packEvent(each.event) ?? []);
  let read = 0;
  for (const bytes of mutations(seeds, MUTATIONS, 5)) {
    const event = unpackEvent(hashes, bytes);
    if (!event) continue;
    read++;
    discoveryRecordOf(event, NOW);
    appEventOf(event, NOW, window);
  }
  assert.ok(read > 100);
});
