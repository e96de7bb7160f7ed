import { equalBytes } from '../bytes/index.ts';
import { BitReader } from './bit-reader.ts';
import { MediaError, malformed } from './errors.ts';
import type { Track } from './fragment.ts';

/** Most NAL units of one sample that are looked at. */
const UNITS_MAX = 1_000;
/** Counts inside parameter sets that are followed in a loop: limits of the standards. */
const REFERENCE_FRAMES_MAX = 255;
const SUB_LAYERS_MAX = 7;

/** The picture a sequence parameter set describes. */
export interface PictureSize {
  width: number;
  height: number;
}

/** What a decoder configuration says of a sequence parameter set beside the set itself. */
export interface PictureFormat extends PictureSize {
  /** `chroma_format_idc`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  chroma: number;
  /** Bits of a sample beyond 8. */
  lumaExtra: number;
  chromaExtra: number;
  /** H.265 only: `general_profile_space` to `general_level_idc`, 12 bytes. */
  general: Uint8Array;
  /** H.265 only: temporal layers from 1, and whether they nest. */
  temporalLayers: number;
  temporalNesting: boolean;
}

/** The NAL units of one length-prefixed sample, as views; stops quietly at a length that does not fit. */
export function* nalUnits(sample: Uint8Array, lengthSize: number): Generator<Uint8Array> {
  let at = 0;
  for (let n = 0; n < UNITS_MAX && at + lengthSize <= sample.length; n++) {
    let length = 0;
    for (let i = 0; i < lengthSize; i++) length = length * 256 + sample[at + i]!;
    at += lengthSize;
    if (length > sample.length - at) return;
    if (length > 0) yield sample.subarray(at, at + length);
    at += length;
  }
}

/** What an H.264 or H.265 NAL unit is, as far as we care. */
export function parameterSetKind(format: string, unit: Uint8Array): 'vps' | 'sps' | 'pps' | null {
  if (isHevc(format)) return ({ 32: 'vps', 33: 'sps', 34: 'pps' } as const)[(unit[0]! >> 1) & 63] ?? null;
  return ({ 7: 'sps', 8: 'pps' } as const)[unit[0]! & 31] ?? null;
}

/**
 * How a keyframe's own sequence parameter sets differ from those of the init segment and from `known` ones: null where they do
 * not (or the sample holds none), `size` where the picture has another size or the set cannot be read, else `details`.
 * ffmpeg's `-c copy` keeps the first description whatever the camera changes to.
 *
 * Only the sequence parameter set counts: cameras alternate picture parameter sets without harm to a decoder that reads them
 * in band.
 */
export function changedPicture(
  video: Track,
  sample: Uint8Array,
  known: readonly Uint8Array[] = [],
): 'size' | 'details' | null {
  const described = (video.parameterSets ?? []).filter((unit) => parameterSetKind(video.format, unit) === 'sps');
  const before = [...described, ...known];
  const fresh = sequenceParameterSets(video, sample).filter((unit) => !before.some((other) => equalBytes(other, unit)));
  if (fresh.length === 0) return null;
  try {
    const sizes = new Set(before.map((unit) => sizeText(video.format, unit)));
    return fresh.every((unit) => sizes.has(sizeText(video.format, unit))) ? 'details' : 'size';
  } catch (error) {
    if (error instanceof MediaError) return 'size';
    throw error;
  }
}

/** Copies of the sequence parameter sets inside a length-prefixed sample. */
export function sequenceParameterSets(video: Track, sample: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const unit of nalUnits(sample, video.nalLengthSize ?? 4)) {
    if (parameterSetKind(video.format, unit) === 'sps') found.push(unit.slice());
  }
  return found;
}

function sizeText(format: string, unit: Uint8Array): string {
  const { width, height } = pictureSize(format, unit);
  return `${width}x${height}`;
}

/** Picture size of a sequence parameter set. Throws `ERR_MEDIA_MALFORMED`. */
export function pictureSize(format: string, unit: Uint8Array): PictureSize {
  const { width, height } = pictureFormat(format, unit);
  return { width, height };
}

/** All of a sequence parameter set that a decoder configuration repeats. Throws `ERR_MEDIA_MALFORMED`. */
export function pictureFormat(format: string, unit: Uint8Array): PictureFormat {
  return isHevc(format) ? hevcPictureFormat(unit) : avcPictureFormat(unit);
}

function isHevc(format: string): boolean {
  return format === 'hvc1' || format === 'hev1';
}

/** Takes the emulation prevention bytes out (H.264 section 7.4.1.1, H.265 section 7.4.2). */
function payload(unit: Uint8Array): Uint8Array {
  const out = new Uint8Array(unit.length);
  let length = 0;
  let zeros = 0;
  for (const byte of unit) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

// Profiles whose parameter set has chroma fields: H.264 section 7.3.2.1.1.
const CHROMA_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** H.264 section 7.3.2.1. */
function avcPictureFormat(unit: Uint8Array): PictureFormat {
  const reader = new BitReader(payload(unit));
  reader.skip(8);
  const profile = reader.bits(8);
  reader.skip(16);
  reader.ue();
  let chroma = 1;
  /** Of the cropping rectangle: colour planes that are coded apart count as grey. */
  let cropChroma = 1;
  const extra = [0, 0];
  if (CHROMA_PROFILES.has(profile)) {
    chroma = reader.ue();
    cropChroma = chroma === 3 && reader.flag() ? 0 : chroma;
    extra[0] = reader.ue();
    extra[1] = reader.ue();
    reader.skip(1);
    if (reader.flag()) skipScalingLists(reader, chroma === 3 ? 12 : 8);
  }
  reader.ue();
  const orderType = reader.ue();
  if (orderType === 0) reader.ue();
  if (orderType === 1) {
    reader.skip(1);
    reader.se();
    reader.se();
    const count = reader.ue();
    if (count > REFERENCE_FRAMES_MAX) throw malformed('a parameter set with too many reference frames');
    for (let i = 0; i < count; i++) reader.se();
  }
  reader.ue();
  reader.skip(1);
  const widthMbs = reader.ue() + 1;
  const heightUnits = reader.ue() + 1;
  const frameOnly = reader.flag();
  if (!frameOnly) reader.skip(1);
  reader.skip(1);
  const crop = reader.flag() ? [reader.ue(), reader.ue(), reader.ue(), reader.ue()] : [0, 0, 0, 0];
  const fields = frameOnly ? 1 : 2;
  const unitX = cropChroma === 1 || cropChroma === 2 ? 2 : 1;
  const unitY = (cropChroma === 1 ? 2 : 1) * fields;
  const size = sized(
    widthMbs * 16 - unitX * (crop[0]! + crop[1]!),
    heightUnits * 16 * fields - unitY * (crop[2]! + crop[3]!),
  );
  return { ...size, ...depths(chroma, extra), ...NO_LAYERS };
}

function skipScalingLists(reader: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    const present = reader.flag();
    if (present) skipScalingList(reader, list);
  }
}

function skipScalingList(reader: BitReader, list: number): void {
  let last = 8;
  for (let i = 0; i < (list < 6 ? 16 : 64); i++) {
    const next = (last + reader.se() + 256) % 256;
    if (next === 0) return;
    last = next;
  }
}

/** H.265 section 7.3.2.2. */
function hevcPictureFormat(unit: Uint8Array): PictureFormat {
  const plain = payload(unit);
  const reader = new BitReader(plain);
  reader.skip(16 + 4);
  const subLayers = reader.bits(3);
  if (subLayers > SUB_LAYERS_MAX) throw malformed('a parameter set with too many sub-layers');
  const temporalNesting = reader.flag();
  skipProfileTierLevel(reader, subLayers);
  reader.ue();
  const chroma = reader.ue();
  if (chroma === 3) reader.skip(1);
  const width = reader.ue();
  const height = reader.ue();
  const crop = reader.flag() ? [reader.ue(), reader.ue(), reader.ue(), reader.ue()] : [0, 0, 0, 0];
  const extra = [reader.ue(), reader.ue()];
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = chroma === 1 ? 2 : 1;
  const size = sized(width - unitX * (crop[0]! + crop[1]!), height - unitY * (crop[2]! + crop[3]!));
  return {
    ...size,
    ...depths(chroma, extra),
    general: plain.slice(3, 15),
    temporalLayers: subLayers + 1,
    temporalNesting,
  };
}

const NO_LAYERS = { general: new Uint8Array(0), temporalLayers: 1, temporalNesting: true };

function depths(chroma: number, extra: readonly number[]) {
  const [lumaExtra, chromaExtra] = extra as [number, number];
  if (chroma > 3 || lumaExtra > 8 || chromaExtra > 8) throw malformed('a parameter set of an unknown colour format');
  return { chroma, lumaExtra, chromaExtra };
}

/** H.265 section 7.3.3. */
function skipProfileTierLevel(reader: BitReader, subLayers: number): void {
  reader.skip(88 + 8);
  const present: [boolean, boolean][] = [];
  for (let i = 0; i < subLayers; i++) present.push([reader.flag(), reader.flag()]);
  if (subLayers > 0) reader.skip(2 * (8 - subLayers));
  for (const [profile, level] of present) reader.skip((profile ? 88 : 0) + (level ? 8 : 0));
}

function sized(width: number, height: number): PictureSize {
  if (!(width > 0 && height > 0 && width <= 65_535 && height <= 65_535))
    throw malformed(`a picture of ${width}x${height}`);
  return { width, height };
}
