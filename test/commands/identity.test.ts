import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../src/bytes/index.ts';
import type { ChannelDeps } from '../../src/channel/index.ts';
import { createCommands, type DevicesView } from '../../src/commands/index.ts';
import { createNobleSuite } from '../../src/crypto/index.ts';
import { createIdentity } from '../../src/identity/index.ts';
import { createLive } from '../../src/live/index.ts';
import { SeededRandom, SimulatedClock, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import { type CommandName, type DeviceKey, parseInvitation, printInvitation } from '../../src/protocol/index.ts';
import { deviceKey, FakeVault, refuses } from './fake-node.ts';

/** The real rooms joined as the daemon joins them; only vault and channel are left out. */
async function node() {
  const clock = new SimulatedClock();
  const random = new SeededRandom(5);
  const suite = createNobleSuite((length) => random.bytes(length));
  const log = silentLog;
  const identity = createIdentity({ clock, random, log, files: new SimulatedFiles(), suite }, { folder: '/data' });
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
  const handle = createCommands({
    clock,
    log,
    vault: new FakeVault(),
    live: createLive({ log }),
    devices,
    sources: { list: () => [] },
    node: {
      nodeId: identity.nodeId,
      version: '0',
      startedAt: 0,
      startedMonotonic: 0,
      channels: () => ({ open: 0, devices: [], bytesIn: 0, bytesOut: 0 }),
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
      caller: { device, role: 'viewer', sessionId: 'ab' },
      method,
      params,
      signal: new AbortController().signal,
      stream: { reply: () => assert.fail(), data: () => assert.fail(), event: () => assert.fail() },
    });
  return { identity, channel, ask, suite };
}

test('an invitation made by command pairs one more device, which is listed, limited by its role, and removed', async () => {
  const { identity, channel, ask, suite } = await node();
  const [owner, guest] = [deviceKey(1), deviceKey(2)];
  const first = await identity.invite({ role: 'owner' });
  assert.deepEqual(await channel.admit({ device: owner, suite: 3, invitationId: first.id }), { role: 'owner' });

  const made = (await ask(owner, 'devices.invite', {})) as { invitation: string; id: string };
  const code = parseInvitation(suite.hashes, made.invitation);
  assert.ok(typeof code === 'object');
  assert.deepEqual(channel.invitationSecret(code.id), code.secret);
  assert.deepEqual(await channel.admit({ device: guest, suite: 3, invitationId: made.id, label: 'Guest' }), {
    role: 'viewer',
  });

  const listed = (await ask(owner, 'devices.list', {})) as { devices: { label: string }[]; invitations: unknown[] };
  assert.deepEqual(
    listed.devices.map((each) => each.label),
    ['device 01010101', 'Guest'],
  );
  assert.deepEqual(listed.invitations, []);
  await refuses(ask(guest, 'devices.invite', {}), 'ERR_COMMANDS_DENIED', 'denied');
  await refuses(ask(guest, 'devices.remove', { device: owner }), 'ERR_COMMANDS_DENIED', 'denied');
  await refuses(ask(owner, 'devices.remove', { device: owner }), 'ERR_IDENTITY_LAST_OWNER', 'conflict');

  assert.deepEqual(await ask(owner, 'devices.remove', { device: guest }), { removed: true });
  await refuses(ask(guest, 'status.get', {}), 'ERR_COMMANDS_DENIED', 'denied');
  assert.equal(await channel.admit({ device: guest, suite: 1 }), null);
});
