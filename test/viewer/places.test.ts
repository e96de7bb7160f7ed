import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Download } from 'playwright-core';
import { assertContinuous, checkMovie } from '../e2e/movie-check.ts';
import { until } from '../support/wait.ts';
import { takePictures, watchPictures } from './pixel-probe.ts';
import { type Neighbour, PHONE, tile, type Viewer, ViewerWorld, WALL_SCREEN } from './support.ts';
import { seekTo, still } from './timeline-hand.ts';
import { openTlsProxy, type TlsServer } from './web-servers.ts';

/** A name that leads to this machine and is none of its own: no secure context, as over a LAN. */
const NAME = 'nvr.test';
const LONG = process.env['SLOW'] ? false : 'SLOW=1';
/** Pictures, of 25 a second. */
const APART_MAX = 12;
const NO_LINK = /WebSocket|ERR_CONNECTION/;

describe('where the page and its nodes may be', () => {
  let world: ViewerWorld;
  let proxy: TlsServer;
  let recordedFrom = 0;
  const folder = mkdtempSync(join(tmpdir(), 'nvr-places-'));

  before(async () => {
    proxy = await openTlsProxy(NAME, () => world.network.target);
    const allowed = (port: number) => `origins: ["http://${NAME}:${port}", "https://${NAME}:${proxy.port}"]\n`;
    world = await ViewerWorld.start({
      cameras: 4,
      configured: 2,
      config: allowed,
      // Only this key is trusted: a certificate of the test's own is then as good as anybody's.
      chromium: [
        `--host-resolver-rules=MAP ${NAME} 127.0.0.1`,
        `--ignore-certificate-errors-spki-list=${proxy.keyHash}`,
      ],
    });
    await world.recording();
    recordedFrom = Date.now();
  });
  after(async () => {
    await world?.stop();
    await proxy?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('two nodes in one browser', { skip: LONG }, () => {
    let viewer: Viewer;
    let other: Neighbour;

    before(async () => {
      other = await world.neighbour([3, 4]);
      viewer = await world.paired({ name: 'Laptop', size: WALL_SCREEN });
    });
    after(() => viewer?.close());

    test('a node that does not let the page in cannot be told from one that is away: the page says what to write where', async () => {
      const { page } = viewer;
      await page.getByRole('button', { name: /Home/ }).click();
      await page.getByRole('menuitem', { name: 'Add a node' }).click();
      await page.getByRole('textbox', { name: 'Invitation' }).fill(await other.invite());
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.getByRole('textbox', { name: 'Name of the node' }).fill('Store');
      await page.getByRole('textbox', { name: 'Place' }).fill('Office');
      await page.getByRole('button', { name: 'Pair', exact: true }).click();
      const alert = page.getByRole('alert');
      await alert.waitFor();
      const line = (await alert.getByRole('code').textContent())!;
      assert.equal(line, `origins: ${new URL(world.address).origin}`);
      await viewer.screenshot('pairing-refused-origin');
      assert.deepEqual(await viewer.axe(), []);
      await page.setViewportSize(PHONE);
      await viewer.screenshot('pairing-refused-origin-phone');
      await page.setViewportSize(WALL_SCREEN);
      await other.end('SIGTERM');
      // Two cameras of one name, at two places.
      other.configure((text) => `${line}\n${text.replace('Camera 3', 'Camera 1')}`);
      await other.start();
      await page.getByRole('button', { name: 'Pair', exact: true }).click();
      await viewer.wall().waitFor();
    });

    test('cameras of both stand side by side, told apart by place and node, and one playhead leads them', async () => {
      const { page } = viewer;
      for (const camera of ['cam1', 'cam2', 'cam3', 'cam4']) await viewer.playing(tile(camera));
      const begun = Date.now();
      for (const place of ['Home', 'Office']) await page.getByRole('region', { name: `Camera 1 · ${place}` }).waitFor();
      await page.getByRole('button', { name: /Office/ }).click();
      const menu = page.locator('[role=menu]:popover-open');
      assert.match((await menu.textContent())!, /Home[\s\S]*connected[\s\S]*Office[\s\S]*Store[\s\S]*connected/);
      await viewer.screenshot('two-nodes');
      await page.keyboard.press('Escape');
      await page.locator('.wall-tile[data-camera$="/cam2"]').hover();
      await page.locator('.wall-tile[data-camera$="/cam2"]').getByRole('button', { name: 'More' }).click();
      await page.getByRole('menuitem', { name: 'Take off the wall' }).click();
      await page.getByRole('button', { name: 'Choose a camera' }).click();
      assert.match((await menu.textContent())!, /Home · Node[\s\S]*Camera 1[\s\S]*Office · Store[\s\S]*Camera 4/);
      await viewer.screenshot('two-nodes-picker');
      assert.deepEqual(await viewer.axe(), []);
      await menu.getByRole('menuitem', { name: /Camera 2/ }).click();
      await viewer.playing(tile('cam2'));
      await until('some seconds of all are recorded', () => Date.now() > begun + 5_000);
      await seekTo(viewer, begun + 2_500);
      await until('every lane tells of its recording', async () => {
        const told = await timelineText(viewer);
        const lanes = ['Camera 1 · Home', 'Camera 2', 'Camera 1 · Office', 'Camera 4'];
        return lanes.every((name) => told.includes(`${name} recorded`));
      });
      const [here, there] = [await still(viewer, 'cam1'), await still(viewer, 'cam3')];
      // Each node dates pictures by their arrival, which on a busy machine is not at the same moment.
      assert.ok(Math.abs(here.frame - there.frame) <= APART_MAX, `pictures ${here.frame} and ${there.frame}`);
      await page.keyboard.press('l');
      await viewer.playing(tile('cam3'));
      viewer.assertQuiet(NO_LINK);
    });

    test('each page is about the node that is chosen on top', { skip: LONG }, async () => {
      const { page } = viewer;
      await chooseNode(viewer, /Store/);
      await viewer.show('health');
      await chooseNode(viewer, /Store/);
      await page.getByText('Camera 4').first().waitFor();
      assert.equal(await page.getByText('Camera 2').count(), 0);
      await chooseNode(viewer, /^Node/);
      await page.getByText('Camera 2').first().waitFor();
      assert.equal(await page.getByText('Camera 4').count(), 0);
      await viewer.show('devices');
      await page.getByText('Laptop').first().waitFor();
      await chooseNode(viewer, /Store/);
      await page.getByText('Chrome on Linux').first().waitFor();
      assert.equal(await page.getByText('Laptop').count(), 0);
      await viewer.show('cameras');
      await page.getByRole('heading', { name: 'Office · Store' }).waitFor();
      await page.getByRole('heading', { name: /^Home · Node/ }).waitFor();
      await viewer.screenshot('two-nodes-cameras');
      assert.deepEqual(await viewer.axe(), []);
      await viewer.show('wall');
    });

    test('one node is killed: its tiles say so, the others go on, and it comes back by itself', {
      skip: LONG,
    }, async () => {
      const { page } = viewer;
      await viewer.playing(tile('cam1'));
      await viewer.playing(tile('cam4'));
      await other.end('SIGKILL');
      await page
        .locator('.wall-tile[data-camera$="/cam3"]')
        .getByText(/no link to the node/i)
        .waitFor();
      await page.getByText(/no link to store/i).waitFor();
      await watchPictures(page, tile('cam1'));
      await page.waitForTimeout(1_500);
      const frames = (await takePictures(page, tile('cam1'))).pictures.map(({ frame }) => frame);
      assert.ok(new Set(frames).size >= 15, `${new Set(frames).size} pictures in a second and a half`);
      await viewer.screenshot('two-nodes-one-away');
      await other.start();
      await viewer.playing(tile('cam3'), 30_000);
      await page.getByText(/no link to store/i).waitFor({ state: 'detached' });
    });

    test('forgetting one leaves the other', { skip: LONG }, async () => {
      const { page } = viewer;
      await viewer.show('settings');
      const entry = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'Store' }) });
      await entry.getByRole('button', { name: 'Forget' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
      await entry.waitFor({ state: 'detached' });
      await viewer.show('wall');
      await viewer.playing(tile('cam1'));
      await viewer.screenshot('two-nodes-forgotten');
      assert.equal(await page.locator('.wall-tile[data-camera$="/cam3"]').count(), 0, 'its tiles are gone too');
      viewer.assertQuiet(NO_LINK);
    });
  });

  test('plain http on a name: says what is missing and why, and works without', { skip: LONG }, async () => {
    world.configure((text) => text.replace(/^addresses:.*$/m, `addresses: ["${NAME}:${world.network.port}"]`));
    const address = `http://${NAME}:${world.network.port}/`;
    const viewer = await world.open({ size: WALL_SCREEN, timeZone: 'UTC' });
    const { page } = viewer;
    await viewer.pair(await world.invitationAt(address), 'Plain');
    await viewer.playing(tile('cam1'));
    assert.equal(await page.evaluate(() => isSecureContext || 'serviceWorker' in navigator), false);
    await page.getByText(/came over plain http/i).waitFor();
    await viewer.screenshot('plain-http');
    await page.getByRole('button', { name: 'Why?' }).click();
    await page
      .getByRole('dialog')
      .getByText(/WebCrypto/)
      .waitFor();
    await viewer.screenshot('plain-http-why');
    assert.deepEqual(await viewer.axe(), []);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Understood' }).click();
    await page.getByText(/came over plain http/i).waitFor({ state: 'detached' });

    const kept = await keptKeys(viewer);
    assert.deepEqual(kept, { guard: false, sealed: false, open: true, channelNative: false });

    await until('some seconds are recorded', () => Date.now() > recordedFrom + 6_000);
    const past = recordedFrom + 3_000;
    await seekTo(viewer, past);
    const { madeAt } = await still(viewer, 'cam1');
    assert.ok(Math.abs(madeAt - past) < 2_700, `${madeAt - past} ms from what was asked for`);

    const downloads: Download[] = [];
    page.on('download', (download) => void downloads.push(download));
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    const text = (at: number) => new Date(at).toISOString().slice(0, 19);
    await dialog.getByRole('textbox', { name: 'From', exact: true }).fill(text(recordedFrom + 1_000));
    await dialog.getByRole('textbox', { name: 'To', exact: true }).fill(text(recordedFrom + 4_000));
    await dialog.getByRole('checkbox', { name: /Camera 2/ }).uncheck();
    await viewer.screenshot('plain-http-export');
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByRole('heading', { name: 'Export finished' }).waitFor({ timeout: 20_000 });
    await until('the file is there', () => downloads.length === 1);
    const path = join(folder, 'plain.mp4');
    await downloads[0]!.saveAs(path);
    const movie = checkMovie(path);
    assertContinuous(movie);
    assert.ok(movie.durationS >= 3 && movie.durationS < 6, `${movie.durationS} s`);
    await page.keyboard.press('Escape');

    await viewer.show('settings');
    for (const limit of ['No built-in cryptography here', 'Keys lie as they are', 'Exports go through memory'])
      await page.getByText(limit).waitFor();
    await page.getByText('It cannot be installed from plain http.').waitFor();
    await viewer.screenshot('plain-http-settings');
    assert.deepEqual(await viewer.axe(), []);
    // The node cannot know that no proxy speaks TLS for it, and sends the header all the same.
    viewer.assertQuiet(/Cross-Origin-Opener-Policy header has been ignored/);
    await viewer.close();
  });

  test('https through a proxy: sealed sockets, guarded keys, installable', async () => {
    const address = `https://${NAME}:${proxy.port}/`;
    world.configure((text) =>
      text.replace(/^addresses:.*$/m, `addresses: ["${NAME}:${proxy.port}"]\nviewer: ${address}`),
    );
    const viewer = await world.open({ size: WALL_SCREEN });
    const { page } = viewer;
    await viewer.pair(await world.invitationAt(address), 'Sealed');
    await viewer.playing(tile('cam1'));
    await viewer.playing(tile('cam2'));
    const sockets = viewer.requests.filter((each) => /^wss?:/.test(each));
    assert.deepEqual([...new Set(sockets)], [`wss://${NAME}:${proxy.port}/session/v2`]);
    assert.equal(await page.getByText(/plain http/i).count(), 0);
    assert.equal(await page.evaluate(() => isSecureContext && crypto.subtle !== undefined), true);
    const kept = await keptKeys(viewer);
    assert.deepEqual([kept.guard, kept.sealed, kept.open], [true, true, false]);
    await until('the page is kept', () =>
      page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === 'activated'),
    );
    const cdp = await viewer.context.newCDPSession(page);
    const manifest = await cdp.send('Page.getAppManifest');
    assert.deepEqual([new URL(manifest.url).pathname, manifest.errors], ['/manifest.webmanifest', []]);
    const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
    // A context of a test is a private window; nothing else may stand in the way.
    assert.deepEqual(
      installabilityErrors.map(({ errorId }) => errorId).filter((each) => each !== 'in-incognito'),
      [],
    );
    await viewer.screenshot('https');
    viewer.assertQuiet();
    await viewer.close();
  });
});

async function chooseNode({ page }: Viewer, name: RegExp): Promise<void> {
  await page.locator('.shell-place').click();
  await page.locator('[role=menu]:popover-open').getByRole('menuitemradio', { name }).click();
}

async function timelineText({ page }: Viewer): Promise<string> {
  return (await page.getByRole('slider', { name: /timeline/i }).getAttribute('aria-valuetext')) ?? '';
}

interface KeptKeys {
  guard: boolean;
  sealed: boolean;
  open: boolean;
  channelNative: boolean;
}

/** How the keys of the first pairing lie in the browser. */
function keptKeys({ page }: Viewer): Promise<KeptKeys> {
  return page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await settled(indexedDB.open('constitute-nvr'));
    const guard = await settled(database.transaction('keys').objectStore('keys').get('guard'));
    const [node] = await settled(database.transaction('nodes').objectStore('nodes').getAll());
    database.close();
    return {
      guard: guard !== undefined,
      sealed: node.sealed !== null,
      open: node.open !== null,
      channelNative: node.channelPair !== null,
    };
  });
}
