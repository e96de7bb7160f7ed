import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Locator } from 'playwright-core';
import { readStrip, stripCells, stripTime, type VirtualDevice } from '../../src/virtual-camera/index.ts';
import { CameraHouse, filesWith, MAIN, type Place, SUB } from '../e2e/cameras-house.ts';
import { freePort } from '../e2e/node-process.ts';
import { until } from '../support/wait.ts';
import { shownNow } from './pixel-probe.ts';
import { LAPTOP, PHONE, tile, type Viewer, ViewerWorld } from './support.ts';

// Cameras from found to removed, by a person at a browser: the node begins with none.

/** Other tests have devices on this machine too. */
const NAME = `Yard eye ${process.pid}`;
const PASSWORD = 'hunter2-first-word';
/** No other test has a camera there. */
const HOST = '127.0.0.7';
const WRONG = 'swordfish-not-it';
const OPTIONS = {
  serial: `YARD-${process.pid}`,
  name: NAME,
  credentials: { username: 'eye', password: PASSWORD },
  ptz: true,
  imaging: true,
};
/** All of it takes over a minute. */
const SLOW = process.env['SLOW'] ? false : 'SLOW=1';
/** From the press on "Add camera" until the wall shows it live. */
const ON_THE_WALL_MS_MAX = 15_000;

describe('cameras, managed in the browser', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  const house = new CameraHouse();
  let world: ViewerWorld;
  let viewer: Viewer;
  let device: VirtualDevice;
  let place: Place;
  let removedAt = 0;

  before(async () => {
    place = { host: HOST, port: await freePort(), streams: await freePort() };
    device = await house.open(place, OPTIONS);
    world = await ViewerWorld.start({
      cameras: 1,
      configured: 0,
      camera: { main: MAIN, sub: SUB },
      // Questions to everybody stay on this machine.
      config: 'cameras: { interfaces: [lo], discovery_port: 0 }\n',
    });
    viewer = await world.paired({ size: LAPTOP, name: 'Keeper' });
  });
  after(async () => {
    await world?.stop();
    await house.closeAll();
  });

  const dialog = () => viewer.page.getByRole('dialog').first();
  const config = () => readFileSync(join(world.node.data, 'config.yaml'), 'utf8');

  /** Looks at what is open, at both sizes: nothing is cut off, nothing wrong for readers. */
  const look = async (name: string) => {
    if (SLOW) return;
    const { page } = viewer;
    for (const [size, theme, end] of [
      [LAPTOP, 'dark', 'laptop'],
      [PHONE, 'light', 'phone'],
    ] as const) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: theme });
      await viewer.drawn();
      await viewer.screenshot(`cameras-${name}-${end}`);
      assert.deepEqual(await viewer.axe(), [], `${name}, ${end}`);
      assert.deepEqual(await cutOff(viewer), [], `${name}, ${end}`);
    }
    await page.setViewportSize(LAPTOP);
    await page.emulateMedia({ colorScheme: 'dark' });
    await viewer.drawn();
  };

  /** Pushes the stick and holds it. */
  const push = async (x: number, y: number) => {
    const { page } = viewer;
    const box = (await page.getByRole('application', { name: /^Stick/ }).boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + x, box.y + box.height / 2 + y, { steps: 3 });
    await until('the head moves', () => device.head().moving);
  };
  /** Moves no more: neither by its own word nor by where it looks. */
  const rests = (why: string) =>
    until(
      `the head rests ${why}`,
      async () => {
        const at = device.head();
        await viewer.page.waitForTimeout(300);
        return !device.head().moving && device.head().pan === at.pan && device.head().tilt === at.tilt;
      },
      4_000,
    );

  test('an empty wall leads to adding; a search tells what it found and offers the address', async () => {
    const { page } = viewer;
    await page.getByText('No cameras yet').waitFor();
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await page.getByText('Look for cameras on the node’s network, or add one by its address.').waitFor();
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await dialog().getByText('Asking the networks of the node').waitFor();
    await dialog()
      .getByRole('button', { name: `Use ${NAME}` })
      .waitFor();
  });

  test('a search that finds nothing and an address where nobody answers say so', { skip: SLOW }, async () => {
    await dialog()
      .getByText(/\d cameras? answered/)
      .waitFor();
    await house.close(device);
    await dialog().getByRole('button', { name: 'Ask again' }).click();
    await dialog().getByText('Asking the networks of the node').waitFor();
    // Devices of other tests may answer at the same time.
    const others = dialog().getByText(/\d cameras? answered/);
    await dialog().getByText('No camera answered (networks asked: lo).').or(others).waitFor();
    assert.equal(
      await dialog()
        .getByRole('button', { name: `Use ${NAME}` })
        .count(),
      0,
    );
    await viewer.screenshot('cameras-nothing-found');
    await dialog()
      .getByLabel('Ask one address')
      .fill(`127.0.0.8:${await freePort()}`);
    await dialog().getByRole('button', { name: 'Ask', exact: true }).click();
    await dialog().getByText('Nothing answers at this address.').waitFor();
    await look('find');
    device = await house.open(place, OPTIONS);
    await dialog().getByLabel('Ask one address').fill(`${place.host}:${place.port}`);
    await dialog().getByRole('button', { name: 'Ask', exact: true }).click();
    await dialog().getByRole('button', { name: /^Use / }).first().waitFor();
  });

  test('the wrong password is told where it was typed', async () => {
    // Found by the search, or asked by its address before: either way the first that fits.
    await dialog()
      .getByRole('button', { name: SLOW ? `Use ${NAME}` : /^Use / })
      .first()
      .click();
    await dialog().getByLabel('Name', { exact: true }).fill('Yard');
    await dialog().getByLabel('User name').fill('eye');
    await dialog().getByLabel('Password').fill(WRONG);
    await dialog().getByRole('button', { name: 'Test', exact: true }).click();
    const password = dialog().getByLabel('Password');
    await dialog().getByRole('alert').getByText('The camera refuses this user name or password.').waitFor();
    assert.equal(await password.getAttribute('aria-invalid'), 'true');
    await dialog().getByText('Check user name and password.').waitFor();
    await look('wrong-password');
    await password.fill(PASSWORD);
    assert.equal(await password.getAttribute('aria-invalid'), null, 'another password is not known to be wrong');
  });

  test('the right password shows the picture of the camera and names its streams', async () => {
    await dialog().getByRole('button', { name: 'Test', exact: true }).click();
    const report = dialog().getByRole('region', { name: 'What the test found' });
    await report.getByText('Can be moved').waitFor({ timeout: 20_000 });
    const told = (await report.textContent())!;
    assert.match(told, new RegExp(`main H\\.264 · ${MAIN.width} × ${MAIN.height}`));
    assert.match(told, new RegExp(`small H\\.264 · ${SUB.width} × ${SUB.height}`));
    const picture = report.getByRole('img', { name: 'Picture of the test' });
    await until('the picture is drawn', async () => (await codeOn(picture)) !== null);
    const age = Date.now() - (await codeOn(picture))!;
    assert.ok(age > 0 && age < 30_000, `the picture is ${age} ms old`);
    assert.equal(await dialog().getByLabel('Address of the picture (RTSP)').inputValue(), device.camera.url('/main'));
    assert.equal(await dialog().getByLabel('Address of the small picture').inputValue(), device.camera.url('/sub'));
    await look('tested');
  });

  test('once added it is live on the wall, recorded, and its password nowhere', async () => {
    const startedAt = Date.now();
    await dialog().getByRole('button', { name: 'Add camera' }).click();
    await dialog().waitFor({ state: 'detached' });
    await viewer.page.getByRole('button', { name: 'Yard', exact: true }).waitFor();
    await nav(viewer, 'Wall');
    await viewer.playing(tile('yard'));
    const ms = Date.now() - startedAt;
    assert.ok(ms <= ON_THE_WALL_MS_MAX, `it took ${ms} ms`);
    await world.recording(['yard']);
    assert.match(config(), /yard:/);
    for (const secret of [PASSWORD, WRONG]) {
      assert.ok(!config().includes(secret));
      assert.ok(!(await everythingKept(viewer)).includes(secret), 'the browser keeps it');
    }
    assert.deepEqual(filesWith(world.node.folder, [PASSWORD, WRONG]), []);
  });

  test('an address where nothing answers says so; a camera without ONVIF is added by its stream', async () => {
    const { page } = viewer;
    await nav(viewer, 'Cameras');
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await dialog().getByRole('tab', { name: 'By address' }).click();
    const [address, run] = [dialog().getByLabel('Address of the picture (RTSP)'), 'Test'];
    await address.fill(`rtsp://127.0.0.1:${await freePort()}/stream`);
    await dialog().getByRole('button', { name: run, exact: true }).click();
    const report = dialog().getByRole('region', { name: 'What the test found' });
    await report.getByText('does not answer').waitFor();
    await report.getByText('Nothing answers at that address and port.').waitFor();
    await look('nothing-answers');
    await dialog().getByLabel('Name', { exact: true }).fill('Porch');
    await address.fill(world.camera.url('/cam1/main'));
    await dialog().getByRole('button', { name: run, exact: true }).click();
    await report.getByText(`${MAIN.width} × ${MAIN.height}`).waitFor({ timeout: 20_000 });
    await report.getByText('There is no small picture here.').waitFor();
    await dialog().getByRole('button', { name: 'Add camera' }).click();
    await dialog().waitFor({ state: 'detached' });
    await nav(viewer, 'Wall');
    await viewer.playing(tile('porch'));
  });

  test('the head moves while its stick is held, and stops on release and on lost focus', async () => {
    const { page } = viewer;
    const porch = page.locator('.wall-tile[data-camera$="/porch"]');
    const yard = page.locator('.wall-tile[data-camera$="/yard"]');
    await yard.hover();
    await yard.getByRole('button', { name: 'Move the camera' }).click();
    await porch.hover();
    await porch.getByRole('button', { name: 'Enlarge' }).waitFor();
    assert.equal(await porch.getByRole('button', { name: 'Move the camera' }).count(), 0, 'it has no head');
    await push(45, 0);
    const { pan } = device.head();
    await page.waitForTimeout(1_500);
    assert.ok(
      device.head().moving && device.head().pan > pan + 0.2,
      'it moves on while held, longer than one order lasts',
    );
    await page.mouse.up();
    await rests('after the stick was let go');

    await push(-45, 0);
    await page.evaluate(() => window.dispatchEvent(new Event('blur')));
    await rests('after the window lost the focus, the button still down');
    await page.mouse.move(0, 0);
    await rests('whatever the pointer does after');
    await page.mouse.up();
  });

  test('keys steer too, several at once; the head stops with them, and with the page', { skip: SLOW }, async () => {
    const { page } = viewer;
    await page.keyboard.down('ArrowUp');
    await page.keyboard.down('ArrowLeft');
    const before = device.head();
    await until(
      'both axes move',
      () => device.head().tilt > before.tilt + 0.05 && device.head().pan < before.pan - 0.05,
    );
    await page.keyboard.up('ArrowUp');
    await page.keyboard.up('ArrowLeft');
    await rests('after the keys were let go');
    await page.getByRole('button', { name: 'Zoom in' }).focus();
    await page.keyboard.down('Space');
    await until('it zooms', () => device.head().zoom > 0.02);
    await page.keyboard.up('Space');
    await rests('after zooming');

    assert.equal(await page.locator('.time-field table').getByText('size or coding').count(), 0);
    await look('ptz');
    await push(45, 0);
    await page.goto('about:blank');
    await rests('after the page went away');
    await page.goto(world.address);
    await viewer.playing(tile('yard'));
    await page.mouse.up();
  });

  test('a place is kept, gone to, and forgotten', { skip: SLOW }, async () => {
    const { page } = viewer;
    const yard = page.locator('.wall-tile[data-camera$="/yard"]');
    await yard.focus();
    await yard.getByRole('button', { name: 'Move the camera' }).click();
    await page.getByRole('application', { name: /^Stick/ }).waitFor();
    const there = device.head();
    const places = page.getByRole('dialog', { name: 'Places' });
    await page.getByRole('button', { name: 'Places' }).click();
    await places.getByText('No places are kept yet.').waitFor();
    await places.getByLabel('Name of this place').fill('Gate');
    await places.getByRole('button', { name: 'Keep' }).click();
    await places.getByRole('button', { name: 'Gate', exact: true }).waitFor();
    await look('places');
    await page.keyboard.press('Escape');
    await page.keyboard.down('ArrowDown');
    await until('it looks elsewhere', () => device.head().tilt < there.tilt - 0.1);
    await page.keyboard.up('ArrowDown');
    await page.getByRole('button', { name: 'Places' }).click();
    await places.getByRole('button', { name: 'Gate', exact: true }).click();
    await until('it looks there again', () => {
      const { pan, tilt, zoom, moving } = device.head();
      return !moving && Math.hypot(pan - there.pan, tilt - there.tilt, zoom - there.zoom) < 0.02;
    });
    await page.getByRole('button', { name: 'Places' }).click();
    await places.getByRole('button', { name: 'Forget Gate' }).click();
    await places.getByText('No places are kept yet.').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Stop moving the camera' }).waitFor({ state: 'detached' });
    assert.ok(await yard.evaluate((element) => element === document.activeElement), 'the focus is back on the tile');
  });

  test('brightness changes the picture', { skip: SLOW }, async () => {
    const { page } = viewer;
    const yard = page.locator('.wall-tile[data-camera$="/yard"]');
    const before = await brightness(viewer, tile('yard'));
    await yard.hover();
    await yard.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Adjust the picture' }).click();
    const slider = dialog().getByRole('slider', { name: 'Brightness' });
    await slider.focus();
    await page.keyboard.press('End');
    await until('the picture is brighter', async () => (await brightness(viewer, tile('yard'))) > before + 25);
    await look('imaging');
    await slider.fill('0.5');
    await until('it is as before', async () => Math.abs((await brightness(viewer, tile('yard'))) - before) < 12);
    await page.keyboard.press('Escape');
  });

  test('what the camera tells of stands on the timeline, and is jumped to both ways', { skip: SLOW }, async () => {
    const { page } = viewer;
    const rows = page.locator('.time-field table').getByRole('row', { name: /Yard.*Motion/ });
    const told: number[] = [];
    for (let count = 1; count <= 2; count++) {
      told.push(Date.now());
      device.emit('motion', true);
      await until('the event is marked', async () => (await rows.count()) === count);
      await page.waitForTimeout(1_500);
      device.emit('motion', false);
      await page.waitForTimeout(3_000);
    }
    await page.locator('.wall-tile[data-camera$="/yard"]').focus();
    for (const [keys, at, name] of [
      ['Shift+ArrowLeft', told[1]!, 'the later one'],
      ['Shift+ArrowLeft', told[0]!, 'the earlier one'],
      ['Shift+ArrowRight', told[1]!, 'the later one again'],
    ] as const) {
      await page.keyboard.press(keys);
      const pause = page.getByRole('button', { name: 'Pause', exact: true });
      if ((await pause.count()) > 0) await pause.click();
      await until(`the cursor stands at ${name}`, async () => Math.abs((await cursor(viewer)) - at) < 1_500);
      await until('the picture is of that time', async () => {
        const shown = await shownNow(page, tile('yard'));
        return shown !== null && Math.abs(shown.madeAt - (await cursor(viewer))) < 250;
      });
    }
    await viewer.screenshot('cameras-event');
    await page.keyboard.press('l');
    await viewer.playing(tile('yard'));
  });

  test('another name is on the wall and the timeline at once', async () => {
    const { page } = viewer;
    await act(viewer, 'Yard', 'Address and password');
    const name = dialog().getByLabel('Name', { exact: true });
    await until(
      'what is configured is filled in',
      async () => (await dialog().getByLabel('Address of the picture (RTSP)').inputValue()) !== '',
    );
    await name.fill('Courtyard');
    await look('edit');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await nav(viewer, 'Wall');
    await page.getByRole('region', { name: 'Courtyard', exact: true }).waitFor({ timeout: 3_000 });
    await page.locator('.time-name', { hasText: /^Courtyard$/ }).waitFor({ timeout: 3_000 });
    await viewer.playing(tile('yard'));
    assert.match(config(), /name: Courtyard/);
  });

  test('a rule for recording is painted by keys, and holds', { skip: SLOW }, async () => {
    const { page } = viewer;
    await act(viewer, 'Courtyard', 'Recording');
    await dialog().getByLabel('At which times').selectOption({ label: 'at these times of the week' });
    await dialog().getByRole('button', { name: 'Clear' }).click();
    await dialog().getByText('No time is chosen.').waitFor();
    // The same hour of the day after tomorrow and the two after it, whatever hour it is.
    const away = new Date(Date.now() + 2 * 86_400_000);
    const [day, hour] = [(away.getDay() + 6) % 7, Math.min(away.getHours(), 20)];
    const grid = dialog().getByRole('grid');
    await grid.locator('[tabindex="0"]').focus();
    await page.keyboard.press('Home');
    for (let press = 0; press < 7; press++) await page.keyboard.press('ArrowUp');
    for (let press = 0; press < day; press++) await page.keyboard.press('ArrowDown');
    for (let press = 0; press < hour; press++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    assert.equal(await grid.locator('[data-share="all"]').count(), 3);
    await dialog().getByText('3 hours a week.').waitFor();
    await look('schedule');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    const text = `${['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'][day]} ${two(hour)}:00-${two(hour + 3)}:00`;
    assert.ok(config().includes(text), config());
    await page.getByText('live only: not recorded at this time').first().waitFor();

    await act(viewer, 'Courtyard', 'Recording');
    await until('the schedule is read back', async () => (await dialog().locator('[data-share="all"]').count()) === 3);
    await dialog().getByLabel('At which times').selectOption({ label: 'at any time' });
    await dialog().getByLabel('Record the main picture').selectOption({ label: 'while something happens' });
    await dialog().getByRole('switch', { name: 'An alarm input' }).check();
    await look('event-rule');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.getByText('live, waiting for an event to record').first().waitFor();
    device.emit('input', true);
    await page.getByText('recording an event').first().waitFor();
    device.emit('input', false);

    await act(viewer, 'Courtyard', 'Recording');
    await until(
      'the rule is read back',
      async () => (await dialog().getByLabel('Record the main picture').inputValue()) === 'event',
    );
    await dialog().getByLabel('Record the main picture').selectOption({ label: 'always' });
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await world.recording(['yard']);
  });

  test('a camera that is switched off says just that, and comes back', { skip: SLOW }, async () => {
    const { page } = viewer;
    await act(viewer, 'Courtyard', 'Switch off');
    await page.getByText('switched off: what was recorded stays').waitFor();
    await nav(viewer, 'Wall');
    const yard = page.locator('.wall-tile[data-camera$="/yard"]');
    await yard.getByText('Courtyard is switched off').waitFor();
    assert.equal(await yard.getByText(/unreachable/i).count(), 0);
    await viewer.screenshot('cameras-switched-off');
    await act(viewer, 'Courtyard', 'Switch on');
    await nav(viewer, 'Wall');
    await viewer.playing(tile('yard'));
  });

  test('a camera is removed after a question, and gone from the wall, the list and the timeline', async () => {
    const { page } = viewer;
    await act(viewer, 'Courtyard', 'Remove');
    await dialog().getByText('What was recorded stays on the node until its time is up').waitFor();
    await look('remove');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Courtyard', exact: true }).waitFor();
    await act(viewer, 'Courtyard', 'Remove');
    await dialog().getByRole('button', { name: 'Remove camera' }).click();
    await dialog().waitFor({ state: 'detached' });
    removedAt = Date.now();
    await page.getByRole('button', { name: 'Courtyard', exact: true }).waitFor({ state: 'detached' });
    await nav(viewer, 'Wall');
    await viewer.playing(tile('porch'));
    assert.equal(await page.locator('.wall-tile[data-camera$="/yard"]').count(), 0);
    assert.equal(await page.locator('.time-name', { hasText: 'Courtyard' }).count(), 0);
    assert.doesNotMatch(config(), /yard/);
  });

  test('the command line still reads what it recorded', { skip: SLOW }, async () => {
    const { code } = await world.node.json<{ code: string }>(['devices', 'code', '--role', 'viewer']);
    const address = ['--address', `127.0.0.1:${world.network.port}`];
    await world.node.json(['client', 'pair', ...address, '--code', code, '--label', 'reader', '--name', 'n'], 'reader');
    const list = ['client', 'segments', 'yard', '--from', '-10m'];
    const { segments } = await world.node.json<{ segments: { state: string }[] }>(list, 'reader');
    assert.ok(segments.length > 2);
    assert.ok(segments.every(({ state }) => state !== 'open'));
  });

  test('added again with its id, it is on the wall and goes on where it was: the past is there', async () => {
    const { page } = viewer;
    await nav(viewer, 'Cameras');
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await dialog().getByRole('tab', { name: 'By address' }).click();
    await dialog().getByLabel('Name', { exact: true }).fill('Yard');
    await dialog().getByLabel('Address of the picture (RTSP)').fill(device.camera.url('/main'));
    await dialog().getByLabel('User name').fill('eye');
    await dialog().getByLabel('Password').fill(PASSWORD);
    await dialog().getByRole('button', { name: 'Add camera' }).click();
    await dialog().waitFor({ state: 'detached' });
    await nav(viewer, 'Wall');
    await viewer.playing(tile('yard'));
    await page.locator('.wall-tile[data-camera$="/yard"]').focus();
    await page.keyboard.press('Home');
    await until('a picture from before is shown', async () => {
      const shown = await shownNow(page, tile('yard'));
      return shown !== null && shown.madeAt < removedAt;
    });
  });

  test('nothing was complained about', () => viewer.assertQuiet());
});

/** Goes to a page by the rail. */
async function nav(viewer: Viewer, name: string): Promise<void> {
  await viewer.page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
}

/** Chooses what to do with a camera, on the page of cameras. */
async function act(viewer: Viewer, camera: string, what: string): Promise<void> {
  await nav(viewer, 'Cameras');
  await viewer.page.getByRole('button', { name: `What to do with ${camera}`, exact: true }).click();
  await viewer.page.getByRole('menuitem', { name: what, exact: true }).click();
}

/** Where the cursor of the timeline stands. */
async function cursor(viewer: Viewer): Promise<number> {
  return Date.parse((await viewer.page.locator('time.time-now').getAttribute('datetime'))!);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** How bright the picture of a video is on the whole, 0 to 255. */
function brightness(viewer: Viewer, selector: string): Promise<number> {
  return viewer.page.evaluate((css) => {
    const video = [...document.querySelectorAll<HTMLVideoElement>(css)].findLast((each) => each.videoWidth > 0);
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [32, 18];
    const context = canvas.getContext('2d')!;
    if (video) context.drawImage(video, 0, 0, 32, 18);
    const { data } = context.getImageData(0, 0, 32, 18);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += (data[at]! + data[at + 1]! + data[at + 2]!) / 3;
    return sum / (data.length / 4);
  }, selector);
}

/** When the camera made the picture on a canvas, by the strip burned into it; null where it is none of the main stream's. */
async function codeOn(canvas: Locator): Promise<number | null> {
  const spots = stripCells(MAIN.width, MAIN.height).map(({ x, y }) => [x, y] as const);
  const cells = await canvas.evaluate(
    (element, [spots, width, height]) => {
      const { width: w, height: h } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext('2d');
      if (!context || w !== width || h !== height) return null;
      return spots.map(([x, y]) => {
        const [r, g, b] = context.getImageData(x, y, 1, 1).data;
        return Math.round(0.299 * r! + 0.587 * g! + 0.114 * b!);
      });
    },
    [spots, MAIN.width, MAIN.height] as const,
  );
  const code = cells && readStrip(cells);
  return code && stripTime(code.timeMs, Date.now());
}

/** All that this browser shows, says and keeps, as text. */
function everythingKept(viewer: Viewer): Promise<string> {
  return viewer.page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const kept: string[] = [document.documentElement.outerHTML, JSON.stringify({ ...localStorage, ...sessionStorage })];
    for (const input of document.querySelectorAll('input')) kept.push(input.value);
    for (const { name } of await indexedDB.databases()) {
      const database = await settled(indexedDB.open(name!));
      for (const store of database.objectStoreNames) {
        const all = await settled(database.transaction(store).objectStore(store).getAll());
        kept.push(
          JSON.stringify(all, (_, value) =>
            value instanceof Uint8Array || value instanceof ArrayBuffer
              ? new TextDecoder('latin1').decode(value)
              : value,
          ),
        );
      }
      database.close();
    }
    return kept.join('\n');
  });
}

/** Texts and controls that reach out of the screen or of their dialog where nothing scrolls them. */
function cutOff(viewer: Viewer): Promise<string[]> {
  return viewer.page.evaluate(() => {
    const boxes = [document.documentElement, ...document.querySelectorAll('dialog, .ui-dialog-body, .ui-dialog-foot')];
    return boxes
      .filter((each) => each.scrollWidth > each.clientWidth + 1)
      .map((each) => `${each.tagName} ${each.className}: ${each.scrollWidth} in ${each.clientWidth}`);
  });
}
