import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../src/platform/index.ts';
import type { DeviceKey, SignedEvent } from '../../src/protocol/index.ts';
import { SWARM_LIMITS } from '../../src/swarm/limits.ts';
import { addressText, networkOf, sourceOf } from '../../src/swarm/network-of.ts';
import { PeerTable } from '../../src/swarm/peer-table.ts';
import { Rate } from '../../src/swarm/rate.ts';
import { RecordStore, type StoredRecord } from '../../src/swarm/record-store.ts';
import { SeenEvents } from '../../src/swarm/seen-events.ts';
import { SourceRates } from '../../src/swarm/source-rates.ts';
import { at, peerAt, ZONE } from './wire.ts';

test('a rate lets a burst through, then so many per second; what it refuses costs nothing', () => {
  const rate = new Rate();
  const taken = (nowMs: number, tries: number) =>
    Array.from({ length: tries }, () => rate.take(nowMs, 10, 20)).filter(Boolean).length;
  assert.equal(taken(0, 100), 20);
  assert.equal(taken(99, 5), 0);
  assert.equal(taken(100, 5), 1);
  assert.equal(taken(1_100, 100), 10);
  assert.equal(rate.isRested(1_100), false);
  assert.equal(taken(100_000, 100), 20);
  assert.equal(rate.isRested(102_000), true);
});

test('sources are addresses of IPv4 and networks of IPv6', () => {
  assert.equal(sourceOf(at('192.0.2.7')), '192.0.2.7');
  assert.equal(networkOf(at('192.0.2.7')), '192.0.2');
  assert.equal(sourceOf(at('2001:db8:1:2::7')), sourceOf(at('2001:db8:1:2:ffff::1')));
  assert.notEqual(sourceOf(at('2001:db8:1:2::7')), sourceOf(at('2001:db8:1:3::7')));
  assert.equal(networkOf(at('2001:db8:1:2::7')), networkOf(at('2001:db8:1:3::7')));
  assert.equal(sourceOf(at('::1')), '0:0:0:0');
  assert.equal(addressText(at('::1', 5)), '[::1]:5');
});

test('the table of sources is bounded: rested ones make room, else all others share one count', () => {
  const sources = new SourceRates({ ...SWARM_LIMITS, sourcesMax: 100 });
  for (let i = 0; i < 100; i++) assert.ok(sources.datagram(`${i}`, 0));
  let shared = 0;
  for (let i = 100; i < 10_000; i++) if (sources.datagram(`${i}`, 0)) shared++;
  assert.equal(sources.size, 100);
  assert.equal(shared, SWARM_LIMITS.sourceBurst, 'one burst for all of them');
  assert.ok(sources.datagram('5', 0), 'those known are not touched by it');
  for (let i = 0; i < 50; i++) assert.ok(sources.datagram(`new ${i}`, 10_000));
  assert.equal(sources.size, 100);
});

test('what was seen is remembered for one life at least and two at most, in bounded memory', () => {
  const seen = new SeenEvents(1_000, 60_000);
  seen.add('first', 1);
  seen.add('second', 59_999);
  assert.ok(seen.has('first') && seen.has('second'));
  seen.add('third', 60_000);
  assert.ok(seen.has('first'));
  seen.add('fourth', 120_001);
  assert.ok(!seen.has('first') && seen.has('third'));
  for (let i = 0; i < 10_000; i++) seen.add(`${i}`, 120_002);
  assert.ok(seen.size <= 2_000);
  assert.ok(seen.has('9999') && seen.has('9001'));
});

const record = (author: string, change: Partial<StoredRecord> = {}): StoredRecord => ({
  type: 'device',
  zone: ZONE,
  author: author as DeviceKey,
  role: '',
  updatedAt: 1_000,
  expiresAt: 100_000_000,
  receivedAt: 0,
  from: '',
  event: {} as SignedEvent,
  hasPlace: false,
  ...change,
});

test('a full store forgets what has expired, then what came longest ago', () => {
  const store = new RecordStore(3);
  const put = (each: StoredRecord, now: number, of = '') => store.put(RecordStore.key(each, of), each, now);
  put(record('a'), 0);
  put(record('b', { expiresAt: 5_000 }), 0);
  put(record('c'), 0);
  put(record('d'), 10_000);
  assert.deepEqual(
    store.list(10_000).map(({ device }) => device),
    ['d', 'c', 'a'],
  );
  put(record('e'), 10_001);
  assert.deepEqual(
    store.list(10_000).map(({ device }) => device),
    ['e', 'd', 'c'],
  );
  assert.equal(store.size, 3);
});

test('a record is replaced by a newer one only, and one that tells more lasts', () => {
  const store = new RecordStore(10);
  const key = RecordStore.key(record('a'));
  const known = record('a', { updatedAt: 1_000, hasPlace: true });
  store.put(key, known, 0);
  assert.equal(store.refuses(key, record('a', { updatedAt: 1_000, hasPlace: true }), 0), 'not-newer');
  assert.equal(store.refuses(key, record('a', { updatedAt: 1_001, hasPlace: true }), 0), null);
  assert.equal(store.refuses(key, record('a', { updatedAt: 1_001 }), 0), 'not-newer', 'says less');
  assert.equal(store.refuses(key, record('a', { updatedAt: 601_000 }), 0), null, 'but long enough');
  assert.equal(store.refuses(key, record('a', { updatedAt: 1 }), 200_000_000), null, 'an expired one gives way');
});

test('one author has eight identity and DHT records at most, and gets room back', () => {
  const store = new RecordStore(100);
  const other = (expiresAt = 100_000) => record('a', { type: 'dht', expiresAt });
  for (let i = 0; i < 8; i++) store.put(RecordStore.key(other(), `${i}`), other(), 0);
  assert.equal(store.refuses(RecordStore.key(other(), '9'), other(), 0), 'author-full');
  assert.equal(store.refuses(RecordStore.key(other(), '3'), { ...other(), updatedAt: 2_000 }, 0), null);
  store.sweep(200_000);
  assert.equal(store.size, 0);
  assert.equal(store.refuses(RecordStore.key(other(), '9'), other(300_000), 200_000), null);
});

test('the table of peers keeps its bounds and what the operator listed', () => {
  const table = new PeerTable(new SeededRandom(1), {
    ...SWARM_LIMITS,
    peersMax: 20,
    peersPerNetMax: 4,
    unconfirmedMax: 10,
  });
  const pinned = table.pin(at('192.0.2.1'), peerAt('192.0.2.1', 'node'), 0);
  for (let i = 0; i < 50; i++) table.add(at(`198.51.100.${i}`), 0);
  assert.equal(table.size, 5, 'four of one network');
  for (let i = 0; i < 50; i++) table.add(at(`10.0.${i}.1`), 0);
  assert.equal(table.size, 11, 'ten unconfirmed');
  for (const peer of table) peer.prove(0, 0);
  for (let i = 0; i < 50; i++) table.add(at(`10.1.${i}.1`), 0)?.prove(0, 0);
  assert.equal(table.size, 20);
  assert.equal(table.add(at('10.2.0.1'), 0), null, 'confirmed ones are not evicted');
  assert.equal(table.all()[0], pinned);
  assert.equal(
    table.pin(at('10.1.0.1'), peerAt('10.1.0.1', 'node'), 0).configured?.kind,
    'node',
    'a listed address is taken over',
  );
  assert.deepEqual(new Set(table.pick([...table], 8)).size, 8);
});
