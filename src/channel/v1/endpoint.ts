import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Random } from '../../platform/index.ts';
import type { Caller, DeviceKey } from '../../protocol/index.ts';
import { Admission, type AdmissionReason, type Admitted } from './admission.ts';
import { type SharedLimits, V1_MESSAGE_MAX, type V1Limits } from './limits.ts';
import { isWithin, plainAddress } from './reach.ts';
import { type SessionDeps, V1Session } from './session.ts';
import { checkSettings, type V1Deps } from './settings.ts';
import { writeSorted } from './strict-json.ts';

/** Where the old session is opened. */
export const V1_PATH = '/session';

/** Said wherever the old session can be opened. */
export const V1_WARNING =
  'the old session (version 1) is open: one shared secret for every client, no device is proved, recorded traffic opens when the secrets leak';

const TICK_MS = 1000;
/** All refusals sound the same. */
const REFUSAL = writeSorted({ ok: false, error: 'hello refused' });

/** What the old session says of itself. */
export interface V1Status {
  warning: string;
  /** Sessions whose client has proved that it holds the key. */
  open: number;
  /** Devices they claim to be. */
  devices: DeviceKey[];
  accepted: number;
  refused: number;
}

/** What the endpoint stands on beside the settings. */
export interface V1EndpointDeps extends SessionDeps {
  random: Random;
  nodeId: DeviceKey;
  traffic: { bytesIn: number; bytesOut: number };
}

type Refusal = AdmissionReason | 'sessions' | 'binary' | 'stopping';

/** Whoever has not proved that it holds the session's key. */
interface Stranger {
  /** What its gate counts it as, and its address without port. */
  source: string;
  address: string;
  /** Gives its place at the gate back. */
  leave(): void;
}

interface OpenSession {
  session: V1Session;
  source: string;
}

/** The old session's endpoint at `/session`: the same commands behind the fences of docs/protocol/session-v1.md. */
export class V1Endpoint {
  readonly #deps: V1EndpointDeps;
  readonly #v1: V1Deps;
  readonly #limits: V1Limits & SharedLimits;
  readonly #admission: Admission;
  /** At most `sessionsMax`. */
  readonly #open = new Set<OpenSession>();
  /** Every socket that is not closed yet. */
  readonly #sockets = new Set<WebSocket>();
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: V1_MESSAGE_MAX,
    autoPong: false,
  });
  #accepted = 0;
  #refused = 0;
  #stopping = false;
  #cancelTick: (() => void) | null = null;
  #onAllClosed: (() => void) | null = null;

  /** Throws `ERR_CHANNEL_V1_SETTINGS` (`invalid`). Warns in the log, once. */
  constructor(deps: V1EndpointDeps, v1: V1Deps, limits: V1Limits & SharedLimits) {
    const { suite, log } = deps;
    checkSettings(suite.hashes, v1);
    this.#deps = { ...deps, log: log.child({ session: 'v1' }) };
    this.#v1 = v1;
    this.#limits = limits;
    this.#admission = new Admission(deps, v1, limits.proofsMax);
    this.#deps.log.warn({ allowFrom: v1.allowFrom }, V1_WARNING);
  }

  /** True where an address may open the old session at all. */
  reaches(address: string | undefined): boolean {
    return isWithin(this.#v1.allowFrom, address);
  }

  /** Takes an upgrade that nothing speaks against. `leave` is called once the client has proved that it holds the session's key. */
  upgrade(
    request: IncomingMessage,
    duplex: Duplex,
    head: Uint8Array,
    { source, leave }: { source: string; leave(): void },
  ): void {
    const address = plainAddress(request.socket.remoteAddress);
    this.#webSockets.handleUpgrade(request, duplex, head as Buffer, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // `close` follows
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (this.#sockets.size === 0) this.#onAllClosed?.();
      });
      // A client that never reads must not make us pile up answers.
      socket.on('ping', (data) => {
        if (socket.bufferedAmount === 0) socket.pong(data);
      });
      void this.#welcome(socket, { source, address, leave });
    });
  }

  closeDevice(device: DeviceKey): void {
    for (const { session } of [...this.#open]) if (session.caller.device === device) session.end('at once');
  }

  status(): V1Status {
    const proved = [...this.#open].filter(({ session }) => session.proved);
    return {
      warning: V1_WARNING,
      open: proved.length,
      devices: [...new Set(proved.map(({ session }) => session.caller.device))],
      accepted: this.#accepted,
      refused: this.#refused,
    };
  }

  /** Ends every session and resolves when their sockets are closed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { session } of [...this.#open]) session.end();
    const closed = new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
      if (this.#sockets.size === 0) resolve();
    });
    for (const socket of this.#sockets) this.#shut(socket);
    await closed;
    this.#cancelTick?.();
    this.#cancelTick = null;
    this.#admission.close();
  }

  async #welcome(socket: WebSocket, from: Stranger): Promise<void> {
    const cancelDeadline = this.#deps.clock.after(this.#limits.handshakeMs, () => this.#shut(socket));
    const hello = await firstMessage(socket);
    cancelDeadline();
    if (hello === null) return;
    const refusal = typeof hello === 'string' ? await this.#admit(socket, hello, from) : 'binary';
    if (refusal === null) return;
    this.#refused++;
    this.#deps.log.debug({ reason: refusal, source: from.source }, 'refused a hello');
    if (socket.readyState === socket.OPEN) socket.send(REFUSAL, { compress: false });
    this.#shut(socket);
  }

  /** Opens a session, or says why not. */
  async #admit(socket: WebSocket, text: string, from: Stranger): Promise<Refusal | null> {
    const { sessionsMax, sessionsPerSourceMax } = this.#limits;
    const ofSource = [...this.#open].filter(({ source }) => source === from.source).length;
    if (this.#open.size >= sessionsMax || ofSource >= sessionsPerSourceMax) return 'sessions';
    const admitted = await this.#admission.judge(text);
    if ('reason' in admitted) {
      const { reason, proved } = admitted;
      if (proved) this.#note('connect-refused', { device: null, address: from.address }, `session v1: ${reason}`);
      return reason;
    }
    if (this.#stopping || socket.readyState !== socket.OPEN) return 'stopping';
    this.#begin(socket, admitted, from);
    socket.send(admitted.ack, { compress: false });
    return null;
  }

  #begin(socket: WebSocket, { device, role, sessionId, key }: Admitted, { source, address, leave }: Stranger): void {
    const { clock, log, random, traffic } = this.#deps;
    const caller: Caller = { device, role, sessionId: sessionId.replaceAll('-', ''), via: 'v1', address };
    const carrier = {
      socket,
      traffic,
      shut: () => this.#shut(socket),
      onProved: () => {
        leave();
        this.#accepted++;
        log.info({ device, role, id: caller.sessionId }, 'opened an old session');
        this.#note('connected', caller, 'session v1');
      },
      onEnd: () => {
        this.#open.delete(entry);
        if (!entry.session.proved) return;
        log.info({ device, id: caller.sessionId }, 'closed an old session');
        this.#note('disconnected', caller, 'session v1');
      },
    };
    const keys = { caller, key, noncePrefix: random.bytes(16) };
    const entry = { session: new V1Session(this.#deps, this.#limits, carrier, keys), source };
    this.#open.add(entry);
    socket.on('close', () => entry.session.end());
    this.#cancelTick ??= clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const { session } of [...this.#open]) {
      const { device, role } = session.caller;
      if (this.#admission.roleOf(device) !== role) session.end('at once');
      else session.tick(nowMs);
    }
    this.#cancelTick = this.#open.size > 0 ? this.#deps.clock.after(TICK_MS, () => this.#tick()) : null;
  }

  #note(
    event: 'connected' | 'disconnected' | 'connect-refused',
    { device, address }: { device: DeviceKey | null; address?: string },
    detail: string,
  ): void {
    const at = this.#deps.clock.now();
    this.#v1.audit.note({ event, at, device, source: null, span: null, detail, address: address ?? '' });
  }

  /** Closes as the old wire does, without a code; a peer that does not answer is cut off. */
  #shut(socket: WebSocket): void {
    if (socket.readyState === socket.CLOSED) return;
    socket.close();
    const cancel = this.#deps.clock.after(this.#limits.closeMs, () => socket.terminate());
    socket.once('close', cancel);
  }
}

/** The first message: its text, its bytes where it was binary, or null where the socket closed. Pings are no messages. */
function firstMessage(socket: WebSocket): Promise<string | Uint8Array | null> {
  return new Promise((resolve) => {
    const onMessage = (data: unknown, isBinary: boolean) => {
      socket.off('close', onClose);
      resolve(isBinary ? (data as Buffer) : (data as Buffer).toString('utf8'));
    };
    const onClose = () => {
      socket.off('message', onMessage);
      resolve(null);
    };
    socket.once('message', onMessage);
    socket.once('close', onClose);
  });
}
