import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANNEL_LIMITS } from '../../src/channel/index.ts';
import { SourceGate, sourceOf } from '../../src/channel/source-gate.ts';
import { VerifiedCertificates } from '../../src/channel/verified-certificates.ts';
import { SeededRandom } from '../../src/platform/index.ts';

test('an IPv4 address is a source, an IPv6 /64 is one', () => {
  const table: [string | undefined, string][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, 'unknown'],
    ['', 'unknown'],
    ['nonsense', 'unknown'],
  ];
  for (const [address, source] of table) assert.equal(sourceOf(address), source, String(address));
});

test('a source gets its burst, then its rate', () => {
  const gate = new SourceGate(CHANNEL_LIMITS);
  const enter = (atMs: number) => {
    const leave = gate.enter('a', atMs);
    leave?.();
    return leave !== null;
  };
  assert.deepEqual(
    Array.from({ length: 7 }, () => enter(1000)),
    [true, true, true, true, true, false, false],
  );
  assert.deepEqual([enter(1049), enter(1050), enter(1050)], [false, true, false]);
  let passed = 0;
  for (let ms = 2000; ms < 12_000; ms += 1) if (enter(ms)) passed++;
  assert.ok(passed >= 200 && passed <= 205, `${passed} in ten seconds`);
});

test('all sources together get 200 a second with a burst of 50', () => {
  const gate = new SourceGate(CHANNEL_LIMITS);
  let passed = 0;
  for (let i = 0; i < 1000; i++) {
    const leave = gate.enter(`source ${i}`, 0);
    if (leave) passed++;
    leave?.();
  }
  assert.equal(passed, 50);
});

test('pending handshakes are counted for each source and in all, and leaving twice counts once', () => {
  const gate = new SourceGate({ ...CHANNEL_LIMITS, pendingMax: 6, totalBurst: 1000 });
  const leaves = Array.from({ length: 5 }, () => gate.enter('a', 0));
  assert.deepEqual(
    leaves.map((leave) => leave !== null),
    [true, true, true, true, false],
  );
  assert.ok(gate.enter('b', 0));
  assert.ok(gate.enter('b', 0));
  assert.equal(gate.enter('c', 0), null);
  assert.equal(gate.pending, 6);
  leaves[0]!();
  leaves[0]!();
  assert.equal(gate.pending, 5);
  assert.ok(gate.enter('c', 0));
});

test('a million sources leave a bounded memory, and a busy source is not forgotten', () => {
  const gate = new SourceGate({ ...CHANNEL_LIMITS, sourcesMax: 100 });
  const random = new SeededRandom(1);
  gate.enter('kept', 0);
  for (let i = 0; i < 20_000; i++) {
    gate.enter(`source ${random.below(1_000_000)}`, i)?.();
    assert.ok(gate.size <= 101);
  }
  for (let i = 0; i < 3; i++) assert.ok(gate.enter('kept', 30_000 + i));
  assert.equal(gate.enter('kept', 30_010), null, 'its first handshake still counts');
});

test('verified certificates are bounded, the oldest goes first', () => {
  const verified = new VerifiedCertificates(3);
  for (const id of ['a', 'b', 'c', 'b', 'd']) verified.add(id);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((id) => verified.has(id)),
    [false, true, true, true],
  );
  assert.equal(verified.size, 3);
});
