import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CameraError, PtzDesk, type PtzHolder, type PtzLeaseEnd } from '../../src/cameras/index.ts';
import { NvrError } from '../../src/errors.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import type { DeviceKey, SourceId } from '../../src/protocol/index.ts';
import { type Fate, ScriptedHead } from './scripted-head.ts';

const YARD = 'yard' as SourceId;
const RIGHT = { pan: 0.5, tilt: 0, zoom: 0 };
const UP = { pan: 0, tilt: 1, zoom: 0 };

const holder = (octet: string, sessionId = octet): PtzHolder => ({ device: octet.repeat(64) as DeviceKey, sessionId });
const ann = holder('a');
const bob = holder('b');

function rig() {
  const clock = new SimulatedClock();
  const head = new ScriptedHead(clock);
  const errors: unknown[] = [];
  const log = { ...silentLog, error: (fields: object) => errors.push(fields) };
  const state = { isGone: false };
  const desk = new PtzDesk({
    clock,
    random: new SeededRandom(5),
    log,
    driver: (source) => {
      if (source !== YARD || state.isGone) throw new NvrError('ERR_CAMERAS_NONE', 'missing', 'none');
      return head;
    },
  });
  return { clock, head, desk, errors, state };
}

/** The reason a lease ended with, as far as it has. */
function watch(ended: Promise<PtzLeaseEnd>): { reason: PtzLeaseEnd | null } {
  const seen: { reason: PtzLeaseEnd | null } = { reason: null };
  ended.then((reason) => {
    seen.reason = reason;
  });
  return seen;
}

describe('a lease', () => {
  test('is held by one device; another is refused, unless it takes it', async () => {
    const { clock, desk } = rig();
    const first = desk.hold(YARD, ann);
    const end = watch(first.ended);
    assert.match(first.id, /^[0-9a-f]{16}$/);
    assert.equal(first.since, clock.now());
    assert.throws(() => desk.hold(YARD, bob), { code: 'ERR_CAMERAS_PTZ_HELD', kind: 'conflict' });
    assert.deepEqual(desk.holder(YARD), { holder: ann, since: first.since });
    await clock.advance(1_000);
    const second = desk.hold(YARD, bob, { take: true });
    await clock.advance(0);
    assert.equal(end.reason, 'taken');
    assert.notEqual(second.id, first.id);
    await assert.rejects(desk.move(YARD, first.id, ann, RIGHT, 500), { code: 'ERR_CAMERAS_PTZ_LEASE' });
    assert.equal(await settled(clock, desk.move(YARD, second.id, bob, RIGHT, 500)), true);
  });

  test('may be had by the same device on another channel', async () => {
    const { clock, desk } = rig();
    const end = watch(desk.hold(YARD, ann).ended);
    desk.hold(YARD, { ...ann, sessionId: 'other' });
    await clock.advance(0);
    assert.equal(end.reason, 'taken');
  });

  test('serves its holder on its channel only, for its camera only', async () => {
    const { desk } = rig();
    const { id } = desk.hold(YARD, ann);
    const cases: [SourceId, string, PtzHolder][] = [
      [YARD, id, bob],
      [YARD, id, { ...ann, sessionId: 'other' }],
      [YARD, '0'.repeat(16), ann],
      ['front' as SourceId, id, ann],
    ];
    for (const [source, lease, who] of cases) {
      await assert.rejects(desk.move(source, lease, who, RIGHT, 500), { code: 'ERR_CAMERAS_PTZ_LEASE' });
      await assert.rejects(desk.stop(source, lease, who), { code: 'ERR_CAMERAS_PTZ_LEASE' });
    }
  });

  test('ends after a minute without use, and the head with it', async () => {
    const { clock, head, desk } = rig();
    const { id, ended } = desk.hold(YARD, ann);
    const end = watch(ended);
    for (let i = 0; i < 4; i++) {
      await clock.advance(45_000);
      assert.equal(await settled(clock, desk.move(YARD, id, ann, RIGHT, 2_000)), true);
    }
    await clock.advance(59_000);
    assert.equal(end.reason, null);
    await clock.advance(1_001);
    assert.equal(end.reason, 'idle');
    assert.equal(head.moving, false);
    desk.hold(YARD, bob);
  });

  test('is not given where no camera is kept', () => {
    const { desk, state } = rig();
    assert.throws(() => desk.hold('front' as SourceId, ann), { code: 'ERR_CAMERAS_NONE' });
    state.isGone = true;
    assert.throws(() => desk.hold(YARD, ann), { code: 'ERR_CAMERAS_NONE' });
    assert.equal(desk.holder(YARD), null);
  });

  test('ends with the camera and with the node; a head that moves is stopped first', async () => {
    for (const [how, expected] of [
      ['remove', 'removed'],
      ['close', 'closing'],
    ] as const) {
      const { clock, head, desk } = rig();
      head.timesOut = false;
      const { id, ended } = desk.hold(YARD, ann);
      const end = watch(ended);
      await settled(clock, desk.move(YARD, id, ann, RIGHT, 2_000));
      assert.equal(head.moving, true);
      const done = how === 'remove' ? desk.remove(YARD) : desk.close();
      await clock.advance(50);
      await done;
      assert.equal(end.reason, expected);
      assert.equal(head.moving, false);
      if (how === 'close') assert.throws(() => desk.hold(YARD, ann), { kind: 'conflict' });
    }
  });
});

/** The outcome of a promise that needs time to pass. */
async function settled<T>(clock: SimulatedClock, promise: Promise<T>, ms = 20): Promise<T> {
  promise.catch(() => {});
  await clock.advance(ms);
  return promise;
}

describe('a move', () => {
  test('ends in the camera and in the node', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 300));
    assert.deepEqual(head.asked[0], { what: 'move', atMs: 0, speed: RIGHT, forMs: 1_000 });
    await clock.advance(279);
    assert.equal(head.moving, true);
    await clock.advance(30);
    assert.equal(head.moving, false);
    assert.equal(head.count('stop'), 1);
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 1_700));
    assert.equal(head.asked.at(-1)!.forMs, 1_700);
  });

  test('goes on without a stop while it is renewed', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    for (let i = 0; i < 20; i++) {
      assert.equal(await settled(clock, desk.move(YARD, id, ann, RIGHT, 500), 400), true);
      assert.equal(head.moving, true);
    }
    assert.equal(head.count('stop'), 0);
    await clock.advance(600);
    assert.deepEqual([head.moving, head.count('stop')], [false, 1]);
  });

  test('the newest wish replaces those that wait, at most twenty are sent in a second', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    const sent: Promise<boolean>[] = [];
    for (let i = 0; i < 1_000; i++) {
      sent.push(desk.move(YARD, id, ann, { pan: i / 1_000 + 0.0001, tilt: 0, zoom: 0 }, 1_000));
      if (i % 2 === 1) await clock.advance(2);
    }
    await clock.advance(60);
    const taken = (await Promise.all(sent)).filter(Boolean).length;
    assert.ok(taken >= 20 && taken <= 22, `${taken} in a second`);
    assert.equal(head.count('move'), taken);
    assert.ok(head.asked.findLast(({ what }) => what === 'move')!.speed!.pan > 0.999, 'the last one is among them');
  });

  test('while one is on its way the next one waits; it is dropped when its time is over', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    head.moveFates = [{ heardMs: 1, answerMs: 800 }];
    const first = desk.move(YARD, id, ann, RIGHT, 2_000);
    const second = desk.move(YARD, id, ann, UP, 300);
    await clock.advance(500);
    assert.equal(await second, false);
    assert.equal(head.moving, false, 'the newest wish is over, so the head stands');
    await clock.advance(1_000);
    assert.equal(await first, false);
    assert.equal(head.count('move'), 1);
  });

  test('without any speed is a stop', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 2_000));
    await settled(clock, desk.move(YARD, id, ann, { pan: 0, tilt: 0, zoom: 0 }, 2_000));
    assert.deepEqual([head.moving, head.count('move'), head.count('stop')], [false, 1, 1]);
  });

  test('that fails is told; the head is stopped where it may have heard, not where it said no', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    head.moveFates = [{ heardMs: 1, answerMs: 5, fails: 'malformed' }];
    await assert.rejects(settled(clock, desk.move(YARD, id, ann, RIGHT, 300)), CameraError);
    await clock.advance(400);
    assert.deepEqual([head.moving, head.count('stop')], [false, 1]);
    head.moveFates = [{ heardMs: null, answerMs: 5, fails: 'refused' }];
    await assert.rejects(settled(clock, desk.move(YARD, id, ann, RIGHT, 300)), { trouble: 'refused' });
    await clock.advance(400);
    assert.equal(head.count('stop'), 1);
  });

  test('that was overtaken by a stop is followed by another stop', async () => {
    const { clock, head, desk } = rig();
    head.timesOut = false;
    const { id } = desk.hold(YARD, ann);
    head.moveFates = [{ heardMs: 400, answerMs: null }];
    const move = desk.move(YARD, id, ann, RIGHT, 2_000);
    await clock.advance(10);
    const stop = desk.stop(YARD, id, ann);
    await clock.advance(160);
    await stop;
    assert.equal(await move, false);
    await clock.advance(300);
    assert.equal(head.moving, true, 'the camera heard the move after the stop');
    await clock.advance(500);
    assert.equal(head.moving, false);
  });
});

describe('a stop', () => {
  test('that is not answered is said three times, then told loudly', async () => {
    const { clock, head, desk, errors } = rig();
    const { id } = desk.hold(YARD, ann);
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 2_000));
    const never: Fate = { heardMs: null, answerMs: null, deaf: true };
    head.stopFates = [never, never, never];
    const stop = desk.stop(YARD, id, ann);
    stop.catch(() => {});
    await clock.advance(10_000);
    await assert.rejects(stop, { code: 'ERR_CAMERAS_PTZ_UNSTOPPED', kind: 'unavailable' });
    assert.equal(head.count('stop'), 3);
    assert.deepEqual(errors, [{ source: YARD, tries: 3 }]);
    assert.deepEqual(desk.unstopped(), [YARD]);
    assert.equal((await desk.status(YARD)).unstopped, true);
    await settled(clock, desk.stop(YARD, id, ann));
    assert.deepEqual(desk.unstopped(), []);
  });

  test('is tried again where the camera answers now', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    head.timesOut = false;
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 2_000));
    head.stopFates = [{ heardMs: null, answerMs: 10, fails: 'unreachable' }];
    await settled(clock, desk.stop(YARD, id, ann), 400);
    assert.deepEqual([head.moving, head.count('stop')], [false, 2]);
  });

  test('reaches the camera that was set in motion, even where it is kept no more', async () => {
    const { clock, head, desk, state } = rig();
    head.timesOut = false;
    const { id } = desk.hold(YARD, ann);
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 500));
    state.isGone = true;
    head.stopFates = [{ heardMs: null, answerMs: 10, fails: 'unreachable' }];
    await clock.advance(2_000);
    assert.equal(head.moving, false);
  });
});

describe('a place', () => {
  test('is gone to by number or name, after what moved was stopped', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    await settled(clock, desk.move(YARD, id, ann, RIGHT, 2_000));
    assert.equal(await settled(clock, desk.goto(YARD, id, ann, { pan: -1, tilt: 0.5, zoom: 0 })), true);
    assert.equal(await settled(clock, desk.recall(YARD, id, ann, '1')), true);
    assert.deepEqual(
      head.asked.map(({ what }) => what),
      ['move', 'stop', 'goto', 'recall 1'],
    );
    await clock.advance(3_000);
    assert.deepEqual(head.looksAt, { pan: 1, tilt: 0, zoom: 0 });
  });

  test('is arrived at though the lease was given back; not where it was taken away', async () => {
    for (const [reason, arrives] of [
      ['left', true],
      ['idle', true],
      ['denied', false],
      ['taken', false],
    ] as const) {
      const { clock, head, desk } = rig();
      const lease = desk.hold(YARD, ann);
      await settled(clock, desk.recall(YARD, lease.id, ann, '1'));
      lease.end(reason);
      await clock.advance(100);
      assert.equal(head.moving, arrives, reason);
      assert.equal(head.count('stop'), arrives ? 0 : 1);
    }
  });

  test('that is wished while another is asked for replaces it', async () => {
    const { clock, head, desk } = rig();
    const { id } = desk.hold(YARD, ann);
    head.moveFates = [{ heardMs: 1, answerMs: null }];
    const first = desk.recall(YARD, id, ann, '1');
    await clock.advance(10);
    const second = desk.goto(YARD, id, ann, RIGHT);
    await clock.advance(1_000);
    assert.deepEqual([await first, await second], [false, true]);
    assert.deepEqual(
      head.asked.map(({ what }) => what),
      ['recall 1', 'stop', 'stop', 'goto'],
      'nothing that is heard late turns it away again',
    );
  });

  test('is kept and forgotten without a lease, but not while somebody else steers', async () => {
    const { desk } = rig();
    assert.equal(await desk.save(YARD, bob, 'Gate', null), '2');
    assert.deepEqual(await desk.presets(YARD), [
      { token: '1', name: 'Door' },
      { token: '2', name: 'Gate' },
    ]);
    desk.hold(YARD, ann);
    await assert.rejects(desk.save(YARD, bob, 'Gate', null), { code: 'ERR_CAMERAS_PTZ_HELD' });
    await assert.rejects(desk.forget(YARD, bob, '1'), { code: 'ERR_CAMERAS_PTZ_HELD' });
    await desk.forget(YARD, ann, '1');
    assert.deepEqual(await desk.presets(YARD), [{ token: '2', name: 'Gate' }]);
  });
});

test('the camera is asked once for its status, whoever asks meanwhile', async () => {
  const { head, desk } = rig();
  const all = await Promise.all(Array.from({ length: 20 }, () => desk.status(YARD)));
  assert.equal(head.count('status'), 1);
  assert.deepEqual(all[19], { position: { pan: 0, tilt: 0, zoom: 0 }, moving: false, holder: null, unstopped: false });
});

/** One thing somebody does, and how long it takes until the next. */
const step = fc.record({
  act: fc.constantFrom('move', 'move', 'move', 'stop', 'goto', 'recall', 'leave', 'deny', 'take', 'hold', 'still'),
  forMs: fc.integer({ min: 100, max: 2_000 }),
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2_500 })),
});
const moveFate: fc.Arbitrary<Fate> = fc.record({
  heardMs: fc.option(fc.integer({ min: 0, max: 600 })),
  answerMs: fc.option(fc.integer({ min: 0, max: 5_000 })),
  fails: fc.option(fc.constantFrom('unreachable', 'malformed'), { nil: undefined }),
  deaf: fc.boolean(),
}) as fc.Arbitrary<Fate>;
const stopFate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constant<Fate>({ heardMs: 0, answerMs: 1 }),
  fc.constant<Fate>({ heardMs: null, answerMs: 20, fails: 'unreachable' }),
  fc.constant<Fate>({ heardMs: null, answerMs: null, deaf: true }),
  fc.constant<Fate>({ heardMs: 10, answerMs: null }),
);

test('whatever people do and whatever becomes of each question, a head stands still when nobody steers it, or it is told', async () => {
  const script = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 14 }),
    moves: fc.array(moveFate, { maxLength: 8 }),
    stops: fc.array(stopFate, { maxLength: 8 }),
    // A camera that never ends a move by itself, as long as each of its answers comes in the time we wait for it.
    timesOut: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(script, async ({ steps, moves, stops, timesOut }) => {
      const { clock, head, desk, errors } = rig();
      head.timesOut = timesOut;
      // What a camera hears long after the question was given up, only its own time-out can end.
      head.moveFates = timesOut ? moves : moves.map((fate) => inTime(fate));
      head.stopFates = stops;
      const people = [ann, bob];
      let lease = desk.hold(YARD, ann);
      let who = ann;
      const quiet = (promise: Promise<unknown>) => promise.catch(() => {});
      for (const { act, forMs, waitMs } of steps) {
        if (act === 'move') quiet(desk.move(YARD, lease.id, who, RIGHT, forMs));
        if (act === 'still') quiet(desk.move(YARD, lease.id, who, { pan: 0, tilt: 0, zoom: 0 }, forMs));
        if (act === 'stop') quiet(desk.stop(YARD, lease.id, who));
        if (act === 'goto') quiet(desk.goto(YARD, lease.id, who, UP));
        if (act === 'recall') quiet(desk.recall(YARD, lease.id, who, '1'));
        if (act === 'leave') lease.end('left');
        if (act === 'deny') lease.end('denied');
        if (act === 'take' || act === 'hold') {
          who = act === 'take' ? people[1 - people.indexOf(who)]! : who;
          lease = desk.hold(YARD, who, { take: true });
        }
        await clock.advance(waitMs);
      }
      // The longest move, three unanswered stops, a late answer and its echo.
      await clock.advance(20_000);
      const isTold = desk.unstopped().includes(YARD) && errors.length > 0;
      assert.ok(!head.steered || isTold, `moves on untold: ${JSON.stringify(head.asked)}`);
      const moved = head.asked.filter(({ what }) => what === 'move');
      for (const [i, { atMs, forMs }] of moved.entries()) {
        assert.ok(forMs! >= 1_000 && forMs! <= 2_000);
        if (i > 0) assert.ok(atMs - moved[i - 1]!.atMs >= 49.9, 'no faster than twenty a second');
      }
    }),
    { numRuns: process.env['SLOW'] ? 20_000 : 600 },
  );
});

/** Heard before it answers, and before a stop that overtook it is said again. */
function inTime(fate: Fate): Fate {
  const { heardMs, answerMs } = fate;
  return { ...fate, heardMs: heardMs === null ? null : Math.min(heardMs, answerMs ?? 400, 400) };
}
