import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DeviceKey,
  type IdentityStatement,
  identityRecordEvent,
  type Role,
  type SignedEvent,
  type Upkeep,
  upkeepEvent,
} from '../../src/protocol/index.ts';
import { world } from './fake-device.ts';
import { type Signer, signed, signer } from './fake-grants.ts';

const ID = 'id-b64urlExample012';
const [owner, viewer, friend, stranger] = [signer(1), signer(2), signer(3), signer(66)];

/** A node with an owner and a viewer; what the swarm would bring is handed to it. */
async function house() {
  const all = world();
  const identity = all.program({ watch: true });
  await identity.start();
  const pair = async ({ key }: Signer, role: Role) => {
    const { id } = await identity.invite({ role });
    await identity.admit({ device: key, suite: 3, invitationId: id, label: 'x' });
  };
  await pair(owner, 'owner');
  await pair(viewer, 'viewer');
  const { clock } = all;
  const record = (by: Signer, change: Partial<IdentityStatement> = {}) =>
    signed(
      by.secret,
      identityRecordEvent(
        { identityId: ID, label: 'Home', devices: [by.key], updatedAt: clock.now(), ...change },
        'web-dev',
      ),
    );
  const upkeep = (by: Signer, what: Partial<Upkeep> & { device?: DeviceKey; label?: string }) =>
    signed(by.secret, upkeepEvent({ type: 'device_revoked', identity: 'Home', ...what } as Upkeep, clock.now()));
  const hear = (event: SignedEvent) => identity.onEvent(event);
  /** Time passes, so that the next statement is newer. */
  const later = (ms = 15_000) => all.pass(ms);
  return { ...all, identity, pair, record, upkeep, hear, later };
}

test('the first record of an owner device pins its identity; nobody else’s does', async () => {
  const { identity, record, hear } = await house();
  assert.equal(identity.pinned(), null);
  assert.equal(await hear(record(stranger)), 'foreign');
  assert.equal(await hear(record(viewer)), 'foreign', 'a viewer is no owner');
  assert.equal(identity.pinned(), null);
  const devices = [owner.key, friend.key];
  assert.equal(await hear(record(owner, { devices })), 'obeyed');
  assert.deepEqual(identity.pinned(), { identityId: ID, label: 'Home', devices, updatedAt: identity.judgedAt() });
  assert.deepEqual(identity.verdicts(), { foreign: 2, obeyed: 1 });
});

test('forged identity records change nothing: other signers, other identities, bad signatures, older ones', async () => {
  const { identity, record, hear, later } = await house();
  const first = record(owner, { devices: [owner.key, friend.key] });
  await hear(first);
  const before = identity.pinned();
  await later();
  assert.equal(
    await hear(record(stranger, { devices: [stranger.key, owner.key] })),
    'signer',
    'listing itself proves nothing',
  );
  assert.equal(await hear(record(viewer, { devices: [viewer.key] })), 'signer');
  assert.equal(
    await hear(record(owner, { identityId: 'id-anotherOne00012x'.slice(0, 19) })),
    'foreign',
    'one identity is pinned',
  );
  const good = record(owner, { devices: [owner.key] });
  assert.equal(await hear({ ...good, sig: first.sig }), 'signature');
  assert.equal(await hear({ ...good, pubkey: friend.key }), 'author');
  const swapped = JSON.parse(good.content) as { devicePks: string[] };
  swapped.devicePks.push(stranger.key);
  assert.equal(await hear({ ...good, content: JSON.stringify(swapped) }), 'signature');
  assert.equal(await hear(first), 'older', 'a replay');
  assert.equal(await hear(record(owner, { devices: [owner.key], updatedAt: before!.updatedAt })), 'older');
  assert.equal(await hear(record(owner, { devices: [owner.key], updatedAt: identity.judgedAt() + 200_000 })), 'future');
  assert.deepEqual(identity.pinned(), before);
  assert.equal(await hear(good), 'obeyed');
});

test('a listed device may carry the list on, and is given nothing by being listed', async () => {
  const { identity, record, hear, later, clock } = await house();
  await hear(record(owner, { devices: [owner.key, friend.key] }));
  assert.equal(identity.standingOf(friend.key), 'listed');
  assert.equal(identity.accessOf(friend.key), null);
  assert.equal(await identity.admit({ device: friend.key, suite: 1 }), null);
  await later();
  const other = signer(4);
  assert.equal(await hear(record(friend, { devices: [owner.key, friend.key, other.key] })), 'obeyed');
  assert.equal(identity.standingOf(other.key), 'listed');
  assert.equal(identity.standingOf(stranger.key, ID), 'claimed', 'it says so itself');
  assert.equal(identity.standingOf(stranger.key, 'id-anotherOne000000'), 'unknown');
  assert.equal(identity.standingOf(owner.key), 'paired');
  await identity.grant(other.key, { role: 'viewer', notAfter: clock.now() + 60_000 }, owner.key);
  assert.equal(identity.standingOf(other.key), 'paired');
  assert.deepEqual(
    await identity.admit({ device: other.key, suite: 1 }),
    { role: 'viewer' },
    'granted without meeting',
  );
  await assert.rejects(identity.grant(stranger.key, { role: 'viewer' }), { code: 'ERR_IDENTITY_DEVICE_UNKNOWN' });
});

test('a device that was removed here signs no more records, and is not listed back into the house', async () => {
  const { identity, record, hear, later, pair } = await house();
  await pair(friend, 'owner');
  await hear(record(owner, { devices: [owner.key, friend.key] }));
  await identity.remove(friend.key);
  await later();
  assert.equal(await hear(record(friend, { devices: [friend.key, stranger.key] })), 'signer');
  assert.equal(identity.standingOf(friend.key), 'unknown');
  assert.equal(await hear(record(owner, { devices: [owner.key, friend.key] })), 'same');
  await assert.rejects(
    identity.grant(friend.key, { role: 'owner' }),
    { kind: 'missing' },
    'it comes back in person only',
  );
});

test('the same statement again is no news; it is written down now and then', async () => {
  const { identity, record, hear, later } = await house();
  await hear(record(owner));
  await later(90_000);
  assert.equal(await hear(record(owner)), 'same');
  const { updatedAt } = identity.pinned()!;
  await later(600_000);
  assert.equal(await hear(record(owner)), 'obeyed');
  assert.ok(identity.pinned()!.updatedAt > updatedAt);
});

test('a revocation by an owner device is obeyed at once, and once', async () => {
  const { identity, record, upkeep, hear, later, pair } = await house();
  await hear(record(owner));
  const revocation = upkeep(owner, { device: viewer.key });
  assert.equal(await hear(revocation), 'obeyed');
  assert.equal(identity.accessOf(viewer.key), null);
  await pair(viewer, 'viewer');
  await later();
  assert.equal(await hear(revocation), 'again', 'a replay does not put out who came back');
  assert.equal(identity.accessOf(viewer.key)?.role, 'viewer');
  assert.equal(await hear(upkeep(owner, { type: 'device_blocked', device: viewer.key })), 'obeyed');
  assert.equal(await hear(upkeep(owner, { device: stranger.key })), 'same');
});

test('a replay is refused also after a restart', async () => {
  const { identity, record, upkeep, hear, pair, program, until } = await house();
  await hear(record(owner));
  const revocation = upkeep(owner, { device: viewer.key });
  await hear(revocation);
  await pair(viewer, 'viewer');
  await until(identity.stop());
  const next = program();
  await until(next.start());
  assert.equal(await next.onEvent(revocation), 'again');
  assert.equal(next.accessOf(viewer.key)?.role, 'viewer');
});

test('revocations of anybody else, of another identity, stale or forged, are not obeyed', async () => {
  const { identity, record, upkeep, hear, later, clock, pair } = await house();
  await pair(friend, 'admin');
  assert.equal(await hear(upkeep(owner, { device: viewer.key })), 'foreign', 'before an identity is pinned');
  await hear(record(owner, { devices: [owner.key, friend.key, stranger.key] }));
  assert.equal(await hear(upkeep(stranger, { device: viewer.key })), 'signer', 'listed, and no owner here');
  assert.equal(await hear(upkeep(friend, { device: viewer.key })), 'signer', 'an admin');
  assert.equal(await hear(upkeep(viewer, { device: viewer.key })), 'signer', 'not even about itself');
  assert.equal(await hear(upkeep(owner, { identity: 'Work', device: viewer.key })), 'foreign');
  const good = upkeep(owner, { device: viewer.key });
  assert.equal(await hear({ ...good, content: good.content.replace(viewer.key, friend.key) }), 'signature');
  await later(11 * 60_000);
  assert.equal(await hear(good), 'stale');
  const ahead = upkeep(owner, { device: viewer.key });
  clock.step(-10 * 60_000);
  assert.equal(await hear(ahead), 'obeyed', 'our time does not run back with the clock');
  assert.equal(identity.accessOf(friend.key)?.role, 'admin');
});

test('the last owner is not put out by an event, and our own key only leaves the identity', async () => {
  const { identity, record, upkeep, hear } = await house();
  await hear(record(owner));
  assert.equal(await hear(upkeep(owner, { device: owner.key })), 'owner');
  assert.equal(identity.accessOf(owner.key)?.role, 'owner');
  assert.equal(await hear(upkeep(owner, { device: identity.nodeId })), 'obeyed');
  assert.equal(identity.pinned(), null);
  assert.equal(identity.accessOf(owner.key)?.role, 'owner', 'who is paired stays paired');
});

test('an owner device that lost its right revokes nobody', async () => {
  const { identity, record, upkeep, hear, pair } = await house();
  await pair(friend, 'owner');
  await hear(record(owner, { devices: [owner.key, friend.key] }));
  await identity.revoke(friend.key);
  assert.equal(await hear(upkeep(friend, { device: viewer.key })), 'signer');
  assert.equal(identity.accessOf(viewer.key)?.role, 'viewer');
});

test('names: owners name everybody, a device itself, a stranger nobody; misleading names are refused', async () => {
  const { identity, record, upkeep, hear } = await house();
  await hear(record(owner));
  const labelOf = ({ key }: Signer) => identity.devices().find(({ device }) => device === key)?.label;
  const name = (by: Signer, of: Signer, label: string) =>
    hear(upkeep(by, { type: 'device_label_update', device: of.key, label }));
  assert.equal(await name(owner, viewer, 'Kitchen'), 'obeyed');
  assert.equal(labelOf(viewer), 'Kitchen');
  assert.equal(await name(viewer, viewer, 'My tablet'), 'obeyed');
  assert.equal(labelOf(viewer), 'My tablet');
  assert.equal(await name(viewer, owner, 'Me too'), 'signer');
  assert.equal(await name(stranger, stranger, 'Hello'), 'signer');
  for (const label of ['Ow\u202ener', ' x', 'a\nb']) assert.equal(await name(viewer, viewer, label), 'content');
  assert.equal(await hear(upkeep(viewer, { type: 'identity_label_update', label: 'Mine' })), 'signer');
  assert.equal(await hear(upkeep(owner, { type: 'identity_label_update', label: 'Cottage' })), 'obeyed');
  assert.equal(identity.pinned()!.label, 'Cottage');
  assert.equal(await name(owner, viewer, 'x'), 'foreign', 'events are bound to the new name from then on');
});

test('an identity is pinned by hand, left, and not swapped for another', async () => {
  const { identity, program, until, pass } = await house();
  const home = { identityId: ID, label: 'Home', devices: [friend.key] };
  await identity.pin(home);
  await identity.pin({ ...home, label: 'Cottage' });
  await assert.rejects(identity.pin({ ...home, identityId: 'id-anotherOne000000' }), {
    code: 'ERR_IDENTITY_PINNED',
    kind: 'conflict',
  });
  const tool = program();
  await until(tool.start());
  assert.equal(tool.pinned()?.label, 'Cottage');
  await until(tool.unpin());
  await pass(500);
  assert.equal(identity.pinned(), null);
  await until(identity.stop());
});

test('a flood of trusted and untrusted events costs a bounded number of checks and writes', async () => {
  const { identity, record, hear, later, files } = await house();
  await hear(record(owner));
  const generation = async (): Promise<number> => {
    const text = new TextDecoder().decode(await files.read('/data/identity.json', 1e6));
    return (JSON.parse(text) as { generation: number }).generation;
  };
  const before = await generation();
  await later();
  const forged = { ...record(owner, { label: 'Forged' }), sig: '0'.repeat(128) };
  const verdicts = [];
  for (let i = 0; i < 300; i++) verdicts.push(await hear({ ...forged, created_at: forged.created_at - (i % 50) }));
  assert.ok(verdicts.filter((each) => each === 'signature').length <= 70);
  assert.ok(verdicts.includes('rate'));
  await later(120_000);
  const news: SignedEvent[] = [];
  for (let i = 0; i < 20; i++) {
    await later(100);
    news.push(record(owner, { label: `Home ${i}` }));
  }
  for (const event of news) await hear(event);
  assert.ok((await generation()) - before <= 8, 'changes are written six at once, then six a minute');
  const many = Array.from({ length: 200 }, () => identity.onEvent(record(stranger)));
  assert.ok((await Promise.all(many)).filter((each) => each === 'busy').length >= 130, 'and few wait');
});
