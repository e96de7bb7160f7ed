import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import type { Duplex } from 'node:stream';

/** A web server of somebody else's, in front of a node or instead of it. */
export interface WebServer {
  port: number;
  close(): Promise<void>;
}

/** One that speaks TLS. */
export interface TlsServer extends WebServer {
  /** SHA-256 of its public key, base64: what a browser can be told to trust. */
  keyHash: string;
}

/** Speaks TLS for what listens at `target` of this machine, as a proxy of the operator's does: requests and WebSockets, `Host` as it came. */
export async function openTlsProxy(name: string, target: () => number): Promise<TlsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'nvr-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-addext', `subjectAltName=DNS:${name}`];
  try {
    execFileSync('openssl', [...made, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (asked, answer) =>
      passOn(asked, answer, target()),
    );
    server.on('upgrade', (asked, socket, head) => passUpgradeOn(asked, socket, head, target()));
    const spki = new X509Certificate(readFileSync(cert)).publicKey.export({ type: 'spki', format: 'der' });
    return { ...(await listening(server)), keyHash: createHash('sha256').update(spki).digest('base64') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function passOn(asked: IncomingMessage, answer: ServerResponse, port: number): void {
  const { method, url, headers } = asked;
  const behind = request({ host: '127.0.0.1', port, method, path: url, headers }, (found) => {
    answer.writeHead(found.statusCode!, found.headers);
    found.pipe(answer);
  });
  behind.on('error', () => answer.writeHead(502).end());
  asked.pipe(behind);
}

function passUpgradeOn({ url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer, port: number): void {
  const behind = connect(port, '127.0.0.1', () => {
    const lines = rawHeaders.flatMap((each, at) => (at % 2 === 0 ? [`${each}: ${rawHeaders[at + 1]}`] : []));
    behind.write(`GET ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    behind.write(head);
    behind.pipe(socket);
    socket.pipe(behind);
  });
  for (const [one, other] of [
    [behind, socket],
    [socket, behind],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

const TYPES: Record<string, string> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  json: 'application/json',
  webmanifest: 'application/manifest+json',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain',
};

/** Serves the files of a folder below `/path/`, as any web server does: no header but their type. */
export async function openFileServer(path: string, folder: () => string): Promise<WebServer> {
  const server = createServer((asked, answer) => {
    const wanted = new URL(asked.url!, 'http://server').pathname;
    const name = wanted === `/${path}/` ? 'index.html' : wanted.slice(path.length + 2);
    try {
      if (!wanted.startsWith(`/${path}/`) || normalize(name).startsWith('..')) throw new Error('not here');
      const bytes = readFileSync(join(folder(), name));
      answer.writeHead(200, { 'content-type': TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream' });
      answer.end(bytes);
    } catch {
      answer.writeHead(404).end();
    }
  });
  return listening(server);
}

async function listening(server: Server): Promise<WebServer> {
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
