import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/index.ts';
import type { Identity } from '../../src/identity/index.ts';
import { type AccessChange, DEVICES_MAX, type Role } from '../../src/protocol/index.ts';
import { deviceKey, hello, world, wrapKeyOf } from './fake-device.ts';

async function pair(identity: Identity, octet: number, role: Role): Promise<Role | undefined> {
  const { id } = await identity.invite({ role });
  return (await identity.admit(hello(octet, id)))?.role;
}

async function started(options: Parameters<typeof world>[0] = {}) {
  const all = world(options);
  const identity = all.program();
  await identity.start();
  return { ...all, identity };
}

test('the first device becomes owner whatever was invited, the next get the role of their invitation', async () => {
  const { identity, clock } = await started();
  assert.equal(await pair(identity, 1, 'viewer'), 'owner');
  assert.equal(await pair(identity, 2, 'viewer'), 'viewer');
  assert.equal(await pair(identity, 3, 'admin'), 'admin');
  assert.equal(await pair(identity, 4, 'owner'), 'owner');
  assert.deepEqual(identity.devices()[0], {
    device: deviceKey(1),
    role: 'owner',
    label: 'device 1',
    wrapKey: null,
    wrapKeyId: null,
    pairedAt: clock.now(),
    lastSeenAt: clock.now(),
  });
  assert.equal(identity.accessOf(deviceKey(3))?.role, 'admin');
  assert.equal(identity.accessOf(deviceKey(9)), null);
});

test('what was paired is still known to the next program on the folder', async () => {
  const { identity, program } = await started();
  await pair(identity, 1, 'viewer');
  await pair(identity, 2, 'operator');
  const before = identity.devices();
  await identity.stop();
  const next = program({ create: false });
  await next.start();
  assert.deepEqual(next.devices(), before);
});

test('a known device is let in with its role, an unknown one is not', async () => {
  const { identity, clock } = await started();
  await pair(identity, 1, 'viewer');
  clock.step(5_000);
  assert.deepEqual(await identity.admit({ device: deviceKey(1), suite: 1 }), { role: 'owner' });
  assert.equal(identity.devices()[0]!.lastSeenAt, clock.now());
  assert.equal(await identity.admit({ device: deviceKey(2), suite: 1 }), null);
});

test('an invitation is good once, for its time, and here', async () => {
  const { identity, clock, files } = await started();
  const used = await identity.invite({ role: 'viewer' });
  const secret = identity.invitationSecret(idBytes(used.id));
  assert.deepEqual(secret, used.secret);
  assert.ok(await identity.admit(hello(1, used.id)));
  assert.equal(identity.invitationSecret(idBytes(used.id)), null);
  assert.equal(await identity.admit(hello(2, used.id)), null, 'used');

  const expired = await identity.invite({ role: 'viewer', expiresMs: 60_000 });
  assert.equal(expired.expiresAt, clock.now() + 60_000);
  clock.step(60_000);
  assert.equal(identity.invitationSecret(idBytes(expired.id)), null);
  assert.equal(await identity.admit(hello(2, expired.id)), null, 'expired');
  assert.equal(await files.stat(`/data/invitations/${expired.id}`), null);

  assert.equal(await identity.admit(hello(2, 'ab'.repeat(16))), null, 'foreign');
  for (const bad of ['', '../devices.json', 'AB'.repeat(16), 'ab'.repeat(17)]) {
    assert.equal(await identity.admit(hello(2, bad)), null, bad);
  }
  const { invitationId: _, ...none } = hello(2, '');
  assert.equal(await identity.admit(none), null);
  assert.equal(identity.devices().length, 1);
});

test('a clock set back does not revive what it once let pass', async () => {
  const { identity, clock } = await started();
  const { id } = await identity.invite({ role: 'viewer' });
  clock.step(-2 * 86_400_000);
  assert.equal(identity.invitationSecret(idBytes(id)), null);
  assert.equal(await identity.admit(hello(1, id)), null);
});

test('two devices with one invitation at once: one wins', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { identity } = await started({ seed });
    const { id } = await identity.invite({ role: 'viewer' });
    const admitted = await Promise.all([1, 2, 3].map((octet) => identity.admit(hello(octet, id))));
    assert.equal(admitted.filter((each) => each !== null).length, 1);
    assert.equal(identity.devices().length, 1);
  }
});

test('two programs with one invitation at once: one wins', async () => {
  const { identity, program, until } = await started();
  const other = program();
  await other.start();
  const { id } = await identity.invite({ role: 'viewer' });
  const admitted = await until(Promise.all([identity.admit(hello(1, id)), other.admit(hello(2, id))]));
  assert.equal(admitted.filter((each) => each !== null).length, 1);
});

test('two first devices with two invitations at once: one owner', async () => {
  const { identity } = await started();
  const ids = await Promise.all([1, 2].map(async () => (await identity.invite({ role: 'viewer' })).id));
  const roles = await Promise.all(ids.map(async (id, i) => (await identity.admit(hello(i + 1, id)))!.role));
  assert.deepEqual(roles.sort(), ['owner', 'viewer']);
});

test('a device that pairs again keeps the higher role and takes its new name and key', async () => {
  const { identity, suite } = await started();
  await pair(identity, 1, 'viewer');
  await pair(identity, 2, 'viewer');
  const { id } = await identity.invite({ role: 'viewer' });
  const wrapKey = wrapKeyOf(suite);
  assert.deepEqual(await identity.admit(hello(1, id, { label: 'New', wrapKey })), { role: 'owner' });
  assert.equal(await pair(identity, 2, 'admin'), 'admin');
  assert.deepEqual(
    identity.devices().map((each) => [each.device.slice(0, 2), each.role]),
    [
      ['01', 'owner'],
      ['02', 'admin'],
    ],
  );
  assert.equal(identity.devices()[0]!.label, 'New');
});

test('a misleading or missing name is replaced by the key', async () => {
  const { identity } = await started();
  for (const [octet, label] of [
    [1, 'a\u202eb'],
    [2, '  '],
    [3, undefined],
    [4, 'x'.repeat(65)],
  ] as const) {
    const { id } = await identity.invite({ role: 'viewer' });
    const { label: _, ...nameless } = hello(octet, id);
    await identity.admit(label === undefined ? nameless : { ...nameless, label });
    assert.equal(identity.devices().at(-1)!.label, `device ${deviceKey(octet).slice(0, 8)}`);
  }
});

test('storage keys of owners are recipients, with the first half of their hash as id; bad keys are refused', async () => {
  const { identity, suite } = await started();
  const [owner, viewer] = [wrapKeyOf(suite), wrapKeyOf(suite)];
  const admit = async (octet: number, wrapKey: Uint8Array) =>
    identity.admit(hello(octet, (await identity.invite({ role: 'viewer' })).id, { wrapKey }));
  assert.equal(await admit(1, owner.subarray(1)), null, 'short');
  assert.equal(await admit(1, new Uint8Array(1216).fill(0xff)), null, 'not an ML-KEM key');
  const lowOrder = owner.slice();
  lowOrder.fill(0, 1184);
  assert.equal(await admit(1, lowOrder), null, 'a low-order X25519 key');
  assert.deepEqual(identity.devices(), []);
  await admit(1, owner);
  await admit(2, viewer);
  const keyId = suite.hashes.sha256(owner).slice(0, 16);
  assert.deepEqual(identity.recipients(), [{ device: deviceKey(1), keyId, publicKey: owner }]);
  assert.equal(identity.devices()[0]!.wrapKeyId, toHex(keyId));
  owner.fill(0);
  assert.notEqual(identity.recipients()[0]!.publicKey[0], 0, 'the key was copied');
});

test('removal is told at once, and the last owner stays while others are paired', async () => {
  const { identity } = await started();
  await pair(identity, 1, 'owner');
  await pair(identity, 2, 'viewer');
  const losses: AccessChange[] = [];
  identity.onAccessChange(() => {
    throw new Error('a listener at fault');
  });
  const forget = identity.onAccessChange((loss) => losses.push(loss));
  await assert.rejects(identity.remove(deviceKey(1)), { code: 'ERR_IDENTITY_LAST_OWNER', kind: 'conflict' });
  assert.equal(await identity.remove(deviceKey(9)), false);
  assert.equal(await identity.remove(deviceKey(2)), true);
  assert.equal(identity.accessOf(deviceKey(2)), null);
  assert.equal(await identity.admit({ device: deviceKey(2), suite: 1 }), null);
  assert.equal(await identity.remove(deviceKey(1)), true, 'the only device may go');
  assert.deepEqual(losses, [
    { device: deviceKey(2), access: null },
    { device: deviceKey(1), access: null },
  ]);
  forget();
  assert.equal(await pair(identity, 3, 'viewer'), 'owner', 'and the node is free again');
  await identity.remove(deviceKey(3));
  assert.equal(losses.length, 2);
});

test('a changed role is told', async () => {
  const { identity } = await started();
  await pair(identity, 1, 'owner');
  await pair(identity, 2, 'viewer');
  const told: [string, Role | undefined][] = [];
  identity.onAccessChange(({ device, access }) => told.push([device, access?.role]));
  await pair(identity, 2, 'admin');
  assert.deepEqual(told, [[deviceKey(2), 'admin']]);
});

test('another program’s removal is noticed within a second', async () => {
  const { program, pass, until } = world();
  const daemon = program({ watch: true });
  await daemon.start();
  await pair(daemon, 1, 'owner');
  await pair(daemon, 2, 'viewer');
  const losses: AccessChange[] = [];
  daemon.onAccessChange((loss) => losses.push(loss));
  const tool = program({ create: false });
  await tool.start();
  assert.equal(await tool.remove(deviceKey(2)), true);
  await pass(1_000);
  assert.deepEqual(losses, [{ device: deviceKey(2), access: null }]);
  assert.equal(daemon.accessOf(deviceKey(2)), null);
  assert.equal(await daemon.admit({ device: deviceKey(2), suite: 1 }), null);
  await until(daemon.stop());
});

test('another program’s invitation is good at the daemon within a second, and burnt for both', async () => {
  const { program, pass, until } = world();
  const daemon = program({ watch: true });
  await daemon.start();
  const tool = program({ create: false });
  await tool.start();
  const { id, secret } = await tool.invite({ role: 'viewer' });
  await pass(1_000);
  assert.deepEqual(daemon.invitationSecret(idBytes(id)), secret);
  assert.deepEqual(await daemon.admit(hello(1, id)), { role: 'owner' });
  assert.equal(await tool.admit(hello(2, id)), null);
  await until(daemon.stop());
});

test('expired invitations are swept from the disk', async () => {
  const { program, pass, files, until } = world();
  const daemon = program({ watch: true });
  await daemon.start();
  await daemon.invite({ role: 'viewer', expiresMs: 60_000 });
  await pass(61_000);
  assert.deepEqual(await files.list('/data/invitations'), []);
  await until(daemon.stop());
});

test('thirty-two invitations wait at most, sixty-four devices are paired at most', async () => {
  const { identity, clock } = await started();
  for (let i = 0; i < 32; i++) await identity.invite({ role: 'viewer' });
  assert.equal(identity.invitations().length, 32);
  await assert.rejects(identity.invite({ role: 'viewer' }), {
    code: 'ERR_IDENTITY_INVITATIONS_FULL',
    kind: 'exhausted',
  });
  clock.step(600_000);
  for (let i = 1; i <= DEVICES_MAX; i++) await pair(identity, i, 'viewer');
  const { id } = await identity.invite({ role: 'viewer' });
  await assert.rejects(identity.admit(hello(200, id)), { code: 'ERR_IDENTITY_DEVICES_FULL', kind: 'exhausted' });
  assert.ok(identity.invitationSecret(idBytes(id)), 'a full list burns no invitation');
  assert.ok(await identity.admit(hello(5, id)), 'a known device may still pair again');
});

test('when a device was last seen reaches the disk at leisure', async () => {
  const { program, pass, until, clock } = world();
  const daemon = program({ watch: true });
  await daemon.start();
  await pair(daemon, 1, 'owner');
  await pass(10_000);
  await daemon.admit({ device: deviceKey(1), suite: 1 });
  const seenAt = clock.now();
  const onDisk = async () => {
    const tool = program({ create: false });
    await tool.start();
    return tool.devices()[0]!.lastSeenAt;
  };
  assert.ok((await onDisk()) < seenAt);
  await pass(61_000);
  assert.equal(await onDisk(), seenAt);
  await daemon.admit({ device: deviceKey(1), suite: 1 });
  const last = clock.now();
  await until(daemon.stop());
  assert.equal(await onDisk(), last, 'a stop writes it too');
});

test('a full disk refuses a pairing, uses its invitation up, and changes nothing', async () => {
  const { identity, disk, program } = await started();
  await pair(identity, 1, 'owner');
  const { id } = await identity.invite({ role: 'viewer' });
  disk.capacityBytes = 0;
  await assert.rejects(identity.admit(hello(2, id)), { kind: 'exhausted' });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  assert.equal(await identity.admit(hello(2, id)), null);
  assert.equal(identity.devices().length, 1);
  const next = program();
  await next.start();
  assert.equal(next.devices().length, 1);
});

test('a device that was let in survives a power cut right after', async () => {
  const { identity, disk, program, until } = await started();
  await pair(identity, 1, 'owner');
  disk.crash();
  const next = program({ create: false });
  await until(next.start());
  assert.equal(next.accessOf(deviceKey(1))?.role, 'owner');
});

function idBytes(id: string): Uint8Array {
  return Uint8Array.from(Buffer.from(id, 'hex'));
}
