import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CameraTrouble, CameraView } from '../../src/cameras/index.ts';
import type { ErrorKind } from '../../src/errors.ts';
import { COMMANDS, type CommandResult } from '../../src/protocol/index.ts';
import { deviceKey, FRONT, fakeNode, refuses, START_AT, settle, sourceView, videoTrack } from './fake-node.ts';

const ADMIN = { as: 3 };
const OPERATOR = { as: 2 };

async function held(node: ReturnType<typeof fakeNode>, options = {}, params = {}) {
  const call = node.call('ptz.hold', { source: 'front', ...params }, { ...OPERATOR, ...options });
  await settle();
  const { lease } = (call.result ?? {}) as CommandResult<'ptz.hold'>;
  return { call, lease };
}

describe('ptz.hold', () => {
  test('gives a lease for as long as it is open; what it steers stops with it', async () => {
    const node = fakeNode();
    const { head } = node.cameras;
    head.timesOut = false;
    const { call, lease } = await held(node);
    assert.match(lease, /^[0-9a-f]{16}$/);
    const move = node.call('ptz.move', { source: 'front', lease, pan: 0.4, forMs: 2_000 }, OPERATOR);
    await node.clock.advance(10);
    assert.deepEqual(await move.ended, { sent: true });
    assert.deepEqual(head.asked[0]!.speed, { pan: 0.4, tilt: 0, zoom: 0 });
    assert.equal(head.moving, true);
    call.cancel();
    await settle();
    await node.clock.advance(10);
    await refuses(call.ended, 'ERR_COMMANDS_CANCELLED', 'cancelled');
    assert.equal(head.moving, false);
    assert.equal(node.cameras.view.ptz.holder(FRONT), null);
  });

  test('stops the head when the device loses its right', async () => {
    const node = fakeNode();
    const { head } = node.cameras;
    head.timesOut = false;
    const { call, lease } = await held(node);
    const recall = node.call('ptz.recall', { source: 'front', lease, preset: '1' }, OPERATOR);
    await node.clock.advance(10);
    assert.deepEqual(await recall.ended, { sent: true });
    node.devices.set(deviceKey(2), { role: 'viewer' });
    await settle();
    await node.clock.advance(10);
    await refuses(call.ended, 'ERR_COMMANDS_DENIED', 'denied');
    assert.deepEqual([head.moving, head.count('stop')], [false, 1]);
  });

  test('is refused while another device holds it; who may set up takes it, and the holder is told', async () => {
    const node = fakeNode();
    const first = await held(node);
    await refuses((await held(node, ADMIN)).call.ended, 'ERR_CAMERAS_PTZ_HELD', 'conflict');
    await refuses(
      (await held(node, { as: 2, session: 'x' }, { take: true })).call.ended,
      'ERR_COMMANDS_DENIED',
      'denied',
    );
    const second = await held(node, ADMIN, { take: true });
    await settle();
    await first.call.ended;
    assert.deepEqual(first.call.events, [{ name: 'ptz.lost', params: { reason: 'taken' } }]);
    const event = COMMANDS['ptz.hold'].events?.['ptz.lost'];
    assert.deepEqual(event?.params.parse({ reason: 'taken' }), { reason: 'taken' });
    const stop = node.call('ptz.stop', { source: 'front', lease: first.lease }, OPERATOR);
    await refuses(stop.ended, 'ERR_CAMERAS_PTZ_LEASE', 'conflict');
    second.call.cancel();
  });

  test('is noted once; single moves are not', async () => {
    const node = fakeNode();
    const { call, lease } = await held(node);
    for (let i = 0; i < 5; i++) {
      node.call('ptz.move', { source: 'front', lease, tilt: 1, forMs: 500 }, OPERATOR);
      await node.clock.advance(100);
    }
    assert.deepEqual(
      node.audited.map(({ event, source, detail }) => [event, source, detail]),
      [['changed', 'front', 'ptz.hold@1']],
    );
    call.cancel();
  });

  test('of a camera that does not move, that is not kept, or that nobody configured', async () => {
    const node = fakeNode();
    node.sources.push(sourceView('yard'));
    await refuses(node.call('ptz.hold', { source: 'nowhere' }, OPERATOR).ended, 'ERR_COMMANDS_SOURCE', 'missing');
    await refuses(node.call('ptz.hold', { source: 'yard' }, OPERATOR).ended, 'ERR_CAMERAS_NONE', 'missing');
    node.cameras.state.ptz = false;
    await refuses(node.call('ptz.hold', { source: 'front' }, OPERATOR).ended, 'ERR_COMMANDS_CAMERA_UNABLE', 'missing');
  });
});

test('presets are listed to all, kept and forgotten by those who steer, and noted', async () => {
  const node = fakeNode();
  const { head } = node.cameras;
  head.saved.push({ token: 'bad\u202etoken', name: null }, { token: '9', name: ' misleading\u0007' });
  assert.deepEqual(await node.ask('ptz.presets', { source: 'front' }, { as: 1 }), {
    presets: [{ preset: '1', name: 'Door' }, { preset: '9' }],
  });
  assert.deepEqual(await node.ask('ptz.save', { source: 'front', name: 'Gate' }, OPERATOR), { preset: '4' });
  await node.ask('ptz.forget', { source: 'front', preset: '1' }, OPERATOR);
  assert.equal(
    head.saved.some(({ token }) => token === '1'),
    false,
  );
  assert.deepEqual(
    node.audited.map(({ detail }) => detail),
    ['ptz.save@1', 'ptz.forget@1'],
  );
});

test('status tells who steers: by name to admins and owners only', async () => {
  const node = fakeNode();
  const { call } = await held(node);
  const told = await node.ask('ptz.status', { source: 'front' }, { as: 1 });
  assert.deepEqual(told, {
    position: { pan: 0, tilt: 0, zoom: 0 },
    moving: false,
    holder: { self: false, since: START_AT },
    unstopped: false,
  });
  assert.equal((await node.ask('ptz.status', { source: 'front' }, OPERATOR)).holder?.self, true);
  const admin = await node.ask('ptz.status', { source: 'front' }, ADMIN);
  assert.deepEqual(admin.holder, { self: false, since: START_AT, device: deviceKey(2), label: 'Desk' });
  call.cancel();
});

test('imaging is read, changed in part, and told as the camera has it afterwards', async () => {
  const node = fakeNode();
  assert.deepEqual(await node.ask('imaging.get', { source: 'front' }, ADMIN), { brightness: 0.5, irCut: 'auto' });
  const wish = { source: 'front', brightness: 0.75, contrast: 1 };
  const expected = { brightness: 0.75, contrast: 1, irCut: 'auto' };
  assert.deepEqual(await node.ask('imaging.set', wish, ADMIN), expected);
  await refuses(node.call('imaging.set', { source: 'front' }, ADMIN).ended, 'ERR_COMMANDS_PARAMS', 'invalid');
  assert.deepEqual(
    node.audited.map(({ detail }) => detail),
    ['imaging.set@1'],
  );
});

describe('cameras.view', () => {
  const view: CameraView = {
    source: FRONT,
    state: 'reached',
    since: START_AT,
    identity: {
      hardwareId: 'SN-77',
      manufacturer: 'Example',
      model: 'bad\u202emodel',
      firmware: '1.2',
      endpoint: 'urn:uuid:1',
    },
    abilities: null,
    eventsConnected: true,
    clock: { offsetMs: -12.4, uncertaintyMs: 0.2, at: START_AT, by: 'rtcp', driftMsPerDay: 12.34, alarm: false },
  };

  test('tells what is known; serial number and endpoint to admins and owners only', async () => {
    const node = fakeNode();
    await refuses(node.call('cameras.view', { source: 'front' }).ended, 'ERR_COMMANDS_CAMERA_NONE', 'missing');
    node.cameras.state.view = view;
    const told = await node.ask('cameras.view', { source: 'front' }, { as: 1 });
    assert.deepEqual(told.identity, { manufacturer: 'Example', firmware: '1.2' });
    assert.deepEqual(told.clock, { ...view.clock, offsetMs: -12, uncertaintyMs: 1, driftMsPerDay: 12.3 });
    const admin = await node.ask('cameras.view', { source: 'front' }, ADMIN);
    assert.deepEqual(admin.identity, { ...told.identity, hardwareId: 'SN-77', endpoint: 'urn:uuid:1' });
  });

  test('tells abilities without what only the node needs', async () => {
    const node = fakeNode();
    const abilities = await node.cameras.view.driver(FRONT).abilities();
    node.cameras.state.view = { ...view, abilities: { ...abilities, presetsMax: 1e9 }, clock: null, identity: null };
    const { media2: _, ...expected } = { ...abilities, presetsMax: 65_535 };
    const told = await node.ask('cameras.view', { source: 'front' });
    assert.deepEqual([told.abilities, told.clock, told.identity], [expected, null, null]);
  });
});

test('a camera is asked for its time by anybody who sees it, and set by those who set up', async () => {
  const node = fakeNode();
  const { timeSet } = node.cameras.state;
  const told = { cameraAt: START_AT + 5_000, nodeAt: START_AT, uncertaintyMs: 501 };
  assert.deepEqual(await node.ask('cameras.time', { source: 'front' }, { as: 1 }), told);
  assert.deepEqual([timeSet, node.audited], [[], []]);
  await refuses(
    node.call('cameras.time', { source: 'front', set: 'clock' }, OPERATOR).ended,
    'ERR_COMMANDS_DENIED',
    'denied',
  );
  await node.ask('cameras.time', { source: 'front', set: 'clock' }, ADMIN);
  await node.ask('cameras.time', { source: 'front', set: { server: '10.0.0.1' } }, ADMIN);
  assert.deepEqual(timeSet, [
    { clock: true, timeServer: null },
    { clock: false, timeServer: '10.0.0.1' },
  ]);
  assert.deepEqual(
    node.audited.map(({ event }) => event),
    ['command-refused', 'changed', 'changed'],
  );
  // One reading for each question, and two of a clock that was set: so it is believed at once.
  assert.deepEqual(
    node.cameras.state.measured,
    [5_000.4, 5_000.4, 5_000.4, 5_000.4].map((offset) => START_AT + offset - START_AT),
  );
  for (const server of ['a b', '', '<x/>', '-a', 'a..b', 'x'.repeat(254)]) {
    const call = node.call('cameras.time', { source: 'front', set: { server } }, ADMIN);
    await refuses(call.ended, 'ERR_COMMANDS_PARAMS', 'invalid');
  }
});

test('what a camera would not do is told in our words, and never as a refusal of the caller', async () => {
  const cases: [CameraTrouble, string, ErrorKind][] = [
    ['unreachable', 'ERR_COMMANDS_CAMERA_UNREACHABLE', 'unavailable'],
    ['unauthorized', 'ERR_COMMANDS_CAMERA_UNAUTHORIZED', 'conflict'],
    ['unsupported', 'ERR_COMMANDS_CAMERA_UNABLE', 'missing'],
    ['malformed', 'ERR_COMMANDS_CAMERA_UNCLEAR', 'corrupt'],
    ['refused', 'ERR_COMMANDS_CAMERA_REFUSED', 'conflict'],
    ['cancelled', 'ERR_COMMANDS_CANCELLED', 'cancelled'],
  ];
  for (const [trouble, code, kind] of cases) {
    const node = fakeNode();
    node.cameras.state.trouble = trouble;
    for (const name of ['imaging.get', 'cameras.time', 'ptz.hold', 'snapshots.get'] as const) {
      await refuses(node.call(name, { source: 'front' }, ADMIN).ended, code, kind);
    }
  }
});

describe('snapshots.get', () => {
  test('gives the camera’s own picture, the same to all who ask within a second', async () => {
    const node = fakeNode();
    const { state, JPEG } = node.cameras;
    const calls = Array.from({ length: 3 }, (_, i) =>
      node.call('snapshots.get', { source: 'front' }, { as: 1, session: `${i}` }),
    );
    for (const call of calls) {
      const told = { source: 'front', from: 'camera', at: START_AT, size: JPEG.length, tracks: [] };
      assert.deepEqual(await call.ended, told);
      assert.deepEqual(call.units, [{ bytes: JPEG, marks: {} }]);
    }
    assert.equal(state.pictures, 1);
    await node.clock.advance(1_001);
    await node.call('snapshots.get', { source: 'front' }, { as: 1, session: '0' }).ended;
    assert.equal(state.pictures, 2);
    assert.deepEqual(
      node.audited.map(({ event, detail }) => [event, detail]),
      Array(3).fill(['live-viewed', 'snapshot']),
      'once an hour for each channel',
    );
  });

  test('gives the newest keyframe of a stream with what a decoder needs', async () => {
    const node = fakeNode();
    const sink = node.live.sink({ sourceId: FRONT, stream: 'sub' });
    sink.beginRun({
      id: 'aa'.repeat(16),
      init: { bytes: Uint8Array.of(9), tracks: [videoTrack] },
      startUs: START_AT * 1000,
    });
    for (let n = 0; n < 7; n++) sink.fragment(fragment(n, n % 5 === 0));
    const call = node.call('snapshots.get', { source: 'front', from: 'live', stream: 'sub' }, { as: 1 });
    const told = (await call.ended) as CommandResult<'snapshots.get'>;
    assert.deepEqual([told.at, told.size, told.tracks.length], [START_AT + 1_000, 501, 1]);
    assert.deepEqual(
      call.units.map(({ bytes, marks }) => [bytes[0], marks]),
      [
        [9, { init: true }],
        [5, { keyframe: true }],
      ],
    );
    assert.equal(node.live.status().subscriptions, 0);
  });

  test('waits for a keyframe where none is there, ten seconds at most', async () => {
    const node = fakeNode();
    const sink = node.live.sink({ sourceId: FRONT, stream: 'main' });
    const late = node.call('snapshots.get', { source: 'front', from: 'live' }, { as: 1 });
    await settle();
    await node.clock.advance(9_000);
    sink.beginRun({
      id: 'aa'.repeat(16),
      init: { bytes: Uint8Array.of(9), tracks: [videoTrack] },
      startUs: START_AT * 1000,
    });
    sink.fragment(fragment(3, true));
    await late.ended;
    sink.endRun({ cause: 'stalled', endUs: START_AT * 1000 });
    const never = node.call('snapshots.get', { source: 'front', from: 'live' }, { as: 1 });
    await settle();
    await node.clock.advance(10_001);
    await refuses(never.ended, 'ERR_COMMANDS_NO_PICTURE', 'unavailable');
    await refuses(
      node.call('snapshots.get', { source: 'front', from: 'live', stream: 'sub' }, { as: 1 }).ended,
      'ERR_COMMANDS_SOURCE',
      'missing',
    );
    assert.equal(node.live.status().subscriptions, 0);
  });

  test('sends four at once to one channel', async () => {
    const node = fakeNode();
    const calls = Array.from({ length: 4 }, () => node.call('snapshots.get', { source: 'front' }));
    for (const call of calls) call.held = true;
    await settle();
    await refuses(node.call('snapshots.get', { source: 'front' }).ended, 'ERR_COMMANDS_SNAPSHOTS', 'exhausted');
    for (const call of calls) call.release();
    await Promise.all(calls.map(({ ended }) => ended));
    await node.call('snapshots.get', { source: 'front' }).ended;
  });
});

function fragment(n: number, keyframe: boolean) {
  const startUs = START_AT * 1000 + n * 200_000;
  const bytes = new Uint8Array(500).fill(n);
  return { bytes, keyframe, startUs, endUs: startUs + 200_000, monoUs: n, sampleCount: 5, videoDecodeTime: 0n };
}
