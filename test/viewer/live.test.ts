import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/wait.ts';
import { takePictures, watchPictures } from './pixel-probe.ts';
import { LAPTOP, tile, type Viewer, ViewerWorld, WALL_SCREEN } from './support.ts';

const CAMERAS = ['cam1', 'cam2', 'cam3', 'cam4'] as const;
const SLOW = process.env['SLOW'] ? false : 'SLOW=1';
const FIRST_PICTURE_MS_MAX = 10_000;
const DELAY_MS_MAX = 1_000;

describe('the live wall', () => {
  let world: ViewerWorld;
  let viewer: Viewer;

  before(async () => {
    world = await ViewerWorld.start({ cameras: CAMERAS.length, camera: { audio: 'aac' } });
    await world.recording();
    viewer = await world.open({ size: LAPTOP });
  });
  after(() => world?.stop());

  test('ten seconds after an invitation was opened a picture of now is seen', async () => {
    const invitation = await world.invite();
    const startedAt = Date.now();
    await viewer.pair(invitation, 'Test browser');
    await viewer.playing(tile('cam1'));
    const ms = Date.now() - startedAt;
    assert.ok(ms <= FIRST_PICTURE_MS_MAX, `it took ${ms} ms`);
    // The invitation is a secret: it is neither in the address nor in the history.
    assert.doesNotMatch(viewer.page.url(), /i=/);
    await viewer.page.goBack().catch(() => null);
    assert.doesNotMatch(viewer.page.url(), /i=/);
    await viewer.show('wall');
  });

  test('the pictures of four cameras advance, none more than a second old', async () => {
    for (const camera of CAMERAS) await viewer.playing(tile(camera));
    for (const camera of CAMERAS) await watchPictures(viewer.page, tile(camera));
    await viewer.page.waitForTimeout(4_000);
    for (const camera of CAMERAS) {
      const { pictures, unreadable } = await takePictures(viewer.page, tile(camera));
      const frames = pictures.map(({ frame }) => frame);
      assert.ok(unreadable <= pictures.length / 20, `${camera}: ${unreadable} of ${pictures.length} cannot be read`);
      assert.deepEqual(
        frames.toSorted((a, b) => a - b),
        frames,
        `${camera} goes forward only`,
      );
      assert.ok(new Set(frames).size >= 40, `${camera} showed ${new Set(frames).size} pictures in four seconds`);
      const delays = pictures.map(({ shownAt, madeAt }) => shownAt - madeAt).sort((a, b) => a - b);
      // The worst ones are the benchmark's: here other tests share the machine.
      const median = delays[Math.floor(delays.length / 2)]!;
      assert.ok(median > 0 && median <= DELAY_MS_MAX, `${camera}: ${Math.round(median)} ms`);
    }
    await viewer.screenshot('live-4');
  });

  test('the tile in use tells the delay that is measured', async () => {
    const { page } = viewer;
    await page.locator('.wall-tile[data-camera$="/cam1"]').hover();
    const told = page.locator('.wall-tile[data-camera$="/cam1"] .wall-mark').getByText(/\d/);
    await told.waitFor();
    // It is told now and then and measured at one moment: on a machine that does other things both must meet, not at once.
    await until('what is told is what is measured', async () => {
      const seconds = Number(/[\d.]+/.exec((await told.textContent())!)![0]);
      const measured = ((await viewer.age(tile('cam1'))) ?? Number.NaN) / 1000;
      return Math.abs(seconds - measured) <= 0.2;
    });
  });

  test('an enlarged camera is shown in full size, and the hidden ones cost nothing', async () => {
    const { page } = viewer;
    await page.locator('.wall-tile[data-camera$="/cam2"]').focus();
    await page.keyboard.press('Enter');
    await until('the main picture is shown', () =>
      page.evaluate((css) => {
        const videos = [...document.querySelectorAll<HTMLVideoElement>(css)];
        return videos.some(({ videoWidth }) => videoWidth === 1280);
      }, tile('cam2')),
    );
    await viewer.playing(tile('cam2'));
    await page.waitForTimeout(500);
    await watchPictures(page, tile('cam1'));
    await page.waitForTimeout(1_000);
    assert.equal((await takePictures(page, tile('cam1'))).pictures.length, 0);
    await viewer.screenshot('enlarged');
    await page.keyboard.press('Escape');
    await viewer.playing(tile('cam1'));
  });

  test('a camera that refuses its password says so, and the others go on', async () => {
    const { page } = viewer;
    const mounts = ['/cam3/main', '/cam3/sub'];
    for (const mount of mounts) {
      await world.camera.faults.set({ name: 'unauthorized' }, mount);
      await world.camera.faults.set({ name: 'drop', afterMs: 0 }, mount);
    }
    const dark = page.locator('.wall-tile[data-camera$="/cam3"]');
    await dark.getByText(/password refused/i).waitFor({ timeout: 20_000 });
    await viewer.screenshot('camera-fault');
    await viewer.playing(tile('cam4'));
  });

  test('cameras that are switched off are told to be unreachable, and come back by themselves', async () => {
    const { page } = viewer;
    const cameras = ['cam1', 'cam2', 'cam4'];
    // Jumps to the newest picture in the moment in which the cameras go: the browser's search is not done until more comes, and none does
    // there. A tile may change to its other stream as the streams end one after the other, so all of them search, for as long as it lasts.
    const searched = await page.evaluateHandle(
      (tiles) => {
        const found = new Set<string>();
        const search = () => {
          for (const css of tiles) {
            const video = document.querySelector<HTMLVideoElement>(css);
            if (!video || video.buffered.length === 0) continue;
            if (!video.seeking) video.currentTime = video.buffered.end(video.buffered.length - 1) - 0.06;
            if (video.seeking) found.add(css);
          }
        };
        return { found, search, timer: 0 };
      },
      cameras.map((camera) => tile(camera)),
    );
    await world.camera.stop();
    await searched.evaluate((it) => {
      it.search();
      it.timer = window.setInterval(it.search, 100);
    });
    await page
      .locator('.wall-tile[data-camera$="/cam1"]')
      .getByText(/unreachable|hung up/i)
      .waitFor({ timeout: 20_000 });
    await page.setViewportSize(WALL_SCREEN);
    await viewer.screenshot('cameras-off');
    assert.deepEqual(await viewer.axe(), []);
    const count = await searched.evaluate((it) => {
      window.clearInterval(it.timer);
      return it.found.size;
    });
    assert.ok(count > 0, 'no picture was searched');
    await world.camera.start();
    for (const camera of cameras) await viewer.playing(tile(camera), 30_000);
  });

  test('a picture that stands before what lies ready is begun anew', { skip: SLOW }, async () => {
    const { page } = viewer;
    const source = () => page.evaluate((css) => document.querySelector<HTMLVideoElement>(css)!.src, tile('cam1'));
    const before = await source();
    // A browser that makes nothing of what it is given, for a reason of its own.
    await page.evaluate((css) => {
      const video = document.querySelector<HTMLVideoElement>(css)!;
      const at = video.currentTime;
      Object.defineProperty(video, 'currentTime', { configurable: true, get: () => at, set: () => {} });
    }, tile('cam1'));
    await until('it is begun anew', async () => (await source()) !== before);
    await page.evaluate((css) => {
      delete (document.querySelector(css) as unknown as { currentTime?: number }).currentTime;
    }, tile('cam1'));
    await viewer.playing(tile('cam1'));
  });

  test('nothing was complained about', () => viewer.assertQuiet());
});
