import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CameraEvent, createEventStore, type EventStore } from '../../src/cameras/index.ts';
import { SimulatedFiles, silentLog } from '../../src/platform/index.ts';
import {
  checkResult,
  EVENT_CHANGES_SECOND_MAX,
  EVENT_WATCHES_MAX,
  EVENTS_PAGE_MAX,
  type EventFacts,
  type EventsWatchResult,
  type SourceId,
} from '../../src/protocol/index.ts';
import { deviceKey, FRONT, fakeNode, refuses, START_AT, settle } from './fake-node.ts';

const YARD = 'yard' as SourceId;
const asViewer = { as: 1 };

/** A node with a store of events that is really one. */
async function house() {
  let store: EventStore | null = null;
  const node = fakeNode({
    events: (clock) => {
      store = createEventStore({ clock, log: silentLog, files: new SimulatedFiles() }, { path: ':memory:' });
      return store;
    },
  });
  const events = store! as EventStore;
  await events.start();
  const tell = (active: boolean | null, more: Partial<CameraEvent> = {}, source = FRONT) =>
    events.take(source, {
      kind: 'motion',
      active,
      name: null,
      at: node.clock.now(),
      cameraAt: null,
      initial: false,
      ...more,
    });
  return { ...node, events, tell };
}

const told = (events: readonly EventFacts[]) =>
  events.map(({ source, kind, startAt }) => `${source} ${kind} ${startAt - START_AT}`);

test('events are listed by time, of the sources and kinds asked for, page by page', async () => {
  const node = await house();
  for (let i = 0; i < 150; i++) {
    node.tell(null, { kind: i % 2 ? 'line' : 'motion', name: 'Gate' }, i % 3 ? FRONT : YARD);
    await node.clock.advance(10_000);
  }
  const first = await node.ask('events.list', {});
  assert.equal(first.events.length, 50);
  assert.deepEqual(first.events[0], {
    id: 150,
    source: FRONT,
    kind: 'line',
    name: 'Gate',
    startAt: START_AT + 1_490_000,
    endAt: START_AT + 1_490_000,
    endedBy: 'camera',
    count: 1,
  });
  const all = [...first.events];
  for (let cursor = first.cursor; cursor; ) {
    const page = await node.ask('events.list', { cursor, limit: EVENTS_PAGE_MAX });
    all.push(...page.events);
    cursor = page.cursor;
  }
  assert.equal(new Set(all.map(({ id }) => id)).size, 150);
  const some = await node.ask('events.list', {
    sources: ['yard', 'nowhere'],
    kinds: ['line'],
    from: START_AT + 30_000,
    to: START_AT + 210_000,
    order: 'oldest',
  });
  assert.deepEqual(told(some.events), ['yard line 30000', 'yard line 90000', 'yard line 150000']);
  await refuses(node.call('events.list', { cursor: 'x' }).ended, 'ERR_COMMANDS_PARAMS', 'invalid');
  await refuses(node.call('events.list', { from: 2, to: 1 }).ended, 'ERR_COMMANDS_PARAMS', 'invalid');
});

test('a device sees the events of its own sources, no further back than its window, and none without playback', async () => {
  const node = await house();
  node.tell(true, { cameraAt: START_AT });
  node.tell(null, {}, YARD);
  await node.clock.advance(60_000);
  node.tell(null, { kind: 'line' });
  await node.clock.advance(60_000);
  node.tell(false);
  node.devices.set(deviceKey(1), { role: 'viewer', sources: new Set([FRONT]), pastMs: 90_000 });
  const { events } = await node.ask('events.list', { order: 'oldest' }, asViewer);
  assert.deepEqual(told(events), ['front motion 30000', 'front line 60000'], 'what reaches in begins with the window');
  assert.equal(events[0]!.cameraStartAt, undefined, 'when it really began is not told, by no clock');
  assert.deepEqual(
    (await node.ask('events.list', { sources: ['yard'] }, asViewer)).events,
    [],
    'as if it did not exist',
  );
  node.devices.set(deviceKey(1), { role: 'viewer', actions: new Set(['live'] as const) });
  await refuses(node.call('events.list', {}, asViewer).ended, 'ERR_COMMANDS_DENIED', 'denied');
});

test('the camera’s time stands beside the node’s: as it said, else as its clock was measured, with how wrong that may be', async () => {
  const node = await house();
  const measurement = { offsetMs: -7_200_000, uncertaintyMs: 40, by: 'onvif', step: false } as const;
  node.events.measured(FRONT, { at: START_AT, ...measurement });
  node.tell(true, { cameraAt: START_AT - 7_200_500 });
  await node.clock.advance(5_000);
  node.tell(false);
  const [event] = (await node.ask('events.list', {})).events;
  assert.equal(event!.cameraStartAt, START_AT - 7_200_500);
  assert.equal(event!.cameraEndAt, START_AT - 7_195_000);
  assert.equal(event!.cameraUncertaintyMs, 41);
});

test('a watch begins with what goes on and tells each beginning and end, until it is cancelled', async () => {
  const node = await house();
  node.tell(true, { kind: 'input', name: 'Tür' });
  node.tell(true, {}, YARD);
  const watch = node.call('events.watch', { sources: ['front'] }, asViewer);
  await settle();
  const { open, complete } = watch.result as EventsWatchResult;
  assert.deepEqual([told(open), complete], [['front input 0'], true]);
  node.tell(true);
  await node.clock.advance(1_000);
  node.tell(false);
  node.tell(false, {}, YARD);
  assert.deepEqual(
    watch.events.map(({ name, params }) => {
      const { source, kind, endAt } = (
        checkResult('events.list', { events: [params] }) as { result: { events: EventFacts[] } }
      ).result.events[0]!;
      return [name, source, kind, endAt];
    }),
    [
      ['events.changed', 'front', 'motion', null],
      ['events.changed', 'front', 'motion', START_AT + 1_000],
    ],
  );
  watch.cancel();
  await refuses(watch.ended, 'ERR_COMMANDS_CANCELLED', 'cancelled');
  node.tell(true);
  assert.equal(watch.events.length, 2);
});

test('a source that is taken from a device, or given to it, while it watches counts at once; without live the watch ends', async () => {
  const node = await house();
  node.devices.set(deviceKey(1), { role: 'viewer', sources: new Set([FRONT]) });
  const watch = node.call('events.watch', {}, asViewer);
  await settle();
  const sources = () => watch.events.map(({ params }) => (params as EventFacts).source);
  node.tell(null, {}, YARD);
  assert.deepEqual(sources(), []);
  node.devices.set(deviceKey(1), { role: 'viewer', sources: new Set([YARD]), pastMs: 1_000 });
  node.tell(true);
  await node.clock.advance(60_000);
  node.tell(null, { kind: 'line' }, YARD);
  assert.deepEqual(sources(), ['yard']);
  node.tell(true, { kind: 'input', at: START_AT }, YARD);
  assert.equal((watch.events.at(-1)!.params as EventFacts).startAt, START_AT + 59_000, 'not before the window');
  node.devices.set(deviceKey(1), { role: 'viewer', actions: new Set(['playback'] as const) });
  await refuses(watch.ended, 'ERR_COMMANDS_DENIED', 'denied');
});

test('one channel has four watches, and is told 64 changes in a second; the rest is told as a number', async () => {
  const node = await house();
  const watches = Array.from({ length: EVENT_WATCHES_MAX }, () => node.call('events.watch', {}));
  await settle();
  await refuses(node.call('events.watch', {}).ended, 'ERR_COMMANDS_WATCHES', 'exhausted');
  const other = node.call('events.watch', {}, { session: 'cd' });
  await settle();
  assert.ok(other.result);
  for (let i = 0; i < 100; i++) node.tell(null, { name: `${i}` }, `cam${i}` as SourceId);
  assert.equal(other.events.length, EVENT_CHANGES_SECOND_MAX);
  await node.clock.advance(1_000);
  assert.deepEqual(other.events.at(-1), { name: 'events.missed', params: { count: 100 - EVENT_CHANGES_SECOND_MAX } });
  node.tell(null, { name: 'next' });
  assert.equal(other.events.length, EVENT_CHANGES_SECOND_MAX + 2);
  watches[0]!.cancel();
  await settle();
  const again = node.call('events.watch', {});
  await settle();
  assert.ok(again.result, 'a watch that ended makes room');
  for (const each of [...watches, other, again]) each.cancel();
  await settle();
  await node.events.stop();
});

test('more that goes on than fits is said to be more', async () => {
  const node = await house();
  for (let i = 0; i < EVENTS_PAGE_MAX + 5; i++) node.tell(true, {}, `cam${i}` as SourceId);
  const watch = node.call('events.watch', {});
  await settle();
  const { open, complete } = watch.result as EventsWatchResult;
  assert.deepEqual([open.length, complete], [EVENTS_PAGE_MAX, false]);
  watch.cancel();
  await settle();
});
