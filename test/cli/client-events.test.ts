import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventsOptions, eventsCommand } from '../../src/cli/client-events.ts';
import { timeText } from '../../src/cli/terminal.ts';
import type { NvrClient } from '../../src/client/index.ts';
import { isNvrError } from '../../src/errors.ts';
import type { EventFacts } from '../../src/protocol/index.ts';
import { fakeWorld } from './fake-world.ts';

const NOW = 1_795_000_000_000;

function event(id: number, more: Partial<EventFacts> = {}): EventFacts {
  const startAt = NOW - 1_000_000 + id * 1_000;
  return { id, source: 'front', kind: 'motion', startAt, endAt: startAt + 500, endedBy: 'camera', count: 1, ...more };
}

/** A node with these events, newest first, two on a page; `changes` are told to whoever follows. */
async function run(options: Partial<EventsOptions>, { stored = [] as EventFacts[], changes = [] as unknown[][] } = {}) {
  const { world, terminal } = fakeWorld();
  const asked: Record<string, unknown>[] = [];
  const call = async (_: string, params: { cursor?: string; limit: number }) => {
    asked.push(params);
    const from = Number(params.cursor ?? 0);
    const events = stored.slice(from, from + Math.min(params.limit, 2));
    return { events, ...(from + events.length < stored.length ? { cursor: String(from + events.length) } : {}) };
  };
  let listener = (_name: string, _params: unknown) => {};
  const open = (_: string, params: Record<string, unknown>) => {
    asked.push(params);
    const units = (async function* () {
      for (const [name, told] of changes) listener(name as string, told);
      yield* [];
    })();
    const result = Promise.resolve({ open: [event(90, { endAt: null, endedBy: undefined as never })], complete: true });
    return { result, units, onEvent: (each: typeof listener) => void (listener = each), cancel: () => {} };
  };
  const client = { call, connection: { open } } as unknown as NvrClient;
  await eventsCommand(world, { limit: '50', ...options }, (work) => work(client));
  return { asked, out: terminal.stdout.trimEnd().split('\n'), err: terminal.stderr };
}

test('events are told in a table, whatever many pages they come on, up to the limit', async () => {
  const stored = [
    event(5, { kind: 'line', name: 'Gate', endAt: NOW - 995_000, endedBy: 'camera' }),
    event(4, { endAt: null, count: 3 }),
    event(3, { endedBy: 'lost' }),
    event(2, { endedBy: 'restart', cameraStartAt: NOW - 4_600_000 }),
    event(1),
  ];
  const { out, asked } = await run(
    { limit: '4', from: '-1h', source: ['front'], kind: ['line', 'motion'] },
    { stored },
  );
  assert.equal(out.length, 5);
  assert.match(out[1]!, /-\s+front\s+line\s+Gate/);
  assert.match(out[2]!, /goes on\s+front\s+motion\s+3 times/);
  assert.match(out[3]!, /the camera was lost/);
  assert.ok(out[4]!.includes(`the node stopped, camera's clock: ${timeText(NOW - 4_600_000)}`), out[4]);
  assert.deepEqual(asked, [
    { sources: ['front'], kinds: ['motion', 'line'], from: NOW - 3_600_000, order: 'newest', limit: 4 },
    { sources: ['front'], kinds: ['motion', 'line'], from: NOW - 3_600_000, order: 'newest', limit: 2, cursor: '2' },
  ]);
});

test('--json is one object, and one for each line where it follows; what a node says wrongly is not shown', async () => {
  const stored = [event(2), event(1)];
  const { out } = await run({ json: true }, { stored });
  assert.deepEqual(JSON.parse(out[0]!), { events: stored });
  const changes = [
    ['events.changed', event(3)],
    ['events.changed', { ...event(4), source: '../etc\u001b' }],
    ['events.missed', { count: 3 }],
    ['other', {}],
  ];
  const followed = await run({ json: true, follow: true }, { stored, changes });
  const ids = followed.out.map((line) => (JSON.parse(line) as EventFacts).id);
  assert.deepEqual(ids, [1, 2, 90, 3], 'oldest first, then what goes on, then what comes');
  assert.match(followed.err, /more happened/);
  assert.match((await run({})).err, /no event/);
});

test('wishes that make no sense are refused before anybody is asked', async () => {
  for (const options of [
    { limit: '0' },
    { limit: 'x' },
    { follow: true, to: 'now' },
    { from: 'now', to: '-1h' },
    { kind: ['noise'] },
    { from: 'noon' },
  ]) {
    await assert.rejects(run(options), (error) => isNvrError(error, 'invalid'), JSON.stringify(options));
  }
  await assert.rejects(run({ source: ['No/Such'] }), (error) => isNvrError(error));
});
