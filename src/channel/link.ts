import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { toHex } from '../bytes/index.ts';
import { assert, type ErrorCode, type ErrorKind, type NvrError } from '../errors.ts';
import {
  type Caller,
  CHANNEL_CREDIT,
  encodeCancelError,
  encodeError,
  encodeEvent,
  encodeResult,
  endBody,
  FRAME,
  type Frame,
  FrameOpener,
  FrameSealer,
  type FrameType,
  GOAWAY_AGE,
  GOAWAY_STOPPING,
  PING_NO_ANSWER,
  parseRequest,
  RESPONSE_END,
  SendCredit,
  windowCredit,
} from '../protocol/index.ts';
import type { ChannelDeps } from './api.ts';
import {
  busyError,
  closedError,
  goingAwayError,
  RateError,
  replyTooLargeError,
  requestError,
  stalledError,
  streamsError,
  toldOf,
} from './errors.ts';
import type { Greeted } from './greeting.ts';
import type { ChannelLimits } from './limits.ts';
import type { MessagePlaces } from './message-places.ts';
import { CallStream, type StreamCarrier } from './reply-stream.ts';

const EMPTY = new Uint8Array(0);
const SEND_OPTIONS = { binary: true, compress: false } as const;

/** Counters of the whole endpoint. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

/** What a channel runs over, and whom it tells of its end. */
export interface LinkCarrier {
  /** Where the device is, without port; empty where unknown. */
  address: string;
  /** Places for messages of all channels: what one does not need another may use. */
  places: MessagePlaces;
  /** Asks for one command of so many bytes: 0, or how many ms later. */
  budget(bytes: number, nowMs: number): number;
  socket: WebSocket;
  /** The TCP socket under it. */
  duplex: Duplex;
  traffic: Traffic;
  /** Closes the socket, with a deadline for the peer's answer. */
  shut(): void;
  onEnd(): void;
}

interface Waiter {
  stream: CallStream;
  bytes: number;
  sinceMs: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * An open channel of one device: takes its requests, runs them, carries their replies and data within credit and
 * back-pressure. Any breach of the protocol ends it.
 */
export class Link implements StreamCarrier {
  readonly caller: Caller;
  readonly #deps: ChannelDeps;
  readonly #limits: ChannelLimits;
  readonly #carrier: LinkCarrier;
  readonly #socket: WebSocket;
  readonly #traffic: Traffic;
  readonly #places: MessagePlaces;
  readonly #sealer: FrameSealer;
  readonly #opener: FrameOpener;
  readonly #credit = new SendCredit(CHANNEL_CREDIT);
  /** Open requests, at most `streamsMax`. */
  readonly #streams = new Map<number, CallStream>();
  /** Streams that wait for room, at most one entry for each. */
  readonly #waiters = new Map<number, Waiter>();
  readonly #openedMs: number;
  #lastStream = 0;
  /** Handlers that have not settled: also those whose stream was cancelled. */
  #running = 0;
  #requestBytes = 0;
  /** When the next refusal would be on time, monotonic ms. */
  #refusalDueMs = 0;
  #receivedMs: number;
  #askedMs: number;
  #corked = false;
  #paused = false;
  #goingAway = false;
  #ended = false;
  #idle: (() => void) | null = null;

  constructor(deps: ChannelDeps, limits: ChannelLimits, carrier: LinkCarrier, { device, role, keys }: Greeted) {
    const nowMs = deps.clock.monotonic();
    this.#deps = deps;
    this.#limits = limits;
    this.#carrier = carrier;
    this.#socket = carrier.socket;
    this.#traffic = carrier.traffic;
    this.#places = carrier.places;
    const place = (length: number) => this.#places.take(length);
    this.#sealer = new FrameSealer(keys.send, limits.rekey, nowMs, place, this.#places.plaintext);
    this.#opener = new FrameOpener(keys.receive, 'client');
    const { address } = carrier;
    this.caller = { device, role, sessionId: toHex(keys.hash.subarray(0, 16)), ...(address ? { address } : {}) };
    this.#openedMs = nowMs;
    this.#receivedMs = nowMs;
    this.#askedMs = nowMs;
  }

  /** Monotonic ms at which the device last said anything. */
  get receivedMs(): number {
    return this.#receivedMs;
  }

  /** Begins: from here on the socket's messages are ours. */
  open(): void {
    this.#socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer<ArrayBuffer>, isBinary));
    const told = encodeEvent('channel.open', { role: this.caller.role, session: this.caller.sessionId });
    this.#send(FRAME.event, 0, 0, told!);
  }

  /** Looks at the clock: once a second. */
  tick(nowMs: number): void {
    const { stallMs, pingMs, deadMs, ageMs, ageGraceMs } = this.#limits;
    const silentMs = nowMs - this.#receivedMs;
    if (silentMs >= deadMs) this.end('at once');
    if (nowMs - this.#openedMs >= ageMs + ageGraceMs) this.end();
    if (this.#ended) return;
    if (nowMs - this.#openedMs >= ageMs) this.#goAway(GOAWAY_AGE);
    if (silentMs >= pingMs && nowMs - this.#askedMs >= pingMs) {
      this.#askedMs = nowMs;
      this.#send(FRAME.ping, 0, 0, EMPTY);
    }
    for (const { stream, sinceMs } of [...this.#waiters.values()]) {
      if (nowMs - sinceMs >= stallMs) this.#breakOff(stream, stalledError());
    }
  }

  /** Takes no new requests and resolves when the running ones have ended; the caller bounds the wait. */
  drain(): Promise<void> {
    this.#goAway(GOAWAY_STOPPING);
    return new Promise((resolve) => {
      if (this.#running === 0 || this.#ended) resolve();
      else this.#idle = resolve;
    });
  }

  /** Ends it: every handler is told, the socket is closed, at once or after what is in it has left. Safe to call twice. */
  end(how: 'close' | 'at once' = 'close'): void {
    if (!this.#ended) {
      this.#ended = true;
      for (const stream of [...this.#streams.values()]) this.#drop(stream, closedError());
      this.#idle?.();
      // A paused socket would not see the peer's answer to our closing.
      if (this.#paused) this.#socket.resume();
      this.#carrier.shut();
      this.#carrier.onEnd();
    }
    if (how === 'at once') this.#socket.terminate();
  }

  room(stream: CallStream): number {
    if (this.#socket.bufferedAmount > this.#limits.bufferedMax) return 0;
    return Math.min(stream.credit.left, this.#credit.left);
  }

  whenRoom(stream: CallStream, bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const sinceMs = this.#deps.clock.monotonic();
      this.#waiters.set(stream.id, { stream, bytes, sinceMs, resolve, reject });
    });
  }

  sendReply(stream: CallStream, body: Uint8Array): void {
    this.#send(FRAME.response, 0, stream.id, body);
  }

  sendData(stream: CallStream, flags: number, body: Uint8Array): void {
    stream.credit.spend(body.length);
    this.#credit.spend(body.length);
    stream.sentBytes += body.length;
    this.#send(FRAME.data, flags, stream.id, body);
  }

  sendEvent(stream: CallStream, body: Uint8Array): void {
    // Notifications know no credit: a reader that lets them pile up loses the stream.
    if (this.#socket.bufferedAmount > 2 * this.#limits.bufferedMax) this.#breakOff(stream, stalledError());
    else this.#send(FRAME.event, 0, stream.id, body);
  }

  #onMessage(message: Buffer<ArrayBuffer>, isBinary: boolean): void {
    if (this.#ended) return;
    this.#traffic.bytesIn += message.length;
    const frame = isBinary ? this.#opener.open(message) : null;
    assert(!(frame instanceof Promise), 'a suite that answers at once');
    if (!frame || !this.#take(frame)) {
      this.#deps.log.warn({ device: this.caller.device }, 'ended a channel that broke the protocol');
      this.end();
      return;
    }
    this.#receivedMs = this.#deps.clock.monotonic();
  }

  /** Acts on a frame; false where it breaks the protocol. */
  #take({ type, flags, stream, body }: Frame): boolean {
    switch (type) {
      case FRAME.ping:
        if ((flags & PING_NO_ANSWER) === 0) this.#send(FRAME.ping, PING_NO_ANSWER, 0, EMPTY);
        return true;
      case FRAME.request:
        return this.#request(stream, body);
      case FRAME.window:
        return this.#grant(stream, body);
      case FRAME.cancel: {
        if (stream > this.#lastStream || stream % 2 === 0) return false;
        const cancelled = this.#streams.get(stream);
        if (cancelled) this.#drop(cancelled, closedError());
        return true;
      }
      case FRAME.rekey:
        return true;
      default:
        return false;
    }
  }

  #grant(id: number, body: Uint8Array): boolean {
    const bytes = windowCredit(body);
    if (bytes === null || id > this.#lastStream || (id !== 0 && id % 2 === 0)) return false;
    const credit = id === 0 ? this.#credit : this.#streams.get(id)?.credit;
    const good = credit ? credit.grant(bytes) : true;
    if (good) this.#wake();
    return good;
  }

  #request(id: number, body: Uint8Array): boolean {
    if (id <= this.#lastStream || id % 2 === 0) return false;
    this.#lastStream = id;
    const { streamsMax, requestBytesMax } = this.#limits;
    // Asked before anything is read: what is refused for its rate costs no more than its ciphertext.
    const retryMs = this.#carrier.budget(body.length, this.#deps.clock.monotonic());
    if (retryMs > 0) return this.#refuseRate(id, retryMs);
    const request = parseRequest(body, id);
    const refusal =
      request === null
        ? requestError()
        : this.#goingAway
          ? goingAwayError()
          : // Cancelled handlers may need a moment to settle, but opening and cancelling in a loop must not pile them up.
            this.#streams.size >= streamsMax || this.#running >= 2 * streamsMax
            ? streamsError()
            : this.#requestBytes + body.length > requestBytesMax
              ? busyError()
              : null;
    if (refusal) this.#sendError(id, refusal);
    else void this.#run(id, request!, body.length);
    return true;
  }

  /** Answers that it is too early; false where the device does not listen to that either. */
  #refuseRate(id: number, retryMs: number): boolean {
    const { refusalsPerSecond, refusalsBurst } = this.#limits;
    const nowMs = this.#deps.clock.monotonic();
    const stepMs = 1000 / refusalsPerSecond;
    this.#refusalDueMs = Math.max(this.#refusalDueMs, nowMs) + stepMs;
    if (this.#refusalDueMs - nowMs > refusalsBurst * stepMs) return false;
    this.#sendError(id, toldOf(new RateError(retryMs)));
    return true;
  }

  async #run(id: number, request: { method: string; params: unknown }, bytes: number): Promise<void> {
    const stream = new CallStream(id, this);
    this.#streams.set(id, stream);
    this.#running++;
    this.#requestBytes += bytes;
    try {
      const result = await this.#deps.handle({ caller: this.caller, ...request, stream, signal: stream.signal });
      if (!stream.gone && !stream.replied) await this.#sendResult(stream, result);
      else if (!stream.gone) this.#send(FRAME.end, 0, id, endBody(stream.sentBytes));
    } catch (error) {
      const told = toldOf(error);
      if (told.kind === 'internal') {
        this.#deps.log.error({ error, method: request.method, device: this.caller.device }, 'a command failed');
      }
      if (!stream.gone && !stream.replied) this.#sendError(id, told);
      else if (!stream.gone) this.#send(FRAME.cancel, 0, id, encodeCancelError(told.code, told.kind));
    } finally {
      // Also ends what the handler may have left running on the stream.
      this.#drop(stream, closedError());
      this.#running--;
      this.#requestBytes -= bytes;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** Large results wait for the socket like data does, so that replies to many requests do not pile up in it. */
  async #sendResult(stream: CallStream, result: unknown): Promise<void> {
    const body = encodeResult(stream.id, result);
    if (!body) throw replyTooLargeError();
    while (!stream.gone && this.#socket.bufferedAmount > this.#limits.bufferedMax) await this.whenRoom(stream, 0);
    if (!stream.gone) this.#send(FRAME.response, RESPONSE_END, stream.id, body);
  }

  #sendError(id: number, { code, kind, retryMs }: { code: ErrorCode; kind: ErrorKind; retryMs?: number }): void {
    this.#send(FRAME.response, RESPONSE_END, id, encodeError(id, code, kind, retryMs));
  }

  /** Ends a stream from our side, telling the device why. */
  #breakOff(stream: CallStream, error: NvrError): void {
    if (stream.gone) return;
    if (stream.replied) this.#send(FRAME.cancel, 0, stream.id, encodeCancelError(error.code, error.kind));
    else this.#sendError(stream.id, error);
    this.#drop(stream, error);
  }

  #drop(stream: CallStream, reason: Error): void {
    this.#streams.delete(stream.id);
    const waiter = this.#waiters.get(stream.id);
    this.#waiters.delete(stream.id);
    if (!stream.gone) stream.drop(reason);
    waiter?.reject(reason);
  }

  #goAway(reason: number): void {
    if (this.#goingAway || this.#ended) return;
    this.#goingAway = true;
    this.#send(FRAME.goaway, 0, 0, Uint8Array.of(reason));
  }

  #send(type: FrameType, flags: number, stream: number, body: Uint8Array): void {
    if (this.#ended) return;
    const messages = this.#sealer.seal(type, flags, stream, body, this.#deps.clock.monotonic());
    assert(!(messages instanceof Promise), 'a suite that answers at once');
    this.#cork();
    for (const message of messages) {
      this.#traffic.bytesOut += message.length;
      this.#socket.send(message, SEND_OPTIONS, () => {
        this.#places.give(message);
        this.#onSent();
      });
    }
    if (!this.#paused && this.#socket.bufferedAmount > this.#limits.bufferedMax) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** Gathers what is sent in one turn into one write. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#carrier.duplex.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#carrier.duplex.uncork();
    });
  }

  readonly #onSent = () => {
    if (this.#ended || this.#socket.bufferedAmount > this.#limits.bufferedLow) return;
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    if (this.#waiters.size > 0) this.#wake();
  };

  /** Lets streams go on that have room now, in the order they began to wait. */
  #wake(): void {
    for (const [id, { stream, bytes, resolve }] of this.#waiters) {
      if (this.#socket.bufferedAmount > this.#limits.bufferedMax) return;
      if (bytes > 0 && this.room(stream) < bytes) continue;
      this.#waiters.delete(id);
      resolve();
    }
  }
}
