import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeProcesses, createNodeRandom } from '../../src/platform/node/index.ts';
import {
  type CaptureTime,
  captureTimeOf,
  createVirtualCamera,
  runVirtualCamera,
  type VirtualCamera,
  type VirtualCameraOptions,
} from '../../src/virtual-camera/index.ts';
import { splitAnnexB } from '../../src/virtual-camera/picture.ts';

const run = promisify(execFile);
const has = (command: string, flag: string) => spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
const skip = has('ffmpeg', '-version') ? false : 'ffmpeg is not installed';
const skipGst = skip || (has('gst-launch-1.0', '--version') ? false : 'gst-launch-1.0 is not installed');
const PASSWORD = 'p:a ss/word';

const deps = () => ({
  clock: createNodeClock(),
  random: createNodeRandom(),
  log: silentLog,
  processes: createNodeProcesses(),
});

async function withCamera<T>(options: VirtualCameraOptions, work: (camera: VirtualCamera) => Promise<T>): Promise<T> {
  const small = { width: 320, height: 180, gop: 10, bitrate: 300_000 };
  const camera = createVirtualCamera(deps(), { main: small, sub: null, ...options });
  await camera.start();
  try {
    return await work(camera);
  } finally {
    await camera.stop();
  }
}

function address(camera: VirtualCamera, options: VirtualCameraOptions): string {
  const url = camera.url('/main');
  if (!options.credentials) return url;
  return url.replace('rtsp://', `rtsp://${options.credentials.username}:${encodeURIComponent(PASSWORD)}@`);
}

const credentials = (scheme: 'basic' | 'digest') => ({ username: 'viewer', password: PASSWORD, scheme });
const MATRIX: Array<{ options: VirtualCameraOptions; streams: string[] }> = [
  { options: { codec: 'h264', audio: 'aac', credentials: credentials('digest') }, streams: ['aac', 'h264'] },
  { options: { codec: 'h265', audio: 'pcma', credentials: credentials('basic') }, streams: ['hevc', 'pcm_alaw'] },
  { options: { codec: 'h264', audio: 'pcmu' }, streams: ['h264', 'pcm_mulaw'] },
];

// Each of them mostly waits for pictures, so some run beside each other.
/** What rtspsrc may say when it lets go of a stream that has ended. */
const AFTER_THE_END = /Could not write to resource|gst_rtspsrc_(try_send|pause|close)|Could not send message/;

describe('real clients', { concurrency: 3 }, () => {
  for (const { options, streams } of MATRIX) {
    const name = `${options.codec} with ${options.audio}, ${options.credentials?.scheme ?? 'open'}`;
    test(`ffprobe and ffmpeg play ${name} over TCP and UDP without a word`, { skip }, () =>
      withCamera(options, async (camera) => {
        const url = address(camera, options);
        await Promise.all(
          ['tcp', 'udp'].map(async (transport) => {
            const input = [
              '-loglevel',
              'warning',
              '-rtsp_transport',
              transport,
              '-analyzeduration',
              '700000',
              '-i',
              url,
            ];
            const played = await run('ffmpeg', ['-nostdin', ...input, '-t', '1.5', '-f', 'null', '-'], {
              timeout: 20_000,
            });
            assert.equal(played.stderr, '');
            const probed = await run('ffprobe', [...input, '-show_streams', '-of', 'json'], { timeout: 20_000 });
            assert.equal(probed.stderr, '');
            const found = JSON.parse(probed.stdout).streams as Array<Record<string, unknown>>;
            assert.deepEqual(found.map((stream) => stream['codec_name']).sort(), streams);
            const video = found.find((stream) => stream['codec_type'] === 'video')!;
            assert.equal(video['width'], 320);
            assert.equal(video['r_frame_rate'], '25/1');
            assert.equal(video['has_b_frames'], 0);
          }),
        );
      }),
    );
  }

  test("GStreamer's rtspsrc plays picture and sound over TCP and UDP", { skip: skipGst }, () =>
    withCamera({ audio: 'pcma', credentials: credentials('digest') }, async (camera) => {
      await Promise.all(
        ['tcp', 'udp'].map(async (transport) => {
          const source = [
            ...['rtspsrc', `location=${camera.url('/main')}`, `protocols=${transport}`, 'latency=100', 'name=s'],
            ...['user-id=viewer', `user-pw="${PASSWORD}"`],
          ];
          const video = [
            's.',
            '!',
            'rtph264depay',
            '!',
            'h264parse',
            '!',
            'identity',
            'eos-after=30',
            '!',
            'fakesink',
            'async=false',
          ];
          const sound = ['s.', '!', 'rtppcmadepay', '!', 'identity', 'eos-after=60', '!', 'fakesink', 'async=false'];
          const played = await run('gst-launch-1.0', [...source, ...video, ...sound], { timeout: 20_000 }).catch(
            (failure: { stdout: string; stderr: string }) => failure,
          );
          assert.match(played.stdout, /Got EOS/, `${played.stdout}${played.stderr}`);
          // A relay in between showed who hangs up: at the end of the stream rtspsrc now and then (7 of 282 runs) closes the
          // connection and then wants to send PAUSE through it. The camera never closed first.
          const complaints = played.stderr.split('\n').filter((line) => !AFTER_THE_END.test(line));
          assert.doesNotMatch(played.stdout + complaints.join('\n'), /ERROR|WARNING|CRITICAL/);
        }),
      );
    }),
  );

  test("GStreamer's rtspsrc plays H.265", { skip: skipGst }, () =>
    withCamera({ codec: 'h265' }, async (camera) => {
      const source = ['rtspsrc', `location=${camera.url('/main')}`, 'protocols=tcp', 'latency=100'];
      const rest = ['!', 'rtph265depay', '!', 'h265parse', '!', 'identity', 'eos-after=20', '!', 'fakesink'];
      const { stdout, stderr } = await run('gst-launch-1.0', [...source, ...rest], { timeout: 20_000 });
      assert.match(stdout, /Got EOS/);
      assert.doesNotMatch(stdout + stderr, /ERROR|WARNING|CRITICAL/);
    }),
  );

  for (const codec of ['h264', 'h265'] as const) {
    test(`${codec}: GOPs are exact, pictures carry true capture times, and none is black`, { skip }, () =>
      withCamera({ codec }, async (camera) => {
        const pictures: Array<{ time: CaptureTime; key: boolean }> = [];
        const format = codec === 'h264' ? 'h264' : 'hevc';
        const child = spawn('ffmpeg', [
          ...['-nostdin', '-loglevel', 'error', '-rtsp_transport', 'tcp', '-analyzeduration', '300000'],
          ...['-i', camera.url('/main'), '-t', '2', '-c', 'copy', '-f', format, '-flush_packets', '1', '-'],
        ]);
        const chunks: Buffer[] = [];
        child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
        await new Promise((resolve) => child.once('close', resolve));
        const endUs = Date.now() * 1000;
        let time: CaptureTime | null = null;
        for (const nal of splitAnnexB(Buffer.concat(chunks))) {
          time = captureTimeOf(nal) ?? time;
          const type = codec === 'h264' ? nal[0]! & 31 : nal[0]! >> 1;
          const slice = codec === 'h264' ? type === 1 || type === 5 : type < 32;
          if (!slice || !time) continue;
          pictures.push({ time, key: codec === 'h264' ? type === 5 : type >= 16 });
          time = null;
        }
        assert.ok(pictures.length > 40, `${pictures.length} pictures`);
        for (const { time, key } of pictures) assert.equal(key, time.frameNumber % 10 === 0);
        pictures.slice(1).forEach(({ time: { captureUs, frameNumber } }, index) => {
          const before = pictures[index]!.time;
          assert.equal(frameNumber, before.frameNumber + 1);
          assert.ok(captureUs > before.captureUs, 'time runs on');
        });
        const first = pictures[0]!.time;
        const last = pictures.at(-1)!.time;
        const meanUs = (last.captureUs - first.captureUs) / (last.frameNumber - first.frameNumber);
        assert.ok(Math.abs(meanUs - 40_000) < 3000, `${meanUs} µs a picture`);
        assert.ok(endUs > last.captureUs && endUs - last.captureUs < 3_000_000);

        const { stderr } = await run('ffmpeg', [
          ...[
            '-nostdin',
            '-hide_banner',
            '-rtsp_transport',
            'tcp',
            '-analyzeduration',
            '300000',
            '-i',
            camera.url('/main'),
          ],
          ...['-t', '1.5', '-vf', 'blackframe=amount=50,freezedetect=d=0.2', '-an', '-f', 'null', '-'],
        ]);
        assert.doesNotMatch(stderr, /pblack|freeze_start/);
      }),
    );
  }

  test('the resize fault is a real change of picture for ffmpeg', { skip }, () =>
    withCamera({ faults: [{ fault: { name: 'resize', afterMs: 1000 } }] }, async (camera) => {
      const { stdout } = await run('ffprobe', [
        ...['-v', 'quiet', '-rtsp_transport', 'tcp', '-analyzeduration', '300000', '-read_intervals', '%+3'],
        ...['-show_entries', 'frame=width,height', '-of', 'csv=p=0', camera.url('/main')],
      ]);
      const sizes = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(',').slice(0, 2).join('x'));
      assert.deepEqual([...new Set(sizes)], ['320x180', '240x136']);
    }),
  );

  test('the command runs until it is told to end, and leaves nothing running', { skip }, async () => {
    const processes = createNodeProcesses();
    const pids: number[] = [];
    const counted = {
      spawn: (...[command, args, options]: Parameters<typeof processes.spawn>) => {
        const child = processes.spawn(command, args, options);
        pids.push(child.pid!);
        return child;
      },
    };
    const abort = new AbortController();
    const lines: string[] = [];
    const running = runVirtualCamera(
      { ...deps(), processes: counted, print: (line) => lines.push(line) },
      { cameras: 1, audio: 'aac', credentials: credentials('digest'), faults: [{ fault: { name: 'no-rtcp' } }] },
      abort.signal,
    );
    while (lines.length < 6) await new Promise((resolve) => setImmediate(resolve));
    assert.match(lines[0]!, /^rtsp:\/\/127\.0\.0\.1:\d+\/main$/);
    assert.deepEqual(lines.slice(4), ['user viewer, digest authentication', 'fault no-rtcp on every mount']);
    assert.equal(pids.length, 3);
    abort.abort();
    await running;
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});
