/** One PES packet of the video: one coded picture as ffmpeg made it. */
export interface PesUnit {
  /** Presentation time in 90 kHz ticks, 33 bits, wrapping. */
  pts: number;
  payload: Buffer;
}

const PACKET_BYTES = 188;
const SYNC_BYTE = 0x47;

/**
 * Reads pictures out of the MPEG transport stream (ISO/IEC 13818-1) of one encoder.
 *
 * It knows one video elementary stream, found by its PES stream id; tables are passed over. A picture is given as soon as
 * its last byte is here: by the PES length, or, where the length is left open (above 65,535 bytes), at the packet that
 * ffmpeg stuffs to its end; at the latest when the next picture begins. Total: what is not understood is skipped, and
 * a picture above `unitBytesMax` is dropped.
 */
export class TransportStreamReader {
  readonly #unitBytesMax: number;
  #rest: Buffer = Buffer.alloc(0);
  #pid = -1;
  #parts: Buffer[] = [];
  #length = 0;
  /** Bytes of the PES packet in progress, -1 where its length is open, 0 where none is in progress. */
  #wanted = 0;

  constructor(unitBytesMax = 8 * 1024 * 1024) {
    this.#unitBytesMax = unitBytesMax;
  }

  /** Takes the next bytes of the stream; gives the pictures they complete. */
  push(bytes: Uint8Array): PesUnit[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const units: PesUnit[] = [];
    let at = 0;
    while (at + PACKET_BYTES <= data.length) {
      if (data[at] !== SYNC_BYTE) {
        const next = data.indexOf(SYNC_BYTE, at + 1);
        at = next < 0 ? data.length : next;
        continue;
      }
      this.#packet(data.subarray(at, at + PACKET_BYTES), units);
      at += PACKET_BYTES;
    }
    this.#rest = Buffer.from(data.subarray(at));
    return units;
  }

  #packet(packet: Buffer, units: PesUnit[]): void {
    const starts = (packet[1]! & 0x40) !== 0;
    const pid = ((packet[1]! & 0x1f) << 8) | packet[2]!;
    const control = (packet[3]! >> 4) & 3;
    if ((control & 1) === 0) return;
    let offset = 4;
    let stuffed = false;
    if (control & 2) {
      const adaptation = packet[4]!;
      offset = 5 + adaptation;
      if (offset >= PACKET_BYTES) return;
      stuffed = true;
    }
    const payload = packet.subarray(offset);
    if (starts) {
      if (payload.length < 14 || payload.readUIntBE(0, 3) !== 1 || (payload[3]! & 0xf0) !== 0xe0) {
        if (pid === this.#pid) this.#wanted = 0;
        return;
      }
      if (this.#wanted === -1) this.#finish(units);
      this.#pid = pid;
      const announced = payload.readUInt16BE(4);
      this.#wanted = announced === 0 ? -1 : announced + 6;
      this.#parts = [Buffer.from(payload)];
      this.#length = payload.length;
    } else {
      if (pid !== this.#pid || this.#wanted === 0) return;
      this.#parts.push(Buffer.from(payload));
      this.#length += payload.length;
      if (this.#length > this.#unitBytesMax) {
        this.#wanted = 0;
        this.#parts = [];
        return;
      }
    }
    if (this.#wanted === -1 ? stuffed && !starts : this.#length >= this.#wanted) this.#finish(units);
  }

  #finish(units: PesUnit[]): void {
    const pes = Buffer.concat(this.#parts);
    const end = this.#wanted === -1 ? pes.length : Math.min(this.#wanted, pes.length);
    this.#wanted = 0;
    this.#parts = [];
    const headerEnd = 9 + pes[8]!;
    if ((pes[7]! & 0x80) === 0 || headerEnd < 14 || headerEnd > end) return;
    const pts =
      ((pes[9]! >> 1) & 7) * 2 ** 30 +
      (((pes[10]! << 7) | (pes[11]! >> 1)) & 0x7fff) * 2 ** 15 +
      (((pes[12]! << 7) | (pes[13]! >> 1)) & 0x7fff);
    units.push({ pts, payload: pes.subarray(headerEnd, end) });
  }
}
