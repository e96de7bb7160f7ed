import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseWeekTimes } from '../../src/daemon/week-schedule.ts';
import {
  DAY_MINUTES,
  minutesOf,
  painted,
  parseTimes,
  parseWeek,
  share,
  WEEK_MINUTES,
  WHOLE_WEEK,
  weekTexts,
} from '../../web/src/pages/cameras/week.ts';

const minutes = (hours: number) => hours * 60;

for (const [texts, back] of [
  [['mon-fri 08:00-18:00']],
  [['sat,sun 00:00-24:00']],
  [['mon-sun 22:00-06:00']],
  [['sat-mon 08:15-09:45']],
  [['mon-sun 00:00-24:00']],
  [
    ['mon-fri 18:00-08:00', 'sat,sun 00:00-24:00'],
    ['mon-fri 18:00-08:00', 'sat,sun 00:00-24:00'],
  ],
  [['mon 08:00-12:00', 'mon 12:00-13:00'], ['mon 08:00-13:00']],
  [['tue 10:00-11:00', 'wed 10:00-11:00'], ['tue,wed 10:00-11:00']],
  [['sun 23:00-01:00']],
] as [string[], string[]?][]) {
  test(`the week ${texts.join(', ')} is written as it reads`, () => {
    const { week, refused } = parseWeek(texts);
    assert.deepEqual(refused, []);
    const again = weekTexts(week);
    assert.deepEqual(parseWeek(again).week, week);
    if (back || texts.length === 1) assert.deepEqual(parseWeek(back ?? texts).week, week);
    if (texts.length === 1) assert.deepEqual(again, texts);
  });
}

test('texts that mean nothing are told and leave the rest', () => {
  const bad = [
    '',
    'mon',
    'mon 08:00',
    'mon 24:00-25:00',
    'xyz 01:00-02:00',
    'mon 08:00-08:00',
    'mon-tue-wed 01:00-02:00',
  ];
  assert.deepEqual(parseWeek([...bad, 'mon 01:00-02:00']), { week: [{ from: 60, until: 120 }], refused: bad });
});

test('any week survives its texts, and the node reads them the same', () => {
  const cells = fc.array(fc.boolean(), { minLength: 7 * 24, maxLength: 7 * 24 });
  fc.assert(
    fc.property(cells, fc.constantFrom(60, 30, 7), (on, length) => {
      let week = parseWeek([]).week;
      on.forEach((yes, hour) => {
        if (yes) week = painted(week, minutes(hour), minutes(hour) + length, true);
      });
      const texts = weekTexts(week);
      assert.deepEqual(parseWeek(texts), { week, refused: [] });
      for (const text of texts) {
        assert.ok(text.length <= 80);
        const order = (a: { from: number }, b: { from: number }) => a.from - b.from;
        assert.deepEqual(parseTimes(text)!.sort(order), parseWeekTimes(text)!.sort(order));
      }
    }),
    { numRuns: 300 },
  );
});

test('a text is read as the node reads it, whatever it is', () => {
  const day = fc.constantFrom('mon', 'sun', 'mon-fri', 'sat,sun', 'sat-mon', 'x', 'mon-', ',');
  const time = fc.tuple(fc.integer({ min: 0, max: 29 }), fc.integer({ min: 0, max: 69 }));
  const two = (value: number) => String(value).padStart(2, '0');
  fc.assert(
    fc.property(day, time, time, (days, [h, m], [H, M]) => {
      const text = `${days} ${two(h)}:${two(m)}-${two(H)}:${two(M)}`;
      assert.deepEqual(parseTimes(text), parseWeekTimes(text));
    }),
  );
});

test('painting puts times in and takes them out, exactly', () => {
  const at = fc.integer({ min: 0, max: WEEK_MINUTES });
  fc.assert(
    fc.property(fc.array(fc.tuple(at, at, fc.boolean()), { maxLength: 12 }), (strokes) => {
      const truth = new Uint8Array(WEEK_MINUTES);
      let week = parseWeek([]).week;
      for (const [a, b, on] of strokes) {
        const [from, until] = [Math.min(a, b), Math.max(a, b)];
        if (from === until) continue;
        truth.fill(on ? 1 : 0, from, until);
        week = painted(week, from, until, on);
      }
      for (const { from, until } of week) assert.ok(truth.subarray(from, until).every((each) => each === 1));
      assert.equal(
        minutesOf(week),
        truth.reduce((sum, each) => sum + each, 0),
      );
    }),
    { numRuns: 100 },
  );
});

test('a cell of the grid is empty, in part or full', () => {
  const { week } = parseWeek(['mon 08:15-09:00']);
  assert.equal(share(week, minutes(8), minutes(9)), 'some');
  assert.equal(share(week, minutes(8) + 30, minutes(9)), 'all');
  assert.equal(share(week, minutes(9), minutes(10)), 'none');
  assert.equal(share(WHOLE_WEEK, 0, 7 * DAY_MINUTES), 'all');
});
