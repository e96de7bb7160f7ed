import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CHANNEL_SUBPROTOCOL } from '../../src/protocol/index.ts';
import { until } from '../support/wait.ts';
import { SCREENSHOTS, tile, VIEWER, type Viewer, ViewerWorld } from './support.ts';
import { seekTo } from './timeline-hand.ts';
import { openFileServer, type WebServer } from './web-servers.ts';

const NO_LINK = /WebSocket|ERR_CONNECTION|ERR_SOCKET|Failed to fetch/;

describe('hosted elsewhere, kept, renewed', { skip: process.env['SLOW'] ? false : 'SLOW=1' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'nvr-hosted-'));
  let served = VIEWER;
  let world: ViewerWorld;
  let host: WebServer;
  let address = '';
  let viewer: Viewer;

  before(async () => {
    host = await openFileServer('my/viewer', () => served);
    address = `http://127.0.0.1:${host.port}/my/viewer/`;
    const config = `origins: http://127.0.0.1:${host.port}\nviewer: ${address}\n`;
    world = await ViewerWorld.start({ cameras: 2, config });
    await world.recording();
  });
  after(async () => {
    await world?.stop();
    await host?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('in a folder of any web server, without a header of the node: pair, live, past', async () => {
    viewer = await world.open({});
    const startedAt = Date.now();
    await viewer.pair(await world.invitationAt(address), 'Hosted');
    assert.equal(new URL(viewer.page.url()).pathname, '/my/viewer/');
    await viewer.playing(tile('cam1'));
    await until('some seconds are recorded', () => Date.now() > startedAt + 5_000);
    await seekTo(viewer, Date.now() - 3_000);
    await viewer.show('health');
    await viewer.page.getByText('Camera 1').first().waitFor();
    await kept(viewer);
    const scope = await viewer.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())!.scope);
    assert.equal(scope, address);
    const { host: own } = new URL(address);
    for (const each of viewer.requests) {
      const url = new URL(each);
      if (url.protocol === 'blob:' || url.protocol === 'data:') continue;
      const isFile = url.host === own && url.pathname.startsWith('/my/viewer/');
      assert.ok(isFile || each === `ws://127.0.0.1:${world.network.port}/session/v2`, `a request to ${each}`);
    }
    viewer.assertQuiet();
  });

  test('a newer build is shown at the next visit; a page of the old one says that it must be loaded again', async () => {
    const newer = join(folder, 'newer');
    renewed(VIEWER, newer, 'Wallnewer');
    const { page } = viewer;
    await viewer.show('wall');
    await viewer.playing(tile('cam1'));
    // A second visit that stays open while the first one renews everything.
    const old = await viewer.context.newPage();
    await old.goto(address);
    await old.getByRole('link', { name: 'Wall', exact: true }).waitFor();
    served = newer;
    await page.reload();
    await page.getByRole('link', { name: 'Wallnewer', exact: true }).waitFor();
    await viewer.playing(tile('cam1'));
    await viewer.screenshot('renewed');
    await until('the files of the newer build are kept, and no others', async () => {
      const caches = await page.evaluate(() => globalThis.caches.keys());
      return (
        caches.length === 1 &&
        (await page.evaluate(() => globalThis.caches.match('./index.html').then((each) => each?.text())))!.includes(
          'newer',
        )
      );
    });
    viewer.assertQuiet();
    await old.getByRole('link', { name: 'Devices', exact: true }).click();
    await old.getByText('there is a newer viewer by now').waitFor();
    await old.screenshot({ path: join(SCREENSHOTS, 'newer-viewer.png') });
    await old.getByRole('button', { name: 'Load again' }).click();
    await old.getByRole('link', { name: 'Wallnewer', exact: true }).waitFor();
    await old.getByText('Hosted').first().waitFor();
    await old.close();
  });

  test('with neither web server nor node at hand the page opens, and says since when the node is away', async () => {
    const { page } = viewer;
    await viewer.playing(tile('cam1'));
    const lostAt = Date.now();
    world.network.cut();
    await host.close();
    await page
      .getByText(/no link to/i)
      .first()
      .waitFor();
    await until('a while has passed', () => Date.now() > lostAt + 3_000);
    await page.reload();
    const notice = page.getByText(/no link to/i).first();
    await notice.waitFor();
    const [, h, m, s] = /since (\d\d):(\d\d):(\d\d)/.exec((await notice.textContent())!)!;
    const since = new Date(lostAt).setUTCMinutes(Number(m), Number(s), 0);
    assert.ok(
      h && Math.abs(since - lostAt) < 2_500,
      `since ${h}:${m}:${s}, the link was cut at ${new Date(lostAt).toISOString()}`,
    );
    for (const name of ['Camera 1', 'Camera 2']) await page.getByRole('region', { name, exact: true }).waitFor();
    await viewer.screenshot('opened-away');
    assert.deepEqual(await viewer.axe(), []);
    await world.network.mend();
    await viewer.playing(tile('cam1'), 30_000);
    viewer.assertQuiet(NO_LINK);
  });

  test('a page from elsewhere opens no channel: it is refused before a word is exchanged', async () => {
    const foreign = await openFileServer('x', () => VIEWER);
    const other = await world.open({ serviceWorker: false });
    try {
      const ways = [
        `ws://127.0.0.1:${world.network.port}/session/v2`,
        `ws://localhost:${world.network.port}/session/v2`,
      ];
      for (const origin of ['x/', 'x/icon.svg']) {
        await other.page.goto(`http://127.0.0.1:${foreign.port}/${origin}`);
        for (const url of ways)
          assert.deepEqual(await dial(other, url), ['error', 'close 1006'], `${origin} to ${url}`);
      }
      await other.page.goto('data:text/html,<p>none</p>');
      assert.deepEqual(await dial(other, ways[0]!), ['error', 'close 1006'], 'an origin of null');
    } finally {
      await foreign.close();
      await other.close();
    }
    assert.deepEqual(
      await dial(viewer, `ws://127.0.0.1:${world.network.port}/session/v2`),
      ['open'],
      'its own page may',
    );
  });
});

/** What happens to a socket, until it is open or closed. */
function dial({ page }: Viewer, url: string): Promise<string[]> {
  return page.evaluate(
    ([url, subprotocol]) =>
      new Promise<string[]>((done) => {
        const seen: string[] = [];
        const socket = new WebSocket(url, subprotocol);
        socket.onerror = () => seen.push('error');
        socket.onclose = ({ code }) => done([...seen, `close ${code}`]);
        socket.onopen = () => {
          done([...seen, 'open']);
          socket.close();
        };
      }),
    [url, CHANNEL_SUBPROTOCOL] as const,
  );
}

/** Waits until the page would open without its server. */
async function kept({ page }: Viewer): Promise<void> {
  await until('the page is kept', () =>
    page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state === 'activated'),
  );
}

/** Another build of the same: every file that is named by its hash has another name, and the wall is called `name`. */
function renewed(from: string, to: string, name: string): void {
  cpSync(from, to, { recursive: true });
  const assets = readdirSync(join(to, 'assets'));
  const renamed = assets.map((each) => [each, each.replace(/-(.)([\w-]{7})\./, '-$2$1.')] as const);
  const paths = readdirSync(to, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path));
  for (const path of paths.filter((each) => /\.(?:js|css|html)$/.test(each))) {
    let text = readFileSync(join(to, path), 'utf8');
    for (const [before, now] of renamed) text = text.replaceAll(before, now);
    if (path.startsWith('assets/shell')) text = text.replace(/(wall:[`"'])Wall([`"'])/, `$1${name}$2`);
    if (path === 'index.html') text = text.replace('</head>', '<meta name="build" content="newer"></head>');
    if (path === 'sw.js') text = text.replace(/viewer-[0-9a-f]{16}/, 'viewer-0123456789abcdef');
    writeFileSync(join(to, path), text);
  }
  for (const [before, now] of renamed) renameSync(join(to, 'assets', before), join(to, 'assets', now));
  const files = Object.fromEntries(
    readdirSync(to, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.\w+$/.test(path) && path !== 'files.json' && !path.startsWith('.'))
      .sort()
      .map((path) => [
        path,
        createHash('sha256')
          .update(readFileSync(join(to, path)))
          .digest('hex'),
      ]),
  );
  writeFileSync(join(to, 'files.json'), JSON.stringify({ files }));
}
