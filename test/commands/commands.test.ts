import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isNvrError } from '../../src/errors.ts';
import { COMMANDS, type CommandName, RESULT_BYTES_MAX } from '../../src/protocol/index.ts';
import { deviceKey, fakeNode, refuses, START_AT, settle, sourceView, videoTrack } from './fake-node.ts';

test('names carry a version; without one it is version 1; others are refused as missing', async () => {
  const node = fakeNode();
  assert.deepEqual(await node.call('sources.list@1', {}).ended, await node.call('sources.list', {}).ended);
  for (const method of ['sources.list@2', 'sources.drop', '', 'constructor.name', '__proto__']) {
    const error = await refuses(node.call(method, {}).ended, 'ERR_COMMANDS_UNKNOWN', 'missing');
    assert.ok(method === '' || !error.message.includes(method), 'what came is not repeated');
  }
});

test('params that are not as described are refused by path and rule, before permission is asked', async () => {
  const node = fakeNode();
  const error = await refuses(
    node.call('segments.list', { source: 'SECRET/../x', limit: 1e9 }).ended,
    'ERR_COMMANDS_PARAMS',
    'invalid',
  );
  assert.match(error.message, /source: expected an id of the form \S+; limit: expected at most 150/);
  assert.ok(!error.message.includes('SECRET'));
});

test('whatever is called with whatever params, there is a result or an error of ours', async () => {
  const node = fakeNode();
  node.vault.add(0);
  const names = Object.keys(COMMANDS) as CommandName[];
  const method = fc.oneof(fc.constantFrom(...names), fc.string());
  await fc.assert(
    fc.asyncProperty(method, fc.anything(), fc.integer({ min: 1, max: 5 }), async (name, params, as) => {
      const call = node.call(name, params, { as });
      if (name.startsWith('live.subscribe') || name.startsWith('events.watch')) call.cancel();
      try {
        await call.ended;
      } catch (error) {
        assert.ok(isNvrError(error), String(error));
        assert.match(error.code, /^ERR_(COMMANDS|LIVE|CHANNEL)_/);
      }
    }),
    { numRuns: process.env['SLOW'] ? 20_000 : 1_500 },
  );
  assert.equal(node.vault.open, 0);
});

test('sources are listed by id with what their streams show, page by page', async () => {
  const node = fakeNode();
  node.sources.length = 0;
  for (let i = 39; i >= 0; i--) node.sources.push(sourceView(`cam${String(i).padStart(2, '0')}`));
  node.sources[0] = sourceView('cam39', ['main'], { name: 'bad\u202ename' });
  const first = await node.ask('sources.list', {});
  const second = await node.ask('sources.list', { cursor: first.cursor });
  assert.equal(first.sources.length, 32);
  assert.equal(second.cursor, undefined);
  const ids = [...first.sources, ...second.sources].map((source) => source.id);
  assert.deepEqual(ids, [...ids].sort());
  assert.equal(ids.length, 40);
  assert.equal(second.sources.at(-1)!.name, 'cam39', 'a misleading name is not shown');
  assert.deepEqual(first.sources[0]!.streams, [
    {
      stream: 'main',
      streamId: '3f'.repeat(16),
      state: 'running',
      tracks: [
        { id: 1, kind: 'video', format: 'avc1', codec: 'avc1.64001f', timescale: 90_000, width: 1280, height: 720 },
      ],
    },
  ]);
  const size = JSON.stringify(first).length;
  assert.ok(size < RESULT_BYTES_MAX);
});

test('states tell what recorders do; the reason in words is for admins and owners', async () => {
  const node = fakeNode();
  node.sources.push(
    sourceView('yard', ['main'], {
      streams: [
        {
          stream: 'main',
          streamId: node.sources[0]!.streams[0]!.streamId,
          status: {
            state: 'backoff',
            since: START_AT,
            cause: 'unreachable',
            reason: 'no answer\nwithin 10 s',
            restarts: 3,
            retryAt: START_AT + 4_000,
            transport: 'udp',
            bitsPerSecond: 4_000_000.4,
            framesPerSecond: null,
            tracks: [],
          },
        },
      ],
    }),
  );
  const told = (await node.ask('sources.states', {}, { as: 3 })).states;
  assert.deepEqual(
    told.map((each) => `${each.source}/${each.stream} ${each.state}`),
    ['front/main running', 'front/sub running', 'yard/main backoff'],
  );
  assert.deepEqual(told[2], {
    source: 'yard',
    stream: 'main',
    state: 'backoff',
    since: START_AT,
    cause: 'unreachable',
    reason: 'no answerwithin 10 s',
    restarts: 3,
    retryAt: START_AT + 4_000,
    transport: 'udp',
    bitsPerSecond: 4_000_000,
  });
  assert.equal((await node.ask('sources.states', {}, { as: 1 })).states[2]!.reason, undefined);
});

test('status tells of node, storage, recorders, live and channels', async () => {
  const node = fakeNode();
  node.vault.add(0);
  await node.clock.advance(5_000);
  assert.deepEqual(await node.ask('status.get', {}, { as: 1 }), {
    node: { id: deviceKey(0x7e), version: '0.1.0', now: START_AT + 5_000, startedAt: START_AT, uptimeMs: 5_000 },
    storage: {
      state: 'ok',
      segments: 1,
      size: 1234,
      oldestAt: START_AT,
      free: 5,
      total: 10,
      leaves: 3,
      daysLeft: 2.5,
      recovery: { recovered: 1, discarded: 0, indexRebuilt: false, durationMs: 13 },
    },
    recorders: { starting: 0, running: 2, stalled: 0, backoff: 0, disabled: 0, failed: 0 },
    live: { subscriptions: 0, droppedFragments: 0 },
    channels: { open: 2, devices: 1, bytesIn: 3, bytesOut: 4 },
    warnings: [],
  });
  assert.deepEqual((await node.ask('status.get', {}, { as: 3 })).warnings, ['storage: the disk is full'], 'for admins');
});

test('devices are listed to admins and owners; others see themselves', async () => {
  const node = fakeNode();
  const all = await node.ask('devices.list', {}, { as: 3 });
  assert.deepEqual(
    all.devices.map((each) => each.role),
    ['viewer', 'operator', 'admin', 'owner'],
  );
  assert.deepEqual(
    all.devices.map((each) => each.self),
    [false, false, true, false],
  );
  assert.equal(all.devices[0]!.wrapKeyId, undefined);
  assert.deepEqual(all.invitations, [{ id: '5a'.repeat(16), role: 'viewer', expiresAt: START_AT }]);
  const own = await node.ask('devices.list', {}, { as: 1 });
  assert.deepEqual(
    own.devices.map((each) => each.device),
    [deviceKey(1)],
  );
  assert.deepEqual(own.invitations, []);
});

test('an invitation is made with role and expiry, as its text', async () => {
  const node = fakeNode();
  const made = await node.ask('devices.invite', { role: 'operator', expiresMs: 60_000 }, { as: 3 });
  assert.deepEqual(made, {
    id: '5a'.repeat(16),
    role: 'operator',
    expiresAt: START_AT + 60_000,
    invitation: `https://viewer.example/#i=${'5a'.repeat(16)}`,
  });
  assert.deepEqual(node.devices.invited, [{ role: 'operator', expiresMs: 60_000, by: deviceKey(3) }]);
});

test('a device is renamed and removed; what is not there is told as such', async () => {
  const node = fakeNode();
  assert.deepEqual(await node.ask('devices.rename', { device: deviceKey(1), label: 'Kitchen' }), { renamed: true });
  assert.equal(node.devices.labels.get(deviceKey(1)), 'Kitchen');
  assert.deepEqual(await node.ask('devices.rename', { device: deviceKey(9), label: 'x' }), { renamed: false });
  assert.deepEqual(await node.ask('devices.remove', { device: deviceKey(1) }), { removed: true });
  assert.deepEqual(await node.ask('devices.remove', { device: deviceKey(1) }), { removed: false });
  await refuses(node.ask('sources.list', {}, { as: 1 }), 'ERR_COMMANDS_DENIED', 'denied');
});

test('live: init and fragments with their marks, the run told before, the gap after', async () => {
  const node = fakeNode();
  const sink = node.live.sink({ sourceId: sourceView('front').id, stream: 'main' });
  const call = node.call('live.subscribe', { source: 'front' });
  await settle();
  assert.deepEqual(call.result, { subscription: 1, source: 'front', stream: 'main', running: false, tracks: [] });
  sink.beginRun({
    id: 'aa'.repeat(16),
    init: { bytes: Uint8Array.of(9), tracks: [videoTrack] },
    startUs: START_AT * 1000,
  });
  sink.fragment(fragment(0, true));
  sink.fragment(fragment(1, false));
  sink.endRun({ cause: 'stalled', endUs: START_AT * 1000 + 400_000 });
  await settle();
  assert.deepEqual(
    call.units.map(({ bytes, marks }) => [bytes[0], marks]),
    [
      [9, { init: true }],
      [0, { keyframe: true }],
      [1, {}],
    ],
  );
  assert.deepEqual(
    call.events.map((each) => each.name),
    ['live.run', 'live.gap'],
  );
  for (const { name, params } of call.events) {
    const event = COMMANDS['live.subscribe'].events?.[name];
    assert.deepEqual(event?.params.parse(params), params);
  }
  call.cancel();
  await refuses(call.ended, 'ERR_COMMANDS_CANCELLED', 'cancelled');
  assert.equal(node.live.status().subscriptions, 0);
});

test('live: a viewer that does not take its units drops to a keyframe and holds nobody else back', async () => {
  const node = fakeNode({ live: { queueBytesMax: 3_000 } });
  const sink = node.live.sink({ sourceId: sourceView('front').id, stream: 'main' });
  sink.beginRun({
    id: 'aa'.repeat(16),
    init: { bytes: Uint8Array.of(9), tracks: [videoTrack] },
    startUs: START_AT * 1000,
  });
  const slow = node.call('live.subscribe', { source: 'front' }, { session: 's' });
  const quick = node.call('live.subscribe', { source: 'front' }, { session: 'q' });
  slow.held = true;
  for (let n = 0; n < 60; n++) {
    sink.fragment(fragment(n, n % 5 === 0));
    await settle();
  }
  assert.equal(quick.units.length, 61);
  assert.equal(slow.units.length, 1);
  slow.held = false;
  slow.release();
  await settle();
  const dropped = slow.events.find((each) => each.name === 'live.dropped')?.params as { fragments: number };
  assert.ok(dropped.fragments > 30);
  assert.deepEqual(slow.units[1]!.marks, { keyframe: true });
  assert.equal(slow.units.length, 61 - dropped.fragments);
  slow.cancel();
  quick.cancel();
});

test('live: a subscription is ended by number, on its own channel only', async () => {
  const node = fakeNode();
  node.live.sink({ sourceId: sourceView('front').id, stream: 'sub' });
  const call = node.call('live.subscribe', { source: 'front', stream: 'sub' }, { session: 'one' });
  await settle();
  const { subscription } = call.result as { subscription: number };
  assert.deepEqual(await node.ask('live.unsubscribe', { subscription }, { session: 'two' }), { ended: false });
  assert.deepEqual(await node.ask('live.unsubscribe', { subscription }, { session: 'one' }), { ended: true });
  await call.ended;
  assert.deepEqual(await node.ask('live.unsubscribe', { subscription }, { session: 'one' }), { ended: false });
});

test('live: a stream that nobody records is missing; too many subscriptions are refused', async () => {
  const node = fakeNode();
  await refuses(node.call('live.subscribe', { source: 'front' }).ended, 'ERR_COMMANDS_SOURCE', 'missing');
  node.live.sink({ sourceId: sourceView('front').id, stream: 'main' });
  const calls = Array.from({ length: 32 }, () => node.call('live.subscribe', { source: 'front' }));
  await settle();
  await refuses(node.call('live.subscribe', { source: 'front' }).ended, 'ERR_COMMANDS_SUBSCRIPTIONS', 'exhausted');
  const other = node.call('live.subscribe', { source: 'front' }, { session: 'other' });
  await settle();
  assert.ok(other.result);
  for (const call of [...calls, other]) call.cancel();
  await settle();
  assert.equal(node.live.status().subscriptions, 0);
});

test('live: removing a source ends its subscriptions well, removing a device ends its own with an error', async () => {
  const node = fakeNode();
  const { id } = sourceView('front');
  node.live.sink({ sourceId: id, stream: 'main' });
  node.live.sink({ sourceId: sourceView('yard').id, stream: 'main' });
  const front = node.call('live.subscribe', { source: 'front' }, { as: 1 });
  const lost = node.call('live.subscribe', { source: 'yard' }, { as: 1 });
  const kept = node.call('live.subscribe', { source: 'yard' }, { as: 2 });
  await settle();
  node.live.removeSource(id);
  await front.ended;
  await node.ask('devices.remove', { device: deviceKey(1) });
  await refuses(lost.ended, 'ERR_COMMANDS_DENIED', 'denied');
  await settle();
  assert.equal(node.live.status().subscriptions, 1);
  kept.cancel();
});

function fragment(n: number, keyframe: boolean) {
  const startUs = START_AT * 1000 + n * 200_000;
  const bytes = new Uint8Array(500).fill(n);
  return { bytes, keyframe, startUs, endUs: startUs + 200_000, monoUs: n, sampleCount: 5, videoDecodeTime: 0n };
}
