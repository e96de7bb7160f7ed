import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromBase64Url } from '../../src/bytes/index.ts';
import { localDays } from '../../src/commands/local-days.ts';
import {
  encodeKeyframeHints,
  GAP_CAUSES,
  RESULT_BYTES_MAX,
  type SourceId,
  TIMELINE_EXACT_MAX,
} from '../../src/protocol/index.ts';
import { deviceKey, FRONT, fakeNode, refuses, START_AT, sourceView } from './fake-node.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YARD = 'yard' as SourceId;
const us = (at: number) => at * 1000;

/** Minutes 0-4 and 10-14 of front recorded, a gap of a known cause between, another one that lasts. */
function house() {
  const node = fakeNode();
  node.sources.push(sourceView('yard'));
  for (const n of [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]) {
    node.vault.add(n, { startUs: us(START_AT + n * MINUTE), endUs: us(START_AT + (n + 1) * MINUTE) });
  }
  const gap = (from: number, to: number | null) => ({
    startUs: us(START_AT + from * MINUTE),
    endUs: to === null ? null : us(START_AT + to * MINUTE),
  });
  node.vault.stored.push({ ...gap(5, 10), cause: 'unauthorized' }, { ...gap(15, null), cause: 'stalled' });
  return node;
}

describe('timeline.coverage', () => {
  test('tells how much of each bucket is recorded, and what exactly', async () => {
    const node = house();
    await node.clock.advance(20 * MINUTE);
    const params = { sources: [{ source: 'front' }], from: START_AT, to: START_AT + 20 * MINUTE, buckets: 8 };
    const { lanes, turns, gaps, at } = await node.ask('timeline.coverage', params, { as: 1 });
    assert.deepEqual(
      lanes.map(({ fill, ...rest }) => ({ ...rest, fill: [...fromBase64Url(fill)!] })),
      [{ source: 'front', stream: 'main', stretches: 2, gaps: 2, fill: [255, 255, 0, 0, 255, 255, 0, 0] }],
    );
    assert.deepEqual(turns, [0, 5 * MINUTE, 5 * MINUTE, 5 * MINUTE]);
    assert.deepEqual(gaps, [
      START_AT + 5 * MINUTE,
      5 * MINUTE,
      GAP_CAUSES.unauthorized,
      START_AT + 15 * MINUTE,
      0,
      GAP_CAUSES.stalled,
    ]);
    assert.equal(at, START_AT + 20 * MINUTE);
  });

  test('an octet is 0 only for nothing and 255 only for everything; buckets tile whatever the length', async () => {
    const node = fakeNode();
    node.vault.add(0, { startUs: us(START_AT) + 1, endUs: us(START_AT + 100_000) });
    node.vault.add(1, { startUs: us(START_AT + 199_999), endUs: us(START_AT + 200_000) });
    const ask = async (from: number, to: number, buckets: number) => {
      const { lanes } = await node.ask('timeline.coverage', { sources: [{ source: 'front' }], from, to, buckets });
      return [...fromBase64Url(lanes[0]!.fill)!];
    };
    assert.deepEqual(await ask(START_AT, START_AT + 200_000, 2), [255, 1]);
    assert.deepEqual(await ask(START_AT, START_AT + 200_000, 1), [128]);
    assert.deepEqual(await ask(START_AT - 10, START_AT + 99_990, 1), [254]);
    assert.deepEqual(await ask(START_AT, START_AT + 7, 7), Array(7).fill(255));
    assert.equal((await ask(START_AT, START_AT + 1_001, 1_000)).length, 1_000);
    const short = { sources: [{ source: 'front' }], from: START_AT, to: START_AT + 9, buckets: 10 };
    await refuses(node.ask('timeline.coverage', short), 'ERR_COMMANDS_PARAMS', 'invalid');
  });

  test('counts instead of naming where there are too many, and says so of each lane', async () => {
    const node = fakeNode();
    node.sources.push(sourceView('yard'));
    for (let n = 0; n < TIMELINE_EXACT_MAX; n++) {
      node.vault.add(n, { startUs: us(START_AT + n * 1_000), endUs: us(START_AT + n * 1_000 + 500) });
      node.vault.stored.push({
        startUs: us(START_AT + n * 1_000 + 500),
        endUs: us(START_AT + n * 1_000 + 999),
        cause: 'ended',
      });
    }
    const range = { from: START_AT, to: START_AT + TIMELINE_EXACT_MAX * 1_000, buckets: 20 };
    const one = await node.ask('timeline.coverage', { sources: [{ source: 'front' }], ...range });
    assert.deepEqual([one.lanes[0]!.stretches, one.lanes[0]!.gaps], [TIMELINE_EXACT_MAX, TIMELINE_EXACT_MAX]);
    assert.equal(one.turns.length, 2 * TIMELINE_EXACT_MAX);
    const two = await node.ask('timeline.coverage', { sources: [{ source: 'front' }, { source: 'yard' }], ...range });
    const [front, yard] = two.lanes;
    assert.deepEqual([front!.stretches, front!.gaps], [undefined, undefined]);
    assert.equal(front!.gapCounts, 'f'.repeat(20), '18 a bucket are 15 or more');
    assert.equal(yard!.stretches, 0);
    assert.deepEqual(two.turns, []);
  });

  test('the largest answer fits one message', async () => {
    const node = fakeNode();
    node.sources.length = 0;
    const sources = Array.from({ length: 16 }, (_, i) => ({
      source: `${String(i).padStart(2, '0')}${'x'.repeat(61)}`,
    }));
    for (const { source } of sources) {
      node.sources.push(sourceView(source));
      for (let n = 0; n < 22; n++)
        node.vault.add(n, {
          sourceId: source as SourceId,
          startUs: us(START_AT + n * DAY),
          endUs: us(START_AT + n * DAY + 7),
        });
    }
    const params = { sources, from: 0, to: START_AT + 400 * DAY, buckets: 1_000 };
    const result = await node.ask('timeline.coverage', params);
    assert.equal(result.lanes.length, 16);
    assert.ok(JSON.stringify(result).length <= RESULT_BYTES_MAX);
    await refuses(
      node.ask('timeline.coverage', { ...params, sources: [...sources, { source: 'q' }] }),
      'ERR_COMMANDS_PARAMS',
      'invalid',
    );
  });

  test('shows no source that the device may not know of, as if it were not there, and nothing before its window', async () => {
    const node = house();
    await node.clock.advance(20 * MINUTE);
    node.vault.add(50, { sourceId: YARD, startUs: us(START_AT), endUs: us(START_AT + 20 * MINUTE) });
    const params = { from: START_AT, to: START_AT + 20 * MINUTE, buckets: 4 };
    const named = [{ source: 'yard' }, { source: 'attic' }, { source: 'front' }, { source: 'front' }];
    node.devices.set(deviceKey(1), { role: 'viewer', sources: new Set([FRONT]), pastMs: 8 * MINUTE });
    const narrow = await node.ask('timeline.coverage', { sources: named, ...params }, { as: 1 });
    assert.deepEqual(
      narrow.lanes.map(({ source }) => source),
      ['front'],
      'each once',
    );
    assert.deepEqual([...fromBase64Url(narrow.lanes[0]!.fill)!], [0, 0, Math.round((255 * 3) / 5), 0]);
    assert.deepEqual(narrow.turns, [12 * MINUTE, 3 * MINUTE]);
    const hidden = await node.ask('timeline.coverage', { sources: [{ source: 'yard' }], ...params }, { as: 1 });
    assert.deepEqual([hidden.lanes, hidden.turns, hidden.gaps], [[], [], []]);
    const days = { sources: named, from: START_AT, to: START_AT + HOUR, timeZone: 'UTC' };
    assert.deepEqual(
      (await node.ask('calendar.days', days, { as: 1 })).lanes.map(({ seconds }) => seconds),
      [[180]],
    );
    const all = await node.ask('timeline.coverage', { sources: named, ...params });
    assert.deepEqual(
      all.lanes.map(({ source }) => source),
      ['yard', 'front'],
    );
    node.devices.set(deviceKey(1), { role: 'viewer', actions: new Set(['live']) });
    await refuses(
      node.ask('timeline.coverage', { sources: named, ...params }, { as: 1 }),
      'ERR_COMMANDS_DENIED',
      'denied',
    );
  });
});

describe('gaps.list', () => {
  test('gives gaps with their cause, in either order, page by page, those that are long enough', async () => {
    const node = house();
    await node.clock.advance(16 * MINUTE);
    const first = { cause: 'unauthorized', startAt: START_AT + 5 * MINUTE, endAt: START_AT + 10 * MINUTE };
    const lasting = { cause: 'stalled', startAt: START_AT + 15 * MINUTE, endAt: null };
    const newest = await node.ask('gaps.list', { source: 'front', limit: 1 });
    assert.deepEqual(newest.gaps, [lasting]);
    const next = await node.ask('gaps.list', { source: 'front', limit: 1, cursor: newest.cursor });
    assert.deepEqual([next.gaps, next.cursor], [[first], undefined]);
    assert.deepEqual((await node.ask('gaps.list', { source: 'front', order: 'oldest' })).gaps, [first, lasting]);
    assert.deepEqual((await node.ask('gaps.list', { source: 'front', lengthMin: 2 * MINUTE })).gaps, [first]);
    await refuses(node.ask('gaps.list', { source: 'front', cursor: 'mine' }), 'ERR_COMMANDS_PARAMS', 'invalid');
    await refuses(node.ask('gaps.list', { source: 'attic' }), 'ERR_COMMANDS_SOURCE', 'missing');
  });

  test('a gap from before the window begins with it', async () => {
    const node = house();
    await node.clock.advance(16 * MINUTE);
    node.devices.set(deviceKey(1), { role: 'viewer', pastMs: 8 * MINUTE });
    const { gaps } = await node.ask('gaps.list', { source: 'front', order: 'oldest' }, { as: 1 });
    assert.deepEqual(gaps[0], { cause: 'unauthorized', startAt: START_AT + 8 * MINUTE, endAt: START_AT + 10 * MINUTE });
  });
});

describe('calendar.days', () => {
  test('tells the seconds of whole local days', async () => {
    const node = fakeNode();
    const midnight = Date.UTC(2026, 10, 19, 23); // 00:00 in Madrid
    node.vault.add(0, { startUs: us(midnight - HOUR), endUs: us(midnight + 2 * HOUR) });
    node.vault.add(1, { startUs: us(midnight + 2 * DAY), endUs: us(midnight + 2 * DAY) + 300_000 });
    const ask = {
      sources: [{ source: 'front' }],
      from: midnight + HOUR,
      to: midnight + 2 * DAY + 1,
      timeZone: 'Europe/Madrid',
    };
    assert.deepEqual(await node.ask('calendar.days', ask), {
      first: '2026-11-20',
      days: 3,
      lanes: [{ source: 'front', stream: 'main', seconds: [7_200, 0, 1] }],
    });
    const before = await node.ask('calendar.days', { ...ask, from: midnight - 1, to: midnight });
    assert.deepEqual([before.first, before.lanes[0]!.seconds], ['2026-11-19', [3_600]]);
  });

  test('refuses a zone that is none, and more than 400 days', async () => {
    const node = fakeNode();
    const ask = { sources: [{ source: 'front' }], from: START_AT, to: START_AT + DAY };
    for (const timeZone of ['Europe/Nowhere', 'x', '../../etc/localtime', 'Europe/Madrid ']) {
      await refuses(node.ask('calendar.days', { ...ask, timeZone }), 'ERR_COMMANDS_PARAMS', 'invalid');
    }
    const long = { ...ask, to: START_AT + 400 * DAY + 1, timeZone: 'UTC' };
    await refuses(node.ask('calendar.days', long), 'ERR_COMMANDS_PARAMS', 'invalid');
    const most = await node.ask('calendar.days', { ...ask, to: START_AT + 400 * DAY, timeZone: 'Asia/Kathmandu' });
    assert.equal(most.days, 401);
  });
});

describe('local days', () => {
  const lengths = (zone: string, from: string, to: string) => {
    const { first, edges } = localDays(Date.parse(from), Date.parse(to), zone)!;
    return {
      first,
      begins: new Date(edges[0]!).toISOString(),
      hours: edges.slice(1).map((edge, i) => (edge - edges[i]!) / HOUR),
    };
  };

  test('have 23 or 25 hours where clocks change, by the rules of the zone', () => {
    assert.deepEqual(lengths('Europe/Madrid', '2026-03-28T12:00Z', '2026-03-30T12:00Z'), {
      first: '2026-03-28',
      begins: '2026-03-27T23:00:00.000Z',
      hours: [24, 23, 24],
    });
    assert.deepEqual(lengths('Europe/Madrid', '2026-10-24T12:00Z', '2026-10-26T12:00Z').hours, [24, 25, 24]);
    assert.deepEqual(lengths('America/New_York', '2026-11-01T12:00Z', '2026-11-02T12:00Z').hours, [25, 24]);
    assert.deepEqual(lengths('Australia/Lord_Howe', '2026-04-04T12:00Z', '2026-04-05T05:00Z').hours, [24, 24.5]);
  });

  test('begin at a quarter of an hour where the zone does', () => {
    const { begins, hours } = lengths('Asia/Kathmandu', '2026-11-21T12:00Z', '2026-11-21T12:01Z');
    assert.deepEqual([begins, hours], ['2026-11-20T18:15:00.000Z', [24]]);
  });

  test('begin with the first moment there is where clocks skip midnight', () => {
    // Beirut goes from 00:00 to 01:00.
    const { begins, hours } = lengths('Asia/Beirut', '2026-03-29T12:00Z', '2026-03-29T13:00Z');
    assert.deepEqual([begins, hours], ['2026-03-28T22:00:00.000Z', [23]]);
  });

  test('have no length where the zone left one out', () => {
    assert.deepEqual(lengths('Pacific/Apia', '2011-12-29T12:00Z', '2012-01-01T02:00Z').hours, [24, 0, 24, 24]);
  });

  test('hold every moment of the range, one after the other, in every zone there is', () => {
    const zones = process.env['SLOW']
      ? Intl.supportedValuesOf('timeZone')
      : Intl.supportedValuesOf('timeZone').filter((_, i) => i % 12 === 0);
    for (const zone of zones) {
      const [from, to] = [Date.UTC(2026, 2, 1, 5), Date.UTC(2026, 3, 12, 5)];
      const { first, edges } = localDays(from, to, zone)!;
      assert.ok(edges[0]! <= from && edges.at(-1)! >= to, zone);
      const date = new Intl.DateTimeFormat('sv', { timeZone: zone });
      for (const [i, edge] of edges.slice(0, -1).entries()) {
        const day = new Date(Date.parse(first) + i * DAY).toISOString().slice(0, 10);
        assert.equal(date.format(edge), day, zone);
        assert.notEqual(date.format(edge - MINUTE), day, zone);
      }
    }
  });
});

describe('range.read', () => {
  test('tells where keyframes lie where asked, of four segments at most, and of an open one always', async () => {
    const node = fakeNode();
    const hints = encodeKeyframeHints(START_AT, [{ at: START_AT, offset: 900, length: 40_000 }]);
    for (let n = 0; n < 6; n++) node.vault.hints.set(node.vault.add(n, n === 5 ? { state: 'open' } : {}).id, hints);
    node.vault.hints.delete(node.vault.segments[1]!.id);
    const ask = { source: 'front', from: START_AT, to: START_AT + HOUR };
    const plain = await node.ask('range.read', ask);
    assert.deepEqual(plain.keyframes, [
      { segment: node.vault.segments[5]!.id, hints: Buffer.from(hints).toString('base64url') },
    ]);
    assert.equal(plain.segments.at(-1)!.state, 'open');
    const page = await node.ask('range.read', { ...ask, keyframes: true });
    assert.equal(page.segments.length, 4);
    assert.deepEqual(
      page.keyframes!.map(({ segment }) => segment),
      [0, 2, 3].map((n) => node.vault.segments[n]!.id),
    );
    const rest = await node.ask('range.read', { ...ask, keyframes: true, cursor: page.cursor });
    assert.equal(rest.segments.length, 2);
  });
});
