import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GAP_READ_MS, HOLD_MS_MAX, LIVE_EDGE_MS, Playhead, type Standing } from '../../web/src/model/playhead.ts';

/** A clock and calendar that are moved by hand, with what was asked to be called back. */
function world(calendarAt = 1_800_000_000_000) {
  let now = 5_000;
  let timers: { at: number; run: () => void }[] = [];
  const playhead = new Playhead({
    clock: () => now,
    calendar: () => calendarAt + now,
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  });
  const pass = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      timers = timers.filter((each) => each !== next);
      now = Math.max(now, next.at);
      next.run();
    }
    now = end;
  };
  return { playhead, pass, calendar: () => calendarAt + now };
}

const follower = (camera: string, step = async () => null as number | null) => ({ camera, step });

test('plays at its speed for hours without a ms of drift, through changes, pauses and holds', () => {
  const one = fc.record({
    ms: fc.integer({ min: 1, max: 600_000 }),
    what: fc.constantFrom('speed', 'pause', 'hold', 'none'),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), (turns) => {
      const { playhead, pass, calendar } = world();
      const who = Symbol('tile');
      let expected = calendar() - 400 * 86_400_000;
      playhead.seek(expected);
      let [speed, playing] = [1, true];
      for (const { ms, what } of turns) {
        if (what === 'speed') playhead.setSpeed((speed = speed === 1 ? 2 : speed === 2 ? 0.25 : 1));
        if (what === 'pause') playhead.setPlaying((playing = !playing));
        if (what === 'hold') {
          const held = Math.min(ms, HOLD_MS_MAX - 1);
          playhead.hold(who);
          pass(held);
          playhead.release(who);
        }
        pass(ms);
        if (playing) expected += ms * speed;
        assert.ok(Math.abs(playhead.now() - expected) < 1e-3, `${playhead.now() - expected} ms off`);
      }
    }),
    { numRuns: 60 },
  );
});

test('a hold stops the clock for all and is passed over after two seconds; then it must be let go of first', () => {
  const { playhead, pass, calendar } = world();
  const [slow, quick] = [Symbol('slow'), Symbol('quick')];
  const from = calendar() - 3_600_000;
  playhead.seek(from);
  playhead.hold(slow);
  playhead.hold(quick);
  pass(500);
  playhead.release(quick);
  assert.equal(playhead.now(), from);
  assert.equal(playhead.waiting.get(), true);
  pass(HOLD_MS_MAX - 500);
  assert.equal(playhead.waiting.get(), false);
  pass(1_000);
  assert.equal(playhead.now(), from + 1_000);
  playhead.hold(slow);
  assert.equal(playhead.waiting.get(), false);
  playhead.release(slow);
  playhead.hold(slow);
  assert.equal(playhead.waiting.get(), true);
  playhead.goLive();
  assert.equal(playhead.waiting.get(), false);
});

test('a listener that holds while it is told of a hold does not run for ever', () => {
  const { playhead, calendar } = world();
  const tiles = [Symbol('a'), Symbol('b')];
  playhead.state.subscribe(() => {
    for (const tile of tiles) playhead.hold(tile);
  });
  playhead.seek(calendar() - 60_000);
  assert.equal(playhead.waiting.get(), true);
});

test('where all tiles stand in a gap it goes on behind the shortest, after it could be read', () => {
  const { playhead, pass, calendar } = world();
  const [a, b] = [Symbol('a'), Symbol('b')];
  const from = calendar() - 3_600_000;
  playhead.join(a, follower('n/a'));
  playhead.join(b, follower('n/b'));
  playhead.seek(from);
  const gap = (until: number | null): Standing => ({ kind: 'gap', until });
  playhead.report(a, gap(from + 600_000));
  pass(GAP_READ_MS * 2);
  assert.ok(playhead.now() < from + 10_000, 'the other one may have pictures');
  playhead.report(b, gap(from + 300_000));
  pass(GAP_READ_MS - 1);
  assert.ok(playhead.now() < from + 10_000);
  pass(1);
  assert.equal(playhead.now(), from + 300_000);
  playhead.report(a, gap(from + 600_000));
  playhead.report(b, { kind: 'picture' });
  pass(10_000);
  assert.equal(playhead.now(), from + 310_000);
});

test('a gap is not passed over while it stands or is searched, nor after a tile left', () => {
  const { playhead, pass, calendar } = world();
  const a = Symbol('a');
  const from = calendar() - 3_600_000;
  playhead.join(a, follower('n/a'));
  playhead.seek(from, { playing: false });
  playhead.report(a, { kind: 'gap', until: from + 60_000 });
  pass(60_000);
  assert.equal(playhead.now(), from);
  playhead.seek(from, { scrubbing: true, playing: true });
  playhead.report(a, { kind: 'gap', until: from + 60_000 });
  pass(60_000);
  assert.equal(playhead.now(), from, 'the cursor stands where it is held');
  playhead.setPlaying(true);
  playhead.seek(from);
  playhead.report(a, { kind: 'gap', until: from + 60_000 });
  playhead.leave(a);
  pass(5_000);
  assert.equal(playhead.now(), from + 5_000);
});

test('a gap that lasts to the present ends in live', () => {
  const { playhead, pass, calendar } = world();
  const a = Symbol('a');
  playhead.join(a, follower('n/a'));
  playhead.seek(calendar() - 600_000);
  playhead.report(a, { kind: 'gap', until: null });
  pass(GAP_READ_MS);
  assert.equal(playhead.state.get().kind, 'live');
});

test('faster than time it reaches the present and is live; at one it stays behind', () => {
  const { playhead, pass, calendar } = world();
  playhead.seek(calendar() - 10_000);
  pass(3_600_000);
  assert.equal(playhead.state.get().kind, 'past');
  assert.equal(Math.round(calendar() - playhead.now()), 10_000);
  playhead.setSpeed(2);
  pass(10_000 - LIVE_EDGE_MS - 100);
  assert.equal(playhead.state.get().kind, 'past');
  pass(200);
  assert.equal(playhead.state.get().kind, 'live');
});

test('what plays near the present is live; what stands, is dragged or goes slower than time stays', () => {
  const { playhead, pass, calendar } = world();
  const near = () => calendar() - LIVE_EDGE_MS + 500;
  playhead.seek(near(), { playing: false });
  pass(60_000);
  assert.equal(playhead.state.get().kind, 'past');
  playhead.seek(near(), { scrubbing: true, playing: true });
  assert.equal(playhead.state.get().kind, 'past');
  playhead.setSpeed(0.5);
  playhead.seek(near());
  pass(4_000);
  assert.equal(playhead.state.get().kind, 'past');
  playhead.seek(calendar() - LIVE_EDGE_MS - 100);
  playhead.setSpeed(1);
  assert.equal(playhead.state.get().kind, 'past');
  playhead.seek(near());
  assert.equal(playhead.state.get().kind, 'live');
});

test('steps follow the leader, stand still, and come one after the other', async () => {
  const { playhead, calendar } = world();
  const from = calendar() - 60_000;
  const asked: string[] = [];
  const steps = (name: string, by: number | null) => ({
    camera: name,
    step: async (at: number, direction: 1 | -1) => {
      asked.push(`${name} ${at - from} ${direction}`);
      await Promise.resolve();
      return by === null ? null : at + by * direction;
    },
  });
  playhead.join(Symbol('a'), steps('n/a', 40));
  playhead.join(Symbol('b'), steps('n/b', 100));
  playhead.seek(from);
  await playhead.step(1);
  assert.equal((playhead.state.get() as { playing: boolean }).playing, false);
  assert.equal(playhead.now() - from, 40);
  playhead.leader.set('n/b');
  await Promise.all([playhead.step(1), playhead.step(1), playhead.step(-1)]);
  assert.equal(playhead.now() - from, 140);
  assert.deepEqual(asked, ['n/a 0 1', 'n/b 40 1', 'n/b 140 1', 'n/b 240 -1']);
  // One without a picture there leaves it to the others.
  playhead.join(Symbol('c'), steps('n/c', null));
  playhead.leader.set('n/c');
  await playhead.step(-1);
  assert.equal(playhead.now() - from, 100);
});
