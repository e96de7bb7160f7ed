import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type AuditEvent,
  CHANNEL_CLOSE_CODE,
  CHANNEL_MESSAGE_MAX,
  CHANNEL_PATH,
  CHANNEL_SUBPROTOCOL,
  type DeviceKey,
} from '../protocol/index.ts';
import type { ChannelDeps, ChannelOptions, ChannelServer, ChannelStatus } from './api.ts';
import { CommandBudget } from './command-budget.ts';
import { greet } from './greeting.ts';
import { CHANNEL_LIMITS, type ChannelLimits } from './limits.ts';
import { Link } from './link.ts';
import { MessagePlaces } from './message-places.ts';
import { SourceGate, sourceOf } from './source-gate.ts';
import { V1_PATH, V1Endpoint } from './v1/endpoint.ts';
import { V1_LIMITS } from './v1/limits.ts';
import { plainAddress } from './v1/reach.ts';
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
  readonly #isOwnOrigin: ChannelOptions['isOwnOrigin'];
  readonly #limits: ChannelLimits;
  readonly #gate: SourceGate;
  readonly #verified: VerifiedCertificates;
  readonly #links = new Set<Link>();
  /** Sockets in their handshake, with the device once it is known; bounded by `pendingMax` and by who may wait for approval. */
  readonly #pending = new Map<WebSocket, DeviceKey | null>();
  /** Every socket that is not closed yet. */
  readonly #sockets = new Set<WebSocket>();
  readonly #traffic = { bytesIn: 0, bytesOut: 0 };
  /** The old session, only where it is configured. */
  readonly #v1: V1Endpoint | null;
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
  readonly #budget: CommandBudget;
  readonly #places = new MessagePlaces();

  constructor(deps: ChannelDeps, { origins, isOwnOrigin, limits, v1Limits }: ChannelOptions) {
    this.#deps = deps;
    this.#origins = new Set(origins);
    this.#isOwnOrigin = isOwnOrigin;
    this.#limits = { ...CHANNEL_LIMITS, ...limits };
    this.#gate = new SourceGate(this.#limits);
    this.#budget = new CommandBudget(this.#limits);
    this.#verified = new VerifiedCertificates(this.#limits.certificatesMax);
    const traffic = this.#traffic;
    this.#v1 = deps.v1
      ? new V1Endpoint({ ...deps, traffic }, deps.v1, { ...this.#limits, ...V1_LIMITS, ...v1Limits })
      : null;
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
    if (request.url === V1_PATH) {
      this.#v1!.upgrade(request, socket, head, { source, leave });
      return;
    }
    // Taken out of the request here: a listener that named the request would keep it as long as the channel lives.
    const address = plainAddress(request.socket.remoteAddress);
    this.#webSockets.handleUpgrade(request, socket, head as Buffer, (webSocket) => {
      void this.#welcome(webSocket, socket, { source, address, leave }).finally(leave);
    });
  }

  closeDevice(device: DeviceKey): void {
    this.#v1?.closeDevice(device);
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
      ...(this.#v1 ? { v1: this.#v1.status() } : {}),
    };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const { clock } = this.#deps;
    const oldStopped = this.#v1?.stop();
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
    await oldStopped;
    this.#cancelTick?.();
    this.#cancelTick = null;
  }

  /** Why an upgrade is none of ours, or null. Whatever `ws` would answer with words is refused here, in silence. */
  #refusalOf({ method, url, headers, socket }: IncomingMessage): string | null {
    const v1 = url === V1_PATH ? this.#v1 : null;
    if (method !== 'GET' || (url !== CHANNEL_PATH && !v1)) return 'path';
    if (headers.origin !== undefined && !this.#admitsOrigin(headers.origin, headers.host, v1 !== null)) return 'origin';
    if (headers['sec-websocket-protocol']?.trim() !== (v1 ? undefined : CHANNEL_SUBPROTOCOL)) return 'subprotocol';
    const isWebSocket =
      headers.upgrade?.toLowerCase() === 'websocket' &&
      headers['sec-websocket-version'] === '13' &&
      WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '');
    if (!isWebSocket) return 'upgrade';
    return v1 && !v1.reaches(socket.remoteAddress) ? 'reach' : null;
  }

  /** The old session knows listed origins only: whoever opens it needs a secret that a page could carry. */
  #admitsOrigin(origin: string, host: string | undefined, isOld: boolean): boolean {
    return this.#origins.has(origin) || (!isOld && (this.#isOwnOrigin?.(origin, host) ?? false));
  }

  async #welcome(socket: WebSocket, duplex: Duplex, { source, address, leave }: Arrival): Promise<void> {
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
    let proved: DeviceKey | null = null;
    let cancelDeadline = clock.after(this.#limits.handshakeMs, () => this.#shut(socket));
    const greeted = await greet(socket, this.#deps, this.#verified, {
      address,
      limits: this.#limits,
      onCode: () => {
        cancelDeadline();
        cancelDeadline = clock.after(this.#limits.codeFinishMs, () => this.#shut(socket));
      },
      onDevice: (device) => {
        proved = device;
        this.#pending.set(socket, device);
      },
      onAwaited: () => {
        cancelDeadline();
        leave();
      },
    });
    cancelDeadline();
    this.#pending.delete(socket);
    if (typeof greeted === 'string' || socket.readyState !== socket.OPEN || this.#stopping) {
      this.#refused++;
      const reason = typeof greeted === 'string' ? greeted : 'closed';
      log.debug({ reason, source }, 'refused a handshake');
      if (isTold(reason)) this.#note('connect-refused', proved, reason, address);
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
        address,
        places: this.#places,
        budget: (bytes, nowMs) => this.#budget.take(device, source, bytes, nowMs),
        traffic: this.#traffic,
        shut: () => this.#shut(socket),
        onEnd: () => {
          this.#links.delete(opened);
          this.#note('disconnected', device, opened.caller.sessionId, address);
          log.info({ device, session: opened.caller.sessionId }, 'closed a channel');
        },
      },
      greeted,
    );
    link = opened;
    this.#makeRoom(device);
    this.#links.add(opened);
    this.#note('connected', device, opened.caller.sessionId, address);
    opened.open();
    this.#cancelTick ??= clock.after(TICK_MS, () => this.#tick());
    log.info({ device, role, session: opened.caller.sessionId }, 'opened a channel');
  }

  /** Ends a channel where one more would be too many: the device's quietest, or the quietest of whoever has most. */
  #makeRoom(device: DeviceKey): void {
    const { channelsPerDeviceMax, channelsMax } = this.#limits;
    const byDevice = Map.groupBy(this.#links, (link) => link.caller.device);
    const own = byDevice.get(device) ?? [];
    const most = () => [...byDevice.values()].reduce((a, b) => (b.length > a.length ? b : a));
    const crowd = own.length >= channelsPerDeviceMax ? own : this.#links.size >= channelsMax ? most() : [];
    const quietest = crowd.reduce<Link | null>((a, b) => (a && a.receivedMs <= b.receivedMs ? a : b), null);
    if (!quietest) return;
    const { device: whose, sessionId } = quietest.caller;
    this.#deps.log.info({ device: whose, session: sessionId }, 'ended a channel to make room');
    quietest.end();
  }

  #note(event: AuditEvent, device: DeviceKey | null, detail: string, address: string): void {
    const at = this.#deps.clock.now();
    this.#deps.audit?.note({ event, at, device, source: null, span: null, detail, address });
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

/** Who comes, and what to call when it is no stranger any more. */
interface Arrival {
  source: string;
  address: string;
  leave: () => void;
}

/** True where somebody had proved enough for the refusal to be worth telling: noise at the door is only counted. */
function isTold(reason: string): boolean {
  return reason.startsWith('certificate ') || reason === 'refused' || reason === 'not approved' || reason === 'tries';
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
