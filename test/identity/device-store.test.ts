import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import {
  type DeviceList,
  deviceListDigest,
  type PairedDevice,
  readDeviceList,
  wrapKeyIdOf,
  writeDeviceList,
} from '../../src/identity/device-list.ts';
import { FolderLock } from '../../src/identity/folder-lock.ts';
import { readInvitation, writeInvitation } from '../../src/identity/invitation-store.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeFiles } from '../../src/platform/node/index.ts';
import { type DeviceKey, isLabel, ROLES } from '../../src/protocol/index.ts';
import { deviceKey, hello, world } from './fake-device.ts';

const secretKey = new Uint8Array(32).fill(7);
const nodeId = toHex(schnorrPublicKey(secretKey)) as DeviceKey;
const mutations = process.env['SLOW'] ? 20_000 : 1_500;

const anyDevice: fc.Arbitrary<PairedDevice> = fc
  .record({
    device: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as DeviceKey),
    role: fc.constantFrom(...ROLES),
    label: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }).filter(isLabel),
    wrapKey: fc.option(fc.uint8Array({ minLength: 1216, maxLength: 1216 })),
    wrapKeyId: fc.constant(null),
    pairedAt: fc.nat(),
    lastSeenAt: fc.nat(),
  })
  .map((each) => ({ ...each, wrapKeyId: each.wrapKey ? wrapKeyIdOf(nobleHashes, each.wrapKey) : null }));
const anyList: fc.Arbitrary<DeviceList> = fc.record({
  generation: fc.integer({ min: 1, max: 1e9 }),
  devices: fc.uniqueArray(anyDevice, { maxLength: 4, selector: (each) => each.device }),
});

function write(list: DeviceList): Uint8Array<ArrayBuffer> {
  const signature = schnorrSign(secretKey, deviceListDigest(nobleHashes, nodeId, list), new Uint8Array(32));
  return writeDeviceList(nodeId, list, signature);
}

test('a list that is written is read as it was', () => {
  fc.assert(
    fc.property(anyList, (list) => {
      // Records of the generator may lack a prototype.
      const plain = { generation: list.generation, devices: list.devices.map((each) => ({ ...each })) };
      assert.deepEqual(readDeviceList(nobleHashes, nodeId, write(plain)), plain);
    }),
    { numRuns: 40 },
  );
});

test('any changed byte and any cut of a list is refused', () => {
  const wrapKey = new SeededRandom(1).bytes(1216);
  const device: PairedDevice = {
    device: deviceKey(3),
    role: 'viewer',
    label: 'Küche',
    wrapKey,
    wrapKeyId: wrapKeyIdOf(nobleHashes, wrapKey),
    pairedAt: 1,
    lastSeenAt: 2,
  };
  const bytes = write({
    generation: 5,
    devices: [device, { ...device, device: deviceKey(4), wrapKey: null, wrapKeyId: null }],
  });
  const random = new SeededRandom(2);
  const refused = (changed: Uint8Array, what: string) => {
    assert.ok('reason' in readDeviceList(nobleHashes, nodeId, changed), what);
  };
  for (let i = 0; i < mutations; i++) {
    const changed = bytes.slice();
    const at = random.below(bytes.length);
    changed[at] = changed[at]! ^ (1 + random.below(255));
    refused(changed, `byte ${at}`);
    const cut = random.below(bytes.length);
    refused(bytes.subarray(0, cut), `cut at ${cut}`);
  }
  refused(Uint8Array.of(...bytes, 0x0a), 'one more byte');
  refused(utf8(new TextDecoder().decode(bytes).replace('"viewer"', '"owner"')), 'a higher role');
  refused(utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)))), 'another layout');
});

test('what is not a list of this node is refused with a reason', () => {
  const list = { generation: 1, devices: [] };
  const text = new TextDecoder().decode(write(list));
  const other = toHex(schnorrPublicKey(new Uint8Array(32).fill(8))) as DeviceKey;
  const reason = (bytes: Uint8Array, node = nodeId) =>
    (readDeviceList(nobleHashes, node, bytes) as { reason: string }).reason;
  assert.match(reason(write(list), other), /another/);
  assert.match(reason(utf8('[]')), /JSON object/);
  assert.match(reason(Uint8Array.of(0xff)), /JSON object/);
  assert.match(reason(utf8(text.replace('"version": 1', '"version": 2'))), /version 1/);
  assert.match(reason(utf8(text.replace('"generation": 1', '"generation": 0'))), /generation/);
  assert.match(reason(utf8(text.replace('"generation": 1', '"generation": 2'))), /signature/);
  assert.match(reason(utf8(text.replace('[]', `[${'0,'.repeat(64)}0]`))), /at most 64/);
  assert.match(reason(utf8(text.replace('[]', '[null]'))), /devices\[0\]: expected an object/);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (devices, signature) => {
      const forged = JSON.stringify({ version: 1, nodeId, generation: 1, devices, signature });
      assert.ok('reason' in readDeviceList(nobleHashes, nodeId, utf8(forged)));
    }),
    { numRuns: mutations },
  );
});

test('an invitation file is an invitation or null', () => {
  const invitation = { id: 'ab'.repeat(16), role: 'admin' as const, secret: new Uint8Array(16).fill(4), expiresAt: 5 };
  const bytes = writeInvitation(invitation);
  assert.deepEqual(readInvitation(invitation.id, bytes), invitation);
  const random = new SeededRandom(3);
  for (let i = 0; i < mutations; i++) {
    const changed = bytes.slice(0, random.below(4) === 0 ? random.below(bytes.length) : undefined);
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
    const read = readInvitation(invitation.id, changed);
    if (read) assert.equal(read.secret.length, 16);
  }
  for (let cut = 0; cut < bytes.length - 1; cut++) assert.equal(readInvitation('', bytes.subarray(0, cut)), null);
});

test('changes of several programs at once are all kept, each in a generation of its own', async () => {
  const { program, until, files } = world();
  const programs = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const identity = program();
      await until(identity.start());
      return identity;
    }),
  );
  const first = programs[0]!;
  await first.admit(hello(1, (await first.invite({ role: 'owner' })).id));
  const ids = await until(
    Promise.all(programs.flatMap((each) => [0, 1, 2].map(() => each.invite({ role: 'viewer' })))),
  );
  const admitted = programs.flatMap((each, i) =>
    [0, 1, 2].map((k) => each.admit(hello(10 + 3 * i + k, ids[3 * i + k]!.id))),
  );
  await until(Promise.all([...admitted, ...programs.map((each, i) => each.rename(deviceKey(1), `owner ${i}`))]));
  const last = program();
  await until(last.start());
  assert.equal(last.devices().length, 13);
  const text = new TextDecoder().decode(await files.read('/data/devices.json', 1e6));
  assert.equal(JSON.parse(text).generation, 1 + 12 + 4);
  assert.equal(await files.stat('/data/devices.lock'), null, 'the lock is let go');
});

test('the same holds on a real disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  try {
    const { program, until } = world({ files: createNodeFiles(), folder });
    const programs = [program(), program(), program()];
    for (const each of programs) await until(each.start());
    const { id } = await programs[0]!.invite({ role: 'owner' });
    const admitted = await until(Promise.all(programs.map((each, i) => each.admit(hello(i + 1, id)))));
    assert.equal(admitted.filter(Boolean).length, 1);
    const owner = deviceKey(admitted.findIndex(Boolean) + 1);
    await until(Promise.all(programs.map((each, i) => each.rename(owner, `name ${i}`))));
    const last = program();
    await until(last.start());
    assert.match(last.devices()[0]!.label, /^name \d$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a list that something else changed stops a start, and leaves a running node as it was', async () => {
  const { program, files, logged, pass, until } = world();
  const daemon = program({ watch: true });
  await daemon.start();
  await daemon.admit(hello(1, (await daemon.invite({ role: 'owner' })).id));
  const text = new TextDecoder().decode(await files.read('/data/devices.json', 1e6));
  await files.replace('/data/devices.json', utf8(text.replace('"device 1"', '"device 2"')));
  const error = await program()
    .start()
    .then(
      () => null,
      (reason) => reason,
    );
  assert.equal(error.code, 'ERR_IDENTITY_DEVICES_REFUSED');
  assert.match(error.message, /\/data\/devices\.json: the signature/);
  await pass(3_000);
  assert.equal(daemon.devices()[0]!.label, 'device 1');
  assert.equal(logged.filter((line) => line.level === 'error').length, 1, 'said once');
  await assert.rejects(daemon.rename(deviceKey(1), 'x'), { code: 'ERR_IDENTITY_DEVICES_REFUSED' });
  await files.replace('/data/devices.json', utf8(text));
  assert.equal(await daemon.rename(deviceKey(1), 'x'), true);
  await until(daemon.stop());
});

test('an older list put back does not revive a device of a running node', async () => {
  const { program, files, pass, until, logged } = world();
  const daemon = program({ watch: true });
  await daemon.start();
  await daemon.admit(hello(1, (await daemon.invite({ role: 'owner' })).id));
  await daemon.admit(hello(2, (await daemon.invite({ role: 'viewer' })).id));
  const old = await files.read('/data/devices.json', 1e6);
  await daemon.remove(deviceKey(2));
  await files.replace('/data/devices.json', old);
  await pass(1_000);
  assert.equal(daemon.roleOf(deviceKey(2)), null);
  await assert.rejects(daemon.rename(deviceKey(1), 'x'), { code: 'ERR_IDENTITY_DEVICES_ROLLED_BACK', kind: 'corrupt' });
  await files.remove('/data/devices.json');
  await pass(1_000);
  assert.equal(daemon.roleOf(deviceKey(1)), 'owner', 'nor does a removed list take the devices away');
  assert.equal(logged.filter((line) => line.level === 'error').length, 2);
  await until(daemon.stop());
});

test('a lock left by a program that died is broken after its time, not before', async () => {
  const { files, clock, random, pass, until } = world();
  await files.makeFolder('/data');
  const dead = await files.create('/data/lock');
  await dead.write(utf8('dead'), 0);
  await dead.close();
  let entered = 0;
  const runs = [1, 2, 3].map(() => new FolderLock({ files, clock, random }, '/data/lock').run(async () => ++entered));
  await pass(4_900);
  assert.equal(entered, 0);
  await until(Promise.all(runs));
  assert.equal(entered, 3);
  assert.deepEqual(await files.list('/data'), []);
});

test('a lock is held by one at a time; whoever waits too long is told so', async () => {
  const { files, clock, random, until } = world();
  await files.makeFolder('/data');
  const lock = () => new FolderLock({ files, clock, random }, '/data/lock');
  let inside = 0;
  const run = () =>
    lock().run(async (held) => {
      assert.equal(++inside, 1);
      await clock.sleep(30);
      await held();
      inside--;
    });
  await until(Promise.all(Array.from({ length: 6 }, run)));
  // A holder that keeps renewing is alive: its token changes, so it is waited for and never broken.
  let stop = false;
  const busy = (async () => {
    for (let i = 0; !stop; i++) {
      const handle = await files.open('/data/lock', { write: true }).catch(() => files.create('/data/lock'));
      await handle.write(utf8(`alive ${i % 10}`), 0);
      await handle.close();
      await clock.sleep(1_000);
    }
  })();
  await assert.rejects(until(run()), { code: 'ERR_IDENTITY_BUSY', kind: 'unavailable' });
  stop = true;
  await until(busy);
});

test('a program that loses its lock while it works starts over on what is there then', async () => {
  const { program, files, disk, until } = world();
  const slow = program();
  await slow.start();
  await slow.admit(hello(1, (await slow.invite({ role: 'owner' })).id));
  const quick = program();
  await quick.start();
  let stolen = false;
  disk.onCall = (verb, path) => {
    // Right before the slow one asks whether it still holds the lock, somebody took it for dead.
    if (stolen || verb !== 'read' || path !== '/data/devices.json') return;
    stolen = true;
    queueMicrotask(() => void files.remove('/data/devices.lock'));
  };
  assert.equal(await until(slow.rename(deviceKey(1), 'slow')), true);
  disk.onCall = null;
  assert.ok(stolen);
  assert.equal(await until(quick.rename(deviceKey(1), 'quick')), true);
  const text = new TextDecoder().decode(await files.read('/data/devices.json', 1e6));
  assert.equal(JSON.parse(text).generation, 3);
  assert.equal(await files.stat('/data/devices.lock'), null);
});

test('the digest that is signed is the one of the document', () => {
  // docs/reference/devices.md, example: one viewer without a storage key.
  const list: DeviceList = {
    generation: 2,
    devices: [
      {
        device: deviceKey(0x11),
        role: 'viewer',
        label: 'Desk',
        wrapKey: null,
        wrapKeyId: null,
        pairedAt: 1_795_000_000_000,
        lastSeenAt: 1_795_000_060_000,
      },
    ],
  };
  const canonical = fromHex(
    toHex(utf8('constitute.devices/1\0')) +
      nodeId +
      '0000000000000002' +
      '0001' +
      '11'.repeat(32) +
      '01' +
      '000001a1ee565e00' +
      '000001a1ee574860' +
      '0004' +
      toHex(utf8('Desk')) +
      '0000',
  )!;
  assert.deepEqual(deviceListDigest(nobleHashes, nodeId, list), nobleHashes.sha256(canonical));
});
