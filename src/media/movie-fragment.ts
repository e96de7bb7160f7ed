import type { ByteReader } from '../bytes/index.ts';
import { type Box, bodyReader, boxesIn, needBox } from './boxes.ts';
import { malformed, reading, tooLarge } from './errors.ts';
import type { Fragment, FragmentTrack } from './fragment.ts';
import type { ParsedInit, SampleDefaults } from './init-segment.ts';

/** Most samples one fragment may hold: 200 ms of a camera are some dozens. */
const SAMPLES_MAX = 100_000;
const RUNS_MAX = 64;
const SAMPLE_IS_NON_SYNC = 0x1_0000;
const NO_DEFAULTS: SampleDefaults = { durationTicks: 0, sizeBytes: 0, flags: 0 };

/** What one `traf` says, with what only writers of tables and joiners need. */
export interface FragmentPart extends FragmentTrack {
  keyframe: boolean;
  /** How long the last sample is shown; 0 where there is none. */
  lastDuration: number;
  /** Place of the first sample's bytes in the fragment. */
  firstSampleAt: number;
  firstSampleBytes: number;
  /** Place of the first sample's duration, 32 bits wide; null where `trex` says it. */
  firstDurationAt: number | null;
  /** Place and width of `tfdt`'s time. */
  decodeTimeAt: number;
  decodeTimeWidth: 4 | 8;
}

/**
 * Reads one fragment: `moof` + `mdat`, a `prft` or other boxes in front allowed.
 *
 * Throws `ERR_MEDIA_MALFORMED` or `ERR_MEDIA_TOO_LARGE`. Every count is held against the bytes behind it before it is used.
 * Source: ISO/IEC 14496-12 section 8.8.
 */
export function parseFragment(bytes: Uint8Array<ArrayBuffer>, init: ParsedInit): Fragment & { parts: FragmentPart[] } {
  return reading('moof', () => {
    const moof = needBox(bytes, 'moof');
    const parts: FragmentPart[] = [];
    for (const box of boxesIn(bytes, moof.body, moof.end)) {
      if (box.type !== 'traf') continue;
      if (parts.length === init.tracks.length) throw malformed('more track fragments than tracks');
      parts.push(parseTrackFragment(bytes, moof, box, init));
    }
    const videoId = init.tracks[0]!.id;
    const video = parts.find((part) => part.id === videoId && part.sampleCount > 0);
    const firstVideoSample = video
      ? bytes.subarray(video.firstSampleAt, video.firstSampleAt + video.firstSampleBytes)
      : new Uint8Array(0);
    const tracks = parts.map(({ id, baseDecodeTime, duration, sampleCount }) => ({
      id,
      baseDecodeTime,
      duration,
      sampleCount,
    }));
    return { bytes, tracks, parts, keyframe: video?.keyframe ?? false, firstVideoSample };
  });
}

function parseTrackFragment(bytes: Uint8Array, moof: Box, traf: Box, init: ParsedInit): FragmentPart {
  const tfhd = needBox(bytes, 'tfhd', traf);
  const head = bodyReader(bytes, tfhd);
  const flags = head.u32() & 0xff_ffff;
  const id = head.u32();
  if (!init.tracks.some((track) => track.id === id)) throw malformed(`a fragment of the unknown track ${id}`);
  const defaults = { ...(init.defaults.get(id) ?? NO_DEFAULTS) };
  const base = flags & 1 ? Number(head.u64()) : moof.start;
  if (flags & 2) head.skip(4);
  const defaultDurationAt = flags & 8 ? tfhd.body + head.offset : null;
  if (flags & 8) defaults.durationTicks = head.u32();
  if (flags & 16) defaults.sizeBytes = head.u32();
  if (flags & 32) defaults.flags = head.u32();

  const tfdt = needBox(bytes, 'tfdt', traf);
  const time = bodyReader(bytes, tfdt);
  const wide = time.u32() >>> 24 === 1;
  const part: FragmentPart = {
    id,
    baseDecodeTime: wide ? time.u64() : BigInt(time.u32()),
    duration: 0,
    sampleCount: 0,
    keyframe: false,
    lastDuration: 0,
    firstSampleAt: 0,
    firstSampleBytes: 0,
    firstDurationAt: defaultDurationAt,
    decodeTimeAt: tfdt.body + 4,
    decodeTimeWidth: wide ? 8 : 4,
  };
  let runs = 0;
  for (const box of boxesIn(bytes, traf.body, traf.end)) {
    if (box.type !== 'trun') continue;
    if (++runs > RUNS_MAX) throw tooLarge('a number of trun boxes', RUNS_MAX);
    addRun(bodyReader(bytes, box), box.body, part, defaults, base);
  }
  if (part.sampleCount > 0 && part.firstSampleAt + part.firstSampleBytes > bytes.length) {
    throw malformed('a sample outside its fragment');
  }
  return part;
}

function addRun(reader: ByteReader, at: number, part: FragmentPart, defaults: SampleDefaults, base: number): void {
  const flags = reader.u32() & 0xff_ffff;
  const count = reader.u32();
  const dataOffset = flags & 1 ? reader.u32() | 0 : 0;
  const firstFlags = flags & 4 ? reader.u32() : null;
  const columns = [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit).length;
  if (count * columns * 4 > reader.left) throw malformed('a trun with more samples than bytes');
  if (part.sampleCount + count > SAMPLES_MAX) throw tooLarge('a number of samples', SAMPLES_MAX);
  if (part.sampleCount === 0 && count > 0 && flags & 0x100) part.firstDurationAt = at + reader.offset;
  for (let i = 0; i < count; i++) {
    part.lastDuration = flags & 0x100 ? reader.u32() : defaults.durationTicks;
    part.duration += part.lastDuration;
    const sizeBytes = flags & 0x200 ? reader.u32() : defaults.sizeBytes;
    const own = flags & 0x400 ? reader.u32() : defaults.flags;
    if (flags & 0x800) reader.skip(4);
    if (part.sampleCount++ === 0) {
      part.keyframe = ((firstFlags ?? own) & SAMPLE_IS_NON_SYNC) === 0;
      part.firstSampleAt = base + dataOffset;
      part.firstSampleBytes = sizeBytes;
      if (part.firstSampleAt < 0) throw malformed('a sample in front of its fragment');
    }
  }
}
