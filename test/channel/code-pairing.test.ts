import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, test } from 'node:test';
import { concatBytes, toHex } from '../../src/bytes/index.ts';
import type { ChannelLimits } from '../../src/channel/index.ts';
import { type CodePairOptions, connect, type DeviceKeys, pairByCode } from '../../src/client/index.ts';
import type { KeyPair } from '../../src/crypto/index.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import type { NvrError } from '../../src/errors.ts';
import { FolderLock } from '../../src/identity/folder-lock.ts';
import { checkedTerms } from '../../src/identity/grant-rules.ts';
import { PairingDesk } from '../../src/identity/pairing-code-desk.ts';
import { SeededRandom, SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import { CodeInitiator, type DeviceKey, keyFingerprint, pairingSecret, type Role } from '../../src/protocol/index.ts';
import { dial, inboxOf } from './raw-peer.ts';
import { createRig, nodeSuite, type Rig, until } from './rig.ts';

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

/** A node with a pairing desk behind its endpoint. */
async function deskRig(limits: Partial<ChannelLimits> = {}) {
  const rig = await createRig(async () => ({ ok: true }), limits);
  rigs.push(rig);
  const { clock, random, deps } = rig;
  const files = new SimulatedFiles();
  await files.makeFolder('/data');
  const roles = new Map<DeviceKey, Role>();
  const desk = new PairingDesk(
    {
      clock,
      random,
      files,
      log: silentLog,
      hashes: nobleHashes,
      lock: new FolderLock({ clock, random, files }, '/data/lock'),
      fits: async () => true,
      terms: (wish) => checkedTerms(wish),
      node: () => assert.fail('no enrolment here'),
      async store(device, { terms: { role } }) {
        roles.set(device, role);
        return role;
      },
    },
    { folder: '/data/pairing', approveAlways: false },
  );
  deps.codes = desk;
  deps.awaiting = (device) => desk.awaiting(device);
  deps.admit = async (hello) => {
    if (hello.suite === 4) return desk.admit(hello);
    const role = roles.get(hello.device);
    return role ? { role } : null;
  };
  const address = `127.0.0.1:${rig.port}`;

  /** What a device brings, from a seed. */
  async function options(code: string, seed = 1): Promise<CodePairOptions> {
    const chance = new SeededRandom(seed);
    chance.bytes(32);
    const channelKey = (await nodeSuite.x25519.fromScalar(chance.bytes(32))) as KeyPair;
    const device = async (nodeId: DeviceKey) => {
      assert.equal(nodeId, rig.pin.nodeId);
      return { ...(await rig.device(seed, false)), channelKey };
    };
    return { address, code, label: `device ${seed}`, channelKey, device };
  }
  return { rig, clock, desk, roles, files, address, options };
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('it should not work'),
    (error: NvrError) => error.code,
  );

test('a device that knows an address and eight digits pairs, pins the node, and is known from then on', async () => {
  const { rig, desk, roles, address, options } = await deskRig();
  const { digits } = await desk.make({ role: 'operator' });
  const { connection, pin, device } = await pairByCode(rig.client, await options(digits));
  assert.deepEqual(await connection.call('echo.back', {}), { ok: true });
  assert.equal(connection.role, 'operator');
  assert.equal(pin.nodeId, rig.pin.nodeId);
  assert.deepEqual(pin.channelKey, rig.pin.channelKey);
  assert.deepEqual(pin.addresses, [address]);
  assert.equal(roles.get(device.publicKey), 'operator');
  connection.close();
  const again = await connect(rig.client, { pin, device });
  assert.equal(again.role, 'operator');
  again.close();
  assert.equal(desk.code(), null);
});

test('where no code waits suite 4 is met with silence, as any stranger is', async () => {
  const { rig, desk, options } = await deskRig();
  const wish = await options('12345678');
  assert.equal(await refusal(pairByCode(rig.client, wish)), 'ERR_CLIENT_CODE_NOT_TAKEN');
  const { digits } = await desk.make({ role: 'viewer', expiresMs: 60_000 });
  await rig.clock.advance(60_000);
  assert.equal(await refusal(pairByCode(rig.client, await options(digits))), 'ERR_CLIENT_CODE_NOT_TAKEN');
  // Bytes of any kind get the same close and no word.
  for (const junk of [Uint8Array.of(4), new Uint8Array(52), Uint8Array.of(4, 2, 4, 0, ...new Uint8Array(48))]) {
    const socket = dial(rig);
    const inbox = inboxOf(socket);
    await once(socket, 'open');
    socket.send(junk);
    const [code] = await once(socket, 'close');
    assert.deepEqual([code, inbox.length], [4000, 0]);
  }
});

test('wrong codes are refused until the code is locked; the right one does not help any more', async () => {
  const { rig, clock, desk, options, roles } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer' });
  const wrong = digits === '00000000' ? '00000001' : '00000000';
  for (let i = 0; i < 5; i++) {
    assert.equal(await refusal(pairByCode(rig.client, await options(wrong, 20 + i))), 'ERR_CLIENT_CODE_WRONG');
    assert.equal(await refusal(pairByCode(rig.client, await options(digits))), 'ERR_CLIENT_CODE_NOT_TAKEN', 'too soon');
    await clock.advance(20_000);
  }
  assert.equal(await refusal(pairByCode(rig.client, await options(digits))), 'ERR_CLIENT_CODE_NOT_TAKEN');
  assert.equal(roles.size, 0);
  assert.equal(desk.triesLeftToday(), 15);
});

test('a typing error and then the right code pair', async () => {
  const { rig, clock, desk, options } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer' });
  const mistyped = digits.replace(/.$/, (digit) => String((Number(digit) + 1) % 10));
  assert.equal(await refusal(pairByCode(rig.client, await options(mistyped))), 'ERR_CLIENT_CODE_WRONG');
  await clock.advance(1_000);
  const { connection } = await pairByCode(rig.client, await options(digits));
  assert.equal(connection.role, 'viewer');
  connection.close();
});

/** Sends PC1 by hand and waits for PC2. */
async function greeted(rig: Rig, code: string, seed: number) {
  const random = new SeededRandom(seed);
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'open');
  const initiator = new CodeInitiator(nodeSuite, {
    secret: pairingSecret(nodeSuite.hashes, code),
    staticKey: nodeSuite.x25519.generate() as KeyPair,
    sessionId: random.bytes(16),
    seed: random.bytes(64),
  });
  const hello = initiator.greet();
  socket.send(hello);
  await until(() => inbox.length === 1 || closed, 'PC2 came');
  return { socket, inbox, initiator, hello, closed: () => closed };
}

test('guesses made at once on many sockets cost and win one guess, not many', async () => {
  const { rig, desk } = await deskRig({ pendingPerSourceMax: 100 });
  const { digits } = await desk.make({ role: 'viewer' });
  const peers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => greeted(rig, String(i).padStart(8, '9'), 100 + i)),
  );
  for (const { initiator, inbox } of peers) assert.equal(initiator.readGreeting(inbox[0]!), null);
  await Promise.all(peers.map(async ({ socket, initiator }) => socket.send(await initiator.hello())));
  await until(() => peers.every(({ closed }) => closed()), 'all are closed');
  assert.ok(
    peers.every(({ inbox }) => inbox.length === 1),
    'nobody is told more than a share',
  );
  assert.equal(desk.code()?.triesLeft, 4);
  assert.ok(digits);
});

test('a recorded greeting, hello and finish are of no use to who recorded them', async () => {
  const { rig, clock, desk, options, roles } = await deskRig();
  const made = await desk.make({ role: 'viewer', approve: false });
  const recorded: Uint8Array[] = [];
  const client = {
    ...rig.client,
    openSocket: (url: string, subprotocol: string) => {
      const socket = rig.client.openSocket(url, subprotocol);
      const send = socket.send.bind(socket);
      socket.send = (data) => {
        recorded.push(data.slice());
        send(data);
      };
      return socket;
    },
  };
  const { connection } = await pairByCode(client, await options(made.digits));
  connection.close();
  roles.clear();
  assert.equal(recorded.length, 3);
  // Another code waits by now; then the very same code, as if people reused one.
  await desk.make({ role: 'viewer' });
  for (const message of recorded) {
    await clock.advance(20_000);
    const socket = dial(rig);
    const inbox = inboxOf(socket);
    await once(socket, 'open');
    socket.send(recorded[0]!);
    if (message !== recorded[0]) {
      await until(() => inbox.length === 1, 'a fresh share came');
      socket.send(message);
      await once(socket, 'close');
      assert.equal(inbox.length, 1);
    } else socket.close();
  }
  assert.equal(roles.size, 0);
});

test('shares that are no element, and our own sent back, end the handshake before a guess is counted', async () => {
  const { rig, desk } = await deskRig();
  await desk.make({ role: 'viewer' });
  for (const share of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
    const socket = dial(rig);
    const inbox = inboxOf(socket);
    await once(socket, 'open');
    socket.send(concatBytes(Uint8Array.of(4, 2, 4, 0), new Uint8Array(16), share));
    await once(socket, 'close');
    assert.equal(inbox.length, 0);
  }
  assert.equal(desk.code()?.triesLeft, 5);
  // The node's share reflected as HS1 is a guess, and a wrong one.
  const { socket, inbox, closed } = await greeted(rig, '0', 7);
  socket.send(inbox[0]!);
  await until(closed, 'closed');
  assert.equal(desk.code()?.triesLeft, 4);
});

test('a device that must be approved waits on its channel, both sides show one fingerprint, and it goes on', async () => {
  const { rig, clock, desk, options, roles } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer', approve: true });
  const shown: string[] = [];
  const pairing = pairByCode(rig.client, {
    ...(await options(digits)),
    onPending: ({ pin, device, expiresAt }) => {
      shown.push(keyFingerprint(pin.nodeId), keyFingerprint(device));
      assert.equal(expiresAt, clock.now() + 600_000);
    },
  });
  await until(() => shown.length > 0, 'the device is told');
  const [pending] = desk.pending();
  assert.deepEqual(shown, [keyFingerprint(rig.pin.nodeId), pending!.fingerprint]);
  assert.equal(rig.server.status().pending, 0, 'it takes no place among strangers');
  assert.equal(rig.server.status().open, 0);
  // Minutes pass; the node keeps the line alive, and the handshake's deadline is over.
  for (let i = 0; i < 12; i++) {
    await clock.advance(15_000);
    for (let k = 0; k < 20; k++) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(desk.pending()[0]!.present, true);
  assert.equal(roles.size, 0);
  assert.equal(await desk.approve(pending!.device, { role: 'operator' }), 'operator');
  const { connection } = await pairing;
  assert.equal(connection.role, 'operator');
  assert.deepEqual(await connection.call('echo.back', {}), { ok: true });
  connection.close();
});

test('a waiting device may do nothing: whatever it says ends its channel', async () => {
  const { rig, desk } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer', approve: true });
  const waiting = await waitingRaw(rig, desk, digits, 31);
  waiting.socket.send(Uint8Array.of(0x10, ...((await waiting.keys.send.seal(new Uint8Array(16))) as Uint8Array)));
  await until(waiting.closed, 'the node closed');
  assert.equal(desk.pending()[0]!.present, false);
  assert.equal(await desk.approve(desk.pending()[0]!.device, { role: 'viewer' }), 'viewer', 'its place stays');
});

/** A device that waits for approval, spoken by hand. */
async function waitingRaw(rig: Rig, desk: PairingDesk, code: string, seed: number) {
  const device: DeviceKeys = await rig.device(seed, false);
  const random = new SeededRandom(seed + 1);
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  let ended = false;
  socket.on('close', () => {
    ended = true;
  });
  await once(socket, 'open');
  const initiator = new CodeInitiator(nodeSuite, {
    secret: pairingSecret(nodeSuite.hashes, code),
    staticKey: device.channelKey,
    sessionId: random.bytes(16),
    seed: random.bytes(64),
  });
  socket.send(initiator.greet());
  await until(() => inbox.length === 1, 'PC2 came');
  initiator.readGreeting(inbox[0]!);
  socket.send(await initiator.hello());
  await until(() => inbox.length === 2, 'HS2 came');
  await initiator.readAnswer(inbox[1]!);
  const pairing = { label: 'raw', wrapKey: device.wrapKey };
  const { message, keys } = await initiator.finish({ certificate: device.certificate, pairing });
  socket.send(message);
  await until(() => inbox.length === 3, 'channel.pending came');
  assert.equal(desk.pending()[0]!.device, device.publicKey);
  return { socket, keys, device, closed: () => ended };
}

test('a rejected device is closed like any stranger, and so is one whose time is over', async () => {
  const { rig, clock, desk, options, roles } = await deskRig();
  for (const end of ['reject', 'expire'] as const) {
    const { digits } = await desk.make({ role: 'viewer', approve: true });
    let told = false;
    const onPending = () => {
      told = true;
    };
    const result = refusal(pairByCode(rig.client, { ...(await options(digits, end.length)), onPending }));
    await until(() => told, 'the device is told');
    if (end === 'reject') desk.reject(desk.pending()[0]!.device);
    else {
      // In steps, so that the pings in between arrive before their time.
      for (let i = 0; i < 41; i++) {
        await clock.advance(15_000);
        for (let k = 0; k < 5; k++) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    assert.equal(await result, 'ERR_CLIENT_REFUSED', end);
    assert.equal(desk.pending().length, 0);
  }
  assert.equal(roles.size, 0);
});

test('a waiting device whose line broke finds its place again, by the keys it has', async () => {
  const { rig, desk, options, roles } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer', approve: true });
  let times = 0;
  const pairing = pairByCode(rig.client, {
    ...(await options(digits)),
    onPending: () => {
      times++;
    },
  });
  await until(() => times === 1, 'told once');
  for (const socket of rig.sockets.splice(0)) socket.destroy();
  await until(() => times === 2, 'told again');
  const [pending] = desk.pending();
  await desk.approve(pending!.device, { role: 'viewer' });
  const { connection, device } = await pairing;
  assert.equal(device.publicKey, pending!.device);
  assert.equal(roles.size, 1);
  connection.close();
});

test('a device that is not paired and waits nowhere is refused by suite 1, approvals or not', async () => {
  const { rig, desk } = await deskRig();
  await desk.make({ role: 'viewer', approve: true });
  const device = await rig.device(51, false);
  assert.equal(await refusal(connect(rig.client, { pin: rig.pin, device })), 'ERR_CLIENT_REFUSED');
});

test('connecting without patience to a node that wants approval says so', async () => {
  const { rig, desk } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer', approve: true });
  const { device, socket } = await waitingRaw(rig, desk, digits, 61);
  assert.equal(await refusal(connect(rig.client, { pin: rig.pin, device })), 'ERR_CLIENT_PENDING');
  socket.close();
});

test('who proved the code may take a minute to sign, a stranger five seconds; the node stops without waiting', async () => {
  const { rig, clock, desk } = await deskRig();
  const { digits } = await desk.make({ role: 'viewer' });
  const slow = await greeted(rig, digits, 71);
  slow.initiator.readGreeting(slow.inbox[0]!);
  slow.socket.send(await slow.initiator.hello());
  await until(() => slow.inbox.length === 2, 'HS2 came');
  const stranger = await greeted(rig, digits, 72);
  await clock.advance(5_000);
  await until(stranger.closed, 'the stranger is closed');
  await clock.advance(50_000);
  assert.equal(slow.closed(), false);
  await clock.advance(10_000);
  await until(slow.closed, 'closed after a minute');
  assert.equal(toHex(slow.inbox[0]!).slice(0, 8), '05020400');
});
