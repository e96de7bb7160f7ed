import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { concatBytes } from '../../src/bytes/index.ts';
import { type CameraClock, createRecorder, type Recorder, type RecorderOptions } from '../../src/ingest/index.ts';
import { nalUnits, needBox, parameterSetKind, parseCameraUrl } from '../../src/media/index.ts';
import { type Processes, silentLog } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
} from '../../src/platform/node/index.ts';
import { createVirtualCamera, type MalformedKind, type VirtualCameraOptions } from '../../src/virtual-camera/index.ts';
import { gstCameraMissing, startGstCamera } from '../support/gst-camera.ts';
import { MemorySink } from '../support/memory-sink.ts';
import { until } from '../support/wait.ts';

// Our own reader against cameras behind real sockets. That nothing else does the work is held by giving it no ffmpeg to start.

const clock = createNodeClock();
const random = createNodeRandom();
const processes = createNodeProcesses();
const deps = { clock, random, log: silentLog, sockets: createNodeSockets(), datagrams: createNodeDatagrams() };
const SMALL = { width: 160, height: 96, fps: 25, gop: 25, bitrate: 100_000 };
const CREDENTIALS = { username: 'admin', password: 'pass word &:@%' };

const running: { stop(): Promise<void> }[] = [];
after(async () => {
  for (const each of running.reverse()) await each.stop();
});

async function camera(options: VirtualCameraOptions = {}) {
  const made = createVirtualCamera(
    { clock, random, log: silentLog, processes },
    { main: SMALL, sub: null, ...options },
  );
  running.push(made);
  await made.start();
  return made;
}

const noProcesses: Processes = {
  spawn() {
    throw new Error('a child was started');
  },
};

function record(url: string, options: Partial<RecorderOptions> = {}, children: Processes = noProcesses) {
  const sink = new MemorySink();
  const recorder: Recorder = createRecorder(
    { ...deps, processes: children, sink },
    {
      ...{ camera: parseCameraUrl(url), enabled: true, transport: 'tcp', audio: 'keep', notBeforeUs: 0 },
      ...{ ffmpeg: 'ffmpeg', reader: 'own' },
      ...options,
    },
  );
  running.push(recorder);
  void recorder.start();
  return { sink, recorder };
}

const login = (url: string) =>
  url.replace('//', `//${CREDENTIALS.username}:${encodeURIComponent(CREDENTIALS.password)}@`);
const seconds = (sink: MemorySink) => sink.fragments.reduce((sum, each) => sum + each.endUs - each.startUs, 0) / 1e6;

/** Decodes what was recorded; gives the warnings and the streams. */
function played(sink: MemorySink, run = 0): { warnings: string; streams: string } {
  const { run: begun, fragments } = sink.runs[run]!;
  const input = concatBytes(begun.init.bytes, ...fragments.map((fragment) => fragment.bytes.subarray(32)));
  const shown = spawnSync('ffmpeg', ['-hide_banner', '-v', 'warning', '-i', 'pipe:0', '-f', 'null', '-'], { input });
  const asked = [
    '-v',
    'error',
    '-show_entries',
    'stream=codec_name,codec_tag_string',
    '-of',
    'csv=p=0',
    '-i',
    'pipe:0',
  ];
  const probed = spawnSync('ffprobe', asked, { input });
  return { warnings: shown.stderr.toString(), streams: probed.stdout.toString().trim().split('\n').join(' ') };
}

describe('our own reader', { concurrency: 4 }, () => {
  test('takes each codec over each transport behind each kind of password', async () => {
    const table = [
      {
        options: { audio: 'aac', credentials: { ...CREDENTIALS, scheme: 'digest' } },
        transport: 'tcp',
        streams: 'h264,avc1 aac,mp4a',
      },
      {
        options: { audio: 'aac', credentials: { ...CREDENTIALS, scheme: 'basic' } },
        transport: 'udp',
        streams: 'h264,avc1 aac,mp4a',
      },
      {
        options: { codec: 'h265', credentials: { ...CREDENTIALS, scheme: 'digest' } },
        transport: 'udp',
        streams: 'hevc,hvc1',
      },
      { options: { codec: 'h265' }, transport: 'tcp', streams: 'hevc,hvc1' },
      { options: { audio: 'pcmu' }, transport: 'tcp', streams: 'h264,avc1' },
    ] as const;
    const each = [];
    for (const { options, transport, streams } of table) {
      const made = await camera(options);
      each.push({ made, transport, streams, ...record(login(made.url('/main')), { transport }) });
    }
    for (const { sink } of each) await until('two seconds are recorded', () => seconds(sink) >= 2, 30_000);
    for (const { made, recorder, sink, streams, transport } of each) {
      const status = recorder.status();
      assert.deepEqual([status.reader, status.transport, status.lostPackets], ['own', transport, 0]);
      assert.ok(Math.abs(status.framesPerSecond! - 25) < 1);
      const { cameraAt, nodeAt, uncertaintyMs } = status.cameraClock!;
      assert.ok(Math.abs(cameraAt - nodeAt) <= uncertaintyMs + 200, `${cameraAt - nodeAt} of ${uncertaintyMs} ms`);
      await recorder.stop();
      assert.equal(made.sessions, 0, 'the session was torn down');
      assert.deepEqual(played(sink), { warnings: '', streams });
      assert.ok(sink.fragments.every((fragment) => fragment.endUs - fragment.startUs <= 210_000));
    }
  });

  test("a session is kept alive, a sub stream is its own, and the camera's time is told once a minute", async () => {
    const made = await camera({ sub: { ...SMALL, gop: 50 }, sessionTimeoutMs: 5_000, reportIntervalMs: 500 });
    const told: CameraClock[] = [];
    const main = record(made.url('/main'), { onCameraTime: (each) => void told.push(each) });
    const sub = record(made.url('/sub'), { transport: 'udp' });
    await until(
      'both outlive the time-out of the session',
      () => [main, sub].every(({ sink }) => seconds(sink) >= 7),
      30_000,
    );
    assert.deepEqual([main.sink.causes, sub.sink.causes], [[null], [null]]);
    assert.equal(sub.recorder.status().gopMs, 2_000);
    assert.equal(told.length, 1);
  });

  test('a refused password is refused once for each try, and said', async () => {
    const made = await camera({ credentials: { ...CREDENTIALS, scheme: 'digest' } });
    const { recorder } = record(made.url('/main').replace('//', '//admin:wrong@'));
    const without = record(made.url('/main'));
    for (const each of [recorder, without.recorder]) {
      await until('it waits', () => each.status().cause !== undefined);
      assert.equal(each.status().cause, 'unauthorized');
    }
    const lost = record(made.url('/nowhere').replace('//', `//admin:${encodeURIComponent(CREDENTIALS.password)}@`));
    await until('it waits', () => lost.recorder.status().cause !== undefined);
    assert.equal(lost.recorder.status().reason, 'the camera does not know this path');
  });

  test('answers that no camera should give end a try, and the next one works', async () => {
    const kinds: MalformedKind[] = ['status-line', 'length', 'truncated', 'binary', 'sdp', 'transport'];
    const made = await camera({ cameras: kinds.length + 1 });
    const each = [];
    for (const [i, kind] of kinds.entries()) {
      const mount = `/cam${i + 1}/main`;
      await made.faults.set({ name: 'malformed', kind }, mount);
      each.push({ kind, mount, ...record(made.url(mount)) });
    }
    const spare = `/cam${kinds.length + 1}/main`;
    await made.faults.set({ name: 'huge', part: 'header', sizeBytes: 4_000_000 }, spare);
    each.push({ kind: 'huge' as const, mount: spare, ...record(made.url(spare)) });
    for (const { kind, mount, recorder, sink } of each) {
      await until(`${kind} is noticed`, () => recorder.status().cause !== undefined);
      const cause = recorder.status().cause;
      // Noise may look like the beginning of something long: then the answer is waited for in vain.
      const causes = ['malformed', 'ended', ...(kind === 'binary' ? ['unreachable'] : [])];
      assert.ok(causes.includes(cause!), `${kind}: ${cause}`);
      assert.equal(sink.runs.length, 0);
      await made.faults.clear(undefined, mount);
    }
    for (const { kind, sink } of each) await until(`${kind} is over`, () => seconds(sink) >= 0.5, 20_000);
  });

  test('broken packets do not stop what is whole, and parameter sets of the stream mend those of the description', async () => {
    const made = await camera({
      cameras: 3,
      faults: [{ fault: { name: 'malformed', kind: 'parameter-sets' }, mount: '/cam1/main' }],
    });
    const described = record(made.url('/cam1/main'));
    const packets = record(made.url('/cam2/main'));
    const frames = record(made.url('/cam3/main'));
    for (const { sink } of [described, packets, frames]) await until('it records', () => seconds(sink) >= 1, 20_000);
    assert.deepEqual(played(described.sink).streams, 'h264,avc1');
    await made.faults.set({ name: 'malformed', kind: 'rtp' }, '/cam2/main');
    await made.faults.set({ name: 'malformed', kind: 'frames' }, '/cam3/main');
    await until('frames out of step end the run', () => frames.sink.causes[0] !== null, 20_000);
    await made.faults.clear();
    for (const { sink } of [packets, frames]) {
      const before = seconds(sink);
      await until('it goes on', () => seconds(sink) > before + 1, 30_000);
    }
  });

  test('what it does not read goes to ffmpeg, at once where that is known, and stays there', async () => {
    const sounding = await camera({ audio: 'pcma' });
    const puzzling = await camera({ faults: [{ fault: { name: 'malformed', kind: 'sdp' } }] });
    const first = record(sounding.url('/main'), { reader: 'auto' }, processes);
    const second = record(puzzling.url('/main'), { reader: 'auto', audio: 'none' }, processes);
    await until('sound is transcoded', () => seconds(first.sink) >= 1, 20_000);
    assert.deepEqual([first.recorder.status().reader, first.recorder.status().audio], ['ffmpeg', 'transcode']);
    assert.equal(first.recorder.status().restarts, 1);
    await until('three tries were enough', () => second.recorder.status().reader === 'ffmpeg', 30_000);
    await puzzling.faults.clear();
    await until('ffmpeg records', () => seconds(second.sink) >= 1, 30_000);
    assert.equal(second.recorder.status().reader, 'ffmpeg');
  });

  test('keyframes of many slices with sets between them are one picture each', {
    skip: gstCameraMissing() ?? false,
  }, async () => {
    const server = await startGstCamera();
    running.push(server);
    const { sink, recorder } = record(server.urls['sliced']!);
    await until('it records', () => seconds(sink) >= 3, 20_000);
    await recorder.stop();
    const keyframes = sink.fragments.filter((each) => each.keyframe);
    const video = sink.runs[0]!.run.init.tracks[0]!;
    const sets = keyframes.map((each) => {
      const { body, end } = needBox(each.bytes, 'mdat');
      const units = [...nalUnits(each.bytes.subarray(body, end), video.nalLengthSize!)];
      return units.filter((unit) => parameterSetKind(video.format, unit) === 'sps').length;
    });
    assert.ok(Math.max(...sets) > 1, `parameter sets stand in front of each slice: ${sets}`);
    const times = keyframes.map((each) => Number(each.videoDecodeTime));
    for (const [i, time] of times.slice(1).entries())
      assert.ok(time - times[i]! > 80_000, 'a second between keyframes');
    assert.equal(played(sink).warnings, '');
  });
});
