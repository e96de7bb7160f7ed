import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimatedBytes, fileName, localText, momentOf, RateMeter } from '../../web/src/export/export-facts.ts';

const ZONES = ['Europe/Madrid', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC'];

test('a file is named after node, camera and local time, with nothing a file system dislikes', () => {
  const from = Date.parse('2026-11-21T15:12:33.900Z');
  const facts = { node: 'Home', camera: 'Front door / left?', from, part: 1 };
  assert.equal(fileName(facts, 'Europe/Madrid'), 'Home_Front-door-left_2026-11-21_16-12-33.mp4');
  assert.equal(fileName({ ...facts, part: 2 }, 'UTC'), 'Home_Front-door-left_2026-11-21_15-12-33_2.mp4');
  assert.equal(fileName({ ...facts, node: '../..', camera: 'Jardín' }, 'UTC'), 'Jardín_2026-11-21_15-12-33.mp4');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (node, camera) => {
      const name = fileName({ ...facts, node, camera }, 'UTC');
      assert.doesNotMatch(name, /[\\/:*?"<>|\p{Cc}]|\.\./u);
      assert.ok(name.length < 160);
    }),
  );
});

test('a moment and its local time are the same in every zone, whole seconds', () => {
  const moments = fc.integer({ min: Date.UTC(2000, 0, 1) / 1000, max: Date.UTC(2040, 0, 1) / 1000 });
  fc.assert(
    fc.property(moments, fc.constantFrom(...ZONES), (seconds, zone) => {
      const text = localText(seconds * 1000, zone);
      const back = momentOf(text, zone)!;
      assert.equal(localText(back, zone), text);
      // In the hour that comes twice it is the first of both.
      assert.ok(back === seconds * 1000 || [3_600_000, 1_800_000].includes(seconds * 1000 - back), text);
    }),
    { numRuns: 400 },
  );
});

test('nights on which the clock is changed', () => {
  const at = (text: string) => Date.parse(text);
  for (const [local, zone, utc] of [
    ['2026-10-25T02:30:00', 'Europe/Madrid', '2026-10-25T00:30:00Z'],
    ['2026-10-25T03:00:00', 'Europe/Madrid', '2026-10-25T02:00:00Z'],
    ['2026-03-29T01:59:59', 'Europe/Madrid', '2026-03-29T00:59:59Z'],
    ['2026-03-29T02:30:00', 'Europe/Madrid', '2026-03-29T01:30:00Z'],
    ['2026-11-01T01:30:00', 'America/New_York', '2026-11-01T05:30:00Z'],
    ['2026-11-21T12:00', 'Asia/Kathmandu', '2026-11-21T06:15:00Z'],
  ] as const) {
    assert.equal(momentOf(local, zone), at(utc), `${local} in ${zone}`);
  }
  for (const wrong of ['', 'now', '2026-13-01T00:00', '2026-11-21', '2026-11-21T12:00Z', '20261-01-01T00:00'])
    assert.equal(momentOf(wrong, 'UTC'), null, wrong);
});

test('sizes and rates', () => {
  assert.equal(estimatedBytes([8_000_000, 800_000], 0, 10_000), 11_000_000);
  const meter = new RateMeter(4_000);
  assert.equal(meter.add(0, 0), 0);
  assert.equal(meter.add(1_000, 5_000), 5_000);
  for (let at = 2_000; at <= 10_000; at += 1_000) meter.add(at, 5_000 + (at - 1_000) * 2);
  // What was faster before the window is forgotten.
  assert.equal(meter.add(11_000, 25_000), 2_000);
});
