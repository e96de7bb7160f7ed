import type { Socket } from './api.ts';

/** Messages kept while nobody takes them: the node sends one before it is asked again. */
const WAITING_MAX = 64;

/**
 * A socket as a line of messages: first taken one by one (handshake), then given to one listener (channel), none lost between.
 */
export class SocketLine {
  readonly #socket: Socket;
  readonly #waiting: Uint8Array[] = [];
  #taker: ((message: Uint8Array | null) => void) | null = null;
  #listener: { onMessage(message: Uint8Array): void; onClose(): void } | null = null;
  #closed = false;
  /** True once the socket has opened, false when it closed before. */
  readonly opened: Promise<boolean>;
  #settleOpened: (opened: boolean) => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.opened = new Promise((resolve) => {
      this.#settleOpened = resolve;
    });
    socket.onopen = () => this.#settleOpened(true);
    socket.onerror = () => {};
    socket.onclose = () => this.#end();
    socket.onmessage = ({ data }) => this.#receive(data);
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** The next message, or null when the socket has closed. */
  next(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      const message = this.#waiting.shift();
      if (message || this.#closed) resolve(message ?? null);
      else this.#taker = resolve;
    });
  }

  /** From now on messages go to `listener`, those that waited first. */
  listen(listener: { onMessage(message: Uint8Array): void; onClose(): void }): void {
    this.#listener = listener;
    for (const message of this.#waiting.splice(0)) listener.onMessage(message);
    if (this.#closed) listener.onClose();
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (!this.#closed) this.#socket.send(message);
  }

  /** Closes it, and is closed at once as far as this side is concerned. */
  close(code?: number): void {
    this.#socket.close(code);
    this.#end();
  }

  #receive(data: unknown): void {
    if (this.#closed) return;
    const message = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : null;
    if (!message || this.#waiting.length >= WAITING_MAX) this.close();
    else if (this.#listener) this.#listener.onMessage(message);
    else if (this.#taker) {
      const taker = this.#taker;
      this.#taker = null;
      taker(message);
    } else this.#waiting.push(message);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settleOpened(false);
    this.#taker?.(null);
    this.#listener?.onClose();
  }
}
