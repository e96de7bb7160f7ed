import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import {
  type CameraEvent,
  createEventStore,
  type EventQuery,
  type EventStoreOptions,
  type StoredEvent,
} from '../../src/cameras/index.ts';
import { isNvrError } from '../../src/errors.ts';
import { SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { createNodeFiles } from '../../src/platform/node/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';

const START_AT = 1_795_000_000_000;
const FRONT = 'front' as SourceId;
const YARD = 'yard' as SourceId;
const ALL: EventQuery = { sources: 'all', kinds: 'all', fromAt: 0, toAt: 9e15, order: 'oldest', limit: 1_000 };

/** A store over a simulated clock, and what it told. */
async function store(options: Partial<EventStoreOptions> = {}, clock = new SimulatedClock(START_AT)) {
  const logged: string[] = [];
  const write = (_: unknown, text: string) => logged.push(text);
  const log = { ...silentLog, info: write, warn: write, error: write };
  const events = createEventStore({ clock, log, files: createNodeFiles() }, { path: ':memory:', ...options });
  const told: StoredEvent[] = [];
  events.onChange((event) => told.push(event));
  await events.start();
  const tell = (active: boolean | null, more: Partial<CameraEvent> = {}, source = FRONT) =>
    events.take(source, {
      kind: 'motion',
      active,
      name: null,
      at: clock.now(),
      cameraAt: null,
      initial: false,
      ...more,
    });
  const rows = (query: Partial<EventQuery> = {}) => events.list({ ...ALL, ...query }).events;
  const spans = (query: Partial<EventQuery> = {}) =>
    rows(query).map(({ startAt, endAt, endedBy }) => [startAt - START_AT, endAt && endAt - START_AT, endedBy]);
  return { events, clock, told, tell, rows, spans, logged };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'E-events-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('a state is one interval, however often the camera repeats it', async () => {
  const { events, clock, tell, rows, told } = await store();
  tell(false);
  tell(true, { cameraAt: START_AT - 3_600_000 });
  for (let i = 0; i < 5; i++) {
    await clock.advance(1_000);
    tell(true);
  }
  assert.deepEqual([...events.active(FRONT)], ['motion']);
  tell(false, { cameraAt: START_AT - 3_594_000 });
  tell(false);
  assert.deepEqual(rows(), [
    {
      id: 1,
      source: FRONT,
      kind: 'motion',
      name: null,
      startAt: START_AT,
      endAt: START_AT + 5_000,
      endedBy: 'camera',
      initial: false,
      count: 1,
      cameraStartAt: START_AT - 3_600_000,
      cameraEndAt: START_AT - 3_594_000,
    },
  ]);
  assert.deepEqual(events.active(FRONT), new Set());
  assert.deepEqual(
    told.map(({ endAt }) => endAt),
    [null, START_AT + 5_000],
  );
});

test('what begins again within two seconds never ended; after that it is another', async () => {
  const { clock, tell, spans, rows } = await store();
  for (const pause of [1_000, 2_000, 2_001]) {
    tell(true);
    await clock.advance(500);
    tell(false);
    await clock.advance(pause);
  }
  tell(true);
  assert.deepEqual(spans(), [
    [0, 4_500, 'camera'],
    [6_501, null, null],
  ]);
  assert.equal(rows()[0]!.count, 3);
});

test('moments that are repeated every second are one interval, written soon', async () => {
  const { events, clock, tell, spans, rows, told } = await store();
  for (let i = 0; i < 10; i++) {
    tell(null, { kind: 'line', name: 'Gate' });
    await clock.advance(1_000);
  }
  await clock.advance(3_000);
  tell(null, { kind: 'line', name: 'Gate' });
  assert.deepEqual(spans(), [
    [0, 9_000, 'camera'],
    [13_000, 13_000, 'camera'],
  ]);
  assert.equal(rows()[0]!.count, 10);
  assert.equal(told.length, 11);
  assert.equal(events.active(FRONT).size, 0);
});

test('kinds, names and sources do not disturb each other', async () => {
  const { events, clock, tell, spans } = await store();
  tell(true, { kind: 'input', name: '1' });
  tell(true, { kind: 'input', name: '2' });
  tell(true, { kind: 'tamper' }, YARD);
  await clock.advance(10);
  tell(false, { kind: 'input', name: '1' });
  assert.deepEqual([...events.active(FRONT)], ['input']);
  assert.deepEqual([...events.active(YARD)], ['tamper']);
  assert.deepEqual(
    events.open().map(({ source, name }) => [source, name]),
    [
      [FRONT, '2'],
      [YARD, null],
    ],
  );
  assert.deepEqual(spans({ sources: new Set([YARD]) }), [[0, null, null]]);
  assert.deepEqual(spans({ kinds: new Set(['input'] as const) }), [
    [0, 10, 'camera'],
    [0, null, null],
  ]);
});

test('what goes on when the subscription is lost ends then, as lost; afterwards it is found again as an initial state', async () => {
  const { events, clock, tell, spans, rows } = await store();
  tell(true);
  tell(true, {}, YARD);
  await clock.advance(700);
  events.connected(FRONT, false);
  assert.equal(events.active(FRONT).size, 0);
  await clock.advance(300);
  events.connected(FRONT, true);
  tell(true, { initial: true });
  await clock.advance(100);
  tell(false);
  assert.deepEqual(spans({ sources: new Set([FRONT]) }), [
    [0, 700, 'lost'],
    [1_000, 1_100, 'camera'],
  ]);
  assert.deepEqual(
    rows({ sources: new Set([FRONT]) }).map(({ initial }) => initial),
    [false, true],
  );
  assert.deepEqual([...events.active(YARD)], ['motion'], 'another camera is not concerned');
});

test('a node that dies leaves intervals that end when it was last known to live, at most ten seconds too early', async (t) => {
  const path = join(folder(t), 'events.db');
  const first = await store({ path });
  first.tell(true);
  await first.clock.advance(25_000);
  const bytes = ['', '-wal'].map((end) => [end, readFileSync(path + end)] as const); // as a crash leaves them
  await first.events.stop();
  for (const [end, content] of bytes) writeFileSync(path + end, content);
  const second = await store({ path });
  assert.deepEqual(second.spans(), [[0, 20_000, 'restart']]);
  assert.deepEqual(second.logged, ['ended the events that went on when the node stopped']);
  await second.events.stop();
});

test('an orderly stop ends what goes on at that moment, and forgets nothing', async (t) => {
  const path = join(folder(t), 'events.db');
  const first = await store({ path });
  first.tell(null, { name: 'Tür' });
  first.tell(true);
  await first.clock.advance(4_321);
  await first.events.stop();
  first.tell(true);
  assert.deepEqual(first.rows(), []);
  const second = await store({ path });
  assert.deepEqual(second.spans(), [
    [0, 0, 'camera'],
    [0, 4_321, 'restart'],
  ]);
  await second.events.stop();
});

test('a damaged file is moved aside and a new one begun', async (t) => {
  const path = join(folder(t), 'events.db');
  const first = await store({ path });
  for (let i = 0; i < 300; i++) first.tell(true, { kind: 'input', name: `input ${i}` });
  await first.events.stop();
  const good = readFileSync(path);
  for (const spoil of [
    () => good.fill(0xa5, 0, 64),
    () => good.fill(0xa5, 4_096),
    () => Buffer.from('this is no database at all, and long enough to be looked at'),
  ]) {
    writeFileSync(path, spoil());
    const second = await store({ path });
    assert.deepEqual(second.rows(), []);
    assert.deepEqual(second.logged, ['the file of events was damaged: it was moved aside, and a new one begun']);
    second.tell(true);
    assert.equal(second.rows().length, 1);
    assert.ok(readFileSync(`${path}.damaged`).length > 0);
    await second.events.stop();
  }
});

test('a file that another store has is refused', async (t) => {
  const path = join(folder(t), 'events.db');
  const first = await store({ path });
  await assert.rejects(store({ path }), (error) => isNvrError(error, 'unavailable'));
  await first.events.stop();
});

test('a flood fills 600 rows of an hour; what is beyond is joined into one for each kind, and nothing is left open', async () => {
  const { events, clock, tell, rows, logged } = await store();
  for (let i = 0; i < 2_000; i++) {
    tell(true, { name: `region ${i % 3}` });
    await clock.advance(100);
    tell(false, { name: `region ${i % 3}` });
    tell(null, { kind: 'line' }, YARD);
    if (i % 3 === 2) await clock.advance(2_100);
  }
  const all = rows({ sources: new Set([FRONT]), limit: 1_000 });
  assert.equal(all.length, 601);
  const joined = all.at(-1)!;
  assert.deepEqual([joined.name, joined.count, joined.endAt], [null, 1_400, clock.now()]);
  assert.equal(rows({ sources: new Set([YARD]) }).length, 601, 'each camera has a bound of its own');
  assert.equal(logged.length, 2);
  tell(true, { name: 'region 0' });
  assert.equal(events.active(FRONT).size, 1, 'a joined state goes on until it ends');
  await clock.advance(3_600_000);
  tell(true, { name: 'region 1' });
  assert.equal(rows({ sources: new Set([FRONT]) }).length, 602, 'the next hour has rows of its own');
  tell(false, { name: 'region 0' });
  tell(false, { name: 'region 1' });
  assert.equal(events.active(FRONT).size, 0);
});

test('names are told apart up to a bound', async () => {
  const { events, tell, rows } = await store();
  for (let i = 0; i < 100; i++) tell(true, { name: `region ${i}` });
  assert.equal(rows().length, 65);
  assert.deepEqual([rows()[64]!.name, rows()[64]!.count], [null, 36]);
  for (let i = 0; i < 100; i++) tell(false, { name: `region ${i}` });
  assert.equal(events.open().length, 0);
});

test('retention forgets what ended before, of one source; the bound forgets the oldest of all', async () => {
  const { events, clock, tell, spans, rows } = await store({ rowsMax: 500 });
  tell(true, { kind: 'tamper' });
  tell(null, {}, YARD);
  await clock.advance(60_000);
  tell(null);
  await clock.advance(60_000);
  tell(null);
  assert.equal(events.forget(FRONT, START_AT + 60_001), 1);
  assert.deepEqual(spans({ sources: new Set([FRONT]) }), [
    [0, null, null],
    [120_000, 120_000, 'camera'],
  ]);
  for (let i = 0; i < 520; i++) {
    await clock.advance(60_000);
    tell(null, {}, `cam${i % 4}` as SourceId);
  }
  assert.ok(rows().length <= 500 && rows().length > 490);
  assert.deepEqual(spans({ kinds: new Set(['tamper'] as const) }), [[0, null, null]], 'what goes on is kept');
});

test('pages are complete, in order and without repetition, whatever is asked: a slow list agrees', async () => {
  const { events, clock, tell } = await store();
  const written: StoredEvent[] = [];
  const sources = Array.from({ length: 20 }, (_, i) => `cam${i}` as SourceId);
  for (let i = 0; i < 240; i++) {
    const source = sources[i % 20]!;
    const kind = (['motion', 'line', 'input'] as const)[i % 3]!;
    if (i % 4 === 0) tell(true, { kind, name: `n${i}` }, source);
    await clock.advance(i % 7 === 0 ? 700_000 : i % 5 === 0 ? 0 : 2_500);
    if (i % 4 === 0 && i % 8 !== 0) tell(false, { kind, name: `n${i}` }, source);
    if (i % 4 === 2) tell(null, { kind, name: `n${i}` }, source);
  }
  const span = clock.now() - START_AT;
  written.push(...events.list(ALL).events);
  assert.ok(written.length > 100);
  const time = fc.integer({ min: -1_000, max: span + 1_000 }).map((ms) => START_AT + ms);
  const query = fc.record({
    fromAt: time,
    toAt: time,
    order: fc.constantFrom('oldest' as const, 'newest' as const),
    limit: fc.integer({ min: 1, max: 40 }),
    sources: fc.option(fc.uniqueArray(fc.constantFrom(...sources), { maxLength: 20 }), { nil: null }),
    kinds: fc.option(fc.uniqueArray(fc.constantFrom('motion' as const, 'line' as const)), { nil: null }),
  });
  fc.assert(
    fc.property(query, ({ sources, kinds, ...rest }) => {
      const wish: EventQuery = {
        ...rest,
        sources: sources ? new Set(sources) : 'all',
        kinds: kinds ? new Set(kinds) : 'all',
      };
      const found: StoredEvent[] = [];
      let cursor: string | undefined;
      do {
        const page = events.list(cursor === undefined ? wish : { ...wish, cursor });
        assert.ok(page.events.length <= wish.limit);
        found.push(...page.events);
        cursor = page.cursor;
      } while (cursor !== undefined);
      const expected = written
        .filter(({ source, kind }) => (sources?.includes(source) ?? true) && (kinds?.includes(kind as 'line') ?? true))
        .filter(
          ({ startAt, endAt }) => startAt < wish.toAt && ((endAt ?? Infinity) > wish.fromAt || startAt >= wish.fromAt),
        );
      if (wish.toAt <= wish.fromAt) expected.length = 0;
      if (wish.order === 'newest') expected.reverse();
      assert.deepEqual(found, expected);
    }),
    { numRuns: process.env['SLOW'] ? 5_000 : 300 },
  );
  for (const cursor of ['', 'x', '1', '1.', '-1.2', '1.2.3', `1.${'9'.repeat(17)}`, '9999999999999999.1']) {
    assert.throws(
      () => events.list({ ...ALL, cursor }),
      (error) => isNvrError(error, 'invalid'),
      cursor,
    );
  }
});

test('whatever a camera tells in whatever order, intervals are whole and what goes on is what was told last', () => {
  const step = fc.record({
    active: fc.constantFrom(true, false, null, 'lost' as const),
    name: fc.constantFrom(null, 'a', 'b'),
    kind: fc.constantFrom('motion' as const, 'input' as const),
    pauseMs: fc.constantFrom(0, 1, 1_500, 2_500, 400_000),
  });
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { events, clock, tell, rows } = await store();
      const last = new Map<string, boolean>();
      for (const { active, name, kind, pauseMs } of steps) {
        if (active === 'lost') {
          events.connected(FRONT, false);
          last.clear();
        } else {
          tell(active, { name, kind });
          if (active !== null) last.set(`${kind} ${name}`, active);
        }
        clock.step(0);
        await clock.advance(pauseMs);
      }
      const open = [...last].filter(([, active]) => active).map(([key]) => key);
      assert.deepEqual(
        events
          .open()
          .map(({ kind, name }) => `${kind} ${name}`)
          .sort(),
        open.sort(),
      );
      const ends = new Map<string, number>();
      for (const { kind, name, startAt, endAt, endedBy } of rows()) {
        assert.ok(endAt === null ? endedBy === null : endAt >= startAt && endedBy !== null);
        const key = `${kind} ${name}`;
        assert.ok(startAt >= (ends.get(key) ?? 0), 'intervals of one thing do not overlap');
        ends.set(key, endAt ?? Infinity);
      }
      await events.stop();
    }),
    { numRuns: process.env['SLOW'] ? 2_000 : 100 },
  );
});

test('a recorded moment is told in the camera’s time by the readings around it, and never across a clock that was set', async () => {
  const { events } = await store();
  const HOUR = 3_600_000;
  const keep = (hours: number, offsetMs: number, step = false, source = FRONT) =>
    events.measured(source, { at: START_AT + hours * HOUR, offsetMs, uncertaintyMs: 20, by: 'onvif', step });
  assert.equal(events.cameraTimeAt(FRONT, START_AT), null);
  keep(0, 1_000);
  keep(2, 3_000);
  keep(3, 50_000, true);
  keep(0, 7, false, YARD);
  const offsetAt = (hours: number) => {
    const at = START_AT + hours * HOUR;
    const told = events.cameraTimeAt(FRONT, at)!;
    return [told.cameraAt - at, told.uncertaintyMs];
  };
  assert.deepEqual(offsetAt(0), [1_000, 20]);
  assert.deepEqual(offsetAt(1), [2_000, 64], 'between two readings on the line');
  assert.deepEqual(offsetAt(2), [3_000, 20]);
  assert.deepEqual(
    offsetAt(2.25),
    [3_000, 47_031],
    'a step in between: by the nearer, and it says how wrong that may be',
  );
  assert.equal(offsetAt(2.75)[0], 50_000);
  assert.deepEqual(offsetAt(3), [50_000, 20]);
  assert.deepEqual(offsetAt(27), [50_000, 10_043], 'a day later: ten seconds');
  assert.equal(offsetAt(-1)[0], 1_000);
  assert.equal(events.forget(FRONT, START_AT + 2.5 * HOUR), 0);
  assert.deepEqual(offsetAt(2), [3_000, 20], 'the last reading before is kept');
  assert.notEqual(offsetAt(1)[1], 64);
});

test('a clock that is set all the time fills no disk, and hides no step', async () => {
  const { events, clock } = await store();
  for (let i = 0; i < 500; i++) {
    await clock.advance(5_000);
    events.measured(FRONT, { at: clock.now(), offsetMs: i, uncertaintyMs: 1, by: 'rtcp', step: false });
  }
  await clock.advance(3_600_000);
  events.measured(FRONT, { at: clock.now(), offsetMs: 90_000, uncertaintyMs: 1, by: 'rtcp', step: false });
  const halfWay = events.cameraTimeAt(FRONT, clock.now() - 3_000_000)!;
  assert.ok(halfWay.uncertaintyMs > 80_000, String(halfWay.uncertaintyMs));
});
