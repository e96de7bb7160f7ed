import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tickLabels, tickWords } from '../../web/src/timeline/tick-labels.ts';
import { placeLabels, tickStep, ticksOf } from '../../web/src/timeline/ticks.ts';
import { Scale, SPAN_MS_MAX, SPAN_MS_MIN, TimeView } from '../../web/src/timeline/time-view.ts';
import { offsetText, Zone } from '../../web/src/timeline/zone.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const madrid = new Zone('Europe/Madrid');
const newYork = new Zone('America/New_York');
const kathmandu = new Zone('Asia/Kathmandu');
const NOW = Date.UTC(2026, 10, 21, 13, 22, 7);

test('a scale gives times for pixels and pixels for times', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2e12 }),
      fc.integer({ min: SPAN_MS_MIN, max: SPAN_MS_MAX }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (from, span, share) => {
        const scale = new Scale({ from, to: from + span }, 1_200);
        const x = share * 1_200;
        assert.ok(Math.abs(scale.x(scale.at(x)) - x) < 0.01);
      },
    ),
  );
});

test('a zoom keeps the time under the pointer where it is, within the narrowest and widest span', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 0.9, noNaN: true }),
      fc.array(fc.double({ min: 0.2, max: 5, noNaN: true }), { maxLength: 12 }),
      (share, factors) => {
        const view = new TimeView(() => NOW, DAY);
        view.pan(-40 * DAY);
        const { from } = view.seen.get();
        const anchor = from + view.span * share;
        for (const factor of factors) {
          const before = (anchor - view.seen.get().from) / view.span;
          view.zoom(factor, anchor);
          const after = (anchor - view.seen.get().from) / view.span;
          assert.ok(view.span >= SPAN_MS_MIN - 0.001 && view.span <= SPAN_MS_MAX + 0.001);
          // Unless the present came to its edge.
          if (!view.holdsPresent) assert.ok(Math.abs(before - after) < 1e-6);
        }
      },
    ),
  );
});

test('the view never goes far behind the present, and the present stays at its edge', () => {
  let now = NOW;
  const view = new TimeView(() => now, HOUR);
  assert.ok(view.holdsPresent);
  now += 60_000;
  view.tick();
  assert.ok(view.seen.get().to > now && view.seen.get().to < now + HOUR * 0.04);
  view.pan(-HOUR);
  assert.equal(view.holdsPresent, false);
  const still = view.seen.get();
  now += 60_000;
  view.tick();
  assert.deepEqual(view.seen.get(), still);
  view.pan(10 * DAY);
  assert.ok(view.holdsPresent);
  assert.ok(view.seen.get().to <= now + view.span * 0.04);
});

test('at first what there is fills the view, never less than ten minutes, and never again', () => {
  const spanOf = (...wishes: ((view: TimeView) => void)[]) => {
    const view = new TimeView(() => NOW, 6 * HOUR);
    for (const wish of wishes) wish(view);
    assert.ok(view.holdsPresent && view.seen.get().to > NOW);
    return view.span;
  };
  const fit = (from: number | null) => (view: TimeView) => view.fit(from);
  assert.equal(spanOf(fit(NOW)), 600_000);
  assert.equal(spanOf(fit(NOW - 40_000)), 600_000);
  assert.ok(Math.abs(spanOf(fit(NOW - HOUR)) - 1.1 * HOUR) < 1);
  assert.equal(spanOf(fit(NOW - 6 * HOUR)), 6 * HOUR);
  assert.equal(spanOf(fit(NOW - HOUR), fit(NOW)), spanOf(fit(NOW - HOUR)), 'once');
  assert.equal(spanOf(fit(null), fit(NOW)), 6 * HOUR, 'it was to be left as it is');
  assert.equal(
    spanOf((view) => view.zoom(0.5, NOW), fit(NOW)),
    3 * HOUR,
    'somebody chose',
  );
});

test('a cursor that leaves the view takes it along', () => {
  const view = new TimeView(() => NOW, HOUR);
  view.pan(-5 * DAY);
  const { from, to } = view.seen.get();
  view.keep((from + to) / 2, true);
  assert.deepEqual(view.seen.get(), { from, to });
  view.keep(to - 1, true);
  assert.ok(view.seen.get().from > from && view.seen.get().to > to);
  view.keep(from - DAY);
  assert.ok(view.seen.get().from <= from - DAY && Math.abs(view.span - HOUR) < 1);
});

test('local hours of Madrid on the night the clocks go back: one comes twice and is told from the other', () => {
  // 25 October 2026, 03:00 CEST is 02:00 CET; 01:00 UTC.
  const change = Date.UTC(2026, 9, 25, 1);
  assert.deepEqual(madrid.shifts(change - DAY, change + DAY), [{ at: change, before: 120, after: 60 }]);
  const from = Date.UTC(2026, 9, 24, 22);
  const { ticks, shifts } = ticksOf(madrid, from, from + 6 * HOUR, tickStep(6 * HOUR, 600, 90));
  assert.equal(shifts.length, 1);
  const words = tickWords('en', 'Europe/Madrid');
  const told = ticks.map(({ at, offset }) => `${words.minute(at)}${offset}`);
  assert.deepEqual(told, ['00:00', '01:00', '02:00+2', '02:00+1', '03:00', '04:00']);
  assert.deepEqual(
    ticks.map(({ at }) => (at - from) / HOUR),
    [0, 1, 2, 3, 4, 5],
  );
  assert.ok(madrid.isRepeated(change - 1) && madrid.isRepeated(change) && !madrid.isRepeated(change + HOUR));
});

test('local hours of New York on the night the clocks go on: one is missing', () => {
  // 8 March 2026, 02:00 EST is 03:00 EDT; 07:00 UTC.
  const from = Date.UTC(2026, 2, 8, 5);
  const { ticks, shifts } = ticksOf(newYork, from, from + 5 * HOUR, tickStep(5 * HOUR, 500, 90));
  assert.deepEqual(shifts, [{ at: Date.UTC(2026, 2, 8, 7), before: -300, after: -240 }]);
  const words = tickWords('en', 'America/New_York');
  assert.deepEqual(
    ticks.map(({ at }) => words.minute(at)),
    ['00:00', '01:00', '03:00', '04:00', '05:00'],
  );
  assert.equal(newYork.isRepeated(from + 2 * HOUR), false);
});

test('days begin at local midnight, long and short ones too, and in zones with odd offsets', () => {
  const days = ticksOf(madrid, Date.UTC(2026, 9, 23), Date.UTC(2026, 9, 28), tickStep(5 * DAY, 500, 90)).ticks;
  assert.deepEqual(
    days.slice(1).map(({ at }, i) => (at - days[i]!.at) / HOUR),
    [24, 25, 24, 24].slice(0, days.length - 1),
  );
  assert.equal(kathmandu.startOfDay(2026, 11, 21), Date.UTC(2026, 10, 20, 18, 15));
  const from = Date.UTC(2026, 10, 21);
  for (const { at } of ticksOf(kathmandu, from, from + 6 * HOUR, tickStep(6 * HOUR, 600, 90)).ticks) {
    assert.equal(kathmandu.local(at).minute, 0);
  }
  // In Santiago midnight itself is missing when the clocks go on.
  const santiago = new Zone('America/Santiago');
  assert.deepEqual(santiago.local(santiago.startOfDay(2026, 9, 6)).hour, 1);
});

test('every tick is at a round local time, in order, none doubled, whatever the zone and span', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('Europe/Madrid', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'UTC'),
      fc.integer({ min: Date.UTC(2019, 0, 1), max: Date.UTC(2032, 0, 1) }),
      fc.double({ min: Math.log(SPAN_MS_MIN), max: Math.log(SPAN_MS_MAX), noNaN: true }),
      (name, from, logSpan) => {
        const zone = new Zone(name);
        const span = Math.round(Math.exp(logSpan));
        const step = tickStep(span, 1_000, 62);
        const { ticks } = ticksOf(zone, from, from + span, step);
        assert.ok(ticks.length <= 1_000 / 62 + 3);
        for (const [i, { at }] of ticks.entries()) {
          assert.ok(at >= from && at < from + span);
          if (i > 0) assert.ok(at > ticks[i - 1]!.at);
          const { hour, minute, second } = zone.local(at);
          if (step.unit === 'ms')
            assert.equal((((hour * 60 + minute) * 60 + second) * 1_000) % Math.max(1_000, step.size), 0);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('labels that are shown never touch, and the date is always told', () => {
  const measure = (text: string, strong: boolean) => text.length * (strong ? 7 : 6.3);
  fc.assert(
    fc.property(
      fc.constantFrom(['en', 'Europe/Madrid'] as const, ['es', 'America/New_York'] as const),
      fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) }),
      fc.double({ min: Math.log(SPAN_MS_MIN), max: Math.log(SPAN_MS_MAX), noNaN: true }),
      fc.integer({ min: 260, max: 2_400 }),
      ([language, name], from, logSpan, width) => {
        const scale = new Scale({ from, to: from + Math.exp(logSpan) }, width);
        const { labels } = tickLabels(scale, new Zone(name), tickWords(language, name), measure);
        const shown = labels
          .filter((each) => each.shown)
          .map((each) => ({ ...each, width: measure(each.text, each.strong) }));
        for (const a of shown) {
          assert.ok(a.left >= -0.01 && a.left + a.width <= width + 0.01);
          for (const b of shown) if (a !== b) assert.ok(a.left + a.width < b.left || b.left + b.width < a.left);
        }
        if (width > 420) assert.ok(shown.some(({ strong }) => strong));
      },
    ),
    { numRuns: 150 },
  );
  assert.deepEqual(
    placeLabels(
      [
        { left: 0, width: 50, weight: 0 },
        { left: 40, width: 50, weight: 2 },
        { left: 100, width: 50, weight: 0 },
      ],
      5,
    ),
    [1, 2],
  );
});

test('distances from UTC are told shortly', () => {
  assert.deepEqual([120, -210, 345, 0].map(offsetText), ['+2', '−3:30', '+5:45', '+0']);
  assert.equal(new Zone('Nowhere/Land').name, 'UTC');
});
