import type { Socket } from 'node:net';
import type { Clock, Log, Random } from '../platform/index.ts';
import { challenge, judge, REALM } from './authentication.ts';
import { hugeAnswer, malformedAnswer } from './broken-answers.ts';
import { TcpCarrier, UdpCarrier } from './carrier.ts';
import type { FaultBoard } from './faults.ts';
import type { Feed } from './feed.ts';
import type { ResolvedOptions } from './options.ts';
import { isReceiverReport } from './rtcp.ts';
import { pathOf, RtspReader, type RtspRequest, type RtspResponse, writeResponse } from './rtsp-message.ts';
import type { RtspSession } from './rtsp-session.ts';
import { sessionDescription } from './sdp.ts';
import type { SessionTable } from './session-table.ts';
import { parseTransport, type TransportOffer } from './transport-header.ts';
import type { UdpPair } from './udp-pair.ts';

/** What a connection needs of the camera it belongs to. */
export interface ConnectionDeps {
  clock: Clock;
  log: Log;
  random: Random;
  faults: FaultBoard;
  options: ResolvedOptions;
  sessions: SessionTable;
  udp: UdpPair;
  /** Decimal digits for SDP's `o=`. */
  sdpId: string;
  /** The tracks of a mount: the picture first, then the sound. */
  tracks: (mount: string) => readonly Feed[];
  /** The feed that describes a track to a new client: another one where the `resize` fault holds from the start. */
  describing: (mount: string, feed: Feed) => Feed;
}

/** Where a request points. */
interface Target {
  mount: string;
  /** Number of the track, or undefined for the whole presentation. */
  track: number | undefined;
}

const PUBLIC = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER';
/** Methods of RFC 2326 this camera knows of and does not offer. */
const NOT_OFFERED = new Set(['ANNOUNCE', 'RECORD', 'REDIRECT', 'SET_PARAMETER']);
const READY_MS_MAX = 10_000;

/** One client's RTSP connection: requests in, answers and interleaved packets out. */
export class RtspConnection {
  readonly closed: Promise<void>;
  readonly #deps: ConnectionDeps;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #nonce: string;
  #heardAtMs: number;
  #busy = false;

  constructor(deps: ConnectionDeps, socket: Socket) {
    this.#deps = deps;
    this.#socket = socket;
    this.#address = socket.remoteAddress ?? '';
    this.#nonce = Buffer.from(deps.random.bytes(16)).toString('hex');
    this.#heardAtMs = deps.clock.monotonic();
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // followed by 'close', which is what counts
  }

  /** Serves until the connection is closed. Never rejects. */
  async run(): Promise<void> {
    const reader = new RtspReader();
    try {
      for await (const chunk of this.#socket) {
        for (const input of reader.push(chunk as Buffer)) {
          this.#heardAtMs = this.#deps.clock.monotonic();
          if (input.kind === 'frame') this.#onFrame(input.payload);
          else if (input.kind === 'request') await this.#onRequest(input.request);
          else {
            await this.#write(writeResponse({ status: input.status, headers: { Connection: 'close' } }, input.cseq));
            this.#socket.end();
          }
        }
      }
    } catch (error) {
      if (!this.#socket.destroyed) this.#deps.log.debug({ error }, 'connection failed');
    }
    this.#socket.destroy();
    await this.closed;
    this.#deps.sessions.connectionClosed(this);
  }

  /** How long nothing came from this client. */
  silentMs(): number {
    return this.#deps.clock.monotonic() - this.#heardAtMs;
  }

  /** Ends in order: what is written still leaves, unless the client does not read it. */
  end(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }

  /** Ends at once, with RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #onFrame(payload: Buffer): void {
    if (!isReceiverReport(payload)) return;
    for (const session of this.#deps.sessions.ofConnection(this)) session.heard();
  }

  async #onRequest(request: RtspRequest): Promise<void> {
    const { faults, random } = this.#deps;
    const target = this.#target(request);
    const mount = target?.mount ?? '';
    if (faults.active('refuse', mount)) return this.reset();
    if (this.#hangs(request.method, mount)) return this.closed;
    const response = await this.#answer(request, target);
    if (response.status === 200) {
      const huge = request.method === 'DESCRIBE' ? faults.active('huge', mount) : undefined;
      if (huge) return this.#writeLong(hugeAnswer(huge.part, huge.sizeBytes, request.cseq));
      const malformed = faults.malformed(request.method, mount);
      if (malformed) {
        const broken = malformedAnswer(malformed, response, request.cseq, random);
        await this.#write(broken.bytes);
        if (broken.close) this.#socket.end();
        else this.#afterwards(request);
        return;
      }
    }
    await this.#write(writeResponse(response, request.cseq));
    if (response.status === 200) this.#afterwards(request);
  }

  /** What begins only once the answer is on its way. */
  #afterwards(request: RtspRequest): void {
    if (request.method === 'PLAY') this.#sessionOf(request)?.play();
  }

  #hangs(method: string, mount: string): boolean {
    const hang = this.#deps.faults.active('hang', mount);
    if (!hang) return false;
    if (hang.method !== undefined) return hang.method === method;
    return this.#deps.sessions.ofConnection(this).some((session) => session.mount === mount && session.playing);
  }

  async #answer(request: RtspRequest, target: Target | null): Promise<RtspResponse> {
    const { faults, options } = this.#deps;
    if (request.version !== '1.0') return { status: 505 };
    if (pathOf(request.url) === null) return { status: 400 };
    const unauthorized = faults.active('unauthorized', target?.mount ?? '') !== undefined;
    if (request.method === 'OPTIONS' && !unauthorized) {
      this.#sessionOf(request)?.heard();
      return { status: 200, headers: { Public: PUBLIC } };
    }
    const refusal = this.#authenticate(request, unauthorized);
    if (refusal) return refusal;
    if (NOT_OFFERED.has(request.method)) return { status: 405, headers: { Allow: PUBLIC } };
    const required = request.headers.get('require');
    if (required !== undefined) return { status: 551, headers: { Unsupported: required.slice(0, 200) } };
    if (request.method === 'GET_PARAMETER') return this.#getParameter(request, target);
    if (!['DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'TEARDOWN'].includes(request.method)) return { status: 501 };
    if (!target || (target.track !== undefined && target.track >= this.#deps.tracks(target.mount).length)) {
      return { status: 404 };
    }
    if (request.method === 'DESCRIBE') return this.#describe(request, target);
    if (request.method === 'SETUP') return this.#setUp(request, target, options);
    const session = this.#sessionOf(request);
    if (!session || session.mount !== target.mount) return { status: 454 };
    session.heard();
    if (target.track !== undefined && session.outlets.size > 1) return { status: 460 };
    if (target.track !== undefined && !session.outlets.has(target.track)) return { status: 454 };
    const Session = this.#sessionHeader(session);
    switch (request.method) {
      case 'PLAY': {
        if (!/^\s*npt\s*=/i.test(request.headers.get('range') ?? 'npt=now-')) return { status: 457 };
        const base = `${baseOf(request.url, target.mount)}/`;
        return { status: 200, headers: { Session, Range: 'npt=now-', 'RTP-Info': session.rtpInfo(base) } };
      }
      case 'PAUSE':
        if (!session.playing) return { status: 455, headers: { Session, Allow: 'OPTIONS, SETUP, PLAY, TEARDOWN' } };
        session.pause();
        return { status: 200, headers: { Session } };
      default:
        this.#deps.sessions.remove(session.id, false);
        return { status: 200 };
    }
  }

  #authenticate(request: RtspRequest, always: boolean): RtspResponse | null {
    const { credentials } = this.#deps.options;
    if (always) {
      const scheme = credentials?.scheme ?? 'basic';
      return { status: 401, headers: { 'WWW-Authenticate': challenge(scheme, this.#nonce, false) } };
    }
    if (!credentials) return null;
    const verdict = judge(
      credentials,
      { method: request.method, url: request.url, authorization: request.headers.get('authorization') },
      this.#nonce,
    );
    if (verdict === 'ok') return null;
    const header = challenge(credentials.scheme, this.#nonce, verdict === 'stale');
    return { status: 401, headers: { 'WWW-Authenticate': header } };
  }

  async #describe(request: RtspRequest, target: Target): Promise<RtspResponse> {
    if (target.track !== undefined) return { status: 404 };
    const accept = request.headers.get('accept');
    if (accept !== undefined && !/application\/sdp|application\/\*|\*\/\*/i.test(accept)) return { status: 406 };
    const descriptions: string[][] = [];
    for (const feed of this.#deps.tracks(target.mount)) {
      const describing = this.#deps.describing(target.mount, feed);
      const lines = (await describing.ready(READY_MS_MAX)) ? describing.description() : null;
      if (!lines) return { status: 503 };
      descriptions.push(lines);
    }
    const body = sessionDescription({
      address: this.#socket.localAddress ?? this.#deps.options.host,
      id: this.#deps.sdpId,
      name: REALM,
      tracks: descriptions,
    });
    const base = `${baseOf(request.url, target.mount)}/`;
    return { status: 200, headers: { 'Content-Type': 'application/sdp', 'Content-Base': base }, body };
  }

  async #setUp(request: RtspRequest, target: Target, options: ResolvedOptions): Promise<RtspResponse> {
    const { faults, sessions } = this.#deps;
    const tracks = this.#deps.tracks(target.mount);
    if (target.track === undefined && tracks.length > 1) return { status: 459 };
    const track = target.track ?? 0;
    const header = request.headers.get('transport');
    if (header === undefined) return { status: 400 };
    const named = request.headers.has('session');
    const existing = this.#sessionOf(request);
    if (named && (!existing || existing.mount !== target.mount)) return { status: 454 };
    if (existing?.playing) return { status: 455, headers: { Allow: 'OPTIONS, PLAY, PAUSE, TEARDOWN' } };
    const allowed = options.transports.filter(
      (transport) => !faults.active(transport === 'tcp' ? 'udp-only' : 'tcp-only', target.mount),
    );
    const others = [...(existing?.outlets ?? [])].filter(([number]) => number !== track);
    // All tracks of one session travel the same way.
    const way = others[0]?.[1].carrier.transport;
    const offer = parseTransport(header).find(
      (each) => allowed.includes(each.transport) && (way === undefined || way === each.transport),
    );
    const carrier = offer && this.#carrier(offer, existing, track);
    if (!carrier) return { status: 461 };
    if (!(await tracks[track]!.ready(READY_MS_MAX))) return { status: 503 };
    const session = existing ?? sessions.open(this, target.mount, this.#address);
    if (!session) return { status: 503 };
    session.heard();
    const outlet = session.setUp(track, tracks[track]!, carrier);
    const ssrc = outlet.ssrc.toString(16).toUpperCase().padStart(8, '0');
    const Transport = `${carrier.describe()};ssrc=${ssrc};mode="PLAY"`;
    return { status: 200, headers: { Session: this.#sessionHeader(session), Transport } };
  }

  #carrier(offer: TransportOffer, session: RtspSession | undefined, track: number): TcpCarrier | UdpCarrier | null {
    if (offer.transport === 'udp') return new UdpCarrier(this.#deps.udp, this.#address, offer.ports);
    const taken = new Set<number>();
    for (const other of this.#deps.sessions.ofConnection(this)) {
      for (const [number, { carrier }] of other.outlets) {
        if (!(carrier instanceof TcpCarrier) || (other === session && number === track)) continue;
        taken.add(carrier.channel).add(carrier.reportChannel);
      }
    }
    let channels = offer.channels;
    for (let first = 0; !channels && first < 256; first += 2) {
      if (!taken.has(first) && !taken.has(first + 1)) channels = [first, first + 1];
    }
    if (!channels || taken.has(channels[0]) || taken.has(channels[1])) return null;
    return new TcpCarrier(this.#socket, channels, () => this.#busy);
  }

  #getParameter(request: RtspRequest, target: Target | null): RtspResponse {
    const session = this.#sessionOf(request);
    if (request.headers.has('session')) {
      if (!session) return { status: 454 };
      session.heard();
    } else if (!target && pathOf(request.url) !== '*') return { status: 404 };
    if (request.body.length > 0) return { status: 451 };
    return { status: 200, headers: session ? { Session: this.#sessionHeader(session) } : {} };
  }

  #target(request: RtspRequest): Target | null {
    const path = pathOf(request.url);
    if (path === null) return null;
    const match = /^(.*)\/trackID=(\d{1,2})$/.exec(path);
    const mount = match ? match[1]! : path;
    if (!this.#deps.options.mounts.has(mount)) return null;
    return { mount, track: match ? Number(match[2]) : undefined };
  }

  #sessionOf(request: RtspRequest): RtspSession | undefined {
    const id = request.headers.get('session')?.split(';', 1)[0]?.trim();
    const session = id ? this.#deps.sessions.get(id) : undefined;
    return session?.address === this.#address ? session : undefined;
  }

  #sessionHeader(session: RtspSession): string {
    return `${session.id};timeout=${Math.round(this.#deps.options.sessionTimeoutMs / 1000)}`;
  }

  async #writeLong(pieces: Iterable<Buffer>): Promise<void> {
    this.#busy = true;
    try {
      for (const piece of pieces) {
        if (this.#socket.destroyed) return;
        await this.#write(piece);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Resolves once the socket takes more, or is closed. */
  async #write(bytes: Buffer): Promise<void> {
    if (!this.#socket.writable || this.#socket.write(bytes)) return;
    let drained = () => {};
    const drain = new Promise<void>((resolve) => {
      drained = resolve;
      this.#socket.once('drain', drained);
    });
    await Promise.race([drain, this.closed]);
    this.#socket.off('drain', drained);
  }
}

/** The URL of the mount as the client wrote it, without query, track and closing slash. */
function baseOf(url: string, mount: string): string {
  const authority = /^[a-z]+:\/\/[^/?#]+/i.exec(url)![0];
  return `${authority}${mount}`;
}
