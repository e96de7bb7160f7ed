/** Samples in one AAC-LC frame. */
export const AAC_FRAME_SAMPLES = 1024;
/** A header's largest frame length is 13 bits. */
const FRAME_BYTES_MAX = 8191;

/** Cuts an ADTS byte stream (ISO/IEC 14496-3 1.A.3) into raw AAC frames. Total: what is no frame is skipped byte by byte. */
export class AdtsReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Takes the next bytes; gives the raw frames they complete, without their headers. */
  push(bytes: Uint8Array): Uint8Array[] {
    const data = Buffer.concat([this.#rest, bytes]);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at + 7 <= data.length) {
      if (data[at] !== 0xff || (data[at + 1]! & 0xf6) !== 0xf0) {
        at++;
        continue;
      }
      const headerBytes = data[at + 1]! & 1 ? 7 : 9;
      const length = ((data[at + 3]! & 3) << 11) | (data[at + 4]! << 3) | (data[at + 5]! >> 5);
      if (length < headerBytes) {
        at++;
        continue;
      }
      if (at + length > data.length) break;
      frames.push(data.subarray(at + headerBytes, at + length));
      at += length;
    }
    this.#rest = data.subarray(at);
    if (this.#rest.length > FRAME_BYTES_MAX) this.#rest = Buffer.alloc(0);
    return frames;
  }
}
