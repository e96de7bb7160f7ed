import { isIP, connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { SocketEnd, SocketLine, Sockets } from '../sockets.ts';

/** Room for one read. All connections share it: a piece is good for one call only. */
const READ_BYTES = 256 * 1024;
/** What may wait to be sent before `send` says no. Requests are small; who does not read them is gone. */
const SEND_BYTES_MAX = 256 * 1024;

/**
 * TCP of this machine. Everything that arrives is read into one buffer, so that nothing is allocated for each read.
 *
 * TLS goes down to 1.0 and to old ciphers where the other end knows no better: cameras are replaced less often than browsers, and
 * their certificates prove something only where a fingerprint is given.
 */
export function createNodeSockets(): Sockets {
  const room = Buffer.allocUnsafeSlow(READ_BYTES);
  return { connect: (options) => open(options, room) };
}

type Options = Parameters<Sockets['connect']>[0];

function open(options: Options, room: Buffer): Promise<SocketLine | SocketEnd> {
  const { host, port, deadlineMs, tls, signal } = options;
  if (signal?.aborted) return Promise.resolve('closed');
  return new Promise((resolve) => {
    const line = new Line();
    const opts: TcpNetConnectOpts = {
      host,
      port,
      noDelay: true,
      onread: { buffer: room, callback: (length) => line.take(room, length) },
    };
    const socket = tls
      ? tlsConnect({
          ...opts,
          rejectUnauthorized: false,
          minVersion: 'TLSv1',
          ciphers: 'DEFAULT@SECLEVEL=0',
          ...(isIP(host) ? {} : { servername: host }),
        })
      : netConnect(opts);
    const settle = (result: SocketLine | SocketEnd) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off(tls ? 'secureConnect' : 'connect', onConnect);
      if (typeof result === 'string') socket.destroy();
      resolve(result);
    };
    const onAbort = () => settle('closed');
    const onConnect = () => {
      if (socket.destroyed) return settle('reset');
      const fingerprint256 = tls ? fingerprintOf(socket as TLSSocket) : null;
      const check = tls?.check ?? 'none';
      if (check !== 'none' && plain(check.fingerprint256) !== fingerprint256) return settle('certificate');
      line.attach(socket, fingerprint256);
      settle(line);
    };
    const timer = setTimeout(() => settle('timeout'), deadlineMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once(tls ? 'secureConnect' : 'connect', onConnect);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      line.fail(endOf(error));
      settle(endOf(error));
    });
    socket.once('close', () => {
      line.over();
      settle('reset');
    });
  });
}

class Line implements SocketLine {
  local = '';
  remote = '';
  fingerprint256?: string;
  readonly ended: Promise<SocketEnd>;
  #socket: Socket | null = null;
  #listener: ((bytes: Uint8Array, more: boolean) => void) | null = null;
  #paused = false;
  #end: SocketEnd = 'closed';
  #resolve: (end: SocketEnd) => void = () => {};
  /** What arrived before anybody listened; a TLS handshake may bring some along. */
  #early: Uint8Array[] = [];

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  attach(socket: Socket, fingerprint256: string | null): void {
    this.#socket = socket;
    this.local = socket.localAddress ?? '';
    this.remote = socket.remoteAddress ?? '';
    if (fingerprint256 !== null) this.fingerprint256 = fingerprint256;
    socket.on('error', (error: NodeJS.ErrnoException) => this.fail(endOf(error)));
    socket.once('end', () => socket.destroy());
    if (!this.#listener) socket.pause();
  }

  /** One read; false stops reading until `resume`. */
  take(room: Buffer, length: number): boolean {
    const bytes = room.subarray(0, length);
    if (!this.#listener) this.#early.push(Uint8Array.from(bytes));
    else this.#listener(bytes, length === room.length);
    return this.#listener !== null && !this.#paused;
  }

  fail(end: SocketEnd): void {
    this.#end = end;
  }

  over(): void {
    this.#resolve(this.#end);
  }

  onBytes(listener: (bytes: Uint8Array, more: boolean) => void): void {
    this.#listener = listener;
    for (const bytes of this.#early.splice(0)) listener(bytes, true);
    if (!this.#paused) this.#socket?.resume();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#listener) this.#socket?.resume();
  }

  send(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket?.writable || socket.writableLength + bytes.length > SEND_BYTES_MAX) return false;
    socket.write(bytes);
    return true;
  }

  close(): void {
    this.#socket?.destroy();
  }
}

function fingerprintOf(socket: TLSSocket): string | null {
  const { fingerprint256 } = socket.getPeerCertificate();
  return fingerprint256 ? plain(fingerprint256) : null;
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

function endOf(error: NodeJS.ErrnoException): SocketEnd {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
      return 'unreachable';
    default:
      // What TLS says has many names; a line that cannot be made is of no use either way.
      return /^ERR_(?:SSL|TLS)/.test(error.code ?? '') ? 'certificate' : 'reset';
  }
}
