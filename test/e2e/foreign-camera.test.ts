import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type GstCamera, gstCameraHasH265, gstCameraMissing, startGstCamera } from '../support/gst-camera.ts';
import { until } from '../support/wait.ts';
import { freePort, NodeUnderTest } from './node-process.ts';

// Cameras behind an RTSP server nobody here wrote: recorded, listed, fetched and played through the command line.

interface Segment {
  id: string;
  startAt: number;
  endAt: number;
}
interface Movie {
  files: { path: string }[];
  gaps: { cause: string }[];
}

const SLOW = process.env['SLOW'] ? false : 'SLOW=1';
const missing = gstCameraMissing();
const folder = mkdtempSync(join(tmpdir(), 'foreign-'));
const port = await freePort();
let camera: GstCamera | null = null;
let nvr: NodeUnderTest | null = null;

after(async () => {
  if (nvr?.node) await nvr.stop('SIGKILL');
  await camera?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const mounts: { name: string; streams: string; skip?: string | false }[] = [
  { name: 'h264-pcma', streams: 'h264 aac' },
  {
    name: 'h265',
    streams: 'hevc',
    skip: missing || gstCameraHasH265() ? false : 'the foreign server has no H.265 encoder',
  },
  { name: 'digest', streams: 'h264' },
  { name: 'tcp-only', streams: 'h264' },
  { name: 'udp-only', streams: 'h264' },
];

/** Pictures keep their own times: rounded to whole pictures a second, two of a late camera would fall on one. */
function warningsOf(path: string): string {
  const args = ['-v', 'warning', '-i', path, '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-'];
  return spawnSync('ffmpeg', args, { encoding: 'utf8' }).stderr;
}

function streamsOf(path: string): string {
  const probe = spawnSync('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', path], {
    encoding: 'utf8',
  });
  return probe.stdout.trim().split('\n').join(' ');
}

function durationOf(path: string): number {
  return Number(
    spawnSync('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path], {
      encoding: 'utf8',
    }).stdout,
  );
}

describe('a camera nobody here wrote', { skip: missing ?? false }, () => {
  const segmentsOf = async (source: string) =>
    (await nvr!.json<{ segments: Segment[] }>(['client', 'segments', source, '--from', '-10m', '--oldest'])).segments;
  const stateOf = async (source: string) =>
    (await nvr!.json<{ sources: { id: string; streams: { state: string }[] }[] }>(['client', 'sources'])).sources.find(
      ({ id }) => id === source,
    )!.streams[0]!.state;

  test('is recorded, whatever it speaks', async () => {
    camera = await startGstCamera();
    const secret = `    username: ${camera.username}\n    password: ${camera.password}\n`;
    const sources = [...mounts.filter(({ skip }) => !skip).map(({ name }) => name), 'resize'].map(
      (name) => `  ${name}:\n    url: ${camera!.urls[name]}\n${name === 'digest' ? secret : ''}`,
    );
    const head = `listen: 127.0.0.1:${port}\nstorage:\n  segment: 4s\nsources:\n`;
    nvr = new NodeUnderTest(folder, head + sources.join(''));
    const { text } = await nvr.start();
    await nvr.json(['client', 'pair', /client pair '([^']+)'/.exec(text)![1]!]);
    for (const { name, skip } of mounts) {
      if (!skip) await until(`${name} has two segments`, async () => (await segmentsOf(name)).length >= 2, 60_000);
    }
  });

  for (const { name, streams, skip } of mounts) {
    const slow = !['h265', 'udp-only'].includes(name) && SLOW;
    test(`${name}: a segment fetched and a stretch played say what was sent`, { skip: skip ?? slow }, async () => {
      const [first, second] = await segmentsOf(name);
      const segment = join(folder, `${name}-segment.mp4`);
      await nvr!.json(['client', 'get', name, first!.id, '-o', segment]);
      assert.equal(warningsOf(segment), '');
      assert.equal(streamsOf(segment), streams);
      const played = join(folder, `${name}-played.mp4`);
      const at = new Date(first!.startAt + 1_000).toISOString();
      await nvr!.json([
        'client',
        'play',
        name,
        '--at',
        at,
        '--to',
        new Date(second!.endAt).toISOString(),
        '-o',
        played,
      ]);
      assert.equal(warningsOf(played), '');
      const lengthS = (second!.endAt - first!.startAt) / 1000;
      assert.ok(
        durationOf(played) > lengthS - 3 && durationOf(played) < lengthS + 1,
        `${durationOf(played)} of ${lengthS} s`,
      );
    });
  }

  test('a change of resolution ends the run, and what lies on both sides plays', async () => {
    await until('several sizes are stored', async () => (await segmentsOf('resize')).length >= 3, 40_000);
    const path = join(folder, 'resize.mp4');
    const movie = await nvr!.json<Movie>(['client', 'play', 'resize', '--at', '-40s', '--to', 'now', '-o', path]);
    for (const file of movie.files) assert.equal(warningsOf(file.path), '', file.path);
    assert.ok(
      movie.gaps.some(({ cause }) => cause === 'changed'),
      JSON.stringify(movie.gaps),
    );
  });

  test('a server that dies is said to be gone, and recorded again when it returns', { skip: SLOW }, async () => {
    const died = new Date().toISOString();
    const samePort = camera!.port;
    await camera!.stop();
    await until('it is waiting', async () => (await stateOf('h264-pcma')) === 'backoff', 30_000);
    const before = (await segmentsOf('h264-pcma')).length;
    camera = await startGstCamera({ port: samePort });
    const back = Date.now();
    await until('it is recorded again', async () => (await stateOf('h264-pcma')) === 'running', 20_000);
    assert.ok(Date.now() - back < 15_000);
    await until('a segment is stored', async () => (await segmentsOf('h264-pcma')).length > before + 1, 30_000);
    const path = join(folder, 'returned.mp4');
    const { gaps } = await nvr!.json<Movie>(['client', 'play', 'h264-pcma', '--at', died, '--to', 'now', '-o', path]);
    assert.ok(
      gaps.some(({ cause }) => cause === 'ended' || cause === 'unreachable'),
      JSON.stringify(gaps),
    );
    assert.equal(warningsOf(path), '');
  });
});
