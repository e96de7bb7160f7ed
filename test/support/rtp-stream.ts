import {
  bodyReader,
  boxesIn,
  type Fragment,
  findBox,
  nalUnits,
  needBox,
  type ParsedInit,
} from '../../src/media/index.ts';
import type { SeededRandom } from '../../src/platform/index.ts';

/** One sample of a track, as a fragment holds it. */
export interface Sample {
  bytes: Uint8Array;
  duration: number;
}

/** The samples of one track in a fragment that ffmpeg or we wrote: read the slow and obvious way, for comparison. */
export function samplesOf(fragment: Fragment, init: ParsedInit, trackId: number): Sample[] {
  const { bytes } = fragment;
  const moof = needBox(bytes, 'moof');
  const samples: Sample[] = [];
  for (const traf of boxesIn(bytes, moof.body, moof.end)) {
    if (traf.type !== 'traf') continue;
    const head = bodyReader(bytes, needBox(bytes, 'tfhd', traf));
    const headFlags = head.u32() & 0xff_ffff;
    if (head.u32() !== trackId) continue;
    const defaults = { ...init.defaults.get(trackId)! };
    if (headFlags & 8) defaults.durationTicks = head.u32();
    if (headFlags & 16) defaults.sizeBytes = head.u32();
    const run = bodyReader(bytes, findBox(bytes, 'trun', traf)!);
    const flags = run.u32() & 0xff_ffff;
    const count = run.u32();
    let at = moof.start + (flags & 1 ? run.u32() : 0);
    if (flags & 4) run.skip(4);
    for (let i = 0; i < count; i++) {
      const duration = flags & 0x100 ? run.u32() : defaults.durationTicks;
      const size = flags & 0x200 ? run.u32() : defaults.sizeBytes;
      if (flags & 0x400) run.skip(4);
      if (flags & 0x800) run.skip(4);
      samples.push({ bytes: bytes.subarray(at, at + size), duration });
      at += size;
    }
  }
  return samples;
}

/** RTP payloads of one picture, cut at random: single units, aggregates and fragments, as RFC 6184 and RFC 7798 allow. */
export function payloadsOf(codec: 'H264' | 'H265', sample: Uint8Array, random: SeededRandom): Uint8Array[] {
  const units = [...nalUnits(sample, 4)];
  const payloads: Uint8Array[] = [];
  const headBytes = codec === 'H264' ? 1 : 2;
  for (let i = 0; i < units.length; ) {
    const many = Math.min(units.length - i, 1 + random.below(3));
    const group = units.slice(i, i + many);
    const sum = group.reduce((total, unit) => total + unit.length + 2, headBytes);
    if (many > 1 && sum < 1_400) {
      payloads.push(Uint8Array.from([...(codec === 'H264' ? [24] : [48 << 1, 1]), ...group.flatMap(lengthPrefixed)]));
      i += many;
      continue;
    }
    const unit = units[i++]!;
    if (unit.length < 100 || (unit.length < 1_400 && random.below(2))) payloads.push(unit);
    else payloads.push(...fragmentsOf(codec, unit, 40 + random.below(1_300)));
  }
  return payloads;
}

function lengthPrefixed(unit: Uint8Array): number[] {
  return [unit.length >> 8, unit.length & 255, ...unit];
}

function fragmentsOf(codec: 'H264' | 'H265', unit: Uint8Array, room: number): Uint8Array[] {
  const skip = codec === 'H264' ? 1 : 2;
  const type = codec === 'H264' ? unit[0]! & 31 : (unit[0]! >> 1) & 63;
  const head = codec === 'H264' ? [(unit[0]! & 0xe0) | 28] : [(unit[0]! & 0x81) | (49 << 1), unit[1]!];
  const out: Uint8Array[] = [];
  for (let at = skip; at < unit.length; at += room) {
    const flags = (at === skip ? 0x80 : 0) | (at + room >= unit.length ? 0x40 : 0);
    out.push(Uint8Array.from([...head, flags | type, ...unit.subarray(at, at + room)]));
  }
  return out;
}

/** One RTP packet. */
export function rtpPacket(fields: {
  payloadType: number;
  sequence: number;
  timestamp: number;
  marker?: boolean;
  ssrc?: number;
  payload: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + fields.payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80;
  bytes[1] = fields.payloadType | (fields.marker ? 0x80 : 0);
  view.setUint16(2, fields.sequence & 0xffff);
  view.setUint32(4, fields.timestamp >>> 0);
  view.setUint32(8, fields.ssrc ?? 0x1234);
  bytes.set(fields.payload, 12);
  return bytes;
}
