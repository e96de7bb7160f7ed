import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { HttpServer } from '../../src/daemon/http-server.ts';
import { silentLog } from '../../src/platform/index.ts';

const upgrades: string[] = [];
const server = new HttpServer(
  {
    log: silentLog,
    health: () => ({ ok: true, name: 'für' }),
    metrics: () => 'nvr_info 1\n',
    upgrade: (request) => void upgrades.push(request.url!),
  },
  { listen: [{ host: '127.0.0.1', port: 0 }], health: 'loopback' },
);
await server.start();
const { port } = server.listening[0]!;
const base = `http://127.0.0.1:${port}`;
after(() => server.stop());

test('health is told as JSON that nobody keeps', async () => {
  const reply = await fetch(`${base}/health?x=1`);
  assert.deepEqual(await reply.json(), { ok: true, name: 'für' });
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  assert.equal(reply.headers.get('access-control-allow-origin'), null);
  const head = await fetch(`${base}/health`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('metrics are told as text', async () => {
  const reply = await fetch(`${base}/metrics`);
  assert.match(reply.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  assert.equal(await reply.text(), 'nvr_info 1\n');
});

test('everything else is 404 without a body', async () => {
  for (const [path, method] of [
    ['/', 'GET'],
    ['/healthz', 'GET'],
    ['/health/', 'GET'],
    ['/health', 'POST'],
    ['/session/v2', 'GET'],
  ] as const) {
    const reply = await fetch(`${base}${path}`, { method });
    assert.deepEqual([reply.status, await reply.text()], [404, ''], `${method} ${path}`);
  }
});

test('upgrades are handed on, and end with the server', async () => {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise((done) => socket.once('close', done));
  socket.write('GET /session/v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  while (upgrades.length === 0) await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(upgrades, ['/session/v2']);
  const second = new HttpServer(
    { log: silentLog, health: () => ({}), metrics: () => '', upgrade: () => {} },
    { listen: [{ host: '127.0.0.1', port }], health: 'loopback' },
  );
  await assert.rejects(second.start(), {
    code: 'ERR_DAEMON_LISTEN',
    message: /another program listens there; .*listen in config\.yaml/,
  });
  await server.stop();
  await closed;
  await assert.rejects(fetch(`${base}/health`));
});

test('broken requests are closed without a word', async () => {
  const other = new HttpServer(
    { log: silentLog, health: () => ({}), metrics: () => '', upgrade: () => {} },
    { listen: [{ host: '127.0.0.1', port: 0 }], health: 'loopback' },
  );
  await other.start();
  const socket = connect(other.listening[0]!.port, '127.0.0.1');
  let got = '';
  socket.on('data', (bytes) => (got += bytes));
  socket.write('\x16\x03\x01\x02\x00nonsense\r\n\r\n');
  await new Promise((done) => socket.once('close', done));
  assert.equal(got, '');
  await other.stop();
});

test('listens on every address or on none', async () => {
  const half = new HttpServer(
    { log: silentLog, health: () => ({}), metrics: () => '', upgrade: () => {} },
    {
      listen: [
        { host: '127.0.0.1', port: 0 },
        { host: '203.0.113.9', port: 0 },
      ],
      health: 'loopback',
    },
  );
  await assert.rejects(half.start(), {
    code: 'ERR_DAEMON_LISTEN',
    message: /203\.0\.113\.9:0: this machine has no such address/,
  });
  assert.deepEqual(half.listening, []);
});
