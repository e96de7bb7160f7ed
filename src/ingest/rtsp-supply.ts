import type { CameraAddress, FragmentReaderItem, MovieTrouble } from '../media/index.ts';
import type { Clock, Datagrams, Random, SocketEnd, SocketLine, Sockets } from '../platform/index.ts';
import type { GapCause } from '../protocol/index.ts';
import { type Complaint, TIMESTAMPS_JUMPED } from './error-lines.ts';
import { RtspConversation, STEP_MS } from './rtsp-conversation.ts';
import { RtspSession } from './rtsp-session.ts';
import type { CameraClock, Supplied, Supply, SupplyFacts, SupplyListener } from './supply.ts';

export interface RtspSupplyDeps {
  clock: Clock;
  random: Random;
  sockets: Sockets;
  datagrams: Datagrams;
}

export interface RtspOrder {
  camera: CameraAddress;
  transport: 'tcp' | 'udp';
  /** `keep` ends with the complaint `sound-beyond` where sound would be lost. */
  sound: 'keep' | 'copy' | 'none';
  /** rtsps only: SHA-256 of the certificate the camera must show, 64 hex digits; null takes any. */
  certificate: string | null;
}

/** Once a picture runs, what arrived is read together in these moments, the same for all cameras: fewer wakings. */
const GATHER_MS = 40;
/** Fragments that may wait for the sink; the camera is held back beyond that. By UDP it cannot be. */
const WAITING_MAX = 8;
const WAITING_UDP_MAX = 64;
/** How long the answer to TEARDOWN is waited for. */
const FAREWELL_MS = 500;
/** A sender report that tells an earlier time than this (2015) is no wall time. */
const WALL_US_MIN = 1_420_070_400_000_000;

/** What ends a supply before it is asked to end. */
interface Final {
  complaint?: Complaint;
  end?: { cause: GapCause; reason: string; again?: true };
}

/** Fragments by our own RTSP reader: one connection, no process, no pipe (docs/rtsp.md). */
export class RtspSupply implements Supply {
  readonly kind = 'own';
  readonly #deps: RtspSupplyDeps;
  readonly #order: RtspOrder;
  readonly #listener: SupplyListener;
  readonly #stopping = new AbortController();
  #line: SocketLine | null = null;
  #session: RtspSession | null = null;
  #cameraClock: CameraClock | null = null;
  #waiting: FragmentReaderItem[] = [];
  #wake: (() => void) | null = null;
  #gathering = false;
  #held = false;
  #cancelGather: (() => void) | null = null;
  #final: Final | null = null;
  #work: Promise<void> = Promise.resolve();
  #closed: Promise<{ broken: null }> | null = null;

  constructor(deps: RtspSupplyDeps, order: RtspOrder, listener: SupplyListener) {
    this.#deps = deps;
    this.#order = order;
    this.#listener = listener;
  }

  get heardMs(): number | null {
    return this.#session?.heardMs ?? null;
  }

  async *pieces(): AsyncGenerator<Supplied> {
    const { clock } = this.#deps;
    this.#work = this.#begin().then((complaint) => {
      if (complaint) this.#finish({ complaint });
    });
    for (;;) {
      if (this.#waiting.length > 0) {
        const items = this.#waiting;
        this.#waiting = [];
        yield { arrival: { wallUs: clock.nowUs(), monoUs: clock.monotonicUs() }, items };
      } else if (this.#final) break;
      else {
        this.#letFlow();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    const { complaint, end } = this.#final;
    if (complaint) this.#listener.onComplaint(complaint);
    if (end) this.#listener.onEnd(end);
  }

  facts(): SupplyFacts {
    return {
      cameraClock: this.#cameraClock,
      lostPackets: this.#session?.lostPackets ?? 0,
      certificate: this.#line?.fingerprint256 ?? null,
    };
  }

  end(): Promise<{ broken: null }> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<{ broken: null }> {
    const orderly = this.#final === null;
    this.#session?.finish();
    this.#finish({});
    this.#stopping.abort();
    if (orderly && this.#session) {
      const waited = new AbortController();
      const wait = this.#deps.clock.sleep(FAREWELL_MS, waited.signal).catch(() => {});
      await Promise.race([this.#session.tearDown(), wait]);
      waited.abort();
    }
    this.#line?.close();
    await this.#work;
    await this.#session?.close();
    return { broken: null };
  }

  /** Nothing more is taken of the camera; what waits is still given. */
  #finish(final: Final): void {
    if (this.#final) return;
    this.#final = final;
    this.#cancelGather?.();
    this.#line?.resume();
    this.#tell();
  }

  #tell(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** From the connection to the picture; gives what went wrong, null where it is on its way. */
  async #begin(): Promise<Complaint | null> {
    const { camera, certificate, transport, sound } = this.#order;
    const place = placeOf(camera.address);
    if (!place) return 'malformed';
    const { secure, ...address } = place;
    // Where a certificate is pinned, a line without one proves nothing.
    if (certificate !== null && !secure) return 'certificate';
    const check = certificate === null ? ('none' as const) : { fingerprint256: certificate };
    const line = await this.#deps.sockets.connect({
      ...address,
      deadlineMs: STEP_MS,
      signal: this.#stopping.signal,
      ...(secure ? { tls: { check } } : {}),
    });
    if (typeof line === 'string') return notConnected(line, certificate !== null);
    this.#line = line;
    if (this.#final) return null;
    const talk = new RtspConversation({ ...this.#deps, line }, camera.credentials, {
      onFrame: (channel, bytes, start, end) => this.#session?.frame(channel, bytes, start, end),
      onPiece: (more) => this.#pieceRead(line, more),
      onOver: (complaint) => this.#over(complaint),
    });
    const { local, remote } = line;
    const session = new RtspSession(
      { ...this.#deps, talk },
      { url: camera.address, transport, sound, local, remote },
      {
        onInit: (init) => this.#give({ init }),
        onFragment: (fragment) => this.#give({ fragment }),
        onTrouble: (trouble) => this.#finish(finalOf(trouble)),
        onReport: (wallUs) => this.#hearTime(wallUs, talk.roundTripMs),
        onOver: (complaint) => this.#over(complaint),
      },
    );
    this.#session = session;
    return session.begin();
  }

  #over(complaint: Complaint): void {
    if (this.#final) return;
    this.#session?.finish();
    this.#finish({ complaint });
  }

  #give(item: FragmentReaderItem): void {
    if (this.#final) return;
    this.#waiting.push(item);
    if ('fragment' in item) this.#gathering = this.#order.transport === 'tcp';
    if (this.#order.transport === 'udp' && this.#waiting.length > WAITING_UDP_MAX) {
      this.#finish({ end: { cause: 'storage', reason: 'storing was slower than the camera' } });
    }
    this.#tell();
  }

  /** After each read: when to read again. */
  #pieceRead(line: SocketLine, more: boolean): void {
    if (this.#final) return;
    this.#held = this.#waiting.length >= WAITING_MAX && this.#order.transport === 'tcp';
    if (this.#held) line.pause();
    else if (this.#gathering && !more) {
      line.pause();
      const { clock } = this.#deps;
      this.#cancelGather = clock.after(GATHER_MS - (clock.monotonic() % GATHER_MS), () => {
        if (!this.#held) line.resume();
      });
    }
  }

  /** Everything that waited has been taken. */
  #letFlow(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#line?.resume();
  }

  #hearTime(wallUs: number, roundTripMs: number): void {
    if (wallUs < WALL_US_MIN) return;
    const uncertaintyMs = Math.ceil(roundTripMs + (this.#gathering ? GATHER_MS : 0));
    this.#cameraClock = { cameraAt: Math.round(wallUs / 1000), nodeAt: this.#deps.clock.now(), uncertaintyMs };
    this.#listener.onCameraTime(this.#cameraClock);
  }
}

/** Where to connect for an address that `parseCameraUrl` has taken; ports of RFC 2326 and its secure sister. */
function placeOf(address: string): { host: string; port: number; secure: boolean } | null {
  const match = /^(rtsps?):\/\/(?:\[([^\]]+)\]|([^:/?]+))(?::(\d+))?/.exec(address);
  if (!match) return null;
  const secure = match[1] === 'rtsps';
  return { host: match[2] ?? match[3]!, port: Number(match[4] ?? (secure ? 322 : 554)), secure };
}

function notConnected(end: SocketEnd, pinned: boolean): Complaint {
  if (end === 'certificate') return pinned ? 'certificate' : 'unreachable';
  return end === 'reset' || end === 'closed' ? 'ended' : 'unreachable';
}

function finalOf(trouble: MovieTrouble): Final {
  switch (trouble) {
    case 'jump':
      return { end: { cause: 'timestamps', reason: TIMESTAMPS_JUMPED, again: true } };
    case 'reordered':
      return {
        complaint: 'beyond',
        end: { cause: 'timestamps', reason: 'pictures come in another order than they are shown' },
      };
    case 'undescribed':
      return { complaint: 'malformed' };
  }
}
