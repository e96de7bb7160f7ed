/** A slow, obvious writer of MPEG transport streams: one PES packet of video, cut into packets of 188 bytes. */
export function writeTransportStream(
  pts: number,
  payload: Uint8Array,
  options: { pid?: number; openLength?: boolean; streamId?: number } = {},
): Buffer {
  const pid = options.pid ?? 0x100;
  const pes = Buffer.concat([pesHeader(pts, payload.length, options), payload]);
  const packets: Buffer[] = [];
  for (let at = 0; at < pes.length; ) {
    const first = at === 0;
    // As ffmpeg does it: the first packet carries a clock in its adaptation field, the last is stuffed to its end.
    const adaptation = first ? 8 : 0;
    const room = 184 - adaptation;
    const part = pes.subarray(at, at + room);
    at += part.length;
    const field = 184 - part.length;
    const packet = Buffer.alloc(188, 0xff);
    packet[0] = 0x47;
    packet[1] = (first ? 0x40 : 0) | (pid >> 8);
    packet[2] = pid & 0xff;
    packet[3] = (field > 0 ? 0x30 : 0x10) | (packets.length & 15);
    if (field > 0) packet[4] = field - 1;
    if (field > 1) packet[5] = 0;
    part.copy(packet, 188 - part.length);
    packets.push(packet);
  }
  return Buffer.concat(packets);
}

function pesHeader(pts: number, payloadBytes: number, options: { openLength?: boolean; streamId?: number }): Buffer {
  const length = payloadBytes + 8;
  const announced = options.openLength || length > 0xffff ? 0 : length;
  const header = Buffer.alloc(14);
  header.set([0, 0, 1, options.streamId ?? 0xe0, announced >> 8, announced & 0xff, 0x80, 0x80, 5]);
  header[9] = 0x21 | (Math.floor(pts / 2 ** 30) << 1);
  header.writeUInt16BE(((Math.floor(pts / 2 ** 15) & 0x7fff) << 1) | 1, 10);
  header.writeUInt16BE(((pts % 2 ** 15) << 1) | 1, 12);
  return header;
}
