import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { shownNow } from './pixel-probe.ts';
import { type Viewer, ViewerWorld } from './support.ts';

describe('what the viewer may and may not', () => {
  let world: ViewerWorld;
  let owner: Viewer;

  before(async () => {
    world = await ViewerWorld.start({ cameras: 2 });
    await world.recording();
    owner = await world.paired({ name: 'Owner' });
    await owner.playing();
  });
  after(() => world?.stop());

  test('a device that may only look is shown no more than that', async () => {
    const viewer = await world.paired({ role: 'viewer', name: 'Guest' });
    const { page } = viewer;
    await viewer.playing();
    assert.equal(await page.getByRole('button', { name: /^export/i }).count(), 0, 'nothing to export with');
    assert.ok((await owner.page.getByRole('button', { name: /^export/i }).count()) > 0, 'the owner has it');
    await viewer.show('cameras');
    await page.getByText('Camera 1').first().waitFor();
    assert.equal(await page.getByRole('button', { name: /add|discover|edit|remove/i }).count(), 0);
    await viewer.show('devices');
    await page.getByText('Guest').first().waitFor();
    assert.equal(await page.getByText('Owner', { exact: true }).count(), 0, 'the other devices are not told');
    assert.equal(await page.getByRole('button', { name: /invite/i }).count(), 0);
    viewer.assertQuiet();
    await viewer.close();
  });

  test('a device that is removed while it watches is told so', async () => {
    const viewer = await world.paired({ role: 'operator', name: 'Leaver' });
    await viewer.playing();
    await world.node.json(['devices', 'remove', 'Leaver']);
    await viewer.page
      .getByText(/does not let this device in/i)
      .first()
      .waitFor({ timeout: 15_000 });
    await viewer.screenshot('revoked');
    const before = await shownNow(viewer.page, 'video');
    await viewer.page.waitForTimeout(1_500);
    const now = await shownNow(viewer.page, 'video');
    assert.equal(now?.frame, before?.frame, 'no new picture comes');
    viewer.assertQuiet(/WebSocket/);
    await viewer.close();
  });

  test('a cut network is told, what was on the screen stays, and pictures come back by themselves', async () => {
    const { page } = owner;
    await owner.show('wall');
    await owner.playing();
    world.network.cut();
    await page
      .getByText(/no link to/i)
      .first()
      .waitFor({ timeout: 15_000 });
    await owner.screenshot('no-link');
    const kept = await shownNow(page, 'video');
    assert.ok(kept, 'the last picture stays');
    await world.network.mend();
    await owner.playing('video', 20_000);
    await page
      .getByText(/no link to/i)
      .first()
      .waitFor({ state: 'detached', timeout: 5_000 });
    owner.assertQuiet(/WebSocket|ERR_CONNECTION/);
  });

  test('after a restart of the node the wall goes on by itself', async () => {
    await world.restartNode();
    await owner.playing('video', 30_000);
    owner.assertQuiet(/WebSocket|ERR_CONNECTION/);
  });

  test('reloaded, the page is paired still and shows the same wall', async () => {
    await owner.page.reload();
    await owner.playing();
    assert.ok((await owner.page.locator('video').count()) >= 2);
  });
});
