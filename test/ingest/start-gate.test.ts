import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../src/ingest/backoff.ts';
import { createRecorder, StartGate } from '../../src/ingest/index.ts';
import { parseCameraUrl } from '../../src/media/index.ts';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { FakeProcesses } from '../support/fake-processes.ts';
import { MemorySink } from '../support/memory-sink.ts';
import { noDatagrams, noSockets } from '../support/no-network.ts';

const never = new AbortController().signal;

/** Cameras that try, fail or succeed, and pause as a recorder does; without ffmpeg. */
class Herd {
  readonly clock = new SimulatedClock();
  readonly gate = new StartGate(this.clock);
  readonly random = new SeededRandom(9);
  /** When each camera records, monotonic ms, or null. */
  readonly running: (number | null)[] = [];
  up: (camera: number) => boolean = () => false;
  mostAtOnce = 0;
  longestWaitMs = 0;
  tries = 0;

  /** One camera for ever: a silent one answers nothing for ten seconds, a live one shows its picture after `pictureMs`. */
  async live(camera: number, pictureMs: number): Promise<void> {
    const backoff = new Backoff(this.random);
    this.running[camera] = null;
    while (this.running[camera] === null) {
      const askedMs = this.clock.monotonic();
      const begun = await this.gate.enter(never);
      const queuedMs = this.clock.monotonic() - askedMs;
      this.longestWaitMs = Math.max(this.longestWaitMs, queuedMs);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.gate.load.inFlight);
      this.tries++;
      if (this.up(camera)) {
        await this.clock.sleep(pictureMs);
        this.running[camera] = this.clock.monotonic();
        begun();
        return;
      }
      await this.clock.sleep(camera % 2 === 0 ? 5 : 3_000); // refused at once, or silent
      begun();
      await this.clock.sleep(Math.max(0, backoff.next(false) - queuedMs));
    }
  }
}

test('200 cameras that return together begin a few at a time, and none waits long', async () => {
  const herd = new Herd();
  for (let i = 0; i < 200; i++) void herd.live(i, 1_300);
  await herd.clock.advance(120_000);
  assert.ok(herd.mostAtOnce <= 8, `${herd.mostAtOnce} starts at once`);
  assert.ok(herd.longestWaitMs < 7_500, `one waited ${herd.longestWaitMs} ms`);
  assert.ok(herd.tries < 200 * 120, 'tries are bounded');
  const backMs = herd.clock.monotonic();
  herd.up = () => true;
  await herd.clock.advance(40_000);
  const took = herd.running.map((at) => (at ?? Number.POSITIVE_INFINITY) - backMs);
  assert.ok(Math.max(...took) < 20_000, `the last recorded after ${Math.max(...took)} ms`);
  assert.deepEqual(herd.gate.load, { inFlight: 0, waiting: 0 });
});

test('of 64 cameras that are gone, whichever returns records within ten seconds', async () => {
  const herd = new Herd();
  for (let i = 0; i < 64; i++) void herd.live(i, 1_000);
  await herd.clock.advance(60_000);
  const took: number[] = [];
  for (let i = 0; i < 32; i++) {
    const backMs = herd.clock.monotonic();
    const { up } = herd;
    herd.up = (camera) => up(camera) || camera === i;
    await herd.clock.advance(15_000);
    took.push((herd.running[i] ?? Number.POSITIVE_INFINITY) - backMs);
  }
  assert.ok(
    took.every((ms) => ms > 0 && ms < 12_000),
    `${took}`,
  );
  const within = took.sort((a, b) => a - b)[Math.floor(took.length * 0.95)]!;
  assert.ok(within <= 10_000, `95% took ${within} ms`);
});

test('turns come in the order they were asked for; who gives up makes room', async () => {
  const clock = new SimulatedClock();
  const gate = new StartGate(clock, 1);
  const order: number[] = [];
  const first = await gate.enter(never);
  const leaving = new AbortController();
  const left = gate.enter(leaving.signal).catch((reason) => reason);
  const turns = [1, 2].map(async (n) => {
    const begun = await gate.enter(never);
    order.push(n);
    return begun;
  });
  leaving.abort('gone');
  assert.equal(await left, 'gone');
  assert.deepEqual(gate.load, { inFlight: 1, waiting: 2 });
  first();
  (await turns[0]!)();
  (await turns[1]!)();
  assert.deepEqual(order, [1, 2]);
  assert.deepEqual(gate.load, { inFlight: 0, waiting: 0 });
  await assert.rejects(gate.enter(AbortSignal.abort('over')));
});

test('a start that never says how it ended counts for two seconds alone, and shorter where others wait', async () => {
  const clock = new SimulatedClock();
  const gate = new StartGate(clock, 1);
  await gate.enter(never);
  let turn = false;
  void gate.enter(never).then(() => {
    turn = true;
  });
  await clock.advance(1_300);
  assert.equal(turn, false);
  await clock.advance(50);
  assert.equal(turn, true);
  await clock.advance(1_999);
  let second = false;
  void gate.enter(never).then(() => {
    second = true;
  });
  await clock.advance(0);
  assert.equal(second, true);
});

test('a recorder waits for its turn, and one that may not begin says why and asks again a minute later', async () => {
  const clock = new SimulatedClock();
  const processes = new FakeProcesses();
  const startGate = new StartGate(clock, 1);
  const told: { cause: string; atUs: number }[] = [];
  const sink = Object.assign(new MemorySink(), {
    refused: async (refusal: (typeof told)[0]) => void told.push(refusal),
  });
  let answer: { cause: 'foreign'; reason: string } | null = { cause: 'foreign', reason: 'another camera answers' };
  let asked = 0;
  const recorder = createRecorder(
    {
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      processes,
      sockets: noSockets,
      datagrams: noDatagrams,
      sink,
      startGate,
    },
    {
      ...{
        camera: parseCameraUrl('rtsp://cam.lan/1'),
        enabled: true,
        transport: 'auto',
        audio: 'none',
        reader: 'ffmpeg',
      },
      ...{ notBeforeUs: 0, ffmpeg: 'ffmpeg' },
      mayBegin: async () => {
        asked++;
        return answer;
      },
    } as Parameters<typeof createRecorder>[1],
  );
  const spawned = () => processes.children.length;
  await recorder.start();
  await clock.advance(1);
  const { state, cause, reason, retryAt, restarts } = recorder.status();
  assert.deepEqual(
    { state, cause, reason, restarts },
    { state: 'failed', cause: 'foreign', reason: answer.reason, restarts: 0 },
  );
  assert.ok(retryAt! >= clock.now() + 59_990 && retryAt! <= clock.now() + 65_000);
  assert.deepEqual(
    told.map((each) => each.cause),
    ['foreign'],
  );
  await clock.advance(59_000);
  assert.equal(asked, 1);
  await clock.advance(7_000);
  assert.equal(asked, 2);

  // The right camera is back: nobody waits for the minute.
  answer = null;
  const occupied = await startGate.enter(never);
  recorder.reconsider();
  await clock.advance(100);
  assert.equal(asked, 3);
  assert.equal(spawned(), 0, 'it waits for its turn');
  occupied();
  await clock.advance(1);
  assert.equal(spawned(), 1);
  await recorder.stop();

  // Who is stopped while it waits starts nothing.
  const gate = new StartGate(clock, 1);
  await gate.enter(never);
  const waiting = createRecorder(
    {
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      processes,
      sockets: noSockets,
      datagrams: noDatagrams,
      sink,
      startGate: gate,
    },
    {
      camera: parseCameraUrl('rtsp://cam.lan/1'),
      enabled: true,
      transport: 'auto',
      audio: 'none',
      notBeforeUs: 0,
      ffmpeg: 'ffmpeg',
    },
  );
  await waiting.start();
  await clock.advance(1);
  await waiting.stop();
  assert.equal(spawned(), 1);
});
