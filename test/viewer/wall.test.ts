import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { until } from '../support/wait.ts';
import { tile, type Viewer, ViewerWorld, WALL_SCREEN } from './support.ts';

describe('the wall is arranged', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  let world: ViewerWorld;
  let viewer: Viewer;
  let page: Page;

  before(async () => {
    world = await ViewerWorld.start({ cameras: 3, camera: { audio: 'aac' } });
    await world.recording();
    viewer = await world.paired({ size: WALL_SCREEN });
    page = viewer.page;
    await viewer.playing(tile('cam1'));
  });
  after(() => world?.stop());

  const tileOf = (source: string): Locator => page.locator(`.wall-tile[data-camera$="/${source}"]`);
  const boxOf = async (source: string) => (await tileOf(source).boundingBox())!;
  const choose = async (name: string | RegExp) => {
    await page.getByRole('button', { name: 'Layout', exact: true }).click();
    await page.getByRole('menuitemradio', { name }).or(page.getByRole('menuitem', { name })).click();
  };
  const places = () => page.locator('.wall-slot:not([hidden])').count();

  test('each layout has its number of places, and keeps the cameras', async () => {
    for (const [name, count] of [
      ['Nine cameras', 9],
      ['Sixteen cameras', 16],
      ['Four cameras', 4],
    ] as const) {
      await choose(name);
      await until(`${name}: ${count} places`, async () => (await places()) === count);
      for (const source of ['cam1', 'cam2', 'cam3'])
        assert.equal(await tileOf(source).count(), 1, `${name}: ${source}`);
    }
    await viewer.playing(tile('cam3'));
  });

  test('a layout is saved under a name, and comes back with it after a reload', async () => {
    await choose(/Save or remove/);
    await page.getByRole('textbox', { name: 'Name' }).fill('All of the yard');
    assert.deepEqual(await viewer.axe(), []);
    await viewer.screenshot('layout-save');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await choose('One camera');
    await until('one place', async () => (await places()) === 1);
    await page.reload();
    await viewer.wall().waitFor();
    await until('still one place', async () => (await places()) === 1);
    await choose('All of the yard');
    await until('four places', async () => (await places()) === 4);
    await viewer.playing(tile('cam2'));
  });

  test('a tile is dragged onto another one: they change places, and both go on', async () => {
    const [first, second] = [await boxOf('cam1'), await boxOf('cam2')];
    await page.mouse.move(first.x + first.width / 2, first.y + first.height / 2);
    await page.mouse.down();
    await page.mouse.move(second.x + second.width / 2, second.y + second.height / 2, { steps: 6 });
    await viewer.screenshot('tile-dragged');
    await page.mouse.up();
    await until('camera 1 stands where camera 2 stood', async () => near(await boxOf('cam1'), second));
    assert.ok(near(await boxOf('cam2'), first));
    await viewer.playing(tile('cam1'));
    await viewer.playing(tile('cam2'));
  });

  test('the free layout: a tile is put elsewhere and made larger, by pointer and by keys', async () => {
    await choose(/^Free/);
    const before = await boxOf('cam2');
    await tileOf('cam2').focus();
    await page.keyboard.press('Control+Shift+ArrowLeft');
    await until('it is narrower', async () => (await boxOf('cam2')).width < before.width - 20);
    const corner = page.locator('.wall-slot', { has: tileOf('cam2') }).locator('.wall-resize');
    const grip = (await corner.boundingBox())!;
    await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
    await page.mouse.down();
    await page.mouse.move(grip.x + grip.width / 2 - 400, grip.y + grip.height / 2 - 200, { steps: 4 });
    await page.mouse.up();
    await until('it is smaller', async () => (await boxOf('cam2')).width < before.width - 300);
    await viewer.screenshot('layout-free');
    await viewer.playing(tile('cam2'));
    await choose('All of the yard');
  });

  test('the wall fills the screen and gives it back', async () => {
    await page.getByRole('button', { name: 'Full screen' }).click();
    await page.waitForFunction(() => document.fullscreenElement !== null);
    const wall = (await page.locator('.wall').boundingBox())!;
    assert.deepEqual([wall.x, wall.y, wall.width], [0, 0, WALL_SCREEN.width]);
    await viewer.playing(tile('cam1'));
    await page.keyboard.press('f');
    await page.waitForFunction(() => document.fullscreenElement === null);
  });

  test('sound is heard from one camera at a time', async () => {
    const heard = () =>
      page.evaluate(() =>
        [...document.querySelectorAll<HTMLVideoElement>('.wall-tile video')]
          .filter(({ muted }) => !muted)
          .map((video) => video.closest<HTMLElement>('.wall-tile')!.dataset['camera']!.split('/')[1]),
      );
    assert.deepEqual(await heard(), []);
    for (const source of ['cam1', 'cam2']) {
      await tileOf(source).hover();
      await tileOf(source).getByRole('button', { name: 'Hear sound' }).click();
      await until(`only ${source} is heard`, async () => {
        const now = await heard();
        return now.length === 1 && now[0] === source;
      });
    }
    const decoded = () =>
      page.evaluate(
        (css) =>
          (document.querySelector(css) as HTMLVideoElement & { webkitAudioDecodedByteCount: number })
            .webkitAudioDecodedByteCount,
        tile('cam2'),
      );
    const before = await decoded();
    await until('sound is decoded', async () => (await decoded()) > before);
    await page.keyboard.press('m');
    await until('nothing is heard', async () => (await heard()).length === 0);
  });

  test('a picture is magnified about the pointer, moved, and whole again', async () => {
    const box = await boxOf('cam1');
    const glass = tileOf('cam1').locator('.wall-glass');
    const shift = () => glass.evaluate((each) => new DOMMatrix(getComputedStyle(each).transform).toJSON());
    await page.mouse.move(box.x + box.width * 0.25, box.y + box.height * 0.25);
    await page.mouse.wheel(0, -600);
    await until('it is magnified', async () => (await shift()).a > 2);
    const { a, e } = await shift();
    // What lay under the pointer lies there still.
    assert.ok(Math.abs(0.25 * box.width * a + e - 0.25 * box.width) < 3, `${a} ${e} of ${box.width}`);
    await viewer.screenshot('magnified');
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.15, box.y + box.height * 0.2, { steps: 4 });
    await page.mouse.up();
    const moved = await shift();
    assert.ok(moved.e < e - 20, 'the picture follows the pointer');
    await page.keyboard.press('z');
    await until('it is whole', async () => (await shift()).a === 1);
  });

  test('a snapshot is a picture of what is seen, in its full size', async () => {
    await tileOf('cam1').hover();
    const saved = page.waitForEvent('download');
    await tileOf('cam1').getByRole('button', { name: 'Save a picture' }).click();
    const download = await saved;
    assert.match(download.suggestedFilename(), /^Camera 1_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.png$/);
    const png = readFileSync((await download.path())!);
    assert.equal(png.toString('latin1', 1, 4), 'PNG');
    const shown = await page.evaluate((css) => {
      const { videoWidth, videoHeight } = document.querySelector<HTMLVideoElement>(css)!;
      return [videoWidth, videoHeight];
    }, tile('cam1'));
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], shown);
    assert.ok(png.length > 5_000, 'it is no empty picture');
  });

  test('a camera is taken off the wall and chosen again', async () => {
    await tileOf('cam3').hover();
    await tileOf('cam3').getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Take off the wall' }).click();
    await tileOf('cam3').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Choose a camera' }).first().click();
    await viewer.screenshot('camera-picker');
    assert.deepEqual(await viewer.axe(), []);
    await page
      .getByRole('menuitem', { name: /Camera 3/ })
      .or(page.getByRole('option', { name: /Camera 3/ }))
      .click();
    await viewer.playing(tile('cam3'));
  });

  test('nothing was complained about', () => viewer.assertQuiet());
});

interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

function near(one: Rectangle, other: Rectangle): boolean {
  return Math.abs(one.x - other.x) < 3 && Math.abs(one.y - other.y) < 3 && Math.abs(one.width - other.width) < 3;
}
