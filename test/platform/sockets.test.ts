import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { SocketLine } from '../../src/platform/index.ts';
import { createNodeSockets } from '../../src/platform/node/index.ts';
import { until } from '../support/wait.ts';

const sockets = createNodeSockets();
const servers: Server[] = [];
const accepted: Socket[] = [];
after(() => {
  for (const socket of accepted) socket.destroy();
  for (const server of servers) server.close();
});

async function serve(server: Server, onSocket: (socket: Socket) => void = () => {}): Promise<number> {
  const take = (socket: Socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    onSocket(socket);
  };
  server.on(server.listenerCount('secureConnection') > 0 ? 'secureConnection' : 'connection', take);
  servers.push(server.listen(0, '127.0.0.1'));
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

async function connect(port: number, tls?: { check: 'none' | { fingerprint256: string } }): Promise<SocketLine> {
  const line = await sockets.connect({ host: '127.0.0.1', port, deadlineMs: 5_000, ...(tls ? { tls } : {}) });
  if (typeof line === 'string') throw new Error(line);
  return line;
}

test('what is sent arrives, both ways and in order, though pieces are good for one call only', async () => {
  const heard: Buffer[] = [];
  const port = await serve(createServer(), (socket) => {
    socket.on('data', (bytes) => heard.push(bytes));
    for (let i = 0; i < 300; i++) socket.write(Buffer.alloc(4_096, i));
  });
  const line = await connect(port);
  assert.deepEqual([line.local, line.remote], ['127.0.0.1', '127.0.0.1']);
  let length = 0;
  let wrong = 0;
  line.onBytes((bytes) => {
    for (const byte of bytes) if (byte !== (Math.floor(length++ / 4_096) & 255)) wrong++;
  });
  assert.equal(line.send(Buffer.from('hello')), true);
  await until('everything arrived', () => length === 300 * 4_096 && Buffer.concat(heard).toString() === 'hello');
  assert.equal(wrong, 0);
  line.close();
  line.close();
  assert.equal(await line.ended, 'closed');
  assert.equal(line.send(Buffer.from('x')), false);
});

test('while paused nothing is read, and the other end is held back', async () => {
  let sent = 0;
  const port = await serve(createServer(), (socket) => {
    const push = () => {
      while (socket.write(Buffer.alloc(65_536))) sent += 65_536;
    };
    socket.on('drain', push);
    push();
  });
  const line = await connect(port);
  let read = 0;
  line.onBytes((bytes) => {
    read += bytes.length;
    line.pause();
  });
  await until('a piece came', () => read > 0);
  const before = read;
  let quiet = -1;
  await until('the other end is stopped', () => {
    const same = sent === quiet;
    quiet = sent;
    return same;
  });
  assert.equal(read, before, 'nothing is read while paused');
  line.resume();
  await until('it goes on', () => read > before);
  line.close();
});

test('nothing is lost before a listener is there', async () => {
  const port = await serve(createServer(), (socket) => void socket.write('early'));
  const line = await connect(port);
  await new Promise((resolve) => setImmediate(resolve));
  let text = '';
  line.onBytes((bytes) => {
    text += Buffer.from(bytes).toString();
  });
  await until('it came', () => text === 'early');
  line.close();
});

test('why there is no line, and why one ended', async () => {
  const closed = createServer();
  const gone = await serve(closed);
  await new Promise((resolve) => closed.close(resolve));
  assert.equal(await sockets.connect({ host: '127.0.0.1', port: gone, deadlineMs: 2_000 }), 'refused');
  assert.equal(await sockets.connect({ host: 'no-such-host.invalid', port: 1, deadlineMs: 5_000 }), 'unreachable');
  const abort = new AbortController();
  abort.abort();
  assert.equal(
    await sockets.connect({ host: '127.0.0.1', port: 1, deadlineMs: 1_000, signal: abort.signal }),
    'closed',
  );

  const port = await serve(createServer(), (socket) =>
    socket.once('data', (text) => {
      if (String(text) === 'reset') socket.resetAndDestroy();
      else socket.end();
    }),
  );
  for (const [word, end] of [
    ['reset', 'reset'],
    ['end', 'closed'],
  ] as const) {
    const line = await connect(port);
    line.onBytes(() => {});
    line.send(Buffer.from(word));
    assert.equal(await line.ended, end);
  }
  // A server that takes the connection and says nothing of TLS.
  const silent = await serve(createServer());
  const late = sockets.connect({ host: '127.0.0.1', port: silent, deadlineMs: 100, tls: { check: 'none' } });
  assert.equal(await late, 'timeout');
});

test('TLS: any certificate is taken and told, a pinned one only when it is that one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sockets-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  execFileSync('openssl', [...make, '-subj', '/CN=camera', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const text = execFileSync('openssl', ['x509', '-in', cert, '-noout', '-fingerprint', '-sha256'], {
    encoding: 'utf8',
  });
  const expected = text.split('=')[1]!.trim().replaceAll(':', '').toLowerCase();
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, () => {});
  const port = await serve(server, (socket) => void socket.on('data', (bytes) => socket.write(bytes)));
  const line = await connect(port, { check: 'none' });
  assert.equal(line.fingerprint256, expected);
  let heard = 0;
  line.onBytes((bytes) => {
    heard += bytes.length;
  });
  line.send(Buffer.alloc(100_000, 7));
  await until('it came back', () => heard === 100_000);
  line.close();
  const pinned = await connect(port, { check: { fingerprint256: expected.toUpperCase() } });
  pinned.close();
  const other = { check: { fingerprint256: '00'.repeat(32) } };
  assert.equal(await sockets.connect({ host: '127.0.0.1', port, deadlineMs: 5_000, tls: other }), 'certificate');
});
