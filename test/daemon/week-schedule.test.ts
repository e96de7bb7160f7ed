import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isScheduled, isTimezone, mergedSpans, nextChange, parseWeekTimes } from '../../src/daemon/week-schedule.ts';

const MADRID = 'Europe/Madrid';
const schedule = (...texts: string[]) => mergedSpans(texts.flatMap((text) => parseWeekTimes(text)!));
const utc = (text: string) => Date.parse(`${text}Z`);

test('a text of days and times gives minutes of the week', () => {
  const cases: [string, [number, number][]][] = [
    ['mon 08:00-18:00', [[480, 1080]]],
    [
      'sat,sun 00:00-24:00',
      [
        [7200, 8640],
        [8640, 10_080],
      ],
    ],
    ['mon 22:00-06:00', [[1320, 1800]]],
    [
      'sun 22:00-06:00',
      [
        [9960, 10_080],
        [0, 360],
      ],
    ],
    ['sun 22:00-00:00', [[9960, 10_080]]],
    [
      'sat-mon 00:00-00:01',
      [
        [7200, 7201],
        [8640, 8641],
        [0, 1],
      ],
    ],
  ];
  for (const [text, spans] of cases) {
    assert.deepEqual(
      parseWeekTimes(text)?.map(({ from, until }) => [from, until]),
      spans,
      text,
    );
  }
  assert.deepEqual(schedule('mon 08:00-10:00', 'mon 09:00-11:00', 'mon 11:00-12:00'), [{ from: 480, until: 720 }]);
});

test('what means no time is refused', () => {
  for (const text of [
    '',
    'mon',
    'mon 8:00-9:00',
    'mon 08:00-08:00',
    'mon 24:00-25:00',
    'mon 08:00-24:01',
    'mo 08:00-09:00',
    'mon-tue-wed 08:00-09:00',
    'mon, 08:00-09:00',
    'MON 08:00-09:00',
    ' mon 08:00-09:00',
    'mon 08:00-09:60',
    'mon  08:00-09:00',
  ]) {
    assert.equal(parseWeekTimes(text), null, text);
  }
  fc.assert(fc.property(fc.string(), (text) => void parseWeekTimes(text)));
});

test('zones are those of the time zone database', () => {
  for (const zone of ['UTC', MADRID, 'America/Argentina/Buenos_Aires', 'Etc/GMT+5']) assert.ok(isTimezone(zone), zone);
  for (const zone of ['', 'Europe/Nowhere', '../etc', '+01:00', 'x'.repeat(99)]) assert.ok(!isTimezone(zone), zone);
});

describe('a schedule', () => {
  test('goes by the clock on the wall', () => {
    const hours = schedule('mon-fri 08:00-18:00');
    // 2026-11-23 is a Monday; Madrid is one hour ahead in winter, two in summer.
    for (const [at, expected] of [
      ['2026-11-23T06:59:59.999', false],
      ['2026-11-23T07:00', true],
      ['2026-11-23T16:59:59.999', true],
      ['2026-11-23T17:00', false],
      ['2026-11-22T12:00', false],
      ['2026-07-20T06:00', true],
      ['2026-07-20T05:59', false],
    ] as const)
      assert.equal(isScheduled(hours, MADRID, utc(at)), expected, at);
    assert.ok(isScheduled(null, MADRID, 0));
    assert.ok(!isScheduled([], MADRID, 0));
  });

  test('tells when it changes, also over the weekend and at the ends of the week', () => {
    const hours = schedule('mon-fri 08:00-18:00');
    assert.equal(nextChange(hours, MADRID, utc('2026-11-23T07:00')), utc('2026-11-23T17:00'));
    assert.equal(nextChange(hours, MADRID, utc('2026-11-27T17:00')), utc('2026-11-30T07:00'));
    assert.equal(nextChange(hours, MADRID, utc('2026-11-23T06:59:59.999')), utc('2026-11-23T07:00'));
    const nights = schedule('sun 22:00-06:00');
    assert.equal(nextChange(nights, 'UTC', utc('2026-11-22T22:30')), utc('2026-11-23T06:00'));
    assert.equal(nextChange(schedule('mon-sun 00:00-24:00'), MADRID, utc('2026-11-22T22:30')), null);
    assert.equal(nextChange(null, MADRID, 0), null);
    assert.equal(nextChange([], MADRID, 0), null);
  });

  test('skips the hour that is not there in spring, and has the one of autumn twice', () => {
    // 2026-03-29 02:00 becomes 03:00 in Madrid; 2026-10-25 03:00 becomes 02:00.
    const within = schedule('sun 02:15-02:45');
    assert.equal(nextChange(within, MADRID, utc('2026-03-28T12:00')), utc('2026-04-05T00:15'));
    assert.equal(nextChange(within, MADRID, utc('2026-10-24T22:00')), utc('2026-10-25T00:15'));
    assert.equal(nextChange(within, MADRID, utc('2026-10-25T00:15')), utc('2026-10-25T00:45'));
    assert.equal(nextChange(within, MADRID, utc('2026-10-25T00:45')), utc('2026-10-25T01:15'));
    assert.equal(nextChange(within, MADRID, utc('2026-10-25T01:45')), utc('2026-11-01T01:15'));
    const across = schedule('sun 02:30-04:00');
    assert.equal(
      nextChange(across, MADRID, utc('2026-03-28T12:00')),
      utc('2026-03-29T01:00'),
      'begins as the clock jumps',
    );
    assert.equal(nextChange(schedule('sat 22:00-02:30'), MADRID, utc('2026-03-29T00:00')), utc('2026-03-29T01:00'));
    // Offsets that are no whole hours, and clocks that are set by half an hour.
    assert.equal(
      nextChange(schedule('mon 08:00-09:00'), 'Asia/Kathmandu', utc('2026-11-23T00:00')),
      utc('2026-11-23T02:15'),
    );
    assert.equal(
      nextChange(schedule('sun 01:45-02:15'), 'Australia/Lord_Howe', utc('2026-10-03T12:00')),
      utc('2026-10-03T15:15'),
    );
  });

  test('changes exactly where looking at every minute finds it', () => {
    const minute = fc.integer({ min: 0, max: 10_079 });
    const span = fc
      .tuple(minute, fc.integer({ min: 1, max: 3_000 }))
      .map(([from, length]) => ({ from, until: Math.min(10_080, from + length) }));
    const zones = fc.constantFrom('UTC', MADRID, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
    const around = fc.constantFrom(
      utc('2026-03-26T00:00'),
      utc('2026-10-22T00:00'),
      utc('2026-04-02T00:00'),
      utc('2026-11-28T00:00'),
    );
    fc.assert(
      fc.property(
        fc.array(span, { minLength: 1, maxLength: 4 }),
        zones,
        around,
        minute,
        (spans, zone, start, ahead) => {
          const merged = mergedSpans(spans);
          const at = start + ahead * 60_000 + 12_345;
          const now = isScheduled(merged, zone, at);
          const told = nextChange(merged, zone, at);
          let slow: number | null = null;
          for (let t = Math.ceil((at + 1) / 60_000) * 60_000; t < at + 2 * 86_400_000; t += 60_000) {
            if (isScheduled(merged, zone, t) === now) continue;
            slow = t;
            break;
          }
          if (slow !== null) assert.equal(told, slow);
          else assert.ok(told === null || told >= at + 2 * 86_400_000 - 60_000);
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });
});
