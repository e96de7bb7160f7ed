import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../src/bytes/index.ts';
import type { ChannelDeps } from '../../src/channel/index.ts';
import { createCommands, type DevicesView } from '../../src/commands/index.ts';
import { createLive } from '../../src/live/index.ts';
import {
  type AuditEntry,
  type CommandName,
  type DeviceKey,
  parseInvitation,
  printInvitation,
  type Role,
  type SourceId,
} from '../../src/protocol/index.ts';
import { world } from '../identity/fake-device.ts';
import { grantEvent, signer } from '../identity/fake-grants.ts';
import { fakeCameras } from './fake-cameras.ts';
import { FakePairing, FakeVault, refuses, settle, sourceView } from './fake-node.ts';

const [owner, guest, admin] = [signer(1), signer(2), signer(3)];
const FRONT = 'front' as SourceId;

/** The real rooms joined as the daemon joins them; only vault and channel are left out. */
async function node() {
  const { clock, suite, log, program, pass, until } = world();
  const identity = program({ watch: true });
  await identity.start();
  // Identity fits what channel and commands ask for.
  const channel: Pick<ChannelDeps, 'admit' | 'invitationSecret' | 'certificate' | 'staticKey' | 'nodeId'> = {
    admit: (hello) => identity.admit(hello),
    invitationSecret: (id) => identity.invitationSecret(id),
    certificate: () => identity.certificate(),
    staticKey: identity.channelKey,
    nodeId: identity.nodeId,
  };
  const devices: DevicesView = identity;
  const live = createLive({ log });
  live.sink({ sourceId: FRONT, stream: 'main' });
  const audited: AuditEntry[] = [];
  const handle = createCommands({
    clock,
    log,
    vault: new FakeVault(),
    live,
    devices,
    pairing: new FakePairing(),
    sources: {
      list: () => [sourceView('front')],
      upsert: () => assert.fail(),
      settings: () => assert.fail(),
      remove: async () => false,
      test: () => assert.fail(),
    },
    cameras: { discover: () => assert.fail(), ...fakeCameras(clock).view },
    events: { list: () => assert.fail(), open: () => [], onChange: () => () => {}, cameraTimeAt: () => null },
    swarm: { status: () => null },
    audit: { note: (entry) => audited.push(entry), list: async () => ({ records: [] }), head: () => null },
    node: {
      nodeId: identity.nodeId,
      version: '0',
      startedAt: 0,
      startedMonotonic: 0,
      channels: () => ({ open: 0, devices: [], bytesIn: 0, bytesOut: 0 }),
      warnings: () => [],
      writeInvitation: ({ id, secret, expiresAt }) =>
        printInvitation(suite.hashes, {
          id: fromHex(id)!,
          nodeId: identity.nodeId,
          channelKey: identity.channelKey.publicKey,
          secret,
          expiresAt,
          addresses: ['127.0.0.1:8456'],
        }),
    },
  });
  const ask = (device: DeviceKey, method: CommandName, params: unknown) =>
    handle({
      caller: { device, role: 'viewer', sessionId: device.slice(0, 8) },
      method,
      params,
      signal: new AbortController().signal,
      stream: { reply: () => {}, data: () => assert.fail(), event: () => assert.fail() },
    });
  const pair = async ({ key }: typeof owner, wish: Parameters<typeof identity.invite>[0]) => {
    const { id } = await identity.invite(wish);
    return channel.admit({ device: key, suite: 3, invitationId: id, label: 'x' });
  };
  return { clock, identity, channel, live, ask, suite, pair, pass, until, audited };
}

test('an invitation that was taken back lets nobody in, once and with a note', async () => {
  const { channel, ask, suite, pair, audited } = await node();
  await pair(owner, { role: 'owner' });
  const made = (await ask(owner.key, 'devices.invite', {})) as { invitation: string; id: string };
  assert.deepEqual(await ask(owner.key, 'invitations.remove', { id: made.id }), { removed: true });
  assert.deepEqual(await ask(owner.key, 'invitations.remove', { id: made.id }), { removed: false });
  const code = parseInvitation(suite.hashes, made.invitation);
  assert.ok(typeof code === 'object');
  assert.equal(channel.invitationSecret(code.id), null);
  assert.equal(await channel.admit({ device: guest.key, suite: 3, invitationId: made.id, label: 'Guest' }), null);
  const told = audited.map(({ event, detail }) => `${event} ${detail}`);
  assert.deepEqual(told, ['changed devices.invite@1', 'changed invitations.remove@1']);

  await pair(guest, { role: 'viewer' });
  const another = (await ask(owner.key, 'devices.invite', {})) as { id: string };
  await refuses(ask(guest.key, 'invitations.remove', { id: another.id }), 'ERR_COMMANDS_DENIED', 'denied');
});

test('an admin who is a viewer at one camera lets others in with no more there, by invitation, code and grant', async () => {
  const { ask, identity, channel, pair } = await node();
  await pair(owner, { role: 'owner' });
  const nursery = (role: Role) => [{ source: 'nursery' as SourceId, role }];
  await pair(admin, { role: 'admin', rolesAt: nursery('viewer'), by: owner.key });
  const wish = { role: 'operator' as const, by: admin.key };
  await refuses(ask(admin.key, 'devices.invite', { role: 'operator' }), 'ERR_IDENTITY_GRANT_DENIED', 'denied');
  await refuses(identity.pairing.make(wish), 'ERR_IDENTITY_GRANT_DENIED', 'denied');
  const rolesAt = nursery('viewer');
  assert.ok(await identity.pairing.make({ ...wish, rolesAt }));
  const made = (await ask(admin.key, 'devices.invite', { role: 'operator', rolesAt })) as { id: string };
  const hello = { device: guest.key, suite: 3, invitationId: made.id, label: 'Guest' } as const;
  assert.deepEqual(await channel.admit(hello), { role: 'operator' });
  assert.deepEqual([...identity.accessOf(guest.key)!.rolesAt], [['nursery', 'viewer']]);
  const put = (device: DeviceKey, more: object) => ask(admin.key, 'grants.put', { device, role: 'operator', ...more });
  await refuses(put(guest.key, {}), 'ERR_IDENTITY_GRANT_DENIED', 'denied');
  await refuses(put(guest.key, { rolesAt: nursery('operator') }), 'ERR_IDENTITY_GRANT_TERMS', 'invalid');
  // Whom the owner makes more there is above this admin: it takes nothing from him.
  await ask(owner.key, 'grants.put', { device: guest.key, role: 'operator' });
  await refuses(ask(admin.key, 'devices.remove', { device: guest.key }), 'ERR_COMMANDS_DENIED', 'denied');
  await refuses(put(guest.key, { rolesAt }), 'ERR_COMMANDS_DENIED', 'denied');
});

test('an invitation made by command pairs one more device, which is listed, limited by its role, and removed', async () => {
  const { channel, ask, suite, pair, audited } = await node();
  assert.deepEqual(await pair(owner, { role: 'owner' }), { role: 'owner' });

  const made = (await ask(owner.key, 'devices.invite', { pastMs: 60_000 })) as { invitation: string; id: string };
  const code = parseInvitation(suite.hashes, made.invitation);
  assert.ok(typeof code === 'object');
  assert.deepEqual(channel.invitationSecret(code.id), code.secret);
  const hello = { device: guest.key, suite: 3, invitationId: made.id, label: 'Guest' } as const;
  assert.deepEqual(await channel.admit(hello), { role: 'viewer' });

  const listed = (await ask(owner.key, 'devices.list', {})) as { devices: { label: string }[]; invitations: unknown[] };
  assert.deepEqual(
    listed.devices.map((each) => each.label),
    ['x', 'Guest'],
  );
  assert.deepEqual(listed.invitations, []);
  const { grants } = (await ask(guest.key, 'grants.list', {})) as { grants: { pastMs: number; issuer: string }[] };
  assert.deepEqual([grants.length, grants[0]!.pastMs, grants[0]!.issuer], [1, 60_000, owner.key]);
  await refuses(ask(guest.key, 'devices.invite', {}), 'ERR_COMMANDS_DENIED', 'denied');
  await refuses(ask(guest.key, 'devices.remove', { device: owner.key }), 'ERR_COMMANDS_DENIED', 'denied');
  await refuses(ask(owner.key, 'devices.remove', { device: owner.key }), 'ERR_IDENTITY_LAST_OWNER', 'conflict');

  assert.deepEqual(await ask(owner.key, 'devices.remove', { device: guest.key }), { removed: true });
  await refuses(ask(guest.key, 'status.get', {}), 'ERR_COMMANDS_DENIED', 'denied');
  assert.equal(await channel.admit({ device: guest.key, suite: 1 }), null);
  assert.deepEqual(
    audited.map(({ event, device }) => [event, device]),
    [
      ['changed', owner.key],
      ['command-refused', guest.key],
      ['command-refused', guest.key],
      ['revoked', owner.key],
      ['command-refused', guest.key],
    ],
  );
});

test('a grant that ends in the middle of a live stream ends the stream within a second', async () => {
  const { ask, pair, live, clock, pass, identity, until } = await node();
  await pair(owner, { role: 'owner' });
  await pair(guest, { role: 'viewer', notAfter: clock.now() + 30_000 });
  const watching = ask(guest.key, 'live.subscribe', { source: 'front' });
  const ended = watching.then(
    () => 'well',
    (error: { code: string }) => error.code,
  );
  await settle();
  await pass(29_900);
  assert.equal(live.status().subscriptions, 1);
  await pass(900);
  assert.equal(await ended, 'ERR_COMMANDS_DENIED');
  assert.equal(live.status().subscriptions, 0);
  clock.step(-60_000);
  await refuses(ask(guest.key, 'live.subscribe', { source: 'front' }), 'ERR_COMMANDS_DENIED', 'denied');
  await until(identity.stop());
});

test('a signed grant that narrows, a removed issuer, and another program each end what they must, at once', async () => {
  const { ask, pair, live, identity, clock, until } = await node();
  await pair(owner, { role: 'owner' });
  await pair(admin, { role: 'admin', by: owner.key });
  await pair(guest, { role: 'viewer', by: admin.key });
  const watch = () => {
    const call = ask(guest.key, 'live.subscribe', { source: 'front' });
    return call.then(
      () => 'well',
      (error: { code: string }) => error.code,
    );
  };
  const first = watch();
  await settle();
  const at = Math.floor(clock.now() / 1000);
  const sources = ['yard' as SourceId];
  const narrow = { node: identity.nodeId, subject: guest.key, generation: 2, sources };
  const put = await ask(owner.key, 'grants.put', { grant: grantEvent(owner.secret, narrow, at) });
  assert.deepEqual([(put as { sources: string[] }).sources, live.status().subscriptions], [['yard'], 0]);
  assert.equal(await first, 'ERR_COMMANDS_DENIED');
  await refuses(ask(guest.key, 'live.subscribe', { source: 'front' }), 'ERR_COMMANDS_SOURCE', 'missing');

  await ask(admin.key, 'grants.put', { device: guest.key, role: 'viewer' });
  const second = watch();
  await settle();
  await ask(owner.key, 'devices.remove', { device: admin.key });
  assert.equal(await second, 'ERR_COMMANDS_DENIED');
  assert.equal(live.status().subscriptions, 0);

  // What the admin signed before it was removed is worth nothing.
  const late = { node: identity.nodeId, subject: guest.key, generation: 4 };
  await refuses(
    ask(admin.key, 'grants.put', { grant: grantEvent(admin.secret, late, at) }),
    'ERR_COMMANDS_DENIED',
    'denied',
  );
  await until(identity.stop());
});

test('an admin makes no owner, by whatever way it asks, and grants nothing beyond its sources', async () => {
  const { ask, pair, identity, clock } = await node();
  await pair(owner, { role: 'owner' });
  await pair(admin, { role: 'admin', by: owner.key, sources: [FRONT] });
  await pair(guest, { role: 'viewer', by: owner.key, sources: [FRONT] });
  const at = Math.floor(clock.now() / 1000);
  const event = (change: object) =>
    grantEvent(admin.secret, { node: identity.nodeId, subject: guest.key, generation: 2, ...change }, at);
  for (const params of [
    { device: guest.key, role: 'owner' },
    { device: guest.key, role: 'admin' },
    { grant: event({ role: 'owner' }) },
    { grant: event({ subject: admin.key, generation: 2, role: 'viewer' }) },
    { device: admin.key, role: 'viewer' },
    { device: owner.key, role: 'viewer' },
    { device: identity.nodeId, role: 'viewer' },
  ]) {
    await assert.rejects(ask(admin.key, 'grants.put', params), /refused/, JSON.stringify(params).slice(0, 60));
  }
  for (const params of [{ device: guest.key, role: 'viewer' }, { grant: event({}) }]) {
    await refuses(ask(admin.key, 'grants.put', params), 'ERR_IDENTITY_GRANT_DENIED', 'denied');
  }
  await refuses(ask(admin.key, 'devices.invite', {}), 'ERR_IDENTITY_GRANT_DENIED', 'denied');
  await refuses(ask(admin.key, 'devices.remove', { device: owner.key }), 'ERR_COMMANDS_DENIED', 'denied');
  assert.ok(await ask(admin.key, 'grants.put', { device: guest.key, role: 'operator', sources: ['front'] }));
  assert.equal(identity.accessOf(guest.key)?.role, 'operator');
});

test('the operator at the machine speaks with the node’s own key: owner, told as the node, and nobody’s subject', async () => {
  const { ask, pair, identity, audited } = await node();
  await pair(owner, { role: 'owner' });
  await pair(guest, { role: 'viewer', by: owner.key });
  const { nodeId } = identity;
  assert.ok(await ask(nodeId, 'grants.put', { device: guest.key, role: 'operator' }));
  assert.equal(identity.grants().find(({ device }) => device === guest.key)?.issuer, nodeId);
  assert.deepEqual(audited.at(-1), { ...audited.at(-1), event: 'granted', device: nodeId, detail: guest.key });
  assert.equal(await identity.admit({ device: nodeId, suite: 1 }).then((each) => each?.role), 'owner');
  const { id } = await identity.invite({ role: 'viewer' });
  assert.equal(await identity.admit({ device: nodeId, suite: 3, invitationId: id }), null);
  assert.deepEqual(await ask(owner.key, 'devices.remove', { device: nodeId }), { removed: false });
  const listed = (await ask(nodeId, 'devices.list', {})) as { devices: { device: string }[] };
  assert.equal(listed.devices.length, 2);
});
