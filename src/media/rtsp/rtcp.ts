import { ByteReader, ByteWriter, utf8 } from '../../bytes/index.ts';

/** What a camera reports of one stream it sends (RFC 3550 section 6.4.1). */
export interface SenderReport {
  ssrc: number;
  /** The camera's wall time, µs since the Unix epoch, NTP's era of 1968 to 2104. */
  wallUs: number;
  /** The middle 32 bits of that NTP time: what a receiver report echoes. */
  middle: number;
  /** RTP timestamp of the same moment. */
  timestamp: number;
}

/** What one compound packet says. */
export interface Rtcp {
  reports: readonly SenderReport[];
  /** Sources that say they end. */
  goodbyes: readonly number[];
}

/** What a receiver tells of one source (RFC 3550 section 6.4.1, report block). */
export interface ReceptionFacts {
  ssrc: number;
  /** Lost since the last report, in 1/256 of what was expected, at most 255. */
  fractionLost: number;
  /** Lost in all, 0 to 2^23 - 1. */
  lost: number;
  /** Highest sequence number, with how often it wrapped in the upper 16 bits. */
  highest: number;
  /** Interarrival jitter in timestamp units. */
  jitter: number;
  /** `middle` of the last sender report, 0 before one came, and how long ago that was, in 1/65536 s. */
  lastReport: number;
  sinceLastReport: number;
}

const PACKETS_MAX = 16;
const NTP_TO_UNIX_S = 2_208_988_800;
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const SOURCES_MAX = 31;

/** Reads a compound RTCP packet as far as it is whole; null where it does not begin as one. Total. */
export function parseRtcp(bytes: Uint8Array): Rtcp | null {
  const reports: SenderReport[] = [];
  const goodbyes: number[] = [];
  let at = 0;
  for (let n = 0; n < PACKETS_MAX && bytes.length - at >= 8; n++) {
    const type = bytes[at + 1]!;
    const end = at + 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!) * 4;
    if (bytes[at]! >> 6 !== 2 || type < 192 || type > 223 || end > bytes.length) break;
    const reader = new ByteReader(bytes.subarray(at + 4, end));
    if (type === SENDER_REPORT && reader.left >= 24) reports.push(senderReport(reader));
    if (type === GOODBYE) {
      for (let left = bytes[at]! & 31; left > 0 && reader.left >= 4 && goodbyes.length < SOURCES_MAX; left--) {
        goodbyes.push(reader.u32());
      }
    }
    at = end;
  }
  return at === 0 ? null : { reports, goodbyes };
}

function senderReport(reader: ByteReader): SenderReport {
  const ssrc = reader.u32();
  const seconds = reader.u32();
  const fraction = reader.u32();
  // Below 2^31 the era that begins in 2036 is meant (RFC 4330 section 3).
  const era = seconds < 2 ** 31 ? 2 ** 32 : 0;
  return {
    ssrc,
    wallUs: (seconds + era - NTP_TO_UNIX_S) * 1_000_000 + Math.round((fraction * 1_000_000) / 2 ** 32),
    middle: (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0,
    timestamp: reader.u32(),
  };
}

/** A receiver report with one block, or none before anything came, and a source description with a name (RFC 3550 6.4.2, 6.5). */
export function receiverReport(ssrc: number, facts: ReceptionFacts | null, name: string): Uint8Array<ArrayBuffer> {
  const text = utf8(name.slice(0, 255));
  const itemBytes = Math.ceil((4 + 2 + text.length + 1) / 4) * 4;
  const reportBytes = facts ? 32 : 8;
  const writer = new ByteWriter(reportBytes + 4 + itemBytes);
  writer
    .u8(facts ? 0x81 : 0x80)
    .u8(RECEIVER_REPORT)
    .u16(reportBytes / 4 - 1)
    .u32(ssrc);
  if (facts) {
    writer.u32(facts.ssrc);
    writer
      .u32(((facts.fractionLost << 24) | facts.lost) >>> 0)
      .u32(facts.highest >>> 0)
      .u32(facts.jitter);
    writer.u32(facts.lastReport).u32(facts.sinceLastReport);
  }
  writer
    .u8(0x81)
    .u8(SOURCE_DESCRIPTION)
    .u16(itemBytes / 4)
    .u32(ssrc);
  writer.u8(1).u8(text.length).bytes(text);
  return writer.zeros(itemBytes - 4 - 2 - text.length).finish();
}
