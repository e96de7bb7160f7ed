import { utf8 } from '../bytes/index.ts';

/** Seconds between the NTP epoch (1900) and the Unix epoch. */
const NTP_OFFSET_SECONDS = 2_208_988_800;

export interface SenderReport {
  ssrc: number;
  /** Wall time of the report, µs since the Unix epoch. */
  wallUs: number;
  /** RTP timestamp of that same moment. */
  timestamp: number;
  packets: number;
  octets: number;
  cname: string;
}

/** A compound packet: sender report, then a source description with the CNAME (RFC 3550 6.4.1, 6.5). */
export function senderReport(report: SenderReport): Buffer {
  const sr = Buffer.alloc(28);
  sr[0] = 0x80;
  sr[1] = 200;
  sr.writeUInt16BE(6, 2);
  sr.writeUInt32BE(report.ssrc >>> 0, 4);
  const seconds = Math.floor(report.wallUs / 1e6);
  sr.writeUInt32BE((seconds + NTP_OFFSET_SECONDS) % 2 ** 32, 8);
  sr.writeUInt32BE(Math.floor(((report.wallUs - seconds * 1e6) / 1e6) * 2 ** 32), 12);
  sr.writeUInt32BE(report.timestamp >>> 0, 16);
  sr.writeUInt32BE(report.packets >>> 0, 20);
  sr.writeUInt32BE(report.octets % 2 ** 32, 24);
  return Buffer.concat([sr, description(report.ssrc, report.cname)]);
}

/** A compound packet that ends a source: an empty receiver report, as every compound begins with one, and BYE. */
export function goodbye(ssrc: number): Buffer {
  const bye = Buffer.alloc(16);
  bye.set([0x80, 201, 0, 1], 0);
  bye.writeUInt32BE(ssrc >>> 0, 4);
  bye.set([0x81, 203, 0, 1], 8);
  bye.writeUInt32BE(ssrc >>> 0, 12);
  return bye;
}

/** True where the bytes look like RTCP of a receiver: the sign of life that keeps a session. Total. */
export function isReceiverReport(bytes: Uint8Array): boolean {
  if (bytes.length < 8 || bytes[0]! >> 6 !== 2) return false;
  const words = (bytes[2]! << 8) | bytes[3]!;
  return (bytes[1] === 201 || bytes[1] === 200) && (words + 1) * 4 <= bytes.length;
}

function description(ssrc: number, cname: string): Buffer {
  const name = utf8(cname).subarray(0, 255);
  const items = 2 + name.length + 1;
  const size = 8 + Math.ceil(items / 4) * 4;
  const out = Buffer.alloc(size);
  out.set([0x81, 202], 0);
  out.writeUInt16BE(size / 4 - 1, 2);
  out.writeUInt32BE(ssrc >>> 0, 4);
  out.set([1, name.length], 8);
  out.set(name, 10);
  return out;
}
