import { concatBytes } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import {
  DATA_INIT,
  DATA_KEYFRAME,
  DATA_LAST,
  FRAME_HEADER_SIZE,
  ReceiveCredit,
  STREAM_CREDIT,
  type UnitMarks,
} from '../protocol/index.ts';
import type { OpenStream, Unit } from './api.ts';
import { cancelledError } from './connection-errors.ts';

/** Largest unit a client puts together. */
export const UNIT_BYTES_MAX = 16 * 1024 * 1024;
/** From this size on memory is given back by hand. */
const LARGE = 16_384;
/** Notifications that may wait between units for a reader. */
const EVENTS_MAX = 4096;

type Listener = (name: string, params: unknown) => void;
type Item = { unit: Unit; owed: number } | { name: string; params: unknown };

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** Credit to give back to the node for this stream. */
  giveCredit(stream: ClientStream, bytes: number): void;
  /** The reader gave up. */
  cancelStream(stream: ClientStream): void;
  /** A notification whose turn has come. */
  tellEvent(name: string, params: unknown): void;
}

/** One request of ours: its result, and its units as the reader takes them. */
export class ClientStream implements OpenStream, AsyncIterator<Unit, undefined> {
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly result: Promise<unknown>;
  readonly units: AsyncIterable<Unit> = { [Symbol.asyncIterator]: () => this.#begin() };
  /** 0 until the request is sent. */
  id = 0;
  /** True for `call`: whatever follows the reply is not wanted. */
  readonly single: boolean;
  readonly #owner: StreamOwner;
  readonly #credit = new ReceiveCredit(STREAM_CREDIT);
  readonly #items: Item[] = [];
  readonly #listeners: Listener[] = [];
  readonly #settle: { resolve(value: unknown): void; reject(error: Error): void };
  #settled = false;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #piecesBytes = 0;
  /** Bytes of the unit being put together that were not given back yet. */
  #piecesOwed = 0;
  #receivedBytes = 0;
  #reading = false;
  #waiter: { resolve(result: IteratorResult<Unit, undefined>): void; reject(error: Error): void } | null = null;
  #ended = false;
  #error: Error | null = null;
  #onFinish: (() => void) | null = null;

  constructor(owner: StreamOwner, method: string, params: Record<string, unknown>, single: boolean) {
    this.#owner = owner;
    this.method = method;
    this.params = params;
    this.single = single;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.result = promise;
    this.#settle = { resolve, reject };
    // Whoever reads only units learns the same error there.
    this.result.catch(() => {});
  }

  get ended(): boolean {
    return this.#ended;
  }

  get replied(): boolean {
    return this.#settled;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  onEvent(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Calls `task` once it has ended, however it does. */
  onFinish(task: () => void): void {
    this.#onFinish = task;
  }

  cancel(): void {
    if (this.#ended) return;
    this.#owner.cancelStream(this);
    this.finish(null, true);
  }

  /** Takes the result. */
  reply(result: unknown): void {
    this.#settled = true;
    this.#settle.resolve(result);
  }

  /** Takes a DATA body; false where the node broke the rules. */
  piece(body: Uint8Array<ArrayBuffer>, flags: number): boolean {
    this.#receivedBytes += body.length;
    if (!this.#settled || !this.#credit.receive(body.length)) return false;
    this.#pieces.push(body);
    this.#piecesBytes += body.length;
    this.#piecesOwed += body.length;
    if (this.#piecesBytes > UNIT_BYTES_MAX) return false;
    if ((flags & DATA_LAST) === 0) {
      this.#giveForUnfinished();
      return true;
    }
    const marks: UnitMarks = {};
    if (flags & DATA_KEYFRAME) marks.keyframe = true;
    if (flags & DATA_INIT) marks.init = true;
    const bytes = this.#pieces.length === 1 ? body : joined(this.#pieces);
    this.#push({ unit: { bytes, marks }, owed: this.#piecesOwed });
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#piecesOwed = 0;
    return true;
  }

  /** Takes a notification; false where too many wait. */
  event(name: string, params: unknown): boolean {
    if (this.single) return true;
    this.#push({ name, params });
    return this.#items.length <= EVENTS_MAX;
  }

  /** Ends it: in order, or by an error that the reader meets after what has arrived (at once with `discard`). */
  finish(error: Error | null, discard = false): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (!this.#settled) {
      this.#settled = true;
      this.#settle.reject(error ?? cancelledError());
    }
    this.#onFinish?.();
    this.#pieces = [];
    if (discard) this.#items.length = 0;
    this.#advance();
  }

  next(): Promise<IteratorResult<Unit, undefined>> {
    assert(!this.#waiter, 'one reader, one unit at a time');
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#advance();
    });
  }

  return(): Promise<IteratorResult<Unit, undefined>> {
    this.cancel();
    this.#items.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  #begin(): this {
    assert(!this.#reading, 'units are read once');
    this.#reading = true;
    return this;
  }

  #push(item: Item): void {
    this.#items.push(item);
    this.#advance();
  }

  /** Serves the reader that waits: notifications up to the next unit, that unit, or the end. */
  #advance(): void {
    const waiter = this.#waiter;
    if (!waiter) return;
    for (let item = this.#items.shift(); item; item = this.#items.shift()) {
      if ('unit' in item) {
        this.#waiter = null;
        this.#give(item.owed);
        waiter.resolve({ done: false, value: item.unit });
        return;
      }
      for (const listener of this.#listeners) listener(item.name, item.params);
      this.#owner.tellEvent(item.name, item.params);
    }
    if (!this.#ended) {
      this.#giveForUnfinished();
      return;
    }
    this.#waiter = null;
    if (this.#error) {
      const error = this.#error;
      this.#error = null;
      waiter.reject(error);
    } else waiter.resolve({ done: true, value: undefined });
  }

  /** A unit larger than the credit could never arrive if its first pieces were not given back while the reader waits. */
  #giveForUnfinished(): void {
    if (!this.#waiter || this.#piecesOwed === 0) return;
    const owed = this.#piecesOwed;
    this.#piecesOwed = 0;
    this.#give(owed);
  }

  #give(bytes: number): void {
    const due = this.#credit.release(bytes);
    if (due > 0 && !this.#ended) this.#owner.giveCredit(this, due);
  }
}

/**
 * One byte string of many; the pieces are gone after. They are ours alone (each is a frame that was opened here), and giving
 * their memory back at once spares the full collections that such garbage would bring.
 */
function joined(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = concatBytes(...pieces);
  for (const { buffer, length } of pieces) {
    if (length >= LARGE && buffer.byteLength <= length + FRAME_HEADER_SIZE) buffer.transfer(0);
  }
  return bytes;
}
