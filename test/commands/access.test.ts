import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access, AuditEntry, SourceId } from '../../src/protocol/index.ts';
import { deviceKey, FRONT, fakeNode, grantView, refuses, START_AT, settle, sourceView } from './fake-node.ts';

const MINUTE = 60_000;
const YARD = 'yard' as SourceId;

/** A node with two cameras, ten minutes of recordings of each behind it, and a viewer (1) who sees one of them. */
async function house(access: Partial<Access> = { sources: new Set([FRONT]) }) {
  const node = fakeNode();
  node.sources.push(sourceView('yard'));
  for (let n = 0; n < 10; n++) {
    node.vault.add(n);
    node.vault.add(100 + n, {
      sourceId: YARD,
      startUs: (START_AT + n * MINUTE) * 1000,
      endUs: (START_AT + (n + 1) * MINUTE) * 1000,
    });
  }
  await node.clock.advance(10 * MINUTE);
  node.devices.set(deviceKey(1), { role: 'viewer', ...access });
  for (const id of ['front', 'yard']) node.live.sink({ sourceId: id as SourceId, stream: 'main' });
  return node;
}
const asViewer = { as: 1 };
const idOf = (n: number) => n.toString(16).padStart(32, '0');
const told = (entries: AuditEntry[]) =>
  entries.map(({ event, source, detail }) => `${event} ${source ?? '-'} ${detail}`.trim());

test('a source outside the grant is in no list', async () => {
  const node = await house();
  const ids = (await node.ask('sources.list', {}, asViewer)).sources.map(({ id }) => id);
  assert.deepEqual(ids, ['front']);
  const states = (await node.ask('sources.states', {}, asViewer)).states.map(({ source }) => source);
  assert.deepEqual([...new Set(states)], ['front']);
  assert.equal((await node.ask('status.get', {}, asViewer)).recorders.running, 2, 'main and sub of the one');
  assert.equal((await node.ask('status.get', {})).recorders.running, 3);
});

test('a device is told what it may, for each source and in all', async () => {
  const node = await house();
  node.devices.set(deviceKey(1), {
    role: 'operator',
    sources: new Set([FRONT]),
    actions: new Set(['live', 'ptz', 'configure']),
    pastMs: 60_000,
    endsAt: START_AT + 5,
  });
  assert.deepEqual(await node.ask('access.get', {}, asViewer), {
    role: 'operator',
    actions: ['live', 'ptz'],
    sources: [FRONT],
    pastMs: 60_000,
    endsAt: START_AT + 5,
    judgedAt: START_AT,
  });
  const { sources } = await node.ask('sources.list', {}, asViewer);
  assert.deepEqual(
    sources.map(({ id, actions }) => [id, actions]),
    [['front', ['live', 'ptz']]],
  );
  const own = await node.ask('access.get', {});
  assert.deepEqual([own.role, own.sources, own.actions.length], ['owner', undefined, 7]);
});

test('who is less at one camera is told so, camera by camera, and refused there what it may elsewhere', async () => {
  const node = await house();
  node.sources[0]!.streams[0]!.status.reason = 'the password was refused';
  node.sources[1]!.streams[0]!.status.reason = 'the password was refused';
  const at = new Map([[YARD, 'viewer' as const]]);
  node.devices.set(deviceKey(1), { role: 'operator', rolesAt: at });
  const own = await node.ask('access.get', {}, asViewer);
  assert.deepEqual(own.rolesAt, [{ source: YARD, role: 'viewer' }]);
  assert.deepEqual(
    [own.role, own.sources, own.actions],
    ['operator', undefined, ['live', 'playback', 'export', 'ptz']],
  );
  const { sources } = await node.ask('sources.list', {}, asViewer);
  assert.deepEqual(
    sources.map(({ id, actions }) => [id, actions]),
    [
      ['front', ['live', 'playback', 'export', 'ptz']],
      ['yard', ['live', 'playback']],
    ],
  );
  const params = { from: 0, to: START_AT + 20 * MINUTE, purpose: 'export' };
  assert.ok(await node.call('range.read', { source: 'front', ...params }, asViewer).ended);
  const elsewhere = node.call('range.read', { source: 'yard', ...params }, asViewer).ended;
  await refuses(elsewhere, 'ERR_COMMANDS_DENIED', 'denied');
  const piece = node.call('segments.get', { segment: idOf(103), purpose: 'export' }, asViewer).ended;
  await refuses(piece, 'ERR_COMMANDS_DENIED', 'denied');
  assert.ok(await node.call('segments.get', { segment: idOf(103) }, asViewer).ended, 'it may watch there');
  await refuses(node.call('ptz.hold', { source: 'yard' }, asViewer).ended, 'ERR_COMMANDS_DENIED', 'denied');
  assert.ok(told(node.audited).includes('command-refused yard ptz.hold@1: viewer may not'));

  // An admin who is a viewer there learns and changes there what a viewer does.
  node.devices.set(deviceKey(1), { role: 'admin', rolesAt: at });
  const reasons = (await node.ask('sources.states', {}, asViewer)).states.filter(({ reason }) => reason !== undefined);
  assert.deepEqual([...new Set(reasons.map(({ source }) => source))], ['front']);
  for (const [method, more] of [
    ['sources.remove', {}],
    ['sources.settings', {}],
    ['sources.upsert', { url: 'rtsp://192.0.2.1/' }],
    ['imaging.get', {}],
    ['cameras.time', { set: 'clock' }],
  ] as const) {
    const call = node.call(method, { source: 'yard', ...more }, asViewer).ended;
    await refuses(call, 'ERR_COMMANDS_DENIED', 'denied');
  }
});

test('a role lowered at one camera ends what runs there beyond it, and nothing else', async () => {
  const node = await house({ role: 'operator', sources: 'all' });
  const exporting = [102, 2].map((n) => {
    const call = node.call('segments.get', { segment: idOf(n), purpose: 'export' }, asViewer);
    call.held = true;
    return call;
  });
  const watching = node.call('live.subscribe', { source: 'yard' }, asViewer);
  await settle();
  node.devices.set(deviceKey(1), { role: 'operator', rolesAt: new Map([[YARD, 'viewer']]) });
  for (const call of exporting) call.release();
  await refuses(exporting[0]!.ended, 'ERR_COMMANDS_DENIED', 'denied');
  await exporting[1]!.ended;
  await settle();
  assert.equal(node.live.status().subscriptions, 1, 'a viewer watches');
  watching.cancel();
});

test('pages of sources hide those outside the grant and miss none inside', async () => {
  const node = fakeNode();
  node.sources.length = 0;
  const mine = new Set<SourceId>();
  for (let i = 0; i < 80; i++) {
    const source = sourceView(`cam${String(i).padStart(2, '0')}`);
    node.sources.push(source);
    if (i % 2 === 0) mine.add(source.id);
  }
  node.devices.set(deviceKey(1), { role: 'viewer', sources: mine });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await node.ask('sources.list', { ...(cursor ? { cursor } : {}) }, asViewer);
    seen.push(...page.sources.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor);
  assert.deepEqual(seen, [...mine]);
});

test('whoever names a source outside the grant, or a segment of it, hears what he would hear of nothing', async () => {
  const node = await house();
  const attempts: [string, object, object, string][] = [
    ['segments.list', { source: 'yard' }, { source: 'attic' }, 'ERR_COMMANDS_SOURCE'],
    ['range.read', { source: 'yard', from: 0, to: 1 }, { source: 'attic', from: 0, to: 1 }, 'ERR_COMMANDS_SOURCE'],
    ['live.subscribe', { source: 'yard' }, { source: 'attic' }, 'ERR_COMMANDS_SOURCE'],
    ['segments.get', { segment: idOf(103) }, { segment: idOf(999) }, 'ERR_COMMANDS_SEGMENT'],
  ];
  for (const [method, hidden, absent, code] of attempts) {
    const one = await refuses(node.call(method, hidden, asViewer).ended, code, 'missing');
    node.devices.set(deviceKey(1), { role: 'viewer' });
    const other = await refuses(node.call(method, absent, asViewer).ended, code, 'missing');
    node.devices.set(deviceKey(1), { role: 'viewer', sources: new Set([FRONT]) });
    assert.equal(one.message, other.message, method);
  }
  assert.equal(node.vault.openEver, 0, 'nothing was opened');
  assert.equal(((await node.call('segments.get', { segment: idOf(3) }, asViewer).ended) as { seq: number }).seq, 3);
});

test('a window shows the last minutes: lists, ranges and gaps begin where it does, and older segments do not exist', async () => {
  const node = await house({ pastMs: 4 * MINUTE });
  node.vault.stored = [{ startUs: START_AT * 1000, endUs: (START_AT + 7 * MINUTE) * 1000 + 999, cause: 'stalled' }];
  for (const order of ['oldest', 'newest'] as const) {
    const { segments } = await node.ask('segments.list', { source: 'front', order }, asViewer);
    assert.deepEqual(segments.map(({ seq }) => seq).sort(), [6, 7, 8, 9]);
  }
  const range = await node.ask('range.read', { source: 'front', from: 0, to: START_AT + 20 * MINUTE }, asViewer);
  assert.deepEqual(
    range.segments.map(({ seq }) => seq),
    [6, 7, 8, 9],
  );
  const earliest = START_AT + 6 * MINUTE;
  for (const gap of [range.gap, ...range.segments.map(({ gapBefore }) => gapBefore)]) {
    if (gap) assert.ok(gap.startAt >= earliest, 'no gap reaches further back');
  }
  const before = await node.ask('range.read', { source: 'front', from: START_AT, to: START_AT + 2 * MINUTE }, asViewer);
  assert.deepEqual([before.segments, before.next], [[], earliest]);
  await refuses(node.call('segments.get', { segment: idOf(5) }, asViewer).ended, 'ERR_COMMANDS_SEGMENT', 'missing');
  assert.ok(await node.call('segments.get', { segment: idOf(6) }, asViewer).ended);
  await node.clock.advance(MINUTE);
  await refuses(node.call('segments.get', { segment: idOf(6) }, asViewer).ended, 'ERR_COMMANDS_SEGMENT', 'missing');
});

test('actions are asked one by one: live without playback, and to export is more than to play', async () => {
  const node = await house({ actions: new Set(['live'] as const) });
  const live = node.call('live.subscribe', { source: 'front' }, asViewer);
  await settle();
  assert.ok(live.result);
  live.cancel();
  await refuses(node.call('segments.list', { source: 'front' }, asViewer).ended, 'ERR_COMMANDS_DENIED', 'denied');
  node.devices.set(deviceKey(1), { role: 'viewer' });
  const params = { source: 'front', from: 0, to: START_AT + 20 * MINUTE };
  assert.ok(await node.ask('range.read', params, asViewer));
  const exporting = node.call('range.read', { ...params, purpose: 'export' }, asViewer).ended;
  await refuses(exporting, 'ERR_COMMANDS_DENIED', 'denied');
  assert.ok(await node.ask('range.read', { ...params, purpose: 'export' }, { as: 2 }), 'operators export');
});

test('a change ends the calls that are not allowed any more, at once, and no others', async () => {
  const node = await house({ sources: 'all' });
  const front = node.call('live.subscribe', { source: 'front' }, asViewer);
  const yard = node.call('live.subscribe', { source: 'yard' }, asViewer);
  const other = node.call('live.subscribe', { source: 'yard' }, { as: 2 });
  const reading = node.call('segments.get', { segment: idOf(102) }, asViewer);
  reading.held = true;
  const held = node.call('segments.get', { segment: idOf(2) }, asViewer);
  held.held = true;
  await settle();
  assert.equal(node.live.status().subscriptions, 3);
  node.devices.set(deviceKey(1), { role: 'viewer', sources: new Set([FRONT]) });
  await refuses(yard.ended, 'ERR_COMMANDS_DENIED', 'denied');
  reading.release();
  await refuses(reading.ended, 'ERR_COMMANDS_DENIED', 'denied');
  await settle();
  assert.equal(node.live.status().subscriptions, 2);
  held.release();
  await held.ended;
  node.devices.set(deviceKey(1), { role: 'viewer', actions: new Set(['playback'] as const) });
  await refuses(front.ended, 'ERR_COMMANDS_DENIED', 'denied');
  node.devices.set(deviceKey(1), null);
  await settle();
  assert.equal(node.live.status().subscriptions, 1, 'another device is not concerned');
  other.cancel();
});

test('a caller of the old session has the words of that session, with the role of its configuration, until its key is paired', async () => {
  const node = await house();
  const old = { as: 0x31, via: 'v1', role: 'admin', address: '192.0.2.7' } as const;
  assert.equal((await node.ask('sources.list', {}, old)).sources.length, 2);
  assert.ok(await node.ask('segments.list', { source: 'yard' }, old));
  for (const method of ['devices.list', 'devices.remove', 'grants.list', 'live.subscribe', 'pairing.code'] as const) {
    const params = { 'devices.remove': { device: deviceKey(1) }, 'live.subscribe': { source: 'yard' } };
    const call = node.call(method, params[method as keyof typeof params] ?? {}, old);
    await refuses(call.ended, 'ERR_COMMANDS_DENIED', 'denied');
  }
  for (const [params, role] of [
    [{ source: 'yard' }, 'viewer'],
    [{ source: 'yard' }, 'operator'],
  ] as const) {
    const call = node.call('sources.remove', params, { ...old, role });
    await refuses(call.ended, 'ERR_COMMANDS_DENIED', 'denied');
  }
  assert.ok(await node.ask('sources.remove', { source: 'yard' }, old));
  node.devices.set(deviceKey(0x31), { role: 'owner' });
  await refuses(node.call('sources.list', {}, old).ended, 'ERR_COMMANDS_DENIED', 'denied');
});

test('the audit log is told who viewed, played, exported and changed what, one line for each act', async () => {
  const node = await house({ sources: 'all' });
  const params = { source: 'front', from: START_AT, to: START_AT + 20 * MINUTE, limit: 4 };
  const first = await node.ask('range.read', params, { ...asViewer, address: '192.0.2.7' });
  const second = await node.ask('range.read', { ...params, cursor: first.cursor }, asViewer);
  for (const { id } of [...first.segments, ...second.segments]) {
    await node.call('segments.get', { segment: id, length: 0 }, asViewer).ended;
    await node.call('segments.get', { segment: id, offset: 8 }, asViewer).ended;
  }
  await node.ask('range.read', { ...params, purpose: 'export' }, { as: 2 });
  await node.call('segments.get', { segment: idOf(4), purpose: 'export' }, { as: 2 }).ended;
  await node.call('segments.get', { segment: idOf(104) }, { as: 2 }).ended;
  const live = node.call('live.subscribe', { source: 'yard' }, asViewer);
  await settle();
  live.cancel();
  await node.ask('devices.rename', { device: deviceKey(1), label: 'Desk' });
  await node.ask('devices.rename', { device: deviceKey(9), label: 'Desk' });
  await node.ask('sources.remove', { source: 'yard' as SourceId });
  await node.ask('sources.remove', { source: 'attic' as SourceId });
  await node.ask('grants.put', { device: deviceKey(1), role: 'operator' });
  await node.ask('devices.remove', { device: deviceKey(1) });
  assert.deepEqual(told(node.audited), [
    'played front main',
    'exported front main',
    'played yard main',
    'live-viewed yard',
    `changed - devices.rename@1 ${deviceKey(1)}`.slice(0, 'changed - '.length + 64),
    'changed yard sources.remove@1',
    `granted - ${deviceKey(1)}`,
    `revoked - ${deviceKey(1)}`,
  ]);
  assert.deepEqual(node.audited[0], {
    event: 'played',
    at: START_AT + 10 * MINUTE,
    device: deviceKey(1),
    source: 'front',
    span: { from: START_AT, to: START_AT + 10 * MINUTE },
    detail: 'main',
    address: '192.0.2.7',
  });
  for (const { detail } of node.audited) assert.match(detail, /^[\x20-\x7e]{0,64}$/);
});

test('what lies outside the span told last is told again; so is another channel, and much later', async () => {
  const node = await house({ sources: 'all' });
  const read = (from: number, to: number, session = 'ab') =>
    node.ask('range.read', { source: 'front', from: START_AT + from, to: START_AT + to }, { as: 1, session });
  await read(2 * MINUTE, 4 * MINUTE);
  await read(2 * MINUTE, 3 * MINUTE);
  await node.call('segments.get', { segment: idOf(4) }, asViewer).ended; // touches the span by 999 µs less than nothing
  assert.equal(node.audited.length, 2);
  await read(2 * MINUTE, 4 * MINUTE, 'cd');
  assert.equal(node.audited.length, 3);
  await node.clock.advance(3_600_000);
  await read(2 * MINUTE, 4 * MINUTE, 'cd');
  assert.equal(node.audited.length, 4);
  await read(30 * MINUTE, 40 * MINUTE, 'ef');
  assert.equal(node.audited.length, 4, 'where nothing was handed out, nothing was played');
});

test('refusals are told with their reason, and the same one once a minute', async () => {
  const node = await house();
  for (let i = 0; i < 50; i++) await node.call('segments.list', { source: 'yard' }, asViewer).ended.catch(() => {});
  await node.call('devices.invite', {}, asViewer).ended.catch(() => {});
  assert.deepEqual(told(node.audited), [
    'command-refused yard segments.list@1: not its source',
    'command-refused - devices.invite@1: viewer may not',
  ]);
  await node.clock.advance(MINUTE);
  await node.call('segments.list', { source: 'yard' }, asViewer).ended.catch(() => {});
  assert.equal(node.audited.length, 3);
});

test('grants: listed by page, put in both ways, revoked, each on the word of the caller', async () => {
  const node = fakeNode();
  node.devices.stored = Array.from({ length: 20 }, (_, i) =>
    grantView(
      deviceKey(1 + i),
      i % 2 ? {} : { sources: [FRONT], actions: ['live'], pastMs: 5, notAfter: START_AT + 9 },
    ),
  );
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await node.ask('grants.list', { ...(cursor ? { cursor } : {}) }, { as: 3 });
    seen.push(...page.grants.map(({ device }) => device));
    cursor = page.cursor;
  } while (cursor);
  assert.equal(new Set(seen).size, 20);
  await refuses(node.ask('grants.list', { device: deviceKey(2) }, asViewer), 'ERR_COMMANDS_DENIED', 'denied');
  const own = await node.ask('grants.list', {}, asViewer);
  assert.deepEqual(own.grants, [
    {
      device: deviceKey(1),
      role: 'viewer',
      sources: ['front'],
      actions: ['live'],
      pastMs: 5,
      notAfter: START_AT + 9,
      generation: 1,
      issuer: deviceKey(4),
      createdAt: START_AT,
      state: 'in-force',
    },
  ]);
  await refuses(node.ask('grants.list', { cursor: 'x' }), 'ERR_COMMANDS_PARAMS', 'invalid');

  await node.ask('grants.put', { device: deviceKey(9), role: 'viewer', sources: [FRONT], pastMs: 7 }, { as: 3 });
  await node.ask('grants.revoke', { device: deviceKey(1), adopt: true }, { as: 3 });
  const rolesAt = [{ source: FRONT, role: 'viewer' as const }];
  await node.ask('grants.put', { device: deviceKey(9), role: 'operator', rolesAt }, { as: 3 });
  assert.deepEqual(node.devices.asked.pop(), ['grant', deviceKey(9), { role: 'operator', rolesAt }, deviceKey(3)]);
  assert.deepEqual(node.devices.asked, [
    ['grant', deviceKey(9), { role: 'viewer', sources: ['front'], pastMs: 7 }, deviceKey(3)],
    ['revoke', deviceKey(1), { by: deviceKey(3), adopt: true }],
  ]);
  for (const params of [{}, { device: deviceKey(9) }, { role: 'viewer' }, { grant: {}, device: deviceKey(9) }]) {
    await refuses(node.call('grants.put', params).ended, 'ERR_COMMANDS_PARAMS', 'invalid');
  }
  await refuses(
    node.ask('grants.put', { device: deviceKey(9), role: 'admin' }, { as: 3 }),
    'ERR_COMMANDS_DENIED',
    'denied',
  );
  await refuses(
    node.ask('grants.put', { device: deviceKey(9), role: 'viewer' }, { as: 2 }),
    'ERR_COMMANDS_DENIED',
    'denied',
  );
  await refuses(node.ask('grants.clock', {}, { as: 3 }), 'ERR_COMMANDS_DENIED', 'denied');
  await node.ask('grants.clock', {});
  assert.deepEqual(node.devices.asked.at(-1), ['trustClock']);
});
