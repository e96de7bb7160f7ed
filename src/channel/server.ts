import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  CHANNEL_CLOSE_CODE,
  CHANNEL_MESSAGE_MAX,
  CHANNEL_PATH,
  CHANNEL_SUBPROTOCOL,
  type DeviceKey,
} from '../protocol/index.ts';
import type { ChannelDeps, ChannelOptions, ChannelServer, ChannelStatus } from './api.ts';
import { greet } from './greeting.ts';
import { CHANNEL_LIMITS, type ChannelLimits } from './limits.ts';
import { Link } from './link.ts';
import { SourceGate, sourceOf } from './source-gate.ts';
import { VerifiedCertificates } from './verified-certificates.ts';

const TICK_MS = 1000;
const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Makes the endpoint; it holds nothing until the first upgrade arrives. Source: docs/protocol/channel.md. */
export function createChannelServer(deps: ChannelDeps, options: ChannelOptions): ChannelServer {
  return new Endpoint(deps, options);
}

class Endpoint implements ChannelServer {
  readonly #deps: ChannelDeps;
  readonly #origins: ReadonlySet<string>;
  readonly #limits: ChannelLimits;
  readonly #gate: SourceGate;
  readonly #verified: VerifiedCertificates;
  readonly #links = new Set<Link>();
  /** Sockets in their handshake, with the device once it is known; bounded by `pendingMax`. */
  readonly #pending = new Map<WebSocket, DeviceKey | null>();
  /** Every socket that is not closed yet. */
  readonly #sockets = new Set<WebSocket>();
  readonly #traffic = { bytesIn: 0, bytesOut: 0 };
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: CHANNEL_MESSAGE_MAX,
    // Answers to WebSocket's own pings would pile up in the socket of a peer that does not read.
    autoPong: false,
    handleProtocols: () => CHANNEL_SUBPROTOCOL,
  });
  #accepted = 0;
  #refused = 0;
  #stopping = false;
  #cancelTick: (() => void) | null = null;
  #onAllClosed: (() => void) | null = null;

  constructor(deps: ChannelDeps, { origins, limits }: ChannelOptions) {
    this.#deps = deps;
    this.#origins = new Set(origins);
    this.#limits = { ...CHANNEL_LIMITS, ...limits };
    this.#gate = new SourceGate(this.#limits);
    this.#verified = new VerifiedCertificates(this.#limits.certificatesMax);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    socket.on('error', () => socket.destroy());
    const reason = this.#stopping ? 'stopping' : this.#refusalOf(request);
    const source = sourceOf(request.socket.remoteAddress);
    const leave = reason === null ? this.#gate.enter(source, this.#deps.clock.monotonic()) : null;
    if (!leave) {
      this.#refused++;
      this.#deps.log.debug({ reason: reason ?? 'rate', source }, 'refused an upgrade');
      socket.destroy();
      return;
    }
    socket.once('close', leave);
    this.#webSockets.handleUpgrade(request, socket, head as Buffer, (webSocket) => {
      void this.#welcome(webSocket, socket, source).finally(leave);
    });
  }

  closeDevice(device: DeviceKey): void {
    for (const link of [...this.#links]) if (link.caller.device === device) link.end('at once');
    for (const [socket, pending] of [...this.#pending]) if (pending === device) socket.terminate();
  }

  status(): ChannelStatus {
    return {
      open: this.#links.size,
      pending: this.#gate.pending,
      devices: [...new Set([...this.#links].map((link) => link.caller.device))],
      accepted: this.#accepted,
      refused: this.#refused,
      ...this.#traffic,
    };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const { clock } = this.#deps;
    for (const socket of this.#pending.keys()) socket.terminate();
    const drained = Promise.all([...this.#links].map((link) => link.drain()));
    await within(clock, this.#limits.stopGraceMs, drained);
    for (const link of [...this.#links]) link.end();
    const closed = new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
      if (this.#sockets.size === 0) resolve();
    });
    await within(clock, this.#limits.closeMs, closed);
    for (const socket of this.#sockets) socket.terminate();
    await closed;
    this.#cancelTick?.();
    this.#cancelTick = null;
  }

  /** Why an upgrade is none of ours, or null. Whatever `ws` would answer with words is refused here, in silence. */
  #refusalOf({ method, url, headers }: IncomingMessage): string | null {
    if (method !== 'GET' || url !== CHANNEL_PATH) return 'path';
    if (headers.origin !== undefined && !this.#origins.has(headers.origin)) return 'origin';
    if (headers['sec-websocket-protocol']?.trim() !== CHANNEL_SUBPROTOCOL) return 'subprotocol';
    const isWebSocket =
      headers.upgrade?.toLowerCase() === 'websocket' &&
      headers['sec-websocket-version'] === '13' &&
      WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '');
    return isWebSocket ? null : 'upgrade';
  }

  async #welcome(socket: WebSocket, duplex: Duplex, source: string): Promise<void> {
    const { clock, log } = this.#deps;
    this.#sockets.add(socket);
    this.#pending.set(socket, null);
    socket.on('error', () => {}); // `close` follows
    let link: Link | null = null;
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#pending.delete(socket);
      link?.end();
      if (this.#sockets.size === 0) this.#onAllClosed?.();
    });
    const cancelDeadline = clock.after(this.#limits.handshakeMs, () => this.#shut(socket));
    const greeted = await greet(socket, this.#deps, this.#verified, (device) => this.#pending.set(socket, device));
    cancelDeadline();
    this.#pending.delete(socket);
    if (typeof greeted === 'string' || socket.readyState !== socket.OPEN || this.#stopping) {
      this.#refused++;
      log.debug({ reason: typeof greeted === 'string' ? greeted : 'closed', source }, 'refused a handshake');
      this.#shut(socket);
      return;
    }
    this.#accepted++;
    const { device, role } = greeted;
    const opened = new Link(
      this.#deps,
      this.#limits,
      {
        socket,
        duplex,
        traffic: this.#traffic,
        shut: () => this.#shut(socket),
        onEnd: () => {
          this.#links.delete(opened);
          log.info({ device, session: opened.caller.sessionId }, 'closed a channel');
        },
      },
      greeted,
    );
    link = opened;
    this.#links.add(opened);
    opened.open();
    this.#cancelTick ??= clock.after(TICK_MS, () => this.#tick());
    log.info({ device, role, session: opened.caller.sessionId }, 'opened a channel');
  }

  /** Closes with the one code; a peer that does not answer is cut off. */
  #shut(socket: WebSocket): void {
    if (socket.readyState === socket.CLOSED) return;
    socket.close(CHANNEL_CLOSE_CODE);
    const cancel = this.#deps.clock.after(this.#limits.closeMs, () => socket.terminate());
    socket.once('close', cancel);
  }

  #tick(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const link of [...this.#links]) link.tick(nowMs);
    this.#cancelTick = this.#links.size > 0 ? this.#deps.clock.after(TICK_MS, () => this.#tick()) : null;
  }
}

/** Waits for `work`, but no longer than `ms`. */
async function within(clock: ChannelDeps['clock'], ms: number, work: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(ms, resolve);
    void work.then(() => {
      cancel();
      resolve();
    });
  });
}
