import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { CameraHouse } from '../e2e/cameras-house.ts';
import { freePort } from '../e2e/node-process.ts';
import { until } from '../support/wait.ts';
import { LAPTOP, PHONE, tile, type Viewer, ViewerWorld } from './support.ts';

// Who may what, given and taken in one browser and felt in another.

/** What one look at the page does not need each time. */
const LONG = { skip: process.env['SLOW'] ? false : 'SLOW=1' };
/** What is said of another browser without being asked anew comes within this. */
const AT_ONCE_MS = 8_000;

const cameraOf = (page: Page, name: string) => page.locator('.wall-tile').filter({ hasText: name });
const exporting = (page: Page) => page.getByRole('button', { name: /^export/i });
const timeline = (page: Page) => page.getByRole('region', { name: 'Time', exact: true });
const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

/** No other test has a camera there. */
const HOST = '127.0.0.6';

describe('devices and what they may', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  const house = new CameraHouse();
  let world: ViewerWorld;
  let owner: Viewer;

  before(async () => {
    const [port, streams] = [await freePort(), await freePort()];
    await house.open({ host: HOST, port, streams }, { serial: 'HEAD-1', ptz: true, imaging: true });
    world = await ViewerWorld.start({
      cameras: 2,
      source: `    onvif: http://${HOST}:${port}/onvif/device_service\n`,
    });
    await world.recording();
    owner = await world.paired({ name: 'Owner', size: LAPTOP });
    await owner.show('devices');
    await row(owner.page, 'Owner').waitFor();
  });
  after(async () => {
    await world?.stop();
    await house.closeAll();
  });

  const dialog = (viewer = owner) => viewer.page.getByRole('dialog').first();

  /** What is open, at both sizes: a picture of it, and nothing wrong for readers. */
  const look = async (viewer: Viewer, name: string) => {
    const { page } = viewer;
    const before = page.viewportSize()!;
    for (const [size, theme, end] of [
      [LAPTOP, 'dark', 'laptop'],
      [PHONE, 'light', 'phone'],
    ] as const) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: theme });
      await viewer.drawn();
      await viewer.screenshot(`devices-${name}-${end}`);
      assert.deepEqual(await viewer.axe(), [], `${name}, ${end}`);
      assert.deepEqual(await tooWide(page), [], `${name}, ${end}`);
    }
    await page.setViewportSize(before);
    await page.emulateMedia({ colorScheme: 'dark' });
  };

  /** The menu of a device in the owner's list. */
  const choose = async (device: string, item: string) => {
    const { page } = owner;
    await page.getByRole('button', { name: `What to do with ${device}` }).click();
    await page.getByRole('menuitem', { name: item }).click();
    await dialog().waitFor();
  };

  /** A paired device gets other terms, as the operator at the machine gives them. */
  const grant = (device: string, ...terms: string[]) => world.node.json(['devices', 'grant', device, ...terms]);

  test('a link lets one device in, and both sides and the node show the same words', async () => {
    const { page } = owner;
    await page.getByRole('button', { name: 'Let a device in' }).click();
    assert.equal(
      await dialog()
        .getByRole('radio', { name: /^viewer/ })
        .isChecked(),
      true,
      'the least comes first',
    );
    await look(owner, 'let-in');
    await dialog().getByRole('button', { name: 'Make the invitation' }).click();
    await dialog().getByRole('img', { name: 'The invitation as a QR code' }).waitFor();
    await dialog()
      .getByText(/Ends in \d/)
      .waitFor();
    const link = await dialog().getByRole('textbox', { name: 'By link or picture' }).inputValue();
    await look(owner, 'invitation');

    const guest = await world.open({ size: PHONE, theme: 'light', touch: true });
    await guest.page.goto(link);
    const words = /^in words {5}(.+)$/m.exec(world.node.node!.out())![1]!;
    assert.equal(await spoken(guest.page.locator('.key-text').first()), words, 'as the node prints it');
    await guest.screenshot('devices-pairing-phone');
    await guest.page.getByRole('textbox', { name: 'Name of this device' }).fill('Kitchen tablet');
    await guest.page.getByRole('button', { name: 'Pair', exact: true }).click();
    await guest.wall().waitFor();
    await dialog().getByText('Kitchen tablet has come in.').waitFor({ timeout: AT_ONCE_MS });
    await look(owner, 'came-in');
    await dialog().getByRole('button', { name: 'Done' }).click();
    await row(page, 'Kitchen tablet').getByText('viewer', { exact: true }).waitFor({ timeout: AT_ONCE_MS });

    // Its own key, in both browsers.
    await guest.show('settings');
    const keys = guest.page.locator('.settings-node .key-text');
    await keys.nth(1).waitFor();
    assert.equal(await spoken(keys.nth(0)), words);
    await choose('Kitchen tablet', 'Show its key');
    assert.equal(await spoken(dialog().locator('.key-text')), await spoken(keys.nth(1)));
    await page.keyboard.press('Escape');

    // The link is used up.
    const late = await world.open();
    await late.page.goto(link);
    await late.page.getByRole('button', { name: 'Pair', exact: true }).click();
    await late.page
      .getByRole('alert')
      .getByText(/was used already, was withdrawn, or has expired/)
      .waitFor();
    guest.assertQuiet();
    late.assertQuiet(/WebSocket/);
    await late.close();
    await guest.close();
  });

  test(
    'a typed code with approval: mistyped, compared in words, let in to what was promised, or turned away',
    LONG,
    async () => {
      const { page } = owner;
      const makeCode = async (narrow: boolean) => {
        await page.getByRole('button', { name: 'Let a device in' }).click();
        await dialog().getByRole('tab', { name: 'By typed code' }).click();
        if (narrow) {
          await dialog().getByRole('radio', { name: 'Only some' }).check();
          await dialog().getByRole('switch', { name: 'Camera 2' }).uncheck();
        }
        if (narrow) await look(owner, 'code-terms');
        await dialog().getByRole('button', { name: 'Make the code' }).click();
        const digits = (await dialog().locator('.devices-code').textContent())!;
        if (narrow) await look(owner, 'code');
        await dialog().getByRole('button', { name: 'Done' }).click();
        return digits.replace(' ', '');
      };
      const type = async (viewer: Viewer, digits: string) => {
        await viewer.page.getByRole('textbox', { name: 'Code' }).fill(digits);
        await viewer.page.getByRole('button', { name: 'Pair', exact: true }).click();
      };
      const digits = await makeCode(true);
      const guest = await world.open({ size: PHONE, theme: 'light', touch: true });
      await guest.page.goto(world.address);
      await guest.page.getByRole('tab', { name: 'Eight digits' }).click();
      await guest.page.getByRole('textbox', { name: 'Name of this device' }).fill('Shed phone');
      await type(
        guest,
        digits.replace(/.$/, (last) => String((Number(last) + 1) % 10)),
      );
      await guest.page
        .getByRole('alert')
        .getByText(/The code is wrong/)
        .waitFor();
      await look(guest, 'code-wrong');
      // One guess is gone; by now another one is taken again.
      await page.getByText('4 tries left').waitFor({ timeout: AT_ONCE_MS });
      await type(guest, digits);
      await guest.page.getByRole('heading', { name: 'Waiting for approval' }).waitFor();
      const asks = row(page, 'Shed phone');
      await asks.waitFor({ timeout: AT_ONCE_MS });
      const words = await spoken(guest.page.locator('.key-text').first());
      assert.equal(await spoken(asks.locator('.key-text')), words, 'both sides show the same words');
      await look(guest, 'waits');
      await look(owner, 'asked');
      await asks.getByRole('button', { name: 'Compare and let in' }).click();
      assert.equal(await spoken(dialog().locator('.key-text')), words);
      assert.equal(await dialog().getByRole('radio', { name: 'Only some' }).isChecked(), true, 'as its code promised');
      assert.equal(await dialog().getByRole('switch', { name: 'Camera 2' }).isChecked(), false);
      await look(owner, 'approve');
      await dialog()
        .getByRole('button', { name: /The words are the same/ })
        .click();
      await guest.wall().waitFor();
      await guest.playing(tile('cam1'));
      assert.equal(await cameraOf(guest.page, 'Camera 2').count(), 0, 'the other camera does not exist for it');
      await row(page, 'Shed phone').getByText('Camera 1').waitFor({ timeout: AT_ONCE_MS });
      guest.assertQuiet(/WebSocket/);
      await guest.close();

      const second = await world.open();
      await second.page.goto(world.address);
      await second.page.getByRole('tab', { name: 'Eight digits' }).click();
      await second.page.getByRole('textbox', { name: 'Name of this device' }).fill('Nobody we know');
      await type(second, await makeCode(false));
      await row(page, 'Nobody we know').getByRole('button', { name: 'Turn away' }).click({ timeout: AT_ONCE_MS });
      await second.page
        .getByRole('alert')
        .getByText(/turned this device away/)
        .waitFor();
      await look(second, 'turned-away');
      await row(page, 'Nobody we know').waitFor({ state: 'detached', timeout: AT_ONCE_MS });
      second.assertQuiet(/WebSocket/);
      await second.close();
    },
  );

  test('an invitation that waits is taken back, told in the audit log, and opens nothing any more', LONG, async () => {
    const { page } = owner;
    const link = await world.invite('operator');
    const waits = row(page, 'An invitation for one operator');
    await waits.waitFor({ timeout: AT_ONCE_MS });
    await look(owner, 'waiting');
    await waits.getByRole('button', { name: 'Take back' }).click();
    await page.getByText('The invitation is taken back: its link lets nobody in any more.').waitFor();
    await waits.waitFor({ state: 'detached' });
    const { entries } = await world.node.json<{ entries: { detail: string }[] }>(['audit', 'list', '--limit', '5']);
    assert.ok(entries.some(({ detail }) => detail === 'invitations.remove@1'));
    const late = await world.open();
    await late.page.goto(link);
    await late.page.getByRole('button', { name: 'Pair', exact: true }).click();
    await late.page
      .getByRole('alert')
      .getByText(/was used already, was withdrawn, or has expired/)
      .waitFor();
    late.assertQuiet(/WebSocket/);
    await late.close();
  });

  test(
    'a narrowed grant takes away at once what it does not offer, and says so where a picture was',
    LONG,
    async () => {
      const guest = await world.paired({ role: 'operator', name: 'Guard' });
      const { page } = guest;
      const controls = (label: RegExp, camera = 'Camera 1') =>
        cameraOf(page, camera).getByRole('button', { name: label });
      await guest.playing(tile('cam1'));
      await guest.playing(tile('cam2'));
      await cameraOf(page, 'Camera 1').hover();
      await controls(/^Move the camera/).waitFor();
      await exporting(page).first().waitFor();

      await cameraOf(page, 'Camera 2').hover();
      await controls(/^Move the camera/, 'Camera 2').waitFor();

      // Less at one camera, by the page; the node says no by itself to whoever asks there all the same.
      await row(owner.page, 'Guard').waitFor({ timeout: AT_ONCE_MS });
      await choose('Guard', 'Change what it may');
      await dialog().getByRole('switch', { name: 'Less at single cameras' }).press('Space');
      const there = dialog().getByRole('combobox', { name: 'Role at Camera 2' });
      assert.deepEqual(await there.locator('option').allTextContents(), ['as above', 'viewer']);
      await there.selectOption('viewer');
      await look(owner, 'roles-at');
      await dialog().getByRole('button', { name: 'Put in force' }).click();
      await row(owner.page, 'Guard').getByText('operator · only viewer at Camera 2').waitFor();
      await owner.screenshot('devices-roles-at-list');
      await controls(/^Move the camera/, 'Camera 2').waitFor({ state: 'detached', timeout: AT_ONCE_MS });
      await cameraOf(page, 'Camera 1').hover();
      await controls(/^Move the camera/).waitFor();
      await guest.playing(tile('cam2'));
      await exporting(page).first().click();
      await dialog(guest).getByText('Camera 1').first().waitFor();
      // Nothing of the other one is offered as a file.
      await dialog(guest).getByText('Camera 2').waitFor({ state: 'detached', timeout: AT_ONCE_MS });
      await page.keyboard.press('Escape');
      const invited = ['devices', 'invite', '--role', 'operator', '--at', 'cam2=viewer'];
      const { invitation } = await world.node.json<{ invitation: string }>(invited);
      await world.node.json(['client', 'pair', invitation], 'patrol');
      const move = (camera: string) => ['ptz', camera, 'move', '--pan', '0.1', '--for', '1'];
      for (const [args, code] of [
        [move('cam1'), 0],
        [move('cam2'), 4],
        [['play', 'cam2', '--at', '-5s', '--seconds', '1', '-o', 'cam2.mp4'], 4],
      ] as const) {
        const ran = await world.node.run(['client', ...args, '--json'], 'patrol');
        assert.equal(ran.code, code, `${args.join(' ')}: ${ran.err}`);
      }

      await grant('Guard', '--role', 'operator', '--action', 'live', 'playback');
      await controls(/^Move the camera/).waitFor({ state: 'detached', timeout: AT_ONCE_MS });
      await exporting(page).first().waitFor({ state: 'detached' });
      await guest.playing(tile('cam1'));

      await grant('Guard', '--role', 'operator', '--source', 'cam1', '--action', 'live', 'ptz');
      await timeline(page).waitFor({ state: 'detached', timeout: AT_ONCE_MS });
      await page
        .getByText(/is not there any more/)
        .first()
        .waitFor();
      await cameraOf(page, 'Camera 1').hover();
      await controls(/^Move the camera/).waitFor();
      await guest.playing(tile('cam1'));
      await guest.screenshot('devices-live-only');
      await guest.show('cameras');
      await page.getByText('Camera 1').first().waitFor();
      assert.equal(await page.getByText('Camera 2').count(), 0, 'not in the list either');
      await guest.show('wall');

      await grant('Guard', '--role', 'operator', '--action', 'playback', 'export');
      await page.getByText('Camera 1 is not shown live to this device').waitFor({ timeout: AT_ONCE_MS });
      await timeline(page).waitFor();
      await exporting(page).first().waitFor();
      await look(guest, 'not-live');
      // Only from one camera is what exporting offers.
      await grant('Guard', '--role', 'operator', '--source', 'cam2');
      await until('one camera is left', async () => (await page.locator('.wall-tile video').count()) > 0);
      await guest.playing(tile('cam2'));
      await exporting(page).first().click();
      await dialog(guest).getByText('Camera 2').first().waitFor();
      assert.equal(await dialog(guest).getByText('Camera 1').count(), 0);
      guest.assertQuiet();
      await guest.close();
    },
  );

  test('a right with an end says when it ends, and afterwards that it ended', LONG, async () => {
    const guest = await world.paired({ role: 'viewer', name: 'Plumber' });
    const { page } = guest;
    await guest.playing(tile('cam1'));
    await grant('Plumber', '--role', 'viewer', '--until', String(Date.now() + 12_000));
    await page.getByText(/This device’s right at .* ends /).waitFor({ timeout: AT_ONCE_MS });
    await look(guest, 'ends');
    await page.getByText(/This device’s right at .* ended /).waitFor({ timeout: 20_000 });
    await row(owner.page, 'Plumber').getByText('ended').waitFor({ timeout: 10_000 });
    await page.getByRole('button', { name: 'What now?' }).click();
    await dialog(guest)
      .getByText(/It had been given until/)
      .waitFor();
    await look(guest, 'ended');
    // Given again, it goes on.
    await grant('Plumber', '--role', 'viewer');
    await dialog(guest).getByRole('button', { name: 'Try now' }).click();
    await guest.playing(tile('cam1'));
    guest.assertQuiet(/WebSocket/);
    await guest.close();
  });

  test(
    'renamed, given another role, taken its rights, removed: through the page, and felt by the other browser',
    LONG,
    async () => {
      const { page } = owner;
      const guest = await world.paired({ role: 'viewer', name: 'Helper' });
      await guest.playing(tile('cam1'));
      assert.equal(await exporting(guest.page).count(), 0);

      await row(page, 'Helper').waitFor({ timeout: AT_ONCE_MS });
      await choose('Helper', 'Rename');
      await dialog().getByRole('textbox', { name: 'Name' }).fill('Night watch');
      await look(owner, 'rename');
      await dialog().getByRole('button', { name: 'Rename' }).click();
      await row(page, 'Night watch').waitFor();

      await choose('Night watch', 'Change what it may');
      await dialog()
        .getByRole('radio', { name: /^operator/ })
        .check();
      await look(owner, 'grant');
      await dialog().getByRole('button', { name: 'Put in force' }).click();
      await row(page, 'Night watch').getByText('operator').waitFor();
      await exporting(guest.page).first().waitFor({ timeout: AT_ONCE_MS });

      await choose('Night watch', 'Take its rights away');
      await look(owner, 'revoke');
      await dialog().getByRole('button', { name: 'Take away' }).click();
      await row(page, 'Night watch').getByText('paired, but may do nothing').waitFor();
      await guest.page
        .getByText(/does not let this device in any more/)
        .first()
        .waitFor();
      await choose('Night watch', 'Change what it may');
      await dialog().getByRole('button', { name: 'Put in force' }).click();
      await dialog().waitFor({ state: 'detached' });
      await guest.page.getByRole('button', { name: 'What now?' }).click();
      await dialog(guest).getByRole('button', { name: 'Try now' }).click();
      await guest.playing(tile('cam1'));

      await choose('Night watch', 'Remove');
      await look(owner, 'remove');
      await dialog().getByRole('button', { name: 'Remove' }).click();
      await row(page, 'Night watch').waitFor({ state: 'detached' });
      await guest.page
        .getByText(/does not let this device in any more/)
        .first()
        .waitFor();
      guest.assertQuiet(/WebSocket/);
      await guest.close();
    },
  );

  test('the last owner cannot leave, and is told why', async () => {
    await choose('Owner', 'Leave this node');
    await dialog().getByRole('button', { name: 'Leave this node' }).click();
    await dialog().getByText('This is the last owner: without it nobody could manage the node.').waitFor();
    await dialog().getByText('Make another device an owner first.').waitFor();
    await look(owner, 'last-owner');
    await owner.page.keyboard.press('Escape');
    await row(owner.page, 'Owner').waitFor();
    owner.assertQuiet();
  });
});

/** The words of a key, as they are compared. */
async function spoken(key: Locator): Promise<string> {
  await key.waitFor();
  return (await key.locator('.key-text-words b').allTextContents()).join(' ');
}

/** Elements of what is open that reach over the right edge. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const top = document.querySelector('dialog[open]') ?? document.querySelector('main');
    return [...(top?.querySelectorAll('*') ?? [])]
      .filter((each) => each.getBoundingClientRect().right > width + 1 && !each.closest('.wall, .time'))
      .map((each) => `${each.tagName} ${each.className} ${(each.textContent ?? '').slice(0, 40)}`)
      .slice(0, 5);
  });
}
