import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/wait.ts';
import { PHONE, tile, type Viewer, ViewerWorld } from './support.ts';

const REAL = 2;
const ALL = 200;
/** Rows of a list that may stand in the page at once. */
const ROWS_MAX = 60;

describe('two hundred cameras', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  let world: ViewerWorld;
  let viewer: Viewer;

  before(async () => {
    world = await ViewerWorld.start({ cameras: REAL });
    // They are in the lists like any other; only that nobody switched them on.
    await world.restartNode(async () => {
      const more = Array.from({ length: ALL - REAL }, (_, index) => {
        const number = REAL + 1 + index;
        return `  cam${number}:\n    name: Camera ${number}\n    url: rtsp://127.0.0.1:9/cam${number}\n    enabled: false\n`;
      });
      appendFileSync(join(world.node.data, 'config.yaml'), more.join(''));
    });
    await world.recording(['cam1', 'cam2']);
    viewer = await world.paired();
    await viewer.playing(tile('cam1'));
  });
  after(() => world?.stop());

  test('the page of cameras draws what is seen, and reaches the last one', async () => {
    const { page } = viewer;
    await viewer.show('cameras');
    await page.getByText(`${ALL} cameras`).waitFor();
    const rows = page.locator('.cameras-row');
    assert.ok((await rows.count()) <= ROWS_MAX, `${await rows.count()} rows are drawn`);
    await viewer.screenshot('cameras-200');
    await page.mouse.move(500, 400);
    await until('the last one is seen', async () => {
      await page.mouse.wheel(0, 8_000);
      return page.getByText(`Camera ${ALL}`, { exact: true }).isVisible();
    });
    assert.ok((await rows.count()) <= ROWS_MAX);
  });

  test('health lists all streams in a table that scrolls', async () => {
    const { page } = viewer;
    await viewer.show('health');
    await page.getByRole('row').nth(5).waitFor();
    assert.ok((await page.getByRole('row').count()) <= ROWS_MAX);
    await viewer.screenshot('health-200');
    assert.deepEqual(await viewer.axe(), []);
  });

  test('the one that is wanted for the wall is found by its name', async () => {
    const { page } = viewer;
    await viewer.show('wall');
    await page.getByRole('button', { name: 'Layout', exact: true }).click();
    await page
      .getByRole('menuitemradio', { name: 'Four cameras' })
      .or(page.getByRole('menuitem', { name: 'Four cameras' }))
      .click();
    await page.getByRole('button', { name: 'Choose a camera' }).first().click();
    assert.deepEqual(await viewer.axe(), []);
    await page.keyboard.type('187');
    await viewer.screenshot('picker-200');
    await page.keyboard.press('Enter');
    await page
      .locator('.wall-tile[data-camera$="/cam187"]')
      .getByText(/switched off/)
      .waitFor();
    await page.setViewportSize(PHONE);
    await viewer.show('cameras');
    await page.getByText(`${ALL} cameras`).waitFor();
    await viewer.screenshot('cameras-200-phone');
    viewer.assertQuiet();
  });
});
