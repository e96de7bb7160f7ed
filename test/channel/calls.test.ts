import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { type Connection, connect } from '../../src/client/index.ts';
import { NvrError } from '../../src/errors.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  type Call,
  type CallHandler,
  encodeFrame,
  FRAME,
  type Frame,
  parseCancelError,
  parseResponse,
  windowBody,
} from '../../src/protocol/index.ts';
import { isClientFrame, rawPeer } from './raw-peer.ts';
import { createRig, type Rig, until } from './rig.ts';

const EMPTY = new Uint8Array(0);
const MIB = 1024 * 1024;
const rigs: Rig[] = [];
const rigOf = async (...options: Parameters<typeof createRig>) => {
  const rig = await createRig(...options);
  rigs.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

async function open(rig: Rig, seed = 1): Promise<Connection> {
  return connect(rig.client, { pin: rig.pin, device: await rig.device(seed) });
}

/** A handler by method name; `wait.for` answers when the test lets it. */
function house(more: Record<string, CallHandler> = {}) {
  const calls: Call[] = [];
  const doors = new Map<string, () => void>();
  const handlers: Record<string, CallHandler> = {
    'echo.back': async ({ params }) => params,
    'wait.for': async ({ params, signal }) => {
      await new Promise<void>((resolve, reject) => {
        doors.set(String((params as { door: string }).door), resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
      return params;
    },
    ...more,
  };
  const handle: CallHandler = async (call) => {
    calls.push(call);
    return handlers[call.method.split('@')[0]!]!(call);
  };
  return { calls, doors, handle };
}

const errorOf = (frame: Frame | undefined) => {
  const response = frame && parseResponse(frame.body, frame.stream);
  return response && 'error' in response ? `${response.error.code} ${response.error.kind}` : null;
};

test('a call carries who called, what was asked and what came out', async () => {
  const { calls, handle } = house();
  const rig = await rigOf(handle);
  const device = await rig.device(1);
  const connection = await connect(rig.client, { pin: rig.pin, device });
  assert.deepEqual(await connection.call('echo.back@1', { a: [1, 'ü'] }), { a: [1, 'ü'] });
  assert.equal(connection.role, 'operator');
  assert.equal(connection.nodeId, rig.pin.nodeId);
  const { caller, method, params } = calls[0]!;
  assert.deepEqual([caller.device, caller.role, method], [device.publicKey, 'operator', 'echo.back@1']);
  assert.match(caller.sessionId, /^[0-9a-f]{32}$/);
  assert.deepEqual(params, { a: [1, 'ü'] });
  const status = rig.server.status();
  assert.deepEqual([status.open, status.pending, status.accepted, status.devices], [1, 0, 1, [device.publicKey]]);
  assert.ok(status.bytesIn > 0 && status.bytesOut > 0);
  connection.close();
  assert.equal(await connection.closed, null);
  await until(() => rig.server.status().open === 0, 'the node noticed');
});

test('errors cross with code, kind and a fixed text; nothing else leaves', async () => {
  const secret = '/var/lib/constitute-nvr/secrets/node.key';
  const fail = (error: unknown) => async () => {
    throw error;
  };
  const { handle } = house({
    'fail.known': fail(new NvrError('ERR_VAULT_BLOB_TAMPERED', 'corrupt', `${secret} is broken`, { cause: secret })),
    'fail.unknown': fail(new TypeError(secret)),
    'fail.text': fail(secret),
    'fail.late': async ({ stream }) => {
      stream.reply({ begun: true });
      await stream.data(utf8('first'));
      throw new NvrError('ERR_VAULT_BLOB_TAMPERED', 'corrupt', secret);
    },
    'fail.large': async () => 'x'.repeat(65_000),
    'fail.largereply': async ({ stream }) => stream.reply('x'.repeat(65_000)),
    'fail.twice': async ({ stream }) => {
      stream.reply(1);
      stream.reply(2);
    },
    'fail.early': async ({ stream }) => stream.data(EMPTY),
  });
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const table: Record<string, [string, string]> = {
    'fail.known': ['ERR_VAULT_BLOB_TAMPERED', 'corrupt'],
    'fail.unknown': ['ERR_CHANNEL_INTERNAL', 'internal'],
    'fail.text': ['ERR_CHANNEL_INTERNAL', 'internal'],
    'fail.large': ['ERR_CHANNEL_REPLY_TOO_LARGE', 'internal'],
    'fail.largereply': ['ERR_CHANNEL_REPLY_TOO_LARGE', 'internal'],
    'fail.early': ['ERR_INTERNAL_ASSERTION', 'internal'],
  };
  for (const [method, [code, kind]] of Object.entries(table)) {
    const error = await connection.call(method, {}).then(
      () => assert.fail(method),
      (each: NvrError) => each,
    );
    assert.deepEqual([error.name, error.code, error.kind], ['RemoteError', code, kind], method);
    assert.doesNotMatch(`${error.message}${error.stack}`, /secrets/);
  }
  const late = connection.open('fail.late', {});
  assert.deepEqual(await late.result, { begun: true });
  const units: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { bytes } of late.units) units.push(fromUtf8(bytes)!);
    },
    { code: 'ERR_VAULT_BLOB_TAMPERED', kind: 'corrupt' },
  );
  assert.deepEqual(units, ['first'], 'what came before the error is not lost');
  const twice = connection.open('fail.twice', {});
  assert.equal(await twice.result, 1);
  await assert.rejects(
    async () => {
      for await (const _ of twice.units);
    },
    { code: 'ERR_INTERNAL_ASSERTION' },
  );
});

test('many calls are in flight and answered in any order; more than 32 wait their turn', async () => {
  const { calls, doors, handle } = house();
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const order: number[] = [];
  const all = Array.from({ length: 50 }, (_, door) =>
    connection.call('wait.for', { door }).then((result) => {
      order.push(door);
      return result;
    }),
  );
  await until(() => calls.length === 32, '32 calls arrived');
  await connection.call('echo.back', {}, { signal: AbortSignal.timeout(1) }).catch(() => {});
  assert.equal(calls.length, 32, 'not one more');
  for (let door = 31; door >= 0; door--) doors.get(String(door))!();
  await until(() => calls.length === 50, 'the rest arrived');
  for (let door = 32; door < 50; door++) doors.get(String(door))!();
  assert.deepEqual(
    await Promise.all(all),
    Array.from({ length: 50 }, (_, door) => ({ door })),
  );
  assert.deepEqual(
    order.slice(0, 32),
    Array.from({ length: 32 }, (_, i) => 31 - i),
  );
});

test('a 33rd request is refused by the node itself, and opening and cancelling in a loop does not pile up', async () => {
  const { calls, handle } = house({
    'stay.here': () => new Promise(() => {}),
  });
  const rig = await rigOf(handle);
  const peer = await rawPeer(rig, await rig.device(1));
  for (let id = 1; id <= 65; id += 2) peer.request(id, 'stay.here');
  await until(() => peer.frames.length === 1, 'one was refused');
  assert.deepEqual(
    [calls.length, peer.frames[0]!.stream, errorOf(peer.frames[0])],
    [32, 65, 'ERR_CHANNEL_STREAMS exhausted'],
  );
  let id = 67;
  for (let round = 0; round < 100; round++, id += 2) {
    peer.send(FRAME.cancel, 0, id - 66, EMPTY);
    peer.request(id, 'stay.here');
  }
  peer.request(id, 'echo.back');
  await until(() => peer.frames.some(({ stream }) => stream === id), 'the last was answered');
  assert.ok(calls.length <= 64, `${calls.length} handlers at once`);
});

test('requests being answered hold at most 512 KiB', async () => {
  const { calls, handle } = house({ 'stay.here': () => new Promise(() => {}) });
  const rig = await rigOf(handle);
  const peer = await rawPeer(rig, await rig.device(1));
  for (let id = 1; id <= 19; id += 2) peer.request(id, 'stay.here', { x: 'y'.repeat(60_000) });
  await until(() => peer.frames.length === 2, 'two were refused');
  assert.equal(calls.length, 8);
  for (const frame of peer.frames) assert.equal(errorOf(frame), 'ERR_CHANNEL_BUSY exhausted');
});

test('units arrive whole, in order, with their marks, whatever their size', async () => {
  const random = new SeededRandom(3);
  const sizes = [
    0,
    1,
    65_503,
    65_504,
    65_505,
    262_144,
    262_145,
    3 * MIB,
    7,
    ...Array.from({ length: 40 }, () => random.below(90_000)),
  ];
  const units = sizes.map((size) => random.bytes(size));
  const { handle } = house({
    'read.all': async ({ stream }) => {
      stream.reply({ count: units.length });
      for (const [i, unit] of units.entries()) {
        await stream.data(unit, { ...(i % 2 ? { keyframe: true } : {}), ...(i % 3 ? {} : { init: true }) });
      }
    },
  });
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const stream = connection.open('read.all', {});
  assert.deepEqual(await stream.result, { count: units.length });
  let i = 0;
  for await (const { bytes, marks } of stream.units) {
    assert.ok(Buffer.compare(bytes, units[i]!) === 0, `unit ${i} of ${sizes[i]} bytes`);
    assert.deepEqual(marks, { ...(i % 2 ? { keyframe: true } : {}), ...(i % 3 ? {} : { init: true }) });
    i++;
  }
  assert.equal(i, units.length);
});

test('a cancelled stream sends nothing more, and its handler learns it at once', async () => {
  let sent = 0;
  const { calls, handle } = house({
    'read.ever': async ({ stream }) => {
      stream.reply({});
      for (;;) {
        await stream.data(new Uint8Array(65_504));
        sent++;
      }
    },
  });
  const rig = await rigOf(handle);
  const peer = await rawPeer(rig, await rig.device(1));
  peer.request(1, 'read.ever');
  await until(() => peer.frames.filter(({ type }) => type === FRAME.data).length === 4, 'the window is full');
  peer.window(1, 65_504);
  peer.send(FRAME.cancel, 0, 1, EMPTY);
  peer.window(1, 1_000_000);
  peer.request(3, 'echo.back');
  await until(() => peer.frames.some(({ stream }) => stream === 3), 'the next request was answered');
  const after = peer.frames.filter(({ stream }) => stream === 1);
  assert.ok(after.filter(({ type }) => type === FRAME.data).length <= 5, 'at most the piece that had its credit');
  assert.equal(after.filter(({ type }) => type === FRAME.end || type === FRAME.cancel).length, 0);
  assert.equal(calls[0]!.signal.aborted, true);
  const before = sent;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sent, before);
  await assert.rejects(calls[0]!.stream.data(EMPTY), { code: 'ERR_CHANNEL_CLOSED', kind: 'cancelled' });
  assert.throws(() => calls[0]!.stream.reply({}), { code: 'ERR_CHANNEL_CLOSED' });
});

test('leaving the loop, an aborted signal and cancel end a stream on both sides', async () => {
  const { calls, handle } = house({
    'read.ever': async ({ stream }) => {
      stream.reply({});
      for (;;) await stream.data(new Uint8Array(1000));
    },
  });
  const rig = await rigOf(handle);
  const connection = await open(rig);
  for await (const { bytes } of connection.open('read.ever', {}).units) {
    assert.equal(bytes.length, 1000);
    break;
  }
  await until(() => calls[0]!.signal.aborted, 'the node learnt of the break');
  const abort = new AbortController();
  const aborted = connection.open('read.ever', {}, { signal: abort.signal });
  await aborted.result;
  abort.abort();
  await assert.rejects(
    async () => {
      for await (const _ of aborted.units);
    },
    { code: 'ERR_CLIENT_CANCELLED' },
  );
  await until(() => calls[1]!.signal.aborted, 'the node learnt of the abort');
  const cancelled = connection.open('read.ever', {});
  await cancelled.result;
  cancelled.cancel();
  for await (const _ of cancelled.units) assert.fail('nothing after cancel');
  await until(() => calls[2]!.signal.aborted, 'the node learnt of the cancel');
  const call = connection.call('wait.for', { door: 1 }, { signal: AbortSignal.abort() });
  await assert.rejects(call, { code: 'ERR_CLIENT_CANCELLED', kind: 'cancelled' });
  assert.deepEqual(await connection.call('echo.back', { still: 'here' }), { still: 'here' });
});

test('readers that stop hold back their own streams only', async () => {
  const sent = new Map<number, number>();
  const { handle } = house({
    'read.much': async ({ params, stream }) => {
      const { name } = params as { name: number };
      stream.reply({});
      for (let i = 0; i < 64; i++) {
        await stream.data(new Uint8Array(65_504));
        sent.set(name, i + 1);
      }
    },
  });
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const slow = Array.from({ length: 31 }, (_, name) => connection.open('read.much', { name }));
  for (const stream of slow) await stream.result;
  await until(() => [...sent.values()].filter((count) => count === 4).length === 31, 'all slow windows are full');
  let bytes = 0;
  for await (const unit of connection.open('read.much', { name: 99 }).units) bytes += unit.bytes.length;
  assert.equal(bytes, 64 * 65_504);
  for (let name = 0; name < 31; name++) assert.equal(sent.get(name), 4, 'not a byte beyond its window');
  let rest = 0;
  for await (const unit of slow[7]!.units) rest += unit.bytes.length;
  assert.equal(rest, 64 * 65_504, 'and it goes on where it stopped');
});

test('a stream without room for thirty seconds is broken off, the others stay', async () => {
  const { calls, handle } = house({
    'read.ever': async ({ stream }) => {
      stream.reply({});
      for (;;) await stream.data(new Uint8Array(65_504));
    },
  });
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const stream = connection.open('read.ever', {});
  await stream.result;
  await until(() => rig.server.status().bytesOut > 262_000, 'the window is full');
  await rig.clock.advance(29_000);
  assert.equal(calls[0]!.signal.aborted, false);
  await rig.clock.advance(2_000);
  await until(() => calls[0]!.signal.aborted, 'the node gave up');
  let units = 0;
  await assert.rejects(
    async () => {
      for await (const _ of stream.units) units++;
    },
    { code: 'ERR_CHANNEL_STALLED', kind: 'exhausted' },
  );
  assert.equal(units, 4);
  assert.deepEqual(await connection.call('echo.back', {}), {});
});

test('a viewer that gives credit but does not read costs less than 4 MiB', async () => {
  let pending = 0;
  const { handle } = house({
    'read.ever': async ({ stream }) => {
      stream.reply({});
      for (;;) {
        const unit = new Uint8Array(65_504);
        pending += unit.length;
        await stream.data(unit);
        pending -= unit.length;
      }
    },
  });
  const rig = await rigOf(handle);
  const peer = await rawPeer(rig, await rig.device(1));
  for (let id = 1; id < 65; id += 2) peer.request(id, 'read.ever');
  for (let id = 1; id < 65; id += 2) peer.window(id, 2 ** 30);
  peer.window(0, 2 ** 30);
  peer.socket.pause();
  const socket = rig.sockets.at(-1)!;
  let held = 0;
  let quiet = 0;
  let last = -1;
  await until(() => {
    held = Math.max(held, socket.writableLength + pending);
    const out = rig.server.status().bytesOut;
    quiet = out === last && out > MIB ? quiet + 1 : 0;
    last = out;
    return quiet > 200;
  }, 'the node stopped sending');
  assert.ok(held > 2 * MIB && held < 4 * MIB, `${held} bytes held for one viewer`);
  assert.ok(socket.writableLength <= MIB + 70_000, `${socket.writableLength} bytes in the socket`);
  const before = peer.frames.length;
  peer.socket.resume();
  await until(() => peer.frames.length > before + 100, 'it goes on when the viewer reads');
});

test('while its socket is full the node reads no further requests', async () => {
  const { calls, handle } = house({
    'read.ever': async ({ stream }) => {
      stream.reply({});
      for (;;) await stream.data(new Uint8Array(65_504));
    },
  });
  const rig = await rigOf(handle);
  const peer = await rawPeer(rig, await rig.device(1));
  peer.request(1, 'read.ever');
  peer.window(1, 2 ** 30);
  peer.window(0, 2 ** 30);
  peer.socket.pause();
  const socket = rig.sockets.at(-1)!;
  await until(() => socket.writableLength > MIB && socket.isPaused(), 'the socket is full');
  for (let id = 3; id < 63; id += 2) peer.request(id, 'echo.back', { text: 'x'.repeat(60_000) });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(calls.length, 1);
  peer.socket.resume();
  await until(() => calls.length === 31, 'they are read when there is room');
});

test('both directions step their keys, with data in flight', async () => {
  const { handle } = house({
    'read.many': async ({ stream }) => {
      stream.reply({});
      for (let i = 0; i < 300; i++) await stream.data(utf8(String(i)));
    },
  });
  const rekey = { frames: 7, bytes: 2 ** 30, ageMs: 600_000 };
  const rig = await rigOf(handle, { rekey });
  const connection = await connect(rig.client, { pin: rig.pin, device: await rig.device(1), rekey });
  const streams = [connection.open('read.many', {}), connection.open('read.many', {})];
  for (let i = 0; i < 40; i++) assert.deepEqual(await connection.call('echo.back', { i }), { i });
  for (const stream of streams) {
    let i = 0;
    for await (const { bytes } of stream.units) assert.equal(fromUtf8(bytes), String(i++));
    assert.equal(i, 300);
  }
  await rig.clock.advance(10_000);
  assert.deepEqual(await connection.call('echo.back', {}), {});
});

test('the key of a quiet channel is stepped when it has served its time', async () => {
  const rig = await rigOf(house().handle, { rekey: { frames: 2 ** 20, bytes: 2 ** 30, ageMs: 10_000 } });
  const peer = await rawPeer(rig, await rig.device(1));
  peer.request(1, 'echo.back');
  await until(() => peer.frames.length === 1, 'the reply came');
  await rig.clock.advance(9_999);
  peer.request(3, 'echo.back');
  await until(() => peer.frames.length === 2, 'the reply came');
  await rig.clock.advance(1);
  peer.request(5, 'echo.back');
  await until(() => peer.frames.length === 4, 'the reply came');
  assert.deepEqual(
    peer.frames.map(({ type }) => type),
    [FRAME.response, FRAME.response, FRAME.rekey, FRAME.response],
  );
});

test('a silent peer is asked after 15 s and closed after 45 s; one that answers stays', async () => {
  const rig = await rigOf(house().handle);
  const answering = await open(rig, 1);
  const silent = await rawPeer(rig, await rig.device(2));
  await rig.clock.advance(15_000);
  await until(() => silent.frames.length === 1, 'the silent one was asked');
  assert.deepEqual([silent.frames[0]!.type, silent.frames[0]!.flags], [FRAME.ping, 0]);
  for (let second = 15; second < 46; second += 5) {
    await new Promise((resolve) => setTimeout(resolve, 3));
    await rig.clock.advance(5_000);
  }
  await silent.ended();
  assert.equal(rig.server.status().open, 1);
  assert.deepEqual(await answering.call('echo.back', {}), {});
});

test('after 24 h the device is asked to come anew, and a minute later the channel ends', async () => {
  const { handle, doors } = house();
  const rig = await rigOf(handle, { ageMs: 20_000, ageGraceMs: 10_000 });
  const connection = await open(rig);
  const running = connection.call('wait.for', { door: 'a' });
  const abandoned = connection.call('wait.for', { door: 'b' });
  abandoned.catch(() => {});
  await until(() => doors.size === 2, 'both run');
  await rig.clock.advance(20_000);
  await assert.rejects(
    async () => {
      for (;;) {
        await connection.call('echo.back', {});
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    { code: /^ERR_(CLIENT|CHANNEL)_GOING_AWAY$/, kind: 'unavailable' },
  );
  doors.get('a')!();
  assert.deepEqual(await running, { door: 'a' }, 'what runs may end');
  await rig.clock.advance(10_000);
  await assert.rejects(abandoned, { code: 'ERR_CLIENT_GOING_AWAY' });
  const reason = await connection.closed;
  assert.equal((reason as NvrError).code, 'ERR_CLIENT_GOING_AWAY');
  const again = await open(rig);
  assert.deepEqual(await again.call('echo.back', {}), {});
});

test('removing a device ends its channels at once, and no other', async () => {
  const { calls, handle } = house();
  const rig = await rigOf(handle);
  const [first, second, other] = [await open(rig, 1), await open(rig, 1), await open(rig, 2)];
  const running = first.call('wait.for', { door: 1 });
  await until(() => calls.length === 1, 'it runs');
  const begun = performance.now();
  rig.server.closeDevice((await rig.device(1, false)).publicKey);
  assert.equal(calls[0]!.signal.aborted, true, 'in the same turn');
  assert.equal(rig.server.status().open, 1);
  await assert.rejects(running, { code: 'ERR_CLIENT_CLOSED' });
  assert.ok((await first.closed) && (await second.closed));
  assert.ok(performance.now() - begun < 1000);
  assert.deepEqual(await other.call('echo.back', {}), {});
});

test('a device removed while it is being admitted does not get in', async () => {
  const rig = await rigOf(house().handle);
  const device = await rig.device(1);
  let decide: (answer: { role: 'owner' }) => void = () => {};
  let asked = false;
  rig.deps.admit = () => {
    asked = true;
    return new Promise((resolve) => {
      decide = resolve;
    });
  };
  const attempt = connect(rig.client, { pin: rig.pin, device });
  attempt.catch(() => {});
  await until(() => asked, 'admit was asked');
  rig.server.closeDevice(device.publicKey);
  decide({ role: 'owner' });
  await assert.rejects(attempt, { code: 'ERR_CLIENT_REFUSED' });
  assert.deepEqual([rig.server.status().open, rig.server.status().accepted], [0, 0]);
});

test('stopping says GOAWAY, lets running calls end, and closes all', async () => {
  const { doors, handle } = house();
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const running = connection.call('wait.for', { door: 'a' });
  await until(() => doors.size === 1, 'it runs');
  const stopped = rig.server.stop();
  doors.get('a')!();
  assert.deepEqual(await running, { door: 'a' });
  await stopped;
  assert.equal(((await connection.closed) as NvrError).code, 'ERR_CLIENT_GOING_AWAY');
  assert.equal(rig.server.status().open, 0);
  await assert.rejects(open(rig), { code: 'ERR_CLIENT_UNREACHABLE' });
});

test('a call that does not end is cut off two seconds into stopping', async () => {
  const { calls, handle } = house();
  const rig = await rigOf(handle);
  const connection = await open(rig);
  const running = connection.call('wait.for', { door: 'a' });
  running.catch(() => {});
  await until(() => calls.length === 1, 'it runs');
  let stopped = false;
  const stop = rig.server.stop().then(() => {
    stopped = true;
  });
  await rig.clock.advance(1_999);
  assert.equal(stopped || calls[0]!.signal.aborted, false);
  await rig.clock.advance(1);
  assert.equal(calls[0]!.signal.aborted, true);
  await stop;
  await assert.rejects(running, { kind: 'unavailable' });
});

test('each breach of the protocol ends the channel', async () => {
  const { handle } = house({
    'read.some': async ({ stream }) => {
      stream.reply({});
      await stream.data(new Uint8Array(300_000));
    },
  });
  const rig = await rigOf(handle);
  type Peer = Awaited<ReturnType<typeof rawPeer>>;
  const table: Record<string, (peer: Peer) => void> = {
    'a text message': (peer) => peer.socket.send('text'),
    'an empty message': (peer) => peer.socket.send(EMPTY),
    'a handshake message': (peer) => peer.socket.send(Uint8Array.of(1, 2, 3)),
    'a ciphertext that does not open': (peer) => peer.socket.send(new Uint8Array(100).fill(0x10)),
    'a plaintext that is no frame': (peer) => peer.sendPlaintext(Uint8Array.of(1, 2, 3)),
    'an unknown type': (peer) => peer.sendPlaintext(Uint8Array.of(10, 0, 0, 0, 0, 0, 0, 0)),
    'DATA from a client': (peer) => peer.send(FRAME.data, 1, 1, EMPTY),
    'a reply from a client': (peer) => peer.send(FRAME.response, 0, 1, utf8('{}')),
    'GOAWAY from a client': (peer) => peer.send(FRAME.goaway, 0, 0, Uint8Array.of(1)),
    'an even stream': (peer) => peer.request(2, 'echo.back'),
    'a stream used twice': (peer) => {
      peer.request(1, 'echo.back');
      peer.request(1, 'echo.back');
    },
    'a stream that goes back': (peer) => {
      peer.request(5, 'echo.back');
      peer.request(3, 'echo.back');
    },
    'credit for a stream never opened': (peer) => peer.window(7, 1),
    'credit of nothing': (peer) => peer.send(FRAME.window, 0, 0, new Uint8Array(4)),
    'credit beyond its limit': (peer) => peer.window(0, 2 ** 31 - 1),
    'too much credit for a stream': (peer) => {
      peer.request(1, 'read.some');
      peer.window(1, 2 ** 31 - 1);
    },
    'cancelling what was never opened': (peer) => peer.send(FRAME.cancel, 0, 9, EMPTY),
    'a frame sent twice': (peer) => {
      const sealed = peer.keys.send.seal(encodeFrame(FRAME.ping, 1, 0, EMPTY)) as Uint8Array;
      const message = Uint8Array.of(0x10, ...sealed);
      peer.socket.send(message);
      peer.socket.send(message);
    },
  };
  const device = await rig.device(1);
  for (const [what, breach] of Object.entries(table)) {
    const peer = await rawPeer(rig, device);
    breach(peer);
    assert.equal(await peer.ended(), 4000, what);
  }
  await until(() => rig.server.status().open === 0, 'none is left');
});

test('frames that were late are ignored, and a bad request is answered', async () => {
  const rig = await rigOf(house().handle);
  const peer = await rawPeer(rig, await rig.device(1));
  peer.request(5, 'echo.back');
  await until(() => peer.frames.length === 1, 'it was answered');
  peer.send(FRAME.cancel, 0, 5, EMPTY);
  peer.window(5, 2 ** 31 - 1);
  peer.window(3, 10);
  peer.send(FRAME.cancel, 0, 1, EMPTY);
  const bad = [utf8('{'), utf8('[]'), utf8('{"jsonrpc":"2.0","id":8,"method":"a.b"}'), EMPTY];
  for (const [i, body] of bad.entries()) peer.send(FRAME.request, 0, 7 + 2 * i, body);
  peer.send(FRAME.ping, 0, 0, utf8('are you there'));
  await until(() => peer.frames.length === 6, 'all were answered');
  for (const frame of peer.frames.slice(1, 5)) assert.equal(errorOf(frame), 'ERR_CHANNEL_REQUEST invalid');
  assert.deepEqual([peer.frames[5]!.type, peer.frames[5]!.flags], [FRAME.ping, 1]);
  assert.equal(peer.closeCode, null);
});

test('a frame of another channel, or the node’s own, opens nothing', async () => {
  const rig = await rigOf(house().handle);
  const device = await rig.device(1);
  const [one, two] = [await rawPeer(rig, device), await rawPeer(rig, device)];
  assert.notEqual(one.sessionHex, two.sessionHex);
  const sealed = one.keys.send.seal(encodeFrame(FRAME.ping, 1, 0, EMPTY)) as Uint8Array;
  two.socket.send(Uint8Array.of(0x10, ...sealed));
  assert.equal(await two.ended(), 4000, 'spliced');
  const three = await rawPeer(rig, device);
  const raw: Uint8Array[] = [];
  three.socket.on('message', (data) => raw.push((data as Buffer).slice()));
  three.request(1, 'echo.back');
  await until(() => raw.length === 1, 'a reply to reflect');
  three.socket.send(raw[0]!);
  assert.equal(await three.ended(), 4000, 'reflected');
});

test('a reader that lets notifications pile up loses the stream, not the node’s memory', async () => {
  const { calls, handle } = house({
    'tell.ever': async ({ stream, signal }) => {
      stream.reply({});
      while (!signal.aborted) {
        for (let i = 0; i < 20; i++) stream.event('live.gap', { text: 'x'.repeat(60_000) });
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  });
  const rig = await rigOf(handle);
  const peer = await rawPeer(rig, await rig.device(1));
  peer.socket.pause();
  peer.request(1, 'tell.ever');
  const socket = rig.sockets.at(-1)!;
  let held = 0;
  await until(() => {
    held = Math.max(held, socket.writableLength);
    return calls[0]?.signal.aborted === true;
  }, 'the stream was broken off');
  assert.ok(held < 4 * MIB, `${held} bytes waited`);
  peer.socket.resume();
  await until(() => peer.frames.at(-1)?.type === FRAME.cancel, 'it was told');
  assert.equal(parseCancelError(peer.frames.at(-1)!.body)?.code, 'ERR_CHANNEL_STALLED');
});

test('seeded mutations of sealed plaintexts never crash the node', async () => {
  const rig = await rigOf(house().handle, { pendingPerSourceMax: 64 });
  const device = await rig.device(1);
  const random = new SeededRandom(101);
  const bystander = await open(rig, 2);
  const frames = [
    encodeFrame(FRAME.request, 0, 1, utf8('{"jsonrpc":"2.0","id":1,"method":"echo.back@1","params":{"a":[1,2,3]}}')),
    encodeFrame(FRAME.window, 0, 0, windowBody(1000)),
    encodeFrame(FRAME.ping, 0, 0, random.bytes(20)),
    encodeFrame(FRAME.cancel, 0, 1, EMPTY),
  ];
  let peer = await rawPeer(rig, device);
  let ended = 0;
  for (let round = 0; round < (process.env['SLOW'] ? 5_000 : 150); round++) {
    const bytes = frames[random.below(frames.length)]!.slice();
    for (let k = 0; k < random.below(3); k++)
      bytes[random.below(random.below(3) ? 8 : bytes.length)] = random.below(256);
    if (!isClientFrame(bytes)) ended++;
    peer.sendPlaintext(bytes);
    if (!isClientFrame(bytes) || round % 20 === 19) {
      if (!isClientFrame(bytes)) await peer.ended();
      peer.socket.terminate();
      peer = await rawPeer(rig, device);
    }
  }
  assert.ok(ended > 50);
  assert.deepEqual(await bystander.call('echo.back', { fine: true }), { fine: true });
});
