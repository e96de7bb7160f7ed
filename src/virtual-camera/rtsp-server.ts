import { createServer, type Server, type Socket } from 'node:net';
import { portError } from './errors.ts';
import { type ConnectionDeps, RtspConnection } from './rtsp-connection.ts';
import { writeResponse } from './rtsp-message.ts';
import { every } from './session-table.ts';

/** Connections at a time; further ones are told 503. */
const CONNECTIONS_MAX = 1024;
/** A connection without a session may be silent for this long. */
const IDLE_MS_MAX = 60_000;

/** The listening side: accepts connections, bounds them, closes the idle, and can hide its port (fault `refuse`). */
export class RtspServer {
  readonly #deps: ConnectionDeps;
  readonly #connections = new Set<RtspConnection>();
  readonly #running = new Set<Promise<void>>();
  #server: Server | undefined;
  #port: number;
  #stopSweep: (() => void) | undefined;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.#port = deps.options.port;
  }

  /** The port listened on; kept over `hide` and `show`. */
  get port(): number {
    return this.#port;
  }

  /** Listens; `ERR_VIRTUAL_CAMERA_PORT` (`conflict`) where that is refused. */
  async show(): Promise<void> {
    if (this.#server) return;
    const { host } = this.#deps.options;
    const server = createServer({ pauseOnConnect: false }, (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        this.#server = undefined;
        reject(portError(host, this.#port, error));
      });
      server.listen(this.#port, host, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => this.#deps.log.warn({ error }, 'listening failed'));
        resolve();
      });
    });
    const address = server.address();
    if (address && typeof address === 'object') this.#port = address.port;
    this.#stopSweep ??= every(this.#deps.clock, 1000, () => this.#sweep());
  }

  /** Stops listening; connections that are open stay. */
  hide(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Closes everything and waits until it is closed. */
  async stop(): Promise<void> {
    this.#stopSweep?.();
    this.#stopSweep = undefined;
    const server = this.#server;
    this.#server = undefined;
    this.#deps.sessions.closeAll();
    for (const connection of this.#connections) connection.end();
    const closed = server && new Promise<void>((resolve) => server.close(() => resolve()));
    // A client that does not read must not hold us up.
    const cancel = this.#deps.clock.after(200, () => {
      for (const connection of this.#connections) connection.reset();
    });
    await Promise.all(this.#running);
    cancel();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= CONNECTIONS_MAX) {
      socket.on('error', () => undefined);
      socket.end(writeResponse({ status: 503 }, undefined), () => socket.destroy());
      return;
    }
    const connection = new RtspConnection(this.#deps, socket);
    this.#connections.add(connection);
    const running = connection.run().finally(() => {
      this.#connections.delete(connection);
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  #sweep(): void {
    const { sessions, options } = this.#deps;
    sessions.expire(options.sessionTimeoutMs);
    for (const connection of this.#connections) {
      if (connection.silentMs() > IDLE_MS_MAX && sessions.ofConnection(connection).length === 0) connection.end();
    }
  }
}
