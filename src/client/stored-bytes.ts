import { concatBytes } from '../bytes/index.ts';
import type { SegmentId } from '../protocol/index.ts';
import type { Connection, Unit } from './api.ts';

/**
 * Stored bytes of one segment as they arrive, taken in the sizes the reader wants. Not taking holds the node back.
 * `close` ends the request, also when it has ended already.
 */
export class StoredBytes {
  readonly #units: AsyncIterator<Unit>;
  readonly #cancel: () => void;
  readonly #onBytes: (count: number) => void;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #ended = false;

  constructor(
    connection: Connection,
    range: { segment: SegmentId; offset: number; length?: number; purpose: 'play' | 'export' },
    options: { signal?: AbortSignal; onBytes?: (count: number) => void } = {},
  ) {
    const { signal, onBytes = () => {} } = options;
    this.#onBytes = onBytes;
    const stream = connection.open('segments.get@1', range, signal ? { signal } : {});
    stream.result.catch(() => {}); // the same error comes out of `units`
    this.#units = stream.units[Symbol.asyncIterator]();
    this.#cancel = () => stream.cancel();
  }

  /** Bytes that have arrived and were not taken yet. */
  get waiting(): number {
    return this.#waitingBytes;
  }

  /** Exactly `count` bytes, or fewer where the segment ends. */
  async take(count: number): Promise<Uint8Array> {
    while (this.#waitingBytes < count && !this.#ended) {
      const next = await this.#units.next();
      if (next.done) {
        this.#ended = true;
      } else {
        this.#waiting.push(next.value.bytes);
        this.#waitingBytes += next.value.bytes.length;
        this.#onBytes(next.value.bytes.length);
      }
    }
    return this.#cut(Math.min(count, this.#waitingBytes));
  }

  close(): void {
    if (!this.#ended) this.#cancel();
    this.#ended = true;
  }

  #cut(count: number): Uint8Array {
    this.#waitingBytes -= count;
    const first = this.#waiting[0];
    if (first && first.length >= count) {
      this.#waiting[0] = first.subarray(count);
      if (first.length === count) this.#waiting.shift();
      return first.subarray(0, count);
    }
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0; ) {
      const part = this.#waiting.shift()!;
      parts.push(part.subarray(0, left));
      if (part.length > left) this.#waiting.unshift(part.subarray(left));
      left -= Math.min(left, part.length);
    }
    return concatBytes(...parts);
  }
}
