import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { createChannelServer } from '../../src/channel/index.ts';
import { pairCommand } from '../../src/cli/client-pairing.ts';
import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { approveCommand, confirmCommand, pendingCommand, rejectCommand } from '../../src/cli/pairing-commands.ts';
import { PairingStore } from '../../src/cli/pairing-store.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Reach } from '../../src/cli/reach.ts';
import type { NvrClient } from '../../src/client/index.ts';
import { createIdentity, type Identity } from '../../src/identity/index.ts';
import { silentLog } from '../../src/platform/index.ts';
import { type DeviceKey, keyFingerprint, readPairingCode } from '../../src/protocol/index.ts';
import { fakeWorld } from './fake-world.ts';

type FakeWorld = ReturnType<typeof fakeWorld>;

/** A node of this folder, as the daemon opens it. */
async function nodeOf({ world }: FakeWorld): Promise<Identity> {
  const identity = createIdentity({ ...world, log: silentLog }, { folder: '/data' });
  await identity.start();
  return identity;
}

const wait = async (condition: () => boolean, what: string) => {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('devices code', () => {
  test('prints a code that the node takes, and keeps it nowhere', async () => {
    const fake = fakeWorld();
    const node = await nodeOf(fake);
    const at = ['--at', 'yard=viewer', '--at', 'nursery=viewer'];
    const args = ['devices', 'code', '--role', 'operator', ...at, '--approve', '--expires', '5m'];
    assert.equal(await runCommandLine(fake.world, args), 0, fake.terminal.stderr);
    const [, printed] = /^code {4}([0-9]{4} [0-9]{4})\n/.exec(fake.terminal.stdout)!;
    assert.match(fake.terminal.stdout, new RegExp(`^node {4}${keyFingerprint(node.nodeId)}$`, 'm'));
    assert.match(fake.terminal.stderr, /within 5 minutes[\s\S]*approve/);
    await node.pairing.refresh();
    const { role, approve, expiresAt } = node.pairing.code()!;
    assert.deepEqual([role, approve, expiresAt - fake.clock.now()], ['operator', true, 300_000]);
    const [file] = fake.files.paths().filter((path) => /pairing\/[0-9a-f]{32}$/.test(path));
    const { terms } = JSON.parse(new TextDecoder().decode(fake.files.peek(file!)));
    assert.deepEqual(terms.rolesAt, [
      { source: 'nursery', role: 'viewer' },
      { source: 'yard', role: 'viewer' },
    ]);
    const digits = readPairingCode(printed!)!;
    for (const path of fake.files.paths()) {
      assert.ok(!new TextDecoder().decode(fake.files.peek(path)).includes(digits), path);
    }
  });

  test('as JSON is one object; wishes that cannot be are refused', async () => {
    const fake = fakeWorld();
    await nodeOf(fake);
    assert.equal(await runCommandLine(fake.world, ['devices', 'code', '--json']), 0);
    const told = JSON.parse(fake.terminal.stdout);
    assert.match(told.code, /^[0-9]{8}$/);
    assert.deepEqual([told.role, told.approve], ['owner', false], 'the first device becomes owner');
    for (const wrong of [
      ['--role', 'king'],
      ['--expires', '2h'],
      ['--expires', '10s'],
    ]) {
      assert.equal(await runCommandLine(fake.world, ['devices', 'code', ...wrong]), EXIT_CODES.invalid);
    }
  });
});

describe('client pair --code', () => {
  test('wants a code of eight digits and an address, or an invitation, and not both', async () => {
    for (const args of [
      [],
      ['abc', '--code', '12345678', '--address', 'localhost:1'],
      ['--code', '12345678'],
      ['--code', '1234567', '--address', 'localhost:1'],
      ['--code', '12345678', '--address', 'localhost'],
      ['--code', '12345678', '--address', 'localhost:1', '--label', ' x'],
      ['--code', '12345678', '--address', 'localhost:1', '--name', ''],
    ]) {
      const { world } = fakeWorld();
      assert.equal(await runCommandLine(world, ['client', 'pair', ...args]), EXIT_CODES.invalid, args.join(' '));
    }
  });

  test('pairs with a node over a real socket, waits for approval, and keeps what it learnt', async () => {
    const fake = fakeWorld();
    const node = await nodeOf(fake);
    const { suite, random, clock } = fake.world;
    const server = createChannelServer(
      {
        clock,
        random,
        suite: suite,
        log: silentLog,
        staticKey: node.channelKey,
        nodeId: node.nodeId,
        certificate: () => node.certificate(),
        invitationSecret: (id) => node.invitationSecret(id),
        codes: node.pairing,
        awaiting: (device) => node.pairing.awaiting(device),
        admit: (hello) => node.admit(hello),
        handle: async () => ({}),
      },
      { origins: [] },
    );
    const http = createServer();
    http.on('upgrade', (request, socket, head) => server.upgrade(request, socket, head));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    try {
      const address = `127.0.0.1:${(http.address() as AddressInfo).port}`;
      const made = await node.pairing.make({ role: 'viewer', approve: true });
      fake.files.poke('/home/me/code.txt', utf8(`${made.digits.slice(0, 4)} ${made.digits.slice(4)}\n`));
      const paired = pairCommand(fake.world, undefined, { codeFile: 'code.txt', address, name: 'attic' });
      await wait(() => fake.terminal.stderr.includes('device '), 'the device is told to wait');
      const [pending] = node.pairing.pending();
      assert.ok(fake.terminal.stderr.includes(`device  ${pending!.fingerprint}`));
      assert.ok(fake.terminal.stderr.includes(`node    ${keyFingerprint(node.nodeId)}`));
      await node.pairing.approve(pending!.device, { role: 'viewer' });
      await paired;
      assert.match(fake.terminal.stdout, /^paired with attic at 127\.0\.0\.1:\d+ as owner\n/);
      const [pairing] = await new PairingStore(fake.files, fake.world.env).list();
      assert.equal(pairing!.nodeId, node.nodeId);
      assert.deepEqual(pairing!.channelKey, node.channelKey.publicKey);
      assert.equal(pairing!.device, pending!.device);
      assert.deepEqual(pairing!.addresses, [address]);
      assert.equal(node.accessOf(pending!.device)?.role, 'owner');
    } finally {
      const stopped = server.stop();
      await fake.clock.advance(10_000);
      await stopped;
      http.close();
      http.closeAllConnections();
    }
  });
});

describe('deciding', () => {
  const key = (text: string) => text.repeat(64).slice(0, 64) as DeviceKey;
  const waiting = (device: DeviceKey) => ({
    device,
    fingerprint: keyFingerprint(device),
    label: 'tab\u001b[31mlet',
    role: 'viewer',
    since: 0,
    expiresAt: 1,
    present: true,
  });
  const signer = key('9f');

  /** A node that knows who waits, and remembers what it was asked. */
  function decider(devices = [waiting(key('ab')), waiting(key('abababac')), waiting(key('cd'))]) {
    const asked: [string, unknown][] = [];
    const enrolments = [
      { signer, fingerprint: keyFingerprint(signer), identityId: 'id-x', identityLabel: 'Home', at: 5 },
    ];
    const answers: Record<string, unknown> = {
      'pairing.pending': { code: null, triesLeftToday: 20, devices, enrolments },
      'pairing.approve': { approved: true, role: 'operator' },
      'pairing.reject': { rejected: true },
      'pairing.confirm': { done: true },
    };
    const client = {
      call: async (name: string, params: unknown) => {
        if (name !== 'pairing.pending') asked.push([name, params]);
        return answers[name];
      },
    } as unknown as NvrClient;
    const reach: Reach = (work) => work(client);
    return { asked, reach, answers };
  }

  test('those who wait are listed with their fingerprints, harmless for a terminal', async () => {
    const { world, terminal } = fakeWorld();
    await pendingCommand(world, decider().reach, {});
    assert.ok(terminal.stdout.includes(keyFingerprint(key('cd'))));
    assert.ok(terminal.stdout.includes(keyFingerprint(signer)));
    assert.ok(!terminal.stdout.includes('\u001b'));
  });

  test('an approval keeps what the code promised, unless another role is asked for', async () => {
    const { world } = fakeWorld();
    const promised = { sources: ['front'], pastMs: 86_400_000 };
    const { asked, reach } = decider([{ ...waiting(key('cd')), ...promised }]);
    await approveCommand(world, reach, 'cdcdcdcd', {});
    await approveCommand(world, reach, 'cdcdcdcd', { role: 'viewer' });
    await approveCommand(world, reach, 'cdcdcdcd', { role: 'operator' });
    const told = asked.map(([, params]) => JSON.parse(JSON.stringify(params)) as Record<string, unknown>);
    assert.deepEqual(
      told.map(({ role, sources, pastMs }) => [role, sources, pastMs]),
      [
        ['viewer', ['front'], 86_400_000],
        ['viewer', ['front'], 86_400_000],
        ['operator', undefined, undefined],
      ],
    );
  });

  test('an approval names the whole key behind the beginning of a fingerprint that was compared', async () => {
    const { world, terminal } = fakeWorld();
    const { asked, reach } = decider();
    await approveCommand(world, reach, 'CDCD cdcd', { role: 'operator', label: 'Kitchen' });
    const device = key('cd');
    const params = { device, fingerprint: keyFingerprint(device), role: 'operator', label: 'Kitchen' };
    assert.deepEqual(asked, [['pairing.approve', params]]);
    assert.match(terminal.stdout, /^let cdcd .* in as operator\n$/);
    await rejectCommand(world, reach, 'cdcdcdcd', {});
    await confirmCommand(world, reach, '9f9f 9f9f', { dismiss: true });
    assert.deepEqual(asked.slice(1), [
      ['pairing.reject', { device }],
      ['pairing.confirm', { signer, fingerprint: keyFingerprint(signer), accept: false }],
    ]);
  });

  test('too little of a fingerprint, an ambiguous one, or none that waits decides nothing', async () => {
    const { world } = fakeWorld();
    const { asked, reach, answers } = decider();
    await assert.rejects(approveCommand(world, reach, 'cdcdcdc', {}), { code: 'ERR_CLI_USAGE' });
    await assert.rejects(approveCommand(world, reach, 'wxyzwxyz', {}), { code: 'ERR_CLI_USAGE' });
    await assert.rejects(approveCommand(world, reach, 'cdcdcdce', {}), { code: 'ERR_CLI_NOT_FOUND' });
    const twins = decider([waiting(key('ab')), waiting(`${key('ab').slice(0, 63)}c` as DeviceKey)]);
    await assert.rejects(approveCommand(world, twins.reach, 'abababab', {}), { code: 'ERR_CLI_AMBIGUOUS' });
    await assert.rejects(approveCommand(world, reach, 'cdcdcdcd', { role: 'king' }), { code: 'ERR_CLI_USAGE' });
    assert.deepEqual(asked, []);
    answers['pairing.approve'] = { approved: false };
    await assert.rejects(approveCommand(world, reach, 'cdcdcdcd', {}), { code: 'ERR_CLI_NOT_FOUND' });
  });
});
