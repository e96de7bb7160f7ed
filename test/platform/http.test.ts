import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/index.ts';
import { createNodeClock, createNodeHttp } from '../../src/platform/node/index.ts';
import { until } from '../support/wait.ts';

const http = createNodeHttp({ clock: createNodeClock() });
const LIMITS = { deadlineMs: 5_000, bodyBytesMax: 4_096 };

/** A server that does with each connection what the test says. */
async function raw(behave: (socket: Socket, asked: () => string) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let text = '';
    let told = false;
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      if (told || !text.includes('\r\n\r\n')) return;
      told = true;
      behave(socket, () => text);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/onvif`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

async function listening(server: Server) {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

test('a question goes out as it was given, and the answer comes back whole', async () => {
  let seen = { method: '', url: '', type: '', connection: '', length: '', body: '' };
  await using server = await listening(
    createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const { 'content-type': type = '', connection = '', 'content-length': length = '' } = request.headers;
      seen = { method: request.method!, url: request.url!, type, connection, length, body };
      response.setHeader('WWW-Authenticate', ['Digest realm="a"', 'Basic realm="b"']);
      response.writeHead(401);
      response.end('no');
    }),
  );
  const answer = await http.request({
    url: `${server.url}/a/b?c=1`,
    method: 'POST',
    headers: { 'content-type': 'text/x' },
    body: utf8('hello'),
    ...LIMITS,
  });
  assert.ok(typeof answer === 'object');
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.headers['www-authenticate'], ['Digest realm="a"', 'Basic realm="b"']);
  assert.equal(fromUtf8(answer.body), 'no');
  assert.deepEqual(seen, {
    method: 'POST',
    url: '/a/b?c=1',
    type: 'text/x',
    connection: 'close',
    length: '5',
    body: 'hello',
  });
});

test('a redirect is an answer, and is not followed', async () => {
  let asked = 0;
  await using server = await listening(
    createServer((_, response) => {
      asked += 1;
      response.writeHead(302, { location: '/elsewhere' });
      response.end();
    }),
  );
  const answer = await http.request({ url: server.url, method: 'GET', ...LIMITS });
  assert.ok(typeof answer === 'object');
  assert.equal(answer.status, 302);
  assert.equal(asked, 1);
});

test('nothing of what servers do wrong is an exception, or lasts', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\n';
  const many = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('');
  const cases: [name: string, behave: (socket: Socket) => void, expected: string, options?: { deadlineMs: number }][] =
    [
      ['never answers', () => {}, 'deadline', { deadlineMs: 80 }],
      ['stops in its head', (socket) => socket.write('HTTP/1.1 200 OK\r\nX: '), 'deadline', { deadlineMs: 80 }],
      [
        'drips its body',
        (socket) => {
          socket.write(`${head}Content-Length: 1000\r\n\r\n`);
          const drip = setInterval(() => socket.write('x'), 5);
          socket.on('close', () => clearInterval(drip));
        },
        'deadline',
        { deadlineMs: 80 },
      ],
      [
        'drips its head',
        (socket) => {
          socket.write(head);
          const drip = setInterval(() => socket.write('X: y\r\n'), 5);
          socket.on('close', () => clearInterval(drip));
        },
        'deadline',
        { deadlineMs: 80 },
      ],
      [
        'says 100 for ever',
        (socket) => {
          const drip = setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 2);
          socket.on('close', () => clearInterval(drip));
        },
        'deadline',
        { deadlineMs: 80 },
      ],
      ['closes at once', (socket) => socket.end(), 'unreachable'],
      ['resets', (socket) => socket.resetAndDestroy(), 'unreachable'],
      ['speaks another language', (socket) => socket.end('SSH-2.0-x\r\n'), 'malformed'],
      ['sends octets', (socket) => socket.end(Buffer.from([0, 255, 7, 13, 10, 13, 10])), 'malformed'],
      ['announces too much', (socket) => socket.write(`${head}Content-Length: 4097\r\n\r\n`), 'too-large'],
      ['sends too much', (socket) => socket.write(`${head}\r\n${'x'.repeat(5_000)}`), 'too-large'],
      [
        'sends too much in pieces of one octet',
        (socket) => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(4_097)}`),
        'too-large',
      ],
      ['cuts its body', (socket) => socket.end(`${head}Content-Length: 10\r\n\r\nabc`), 'malformed'],
      ['cuts a chunk', (socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nab`), 'malformed'],
      ['lies about a chunk', (socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\nab`), 'malformed'],
      ['two lengths', (socket) => socket.end(`${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`), 'malformed'],
      ['65 headers', (socket) => socket.end(`${head}${many(65, (i) => `X${i}: y\r\n`)}\r\n`), 'malformed'],
      ['a long header', (socket) => socket.end(`${head}X: ${'y'.repeat(17_000)}\r\n\r\n`), 'malformed'],
      [
        'switches protocols',
        (socket) => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
        'malformed',
      ],
    ];
  for (const [name, behave, expected, options] of cases) {
    await t.test(name, async () => {
      await using server = await raw(behave);
      const { url } = server;
      assert.equal(await http.request({ url, method: 'POST', body: utf8('x'), ...LIMITS, ...options }), expected);
      await until('the connection is closed', () => server.sockets.size === 0);
    });
  }
});

test('64 headers, a body without a length, and one that fills its limit are fine', async () => {
  const headers = Array.from({ length: 64 }, (_, i) => `X${i}: y\r\n`).join('');
  await using server = await raw((socket) => socket.end(`HTTP/1.0 200 OK\r\n${headers}\r\n${'z'.repeat(4_096)}`));
  const answer = await http.request({ url: server.url, method: 'GET', ...LIMITS });
  assert.ok(typeof answer === 'object');
  assert.equal(answer.body.length, 4_096);
  assert.equal(Object.keys(answer.headers).length, 64);
});

test('a header named like a part of every object is a header', async () => {
  await using server = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\n__proto__: x\r\nconstructor: y\r\n\r\n'));
  const answer = await http.request({ url: server.url, method: 'GET', ...LIMITS });
  assert.ok(typeof answer === 'object');
  assert.deepEqual(answer.headers['constructor'], ['y']);
  assert.equal(answer.headers['www-authenticate'], undefined);
});

test('who gives up is told so, before and while it is asked', async () => {
  await using server = await raw(() => {});
  const gone = AbortSignal.abort();
  assert.equal(await http.request({ url: server.url, method: 'GET', ...LIMITS, signal: gone }), 'cancelled');
  assert.equal(server.sockets.size, 0);
  const later = new AbortController();
  const asked = http.request({ url: server.url, method: 'GET', ...LIMITS, signal: later.signal });
  await until('it is asked', () => server.sockets.size === 1);
  later.abort();
  assert.equal(await asked, 'cancelled');
  await until('the connection is closed', () => server.sockets.size === 0);
});

test('nobody there, no such name, and what cannot be asked', async () => {
  await using server = await raw(() => {});
  await server[Symbol.asyncDispose]();
  const answer = (url: string, headers: Record<string, string> = {}) =>
    http.request({ url, method: 'GET', headers, ...LIMITS });
  assert.equal(await answer(server.url), 'unreachable');
  assert.equal(await answer('http://nothing.invalid/'), 'unreachable');
  for (const url of ['', 'ftp://127.0.0.1/', 'http://user@127.0.0.1/', 'http://u:p@127.0.0.1/', 'file:///etc/passwd']) {
    assert.equal(await answer(url), 'malformed', url);
  }
  assert.equal(await answer('http://127.0.0.1:1/', { 'x-bad': 'a\r\nb: c' }), 'malformed');
});

test('https: a certificate that nobody vouches for, and a server that speaks no TLS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nvr-http-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    execFileSync('openssl', [...made, '-subj', '/CN=camera', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    await using server = await listening(
      createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => response.end('sealed')),
    );
    const answer = await http.request({ url: server.url.replace('http:', 'https:'), method: 'GET', ...LIMITS });
    assert.ok(typeof answer === 'object');
    assert.equal(fromUtf8(answer.body), 'sealed');
  } finally {
    rmSync(folder, { recursive: true });
  }
  await using plain = await raw(() => {});
  const url = plain.url.replace('http:', 'https:');
  assert.equal(await http.request({ url, method: 'GET', ...LIMITS, deadlineMs: 100 }), 'deadline');
});
