import type { VideoCodec } from './picture.ts';

/**
 * The packets of one access unit, written once and copied for each client.
 *
 * `bytes` holds the packets one behind the other, each as an interleaved frame of RFC 2326 10.12: `24 channel length`,
 * then RTP. Channel, sequence number, timestamp and SSRC are zero and are filled in by `patchBundle` on the copy.
 */
export interface PacketBundle {
  bytes: Buffer;
  /** Where each packet's interleaved frame begins. */
  starts: readonly number[];
  /** Media time in ticks of the track's clock since the camera's start; not wrapped, without a client's offset. */
  ticks: number;
  /** True where decoding may begin; always for audio. */
  keyframe: boolean;
  /** Octets of all RTP payloads: what sender reports count. */
  payloadBytes: number;
}

/** What differs from client to client. */
export interface PacketPatch {
  channel: number;
  /** Sequence number of the first packet, modulo 2^16. */
  sequence: number;
  timestamp: number;
  ssrc: number;
}

/** Payload bytes of one packet; with all headers it stays below an Ethernet frame. */
export const RTP_PAYLOAD_BYTES_MAX = 1400;
/** Interleaved frame header and RTP header. */
export const PACKET_HEADER_BYTES = 16;

/** Packets of one picture: RFC 6184 (single NAL unit and FU-A) or RFC 7798 (single NAL unit and FU). */
export function packVideo(
  codec: VideoCodec,
  payloadType: number,
  nals: readonly Uint8Array[],
  unit: { ticks: number; keyframe: boolean },
): PacketBundle {
  const payloads: Uint8Array[][] = [];
  for (const nal of nals) {
    if (nal.length <= RTP_PAYLOAD_BYTES_MAX) payloads.push([nal]);
    else if (codec === 'h264') fragmentH264(nal, payloads);
    else fragmentH265(nal, payloads);
  }
  return bundle(payloadType, payloads, (index) => index === payloads.length - 1, unit.ticks, unit.keyframe);
}

/** Packets of one AAC frame: RFC 3640, mode AAC-hbr, one access unit, in fragments where it is long. */
export function packAac(payloadType: number, frame: Uint8Array, ticks: number): PacketBundle {
  const header = Uint8Array.of(0, 16, frame.length >> 5, (frame.length << 3) & 0xff);
  const payloads: Uint8Array[][] = [];
  const room = RTP_PAYLOAD_BYTES_MAX - header.length;
  for (let at = 0; at < frame.length; at += room) payloads.push([header, frame.subarray(at, at + room)]);
  return bundle(payloadType, payloads, (index) => index === payloads.length - 1, ticks, true);
}

/** One packet of G.711 samples (RFC 3551 4.5.14); the marker would tell the start of a talkspurt and stays clear. */
export function packG711(payloadType: number, samples: Uint8Array, ticks: number): PacketBundle {
  return bundle(payloadType, [[samples]], () => false, ticks, true);
}

/** A copy of the bundle that belongs to one client. */
export function patchBundle(source: PacketBundle, patch: PacketPatch): Buffer {
  const copy = Buffer.from(source.bytes);
  let sequence = patch.sequence;
  for (const start of source.starts) {
    copy[start + 1] = patch.channel;
    copy.writeUInt16BE(sequence & 0xffff, start + 6);
    copy.writeUInt32BE(patch.timestamp >>> 0, start + 8);
    copy.writeUInt32BE(patch.ssrc >>> 0, start + 12);
    sequence++;
  }
  return copy;
}

function fragmentH264(nal: Uint8Array, payloads: Uint8Array[][]): void {
  const indicator = (nal[0]! & 0xe0) | 28;
  const type = nal[0]! & 31;
  const room = RTP_PAYLOAD_BYTES_MAX - 2;
  for (let at = 1; at < nal.length; at += room) {
    const flags = (at === 1 ? 0x80 : 0) | (at + room >= nal.length ? 0x40 : 0);
    payloads.push([Uint8Array.of(indicator, flags | type), nal.subarray(at, at + room)]);
  }
}

function fragmentH265(nal: Uint8Array, payloads: Uint8Array[][]): void {
  const first = (nal[0]! & 0x81) | (49 << 1);
  const type = (nal[0]! >> 1) & 63;
  const room = RTP_PAYLOAD_BYTES_MAX - 3;
  for (let at = 2; at < nal.length; at += room) {
    const flags = (at === 2 ? 0x80 : 0) | (at + room >= nal.length ? 0x40 : 0);
    payloads.push([Uint8Array.of(first, nal[1]!, flags | type), nal.subarray(at, at + room)]);
  }
}

function bundle(
  payloadType: number,
  payloads: readonly Uint8Array[][],
  marker: (index: number) => boolean,
  ticks: number,
  keyframe: boolean,
): PacketBundle {
  const sizes = payloads.map((parts) => parts.reduce((sum, part) => sum + part.length, 0));
  const payloadBytes = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = Buffer.alloc(payloadBytes + payloads.length * PACKET_HEADER_BYTES);
  const starts: number[] = [];
  let at = 0;
  payloads.forEach((parts, index) => {
    starts.push(at);
    bytes[at] = 0x24;
    bytes.writeUInt16BE(sizes[index]! + 12, at + 2);
    bytes[at + 4] = 0x80; // version 2
    bytes[at + 5] = payloadType | (marker(index) ? 0x80 : 0);
    at += PACKET_HEADER_BYTES;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
  });
  return { bytes, starts, ticks, keyframe, payloadBytes };
}
