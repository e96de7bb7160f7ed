import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { HttpServer } from '../../src/daemon/http-server.ts';
import { ownPlaces } from '../../src/daemon/node-addresses.ts';
import { isOwnOrigin, VIEWER_POLICY, ViewerFiles, viewerAddress } from '../../src/daemon/viewer-files.ts';
import { SimulatedFiles, silentLog } from '../../src/platform/index.ts';

const built: Record<string, string> = {
  'index.html': '<!doctype html><title>viewer</title>',
  'assets/index-abc.js': `// ${'x'.repeat(2_000)}`,
  'icon.svg': '<svg/>',
};

async function folderWith(files: Record<string, string>, listed = files): Promise<SimulatedFiles> {
  const disk = new SimulatedFiles();
  await disk.makeFolder('/v/assets');
  for (const [path, text] of Object.entries(files)) await disk.replace(`/v/${path}`, utf8(text));
  const hashes = Object.fromEntries(
    Object.entries(listed).map(([path, text]) => [path, createHash('sha256').update(text).digest('hex')]),
  );
  await disk.replace('/v/files.json', utf8(JSON.stringify({ files: hashes })));
  return disk;
}

const viewer = (await ViewerFiles.load(await folderWith(built), '/v'))!;
const server = new HttpServer(
  {
    log: silentLog,
    health: () => ({}),
    metrics: () => '',
    viewer: (request, response) => viewer.answer(request, response),
    upgrade: () => {},
  },
  { listen: [{ host: '127.0.0.1', port: 0 }], health: 'loopback' },
);
await server.start();
after(() => server.stop());
const base = `http://127.0.0.1:${server.listening[0]!.port}`;

test('the page is served with a policy that lets nothing else in, and is asked for anew each time', async () => {
  for (const path of ['/', '/index.html', '/?page=health']) {
    const reply = await fetch(base + path);
    assert.equal(await reply.text(), built['index.html'], path);
    assert.equal(reply.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(reply.headers.get('content-security-policy'), VIEWER_POLICY);
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(reply.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(reply.headers.get('cache-control'), 'no-cache');
  }
  assert.match(VIEWER_POLICY, /default-src 'none'/);
  assert.doesNotMatch(VIEWER_POLICY, /unsafe|\*/);
});

test('built files are compressed, kept for ever, and not sent again to who has them', async () => {
  const plain = await fetch(`${base}/assets/index-abc.js`, { headers: { 'accept-encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.equal(await plain.text(), built['assets/index-abc.js']);
  for (const coding of ['gzip']) {
    const reply = await fetch(`${base}/assets/index-abc.js`, { headers: { 'accept-encoding': coding } });
    assert.equal(reply.headers.get('content-encoding'), coding);
    assert.ok(Number(reply.headers.get('content-length')) < 500);
    assert.equal(await reply.text(), built['assets/index-abc.js']);
    assert.match(reply.headers.get('cache-control')!, /immutable/);
    const again = await fetch(`${base}/assets/index-abc.js`, {
      headers: { 'if-none-match': reply.headers.get('etag')! },
    });
    assert.equal(again.status, 304);
  }
  const head = await fetch(`${base}/icon.svg`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('the manifest itself is served, so that a copy can be held against it', async () => {
  const response = await fetch(`${base}/files.json`);
  assert.equal(response.headers.get('content-type'), 'application/json');
  const { files } = (await response.json()) as { files: Record<string, string> };
  assert.ok('index.html' in files);
});

test('what the manifest does not name does not exist', async () => {
  for (const path of ['/.built', '/assets', '/assets/../x.json', '/%2e%2e/etc/passwd', '/x.js']) {
    assert.equal((await fetch(base + path)).status, 404, path);
  }
  assert.equal((await fetch(base, { method: 'POST' })).status, 404);
});

test('no viewer is served where a file is missing, changed, or named strangely', async () => {
  assert.equal(await ViewerFiles.load(new SimulatedFiles(), '/v'), null);
  assert.equal(await ViewerFiles.load(await folderWith(built, { ...built, 'icon.svg': '<svg>' }), '/v'), null);
  assert.equal(await ViewerFiles.load(await folderWith(built, { ...built, 'assets/gone.js': '' }), '/v'), null);
  assert.equal(await ViewerFiles.load(await folderWith({ 'icon.svg': '<svg/>' }), '/v'), null);
  const disk = await folderWith(built);
  for (const manifest of ['', '{}', '{"files":{"../secret":"00"}}', '{"files":{"index.html":7}}', '[]']) {
    await disk.replace('/v/files.json', utf8(manifest));
    assert.equal(await ViewerFiles.load(disk, '/v'), null, manifest);
  }
});

test('a page is our own where its origin is the address it asked, and that is no name', () => {
  for (const [origin, host, own] of [
    ['http://127.0.0.1:8456', '127.0.0.1:8456', true],
    ['http://192.168.1.5', '192.168.1.5', true],
    ['http://[fd00::5]:8456', '[fd00::5]:8456', true],
    ['http://localhost:8456', 'localhost:8456', true],
    ['http://127.0.0.1:8456', '127.0.0.1:9999', false],
    ['https://127.0.0.1:8456', '127.0.0.1:8456', false],
    ['http://nvr.example:8456', 'nvr.example:8456', false],
    ['http://127.0.0.1.evil.example:80', '127.0.0.1.evil.example', false],
    ['null', '127.0.0.1:8456', false],
    ['http://127.0.0.1:8456', undefined, false],
  ] as const) {
    assert.equal(isOwnOrigin(origin, host), own, `${origin} at ${host}`);
  }
});

test('a page served at any address of this machine is our own, whichever of them it asks', () => {
  const own = ['192.168.1.5:8456', '127.0.0.1:8456'];
  for (const [origin, host, isOwn] of [
    ['http://localhost:8456', '127.0.0.1:8456', true],
    ['http://127.0.0.1:8456', '192.168.1.5:8456', true],
    ['http://192.168.1.5:8456', '127.0.0.1:8456', true],
    ['http://192.168.1.5:9999', '127.0.0.1:8456', false],
    ['http://192.168.1.6:8456', '127.0.0.1:8456', false],
    ['http://nvr.example:8456', '127.0.0.1:8456', false],
    ['https://127.0.0.1:8456', '127.0.0.1:8456', false],
  ] as const) {
    assert.equal(isOwnOrigin(origin, host, own), isOwn, `${origin} at ${host}`);
  }
  const addresses = [
    { address: '192.168.1.5', family: 'IPv4', internal: false },
    { address: '127.0.0.1', family: 'IPv4', internal: true },
  ] as const;
  assert.deepEqual(ownPlaces([{ host: '0.0.0.0', port: 8456 }], addresses), own);
  assert.deepEqual(ownPlaces([{ host: '10.0.0.1', port: 1 }], addresses), ['10.0.0.1:1']);
});

test('the viewer is opened at the first address of the node', () => {
  assert.equal(viewerAddress(['192.168.1.5:8456', '127.0.0.1:8456']), 'http://192.168.1.5:8456/');
  assert.equal(viewerAddress([]), null);
});
