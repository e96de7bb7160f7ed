import { FRAME_MAX } from '../protocol/index.ts';

/** Room for the largest message this side sends. */
const PLACE_BYTES = 64 * 1024;
/** Messages shorter than this are not worth keeping. */
const SHORT = 16 * 1024;
/** Places kept for reuse by all channels together: what may wait in a few sockets. A channel that falls silent keeps none. */
const KEPT_MAX = 64;

/**
 * Places for outgoing messages, used again once the kernel has taken what was in them: at hundreds of megabytes a second
 * the collector would otherwise cost as much as the cipher.
 */
export class MessagePlaces {
  /** Where frames of all channels are put together, one at a time. */
  readonly plaintext = new Uint8Array(FRAME_MAX);
  readonly #kept: ArrayBuffer[] = [];

  /** Bytes for a message of `length`. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (length < SHORT || length > PLACE_BYTES) return new Uint8Array(length);
    return new Uint8Array(this.#kept.pop() ?? new ArrayBuffer(PLACE_BYTES), 0, length);
  }

  /** Takes a message back that nobody reads any more. */
  give(message: Uint8Array<ArrayBuffer>): void {
    if (message.buffer.byteLength === PLACE_BYTES && this.#kept.length < KEPT_MAX) this.#kept.push(message.buffer);
  }
}
