import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NvrError } from '../../src/errors.ts';
import { createRecorder, type Recorder, type RecorderOptions } from '../../src/ingest/index.ts';
import {
  type Fragment,
  FragmentReader,
  findBox,
  type ParsedInit,
  parseCameraUrl,
  parseFragment,
  readPrft,
  rebaseFragment,
} from '../../src/media/index.ts';
import { type Log, type LogFields, SeededRandom, SimulatedClock } from '../../src/platform/index.ts';
import { FakeProcesses } from '../support/fake-processes.ts';
import { MemorySink } from '../support/memory-sink.ts';
import { noDatagrams, noSockets } from '../support/no-network.ts';
import { type SampleMedia, sampleMedia } from '../support/sample-media.ts';

const PASSWORD = 'correct horse';
const ATTEMPT_MS_MAX = 8_000;

interface Movie {
  init: ParsedInit;
  fragments: Fragment[];
}

function movie(options: SampleMedia = {}): Movie {
  const [first, ...rest] = new FragmentReader().push(sampleMedia(options));
  assert.ok(first && 'init' in first);
  return { init: first.init, fragments: rest.flatMap((item) => ('fragment' in item ? item.fragment : [])) };
}

/** A fragment moved in media time by so many seconds. */
function moved(fragment: Fragment, init: ParsedInit, bySeconds: number): Uint8Array {
  const subtract = new Map(init.tracks.map((track) => [track.id, BigInt(Math.round(-bySeconds * track.timescale))]));
  return rebaseFragment(fragment.bytes, init, { sequence: 1, subtract });
}

/** A recorder whose children, clock and sink are in the hands of a test. */
class Scene {
  readonly clock = new SimulatedClock();
  readonly processes = new FakeProcesses();
  readonly sink = new MemorySink();
  readonly lines: string[] = [];
  readonly states: string[] = [];
  readonly steps: number[] = [];
  readonly recorder: Recorder;

  constructor(options: Partial<RecorderOptions> = {}, sink?: Partial<MemorySink>) {
    const note = (fields: LogFields, text: string) => void this.lines.push(`${text} ${JSON.stringify(fields)}`);
    const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
    Object.assign(this.sink, sink);
    this.recorder = createRecorder(
      {
        clock: this.clock,
        random: new SeededRandom(4),
        log,
        processes: this.processes,
        sockets: noSockets,
        datagrams: noDatagrams,
        sink: this.sink,
      },
      {
        camera: parseCameraUrl(`rtsp://admin:${encodeURIComponent(PASSWORD)}@cam.lan/stream1`),
        enabled: true,
        transport: 'auto',
        audio: 'keep',
        notBeforeUs: 0,
        ffmpeg: 'ffmpeg',
        reader: 'ffmpeg',
        onClockStep: (stepUs) => void this.steps.push(stepUs),
        ...options,
      },
    );
    this.recorder.onState((status) => void this.states.push(status.state));
  }

  get child() {
    return this.processes.last;
  }

  /** Lets time pass, and everything that waits for it happen. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async start(): Promise<this> {
    await this.recorder.start();
    await this.pass(0);
    return this;
  }

  /** Fragments as they come from a camera, one each 200 ms. */
  async play(fragments: readonly (Fragment | Uint8Array)[]): Promise<void> {
    for (const fragment of fragments) {
      await this.pass(200);
      this.child.write(fragment instanceof Uint8Array ? fragment : fragment.bytes);
      await this.pass(0);
    }
  }

  /** Plays a movie over and over, on one media time, for so many seconds from `from` on. */
  async playOn({ init, fragments }: Movie, from: number, seconds: number): Promise<void> {
    for (let i = from * 5; i < (from + seconds) * 5; i++) {
      const round = Math.floor(i / fragments.length);
      await this.play([moved(fragments[i % fragments.length]!, init, round * 4)]);
    }
  }

  /** The child's last words and its end. */
  async fail(...words: string[]): Promise<void> {
    for (const line of words) this.child.say(line);
    this.child.end({ code: 1, signal: null });
    await this.pass(0);
  }
}

const plain = movie({ inBand: true });
const REFUSED = '[tcp @ 0x5] [error] Connection to tcp://cam.lan failed: Connection refused';
const DENIED = '[rtsp @ 0x5] [error] method DESCRIBE failed: 401 Unauthorized';

test('a run begins at a keyframe, tiles, carries its wall time and ends as stopped', async () => {
  const scene = await new Scene().start();
  assert.deepEqual(scene.states, ['starting']);
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments.slice(2, 5));
  assert.equal(scene.recorder.status().droppedFragments, 3, 'nothing can be shown before a keyframe');
  assert.deepEqual(scene.states, ['starting']);
  await scene.play(plain.fragments.slice(5));
  assert.deepEqual(scene.states, ['starting', 'running']);
  const status = scene.recorder.status();
  assert.equal(status.gopMs, 1_000);
  assert.equal(status.framesPerSecond, 25);
  assert.ok(status.bitsPerSecond! > 0);
  assert.equal(status.lastFragmentAt, scene.clock.now());
  assert.equal(status.tracks[0]!.width, 160);

  await scene.recorder.stop();
  const [run] = scene.sink.runs;
  assert.equal(run!.fragments.length, plain.fragments.length - 5);
  assert.match(run!.run.id, /^[0-9a-f]{32}$/);
  assert.equal(run!.end!.cause, 'stopped');
  assert.equal(run!.end!.endUs, run!.fragments.at(-1)!.endUs);
  for (const [i, captured] of run!.fragments.entries()) {
    const source = plain.fragments[i + 5]!;
    assert.deepEqual(captured.bytes.subarray(32), source.bytes, 'media boxes are not rewritten');
    const reference = readPrft(captured.bytes, findBox(captured.bytes, 'prft')!);
    const mediaTime = source.tracks[0]!.baseDecodeTime;
    assert.deepEqual(reference, { trackId: 1, wallUs: captured.startUs, mediaTime });
    assert.equal(captured.videoDecodeTime, mediaTime);
    assert.ok(Math.abs(captured.endUs - captured.startUs - 200_000) <= 1_000);
  }
  assert.equal(scene.recorder.status().tracks.length, 0);
});

test('the address goes in by standard input; no argument, log line or status holds the password', async () => {
  const scene = await new Scene().start();
  assert.ok(scene.child.input.includes(encodeURIComponent(PASSWORD)));
  await scene.fail(
    `[concat] [error] Impossible to open 'rtsp://admin:${encodeURIComponent(PASSWORD)}@cam.lan/stream1'`,
  );
  const told = JSON.stringify([scene.lines, scene.recorder.status(), scene.child.args]);
  assert.ok(scene.lines.length > 0);
  assert.doesNotMatch(told, /horse|admin|cam\.lan/);
});

test('a camera that is not there is tried for ever, with growing waits, and found at once when it comes', async () => {
  const scene = await new Scene().start();
  for (let i = 0; i < 50; i++) {
    await scene.fail(REFUSED);
    const status = scene.recorder.status();
    assert.equal(status.state, 'backoff');
    assert.equal(status.cause, 'unreachable');
    const waitMs = status.retryAt! - scene.clock.now();
    assert.ok(waitMs >= 0 && waitMs <= ATTEMPT_MS_MAX, `${waitMs}`);
    await scene.pass(waitMs + 1);
    assert.equal(scene.processes.children.length, i + 2);
    assert.equal(scene.recorder.status().transport, 'tcp', 'the other transport would be refused as well');
  }
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  assert.equal(scene.recorder.status().state, 'running');
  assert.equal(scene.recorder.status().restarts, 50);
  await scene.recorder.stop();
});

test('a refused password is tried once a minute after the third time, and said to need a person', async () => {
  const scene = await new Scene().start();
  const startedAt = scene.clock.now();
  while (scene.clock.now() - startedAt < 10 * 60_000) {
    await scene.fail(DENIED);
    await scene.pass(scene.recorder.status().retryAt! - scene.clock.now() + 1);
  }
  assert.ok(scene.processes.children.length <= 13, `${scene.processes.children.length} tries in ten minutes`);
  await scene.fail(DENIED);
  assert.equal(scene.recorder.status().state, 'failed');
  assert.equal(scene.recorder.status().reason, 'the camera refused the user name or password');
  await scene.recorder.stop();
});

test('silence is a stall after ten seconds, or after three GOPs where those are longer', async () => {
  const scene = await new Scene().start();
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  await scene.pass(9_400);
  assert.equal(scene.recorder.status().state, 'running');
  scene.child.deaf = true;
  await scene.pass(1_200);
  assert.equal(scene.recorder.status().state, 'stalled');
  assert.equal(scene.child.stops, 1);
  scene.child.end({ code: null, signal: 'SIGKILL' });
  await scene.pass(0);
  assert.deepEqual(scene.sink.causes, ['stalled']);
  await scene.recorder.stop();

  const slow = await new Scene().start();
  slow.child.write(plain.init.bytes);
  const lengthened = (i: number) => moved(plain.fragments[0]!, plain.init, i * 6);
  for (let i = 0; i < 4; i++) {
    slow.child.write(lengthened(i));
    await slow.pass(6_000);
  }
  await slow.pass(10_000);
  assert.equal(slow.recorder.status().state, 'running', 'sixteen seconds are not three GOPs of six');
  await slow.pass(3_000);
  assert.deepEqual(slow.sink.causes, ['stalled']);
  await slow.recorder.stop();
});

test('a camera that connects and sends nothing is unreachable, and by turns tried over UDP', async () => {
  const scene = await new Scene().start();
  const transports: string[] = [];
  for (let i = 0; i < 6; i++) {
    transports.push(/option rtsp_transport (\w+)/.exec(scene.child.input)![1]!);
    await scene.pass(11_000);
    assert.equal(scene.recorder.status().cause, 'unreachable');
    await scene.pass(ATTEMPT_MS_MAX);
  }
  assert.deepEqual(transports, ['tcp', 'tcp', 'udp', 'tcp', 'tcp', 'udp']);
  await scene.recorder.stop();
});

test('a refused transport is tried the other way at once, and TCP first again after a run', async () => {
  const scene = await new Scene().start();
  await scene.fail('[rtsp @ 0x5] [error] method SETUP failed: 461 Unsupported transport');
  assert.equal(scene.processes.children.length, 2);
  assert.equal(scene.recorder.status().transport, 'udp');
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  await scene.fail();
  assert.deepEqual(scene.sink.causes, ['ended']);
  assert.equal(scene.recorder.status().transport, 'tcp');
  await scene.recorder.stop();

  const fixed = await new Scene({ transport: 'udp' }).start();
  await fixed.fail('[rtsp @ 0x5] [error] method SETUP failed: 461 Unsupported transport');
  assert.equal(fixed.recorder.status().transport, 'udp');
  assert.equal(fixed.recorder.status().state, 'backoff');
  await fixed.recorder.stop();
});

test('sound that cannot be copied is transcoded or dropped, at once', async () => {
  const complaint =
    '[mp4 @ 0x5] [error] Could not find tag for codec pcm_alaw in stream #1, codec not currently supported in container';
  for (const [audio, expected] of [
    ['keep', 'transcode'],
    ['copy', 'none'],
  ] as const) {
    const scene = await new Scene({ audio }).start();
    await scene.fail(complaint, 'Conversion failed!');
    assert.equal(scene.processes.children.length, 2);
    assert.equal(scene.recorder.status().audio, expected);
    if (audio === 'keep') {
      await scene.fail('[aost#0:1] [error] aac bitstream error', 'Conversion failed!');
      assert.equal(scene.recorder.status().audio, 'none', 'what cannot even be transcoded is left out');
    }
    await scene.recorder.stop();
  }
});

test('sound that keeps ending runs is left out: it never costs the picture', async () => {
  const scene = await new Scene().start();
  const transcoded: boolean[] = [];
  for (let i = 0; i < 8 && scene.recorder.status().audio !== 'none'; i++) {
    transcoded.push(scene.child.args.includes('aac'));
    scene.child.write(plain.init.bytes);
    await scene.play(plain.fragments.slice(0, 8));
    await scene.fail('[mp4 @ 0x5] [error] Malformed AAC bitstream detected: aac bitstream error');
    await scene.pass(ATTEMPT_MS_MAX);
  }
  assert.equal(scene.recorder.status().audio, 'none');
  assert.deepEqual(transcoded, [false, false, false, true, true, true]);
  await scene.recorder.stop();
});

test('another picture size ends the run at its keyframe and begins the next without waiting', async () => {
  const scene = await new Scene().start();
  const large = movie({ inBand: true, size: '320x180' });
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  await scene.play([moved(large.fragments[0]!, plain.init, 4)]);
  assert.deepEqual(scene.sink.causes, ['changed']);
  assert.equal(scene.sink.fragments.length, plain.fragments.length, 'nothing of the new size is in the old run');
  assert.equal(scene.processes.children.length, 2, 'no waiting');
  scene.child.write(large.init.bytes);
  await scene.play(large.fragments);
  assert.equal(scene.sink.runs.length, 2);
  assert.equal(scene.sink.runs[1]!.run.init.tracks[0]!.width, 320);
  await scene.recorder.stop();
});

test('a camera whose description is stale is recorded all the same', async () => {
  // The description says 160x96, every keyframe says 320x180.
  const scene = await new Scene().start();
  const large = movie({ inBand: true, size: '320x180' });
  scene.child.write(plain.init.bytes);
  await scene.play(large.fragments.slice(0, 1));
  scene.child.write(plain.init.bytes);
  await scene.play(large.fragments);
  assert.equal(scene.processes.children.length, 2);
  assert.equal(scene.recorder.status().state, 'running');
  assert.equal(scene.sink.fragments.length, large.fragments.length);
  await scene.recorder.stop();

  // The same size with other details is taken from the first keyframe on.
  const detail = await new Scene().start();
  const faster = movie({ inBand: true, fps: 50, gop: 50 });
  detail.child.write(plain.init.bytes);
  await detail.play(faster.fragments.slice(0, 8));
  assert.equal(detail.recorder.status().state, 'running');
  assert.equal(detail.processes.children.length, 1);
  await detail.recorder.stop();
});

test('a camera that changes without end is not run after without a pause', async () => {
  const scene = await new Scene().start();
  const large = movie({ inBand: true, size: '320x180' });
  for (let i = 0; i < 6 && scene.recorder.status().state !== 'backoff'; i++) {
    scene.child.write(plain.init.bytes);
    await scene.play([...plain.fragments.slice(0, 5), large.fragments[0]!]);
  }
  assert.equal(scene.recorder.status().state, 'backoff');
  assert.equal(scene.processes.children.length, 5);
  await scene.recorder.stop();
});

test('timestamps that jump end the run; the timeline does not follow them', async () => {
  for (const bySeconds of [3_600, -2]) {
    const scene = await new Scene().start();
    scene.child.write(plain.init.bytes);
    await scene.playOn(plain, 0, 12);
    const before = scene.sink.fragments.length;
    await scene.play([moved(plain.fragments[0]!, plain.init, 12 + bySeconds)]);
    assert.deepEqual(scene.sink.causes, ['timestamps'], `${bySeconds}`);
    assert.equal(scene.sink.fragments.length, before);
    assert.equal(scene.recorder.status().droppedFragments, 1);
    assert.ok(Math.abs(scene.sink.runs[0]!.end!.endUs - scene.clock.nowUs()) < 500_000);
    scene.child.write(plain.init.bytes);
    await scene.playOn(plain, 0, 2);
    assert.equal(scene.sink.runs.length, 2, 'the next child records at once');
    assert.ok(scene.sink.runs[1]!.run.startUs >= scene.sink.runs[0]!.end!.endUs);
    await scene.recorder.stop();
  }
});

test('what ffmpeg says of timestamps going back ends the run before a squeezed fragment arrives', async () => {
  const scene = await new Scene().start();
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  const { timescale } = plain.init.tracks[0]!;
  const line = (ticks: number) =>
    `[mp4 @ 0x5] [warning] Non-monotonous DTS in output stream 0:0; previous: ${900_000}, current: ${900_000 - ticks}; changing to 900001.`;
  scene.child.say(line(timescale / 10));
  await scene.pass(0);
  assert.deepEqual(scene.sink.causes, [null], 'disorder of some pictures is not a jump');
  scene.child.say(line(timescale * 5));
  await scene.pass(0);
  assert.deepEqual(scene.sink.causes, ['timestamps']);
  assert.equal(scene.processes.children.length, 2);
  await scene.recorder.stop();
});

test('a first fragment whose time was a guess is re-timed, one that holds a jump is dropped', async () => {
  const single = movie({ inBand: true, fps: 5, gop: 5, seconds: 2 });
  const video = single.init.tracks[0]!;
  const fragments = single.fragments.filter((each) => each.tracks[0]!.sampleCount === 1);
  const longer = (fragment: Fragment, seconds: number) => {
    const bytes = fragment.bytes.slice();
    const at = parseFragment(bytes, single.init).parts[0]!.firstDurationAt!;
    new DataView(bytes.buffer).setUint32(at, Math.round(seconds * video.timescale));
    return bytes;
  };
  assert.ok(fragments[0]?.keyframe && fragments.length >= 8);
  const scene = await new Scene().start();
  await scene.pass(1_000);
  scene.child.write(single.init.bytes);
  await scene.play([longer(fragments[0], 0.9), ...fragments.slice(1, 5).map((each) => moved(each, single.init, 0.7))]);
  const [first, second] = scene.sink.fragments;
  assert.ok(Math.abs(first!.endUs - first!.startUs - 200_000) < 2_000, `${first!.endUs - first!.startUs}`);
  const { duration } = parseFragment(first!.bytes, single.init).tracks[0]!;
  assert.equal(first!.videoDecodeTime + BigInt(duration), second!.videoDecodeTime);
  await scene.recorder.stop();

  const jumping = await new Scene().start();
  jumping.child.write(single.init.bytes);
  await jumping.play([longer(fragments[0], 100), ...fragments.slice(1).map((each) => moved(each, single.init, 99.8))]);
  assert.equal(jumping.recorder.status().droppedFragments, 5, 'all until the next keyframe');
  assert.ok(jumping.sink.fragments.length > 2);
  assert.ok(Math.abs(jumping.sink.fragments.at(-1)!.endUs - jumping.clock.nowUs()) < 300_000);
  await jumping.recorder.stop();
});

test('the wall clock of a run does not jump when the calendar is set; far forward begins a new run', async () => {
  const scene = await new Scene().start();
  scene.child.write(plain.init.bytes);
  await scene.playOn(plain, 0, 2);
  scene.clock.step(-3_600_000);
  await scene.playOn(plain, 2, 2);
  assert.deepEqual(scene.sink.causes, [null]);
  scene.clock.step(3_600_000);
  await scene.playOn(plain, 4, 2);
  assert.deepEqual(scene.sink.causes, [null]);
  scene.clock.step(3_600_000);
  await scene.playOn(plain, 6, 3);
  assert.deepEqual(scene.sink.causes, ['clock', null]);
  assert.equal(scene.processes.children.length, 1, 'the same child goes on');
  assert.ok(Math.abs(scene.sink.runs[1]!.run.startUs - scene.sink.runs[0]!.end!.endUs - 3_600_000_000) < 2_000_000);
  assert.deepEqual(scene.steps, [-3_600_000_000, 3_600_000_000, 3_600_000_000]);
  await scene.recorder.stop();
});

test('a restart does not begin before what the stream already holds', async () => {
  const clock = new SimulatedClock();
  const notBeforeUs = clock.nowUs() + 30_000_000;
  const scene = await new Scene({ notBeforeUs }).start();
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  assert.equal(scene.sink.runs[0]!.run.startUs, notBeforeUs);
  await scene.recorder.stop();
});

test('garbage and endless boxes end a try as malformed, and are tried again', async () => {
  const endless = Uint8Array.of(0x7f, 255, 255, 255, ...Buffer.from('mdat'));
  for (const bytes of [new Uint8Array(100).fill(7), Buffer.concat([plain.init.bytes, endless])]) {
    const scene = await new Scene({ audio: 'none' }).start();
    scene.child.write(bytes);
    await scene.pass(0);
    assert.equal(scene.recorder.status().cause, 'malformed');
    assert.equal(scene.recorder.status().state, 'backoff');
    assert.ok(scene.child.stops > 0, 'the child is ended');
    await scene.pass(ATTEMPT_MS_MAX);
    assert.equal(scene.processes.children.length, 2);
    await scene.recorder.stop();
  }
});

test('a picture cut in two explains no end of a stream that gave pictures; one of a stream without any does', async () => {
  const cut = '[NULL @ 0x5] [error] missing picture in access unit with size 6';
  const scene = await new Scene().start();
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  await scene.fail(cut);
  assert.deepEqual(scene.sink.causes, ['ended']);
  await scene.pass(ATTEMPT_MS_MAX);
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  await scene.fail('pipe:0: Invalid data found when processing input');
  assert.deepEqual(scene.sink.causes, ['ended', 'malformed']);
  await scene.pass(ATTEMPT_MS_MAX);
  await scene.fail(cut);
  assert.equal(scene.recorder.status().cause, 'malformed');
  await scene.recorder.stop();
});

test('a slow sink holds the camera back instead of filling memory, and is not called a stall', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const scene = new Scene();
  const { sink } = scene;
  const store = sink.fragment.bind(sink);
  sink.fragment = async (fragment) => {
    await gate;
    await store(fragment);
  };
  await scene.start();
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments);
  assert.ok(scene.child.waiting >= plain.fragments.length - 4, 'what the sink cannot take stays in the pipe');
  await scene.pass(30_000);
  assert.deepEqual(sink.causes, [null]);
  assert.equal(scene.child.stops, 0);
  release();
  await scene.pass(0);
  await scene.pass(600);
  assert.equal(sink.fragments.length, plain.fragments.length);
  assert.equal(scene.recorder.status().state, 'running');
  await scene.recorder.stop();
});

test('a sink that fails ends the run with its cause, and is tried again after a wait', async () => {
  for (const [kind, cause] of [
    ['exhausted', 'full'],
    ['unavailable', 'storage'],
  ] as const) {
    const scene = new Scene();
    const store = scene.sink.fragment.bind(scene.sink);
    let broken = true;
    scene.sink.fragment = async (fragment) => {
      if (broken && scene.sink.fragments.length === 6) throw new NvrError('ERR_TEST', kind, 'no');
      await store(fragment);
    };
    await scene.start();
    scene.child.write(plain.init.bytes);
    await scene.play(plain.fragments);
    assert.deepEqual(scene.sink.causes, [cause]);
    assert.equal(scene.recorder.status().state, 'backoff');
    broken = false;
    await scene.pass(ATTEMPT_MS_MAX);
    scene.child.write(plain.init.bytes);
    await scene.play(plain.fragments);
    assert.equal(scene.recorder.status().state, 'running');
    await scene.recorder.stop();
  }
});

test('stop stores what the child writes last, and a recorder that is disabled starts nothing', async () => {
  const scene = await new Scene().start();
  scene.child.write(plain.init.bytes);
  await scene.play(plain.fragments.slice(0, 6));
  scene.child.deaf = true;
  const stopped = scene.recorder.stop();
  await scene.pass(0);
  scene.child.write(plain.fragments[6]!.bytes);
  scene.child.end({ code: 255, signal: null });
  await stopped;
  assert.equal(scene.sink.fragments.length, 7);
  assert.deepEqual(scene.sink.causes, ['stopped']);
  await scene.pass(60_000);
  assert.equal(scene.processes.children.length, 1);

  const disabled = await new Scene({ enabled: false }).start();
  assert.equal(disabled.recorder.status().state, 'disabled');
  assert.equal(disabled.processes.children.length, 0);
  await disabled.recorder.stop();
});

test('a missing program is said to need a person', async () => {
  const scene = await new Scene().start();
  scene.child.end({ code: null, signal: null, failed: 'ENOENT' });
  await scene.pass(0);
  assert.equal(scene.recorder.status().state, 'failed');
  assert.equal(scene.recorder.status().reason, 'ffmpeg is not installed or cannot be started');
  await scene.recorder.stop();
});

test('fragments of sound alone have a place and no length', async () => {
  const slow = movie({ inBand: true, audio: 'aac', fps: 1, gop: 2, seconds: 6 });
  const pictures = (each: Fragment) =>
    each.tracks.find((track) => track.id === slow.init.tracks[0]!.id)?.sampleCount ?? 0;
  const alone = slow.fragments.filter((each) => pictures(each) === 0).length;
  assert.ok(alone > 5, `${alone} fragments hold sound alone`);
  const scene = await new Scene().start();
  scene.child.write(slow.init.bytes);
  await scene.play(slow.fragments);
  await scene.recorder.stop();
  const { fragments } = scene.sink.runs[0]!;
  assert.equal(fragments.length, slow.fragments.length);
  let decodeEnd = 0n;
  for (const [i, captured] of fragments.entries()) {
    const reference = readPrft(captured.bytes, findBox(captured.bytes, 'prft')!);
    assert.deepEqual([reference.trackId, reference.mediaTime], [1, captured.videoDecodeTime]);
    assert.equal(captured.sampleCount, pictures(slow.fragments[i]!));
    if (captured.sampleCount === 0) {
      assert.deepEqual([captured.keyframe, captured.endUs - captured.startUs], [false, 0]);
      assert.equal(captured.videoDecodeTime, decodeEnd);
    } else {
      const part = slow.fragments[i]!.tracks[0]!;
      decodeEnd = part.baseDecodeTime + BigInt(part.duration);
    }
  }
});

test('whatever a camera sends, runs are opened, tiled and closed in order, and tries go on', async () => {
  const random = new SeededRandom(21);
  const source = sampleMedia({ inBand: true, audio: 'aac', seconds: 1 }).slice(0, 16_000);
  const rounds = process.env['SLOW'] ? 5_000 : 150;
  const scene = await new Scene().start();
  for (let round = 0; round < rounds; round++) {
    const { child } = scene;
    const bytes = source.slice(0, random.below(4) === 0 ? random.below(source.length) : source.length);
    for (let n = random.below(6); n > 0; n--) bytes[random.below(bytes.length || 1)] = random.below(256);
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(6_000);
      child.write(bytes.slice(at, end));
      await scene.pass(random.below(300));
      at = end;
    }
    if (random.below(3) === 0) child.say('[mp4 @ 0x5] [warning] Packet duration: 1 / dts: 3971104045 is out of range');
    if (random.below(2) === 0) scene.clock.step(random.below(2_000_000) - 1_000_000);
    child.end({ code: 1, signal: null });
    await scene.pass(ATTEMPT_MS_MAX);
    assert.notEqual(scene.child, child, `a next try after round ${round}`);
  }
  await scene.recorder.stop();
  // The sink itself refuses calls out of order; here only what lies between runs.
  let endUs = 0;
  for (const { run, end } of scene.sink.runs) {
    assert.ok(run.startUs >= endUs && end !== null && end.endUs >= run.startUs);
    endUs = end.endUs;
  }
  assert.ok(scene.sink.runs.length > rounds / 4, `${scene.sink.runs.length} runs in ${rounds} rounds`);
});

test('a picture of another codec is said to need a person', async () => {
  const scene = await new Scene({ audio: 'none' }).start();
  const text = Buffer.from(plain.init.bytes).toString('latin1');
  const at = text.lastIndexOf('avc1');
  scene.child.write(Uint8Array.from(Buffer.from(`${text.slice(0, at)}mp4v${text.slice(at + 4)}`, 'latin1')));
  await scene.pass(0);
  assert.equal(scene.recorder.status().state, 'failed');
  assert.equal(scene.recorder.status().reason, 'the picture is neither H.264 nor H.265');
  await scene.recorder.stop();
});
