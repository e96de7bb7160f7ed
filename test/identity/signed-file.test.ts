import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey, schnorrSign } from '../../src/crypto/index.ts';
import { type DeviceList, deviceListShape, type ListedDevice, wrapKeyIdOf } from '../../src/identity/device-list.ts';
import { FolderLock } from '../../src/identity/folder-lock.ts';
import { type Invitation, readInvitation, writeInvitation } from '../../src/identity/invitation-store.ts';
import { OWNER_IDENTITY_SHAPE, type OwnerIdentity } from '../../src/identity/owner-identity.ts';
import { readSigned, type SignedShape, writeSigned } from '../../src/identity/signed-file.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeFiles } from '../../src/platform/node/index.ts';
import { type DeviceKey, isLabel, type SignedGrant, type SourceId } from '../../src/protocol/index.ts';
import { deviceKey, hello, world } from './fake-device.ts';
import { grantBy } from './fake-grants.ts';

const secretKey = new Uint8Array(32).fill(7);
const nodeId = toHex(schnorrPublicKey(secretKey)) as DeviceKey;
const mutations = process.env['SLOW'] ? 20_000 : 1_500;

const shape = deviceListShape(nobleHashes, nodeId);

/** Some grants, signed once: a property is about the file, not about signatures. */
const grants: SignedGrant[] = [1, 2, 3, 4].map((octet) =>
  grantBy(secretKey, { node: nodeId, subject: deviceKey(octet), generation: octet, sources: ['front' as SourceId] }),
);
const anyDevice: fc.Arbitrary<ListedDevice> = fc
  .record({
    which: fc.constantFrom(0, 1, 2, 3),
    isGranted: fc.boolean(),
    label: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }).filter(isLabel),
    wrapKey: fc.option(fc.uint8Array({ minLength: 1216, maxLength: 1216 })),
    pairedAt: fc.nat(),
    lastSeenAt: fc.nat(),
  })
  .map(({ which, isGranted, label, wrapKey, pairedAt, lastSeenAt }) => ({
    device: deviceKey(which + 1),
    label,
    pairedAt,
    lastSeenAt,
    grant: isGranted ? grants[which]! : null,
    wrapKey,
    wrapKeyId: wrapKey ? wrapKeyIdOf(nobleHashes, wrapKey) : null,
  }));
const anyList: fc.Arbitrary<{ generation: number; value: DeviceList }> = fc
  .record({
    generation: fc.integer({ min: 1, max: 1e9 }),
    highestAt: fc.nat(),
    forgottenAt: fc.nat(),
    devices: fc.uniqueArray(anyDevice, { maxLength: 4, selector: (each) => each.device }),
    revoked: fc.uniqueArray(
      fc.record({
        device: fc.integer({ min: 100, max: 255 }).map(deviceKey),
        generation: fc.integer({ min: 1, max: 99 }),
        at: fc.nat(),
      }),
      { maxLength: 5, selector: (each) => each.device },
    ),
  })
  .map(({ generation, highestAt, forgottenAt, devices, revoked }) => ({
    generation,
    // Records of the generator may lack a prototype.
    value: { highestAt, forgottenAt, devices, revoked: revoked.map((each) => ({ ...each })) },
  }));
const anyOwner: fc.Arbitrary<{ generation: number; value: OwnerIdentity }> = fc
  .record({
    generation: fc.integer({ min: 1, max: 1e9 }),
    label: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }).filter(isLabel),
    devices: fc.uniqueArray(fc.integer({ min: 1, max: 255 }).map(deviceKey), { maxLength: 64 }),
    updatedAt: fc.nat(),
    obeyed: fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 64 }),
  })
  .map(({ generation, obeyed, ...rest }) => ({
    generation,
    value: { identityId: 'id-b64urlExample012', ...rest, obeyed: obeyed.map((n) => ({ id: deviceKey(n), at: n })) },
  }));

const sign = (digest: Uint8Array) => schnorrSign(secretKey, digest, new Uint8Array(32));
function write<T>(of: SignedShape<T>, held: { generation: number; value: T }): Uint8Array<ArrayBuffer> {
  return writeSigned(of, nobleHashes, nodeId, held, sign);
}

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(anyList, (held) => {
      assert.deepEqual(readSigned(shape, nobleHashes, nodeId, write(shape, held)), held);
    }),
    { numRuns: 40 },
  );
  const ofOwner = OWNER_IDENTITY_SHAPE;
  fc.assert(
    fc.property(anyOwner, (held) => {
      assert.deepEqual(readSigned(ofOwner, nobleHashes, nodeId, write(ofOwner, held)), held);
    }),
    { numRuns: 40 },
  );
});

test('any changed byte and any cut of a file is refused', () => {
  const wrapKey = new SeededRandom(1).bytes(1216);
  const device: ListedDevice = {
    device: deviceKey(3),
    label: 'Küche',
    wrapKey,
    wrapKeyId: wrapKeyIdOf(nobleHashes, wrapKey),
    pairedAt: 1,
    lastSeenAt: 2,
    grant: grants[2]!,
  };
  const list: DeviceList = {
    highestAt: 9,
    forgottenAt: 0,
    devices: [device, { ...device, device: deviceKey(4), wrapKey: null, wrapKeyId: null, grant: null }],
    revoked: [{ device: deviceKey(4), generation: 7, at: 8 }],
  };
  const owner: OwnerIdentity = {
    identityId: 'id-b64urlExample012',
    label: 'Home',
    devices: [deviceKey(3)],
    updatedAt: 5,
    obeyed: [{ id: deviceKey(6), at: 7 }],
  };
  const random = new SeededRandom(2);
  for (const [of, bytes] of [
    [shape, write(shape, { generation: 5, value: list })],
    [OWNER_IDENTITY_SHAPE, write(OWNER_IDENTITY_SHAPE, { generation: 5, value: owner })],
  ] as [SignedShape<unknown>, Uint8Array<ArrayBuffer>][]) {
    const refused = (changed: Uint8Array, what: string) => {
      assert.ok('reason' in readSigned(of, nobleHashes, nodeId, changed), what);
    };
    assert.ok('value' in readSigned(of, nobleHashes, nodeId, bytes));
    for (let i = 0; i < mutations / 2; i++) {
      const changed = bytes.slice();
      const at = random.below(bytes.length);
      changed[at] = changed[at]! ^ (1 + random.below(255));
      refused(changed, `byte ${at}`);
      const cut = random.below(bytes.length);
      refused(bytes.subarray(0, cut), `cut at ${cut}`);
    }
    refused(Uint8Array.of(...bytes, 0x0a), 'one more byte');
    refused(utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)))), 'another layout');
  }
});

test('what is not a list of this node is refused with a reason', () => {
  const empty = { generation: 1, value: shape.empty };
  const text = new TextDecoder().decode(write(shape, empty));
  const other = toHex(schnorrPublicKey(new Uint8Array(32).fill(8))) as DeviceKey;
  const reason = (bytes: Uint8Array, node = nodeId) =>
    (readSigned(shape, nobleHashes, node, bytes) as { reason: string }).reason;
  assert.match(reason(write(shape, empty), other), /another/);
  assert.match(reason(utf8('[]')), /JSON object/);
  assert.match(reason(Uint8Array.of(0xff)), /JSON object/);
  assert.match(reason(utf8(text.replace('"version": 2', '"version": 1'))), /version 2/);
  assert.match(reason(utf8(text.replace('"generation": 1', '"generation": 0'))), /generation/);
  assert.match(reason(utf8(text.replace('"generation": 1', '"generation": 2'))), /signature/);
  assert.match(reason(utf8(text.replace('"highestAt": 0', '"highestAt": -1'))), /times/);
  assert.match(reason(utf8(text.replace('"devices": []', `"devices": [${'0,'.repeat(64)}0]`))), /at most 64/);
  assert.match(reason(utf8(text.replace('"devices": []', '"devices": [null]'))), /devices\[0\]: expected an object/);
  assert.match(reason(utf8(text.replace('"revoked": []', '"revoked": [7]'))), /revoked\[0\]/);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (devices, revoked, signature) => {
      const forged = { version: 2, nodeId, generation: 1, highestAt: 0, forgottenAt: 0, devices, revoked, signature };
      assert.ok('reason' in readSigned(shape, nobleHashes, nodeId, utf8(JSON.stringify(forged))));
    }),
    { numRuns: mutations },
  );
});

test('a list signed by this node is still refused where a grant in it is not of this device, this node, or not signed', () => {
  const device: ListedDevice = {
    device: deviceKey(1),
    label: 'x',
    wrapKey: null,
    wrapKeyId: null,
    pairedAt: 1,
    lastSeenAt: 1,
    grant: null,
  };
  const other = new Uint8Array(32).fill(8);
  const elsewhere = toHex(schnorrPublicKey(other)) as DeviceKey;
  const forged = structuredClone(grants[0]!);
  forged.event.sig = grants[1]!.event.sig;
  for (const [grant, why] of [
    [grants[1]!, /grant of this device/],
    [grantBy(secretKey, { node: elsewhere, subject: deviceKey(1) }), /at this node/],
    [forged, /good signature/],
  ] as const) {
    const bytes = write(shape, { generation: 1, value: { ...shape.empty, devices: [{ ...device, grant }] } });
    const read = readSigned(deviceListShape(nobleHashes, nodeId), nobleHashes, nodeId, bytes);
    assert.match((read as { reason: string }).reason, why);
  }
});

test('an invitation file is an invitation or null', () => {
  const invitation: Invitation = {
    id: 'ab'.repeat(16),
    role: 'operator',
    terms: {
      role: 'operator',
      sources: ['front' as SourceId],
      rolesAt: [{ source: 'front' as SourceId, role: 'viewer' }],
      actions: 'all',
      pastMs: 9,
      notBefore: null,
      notAfter: 8,
    },
    by: deviceKey(7),
    secret: new Uint8Array(16).fill(4),
    expiresAt: 5,
  };
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
  const { program, clock } = world({ files: createNodeFiles(), folder });
  // A real disk takes real time; a clock that ran ahead of it would take a slow writer for dead.
  const ticking = setInterval(() => void clock.advance(5), 5);
  try {
    const programs = [program(), program(), program()];
    for (const each of programs) await each.start();
    const { id } = await programs[0]!.invite({ role: 'owner' });
    const admitted = await Promise.all(programs.map((each, i) => each.admit(hello(i + 1, id))));
    assert.equal(admitted.filter(Boolean).length, 1);
    const owner = deviceKey(admitted.findIndex(Boolean) + 1);
    await Promise.all(programs.map((each, i) => each.rename(owner, `name ${i}`)));
    const last = program();
    await last.start();
    assert.match(last.devices()[0]!.label, /^name \d$/);
  } finally {
    clearInterval(ticking);
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
  assert.equal(error.code, 'ERR_IDENTITY_FILE_REFUSED');
  assert.match(error.message, /\/data\/devices\.json: the signature/);
  await pass(3_000);
  assert.equal(daemon.devices()[0]!.label, 'device 1');
  assert.equal(logged.filter((line) => line.level === 'error').length, 1, 'said once');
  await assert.rejects(daemon.rename(deviceKey(1), 'x'), { code: 'ERR_IDENTITY_FILE_REFUSED' });
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
  assert.equal(daemon.accessOf(deviceKey(2)), null);
  await assert.rejects(daemon.rename(deviceKey(1), 'x'), { code: 'ERR_IDENTITY_FILE_ROLLED_BACK', kind: 'corrupt' });
  await files.remove('/data/devices.json');
  await pass(1_000);
  assert.equal(daemon.accessOf(deviceKey(1))?.role, 'owner', 'nor does a removed list take the devices away');
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

test('the text that is signed is the one of the document', () => {
  // docs/reference/devices.md, example: one device without a storage key and without a grant.
  const device: ListedDevice = {
    device: deviceKey(0x11),
    label: 'Desk',
    wrapKey: null,
    wrapKeyId: null,
    pairedAt: 1_795_000_000_000,
    lastSeenAt: 1_795_000_060_000,
    grant: null,
  };
  const value: DeviceList = { highestAt: 1_795_000_060_000, forgottenAt: 0, devices: [device], revoked: [] };
  const body =
    `{"version":2,"nodeId":"${nodeId}","generation":2,"highestAt":1795000060000,"forgottenAt":0,"devices":[{"device":"${'11'.repeat(32)}",` +
    '"label":"Desk","pairedAt":1795000000000,"lastSeenAt":1795000060000,"wrapKeyId":null,"wrapKey":null,"grant":null}],"revoked":[]}';
  let signed: Uint8Array | null = null;
  writeSigned(shape, nobleHashes, nodeId, { generation: 2, value }, (digest) => {
    signed = digest;
    return new Uint8Array(64);
  });
  assert.deepEqual(signed, nobleHashes.sha256(utf8(`constitute.devices/2\0${body}`)));
});
