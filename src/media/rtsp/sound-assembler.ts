/** Most frames of one packet, and the largest one: what 13 bits can say (RFC 3640, AAC-hbr). */
const FRAMES_MAX = 64;
const FRAME_BYTES_MAX = 8_191;

/** One coded frame of sound lies from `start` to `end` in `bytes`, good for this call only; `index` counts inside its packet. */
export type OnSound = (bytes: Uint8Array, start: number, end: number, timestamp: number, index: number) => void;

/**
 * Takes AAC frames out of packets of mode AAC-hbr (RFC 3640 section 3.3.6): several in one packet, or one over several packets that
 * share a timestamp. What is not complete is left out. Total.
 */
export class AacAssembler {
  readonly #onSound: OnSound;
  readonly #partial = new Uint8Array(FRAME_BYTES_MAX);
  #filled = 0;
  #whole = 0;
  #timestamp = 0;

  constructor(onSound: OnSound) {
    this.#onSound = onSound;
  }

  packet(bytes: Uint8Array, start: number, end: number, timestamp: number, lost: boolean): void {
    if (lost || timestamp !== this.#timestamp) this.#whole = 0;
    if (end - start < 4) return;
    const headerBits = (bytes[start]! << 8) | bytes[start + 1]!;
    const frames = Math.min(FRAMES_MAX, headerBits >> 4);
    let at = start + 2 + frames * 2;
    for (let i = 0; i < frames && at <= end; i++) {
      const header = (bytes[start + 2 + i * 2]! << 8) | bytes[start + 3 + i * 2]!;
      const size = header >> 3;
      if (size > end - at) {
        if (frames === 1) this.#part(bytes, at, end, size, timestamp);
        return;
      }
      if (size > 0) this.#onSound(bytes, at, at + size, timestamp, i);
      at += size;
    }
  }

  #part(bytes: Uint8Array, start: number, end: number, size: number, timestamp: number): void {
    if (this.#whole !== size) {
      this.#whole = size;
      this.#filled = 0;
      this.#timestamp = timestamp;
    }
    const length = Math.min(end - start, size - this.#filled);
    this.#partial.set(bytes.subarray(start, start + length), this.#filled);
    this.#filled += length;
    if (this.#filled < size) return;
    this.#whole = 0;
    this.#onSound(this.#partial, 0, size, timestamp, 0);
  }
}

/** Samples at 48 kHz that an Opus packet lasts (RFC 6716 section 3.1); 0 where it is none. Total. */
export function opusSamples(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start) return 0;
  const toc = bytes[start]!;
  const config = toc >> 3;
  const samples =
    config < 12
      ? [480, 960, 1920, 2880][config & 3]!
      : config < 16
        ? [480, 960][config & 1]!
        : [120, 240, 480, 960][config & 3]!;
  const code = toc & 3;
  const count = code === 0 ? 1 : code < 3 ? 2 : (bytes[start + 1] ?? 0) & 63;
  const total = samples * count;
  return total <= 5_760 && end - start < 8_192 ? total : 0;
}
