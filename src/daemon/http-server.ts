import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../platform/index.ts';
import { listenRefused } from './errors.ts';
import { isLoopback, type ListenAddress, writeListenAddress } from './listen-address.ts';

/** What strangers may hold open, and for how long. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
const KEEP_ALIVE_MS = 5_000;
const HEADER_BYTES_MAX = 16 * 1024;
const CONNECTIONS_MAX = 512;

export interface HttpServerDeps {
  log: Log;
  /** The body of `GET /health`. */
  health(): unknown;
  /** The body of `GET /metrics`. */
  metrics(): string;
  /** Answers with a file of the viewer; false where the request is for none. Absent: no viewer is served. */
  viewer?(request: IncomingMessage, response: ServerResponse): boolean;
  /** Takes a WebSocket upgrade. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
}

export interface HttpServerOptions {
  listen: readonly ListenAddress[];
  /** Who may ask for health and metrics. */
  health: 'loopback' | 'anyone';
}

/**
 * The node's only open ports: `GET /health`, `GET /metrics`, the viewer's files, and upgrades, which go to the channel. Everything else is 404
 * without a body. The files are the same for everybody and say nothing of the node.
 */
export class HttpServer {
  readonly #deps: HttpServerDeps;
  readonly #options: HttpServerOptions;
  readonly #servers: Server[] = [];
  /** Upgraded sockets are no longer the server's, yet must not outlive it. */
  readonly #upgraded = new Set<Duplex>();
  /** Where it listens, with the ports the system gave. */
  readonly listening: ListenAddress[] = [];

  constructor(deps: HttpServerDeps, options: HttpServerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Listens on every address or on none. `ERR_DAEMON_LISTEN` (`conflict`) names the one that was refused. */
  async start(): Promise<void> {
    for (const address of this.#options.listen) {
      try {
        this.listening.push(await this.#listen(address));
      } catch (error) {
        await this.stop();
        throw listenRefused(writeListenAddress(address), reasonOf(error), error);
      }
    }
  }

  async stop(): Promise<void> {
    const closed = this.#servers.splice(0).map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    );
    for (const socket of this.#upgraded) socket.destroy();
    await Promise.all(closed);
    this.listening.length = 0;
  }

  #listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    const server = createServer(
      {
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: HEADER_BYTES_MAX,
        connectionsCheckingInterval: REQUEST_MS,
      },
      (request, response) => this.#answer(request, response),
    );
    server.maxConnections = CONNECTIONS_MAX;
    server.on('upgrade', (request, socket, head) => {
      this.#upgraded.add(socket);
      socket.once('close', () => this.#upgraded.delete(socket));
      socket.on('error', () => {}); // a stranger that breaks off is no event
      this.#deps.upgrade(request, socket, head);
    });
    server.on('clientError', (_error, socket) => socket.destroy());
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, ipv6Only: host === '::' }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#deps.log.error({ error }, 'the server had an error'));
        this.#servers.push(server);
        resolve({ host, port: (server.address() as AddressInfo).port });
      });
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const path = request.url?.split('?', 1)[0];
    const allowed = this.#options.health === 'anyone' || isLoopback(request.socket.remoteAddress ?? '');
    const told = path === '/health' || path === '/metrics';
    if (!told && this.#deps.viewer?.(request, response)) return;
    if (!told || !allowed || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'content-length': '0' }).end();
      return;
    }
    const body = path === '/health' ? JSON.stringify(this.#deps.health()) : this.#deps.metrics();
    response.writeHead(200, {
      'content-type': path === '/health' ? 'application/json' : 'text/plain; version=0.0.4; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') return 'another program listens there';
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'this machine has no such address';
  if (code === 'EACCES') return 'this user may not';
  return code ?? 'unknown reason';
}
