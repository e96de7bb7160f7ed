import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAddresses } from '../../src/daemon/index.ts';
import { isLoopback, parseListenAddress, writeListenAddress } from '../../src/daemon/listen-address.ts';
import { bytesOf, parseDurationMs, parseSize } from '../../src/daemon/quantities.ts';
import { SeededRandom } from '../../src/platform/index.ts';

test('durations', () => {
  const cases: [string, number | null][] = [
    ['60s', 60_000],
    [' 2.5m ', 150_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['250ms', 250],
    ['60', null],
    ['1w', null],
    ['-5s', null],
    ['', null],
    ['9'.repeat(40), null],
  ];
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text);
});

test('sizes', () => {
  const cases: [string, ReturnType<typeof parseSize>][] = [
    ['10GB', { bytes: 10e9 }],
    ['2 GiB', { bytes: 2 ** 31 }],
    ['1.5MB', { bytes: 1_500_000 }],
    ['512B', { bytes: 512 }],
    ['80%', { share: 0.8 }],
    ['0%', null],
    ['101%', null],
    ['10', null],
    ['10gb', null],
    ['999999999999TB', null],
  ];
  for (const [text, size] of cases) assert.deepEqual(parseSize(text), size, text);
  assert.equal(bytesOf({ share: 0.25 }, 1000), 250);
  assert.equal(bytesOf({ bytes: 7 }, 1000), 7);
});

test('addresses to listen on', () => {
  const cases: [string, string | null][] = [
    ['127.0.0.1:8456', '127.0.0.1:8456'],
    ['0.0.0.0', '0.0.0.0:8456'],
    ['[::1]:80', '[::1]:80'],
    ['[::]', '[::]:8456'],
    ['nvr.example:0', 'nvr.example:0'],
    ['127.0.0.1:65536', null],
    ['http://x', null],
    ['::1', null],
    ['', null],
    [`${'a'.repeat(300)}:1`, null],
  ];
  for (const [text, written] of cases) {
    const address = parseListenAddress(text);
    assert.equal(address && writeListenAddress(address), written, text);
  }
  const rng = new SeededRandom(2);
  for (let round = 0; round < 2000; round++) {
    const text = String.fromCharCode(...[...rng.bytes(rng.below(20))].map((byte) => 32 + (byte % 90)));
    const address = parseListenAddress(text);
    if (address) assert.deepEqual(parseListenAddress(writeListenAddress(address)), address, text);
  }
});

test('what only this machine reaches', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '192.168.1.1', '::', '1270.0.0.1', '::ffff:10.0.0.1'])
    assert.ok(!isLoopback(host), host);
});

test('invitations name the addresses people can reach, this machine’s own last', () => {
  const interfaces = [
    { address: '127.0.0.1', family: 'IPv4' as const, internal: true },
    { address: '192.168.1.10', family: 'IPv4' as const, internal: false },
    { address: 'fe80::1', family: 'IPv6' as const, internal: false },
    { address: '2001:db8::7', family: 'IPv6' as const, internal: false },
    { address: '::1', family: 'IPv6' as const, internal: true },
  ];
  const told = (listening: string[], addresses: string[] | null = null, found = interfaces) =>
    nodeAddresses(
      { addresses: addresses?.map((each) => parseListenAddress(each)!) ?? null },
      listening.map((each) => parseListenAddress(each)!),
      found,
    );
  assert.deepEqual(told(['127.0.0.1:8456']), ['127.0.0.1:8456']);
  assert.deepEqual(told(['0.0.0.0:8456']), ['192.168.1.10:8456', '127.0.0.1:8456']);
  assert.deepEqual(told(['[::]:1', '127.0.0.1:1']), ['[2001:db8::7]:1', '[::1]:1', '127.0.0.1:1']);
  assert.deepEqual(told(['0.0.0.0:1'], ['nvr.example:443']), ['nvr.example:443']);
  assert.deepEqual(told(['0.0.0.0:1'], null, []), ['127.0.0.1:1']);
  const many = Array.from({ length: 20 }, (_, i) => ({
    address: `10.0.0.${i + 1}`,
    family: 'IPv4' as const,
    internal: false,
  }));
  assert.equal(told(['0.0.0.0:1'], null, many).length, 8);
});
