import { assert, isNvrError, type NvrError } from '../errors.ts';
import {
  CHANNEL_CREDIT,
  type DeviceKey,
  encodeRequest,
  endTotal,
  FRAME,
  type Frame,
  type FrameOpener,
  FrameSealer,
  type FrameType,
  type NoiseKeys,
  PING_NO_ANSWER,
  parseCancelError,
  parseEvent,
  parseResponse,
  REKEY_LIMITS,
  RESPONSE_END,
  ReceiveCredit,
  type RekeyLimits,
  type Role,
  STREAM_MAX,
  STREAMS_MAX,
  windowBody,
} from '../protocol/index.ts';
import type { ClientDeps, Connection, OpenStream } from './api.ts';
import { ClientStream, type StreamOwner } from './client-stream.ts';
import {
  backlogError,
  cancelledError,
  closedError,
  goingAwayError,
  protocolError,
  RemoteError,
  requestTooLargeError,
  silentError,
} from './connection-errors.ts';
import type { SocketLine } from './socket-line.ts';

const EMPTY = new Uint8Array(0);
/** Requests that may wait for one of the 32 streams. */
const BACKLOG_MAX = 1024;
/** Messages that may wait for an asynchronous AEAD: more than credit and replies can fill. */
const INBOX_MAX = 4096;
/** Silence is counted in ticks, not on the calendar: a stepped clock must not end a good channel. */
const TICK_MS = 5_000;
const PING_TICKS = 3;
const DEAD_TICKS = 9;

/** What the handshake settled. */
export interface Proved {
  nodeId: DeviceKey;
  role: Role;
  line: SocketLine;
  keys: NoiseKeys;
  /** The opener that has read `channel.open`. */
  opener: FrameOpener;
}

/** The client's end of an open channel. */
export class ChannelClient implements Connection, StreamOwner {
  readonly nodeId: DeviceKey;
  readonly role: Role;
  readonly closed: Promise<Error | null>;
  readonly #deps: ClientDeps;
  readonly #line: SocketLine;
  readonly #sealer: FrameSealer;
  readonly #opener: FrameOpener;
  readonly #credit = new ReceiveCredit(CHANNEL_CREDIT);
  /** Requests that were sent and have not ended, at most 32. */
  readonly #streams = new Map<number, ClientStream>();
  /** Requests that wait for a stream. */
  readonly #backlog: ClientStream[] = [];
  readonly #listeners: ((name: string, params: unknown) => void)[] = [];
  readonly #inbox: Uint8Array[] = [];
  readonly #outbox: { type: FrameType; flags: number; stream: number; body: Uint8Array }[] = [];
  #opening = false;
  #sealing = false;
  #nextStream = 1;
  #silentTicks = 0;
  #goingAway = false;
  #ended = false;
  #cancelTick: () => void;
  #nowMs = 0;
  #resolveClosed: (reason: Error | null) => void = () => {};

  constructor(deps: ClientDeps, proved: Proved, rekey: RekeyLimits = REKEY_LIMITS) {
    this.#deps = deps;
    this.nodeId = proved.nodeId;
    this.role = proved.role;
    this.#line = proved.line;
    this.#opener = proved.opener;
    this.#sealer = new FrameSealer(proved.keys.send, rekey, this.#monotonic());
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#cancelTick = deps.after(TICK_MS, () => this.#tick());
    proved.line.listen({
      onMessage: (message) => this.#receive(message),
      onClose: () => this.#end(this.#goingAway ? goingAwayError() : closedError()),
    });
  }

  async call(method: string, params: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> {
    return this.#ask(method, params, options, true).result;
  }

  open(method: string, params: unknown, options: { signal?: AbortSignal } = {}): OpenStream {
    return this.#ask(method, params, options, false);
  }

  onEvent(listener: (name: string, params: unknown) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#end(null);
  }

  giveCredit(stream: ClientStream, bytes: number): void {
    this.#send(FRAME.window, 0, stream.id, windowBody(bytes));
  }

  cancelStream(stream: ClientStream): void {
    if (stream.id === 0) this.#backlog.splice(this.#backlog.indexOf(stream), 1);
    else if (this.#streams.delete(stream.id)) {
      this.#send(FRAME.cancel, 0, stream.id, EMPTY);
      this.#fill();
    }
  }

  tellEvent(name: string, params: unknown): void {
    for (const listener of this.#listeners) listener(name, params);
  }

  #ask(method: string, params: unknown, { signal }: { signal?: AbortSignal }, single: boolean): ClientStream {
    const stream = new ClientStream(this, method, (params ?? {}) as Record<string, unknown>, single);
    const refusal = this.#refusal(stream, signal);
    if (refusal) {
      stream.finish(refusal);
      return stream;
    }
    if (signal) {
      const onAbort = () => {
        this.cancelStream(stream);
        stream.finish(cancelledError(), true);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      stream.onFinish(() => signal.removeEventListener('abort', onAbort));
    }
    this.#backlog.push(stream);
    this.#fill();
    return stream;
  }

  #refusal(stream: ClientStream, signal: AbortSignal | undefined): NvrError | null {
    if (signal?.aborted) return cancelledError();
    if (this.#ended) return closedError();
    if (this.#goingAway || this.#nextStream + 2 * this.#backlog.length > STREAM_MAX) return goingAwayError();
    if (this.#backlog.length >= BACKLOG_MAX) return backlogError();
    return encodeRequest(STREAM_MAX, stream) ? null : requestTooLargeError();
  }

  /** Sends what waits while there are streams for it. */
  #fill(): void {
    while (!this.#ended && this.#streams.size < STREAMS_MAX && this.#backlog.length > 0) {
      const stream = this.#backlog.shift()!;
      stream.id = this.#nextStream;
      this.#nextStream += 2;
      this.#streams.set(stream.id, stream);
      this.#send(FRAME.request, 0, stream.id, encodeRequest(stream.id, stream)!);
    }
    if (this.#goingAway && this.#streams.size === 0) this.#end(goingAwayError());
  }

  /** Opens messages one after another; a native AEAD of a browser answers later, and the others wait for it. */
  #receive(message: Uint8Array): void {
    if (this.#ended) return;
    if (this.#opening) {
      this.#inbox.push(message);
      if (this.#inbox.length > INBOX_MAX) this.#end(protocolError('more messages than credit allows'));
      return;
    }
    const frame = this.#opener.open(message);
    if (!(frame instanceof Promise)) {
      free(message);
      this.#take(frame);
      return;
    }
    this.#opening = true;
    void frame.then((opened) => {
      this.#opening = false;
      this.#take(opened);
      const next = this.#inbox.shift();
      if (next) this.#receive(next);
    });
  }

  #take(frame: Frame | null): void {
    if (this.#ended) return;
    this.#silentTicks = 0;
    const fault = frame ? this.#act(frame) : 'a frame does not open';
    if (fault !== null) this.#end(protocolError(fault));
  }

  /** Acts on a frame; what the node did wrong, or null. */
  #act({ type, flags, stream: id, body }: Frame): string | null {
    if (type === FRAME.ping) {
      if ((flags & PING_NO_ANSWER) === 0) this.#send(FRAME.ping, PING_NO_ANSWER, 0, EMPTY);
      return null;
    }
    if (type === FRAME.goaway) {
      this.#goAway();
      return null;
    }
    if (type === FRAME.rekey) return null;
    if (id >= this.#nextStream || (id !== 0 && id % 2 === 0)) return 'a stream that was never opened';
    if (type === FRAME.data) {
      if (!this.#credit.receive(body.length)) return 'data beyond its credit';
      const due = this.#credit.release(body.length);
      if (due > 0) this.#send(FRAME.window, 0, 0, windowBody(due));
    }
    if (id === 0) return this.#channelEvent(body);
    const stream = this.#streams.get(id);
    return stream ? this.#actOn(stream, type, flags, body) : null;
  }

  #actOn(stream: ClientStream, type: FrameType, flags: number, body: Uint8Array<ArrayBuffer>): string | null {
    switch (type) {
      case FRAME.response: {
        const response = stream.replied ? null : parseResponse(body, stream.id);
        if (!response) return 'a response that is none';
        if ('error' in response) {
          if ((flags & RESPONSE_END) === 0) return 'an error that does not end its stream';
          this.#retire(stream, new RemoteError(response.error));
          return null;
        }
        stream.reply(response.result);
        if (flags & RESPONSE_END) this.#retire(stream, null);
        else if (stream.single) stream.cancel();
        return null;
      }
      case FRAME.data:
        return stream.piece(body, flags) ? null : 'data out of place';
      case FRAME.end:
        if (!stream.replied || endTotal(body) !== stream.receivedBytes) return 'an end that does not fit its stream';
        this.#retire(stream, null);
        return null;
      case FRAME.cancel: {
        const error = parseCancelError(body);
        this.#retire(stream, error ? new RemoteError(error) : cancelledError());
        return null;
      }
      case FRAME.event: {
        const event = parseEvent(body);
        return event && stream.event(event.name, event.params) ? null : 'a notification that is none';
      }
      default:
        return 'a frame of the wrong side';
    }
  }

  #channelEvent(body: Uint8Array): string | null {
    const event = parseEvent(body);
    if (!event) return 'a notification that is none';
    this.tellEvent(event.name, event.params);
    return null;
  }

  #retire(stream: ClientStream, error: Error | null): void {
    this.#streams.delete(stream.id);
    stream.finish(error);
    this.#fill();
  }

  #goAway(): void {
    this.#goingAway = true;
    for (const stream of this.#backlog.splice(0)) stream.finish(goingAwayError());
    this.#fill();
  }

  #send(type: FrameType, flags: number, stream: number, body: Uint8Array): void {
    if (this.#ended) return;
    this.#outbox.push({ type, flags, stream, body });
    if (!this.#sealing) this.#flush();
  }

  /** Seals and sends in order; messages of an asynchronous AEAD follow one another. */
  #flush(): void {
    for (let frame = this.#outbox.shift(); frame; frame = this.#outbox.shift()) {
      const sealed = this.#sealer.seal(frame.type, frame.flags, frame.stream, frame.body, this.#monotonic());
      if (sealed instanceof Promise) {
        this.#sealing = true;
        void sealed.then((messages) => {
          this.#sealing = false;
          for (const message of messages) this.#line.send(message);
          this.#flush();
        });
        return;
      }
      for (const message of sealed) this.#line.send(message);
    }
  }

  #tick(): void {
    this.#silentTicks++;
    if (this.#silentTicks >= DEAD_TICKS) {
      this.#end(silentError());
      return;
    }
    if (this.#silentTicks % PING_TICKS === 0) this.#send(FRAME.ping, 0, 0, EMPTY);
    this.#cancelTick = this.#deps.after(TICK_MS, () => this.#tick());
  }

  /** Calendar time that never goes back: good enough to tell when a key has served ten minutes. */
  #monotonic(): number {
    this.#nowMs = Math.max(this.#nowMs, this.#deps.now());
    return this.#nowMs;
  }

  #end(reason: Error | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTick();
    const error = reason ?? closedError();
    for (const stream of [...this.#streams.values(), ...this.#backlog.splice(0)]) stream.finish(error);
    this.#streams.clear();
    this.#inbox.length = 0;
    this.#outbox.length = 0;
    this.#line.close();
    assert(reason === null || isNvrError(reason), 'reasons of our own');
    this.#resolveClosed(reason);
  }
}

/** Gives a large message's memory back at once: left to the collector it would bring a full collection every few hundred. */
function free(message: Uint8Array): void {
  const whole = message.buffer as ArrayBuffer;
  if (message.length >= 16_384 && whole.byteLength === message.length) whole.transfer(0);
}
