import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/wait.ts';
import { PHONE, tile, type Viewer, ViewerWorld } from './support.ts';

/**
 * Stands for the browser's own reader of codes, which Chromium does not have on Linux: it tells what the test puts before it, once the camera's
 * picture is there.
 */
const READER = `{
  const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => (globalThis.lent = await given(wish));
  globalThis.codes = [];
  globalThis.BarcodeDetector = class {
    async detect(video) {
      return video.videoWidth > 0 && video.currentTime > 0 ? globalThis.codes.map((rawValue) => ({ rawValue })) : [];
    }
  };
}`;

describe('an invitation is scanned', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  let world: ViewerWorld;
  let viewer: Viewer;

  before(async () => {
    world = await ViewerWorld.start({
      cameras: 1,
      // A camera of this device that shows a test picture, and somebody who allows it.
      chromium: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    });
    await world.recording();
    viewer = await world.open({ size: PHONE });
    await viewer.context.addInitScript(READER);
  });
  after(() => world?.stop());

  const hold = (...codes: string[]) =>
    viewer.page.evaluate((all) => {
      (globalThis as unknown as { codes: string[] }).codes = all;
    }, codes);
  const tracks = () =>
    viewer.page.evaluate(() =>
      (globalThis as unknown as { lent: MediaStream }).lent
        .getTracks()
        .map(({ kind, readyState }) => [kind, readyState]),
    );

  test('the camera is looked through, other codes are told to be none, and it is given back', async () => {
    const { page } = viewer;
    await page.goto(world.address);
    await page.getByRole('button', { name: 'Scan the QR code' }).click();
    const dialog = page.getByRole('dialog');
    await until('the picture of the camera moves', () =>
      dialog.locator('video').evaluate((video: HTMLVideoElement) => video.videoWidth > 0 && video.currentTime > 0.2),
    );
    await viewer.screenshot('scan-phone');
    assert.deepEqual(await viewer.axe(), []);
    assert.deepEqual(await tracks(), [['video', 'live']]);
    await hold('https://elsewhere.example/#i=not-an-invitation');
    await dialog.getByText('This code is no invitation of a node.').waitFor();
    await hold(await world.invite());
    await page.getByRole('heading', { name: 'Is this your recorder?' }).waitFor();
    await dialog.waitFor({ state: 'detached' });
    await until('the camera is given back', async () => (await tracks()).every(([, state]) => state === 'ended'));
  });

  test('what was scanned pairs', async () => {
    await viewer.page.getByRole('button', { name: 'Pair', exact: true }).click();
    await viewer.wall().waitFor();
    await viewer.playing(tile('cam1'));
    viewer.assertQuiet();
  });
});
