import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Download } from 'playwright-core';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeProcesses, createNodeRandom } from '../../src/platform/node/index.ts';
import { createVirtualCamera, type VirtualCamera } from '../../src/virtual-camera/index.ts';
import { until } from '../support/wait.ts';
import { LAPTOP, tile, type Viewer, ViewerWorld } from './support.ts';

const SMALL = { width: 320, height: 180, fps: 10, gop: 10, bitrate: 200_000 };

describe('H.265 where this browser has no decoder for it, and exports', {
  skip: process.env['SLOW'] ? false : 'SLOW=1',
}, () => {
  let world: ViewerWorld;
  let viewer: Viewer;
  let hevc: VirtualCamera;
  const folder = mkdtempSync(join(tmpdir(), 'nvr-codecs-'));

  before(async () => {
    world = await ViewerWorld.start({
      cameras: 1,
      camera: { main: { width: 640, height: 360, fps: 10, gop: 10, bitrate: 4_000_000 }, sub: SMALL },
    });
    hevc = createVirtualCamera(
      { clock: createNodeClock(), random: createNodeRandom(), log: silentLog, processes: createNodeProcesses() },
      { codec: 'h265', main: { ...SMALL, width: 640, height: 360 }, sub: SMALL },
    );
    await hevc.start();
    const add = (id: string, name: string, sub: string) =>
      world.node.json(['source', 'add', id, '--name', name, '--url', hevc.url('/main'), '--sub', sub, '--no-test']);
    await add('garden', 'Garden', world.camera.url('/sub'));
    await add('yard', 'Yard', hevc.url('/sub'));
    await world.recording();
    viewer = await world.paired({ size: LAPTOP });
    await viewer.playing(tile('cam1'));
  });
  after(async () => {
    await world?.stop();
    await hevc?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a large picture in H.265 is told of, and the small one in H.264 is shown, also enlarged and in the past', async () => {
    const { page } = viewer;
    assert.equal(
      await page.evaluate(() => MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L93.B0"')),
      false,
      'this test wants a browser without H.265',
    );
    const garden = page.locator('.wall-tile[data-camera$="/garden"]');
    await viewer.playing(tile('garden'));
    await garden.focus();
    await page.keyboard.press('Enter');
    await garden.getByText('Small picture: this browser cannot play H.265').waitFor();
    await viewer.playing(tile('garden'));
    await viewer.screenshot('h265-instead');
    assert.deepEqual(await viewer.axe(), []);
    // Five seconds back.
    await page.keyboard.press('ArrowLeft');
    await until('the past is shown', async () => ((await viewer.age(tile('garden'))) ?? 0) > 3_000);
    assert.equal(await garden.locator('.wall-message').count(), 0);
    await page.keyboard.press('l');
    await page.keyboard.press('Escape');
    await viewer.playing(tile('garden'));
  });

  test('a camera with nothing but H.265 says so in words, live and in the past, and the others go on', async () => {
    const { page } = viewer;
    const yard = page.locator('.wall-tile[data-camera$="/yard"]');
    await yard.getByText('This browser cannot play H.265').waitFor();
    await yard.getByText(/recorded all the same/).waitFor();
    await viewer.playing(tile('cam1'));
    await viewer.screenshot('h265-only');
    assert.deepEqual(await viewer.axe(), []);
    await page.keyboard.press('ArrowLeft');
    await until('the others show the past', async () => ((await viewer.age(tile('cam1'))) ?? 0) > 3_000);
    await yard.getByText('This browser cannot play H.265').waitFor();
    // It holds nobody up: the clock of the wall goes on.
    const before = await viewer.age(tile('cam1'));
    await page.waitForTimeout(1_500);
    assert.ok(((await viewer.age(tile('cam1'))) ?? 0) < before! + 1_000, 'the past plays');
    await page.keyboard.press('l');
    await viewer.playing(tile('cam1'));
  });

  test('it is exported as the camera encoded it', async () => {
    const { page } = viewer;
    const dialog = await openExport(viewer, ['Yard']);
    const downloading = page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByRole('heading', { name: 'Export finished' }).waitFor();
    const path = await saved(await downloading, join(folder, 'yard.mp4'));
    const fields = ['-select_streams', 'v', '-count_frames', '-show_entries', 'stream=codec_name,width,nb_read_frames'];
    const probe = spawnSync('ffprobe', ['-v', 'error', ...fields, '-of', 'csv=p=0', path], { encoding: 'utf8' });
    assert.equal(probe.stderr, '');
    const [codec, width, frames] = probe.stdout.trim().split(',');
    assert.deepEqual([codec, width], ['hevc', '640']);
    assert.ok(Number(frames) >= 30, `${frames} pictures`);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('an export shows how far and how fast it is; stopped, no half of a file is said to be written', async () => {
    const { page } = viewer;
    const session = await viewer.context.newCDPSession(page);
    const dialog = await openExport(viewer, ['Camera 1']);
    const downloads: Download[] = [];
    page.on('download', (download) => void downloads.push(download));
    // A page with little time takes what comes slowly: there is time to see it, and to stop it.
    await session.send('Emulation.setCPUThrottlingRate', { rate: 8 });
    const seen = await page.evaluate(exportAndStop);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
    assert.match(seen.at(-1)!, /^\d+\s?%, [\d.]+\s?[kM]?B so far, [\d.]+\s?[kM]?bit\/s$/);
    await dialog.getByRole('heading', { name: 'Export stopped' }).waitFor();
    await dialog.getByText('stopped', { exact: true }).waitFor();
    assert.equal(await dialog.locator('.export-file').count(), 0);
    for (const download of downloads)
      assert.notEqual(await download.failure(), null, 'half a file was taken for whole');
    await viewer.screenshot('export-stopped');
    assert.deepEqual(await viewer.axe(), []);
    await page.keyboard.press('Escape');
  });

  test('nothing was complained about', () => viewer.assertQuiet());
});

/** Runs in the page: presses *Export*, and *Stop* as soon as something of the file is there; gives what was told of the progress until then. */
function exportAndStop(): Promise<string[]> {
  const seen: string[] = [];
  const until = performance.now() + 10_000;
  const press = (name: string) =>
    [...document.querySelectorAll<HTMLElement>('dialog button')].find((each) => each.textContent === name)?.click();
  press('Export');
  return new Promise((resolve) => {
    const look = () => {
      const figures = document.querySelector('.export-figures')?.textContent ?? '';
      if (figures !== seen.at(-1)) seen.push(figures);
      const stops = /[1-9][\d.]*.[kM]?bit/.test(figures);
      if (stops) press('Stop');
      if (stops || performance.now() > until) resolve(seen);
      else setTimeout(look, 1);
    };
    look();
  });
}

/** The form, filled in with what was recorded lately of these cameras. */
async function openExport(viewer: Viewer, cameras: readonly string[]) {
  const { page } = viewer;
  await page.keyboard.press('e');
  const dialog = page.getByRole('dialog');
  const boxes = dialog.getByRole('checkbox');
  await boxes.first().waitFor();
  for (const box of await boxes.all()) {
    const name = (await box.locator('xpath=..').textContent()) ?? '';
    await box.setChecked(cameras.some((each) => name.startsWith(each)));
  }
  return dialog;
}

async function saved(download: Download, path: string): Promise<string> {
  await download.saveAs(path);
  assert.equal(await download.failure(), null);
  return path;
}
