import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFormats, languageOf } from '../../web/src/i18n/formats.ts';

/** No-break spaces as plain ones, for reading. */
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');
const en = createFormats('en', 'Europe/Madrid');
const es = createFormats('es', 'Europe/Madrid');

test('durations are told by their two largest units', () => {
  const cases: [number, string, string][] = [
    [0, '0 s', '0 s'],
    [400, '0.4 s', '0,4 s'],
    [9_940, '9.9 s', '9,9 s'],
    [9_960, '10 s', '10 s'],
    [59_499, '59 s', '59 s'],
    [59_500, '1 m', '1 min'],
    [220_000, '3 m 40 s', '3 min 40 s'],
    [3_599_600, '1 h', '1 h'],
    [15_120_000, '4 h 12 m', '4 h 12 min'],
    [183_600_000, '2 d 3 h', '2 d 3 h'],
    [86_400_000, '1 d', '1 d'],
    [-5, '0 s', '0 s'],
  ];
  for (const [ms, inEnglish, inSpanish] of cases) {
    assert.equal(plain(en.duration(ms)), inEnglish);
    assert.equal(plain(es.duration(ms)), inSpanish);
  }
});

test('sizes and rates go up in thousands and never read 1000', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [1_550, '1.6 kB'],
    [99_960, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [4_200_000_000, '4.2 GB'],
    [7e18, '7,000 PB'],
  ];
  for (const [value, text] of cases) assert.equal(plain(en.bytes(value)), text, String(value));
  assert.equal(plain(en.bitRate(3_900_000)), '3.9 Mbit/s');
  assert.equal(plain(es.bitRate(3_900_000)), '3,9 Mbit/s');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000_000_000_000 }), (value) =>
      assert.doesNotMatch(plain(en.bytes(value)), /^1,?000 /),
    ),
  );
});

test('times stand in the chosen zone, whatever the machine has', () => {
  const at = Date.UTC(2026, 10, 21, 13, 22, 7);
  assert.equal(en.time(at), '14:22:07');
  assert.equal(createFormats('en', 'America/New_York').time(at), '08:22:07');
  assert.equal(createFormats('en', 'Asia/Kathmandu').minute(at), '19:07');
  assert.equal(plain(en.date(at, at)), 'Sat 21 Nov');
  assert.match(plain(en.date(at, Date.UTC(2027, 1, 1))), /^Sat 21 Nov 2026$/);
  assert.match(es.exact(at), /sábado.*Europe\/Madrid \(UTC\+01:00\)$/);
  assert.equal(createFormats('en', 'Nowhere/AtAll').zone, 'UTC');
});

test('midnight is 00, and the hour that comes twice is told apart on hover', () => {
  assert.equal(en.time(Date.UTC(2026, 5, 30, 22, 0, 0)), '00:00:00');
  const first = Date.UTC(2026, 9, 25, 0, 30);
  const second = first + 3_600_000;
  assert.equal(en.time(first), en.time(second));
  assert.match(en.exact(first), /UTC\+02:00/);
  assert.match(en.exact(second), /UTC\+01:00/);
});

test('the time alone stands for today, with the day before it otherwise', () => {
  const now = Date.UTC(2026, 10, 21, 13, 0);
  assert.equal(en.moment(now - 60_000, now), '13:59:00');
  assert.equal(plain(en.moment(now - 86_400_000, now)), 'Fri 20 Nov, 14:00');
});

test('what was and what will be is told from now', () => {
  const now = 1_800_000_000_000;
  const cases: [number, string, string][] = [
    [0, 'now', 'ahora'],
    [-999, 'now', 'ahora'],
    [-5_400, '5 s ago', 'hace 5 s'],
    [-15_120_000, '4 h 12 m ago', 'hace 4 h 12 min'],
    [52_000, 'in 52 s', 'dentro de 52 s'],
  ];
  for (const [away, inEnglish, inSpanish] of cases) {
    assert.equal(plain(en.relative(now + away, now)), inEnglish);
    assert.equal(plain(es.relative(now + away, now)), inSpanish);
  }
});

test('the language is the first of ours that the browser asks for', () => {
  const cases: [string[], string][] = [
    [[], 'en'],
    [['es-MX', 'en'], 'es'],
    [['fr-FR', 'ES'], 'es'],
    [['de', 'fr'], 'en'],
    [['en-US', 'es'], 'en'],
    [['est-EE'], 'en'],
  ];
  for (const [wished, language] of cases) assert.equal(languageOf(wished), language, wished.join());
});
