import { assert } from '../errors.ts';
import {
  DATA_BODY_MAX,
  DATA_INIT,
  DATA_KEYFRAME,
  DATA_LAST,
  encodeEvent,
  encodeResult,
  type ReplyStream,
  SendCredit,
  STREAM_CREDIT,
  type UnitMarks,
} from '../protocol/index.ts';
import { closedError, replyTooLargeError } from './errors.ts';

/** A piece smaller than this waits for more credit, unless it ends its unit: tiny frames cost as much as large ones. */
const PIECE_MIN = 32 * 1024;

/** What a stream needs of its channel. */
export interface StreamCarrier {
  /** Bytes of DATA this stream could send right now: 0 while the socket is full. */
  room(stream: CallStream): number;
  /** Resolves when asking for room is worth it again; rejects once the stream is gone. */
  whenRoom(stream: CallStream, bytes: number): Promise<void>;
  sendReply(stream: CallStream, body: Uint8Array): void;
  sendData(stream: CallStream, flags: number, body: Uint8Array): void;
  sendEvent(stream: CallStream, body: Uint8Array): void;
}

/** One request being answered. */
export class CallStream implements ReplyStream {
  readonly id: number;
  readonly credit = new SendCredit(STREAM_CREDIT);
  /** Sum of the DATA bodies sent. */
  sentBytes = 0;
  readonly #carrier: StreamCarrier;
  readonly #abort = new AbortController();
  #replied = false;
  #sending = false;

  constructor(id: number, carrier: StreamCarrier) {
    this.id = id;
    this.#carrier = carrier;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get gone(): boolean {
    return this.#abort.signal.aborted;
  }

  get replied(): boolean {
    return this.#replied;
  }

  reply(result: unknown): void {
    if (this.gone) throw closedError();
    assert(!this.#replied, 'one reply for each request');
    const body = encodeResult(this.id, result);
    if (!body) throw replyTooLargeError();
    this.#replied = true;
    this.#carrier.sendReply(this, body);
  }

  async data(unit: Uint8Array, marks: UnitMarks = {}): Promise<void> {
    if (this.gone) throw closedError();
    assert(this.#replied, 'a reply before data');
    assert(!this.#sending, 'one unit at a time');
    this.#sending = true;
    try {
      const flags = (marks.keyframe ? DATA_KEYFRAME : 0) | (marks.init ? DATA_INIT : 0);
      let at = 0;
      do {
        const left = Math.min(unit.length - at, DATA_BODY_MAX);
        const needed = Math.min(left, PIECE_MIN);
        let room = this.#carrier.room(this);
        while (room < needed) {
          await this.#carrier.whenRoom(this, needed);
          if (this.gone) throw closedError();
          room = this.#carrier.room(this);
        }
        const end = at + Math.min(left, room);
        this.#carrier.sendData(this, end === unit.length ? flags | DATA_LAST : flags, unit.subarray(at, end));
        at = end;
      } while (at < unit.length);
    } finally {
      this.#sending = false;
    }
  }

  event(name: string, params: unknown): void {
    if (this.gone) return;
    const body = encodeEvent(name, params);
    if (!body) throw replyTooLargeError();
    this.#carrier.sendEvent(this, body);
  }

  /** Ends it from outside: the handler's signal aborts with `reason`. */
  drop(reason: Error): void {
    this.#abort.abort(reason);
  }
}
