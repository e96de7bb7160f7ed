import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeProcesses, createNodeRandom } from '../../src/platform/node/index.ts';
import { createVirtualDevice, type VirtualDevice } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { ask, askRaw } from './fake-device.ts';

const skip = spawnSync('ffmpeg', ['-version'], { stdio: 'ignore' }).status === 0 ? false : 'ffmpeg is not installed';
const SLOW = process.env['SLOW'] ? false : 'SLOW=1';
const WIDTH = 320;
const HEIGHT = 180;

/** A snapshot as gray pixels. */
async function look(device: VirtualDevice): Promise<Buffer> {
  const answer = await askRaw(new URL('/snapshot/main.jpg', device.serviceUrl).href, { method: 'GET' });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.headers['content-type'], ['image/jpeg']);
  const args = ['-v', 'error', '-f', 'mjpeg', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
  const pixels = execFileSync('ffmpeg', args, { input: answer.body });
  assert.equal(pixels.length, WIDTH * HEIGHT);
  return pixels;
}

/**
 * Where the white square in the black one is, in the middle between its edges, and how large. Searched above the line with the
 * time, which is white on dark too.
 */
function target(pixels: Buffer): { x: number; y: number; size: number } | null {
  const black = (x: number, y: number) => x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT && pixels[y * WIDTH + x]! < 60;
  const white = (x: number, y: number) => pixels[y * WIDTH + x]! > 180;
  for (let y = 1; y < HEIGHT * 0.85; y++) {
    for (let x = 1; x < WIDTH; x++) {
      if (!white(x, y) || !black(x - 2, y) || !black(x, y - 2)) continue;
      let right = x;
      let bottom = y;
      while (right < WIDTH && white(right, y + 2)) right++;
      while (bottom < HEIGHT && white(x + 2, bottom)) bottom++;
      const [width, height] = [right - x, bottom - y];
      if (width < 12 || Math.abs(width - height) > 3 || !black(right + 2, y + 2)) continue;
      return { x: (x + right) / 2, y: (y + bottom) / 2, size: width };
    }
  }
  return null;
}

function mean(pixels: Buffer): number {
  return pixels.subarray(0, WIDTH * 140).reduce((sum, each) => sum + each, 0) / (WIDTH * 140);
}

test('the head moves the picture, settings colour it, and another codec shows the same', {
  skip: skip || SLOW,
}, async () => {
  const deps = {
    clock: createNodeClock(),
    random: createNodeRandom(),
    log: silentLog,
    processes: createNodeProcesses(),
  };
  const main = { width: WIDTH, height: HEIGHT, fps: 10, gop: 5, bitrate: 1_000_000 };
  const device = createVirtualDevice(deps, { ptz: true, imaging: true, camera: { main, sub: null } });
  await device.start();
  try {
    const isThere = () => device.camera.recent('main') !== null;
    await until('there is a picture', isThere);
    const sees = async (what: string, where: { x: number; y: number; size: number }) => {
      let last: ReturnType<typeof target> = null;
      await until(what, async () => {
        last = target(await look(device));
        const off = (key: 'x' | 'y' | 'size') => Math.abs(last![key] - where[key]);
        return last !== null && off('x') <= 4 && off('y') <= 4 && off('size') <= 3;
      }).catch(() => assert.fail(`${what}: ${JSON.stringify(last)}, not ${JSON.stringify(where)}`));
    };
    // The scene is 480x270: its square is 27 pixels wide, and pan 1 is 80 pixels, tilt 1 is 45.
    await sees('it looks ahead', { x: 160, y: 90, size: 27 });
    const move = (name: string, inner: string) =>
      ask(device, `tptz:${name}`, `<ProfileToken>profile_main</ProfileToken>${inner}`);
    const vector = (name: string, x: number, y: number, zoom: number) =>
      `<${name}><tt:PanTilt x="${x}" y="${y}"/><tt:Zoom x="${zoom}"/></${name}>`;
    await move('ContinuousMove', `${vector('Velocity', 1, 0.5, 0)}<Timeout>PT0.5S</Timeout>`);
    await until('it stands', () => !device.head().moving);
    await sees('it looked to the right and up by a time', { x: 160 - 0.25 * 80, y: 90 + 0.125 * 45, size: 27 });
    await move('AbsoluteMove', vector('Position', -0.5, -0.5, 0));
    await sees('it looks to the left and down', { x: 160 + 0.5 * 80, y: 90 - 0.5 * 45, size: 27 });
    await move('AbsoluteMove', vector('Position', 0, 0, 0.5));
    await sees('it looks closer', { x: 160, y: 90, size: 40 });

    const before = mean(await look(device));
    const set =
      '<VideoSourceToken>video_source_1</VideoSourceToken><ImagingSettings><tt:Brightness>90</tt:Brightness></ImagingSettings>';
    assert.equal((await ask(device, 'timg:SetImagingSettings', set)).status, 200);
    await until('it is brighter', async () => mean(await look(device)) > before + 30);

    await device.camera.setCodec('h265');
    await until('there is a picture again', isThere);
    const probe = [
      '-v',
      'error',
      '-rtsp_transport',
      'tcp',
      '-show_entries',
      'stream=codec_name,width',
      '-of',
      'csv=p=0',
    ];
    const said = await promisify(execFile)('ffprobe', [...probe, device.camera.url('/main')], { timeout: 15_000 });
    assert.equal(said.stdout.trim(), `hevc,${WIDTH}`);
    assert.ok(mean(await look(device)) > before + 30, 'a new encoder takes the settings over');
    const profiles = await ask(device, 'tr2:GetProfiles', '<Type>All</Type>');
    assert.match(String(profiles.body), /<tt:Encoding>H265</);
  } finally {
    await device.stop();
  }
});
