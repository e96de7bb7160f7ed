import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { type Pairing, PairingStore, readPairing, writePairing } from '../../src/cli/pairing-store.ts';
import { SeededRandom, SimulatedFiles } from '../../src/platform/index.ts';
import type { DeviceKey } from '../../src/protocol/index.ts';

const random = new SeededRandom(1);
const pairing = (name: string, key: string, pairedAt: number): Pairing => ({
  nodeId: key.repeat(32) as DeviceKey,
  name,
  channelKey: random.bytes(32),
  addresses: ['127.0.0.1:8456', '[::1]:9'],
  pairedAt,
  device: 'dd'.repeat(32) as DeviceKey,
  secretKey: random.bytes(32),
  channelScalar: random.bytes(32),
  wrapSeed: random.bytes(32),
});

async function storeWith(...pairings: Pairing[]) {
  const files = new SimulatedFiles();
  const store = new PairingStore(files, { XDG_CONFIG_HOME: '/cfg', HOME: '/home/me' });
  for (const each of pairings) await store.save(each);
  return { files, store };
}

test('pairings lie where the desktop keeps settings', () => {
  const files = new SimulatedFiles();
  assert.equal(new PairingStore(files, { XDG_CONFIG_HOME: '/cfg' }).folder, '/cfg/constitute-nvr/nodes');
  assert.equal(new PairingStore(files, { HOME: '/home/me' }).folder, '/home/me/.config/constitute-nvr/nodes');
  assert.equal(new PairingStore(files, { XDG_CONFIG_HOME: '', HOME: '/h' }).folder, '/h/.config/constitute-nvr/nodes');
});

test('the newest is used unless one is named, by its name or the beginning of its id', async () => {
  const [a, b, c] = [pairing('home', 'aa', 1), pairing('shop', 'ab', 3), pairing('abba', 'cc', 2)];
  const { store } = await storeWith(a, b, c);
  assert.deepEqual(await store.choose(undefined), b);
  assert.deepEqual(await store.choose('home'), a);
  assert.deepEqual(await store.choose('abab'), b);
  assert.deepEqual(await store.choose('abba'), c, 'a name goes before an id');
  await assert.rejects(store.choose('aab'), { code: 'ERR_CLI_NOT_FOUND' });
  await assert.rejects(store.choose('other'), { code: 'ERR_CLI_NOT_FOUND', kind: 'missing' });
  await store.save({ ...c, name: 'home' });
  await assert.rejects(store.choose('home'), { code: 'ERR_CLI_AMBIGUOUS' });
  await store.forget(b.nodeId);
  await store.forget(b.nodeId);
  assert.equal((await store.list()).length, 2);
});

test('without any pairing there is a word on how to get one', async () => {
  const { store } = await storeWith();
  await assert.rejects(store.choose(undefined), { code: 'ERR_CLI_NOT_PAIRED' });
  await assert.rejects(store.choose('home'), { code: 'ERR_CLI_NOT_PAIRED' });
});

test('a file that was damaged is named, not passed over', async () => {
  const { files, store } = await storeWith(pairing('home', 'aa', 1));
  await files.replace('/cfg/constitute-nvr/nodes/x.json', utf8('{"version":1}'));
  await assert.rejects(store.list(), { code: 'ERR_CLI_PAIRING_FILE', message: /x\.json/ });
});

test('reading is the inverse of writing; a cut is refused; no change crashes or lets a bad field through', () => {
  const one = pairing('home', 'aa', 5);
  const bytes = writePairing(one);
  assert.deepEqual(readPairing(bytes), one);
  for (let size = 0; size < bytes.length - 1; size++) assert.ok('reason' in readPairing(bytes.subarray(0, size)));
  const rng = new SeededRandom(6);
  for (let round = 0; round < 4000; round++) {
    const changed = bytes.slice();
    for (let n = 1 + rng.below(4); n > 0; n--) changed[rng.below(changed.length)] = rng.below(256);
    const read = readPairing(changed);
    if ('reason' in read) continue;
    assert.equal(read.secretKey.length, 32);
    assert.ok(read.addresses.length >= 1 && read.name.length <= 64);
  }
  for (const text of ['null', '[]', '1', '"x"', '{"version":2}']) assert.ok('reason' in readPairing(utf8(text)), text);
});
