import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { REVOKED_MAX } from '../../src/identity/device-list.ts';
import type { Identity } from '../../src/identity/index.ts';
import {
  type AccessChange,
  type DeviceKey,
  GRANT_CHAIN_MAX,
  type Role,
  type SourceId,
} from '../../src/protocol/index.ts';
import { deviceKey, world, wrapKeyOf } from './fake-device.ts';
import { grantEvent, type Signer, signer } from './fake-grants.ts';

const FRONT = 'front' as SourceId;
const YARD = 'yard' as SourceId;
const HOUR = 3_600_000;

async function pair(
  identity: Identity,
  device: DeviceKey,
  wish: Parameters<Identity['invite']>[0],
): Promise<Role | undefined> {
  const { id } = await identity.invite(wish);
  return (await identity.admit({ device, suite: 3, invitationId: id, label: 'x' }))?.role;
}

/** A node with an owner, a second one by the first, an admin and a viewer by the owner; all of them can sign. */
async function house(options: Parameters<typeof world>[0] = {}) {
  const all = world(options);
  const identity = all.program({ watch: true });
  await identity.start();
  const [owner, second, admin, viewer] = [signer(1), signer(2), signer(3), signer(4)] as [
    Signer,
    Signer,
    Signer,
    Signer,
  ];
  await pair(identity, owner.key, { role: 'viewer' });
  await pair(identity, second.key, { role: 'owner', by: owner.key });
  await pair(identity, admin.key, { role: 'admin', by: owner.key });
  await pair(identity, viewer.key, { role: 'viewer', by: admin.key });
  const node = identity.nodeId;
  const roleOf = ({ key }: Signer) => identity.accessOf(key)?.role ?? null;
  const heldBy = ({ key }: Signer) => identity.grants().find(({ device }) => device === key)!;
  const nowS = () => Math.floor(all.clock.now() / 1000);
  return { ...all, identity, node, owner, second, admin, viewer, roleOf, heldBy, nowS };
}

test('pairing makes the node issue a grant; it hangs on whoever invited', async () => {
  const { identity, node, owner, admin, viewer, roleOf, heldBy, clock } = await house();
  assert.deepEqual(heldBy(owner), {
    device: owner.key,
    role: 'owner',
    sources: 'all',
    rolesAt: [],
    actions: 'all',
    pastMs: null,
    notBefore: null,
    notAfter: null,
    generation: 1,
    issuer: node,
    createdAt: clock.now(),
    state: 'in-force',
  });
  assert.deepEqual([heldBy(admin).issuer, heldBy(viewer).issuer], [owner.key, admin.key]);
  assert.equal(roleOf(viewer), 'viewer');
  assert.equal(identity.accessOf(node)?.role, 'owner', 'the operator at the machine, who is listed nowhere');
  assert.equal(
    identity.devices().some(({ device }) => device === node),
    false,
  );
});

test('an invitation carries its terms, checked when it is made and when it is used', async () => {
  const { identity, owner, admin, viewer } = await house();
  await identity.grant(admin.key, { role: 'admin', sources: [FRONT] }, owner.key);
  const guest = signer(9);
  await assert.rejects(identity.invite({ role: 'viewer', by: admin.key }), { code: 'ERR_IDENTITY_GRANT_DENIED' });
  await assert.rejects(identity.invite({ role: 'admin', sources: [FRONT], by: admin.key }), { kind: 'denied' });
  await assert.rejects(identity.invite({ role: 'viewer', by: viewer.key }), { kind: 'denied' });
  await assert.rejects(identity.invite({ role: 'owner', sources: [FRONT] }), { code: 'ERR_IDENTITY_GRANT_TERMS' });
  const wish = { role: 'viewer', sources: [FRONT], actions: ['live'], pastMs: HOUR, by: admin.key } as const;
  assert.equal(await pair(identity, guest.key, wish), 'viewer');
  const access = identity.accessOf(guest.key)!;
  assert.deepEqual([access.sources, access.actions, access.pastMs], [new Set([FRONT]), new Set(['live']), HOUR]);

  const { id } = await identity.invite({ role: 'viewer', sources: [FRONT], by: admin.key });
  await identity.remove(admin.key);
  const late = { device: signer(10).key, suite: 3 as const, invitationId: id };
  assert.equal(await identity.admit(late), null, 'whoever invited has lost its right');
  assert.equal(identity.devices().length, 4);
});

test('an owner’s own signature grants, is taken once, and is kept', async () => {
  const { identity, node, owner, viewer, heldBy, nowS, program, until } = await house();
  const event = grantEvent(
    owner.secret,
    { node, subject: viewer.key, generation: 2, role: 'operator', sources: [FRONT] },
    nowS(),
  );
  const held = await identity.acceptGrant(event, owner.key);
  assert.deepEqual([held.role, held.sources, held.issuer, held.generation], ['operator', [FRONT], owner.key, 2]);
  assert.deepEqual(heldBy(viewer), held);
  await assert.rejects(identity.acceptGrant(event, owner.key), {
    code: 'ERR_IDENTITY_GRANT_OUTDATED',
    kind: 'conflict',
  });
  const next = program();
  await until(next.start());
  assert.deepEqual(next.grants(), identity.grants());
  assert.equal(next.accessOf(viewer.key)?.role, 'operator');
});

test('a grant that is not exactly right is refused, and changes nothing', async () => {
  const { identity, node, owner, second, admin, viewer, nowS, roleOf } = await house();
  const before = identity.grants();
  const grant = { node, subject: viewer.key, generation: 2 };
  const good = grantEvent(owner.secret, grant, nowS());
  const refused = (event: Parameters<Identity['acceptGrant']>[0], code: string, by = owner.key) =>
    assert.rejects(identity.acceptGrant(event, by), { code: `ERR_IDENTITY_GRANT_${code}` });
  const make = (change: object, by = owner, at = nowS()) => grantEvent(by.secret, { ...grant, ...change }, at);
  await refused({ ...good, sig: make({ generation: 3 }).sig }, 'REFUSED');
  await refused({ ...good, content: `${good.content} ` }, 'REFUSED');
  await refused({ ...good, id: deviceKey(7) }, 'REFUSED');
  await refused(make({ node: deviceKey(7) }), 'REFUSED');
  await refused(make({}, owner, nowS() - 601), 'REFUSED');
  await refused(make({}, owner, nowS() + 121), 'REFUSED');
  await refused(good, 'REFUSED', second.key); // somebody else hands it in
  await refused(make({ notAfter: 5 }), 'REFUSED');
  for (const generation of [1, 3, 0xffff_ffff]) await refused(make({ generation }), 'OUTDATED');
  await refused(make({ role: 'owner' }, admin), 'DENIED', admin.key);
  await refused(make({ role: 'admin' }, admin), 'DENIED', admin.key);
  await refused(make({ subject: owner.key }, admin), 'DENIED', admin.key);
  await refused(make({ subject: owner.key, role: 'owner' }, second), 'DENIED', second.key); // its own right comes from there
  await refused(make({ subject: admin.key }, viewer), 'DENIED', viewer.key);
  await refused(make({}, signer(66)), 'DENIED', signer(66).key);
  await assert.rejects(identity.acceptGrant(make({ subject: signer(77).key, generation: 1 }), owner.key), {
    code: 'ERR_IDENTITY_DEVICE_UNKNOWN',
    kind: 'missing',
  });
  assert.deepEqual(identity.grants(), before);
  assert.equal(roleOf(viewer), 'viewer');
  assert.equal((await identity.acceptGrant(good, owner.key)).generation, 2);
});

test('a grant of before is not taken again after the device was removed and came back', async () => {
  const { identity, node, owner, viewer, nowS, roleOf } = await house();
  const old = grantEvent(owner.secret, { node, subject: viewer.key, generation: 2, role: 'admin' }, nowS());
  await identity.acceptGrant(old, owner.key);
  await identity.remove(viewer.key);
  assert.equal(roleOf(viewer), null);
  await assert.rejects(identity.acceptGrant(old, owner.key), { code: 'ERR_IDENTITY_GRANT_OUTDATED' });
  assert.equal(await pair(identity, viewer.key, { role: 'viewer' }), 'viewer');
  assert.equal(identity.grants().find(({ device }) => device === viewer.key)?.generation, 3, 'generations run on');
  await assert.rejects(identity.acceptGrant(old, owner.key), { code: 'ERR_IDENTITY_GRANT_OUTDATED' });
  const again = grantEvent(owner.secret, { node, subject: viewer.key, generation: 3 }, nowS());
  await assert.rejects(identity.acceptGrant(again, owner.key), { code: 'ERR_IDENTITY_GRANT_OUTDATED' });
});

test('what was forgotten of revoked keys is covered by its date', async () => {
  const { identity, node, owner, viewer, nowS, clock } = await house();
  const early = grantEvent(owner.secret, { node, subject: viewer.key, generation: 1 }, nowS());
  await identity.remove(viewer.key);
  clock.step(1_000);
  for (let i = 0; i < REVOKED_MAX; i++) {
    const guest = (4096 + i).toString(16).repeat(16) as DeviceKey;
    await pair(identity, guest, { role: 'viewer' });
    await identity.remove(guest);
  }
  await identity.pin({ identityId: 'id-b64urlExample012', label: 'Home', devices: [viewer.key] });
  assert.equal(identity.standingOf(viewer.key), 'listed', 'forgotten, so only listed');
  await assert.rejects(identity.acceptGrant(early, owner.key), { code: 'ERR_IDENTITY_GRANT_OUTDATED' });
  clock.step(1_000);
  const fresh = grantEvent(owner.secret, { node, subject: viewer.key, generation: 1 }, nowS());
  assert.equal((await identity.acceptGrant(fresh, owner.key)).role, 'viewer', 'a new one may');
});

test('an issuer that is removed or revoked ends what hung on it, for good', async () => {
  for (const how of ['remove', 'revoke'] as const) {
    const { identity, owner, admin, viewer, roleOf } = await house();
    const changes: AccessChange[] = [];
    identity.onAccessChange((change) => changes.push(change));
    assert.equal(await identity[how](admin.key, { by: owner.key }), true);
    assert.deepEqual(
      new Set(changes.map(({ device, access }) => `${device} ${access}`)),
      new Set([`${admin.key} null`, `${viewer.key} null`]),
    );
    assert.equal(roleOf(viewer), null);
    assert.equal(await identity.admit({ device: viewer.key, suite: 1 }), null, 'paired, yet let in no more');
    assert.deepEqual(identity.devices().find(({ device }) => device === viewer.key)?.role, null);
    await pair(identity, admin.key, { role: 'admin' });
    assert.equal(roleOf(admin), 'admin');
    assert.equal(roleOf(viewer), null, 'an admin that comes back brings nobody back');
    await identity.grant(viewer.key, { role: 'viewer' }, admin.key);
    assert.equal(roleOf(viewer), 'viewer');
  }
});

test('what hung on a removed device goes on where somebody takes it over who may', async () => {
  const { identity, owner, second, admin, viewer, heldBy, roleOf } = await house();
  assert.equal(await identity.remove(admin.key, { by: second.key, adopt: true }), true);
  assert.deepEqual([roleOf(viewer), heldBy(viewer).issuer], ['viewer', second.key]);
  assert.equal(await identity.remove(owner.key, { by: second.key, adopt: true }), true);
  assert.deepEqual([roleOf(second), roleOf(viewer)], ['owner', 'viewer'], 'nobody saws off the branch it sits on');
  assert.equal(heldBy(second).issuer, identity.nodeId);
});

test('whoever removes the device its own right came from keeps that right', async () => {
  const { identity, owner, second, admin, viewer, roleOf, heldBy } = await house();
  assert.equal(await identity.remove(owner.key, { by: second.key }), true);
  assert.equal(roleOf(second), 'owner');
  assert.equal(heldBy(second).issuer, identity.nodeId);
  assert.deepEqual([roleOf(admin), roleOf(viewer)], [null, null], 'the others end');
});

test('the last owner stays, also where its right would end with another device', async () => {
  const { identity, owner, second } = await house();
  const lastOwner = { code: 'ERR_IDENTITY_LAST_OWNER', kind: 'conflict' };
  await assert.rejects(identity.remove(owner.key), lastOwner, 'the second owner hangs on it');
  await assert.rejects(identity.revoke(owner.key), lastOwner);
  assert.equal(await identity.remove(second.key), true);
  await assert.rejects(identity.revoke(owner.key, { by: owner.key }), lastOwner);
  await assert.rejects(identity.grant(owner.key, { role: 'admin' }), lastOwner);
  assert.equal(await identity.revoke(signer(99).key), false);
});

test('an owner may be lowered, and what hangs on it sleeps as long as it may not give it', async () => {
  const { identity, owner, second, admin, viewer, roleOf } = await house();
  await identity.grant(second.key, { role: 'owner' });
  await identity.grant(owner.key, { role: 'viewer' }, second.key);
  assert.deepEqual([roleOf(owner), roleOf(admin), roleOf(viewer)], ['viewer', null, null]);
  assert.equal(identity.grants().find(({ device }) => device === viewer.key)?.state, 'cut-off');
  await identity.grant(owner.key, { role: 'owner' });
  assert.deepEqual([roleOf(admin), roleOf(viewer)], ['admin', 'viewer']);
});

test('a narrowed giver narrows what it gave', async () => {
  const { identity, owner, admin, viewer } = await house();
  await identity.grant(admin.key, { role: 'admin', sources: [FRONT], pastMs: HOUR }, owner.key);
  const access = identity.accessOf(viewer.key)!;
  assert.deepEqual([access.role, access.sources, access.pastMs], ['viewer', new Set([FRONT]), HOUR]);
  await assert.rejects(identity.grant(viewer.key, { role: 'viewer', sources: [YARD] }, admin.key), { kind: 'denied' });
  await identity.grant(admin.key, { role: 'admin' }, owner.key);
  assert.equal(identity.accessOf(viewer.key)!.sources, 'all');
});

test('owners follow owners only so far', async () => {
  const { identity } = await house();
  let by = signer(2).key;
  for (let i = 2; i < GRANT_CHAIN_MAX; i++) {
    const next = deviceKey(0x40 + i);
    assert.equal(await pair(identity, next, { role: 'owner', by }), 'owner');
    by = next;
  }
  await assert.rejects(identity.invite({ role: 'viewer', by }), { kind: 'denied' });
});

test('the end of a grant is told within a second, of whatever hung on it too', async () => {
  const { identity, admin, viewer, clock, pass, until } = await house();
  await identity.grant(admin.key, { role: 'admin', notAfter: clock.now() + 10_000 });
  const changes: AccessChange[] = [];
  identity.onAccessChange((change) => changes.push(change));
  await pass(9_900);
  assert.deepEqual(changes, []);
  assert.equal(identity.accessOf(viewer.key)?.endsAt, clock.now() + 100, 'narrowed to its giver’s end');
  await pass(400);
  assert.deepEqual(new Set(changes.map(({ device }) => device)), new Set([admin.key, viewer.key]));
  assert.ok(changes.every(({ access }) => access === null));
  assert.equal(identity.grants().find(({ device }) => device === admin.key)?.state, 'ended');
  await until(identity.stop());
});

test('a grant to come begins by itself', async () => {
  const { identity, viewer, clock, pass, roleOf, heldBy, until } = await house();
  await identity.grant(viewer.key, { role: 'operator', notBefore: clock.now() + 5_000 });
  assert.deepEqual([roleOf(viewer), heldBy(viewer).state], [null, 'waiting']);
  await pass(5_300);
  assert.equal(roleOf(viewer), 'operator');
  await until(identity.stop());
});

test('the end is told also while the disk does not answer', async () => {
  const { identity, viewer, clock, disk, roleOf } = await house();
  await identity.grant(viewer.key, { role: 'viewer', notAfter: clock.now() + 1_000 });
  const changes: AccessChange[] = [];
  identity.onAccessChange((change) => changes.push(change));
  disk.onCall = () => {
    throw new Error('no answer');
  };
  await clock.advance(1_300);
  assert.deepEqual(changes, [{ device: viewer.key, access: null }]);
  assert.equal(roleOf(viewer), null);
});

test('a clock set back revives nothing, not even over a restart', async () => {
  const { identity, viewer, clock, pass, roleOf, program, until } = await house();
  await identity.grant(viewer.key, { role: 'viewer', notAfter: clock.now() + HOUR });
  await pass(500);
  clock.step(2 * HOUR);
  await pass(500);
  assert.equal(roleOf(viewer), null);
  clock.step(-2 * HOUR);
  assert.equal(roleOf(viewer), null, 'while it runs');
  assert.ok(identity.judgedAt() > clock.now() + HOUR);
  await until(identity.stop());
  const next = program();
  await until(next.start());
  assert.equal(next.accessOf(viewer.key), null, 'after a restart');
  const early = { role: 'viewer', notAfter: clock.now() + HOUR } as const;
  await assert.rejects(
    next.grant(viewer.key, early),
    { code: 'ERR_IDENTITY_GRANT_REFUSED' },
    'judged by the same time',
  );
});

test('while a grant has an end, the time reaches the disk by itself: a node that is killed forgets ten minutes at most', async () => {
  const { identity, viewer, clock, pass, program, until, files } = await house();
  const written = async (): Promise<number> => {
    const text = new TextDecoder().decode(await files.read('/data/devices.json', 1e6));
    return (JSON.parse(text) as { highestAt: number }).highestAt;
  };
  await pass(130_000);
  const before = await written();
  await pass(700_000);
  assert.equal(await written(), before, 'nothing hangs on it yet');
  await identity.grant(viewer.key, { role: 'viewer', notAfter: clock.now() + HOUR });
  await pass(700_000);
  assert.ok((await written()) >= clock.now() - 661_000);
  clock.step(2 * HOUR);
  await pass(62_000);
  clock.step(-2 * HOUR);
  const next = program();
  await until(next.start());
  assert.equal(next.accessOf(viewer.key), null, 'a leap is written within a minute');
  await until(identity.stop());
});

test('a time that another log knows of counts', async () => {
  const { identity, viewer, clock, roleOf } = await house();
  await identity.grant(viewer.key, { role: 'viewer', notAfter: clock.now() + HOUR });
  identity.raiseTime(clock.now() + HOUR);
  assert.equal(roleOf(viewer), null);
});

test('a clock that ran far ahead locks no owner out, and can be set right', async () => {
  const { identity, owner, viewer, clock, pass, roleOf, program, until, node } = await house();
  await identity.grant(viewer.key, { role: 'viewer', notAfter: clock.now() + 9 * HOUR });
  const century = 100 * 365 * 24 * HOUR;
  clock.step(century);
  await pass(500);
  await identity.rename(owner.key, 'written in the future');
  assert.deepEqual([roleOf(owner), roleOf(viewer)], ['owner', null]);
  clock.step(-century);
  assert.deepEqual([roleOf(owner), roleOf(viewer)], ['owner', null]);
  const event = grantEvent(owner.secret, { node, subject: viewer.key, generation: 3 }, Math.floor(clock.now() / 1000));
  await assert.rejects(identity.acceptGrant(event, owner.key), { code: 'ERR_IDENTITY_GRANT_REFUSED' });
  const tool = program();
  await until(tool.start());
  await until(tool.trustClock());
  await pass(500);
  assert.equal(roleOf(viewer), 'viewer', 'the running node follows');
  assert.equal(identity.judgedAt(), clock.now());
  assert.equal((await identity.acceptGrant(event, owner.key)).role, 'viewer');
  await until(identity.stop());
});

test('a time that was never written down is set right too', async () => {
  const { identity, clock } = await house();
  identity.raiseTime(clock.now() + HOUR);
  await identity.trustClock();
  assert.equal(identity.judgedAt(), clock.now());
});

test('another program’s grant is in force at the daemon within a second', async () => {
  const { identity, viewer, program, pass, until, roleOf } = await house();
  const tool = program();
  await until(tool.start());
  await until(tool.grant(viewer.key, { role: 'operator', sources: [YARD] }));
  await pass(500);
  assert.equal(roleOf(viewer), 'operator');
  await until(tool.revoke(viewer.key));
  await pass(500);
  assert.equal(roleOf(viewer), null);
  await until(identity.stop());
});

test('two programs that grant at once lose nothing: generations follow each other', async () => {
  const { identity, viewer, program, until, heldBy } = await house();
  const tools = [program(), program(), program()];
  for (const tool of tools) await until(tool.start());
  await until(Promise.all(tools.map((tool) => tool.grant(viewer.key, { role: 'operator' }))));
  await until(identity.rename(viewer.key, 'x'));
  assert.equal(heldBy(viewer).generation, 4);
});

test('storage keys of devices without the right to play back are no recipients', async () => {
  const { identity, suite, owner, second } = await house();
  const wrapKey = wrapKeyOf(suite);
  for (const { key } of [owner, second]) {
    const { id } = await identity.invite({ role: 'owner' });
    await identity.admit({ device: key, suite: 3, invitationId: id, wrapKey });
  }
  assert.deepEqual(
    identity.recipients().map(({ device }) => device),
    [owner.key, second.key],
  );
  await identity.revoke(second.key);
  assert.deepEqual(
    identity.recipients().map(({ device }) => device),
    [owner.key],
  );
});

test('a full disk changes nothing and says so; a list that is changed by hand is refused', async () => {
  const { identity, viewer, disk, roleOf, files, program } = await house();
  disk.capacityBytes = 0;
  await assert.rejects(identity.revoke(viewer.key), { kind: 'exhausted' });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  assert.equal(roleOf(viewer), 'viewer');
  const text = new TextDecoder().decode(await files.read('/data/devices.json', 1e6));
  await files.replace('/data/devices.json', utf8(text.replace('\\"role\\":\\"viewer\\"', '\\"role\\":\\"admin\\"')));
  await assert.rejects(program().start(), { code: 'ERR_IDENTITY_FILE_REFUSED', kind: 'corrupt' });
});
