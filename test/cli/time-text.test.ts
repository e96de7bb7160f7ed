import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLength, parseTime } from '../../src/cli/time-text.ts';
import { SeededRandom } from '../../src/platform/index.ts';

// Local times are compared with what Date makes of them, so this holds in every zone.
const now = new Date(2026, 10, 21, 15, 30, 10).getTime();
const local = (...parts: [number, number, number, number?, number?, number?, number?]) =>
  new Date(parts[0], parts[1] - 1, parts[2], parts[3] ?? 0, parts[4] ?? 0, parts[5] ?? 0, parts[6] ?? 0).getTime();

const cases: [string, number][] = [
  ['now', now],
  [' now ', now],
  ['-10m', now - 600_000],
  ['-1h30m', now - 5_400_000],
  ['-1.5h', now - 5_400_000],
  ['-2d', now - 172_800_000],
  ['+5s', now + 5_000],
  ['2026-11-21T10:00:00Z', Date.UTC(2026, 10, 21, 10)],
  ['2026-11-21T10:00:00+01:00', Date.UTC(2026, 10, 21, 9)],
  ['2026-11-21T10:00:00-0530', Date.UTC(2026, 10, 21, 15, 30)],
  ['2026-11-21T10:00:00.250Z', Date.UTC(2026, 10, 21, 10, 0, 0, 250)],
  ['2026-11-21T10:00:00.123456Z', Date.UTC(2026, 10, 21, 10, 0, 0, 123)],
  ['2026-11-21T10:00:00.5Z', Date.UTC(2026, 10, 21, 10, 0, 0, 500)],
  ['2026-11-21', local(2026, 11, 21)],
  ['2026-11-20 14:22', local(2026, 11, 20, 14, 22)],
  ['2026-11-20T14:22:05', local(2026, 11, 20, 14, 22, 5)],
  ['2024-02-29', local(2024, 2, 29)],
  ['14:22', local(2026, 11, 21, 14, 22)],
  ['9:05:07', local(2026, 11, 21, 9, 5, 7)],
  ['15:30:10', now],
  ['15:31', local(2026, 11, 20, 15, 31)],
  ['23:59', local(2026, 11, 20, 23, 59)],
  ['1795000000000', 1_795_000_000_000],
];
for (const [text, at] of cases) test(`"${text}" is a time`, () => assert.equal(parseTime(text, now), at));

const refused = [
  '',
  'noon',
  '10m',
  '-10',
  '-',
  '--5m',
  '-5w',
  '24:00',
  '12:60',
  '2026-02-30',
  '2026-13-01',
  '2023-02-29',
  '2026-11-21T25:00',
  '2026-11-21T10:00+15:00',
  '2026-11-21T',
  '1969-12-31',
  '12345',
  `-${'9'.repeat(50)}d`,
  '-999999d',
  '14:22 ; rm',
];
for (const text of refused) test(`"${text.slice(0, 30)}" is none`, () => assert.equal(parseTime(text, now), null));

test('lengths', () => {
  const lengths: [string, number | null][] = [
    ['30', 30_000],
    ['0.5', 500],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['', null],
    ['-5', null],
    ['5x', null],
    ['s', null],
  ];
  for (const [text, ms] of lengths) assert.equal(parseLength(text), ms, text);
});

test('any text gives a time that fits the wire, or none, at once', () => {
  const rng = new SeededRandom(4);
  const signs = '0123456789-+:TZdhms. now';
  for (let round = 0; round < (process.env['SLOW'] ? 200_000 : 20_000); round++) {
    const text = Array.from({ length: rng.below(24) }, () => signs[rng.below(signs.length)]).join('');
    const at = parseTime(text, now);
    if (at !== null) assert.ok(Number.isInteger(at) && at >= 0 && at <= 9_007_199_254_740, text);
    const ms = parseLength(text);
    if (ms !== null) assert.ok(Number.isInteger(ms) && ms >= 0, text);
  }
  assert.equal(parseTime('1'.repeat(1_000_000), now), null);
});
