import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fromUtf8, toHex, utf8 } from '../../src/bytes/index.ts';
import { type Connection, connect, pairConnect, RemoteError } from '../../src/client/index.ts';
import { createNobleSuite, createWebSuite } from '../../src/crypto/index.ts';
import type { NvrError } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  DATA_LAST,
  encodeCancelError,
  encodeError,
  encodeEvent,
  encodeResult,
  endBody,
  FRAME,
  type InvitationCode,
  parseInvitation,
  parseRequest,
  printInvitation,
  RESPONSE_END,
  windowCredit,
} from '../../src/protocol/index.ts';
import { createRig, nodeSuite, type Rig, until } from '../channel/rig.ts';
import { FakeNode, type Manners } from './fake-node.ts';

const EMPTY = new Uint8Array(0);
const rigs: Rig[] = [];
const rigOf = async (...options: Parameters<typeof createRig>) => {
  const rig = await createRig(...options);
  rigs.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function faked(manners: Manners = {}): Promise<{ node: FakeNode; connection: Connection }> {
  const node = new FakeNode(['node:1'], { 'node:1': manners });
  const connection = await connect(node.deps, { pin: node.pin, device: await node.device() });
  return { node, connection };
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('it should not work'),
    (error: NvrError) => error,
  );

test('the same client works with every suite, over real sockets', async () => {
  const random = new SeededRandom(1);
  const suites = [
    nodeSuite,
    await createWebSuite(globalThis.crypto),
    createNobleSuite((length) => random.bytes(length)),
  ];
  const unit = random.bytes(200_000);
  const rig = await rigOf(async ({ method, params, stream }) => {
    if (method === 'echo.back') return params;
    stream.reply({ size: unit.length });
    for (let i = 0; i < 3; i++) await stream.data(unit, { keyframe: true });
  });
  for (const suite of suites) {
    const device = { ...(await rig.device(1)) };
    device.channelKey = await suite.x25519.fromScalar(new SeededRandom(1).bytes(64).subarray(32));
    assert.deepEqual(device.channelKey.publicKey, (await rig.device(1)).channelKey.publicKey);
    const rekey = { frames: 4, bytes: 2 ** 30, ageMs: 600_000 };
    const connection = await connect(rig.clientWith(suite), { pin: rig.pin, device, rekey });
    const calls = Array.from({ length: 20 }, (_, i) => connection.call('echo.back', { i }));
    const stream = connection.open('read.some', {});
    let count = 0;
    for await (const { bytes, marks } of stream.units) {
      assert.ok(Buffer.compare(bytes, unit) === 0);
      assert.deepEqual(marks, { keyframe: true });
      count++;
    }
    assert.equal(count, 3);
    assert.deepEqual(
      await Promise.all(calls),
      Array.from({ length: 20 }, (_, i) => ({ i })),
    );
    connection.close();
  }
});

/** An invitation of a rig, through its printed text. */
function invite(rig: Rig, seed = 1, expiresMs = 600_000, addresses = rig.pin.addresses): InvitationCode {
  const random = new SeededRandom(seed);
  const [id, secret] = [random.bytes(16), random.bytes(16)];
  rig.invitations.set(toHex(id), secret);
  const { nodeId, channelKey } = rig.pin;
  const expiresAt = rig.clock.now() + expiresMs;
  const text = printInvitation(
    nodeSuite.hashes,
    { id, secret, nodeId, channelKey, expiresAt, addresses },
    'https://v/',
  );
  const parsed = parseInvitation(nodeSuite.hashes, text);
  assert.ok(typeof parsed !== 'string');
  return parsed;
}

test('an invitation pairs a device, which is known from then on', async () => {
  const rig = await rigOf(async () => ({}));
  const device = await rig.device(1, false);
  assert.equal((await refusal(connect(rig.client, { pin: rig.pin, device }))).code, 'ERR_CLIENT_REFUSED');
  const invitation = invite(rig);
  const { connection, pin } = await pairConnect(rig.client, { invitation, device, label: 'Küche' });
  assert.equal(connection.role, 'owner');
  assert.deepEqual(pin, rig.pin);
  assert.deepEqual(rig.admitted.at(-1), {
    device: device.publicKey,
    suite: 3,
    invitationId: toHex(invitation.id),
    label: 'Küche',
    wrapKey: device.wrapKey,
    address: '127.0.0.1',
  });
  assert.deepEqual(await connection.call('a.b', {}), {});
  const again = await connect(rig.client, { pin, device });
  assert.equal(again.role, 'operator');
});

test('used, expired, foreign and changed invitations are refused, and say so', async () => {
  const rig = await rigOf(async () => ({}));
  const device = await rig.device(1, false);
  const pair = (invitation: InvitationCode) => refusal(pairConnect(rig.client, { invitation, device, label: 'x' }));
  const invitation = invite(rig);
  const { connection } = await pairConnect(rig.client, { invitation, device: await rig.device(2, false), label: 'x' });
  const used = await pair(invitation);
  assert.deepEqual([used.code, used.kind], ['ERR_CLIENT_NOT_ANSWERED', 'denied']);
  const expired = await pair(invite(rig, 2, 0));
  assert.deepEqual([expired.code, expired.kind], ['ERR_CLIENT_INVITATION_EXPIRED', 'invalid']);
  const forgotten = invite(rig, 3);
  rig.invitations.delete(toHex(forgotten.id));
  assert.equal((await pair(forgotten)).code, 'ERR_CLIENT_NOT_ANSWERED', 'expired by the clock of the node');
  const other = await rigOf(async () => ({}));
  const foreign = { ...invite(other, 4), addresses: rig.pin.addresses };
  const own = await rig.device(1, false);
  assert.equal(
    (await refusal(pairConnect(rig.client, { invitation: foreign, device: own, label: 'x' }))).code,
    'ERR_CLIENT_NOT_ANSWERED',
  );
  const secret = { ...invite(rig, 5), secret: new Uint8Array(16) };
  assert.equal((await pair(secret)).code, 'ERR_CLIENT_NOT_ANSWERED');
  assert.equal(rig.admitted.length, 1, 'none of them came as far as admission');
  connection.close();
});

test('of two devices with one invitation exactly one gets in', async () => {
  const rig = await rigOf(async () => ({}));
  const invitation = invite(rig);
  const devices = [await rig.device(1, false), await rig.device(2, false)];
  const results = await Promise.allSettled(
    devices.map((device) => pairConnect(rig.client, { invitation, device, label: 'x' })),
  );
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(rig.known.size, 1);
});

test('a line that breaks after the node stored the device is taken up again without an invitation', async () => {
  const rig = await rigOf(async () => ({}));
  const device = await rig.device(1, false);
  const admit = rig.deps.admit.bind(rig.deps);
  let broke = false;
  rig.deps.admit = async (hello) => {
    const answer = await admit(hello);
    if (!broke) rig.sockets.at(-1)!.destroy();
    broke = true;
    return answer;
  };
  const { connection } = await pairConnect(rig.client, { invitation: invite(rig), device, label: 'x' });
  assert.deepEqual(
    rig.admitted.map(({ suite }) => suite),
    [3, 1],
  );
  assert.deepEqual(await connection.call('a.b', {}), {});
});

test('addresses are tried in order until one proves to be the node', async () => {
  const addresses = ['off:1', 'mute:1', 'other:1', 'good:1', 'never:1'];
  const node = new FakeNode(addresses, {
    'off:1': { unreachable: true },
    'mute:1': { mute: true },
    'other:1': { answer: new Uint8Array(1500).fill(2) },
  });
  const attempt = connect(node.deps, { pin: node.pin, device: await node.device() });
  await until(() => node.dialled.length === 2, 'the second was dialled');
  await node.clock.advance(8_000);
  const connection = await attempt;
  assert.deepEqual(node.dialled, addresses.slice(0, 4));
  assert.equal(connection.role, 'viewer');
  const pairing = new FakeNode(['off:1', 'good:1'], { 'off:1': { unreachable: true } });
  const invitation = {
    ...pairing.pin,
    id: new Uint8Array(16).fill(1),
    secret: new Uint8Array(16).fill(6),
    expiresAt: pairing.clock.now() + 1,
  };
  const { pin } = await pairConnect(pairing.deps, { invitation, device: await pairing.device(), label: 'x' });
  assert.deepEqual(pin.addresses, ['good:1', 'off:1'], 'the one that worked comes first');
});

test('each way of not getting in has its error', async () => {
  const past = 1_795_000_000 - 50;
  const table: [string, string, string, Manners][] = [
    ['nobody there', 'ERR_CLIENT_UNREACHABLE', 'unavailable', { unreachable: true }],
    ['closed at the hello', 'ERR_CLIENT_NOT_ANSWERED', 'unavailable', { closeAt: 1 }],
    ['closed after HS3', 'ERR_CLIENT_REFUSED', 'denied', { closeAt: 3 }],
    ['a made-up answer', 'ERR_CLIENT_WRONG_NODE', 'unauthenticated', { answer: new Uint8Array(1500).fill(2) }],
    ['no answer at all', 'ERR_CLIENT_WRONG_NODE', 'unauthenticated', { answer: new Uint8Array(3).fill(1) }],
    ['an expired certificate', 'ERR_CLIENT_WRONG_NODE', 'unauthenticated', { certificate: { expiresAtS: past } }],
    ['another key', 'ERR_CLIENT_WRONG_NODE', 'unauthenticated', { certificate: { channelKey: new Uint8Array(32) } }],
    [
      'another signer',
      'ERR_CLIENT_WRONG_NODE',
      'unauthenticated',
      { certificate: { secretKey: new Uint8Array(32).fill(9) } },
    ],
    ['another first event', 'ERR_CLIENT_PROTOCOL', 'corrupt', { first: { name: 'channel.shut', params: {} } }],
    ['no role', 'ERR_CLIENT_PROTOCOL', 'corrupt', { first: { name: 'channel.open', params: { role: 'king' } } }],
  ];
  for (const [what, code, kind, manners] of table) {
    const error = await refusal(faked(manners));
    assert.deepEqual([error.code, error.kind], [code, kind], what);
    assert.match(error.message, /node:1|protocol/, what);
  }
  const slow = new FakeNode(['node:1'], { 'node:1': { mute: true } });
  const attempt = refusal(connect(slow.deps, { pin: slow.pin, device: await slow.device() }));
  await until(() => slow.dialled.length === 1, 'it was dialled');
  await slow.clock.advance(8_000);
  assert.equal((await attempt).code, 'ERR_CLIENT_TIMEOUT');
  assert.equal(slow.closed, true);
  const abort = new AbortController();
  const aborted = refusal(connect(slow.deps, { pin: slow.pin, device: await slow.device(), signal: abort.signal }));
  await until(() => slow.dialled.length === 2, 'it was dialled');
  abort.abort();
  assert.equal((await aborted).code, 'ERR_CLIENT_CANCELLED');
  const several = new FakeNode(['a:1', 'b:1', 'c:1'], {
    'a:1': { unreachable: true },
    'b:1': { answer: new Uint8Array(1500).fill(2) },
    'c:1': { unreachable: true },
  });
  const most = await refusal(connect(several.deps, { pin: several.pin, device: await several.device() }));
  assert.equal(most.code, 'ERR_CLIENT_WRONG_NODE', 'the error that says most');
});

test('credit is given back for what was read, and for the channel as it arrives', async () => {
  const { node, connection } = await faked();
  const stream = connection.open('a.b', {});
  await until(() => node.frames.length === 1, 'the request came');
  assert.deepEqual(parseRequest(node.frames[0]!.body, 1), { method: 'a.b', params: {} });
  node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
  const granted = (id: number) =>
    node.frames
      .filter(({ type, stream: each }) => type === FRAME.window && each === id)
      .reduce((sum, { body }) => sum + windowCredit(body)!, 0);
  for (let i = 0; i < 4; i++) node.send(FRAME.data, DATA_LAST, 1, new Uint8Array(65_504));
  await stream.result;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(granted(1), 0, 'nothing was read yet');
  const units = stream.units[Symbol.asyncIterator]();
  for (let i = 0; i < 4; i++) assert.equal((await units.next()).value!.bytes.length, 65_504);
  await until(() => granted(1) >= 131_008, 'credit came back');
  assert.ok(granted(1) <= 4 * 65_504);
  let sent = 4;
  while (granted(0) === 0) {
    assert.ok(sent < 12, 'channel credit comes before a half of it is gone');
    node.send(FRAME.data, DATA_LAST, 1, new Uint8Array(65_504));
    sent++;
    await units.next();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(granted(0) <= sent * 65_504);
});

test('a unit larger than all credit arrives while somebody waits for it', async () => {
  const { node, connection } = await faked();
  const stream = connection.open('a.b', {});
  await until(() => node.frames.length === 1, 'the request came');
  node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
  const reading = stream.units[Symbol.asyncIterator]().next();
  let [credit, seen, sent] = [262_144, 1, 0];
  while (sent < 40) {
    await until(() => {
      for (; seen < node.frames.length; seen++) {
        const { type, stream: id, body } = node.frames[seen]!;
        if (type === FRAME.window && id === 1) credit += windowCredit(body)!;
      }
      return credit >= 65_000;
    }, 'credit for the next piece');
    credit -= 65_000;
    sent++;
    node.send(FRAME.data, sent === 40 ? DATA_LAST : 0, 1, new Uint8Array(65_000).fill(sent));
  }
  const { value } = await reading;
  assert.equal(value!.bytes.length, 40 * 65_000);
  assert.deepEqual([value!.bytes[0], value!.bytes.at(-1)], [1, 40]);
});

test('notifications keep their place between units', async () => {
  const { node, connection } = await faked();
  const story: string[] = [];
  connection.onEvent((name) => story.push(`channel hears ${name}`));
  const stream = connection.open('a.b', {});
  stream.onEvent((name, params) => story.push(`${name} ${JSON.stringify(params)}`));
  await until(() => node.frames.length === 1, 'the request came');
  node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
  node.send(FRAME.event, 0, 1, encodeEvent('live.run', { run: 1 })!);
  node.send(FRAME.data, DATA_LAST, 1, utf8('one'));
  node.send(FRAME.data, DATA_LAST, 1, utf8('two'));
  node.send(FRAME.event, 0, 1, encodeEvent('live.gap', {})!);
  node.send(FRAME.event, 0, 0, encodeEvent('node.news', {})!);
  assert.deepEqual(story, ['channel hears node.news'], 'nobody has read the stream yet');
  const units = stream.units[Symbol.asyncIterator]();
  for (let i = 0; i < 2; i++) story.push(fromUtf8((await units.next()).value!.bytes)!);
  const waiting = units.next();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(story.slice(1), [
    'live.run {"run":1}',
    'channel hears live.run',
    'one',
    'two',
    'live.gap {}',
    'channel hears live.gap',
  ]);
  node.send(FRAME.end, 0, 1, endBody(6));
  assert.deepEqual(await waiting, { done: true, value: undefined });
});

test('each breach by the node ends the connection', async () => {
  const table: Record<string, (node: FakeNode) => void> = {
    'a text': (node) => node.sendRaw('text'),
    'a ciphertext that does not open': (node) => node.sendRaw(new Uint8Array(50).fill(0x10)),
    'an empty message': (node) => node.sendRaw(EMPTY.buffer),
    'a second handshake message': (node) => node.sendRaw(new Uint8Array(1500).fill(2)),
    'a stream never opened': (node) => node.send(FRAME.data, 1, 3, EMPTY),
    'an even stream': (node) => node.send(FRAME.data, 1, 2, EMPTY),
    'data before the reply': (node) => node.send(FRAME.data, 1, 1, EMPTY),
    'an end before the reply': (node) => node.send(FRAME.end, 0, 1, endBody(0)),
    'two replies': (node) => {
      node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
      node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
    },
    'a reply to another request': (node) => node.send(FRAME.response, 0, 1, encodeResult(3, {})!),
    'a reply that is none': (node) => node.send(FRAME.response, 0, 1, utf8('[]')),
    'an error that does not end': (node) => node.send(FRAME.response, 0, 1, encodeError(1, 'ERR_X', 'invalid')),
    'data beyond credit': (node) => {
      node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
      for (let i = 0; i < 5; i++) node.send(FRAME.data, 1, 1, new Uint8Array(65_504));
    },
    'a wrong total': (node) => {
      node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
      node.send(FRAME.data, 1, 1, new Uint8Array(5));
      node.send(FRAME.end, 0, 1, endBody(6));
    },
    'a notification that is none': (node) => node.send(FRAME.event, 0, 0, utf8('{}')),
    'a stream notification that is none': (node) => node.send(FRAME.event, 0, 1, utf8('{}')),
  };
  for (const [what, breach] of Object.entries(table)) {
    const { node, connection } = await faked();
    const stream = connection.open('a.b', {});
    await until(() => node.frames.length === 1, 'the request came');
    breach(node);
    const reason = (await connection.closed) as NvrError;
    assert.match(reason.code, /^ERR_CLIENT_(PROTOCOL|CLOSED)$/, what);
    assert.equal(node.closed, true, what);
    await assert.rejects(
      async () => {
        await stream.result;
        for await (const _ of stream.units);
      },
      { code: reason.code },
      what,
    );
    await assert.rejects(connection.call('a.b', {}), { code: 'ERR_CLIENT_CLOSED' }, what);
  }
});

test('a unit without end is refused at 16 MiB', async () => {
  const { node, connection } = await faked();
  const stream = connection.open('a.b', {});
  await until(() => node.frames.length === 1, 'the request came');
  node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
  const reading = refusal(stream.units[Symbol.asyncIterator]().next());
  for (let sent = 0; sent <= 16 * 1024 * 1024 && !node.closed; sent += 60_000) {
    node.send(FRAME.data, 0, 1, new Uint8Array(60_000));
    await Promise.resolve();
  }
  assert.equal((await reading).code, 'ERR_CLIENT_PROTOCOL');
});

test('a remote error keeps code and kind, and units before it are not lost', async () => {
  const { node, connection } = await faked();
  const failed = refusal(connection.call('a.b', {}));
  await until(() => node.frames.length === 1, 'the request came');
  node.send(FRAME.response, RESPONSE_END, 1, encodeError(1, 'ERR_VAULT_SEGMENT_MISSING', 'missing'));
  const error = await failed;
  assert.ok(error instanceof RemoteError);
  assert.deepEqual(
    [error.code, error.kind, error.message],
    ['ERR_VAULT_SEGMENT_MISSING', 'missing', 'there is no such thing'],
  );
  const stream = connection.open('a.b', {});
  await until(() => node.frames.length === 2, 'the request came');
  node.send(FRAME.response, 0, 3, encodeResult(3, {})!);
  node.send(FRAME.data, DATA_LAST, 3, utf8('kept'));
  node.send(FRAME.data, 0, 3, utf8('half a unit'));
  node.send(FRAME.cancel, 0, 3, encodeCancelError('ERR_CHANNEL_STALLED', 'exhausted'));
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { bytes } of stream.units) seen.push(fromUtf8(bytes)!);
    },
    { code: 'ERR_CHANNEL_STALLED', kind: 'exhausted' },
  );
  assert.deepEqual(seen, ['kept']);
});

test('call gives up the data nobody asked for, and late frames of a cancelled stream are ignored', async () => {
  const { node, connection } = await faked();
  const result = connection.call('a.b', {});
  await until(() => node.frames.length === 1, 'the request came');
  node.send(FRAME.response, 0, 1, encodeResult(1, { x: 1 })!);
  assert.deepEqual(await result, { x: 1 });
  await until(() => node.frames.at(-1)!.type === FRAME.cancel, 'it was cancelled');
  node.send(FRAME.data, DATA_LAST, 1, utf8('late'));
  node.send(FRAME.event, 0, 1, encodeEvent('live.gap', {})!);
  node.send(FRAME.end, 0, 1, endBody(4));
  node.send(FRAME.ping, 0, 0, EMPTY);
  await until(() => node.frames.at(-1)!.type === FRAME.ping, 'the ping was answered');
  assert.equal(node.frames.at(-1)!.flags, 1);
});

test('a cancelled request that was never sent takes no stream', async () => {
  const { node, connection } = await faked();
  const answered = connection.call('a.b', {});
  const running = Array.from({ length: 31 }, () => refusal(connection.call('a.b', {})));
  const waiting = connection.open('a.b', {});
  waiting.cancel();
  await assert.rejects(waiting.result, { code: 'ERR_CLIENT_CANCELLED' });
  await until(() => node.frames.length === 32, 'all requests came');
  node.send(FRAME.response, RESPONSE_END, 1, encodeResult(1, {})!);
  assert.deepEqual(await answered, {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(node.frames.length, 32);
  connection.close();
  for (const each of running) assert.equal((await each).code, 'ERR_CLIENT_CLOSED');
});

test('requests that cannot be sent are refused here', async () => {
  const { connection } = await faked();
  await assert.rejects(connection.call('a.b', { x: 'y'.repeat(65_024) }), {
    code: 'ERR_CLIENT_REQUEST_TOO_LARGE',
    kind: 'invalid',
  });
  const all = Array.from({ length: 32 + 1024 }, () => connection.call('a.b', {}));
  for (const each of all) each.catch(() => {});
  await assert.rejects(connection.call('a.b', {}), { code: 'ERR_CLIENT_BACKLOG', kind: 'exhausted' });
  connection.close();
});

test('a node that goes silent is asked, then given up', async () => {
  const { node, connection } = await faked();
  await node.clock.advance(15_000);
  await until(() => node.frames.length === 1, 'it was asked');
  assert.deepEqual([node.frames[0]!.type, node.frames[0]!.flags], [FRAME.ping, 0]);
  node.send(FRAME.ping, 1, 0, EMPTY);
  await node.clock.advance(44_000);
  assert.equal(node.closed, false);
  await node.clock.advance(1_000);
  const reason = (await connection.closed) as NvrError;
  assert.deepEqual([reason.code, reason.kind], ['ERR_CLIENT_SILENT', 'unavailable']);
  const stepped = await faked();
  stepped.node.clock.step(3_600_000);
  await stepped.node.clock.advance(10_000);
  assert.equal(stepped.node.closed, false, 'a stepped calendar ends nothing');
});

test('after GOAWAY what runs may end, and the connection closes by itself', async () => {
  const { node, connection } = await faked();
  const running = connection.call('a.b', {});
  await until(() => node.frames.length === 1, 'the request came');
  node.send(FRAME.goaway, 0, 0, Uint8Array.of(1));
  await assert.rejects(connection.call('a.b', {}), { code: 'ERR_CLIENT_GOING_AWAY', kind: 'unavailable' });
  node.send(FRAME.response, RESPONSE_END, 1, encodeResult(1, 'done')!);
  assert.equal(await running, 'done');
  assert.equal(((await connection.closed) as NvrError).code, 'ERR_CLIENT_GOING_AWAY');
});

test('a line that breaks fails what runs, after the units that had arrived', async () => {
  const { node, connection } = await faked();
  const stream = connection.open('a.b', {});
  const call = refusal(connection.call('a.b', {}));
  await until(() => node.frames.length === 2, 'both requests came');
  node.send(FRAME.response, 0, 1, encodeResult(1, {})!);
  node.send(FRAME.data, DATA_LAST, 1, utf8('arrived'));
  node.hangUp();
  assert.equal((await call).code, 'ERR_CLIENT_CLOSED');
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { bytes } of stream.units) seen.push(fromUtf8(bytes)!);
    },
    { code: 'ERR_CLIENT_CLOSED', kind: 'unavailable' },
  );
  assert.deepEqual(seen, ['arrived']);
});
