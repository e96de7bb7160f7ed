import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, test } from 'node:test';
import type { WebSocket } from 'ws';
import { CHANNEL_LIMITS } from '../../src/channel/index.ts';
import { connect, createDeviceKeys, type DeviceKeys } from '../../src/client/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { type DeviceKey, HandshakeInitiator, signCertificate } from '../../src/protocol/index.ts';
import { dial, inboxOf } from './raw-peer.ts';
import { createRig, nodeSuite, type Rig, until } from './rig.ts';

const rigs: Rig[] = [];
const rigOf = async (...options: Parameters<typeof createRig>) => {
  const rig = await createRig(...options);
  rigs.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});
const none = async () => ({});

/** What a TCP peer gets in answer to its bytes before the end. */
async function answerTo(rig: Rig, request: string): Promise<string> {
  const socket = connectTcp(rig.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  socket.on('error', () => {});
  socket.write(request);
  await once(socket, 'close');
  return answer;
}

const upgrade = (change: Record<string, string | null> = {}, line = 'GET /session/v2 HTTP/1.1') => {
  const headers: Record<string, string | null> = {
    Host: 'nvr',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'constitute.session.v2',
    ...change,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return `${line}\r\n${lines.join('\r\n')}\r\n\r\n`;
};

test('a wrong path, subprotocol, origin or upgrade is closed without a byte', async () => {
  const rig = await rigOf(none, {}, ['https://viewer.example']);
  const wrong = {
    'another path': upgrade({}, 'GET /session HTTP/1.1'),
    'a query': upgrade({}, 'GET /session/v2?x=1 HTTP/1.1'),
    'a slash more': upgrade({}, 'GET /session/v2/ HTTP/1.1'),
    'another method': upgrade({}, 'POST /session/v2 HTTP/1.1'),
    'no subprotocol': upgrade({ 'Sec-WebSocket-Protocol': null }),
    'another subprotocol': upgrade({ 'Sec-WebSocket-Protocol': 'constitute.session.v1' }),
    'two subprotocols': upgrade({ 'Sec-WebSocket-Protocol': 'constitute.session.v2, other' }),
    'a foreign origin': upgrade({ Origin: 'https://evil.example' }),
    'a null origin': upgrade({ Origin: 'null' }),
    'an origin that begins alike': upgrade({ Origin: 'https://viewer.example.evil' }),
    'an old version': upgrade({ 'Sec-WebSocket-Version': '8' }),
    'no key': upgrade({ 'Sec-WebSocket-Key': null }),
    'a malformed key': upgrade({ 'Sec-WebSocket-Key': 'short' }),
    'another protocol': upgrade({ Upgrade: 'h2c' }),
  };
  for (const [name, request] of Object.entries(wrong)) assert.equal(await answerTo(rig, request), '', name);
  assert.equal(rig.server.status().refused, Object.keys(wrong).length);
  assert.equal(rig.server.status().pending, 0);
});

test('an absent origin and a listed one get their upgrade', async () => {
  const rig = await rigOf(none, {}, ['https://viewer.example']);
  for (const options of [{}, { origin: 'https://viewer.example' }]) {
    const socket = dial(rig, options);
    await once(socket, 'open');
    assert.equal(socket.protocol, 'constitute.session.v2');
    assert.equal(socket.extensions, '');
    socket.terminate();
  }
  await until(() => rig.server.status().pending === 0, 'both have left');
});

/** Closed with the one code, and never a message. */
async function isShutOut(socket: WebSocket, inbox: Uint8Array[], what: string, messages = 0): Promise<void> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  assert.deepEqual([code, reason.length, inbox.length], [4000, 0, messages], what);
}

test('whatever is no hello is closed with the one code and no content', async () => {
  const rig = await rigOf(none, { pendingPerSourceMax: 100 });
  const device = await rig.device(1);
  const hello = await helloOf(rig, device);
  const changed = (at: number) => {
    const copy = hello.slice();
    copy[at]! ^= 1;
    return copy;
  };
  const table: Record<string, Uint8Array | string> = {
    'an empty message': new Uint8Array(0),
    'a text': 'hello',
    'a hello as text': Buffer.from(hello).toString('latin1'),
    'a wrong mac1': changed(20),
    'another version': changed(1),
    'another suite': changed(2),
    'another flag': changed(3),
    'a changed Noise message': changed(500),
    'a cut hello': hello.subarray(0, 1283),
    'a long hello': new Uint8Array(2048).fill(1),
    'a sealed frame': new Uint8Array(100).fill(0x10),
    'HS3 first': new Uint8Array(600).fill(3),
  };
  for (const [what, message] of Object.entries(table)) {
    const socket = dial(rig);
    const inbox = inboxOf(socket);
    await once(socket, 'open');
    socket.send(message);
    await isShutOut(socket, inbox, what);
  }
  assert.equal(rig.admitted.length, 0);
  assert.equal(rig.server.status().accepted, 0);
});

async function helloOf(rig: Rig, device: DeviceKeys, nodeId = rig.pin.nodeId): Promise<Uint8Array<ArrayBuffer>> {
  const options = { nodeId, nodeKey: rig.pin.channelKey, staticKey: device.channelKey };
  return new HandshakeInitiator(nodeSuite, options).hello();
}

test('a hello for another node gets nothing', async () => {
  const rig = await rigOf(none);
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  await once(socket, 'open');
  socket.send(await helloOf(rig, await rig.device(1), 'ab'.repeat(32) as DeviceKey));
  await isShutOut(socket, inbox, 'another node id');
});

/** Speaks up to HS3 and gives back what it sent. */
async function greetAs(rig: Rig, device: DeviceKeys, certificate = device.certificate) {
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  await once(socket, 'open');
  const options = { nodeId: rig.pin.nodeId, nodeKey: rig.pin.channelKey, staticKey: device.channelKey };
  const initiator = new HandshakeInitiator(nodeSuite, options);
  const hello = await initiator.hello();
  socket.send(hello);
  await until(() => inbox.length === 1, 'HS2 came');
  assert.ok(typeof (await initiator.readAnswer(inbox[0]!)) !== 'string');
  const { message } = await initiator.finish({ certificate: JSON.parse(certificate) });
  socket.send(message);
  return { socket, inbox, hello, finish: message };
}

test('an unknown device, and certificates that do not fit, end after HS3 with the same close', async () => {
  const rig = await rigOf(none);
  const device = await rig.device(1);
  const random = new SeededRandom(5);
  const secretKey = new SeededRandom(1).bytes(32);
  const seconds = Math.floor(rig.clock.now() / 1000);
  const claim = {
    role: 'client',
    channelKey: device.channelKey.publicKey,
    node: rig.pin.nodeId,
    createdAtS: seconds - 86_400,
    expiresAtS: seconds + 60,
  } as const;
  const sign = (change: object) =>
    signCertificate(nodeSuite.hashes, secretKey, { ...claim, ...change }, random.bytes(32));
  const table: Record<string, string> = {
    'an expired certificate': sign({ expiresAtS: seconds }),
    'a certificate for 31 days': sign({ expiresAtS: seconds + 30 * 86_400 }),
    'a certificate for another node': sign({ node: 'cd'.repeat(32) }),
    'a certificate for another key': sign({ channelKey: random.bytes(32) }),
    'a certificate of another role': sign({ role: 'node' }),
    'a wrong signature': sign({}).replace(/"sig":"../, '"sig":"00'),
    'somebody else behind a copied certificate': (await rig.device(9)).certificate,
  };
  for (const [what, certificate] of Object.entries(table)) {
    const { socket, inbox } = await greetAs(rig, device, certificate);
    await isShutOut(socket, inbox, what, 1);
  }
  assert.equal(rig.admitted.length, 0, 'admit is asked for proved devices only');
  const { socket, inbox } = await greetAs(rig, await rig.device(2, false));
  await isShutOut(socket, inbox, 'an unknown device', 1);
  assert.equal(rig.admitted.length, 1);
  assert.ok((await greetAs(rig, device, sign({}))).socket, 'the same claim, unchanged');
  await until(() => rig.server.status().open === 1, 'the good one opened');
});

test('a recorded hello is answered anew, a recorded HS3 opens nothing', async () => {
  const rig = await rigOf(none);
  const device = await rig.device(1);
  const first = await greetAs(rig, device);
  await until(() => first.inbox.length === 2, 'the channel opened');
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  await once(socket, 'open');
  socket.send(first.hello);
  await until(() => inbox.length === 1, 'HS2 came');
  assert.notDeepEqual(inbox[0], first.inbox[0]);
  socket.send(first.finish);
  await isShutOut(socket, inbox, 'a recorded HS3', 1);
  assert.equal(rig.server.status().open, 1);
});

test('a client that hurries ahead is closed', async () => {
  const rig = await rigOf(none);
  const device = await rig.device(1);
  const hello = await helloOf(rig, device);
  const socket = dial(rig);
  const inbox = inboxOf(socket);
  await once(socket, 'open');
  socket.send(hello);
  socket.send(hello);
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 4000);
  assert.ok(inbox.length <= 1);
  const { socket: second } = await greetAs(rig, device);
  second.send(new Uint8Array(40).fill(0x10));
  assert.equal(((await once(second, 'close')) as [number])[0], 4000);
});

test('a hundred idle strangers hold nobody up and are gone after five seconds', async () => {
  const rig = await rigOf(none);
  const strangers: WebSocket[] = [];
  for (let i = 0; i < 100; i++) {
    const socket = dial(rig, { localAddress: `127.0.0.${2 + Math.floor(i / 4)}` });
    strangers.push(socket);
  }
  await Promise.all(strangers.map((socket) => once(socket, 'open')));
  assert.equal(rig.server.status().pending, 100);
  const fifth = dial(rig, { localAddress: '127.0.0.2' });
  await new Promise((resolve) => fifth.once('close', resolve));
  assert.equal(rig.server.status().pending, 100, 'a fifth of one source does not come in');
  const connection = await connect(rig.client, { pin: rig.pin, device: await rig.device(1) });
  assert.deepEqual(await connection.call('a.b', {}), {});
  await rig.clock.advance(4_999);
  assert.equal(rig.server.status().pending, 100);
  const closed = strangers.map((socket) => once(socket, 'close'));
  await rig.clock.advance(1);
  await Promise.all(closed);
  await until(() => rig.server.status().pending === 0, 'all have left');
  assert.equal(rig.server.status().open, 1);
  connection.close();
});

test('one hundred and twenty-eight handshakes are the most, from however many places', async () => {
  const rig = await rigOf(none);
  const sockets = Array.from({ length: 140 }, (_, i) =>
    dial(rig, { localAddress: `127.0.1.${1 + Math.floor(i / 4)}` }),
  );
  let [open, closed] = [0, 0];
  for (const socket of sockets) {
    socket.on('open', () => open++);
    socket.on('close', () => closed++);
  }
  await until(() => open + closed === 140, 'all were answered');
  assert.deepEqual([open, closed, rig.server.status().pending], [128, 12, 128]);
});

test('a source that comes too often is closed without a byte', async () => {
  const { sourcePerSecond, sourceBurst } = CHANNEL_LIMITS;
  const rig = await rigOf(none, { sourcePerSecond, sourceBurst, pendingPerSourceMax: 100 });
  for (let i = 0; i < 5; i++) assert.match(await answerTo(rig, `${upgrade()}\x88\x80abcd`), /^HTTP\/1.1 101/);
  assert.equal(await answerTo(rig, upgrade()), '');
  await rig.clock.advance(50);
  assert.match(await answerTo(rig, `${upgrade()}\x88\x80abcd`), /^HTTP\/1.1 101/);
  assert.equal(await answerTo(rig, upgrade()), '');
});

test('keys made without care are refused before they are used', async () => {
  const rig = await rigOf(none);
  const random = new SeededRandom(2);
  const keys = await createDeviceKeys(nodeSuite, {
    secretKey: random.bytes(32),
    channel: random.bytes(32),
    wrapKey: random.bytes(1216),
    nodeId: 'ee'.repeat(32) as DeviceKey,
    now: rig.clock.now(),
    auxiliary: random.bytes(32),
  });
  await assert.rejects(connect(rig.client, { pin: rig.pin, device: keys }), {
    code: 'ERR_CLIENT_CERTIFICATE',
    kind: 'invalid',
  });
  assert.equal(rig.sockets.length, 0);
});
