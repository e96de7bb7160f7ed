/** The header of an RTP packet (RFC 3550 section 5.1), read where it lies. One object is used over and over. */
export class RtpPacket {
  marker = false;
  payloadType = 0;
  /** 16 bits. */
  sequence = 0;
  /** 32 bits, unsigned. */
  timestamp = 0;
  /** 32 bits, unsigned. */
  ssrc = 0;
  /** Place of the payload in the bytes that were read. */
  start = 0;
  end = 0;

  /** Reads the packet from `start` to `end`; false where it is none (and the fields mean nothing). Total. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 12 || bytes[start]! >> 6 !== 2) return false;
    const first = bytes[start]!;
    let at = start + 12 + (first & 15) * 4;
    if (first & 0x10) {
      if (at + 4 > end) return false;
      at += 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!) * 4;
    }
    let stop = end;
    if (first & 0x20) {
      const padding = bytes[end - 1]!;
      if (padding === 0) return false;
      stop -= padding;
    }
    if (at > stop) return false;
    this.marker = (bytes[start + 1]! & 0x80) !== 0;
    this.payloadType = bytes[start + 1]! & 0x7f;
    this.sequence = (bytes[start + 2]! << 8) | bytes[start + 3]!;
    this.timestamp = u32(bytes, start + 4);
    this.ssrc = u32(bytes, start + 8);
    this.start = at;
    this.end = stop;
    return true;
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
