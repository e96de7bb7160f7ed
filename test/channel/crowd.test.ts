import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Connection, connect } from '../../src/client/index.ts';
import { type CallHandler, FRAME, STREAM_CREDIT } from '../../src/protocol/index.ts';
import { type RawPeer, rawPeer } from './raw-peer.ts';
import { createRig, type Rig, until } from './rig.ts';

const CHANNELS = 100;
const KIB = 1024;
const MIB = 1024 * KIB;
/** Both ends of a silent channel in one process: TCP, WebSocket, keys, our state; a frame's place at the client. */
const SILENT_BYTES_MAX = 160 * KIB;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes handed over of each big answer, by device. */
const handed = new Map<string, number>();
const handle: CallHandler = async ({ method, params, stream, caller }) => {
  if (method !== 'send.bytes@1') return params;
  const { bytes } = params as { bytes: number };
  stream.reply({});
  const piece = new Uint8Array(64 * KIB);
  for (let sent = 0; sent < bytes; sent += piece.length) {
    await stream.data(piece);
    handed.set(caller.device, (handed.get(caller.device) ?? 0) + piece.length);
  }
  return undefined;
};

let rig: Rig;
const connections: Connection[] = [];
let bytesPerChannel = 0;

before(async () => {
  rig = await createRig(handle);
  // Whatever is loaded and compiled once is not to be counted.
  const warm = await connect(rig.client, { pin: rig.pin, device: await rig.device(900) });
  await take(warm, MIB);
  warm.close();
  await until(() => rig.server.status().open === 0, 'the first one left');
  const devices = [];
  for (let i = 0; i < CHANNELS / 2; i++) devices.push(await rig.device(i + 1));
  const empty = used();
  for (let i = 0; i < CHANNELS; i++) {
    connections.push(await connect(rig.client, { pin: rig.pin, device: devices[i % devices.length]! }));
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  bytesPerChannel = (used() - empty) / CHANNELS;
});
after(() => rig.close());

function used(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Takes `bytes` and counts them. */
async function take(connection: Connection, bytes: number): Promise<number> {
  let taken = 0;
  for await (const unit of connection.open('send.bytes@1', { bytes }).units) taken += unit.bytes.length;
  return taken;
}

test('a hundred channels of fifty devices are open at once, and a silent one takes little memory', async (t) => {
  const { open, devices } = rig.server.status();
  assert.deepEqual([open, devices.length], [CHANNELS, CHANNELS / 2]);
  t.diagnostic(`${Math.round(bytesPerChannel / KIB)} KiB for both ends of a silent channel`);
  assert.ok(bytesPerChannel < SILENT_BYTES_MAX, `${Math.round(bytesPerChannel / KIB)} KiB`);
  const answers = await Promise.all(connections.map((each, i) => each.call('echo.back', { i })));
  assert.deepEqual(
    answers,
    connections.map((_, i) => ({ i })),
  );
});

test('a silent channel costs a ping each fifteen seconds and nothing else', async () => {
  const before = rig.server.status();
  for (let second = 0; second < 120; second += 5) {
    await rig.clock.advance(5_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const { open, bytesIn, bytesOut } = rig.server.status();
  assert.equal(open, CHANNELS, 'all are alive');
  const perMinute = (bytesIn + bytesOut - before.bytesIn - before.bytesOut) / CHANNELS / 2;
  assert.ok(perMinute > 0 && perMinute < 600, `${perMinute} bytes a minute`);
});

test('channels that carried much and fell silent give the memory back', async (t) => {
  const quiet = used();
  for (let i = 0; i < connections.length; i += 10) {
    const taken = await Promise.all(connections.slice(i, i + 10).map((each) => take(each, MIB)));
    assert.deepEqual(new Set(taken), new Set([MIB]));
  }
  await new Promise((resolve) => setImmediate(resolve));
  const kept = (used() - quiet) / CHANNELS;
  t.diagnostic(`${Math.round(kept / KIB)} KiB more for each channel afterwards`);
  assert.ok(kept < 80 * KIB, `${Math.round(kept / KIB)} KiB`);
});

test('readers that take nothing hold up nobody and are given no more than their credit and their socket', async () => {
  const slow: RawPeer[] = [];
  for (let i = 0; i < 3; i++) {
    const peer = await rawPeer(rig, await rig.device(500 + i));
    slow.push(peer);
    // The first never gives credit. The others give plenty and do not read their socket.
    if (i > 0) peer.socket.pause();
    peer.request(1, 'send.bytes@1', { bytes: 64 * MIB });
    if (i > 0) for (const stream of [0, 1]) peer.window(stream, 100 * MIB);
  }
  const before = rig.server.status().bytesOut;
  for (let round = 0; round < 3; round++) {
    const taken = await Promise.all(connections.map((each) => take(each, 128 * KIB)));
    assert.deepEqual(new Set(taken), new Set([128 * KIB]));
    const answers = await Promise.all(connections.map((each, i) => each.call('echo.back', { i })));
    assert.equal(answers.length, CHANNELS);
  }
  assert.ok(rig.server.status().bytesOut - before >= CHANNELS * 3 * 128 * KIB);
  const given = [];
  for (let i = 0; i < 3; i++) given.push(handed.get((await rig.device(500 + i, false)).publicKey) ?? 0);
  assert.ok(given[0]! <= STREAM_CREDIT, `${given[0]} bytes without credit`);
  for (const bytes of given.slice(1)) {
    // One mebibyte of ours, and whatever the kernel takes for a socket on loopback.
    assert.ok(bytes < 16 * MIB, `${bytes} bytes into a socket that nobody reads`);
  }
  await rig.clock.advance(31_000);
  await until(() => slow[0]!.frames.some(({ type }) => type === FRAME.cancel), 'who takes nothing for 30 s is cut off');
  for (const { socket } of slow) socket.terminate();
  await until(() => rig.server.status().open === CHANNELS, 'they are gone');
  await Promise.all(connections.map((each) => each.call('echo.back', {})));
});
