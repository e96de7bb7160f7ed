import type { WebSocket } from 'ws';
import { wipe } from '../../bytes/index.ts';
import type { SyncCryptoSuite } from '../../crypto/index.ts';
import { isNvrError } from '../../errors.ts';
import type { Clock, Log } from '../../platform/index.ts';
import type { Caller, CallHandler } from '../../protocol/index.ts';
import { closedError } from '../errors.ts';
import { answer } from './commands.ts';
import { ENVELOPE_ERRORS, openEnvelope, parseEnvelope, sealEnvelope } from './envelope.ts';
import { toldOfV1 } from './errors.ts';
import type { SharedLimits, V1Limits } from './limits.ts';
import { SessionNonces } from './nonces.ts';
import { parseRequest } from './request.ts';
import { writeSorted } from './strict-json.ts';

const SEND_OPTIONS = { binary: false, compress: false } as const;
/** What every frame that does not open is answered with, replayed and reflected ones among them. */
const NOT_OPENED = ENVELOPE_ERRORS.decrypt;

/** What a session stands on. */
export interface SessionDeps {
  clock: Clock;
  log: Log;
  suite: SyncCryptoSuite;
  handle: CallHandler;
}

/** What a session runs over, and whom it tells what. */
export interface SessionCarrier {
  socket: WebSocket;
  traffic: { bytesIn: number; bytesOut: number };
  /** Closes the socket, with a deadline for the peer's answer. */
  shut(): void;
  /** The first genuine frame came: whoever said hello holds the session's key. */
  onProved(): void;
  onEnd(): void;
}

/** Who a session belongs to, and what it is sealed with. */
export interface SessionKeys {
  caller: Caller;
  /** 32 bytes, wiped at the end. */
  key: Uint8Array;
  /** 16 random bytes. */
  noncePrefix: Uint8Array;
}

/** One open session of the old wire: opens its frames, answers them one at a time, in order. */
export class V1Session {
  readonly caller: Caller;
  readonly #deps: SessionDeps;
  readonly #limits: V1Limits & SharedLimits;
  readonly #carrier: SessionCarrier;
  readonly #socket: WebSocket;
  readonly #key: Uint8Array;
  readonly #nonces: SessionNonces;
  readonly #abort = new AbortController();
  /** Frames that wait for the one before; bounded by `waitingMax`. */
  readonly #waiting: string[] = [];
  readonly #openedMs: number;
  #quietSinceMs: number;
  /** When the next frame would be on time (generic cell rate algorithm). */
  #dueMs = 0;
  #broken = 0;
  #proved = false;
  #working = false;
  #ended = false;
  /** Waits for room in the socket since then. */
  #room: { sinceMs: number; resolve: () => void; reject: (error: Error) => void } | null = null;

  constructor(
    deps: SessionDeps,
    limits: V1Limits & SharedLimits,
    carrier: SessionCarrier,
    { caller, key, noncePrefix }: SessionKeys,
  ) {
    this.caller = caller;
    this.#deps = deps;
    this.#limits = limits;
    this.#carrier = carrier;
    this.#socket = carrier.socket;
    this.#key = key;
    this.#nonces = new SessionNonces(noncePrefix, limits.noncesMax);
    this.#openedMs = deps.clock.monotonic();
    this.#quietSinceMs = this.#openedMs;
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** True once a frame opened under the session's key. */
  get proved(): boolean {
    return this.#proved;
  }

  /** Looks at the clock: once a second. */
  tick(nowMs: number): void {
    const { firstFrameMs, idleMs, ageMs, stallMs } = this.#limits;
    if (!this.#proved && nowMs - this.#openedMs >= firstFrameMs) this.end();
    else if (!this.#working && nowMs - this.#quietSinceMs >= idleMs) this.end();
    else if (nowMs - this.#openedMs >= ageMs) this.end();
    else if (this.#room && nowMs - this.#room.sinceMs >= stallMs) this.end('at once');
  }

  /** Ends it: what runs is aborted, the key is wiped, the socket closed, at once or after what is in it has left. */
  end(how: 'close' | 'at once' = 'close'): void {
    if (!this.#ended) {
      this.#ended = true;
      const reason = closedError();
      this.#abort.abort(reason);
      this.#waiting.length = 0;
      this.#room?.reject(reason);
      this.#room = null;
      wipe(this.#key);
      this.#socket.resume(); // a paused socket would not see the peer's answer to our closing
      this.#carrier.shut();
      this.#carrier.onEnd();
    }
    if (how === 'at once') this.#socket.terminate();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#carrier.traffic.bytesIn += data.length;
    if (isBinary) return; // so the old wire has it
    const { waitingLow, waitingMax } = this.#limits;
    if (this.#waiting.length >= waitingMax) {
      this.end('at once');
      return;
    }
    this.#waiting.push(data.toString('utf8'));
    if (this.#waiting.length >= waitingLow) this.#socket.pause();
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
        await this.#onTime();
        await this.#answer(frame);
        if (this.#waiting.length < this.#limits.waitingLow) this.#socket.resume();
      }
    } catch (error) {
      if (!this.#ended) this.#deps.log.error({ error, device: this.caller.device }, 'an old session failed here');
      this.end();
    } finally {
      this.#working = false;
      this.#quietSinceMs = this.#deps.clock.monotonic();
    }
  }

  /** Holds a client back that asks faster than it may. */
  async #onTime(): Promise<void> {
    const { clock } = this.#deps;
    const { framesPerSecond, framesBurst } = this.#limits;
    const stepMs = 1000 / framesPerSecond;
    const nowMs = clock.monotonic();
    this.#dueMs = Math.max(this.#dueMs, nowMs) + stepMs;
    const early = this.#dueMs - nowMs - framesBurst * stepMs;
    if (early > 1e-6) await clock.sleep(early, this.#abort.signal);
  }

  async #answer(frame: string): Promise<void> {
    const opened = this.#open(frame);
    if ('error' in opened) {
      if (++this.#broken >= this.#limits.brokenMax) {
        this.#deps.log.warn({ device: this.caller.device }, 'ended an old session whose frames do not open');
        this.end();
        return;
      }
      await this.#send({ ok: false, error: opened.error });
      return;
    }
    this.#broken = 0;
    if (!this.#proved) {
      this.#proved = true;
      this.#carrier.onProved();
    }
    const request = opened.text === null ? null : parseRequest(opened.text);
    if (!request) {
      await this.#send({ ok: false, error: 'invalid command payload' });
    } else {
      try {
        await answer(request, {
          ...this.#deps,
          caller: this.caller,
          signal: this.#abort.signal,
          commandMs: this.#limits.commandMs,
          send: (reply) => this.#send(reply),
        });
      } catch (error) {
        if (this.#ended) return;
        if (!isNvrError(error) || error.kind === 'internal') {
          this.#deps.log.error({ error, cmd: request.cmd, device: this.caller.device }, 'a command failed');
        }
        await this.#send({ ok: false, error: toldOfV1(error) });
      }
    }
    if (this.#nonces.full) this.end();
  }

  /** The text of a frame, or what is to be said of it. */
  #open(frame: string): { text: string | null } | { error: string } {
    const envelope = parseEnvelope(frame);
    if (typeof envelope === 'string') return { error: ENVELOPE_ERRORS[envelope] };
    if (!this.#nonces.isFresh(envelope.nonce)) return { error: NOT_OPENED };
    const opened = openEnvelope(this.#key, envelope);
    if (opened === 'decrypt') return { error: NOT_OPENED };
    this.#nonces.keep(envelope.nonce);
    return opened;
  }

  async #send(reply: Record<string, unknown>): Promise<void> {
    const { bufferedMax } = this.#limits;
    while (!this.#ended && this.#socket.bufferedAmount > bufferedMax) {
      await new Promise<void>((resolve, reject) => {
        this.#room = { sinceMs: this.#deps.clock.monotonic(), resolve, reject };
      });
    }
    if (this.#ended) throw closedError();
    const frame = sealEnvelope(this.#key, this.#nonces.next(), writeSorted(reply));
    this.#carrier.traffic.bytesOut += frame.length;
    this.#socket.send(frame, SEND_OPTIONS, () => this.#onSent());
  }

  #onSent(): void {
    if (!this.#room || this.#socket.bufferedAmount > this.#limits.bufferedMax) return;
    const { resolve } = this.#room;
    this.#room = null;
    resolve();
  }
}
