import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NvrError } from '../../src/errors.ts';
import { EventActivity, PrerollBudget, RecordingGate, type RecordingRule } from '../../src/ingest/index.ts';
import type { CapturedFragment, Run } from '../../src/media/index.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import type { GapCause, RecordingState, RecordMode } from '../../src/protocol/index.ts';
import { MemorySink } from '../support/memory-sink.ts';

const FRAGMENT_MS = 200;
const STORED: readonly RecordingState[] = ['yes', 'event', 'unsure'];
const SILENCED: readonly GapCause[] = ['unreachable', 'stalled', 'ended', 'unauthorized', 'foreign', 'malformed'];

/** A gate whose recorder, events and schedule are in the hands of a test. */
class Scene {
  readonly clock = new SimulatedClock();
  readonly vault = new StoringSink();
  readonly live = new MemorySink();
  readonly activity: EventActivity;
  readonly gate: RecordingGate;
  scheduled = true;
  rule: RecordingRule;
  runs = 0;
  count = 0;
  endUs = 0;
  fresh = true;

  constructor(rule: Partial<RecordingRule> = {}, budget = new PrerollBudget(), connected = true) {
    this.activity = new EventActivity(this.clock, connected);
    const scheduled = () => this.scheduled;
    this.rule = { mode: 'event', on: ['motion'], beforeMs: 1_000, afterMs: 2_000, scheduled, ...rule };
    const deps = { clock: this.clock, random: new SeededRandom(3), log: silentLog };
    const live = {
      beginRun: (run: Run) => void this.live.beginRun(run),
      fragment: (fragment: CapturedFragment) => {
        void this.live.fragment({ ...fragment, bytes: fragment.bytes.slice() });
        fragment.bytes.fill(0xff); // the last reader gives the memory back
      },
      endRun: (end: Parameters<MemorySink['endRun']>[0]) => void this.live.endRun(end),
    };
    const { vault, activity } = this;
    this.gate = new RecordingGate({ ...deps, vault, live, activity, budget }, this.rule);
  }

  async begin(): Promise<void> {
    this.endUs = this.clock.nowUs();
    this.fresh = true;
    const id = (++this.runs).toString(16).padStart(32, '0');
    await this.gate.beginRun({ id, init: { bytes: new Uint8Array(4), tracks: [] }, startUs: this.endUs });
  }

  /** Fragments of 200 ms each; the first of a run and each whose number `gop` divides is a keyframe. */
  async play(count: number, { gop = 5, size = 64 } = {}): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.fragment(this.fresh || this.count % gop === 0, size);
      this.fresh = false;
    }
  }

  async fragment(keyframe: boolean, size = 64): Promise<void> {
    await this.clock.advance(FRAGMENT_MS);
    const startUs = this.endUs;
    this.endUs += FRAGMENT_MS * 1000;
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setUint32(0, this.count++);
    await this.gate.fragment({
      bytes,
      keyframe,
      startUs,
      endUs: this.endUs,
      monoUs: this.clock.monotonicUs(),
      sampleCount: 5,
      videoDecodeTime: 0n,
    });
  }

  async end(cause: GapCause = 'ended'): Promise<void> {
    await this.gate.endRun({ cause, endUs: this.endUs, reason: 'a test' });
  }

  async motion(active: boolean | null, name: string | null = null, kind: 'motion' | 'input' = 'motion'): Promise<void> {
    this.activity.tell({ kind, active, name, at: this.clock.now() });
    await this.clock.advance(0);
  }

  async schedule(open: boolean): Promise<void> {
    this.scheduled = open;
    this.gate.look();
    await this.clock.advance(0);
  }

  /** Numbers of the fragments the vault has, run by run, without the runs that only tell a cause. */
  get stored(): number[][] {
    return this.vault.runs.flatMap(({ fragments }) => (fragments.length > 0 ? [fragments.map(numberOf)] : []));
  }
}

/** Takes copies, as a vault does, and counts how long a run lies behind the one before. */
class StoringSink extends MemorySink {
  override async beginRun(run: Run): Promise<void> {
    const last = this.runs.at(-1)?.end?.endUs ?? 0;
    if (run.startUs < last) throw new Error(`a run began at ${run.startUs}, before ${last}`);
    if (this.runs.some((each) => each.run.id === run.id)) throw new Error('two runs have one id');
    await super.beginRun(run);
  }

  override async fragment(fragment: CapturedFragment): Promise<void> {
    await super.fragment({ ...fragment, bytes: fragment.bytes.slice() });
  }
}

function numberOf({ bytes }: CapturedFragment): number {
  return new DataView(bytes.buffer).getUint32(0);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('an event is stored with what was before and after it, as one run that begins at a keyframe', async () => {
  const scene = new Scene();
  await scene.begin();
  await scene.play(23);
  assert.equal(scene.gate.recording, 'waiting');
  assert.deepEqual(scene.stored, []);
  await scene.motion(true);
  assert.equal(scene.gate.recording, 'event');
  // One second before lies in the group that began with the 15th; what is held is stored at once.
  assert.deepEqual(scene.stored, [range(15, 23)]);
  await scene.play(9);
  await scene.motion(false);
  // Two seconds after, and then up to the next keyframe: 32 + 10 fragments, rounded up to 45.
  await scene.play(30);
  assert.deepEqual(scene.stored, [range(15, 45)]);
  assert.equal(scene.gate.recording, 'waiting');
  const run = scene.vault.runs.at(-1)!;
  assert.equal(run.run.startUs, run.fragments[0]!.startUs);
  assert.deepEqual(run.end?.cause, 'unwanted');
  assert.equal(run.end?.endUs, run.fragments.at(-1)!.endUs);
  await scene.end('stopped');
  assert.deepEqual(scene.live.fragments.map(numberOf), range(0, 62), 'live had everything');
  assert.deepEqual(scene.live.causes, ['stopped'], 'the camera had one run');
});

test('an event that follows closely leaves no hole', async () => {
  const scene = new Scene({ afterMs: 1_000 });
  await scene.begin();
  await scene.play(12);
  await scene.motion(null);
  await scene.play(11); // the time after is over at 17, the group at 20
  assert.deepEqual(scene.stored, [range(5, 20)]);
  await scene.motion(null);
  await scene.play(10);
  assert.deepEqual(scene.stored[1]!.slice(0, 5), range(20, 25));
});

test('while nobody can tell of events everything is stored, with what was just before', async () => {
  const scene = new Scene();
  await scene.begin();
  await scene.play(14);
  scene.activity.connect(false);
  assert.equal(scene.gate.recording, 'unsure');
  await scene.play(30);
  assert.deepEqual(scene.stored, [range(5, 44)]);
  // What goes on is told anew; what was told before counts until now and no longer.
  await scene.motion(true);
  scene.activity.connect(true);
  assert.equal(scene.gate.recording, 'event');
  await scene.clock.advance(2_001);
  assert.equal(scene.gate.recording, 'waiting');
});

test('a camera that is silenced while it waits for an event leaves its last picture, and the true cause', async () => {
  const scene = new Scene();
  await scene.begin();
  await scene.play(14);
  await scene.end('unreachable');
  assert.deepEqual(scene.stored, [range(5, 14)]);
  assert.equal(scene.vault.causes.at(-1), 'unreachable');
  await scene.clock.advance(5_000);
  await scene.begin();
  await scene.play(3);
  await scene.end('stopped');
  assert.deepEqual(scene.stored, [range(5, 14)], 'an orderly end is no alarm');
  assert.deepEqual(scene.vault.causes, ['unwanted', 'unreachable', 'unwanted', 'stopped']);
});

test('outside its times nothing is stored or held, and the first picture inside them is a keyframe', async () => {
  const scene = new Scene({ mode: 'always' });
  await scene.begin();
  await scene.play(7);
  await scene.schedule(false);
  assert.equal(scene.gate.recording, 'schedule');
  assert.equal(scene.vault.causes.at(-1), 'unwanted', 'the run ends at the edge, not with the next fragment');
  await scene.play(10);
  assert.equal(scene.gate.held.sizeBytes, 0);
  await scene.schedule(true);
  await scene.play(10);
  assert.deepEqual(scene.stored, [range(0, 7), range(20, 27)]);

  const waiting = new Scene();
  waiting.scheduled = false;
  await waiting.begin();
  await waiting.play(7);
  await waiting.motion(true);
  await waiting.schedule(true);
  await waiting.play(8);
  assert.deepEqual(waiting.stored, [range(10, 15)], 'no picture from before the edge');
});

test('a stream that is never stored asks nothing of the vault, and other rules hold from then on', async () => {
  const scene = new Scene({ mode: 'never' });
  await scene.begin();
  await scene.play(7);
  await scene.end('unreachable');
  await scene.gate.refused({ cause: 'foreign', atUs: scene.clock.nowUs() });
  assert.equal(scene.vault.runs.length, 0);
  assert.equal(scene.live.fragments.length, 7);
  await scene.begin();
  await scene.play(6);
  scene.gate.rules({ ...scene.rule, mode: 'always' });
  await scene.play(7);
  assert.deepEqual(scene.stored, [range(15, 20)]);
  scene.gate.rules({ ...scene.rule, mode: 'never' });
  await scene.clock.advance(0);
  assert.equal(scene.vault.causes.at(-1), 'unwanted');
});

test('a refusal is told as the cause of the gap, once', async () => {
  const scene = new Scene({ mode: 'always' });
  await scene.begin();
  await scene.play(6);
  await scene.end('ended');
  for (let i = 0; i < 3; i++) await scene.gate.refused({ cause: 'foreign', atUs: scene.clock.nowUs() });
  assert.deepEqual(scene.vault.causes, ['ended', 'foreign']);
});

test('events of other kinds start nothing; of several regions the last one counts', async () => {
  const scene = new Scene();
  await scene.begin();
  await scene.motion(true, null, 'input');
  assert.equal(scene.gate.recording, 'waiting');
  await scene.motion(true, 'door');
  await scene.motion(true, 'gate');
  await scene.motion(false, 'door');
  await scene.clock.advance(60_000);
  assert.equal(scene.gate.recording, 'event');
  await scene.motion(false, 'gate');
  await scene.motion(false, 'never begun');
  await scene.clock.advance(1_999);
  assert.equal(scene.gate.recording, 'event');
  await scene.clock.advance(2);
  assert.equal(scene.gate.recording, 'waiting');
  // A camera with more names than anybody has regions is held to a bound, and stays on the safe side.
  for (let i = 0; i < 5_000; i++)
    scene.activity.tell({ kind: 'motion', active: true, name: `r${i}`, at: scene.clock.now() });
  for (let i = 0; i < 5_000; i++)
    scene.activity.tell({ kind: 'motion', active: false, name: `r${i}`, at: scene.clock.now() });
  await scene.clock.advance(60_000);
  assert.equal(scene.gate.recording, 'event');
  scene.activity.connect(false);
  scene.activity.connect(true);
  await scene.clock.advance(2_001);
  assert.equal(scene.gate.recording, 'waiting');
});

test('memory for pre-roll is bounded for a stream and for the node, and who holds most gives first', async () => {
  const budget = new PrerollBudget(6_000);
  const small = new Scene({ beforeMs: 60_000 }, budget);
  const large = new Scene({ beforeMs: 60_000 }, budget);
  await small.begin();
  await large.begin();
  await small.play(2, { size: 100 });
  for (let i = 0; i < 20; i++) {
    await large.play(5, { size: 400 });
    assert.ok(budget.usedBytes <= 6_000);
  }
  assert.ok(large.gate.held.cut > 0);
  assert.equal(small.gate.held.cut, 0);
  await small.motion(true);
  assert.deepEqual(small.stored, [[0, 1]]);
  await large.motion(true);
  const [kept] = large.stored;
  assert.equal(kept![0]! % 5, 0, 'whole groups went');
  assert.equal(kept!.at(-1), 99);
  assert.equal(budget.usedBytes, 0);

  // A group that fits nowhere is not held in part.
  const huge = new Scene({}, new PrerollBudget(1_000));
  await huge.begin();
  await huge.play(4, { size: 400 });
  assert.equal(huge.gate.held.sizeBytes, 0);
  assert.equal(huge.gate.held.cut, 2);
});

test('a vault that fails between two fragments ends the run with the next one', async () => {
  const scene = new Scene();
  await scene.begin();
  await scene.play(6);
  scene.vault.beginRun = async () => {
    throw new NvrError('ERR_TEST_FULL', 'exhausted', 'no room');
  };
  await scene.motion(true);
  await assert.rejects(scene.play(1), { code: 'ERR_TEST_FULL' });
  await scene.end('full');
  assert.equal(scene.live.causes.at(-1), 'full');
  // Who only watches is not disturbed by a disk that takes nothing.
  scene.activity.connect(false);
  scene.activity.connect(true);
  await scene.motion(false);
  await scene.clock.advance(10_000);
  await scene.begin();
  await scene.play(5);
  assert.equal(scene.live.fragments.length, 11);
});

type Step =
  | { do: 'play'; keyframe: boolean; times: number }
  | { do: 'motion'; active: boolean | null }
  | { do: 'connect'; on: boolean }
  | { do: 'schedule'; on: boolean }
  | { do: 'mode'; mode: RecordMode }
  | { do: 'pass'; ms: number }
  | { do: 'end'; cause: GapCause };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('play' as const),
        keyframe: fc.boolean(),
        times: fc.integer({ min: 1, max: 6 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('motion' as const), active: fc.constantFrom(true, false, null) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('connect' as const), on: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('schedule' as const), on: fc.boolean() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('mode' as const),
        mode: fc.constantFrom<RecordMode>('always', 'event', 'event', 'never'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 4_000 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('end' as const),
        cause: fc.constantFrom<GapCause>('ended', 'changed', 'stopped', 'unreachable'),
      }),
    },
  ),
  { maxLength: 60 },
);

test('whatever the order of events: runs begin at keyframes, nothing wanted is lost, nothing unwanted is kept', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const scene = new Scene();
      /** What was decided when each fragment passed, and whether recording was forbidden since the one before. */
      const passed: { keyframe: boolean; state: RecordingState; run: number; forbidden: boolean; atMs: number }[] = [];
      /** Moments at which something was wanted. */
      const wanted: number[] = [];
      let forbidden = false;
      let running = false;
      const look = () => {
        const state = scene.gate.recording;
        if (STORED.includes(state)) wanted.push(scene.clock.monotonic());
        if (state === 'never' || state === 'schedule') forbidden = true;
      };
      for (const step of list) {
        if (step.do === 'play') {
          if (!running) await scene.begin();
          for (let i = 0; i < step.times; i++) {
            // A recorder's run begins with a keyframe.
            const keyframe = !running || (step.keyframe && i === 0);
            running = true;
            await scene.fragment(keyframe);
            const state = scene.gate.recording;
            passed.push({ keyframe, state, run: scene.runs, forbidden, atMs: scene.clock.monotonic() });
            forbidden = false;
            look();
          }
        } else if (step.do === 'motion') await scene.motion(step.active);
        else if (step.do === 'connect') scene.activity.connect(step.on);
        else if (step.do === 'schedule') await scene.schedule(step.on);
        else if (step.do === 'mode') scene.gate.rules({ ...scene.rule, mode: step.mode });
        else if (step.do === 'pass') await scene.clock.advance(step.ms);
        else if (running) {
          if (scene.gate.recording === 'waiting' && SILENCED.includes(step.cause)) wanted.push(scene.clock.monotonic());
          await scene.end(step.cause);
          running = false;
        }
        look();
        await scene.clock.advance(0);
      }
      if (running) await scene.end('stopped');

      assert.deepEqual(scene.live.fragments.map(numberOf), range(0, passed.length), 'live had everything once');
      const stored = scene.stored.flat();
      assert.deepEqual(
        stored,
        [...new Set(stored)].sort((a, b) => a - b),
        'nothing twice, nothing out of order',
      );
      const has = new Set(stored);
      for (const run of scene.stored) {
        assert.equal(passed[run[0]!]!.keyframe, true);
        assert.deepEqual(run, range(run[0]!, run[0]! + run.length), 'no hole inside a run');
        assert.equal(new Set(run.map((n) => passed[n]!.run)).size, 1, 'no run goes over the end of another');
      }
      for (const [n, { state, run, atMs }] of passed.entries()) {
        let first = n;
        while (!passed[first]!.keyframe && passed[first]!.run === run) first--;
        const group = passed.slice(first, n + 1);
        const allowed = group.every(
          (each, i) => (STORED.includes(each.state) || each.state === 'waiting') && (i === 0 || !each.forbidden),
        );
        if (STORED.includes(state) && allowed) assert.ok(has.has(n), `fragment ${n} was wanted`);
        if (!has.has(n)) continue;
        assert.ok(state !== 'never' && state !== 'schedule', `fragment ${n} was stored while that was forbidden`);
        if (STORED.includes(state)) continue;
        // Held before: from the keyframe that was the newest one `before` ahead of something wanted. Or the rest of a group.
        const next = passed.findIndex((each, i) => i > n && each.keyframe && each.run === run);
        const untilMs = (passed[next]?.atMs ?? Number.POSITIVE_INFINITY) + scene.rule.beforeMs;
        // What is held grows old with the fragments that come, not while a camera is silent.
        const newest = (ms: number) => passed.findLast((each) => each.atMs <= ms)!.atMs;
        const before = wanted.some((ms) => ms >= atMs && newest(ms) <= untilMs);
        const rest = wanted.some((ms) => ms <= atMs && ms + FRAGMENT_MS >= passed[first]!.atMs);
        assert.ok(before || rest, `fragment ${n} was stored for nothing`);
      }
    }),
    // This beginning was found by chance: a camera that falls silent, then an event.
    {
      numRuns: process.env['SLOW'] ? 5_000 : 300,
      examples: [
        [
          [
            { do: 'play', keyframe: false, times: 1 },
            { do: 'play', keyframe: true, times: 1 },
            { do: 'pass', ms: 1_001 },
            { do: 'motion', active: true },
          ],
        ],
      ],
    },
  );
});
