import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GAP_CAUSES } from '../../src/protocol/gap.ts';
import type { GapCause } from '../../web/src/engine/messages.ts';
import { columns, History, SAMPLES_MAX, STREAMS_MAX, StreamSamples } from '../../web/src/model/stream-history.ts';
import { AUDIT_GROUPS, groupOf } from '../../web/src/pages/health/audit-groups.ts';
import { isLoss, lastDays, lossByDay } from '../../web/src/pages/health/days.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 21);

test('a stream that is sampled every two seconds for two days keeps a bounded day of it', () => {
  const samples = new StreamSamples();
  let most = 0;
  for (let at = START; at < START + 48 * HOUR; at += 2_000) {
    samples.add({ at, bitsPerSecond: 1_000_000, framesPerSecond: 25 });
    most = Math.max(most, samples.size);
  }
  assert.ok(most <= SAMPLES_MAX, `${most}`);
  const all = samples.since(0);
  assert.ok(all.every((each, index) => index === 0 || each.at > all[index - 1]!.at));
  assert.ok(all.every(({ bitsPerSecond, framesPerSecond }) => bitsPerSecond === 1_000_000 && framesPerSecond === 25));
  const span = all.at(-1)!.at - all[0]!.at;
  assert.ok(span > 23.9 * HOUR && span < 24.3 * HOUR, `${span}`);
  assert.equal(samples.since(samples.lastAt - 20_000).length, 11);
});

test('samples that come too fast are one', () => {
  const samples = new StreamSamples();
  for (let at = START; at < START + 60_000; at += 10) samples.add({ at, bitsPerSecond: at, framesPerSecond: 1 });
  assert.equal(samples.size, 60);
});

test('old samples become means, and a stretch without a value stays one', () => {
  const samples = new StreamSamples();
  for (let at = START; at < START + HOUR; at += 2_000) {
    const away = at >= START + 60_000 && at < START + 120_000;
    samples.add({
      at,
      bitsPerSecond: away ? null : (at / 2_000) % 2 === 0 ? 100 : 300,
      framesPerSecond: away ? null : 10,
    });
  }
  const first = samples.since(0).slice(0, 6);
  assert.deepEqual(
    first.map(({ at, bitsPerSecond }) => [(at - START) / 1_000, bitsPerSecond && Math.round(bitsPerSecond / 20) * 20]),
    [
      [15, 200],
      [45, 200],
      [75, null],
      [105, null],
      [135, 200],
      [165, 200],
    ],
  );
});

test('histories are bounded in number: whoever was silent longest goes', () => {
  const history = new History();
  for (let index = 0; index < STREAMS_MAX + 40; index++) {
    history.add(`s${index}`, { at: START + index, bitsPerSecond: 1, framesPerSecond: 1 });
    history.add('s0', { at: START + index * 2_000, bitsPerSecond: 1, framesPerSecond: 1 });
  }
  assert.equal(history.count, STREAMS_MAX);
  assert.ok(history.of('s0'));
  assert.equal(history.of('s1'), null);
  assert.ok(history.of(`s${STREAMS_MAX + 39}`));
});

test('a hole in the samples is drawn as a hole', () => {
  const sample = (at: number) => ({ at, bitsPerSecond: at, framesPerSecond: null });
  assert.deepEqual(
    columns([sample(1_000), sample(3_000), sample(200_000)], ({ bitsPerSecond }) => bitsPerSecond, 90_000),
    [
      [1, 3, 3.001, 200],
      [1_000, 3_000, null, 200_000],
    ],
  );
});

for (const [zone, now, hours] of [
  ['Europe/Madrid', Date.UTC(2026, 9, 26, 12), [24, 25, 24]],
  ['Europe/Madrid', Date.UTC(2026, 2, 30, 12), [24, 23, 24]],
  ['America/New_York', Date.UTC(2026, 10, 2, 12), [24, 25, 24]],
  ['Asia/Kathmandu', Date.UTC(2026, 5, 2, 12), [24, 24, 24]],
  ['UTC', Date.UTC(2026, 0, 1, 0), [24, 24, 24]],
] as [string, number, number[]][]) {
  test(`the last days of ${zone} before ${new Date(now).toISOString().slice(0, 10)} have ${hours.join(', ')} hours`, () => {
    const days = lastDays(now, 3, zone);
    assert.deepEqual(
      days.map(({ from, to }) => (to - from) / HOUR),
      hours,
    );
    const clock = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    for (const { from } of days) assert.equal(clock.format(from), '00:00');
    assert.ok(days.at(-1)!.from <= now && now < days.at(-1)!.to);
    assert.ok(days.every((day, index) => index === 0 || day.from === days[index - 1]!.to));
  });
}

test('losses are shared out among days, and all of them are', () => {
  const now = START + 12 * HOUR;
  const days = lastDays(now, 30, 'UTC');
  const causes = Object.keys(GAP_CAUSES) as GapCause[];
  const gap = fc.record({
    cause: fc.constantFrom(...causes),
    startAt: fc.integer({ min: days[0]!.from, max: now - 1 }),
    lengthMs: fc.integer({ min: 1, max: 80 * HOUR }),
  });
  fc.assert(
    fc.property(fc.array(gap, { maxLength: 20 }), (found) => {
      const gaps = found.map(({ cause, startAt, lengthMs }) => ({
        cause,
        startAt,
        endAt: Math.min(now, startAt + lengthMs),
      }));
      const total = gaps.filter(isLoss).reduce((sum, { startAt, endAt }) => sum + endAt - startAt, 0);
      const losses = lossByDay(days, gaps, now);
      assert.equal(
        losses.reduce((sum, { missingMs }) => sum + missingMs, 0),
        total,
      );
    }),
    { numRuns: 100 },
  );
});

test('a gap that lasts counts until now, and what somebody wished is no loss', () => {
  const now = START + 12 * HOUR;
  const days = lastDays(now, 2, 'UTC');
  const losses = lossByDay(
    days,
    [
      { cause: 'unreachable', startAt: START - HOUR, endAt: null },
      { cause: 'unwanted', startAt: START - 20 * HOUR, endAt: START - 2 * HOUR },
    ],
    now,
  );
  assert.deepEqual(
    losses.map(({ missingMs, gaps }) => [missingMs / HOUR, gaps]),
    [
      [1, 1],
      [12, 1],
    ],
  );
});

test('every event of the audit log belongs to one group that can be chosen', () => {
  assert.equal(groupOf({ kind: 'entry', event: 'played' }), 'seen');
  assert.equal(groupOf({ kind: 'lost' }), 'node');
  assert.ok(AUDIT_GROUPS.includes(groupOf({ kind: 'entry', event: 'command-refused' })));
});
