import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type GstCamera, gstCameraHasH265, gstCameraMissing, startGstCamera } from '../support/gst-camera.ts';

const run = promisify(execFile);
const missing = gstCameraMissing();
const skip = missing ? `the foreign camera cannot run here: ${missing}` : false;

let camera: GstCamera;

async function probe(url: string, transport: 'tcp' | 'udp'): Promise<Array<Record<string, unknown>>> {
  const { stdout } = await run(
    'ffprobe',
    ['-v', 'error', '-rtsp_transport', transport, '-analyzeduration', '700000', '-show_streams', '-of', 'json', url],
    { timeout: 20_000 },
  );
  return JSON.parse(stdout).streams;
}

const withCredentials = (url: string) =>
  url.replace('rtsp://', `rtsp://${camera.username}:${encodeURIComponent(camera.password)}@`);

// Each of them mostly waits for pictures, so some run beside each other.
describe('the foreign camera', { concurrency: 3 }, () => {
  before(async () => {
    if (!missing) camera = await startGstCamera();
  });
  after(async () => {
    if (!missing) await camera.stop();
  });

  const CASES: Array<[string, 'tcp' | 'udp', string[]]> = [
    ['h264-pcma', 'tcp', ['h264', 'pcm_alaw']],
    ['h264', 'udp', ['h264']],
    ['tcp-only', 'tcp', ['h264']],
    ['udp-only', 'udp', ['h264']],
    ['resize', 'tcp', ['h264']],
  ];

  for (const [name, transport, codecs] of CASES) {
    test(`the foreign camera's ${name} is read over ${transport}`, { skip }, async () => {
      const streams = await probe(camera.urls[name]!, transport);
      assert.deepEqual(streams.map((stream) => stream['codec_name']).sort(), codecs);
    });
  }

  test("the foreign camera's h265 is read", {
    skip: skip || (gstCameraHasH265() ? false : 'no x265enc here'),
  }, async () => {
    assert.equal((await probe(camera.urls['h265']!, 'tcp'))[0]!['codec_name'], 'hevc');
  });

  test('the foreign camera asks for Digest', { skip }, async () => {
    await assert.rejects(probe(camera.urls['digest']!, 'tcp'), /401/);
    assert.equal((await probe(withCredentials(camera.urls['digest']!), 'tcp'))[0]!['codec_name'], 'h264');
  });

  test('the foreign camera changes its size mid-stream', { skip }, async () => {
    const { stdout } = await run(
      'ffprobe',
      [
        ...['-v', 'quiet', '-rtsp_transport', 'tcp', '-read_intervals', '%+4', '-select_streams', 'v'],
        ...['-show_entries', 'frame=width,height', '-of', 'csv=p=0', camera.urls['resize']!],
      ],
      { timeout: 20_000 },
    );
    const sizes = new Set(stdout.split('\n').map((line) => line.split(',').slice(0, 2).join('x')));
    assert.ok(sizes.has('480x270') && sizes.has('320x240'), [...sizes].join(' '));
  });

  test('the foreign camera dies and returns on its port', { skip }, async () => {
    const first = await startGstCamera();
    await first.stop();
    await assert.rejects(probe(first.urls['h264']!, 'tcp'));
    const second = await startGstCamera({ port: first.port });
    try {
      assert.equal(second.urls['h264'], first.urls['h264']);
      assert.equal((await probe(second.urls['h264']!, 'tcp'))[0]!['codec_name'], 'h264');
    } finally {
      await second.stop();
    }
  });

  test('the foreign camera dies with its parent, even when that is killed', { skip }, async () => {
    const module = join(import.meta.dirname, '../support/gst-camera.ts');
    const text = `const { startGstCamera } = await import(${JSON.stringify(module)}); console.log((await startGstCamera()).pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', text], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(
      await new Promise<string>((resolve) => parent.stdout.once('data', (chunk) => resolve(`${chunk}`))),
    );
    assert.ok(pid > 0 && existsSync(`/proc/${pid}`));
    parent.kill('SIGKILL');
    // A zombie whose new parent has not fetched it yet is dead, too.
    const gone = () => !existsSync(`/proc/${pid}`) || /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    for (let i = 0; i < 100 && !gone(); i++) await delay(50);
    assert.ok(gone());
  });
});
