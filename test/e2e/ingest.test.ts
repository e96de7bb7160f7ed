import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { concatBytes } from '../../src/bytes/index.ts';
import { createRecorder, type Recorder, type RecorderOptions } from '../../src/ingest/index.ts';
import { needBox, parseCameraUrl } from '../../src/media/index.ts';
import type { Log, LogFields } from '../../src/platform/index.ts';
import {
  createNodeClock,
  createNodeDatagrams,
  createNodeProcesses,
  createNodeRandom,
  createNodeSockets,
} from '../../src/platform/node/index.ts';
import { captureTimeInSample, createVirtualCamera, type VirtualCameraOptions } from '../../src/virtual-camera/index.ts';
import { MemorySink } from '../support/memory-sink.ts';
import { until } from '../support/wait.ts';

const clock = createNodeClock();
const random = createNodeRandom();
const processes = createNodeProcesses();
const sockets = createNodeSockets();
const datagrams = createNodeDatagrams();
const lines: string[] = [];
const note = (fields: LogFields, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
const SMALL = { width: 160, height: 96, fps: 25, gop: 25, bitrate: 100_000 };
const PASSWORD = "hunter2 & it's:@secret";

const running: { stop(): Promise<void> }[] = [];
after(async () => {
  for (const each of running.reverse()) await each.stop();
});

async function camera(options: VirtualCameraOptions = {}) {
  const made = createVirtualCamera({ clock, random, log, processes }, { main: SMALL, sub: null, ...options });
  running.push(made);
  await made.start();
  return made;
}

function record(
  url: string,
  options: Partial<RecorderOptions> = {},
): { sink: MemorySink; recorder: Recorder; states: string[] } {
  const sink = new MemorySink();
  const recorder = createRecorder(
    { clock, random, log, processes, sockets, datagrams, sink },
    {
      camera: parseCameraUrl(url),
      enabled: true,
      transport: 'auto',
      audio: 'keep',
      notBeforeUs: 0,
      ffmpeg: 'ffmpeg',
      ...options,
    },
  );
  running.push(recorder);
  const states: string[] = [];
  recorder.onState((status) => states.push(status.state));
  void recorder.start();
  return { sink, recorder, states };
}

/** Plays what was recorded in ffmpeg; gives its warnings. */
function play(sink: MemorySink, run = 0): { warnings: string; streams: string } {
  const { run: begun, fragments } = sink.runs[run]!;
  const bytes = concatBytes(begun.init.bytes, ...fragments.map((fragment) => fragment.bytes.subarray(32)));
  const shown = spawnSync('ffmpeg', ['-hide_banner', '-v', 'warning', '-i', 'pipe:0', '-f', 'null', '-'], {
    input: bytes,
  });
  const probed = spawnSync(
    'ffprobe',
    ['-v', 'error', '-show_entries', 'stream=codec_name,width', '-of', 'csv=p=0', '-i', 'pipe:0'],
    {
      input: bytes,
    },
  );
  return { warnings: shown.stderr.toString(), streams: probed.stdout.toString().trim().split('\n').join(' ') };
}

const seconds = (sink: MemorySink) => sink.fragments.reduce((sum, each) => sum + each.endUs - each.startUs, 0) / 1e6;

function mediaData(bytes: Uint8Array): Uint8Array {
  const mdat = needBox(bytes, 'mdat');
  return bytes.subarray(mdat.body, mdat.end);
}

describe('a recorder', { concurrency: 4 }, () => {
  test('H.264 with AAC behind Digest: recorded, timed, playable; no secret in sight', async () => {
    const made = await camera({
      audio: 'aac',
      credentials: { username: 'admin', password: PASSWORD, scheme: 'digest' },
    });
    const url = made.url('/main').replace('//', `//admin:${encodeURIComponent(PASSWORD)}@`);
    const { sink, recorder, states } = record(url);
    await until('three seconds are recorded', () => seconds(sink) >= 3);

    for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
      for (const file of ['cmdline', 'environ']) {
        let text = '';
        try {
          text = readFileSync(`/proc/${name}/${file}`, 'utf8');
        } catch {}
        assert.ok(!text.includes('hunter2'), `a password stands in /proc/${name}/${file}`);
      }
    }
    const status = recorder.status();
    assert.equal(status.state, 'running');
    assert.equal(status.transport, 'tcp');
    assert.ok(Math.abs(status.framesPerSecond! - 25) < 1, `${status.framesPerSecond} fps`);
    assert.equal(status.gopMs, 1000);
    assert.deepEqual(
      status.tracks.map((track) => track.kind),
      ['video', 'audio'],
    );
    await recorder.stop();
    assert.deepEqual(states.slice(0, 2), ['starting', 'running']);
    assert.deepEqual(sink.causes, ['stopped']);
    assert.deepEqual(play(sink), { warnings: '', streams: 'h264,160 aac' });
    assert.ok(sink.fragments.every((each) => each.endUs - each.startUs <= 250_000));

    // The timeline against the capture time in the picture: within half a second, and steady to 50 ms.
    const { nalLengthSize } = sink.runs[0]!.run.init.tracks[0]!;
    const apart = sink.fragments
      .filter((each) => each.keyframe)
      .map((each) => each.startUs - captureTimeInSample(mediaData(each.bytes), nalLengthSize)!.captureUs);
    assert.ok(
      apart.every((us) => Math.abs(us) < 500_000),
      `${apart}`,
    );
    assert.ok(Math.max(...apart) - Math.min(...apart) < 50_000, `${apart}`);
    assert.ok(!lines.some((line) => line.includes('hunter2')), 'no password in the log');
  });

  test('H.265, G.711 transcoded, G.711 dropped, sound switched off', async () => {
    const h265 = await camera({ codec: 'h265' });
    const g711 = await camera({ audio: 'pcmu' });
    const each = [
      { ...record(h265.url('/main')), streams: 'hevc,160' },
      { ...record(g711.url('/main')), streams: 'h264,160 aac' },
      { ...record(g711.url('/main'), { audio: 'copy' }), streams: 'h264,160' },
      { ...record(g711.url('/main'), { audio: 'none' }), streams: 'h264,160' },
    ];
    for (const { sink } of each) await until('two seconds are recorded', () => seconds(sink) >= 2, 30_000);
    for (const { recorder } of each) await recorder.stop();
    for (const { sink, streams } of each) assert.deepEqual(play(sink), { warnings: '', streams });
  });

  test('a camera of one transport only is found, also by UDP', async () => {
    const udpOnly = await camera({ transports: ['udp'] });
    const tcpOnly = await camera({ transports: ['tcp'] });
    const udp = record(udpOnly.url('/main'));
    const tcp = record(tcpOnly.url('/main'), { transport: 'auto' });
    for (const { sink } of [udp, tcp]) await until('a second is recorded', () => seconds(sink) >= 1, 30_000);
    assert.equal(udp.recorder.status().transport, 'udp');
    assert.equal(tcp.recorder.status().transport, 'tcp');
  });

  test('a refused password is said, and tried slowly from the third time on', async () => {
    const made = await camera({ credentials: { username: 'admin', password: PASSWORD, scheme: 'digest' } });
    const { recorder, sink } = record(made.url('/main').replace('//', '//admin:wrong@'));
    await until('it has failed', () => recorder.status().state === 'failed', 30_000);
    const status = recorder.status();
    assert.equal(status.cause, 'unauthorized');
    assert.ok(status.retryAt! - clock.now() > 50_000, 'the next try is a minute away');
    assert.equal(sink.runs.length, 0);
  });

  test('a camera that drops the connection, and one that is not there yet, are recorded as soon as they can be', async () => {
    const made = await camera();
    await made.faults.set({ name: 'refuse' });
    const { recorder, sink } = record(made.url('/main'));
    await until('it is waiting', () => recorder.status().state === 'backoff');
    assert.equal(recorder.status().cause, 'unreachable');
    await made.faults.clear();
    await until('it records', () => seconds(sink) >= 1);
    await made.faults.set({ name: 'drop', afterMs: 0 });
    await until('the run has ended', () => sink.causes.length > 0 && sink.causes[0] !== null);
    await made.faults.clear();
    await until('it records again', () => sink.runs.length >= 2 && sink.runs.at(-1)!.fragments.length > 5, 20_000);
    assert.equal(sink.causes[0], 'ended');
    const [first, second] = [sink.runs[0]!, sink.runs.at(-1)!];
    assert.ok(second.run.startUs >= first.end!.endUs, 'no overlap');
  });

  test('another picture size ends the run and begins the next', async () => {
    const made = await camera();
    const { sink } = record(made.url('/main'));
    await until('it records', () => seconds(sink) >= 1);
    await made.faults.set({ name: 'resize', afterMs: 0 });
    await until('a second run records', () => sink.runs.length >= 2 && sink.runs[1]!.fragments.length > 5, 20_000);
    assert.equal(sink.causes[0], 'changed');
    assert.notEqual(sink.runs[0]!.run.init.tracks[0]!.width, sink.runs[1]!.run.init.tracks[0]!.width);
    assert.deepEqual(play(sink, 1).warnings, '');
  });

  test('jumping timestamps end a run with their name, and the timeline stays where it is', async () => {
    const made = await camera({ cameras: 4 });
    const jumps = [3_600_000, -3_600_000, 10_000, -10_000].map((byMs, i) => {
      const mount = `/cam${i + 1}/main`;
      return { byMs, mount, ...record(made.url(mount)) };
    });
    for (const { sink } of jumps) await until('it records', () => seconds(sink) >= 2, 20_000);
    for (const { byMs, mount } of jumps) await made.faults.set({ name: 'jump', byMs, afterMs: 0 }, mount);
    for (const { byMs, mount, sink, recorder } of jumps) {
      const again = () => sink.runs.length >= 2 && sink.runs.at(-1)!.fragments.length > 5;
      await until(`the next run records after ${byMs}`, again, 30_000);
      assert.equal(sink.causes[0], 'timestamps', `${byMs}`);
      assert.ok(Math.abs(sink.fragments.at(-1)!.endUs - clock.nowUs()) < 2_000_000, `the wall clock after ${byMs}`);
      assert.ok(
        sink.fragments.every((each) => each.endUs - each.startUs < 400_000),
        `no long fragment after ${byMs}`,
      );
      await made.faults.clear('jump', mount);
      await recorder.stop();
    }
  });

  test('silence is a stall, broken and huge answers are said and cost nothing', async () => {
    const quiet = await camera();
    const broken = await camera({ faults: [{ fault: { name: 'malformed', kind: 'sdp' } }] });
    const huge = await camera({ faults: [{ fault: { name: 'huge', part: 'body', sizeBytes: 16_000_000 } }] });
    const silent = record(quiet.url('/main'));
    const malformed = record(broken.url('/main'));
    const swollen = record(huge.url('/main'));
    await until('it records', () => seconds(silent.sink) >= 1);
    await quiet.faults.set({ name: 'silent', afterMs: 0 });
    await until('the silent one is said to be', () => silent.sink.causes[0] === 'stalled', 25_000);
    for (const { recorder, sink } of [malformed, swollen]) {
      assert.ok(['backoff', 'starting'].includes(recorder.status().state));
      assert.ok(recorder.status().restarts > 0);
      assert.equal(sink.runs.length, 0);
    }
  });
});
