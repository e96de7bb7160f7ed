import { type ReplyStream, STORED_UNIT_BYTES_MAX } from '../protocol/index.ts';
import type { SegmentReading } from '../vault/index.ts';
import { segmentShort } from './errors.ts';

/** Most bytes of pieces that one channel holds at once, beside the smallest piece of each further stream. */
const CHANNEL_BYTES_MAX = 1024 * 1024;
const PIECE_BYTES_MIN = 16 * 1024;

/**
 * Sends stored bytes of many segments over many channels with bounded memory: one piece per stream, read when the channel
 * has taken the one before; the more a channel holds already, the smaller its pieces (at most 1.5 MiB over 32 streams).
 */
export class StoredBytes {
  /** Bytes of pieces in memory by session id; bounded by the channels that are reading. */
  readonly #held = new Map<string, number>();

  /** Bytes that a channel's pieces take now. */
  heldBy(sessionId: string): number {
    return this.#held.get(sessionId) ?? 0;
  }

  /**
   * Sends `length` bytes from `offset` on. Rejects with the signal's reason, with `ERR_COMMANDS_SEGMENT_SHORT` (`corrupt`)
   * where the file ends early, and with what the stream or the disk answers.
   */
  async send(
    reading: SegmentReading,
    to: { sessionId: string; stream: ReplyStream; signal: AbortSignal },
    offset: number,
    length: number,
  ): Promise<void> {
    for (let sent = 0; sent < length; ) {
      const size = Math.min(this.#pieceSize(to.sessionId), length - sent);
      this.#hold(to.sessionId, size);
      try {
        // A fresh piece each time: the channel may still look at the last one.
        const piece = new Uint8Array(size);
        await fill(reading, piece, offset + sent);
        to.signal.throwIfAborted();
        await to.stream.data(piece);
        to.signal.throwIfAborted();
      } finally {
        this.#hold(to.sessionId, -size);
      }
      sent += size;
    }
  }

  #pieceSize(sessionId: string): number {
    const half = Math.floor((CHANNEL_BYTES_MAX - this.heldBy(sessionId)) / 2);
    return Math.min(Math.max(half, PIECE_BYTES_MIN), STORED_UNIT_BYTES_MAX);
  }

  #hold(sessionId: string, size: number): void {
    const held = this.heldBy(sessionId) + size;
    if (held === 0) this.#held.delete(sessionId);
    else this.#held.set(sessionId, held);
  }
}

async function fill(reading: SegmentReading, piece: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < piece.length; ) {
    const count = await reading.read(piece.subarray(filled), position + filled);
    if (count === 0) throw segmentShort();
    filled += count;
  }
}
