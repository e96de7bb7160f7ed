import { ByteWriter, concatBytes, utf8 } from '../bytes/index.ts';
import { malformed } from './errors.ts';
import { parameterSetKind, pictureFormat } from './parameter-sets.ts';

/** A picture to describe: its parameter set NAL units without start codes, at least one SPS and one PPS (H.265: and a VPS). */
export interface VideoDescription {
  codec: 'H264' | 'H265';
  timescale: number;
  parameterSets: readonly Uint8Array[];
}

/** A sound to describe. `configuration`: AudioSpecificConfig of AAC (ISO/IEC 14496-3 section 1.6.2.1). */
export type AudioDescription = { timescale: number; channels: number } & (
  | { codec: 'aac'; configuration: Uint8Array; sampleRate: number }
  | { codec: 'opus' }
);

/** Track ids of what we write. */
export const VIDEO_TRACK = 1;
export const AUDIO_TRACK = 2;

const SETS_MAX = 31;
const NON_SYNC = 0x0101_0000;
const SYNC = 0x0200_0000;
const UNITY = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
/** `und`: three letters of five bits. */
const NO_LANGUAGE = 0x55c4;

/**
 * `ftyp` + `moov` without samples, for fragments that follow (ISO/IEC 14496-12 section 8.8): video is track 1, sound track 2.
 *
 * The sample entry is `avc1` or `hvc1`: everything a decoder needs stands in `avcC` or `hvcC` (ISO/IEC 14496-15 sections 5.3.3 and
 * 8.3.3), whatever cameras repeat in the stream. Throws `ERR_MEDIA_MALFORMED` where a set is missing or cannot be read.
 */
export function writeInitSegment(video: VideoDescription, audio: AudioDescription | null): Uint8Array<ArrayBuffer> {
  const tracks = [videoTrack(video)];
  if (audio) tracks.push(audioTrack(audio));
  return concatBytes(
    box('ftyp', utf8('iso5'), u32(512), utf8('iso5iso6mp41')),
    box(
      'moov',
      movieHeader(),
      ...tracks,
      box('mvex', trex(VIDEO_TRACK, NON_SYNC), ...(audio ? [trex(AUDIO_TRACK, SYNC)] : [])),
    ),
  );
}

function videoTrack({ codec, timescale, parameterSets }: VideoDescription): Uint8Array {
  const format = codec === 'H264' ? 'avc1' : 'hvc1';
  const kinds = codec === 'H264' ? (['sps', 'pps'] as const) : (['vps', 'sps', 'pps'] as const);
  const sets = kinds.map((kind) => parameterSets.filter((unit) => parameterSetKind(format, unit) === kind));
  if (
    sets.some((units) => units.length === 0 || units.length > SETS_MAX || units.some((unit) => unit.length > 65_535))
  ) {
    throw malformed('a stream without its parameter sets');
  }
  const sps = sets.at(-2)![0]!;
  const { width, height } = pictureFormat(format, sps);
  const configuration = codec === 'H264' ? avcC(sets[0]!, sets[1]!) : hvcC(sets, sps);
  const entry = box(
    format,
    new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]),
    new Uint8Array(16),
    u16(width, height),
    u32(0x48_0000, 0x48_0000, 0),
    u16(1),
    new Uint8Array(32),
    u16(0x18, 0xffff),
    configuration,
  );
  const header = full('vmhd', 1, u16(0, 0, 0, 0));
  return track({ id: VIDEO_TRACK, handler: 'vide', name: 'VideoHandler', timescale, header, entry, width, height });
}

function audioTrack(audio: AudioDescription): Uint8Array {
  const { timescale, channels } = audio;
  const aac = audio.codec === 'aac';
  const sampleRate = aac ? audio.sampleRate : 48_000;
  const entry = box(
    aac ? 'mp4a' : 'Opus',
    new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]),
    u32(0, 0),
    u16(channels, 16, 0, 0),
    // 16.16; rates that do not fit stand in the decoder's own configuration only.
    u16(sampleRate > 0xffff ? 0 : sampleRate, 0),
    aac ? esds(audio.configuration) : dOps(channels),
  );
  const header = full('smhd', 0, u16(0, 0));
  return track({
    id: AUDIO_TRACK,
    handler: 'soun',
    name: 'SoundHandler',
    timescale,
    header,
    entry,
    width: 0,
    height: 0,
  });
}

interface TrackFacts {
  id: number;
  handler: 'vide' | 'soun';
  name: string;
  timescale: number;
  header: Uint8Array;
  entry: Uint8Array;
  width: number;
  height: number;
}

function track({ id, handler, name, timescale, header, entry, width, height }: TrackFacts): Uint8Array {
  const volume = handler === 'soun' ? 0x100 : 0;
  const empty = (type: string, words = 1) => full(type, 0, u32(...new Array<number>(words).fill(0)));
  const table = box(
    'stbl',
    full('stsd', 0, u32(1), entry),
    empty('stts'),
    empty('stsc'),
    empty('stsz', 2),
    empty('stco'),
  );
  const data = box('dinf', full('dref', 0, u32(1), full('url ', 1)));
  return box(
    'trak',
    full(
      'tkhd',
      3,
      u32(0, 0, id, 0, 0, 0, 0),
      u16(0, 0, volume, 0),
      u32(...UNITY),
      u32(width * 65_536, height * 65_536),
    ),
    box(
      'mdia',
      full('mdhd', 0, u32(0, 0, timescale, 0), u16(NO_LANGUAGE, 0)),
      full('hdlr', 0, u32(0), utf8(handler), u32(0, 0, 0), utf8(`${name}\0`)),
      box('minf', header, data, table),
    ),
  );
}

function movieHeader(): Uint8Array {
  return full(
    'mvhd',
    0,
    u32(0, 0, 1000, 0, 0x1_0000),
    u16(0x100, 0),
    u32(0, 0, ...UNITY, 0, 0, 0, 0, 0, 0, AUDIO_TRACK + 1),
  );
}

function trex(id: number, flags: number): Uint8Array {
  return full('trex', 0, u32(id, 1, 0, 0, flags));
}

// Profiles whose configuration names the colour format: 14496-15 section 5.3.3.1.2.
const WITH_FORMAT = new Set([100, 110, 122, 144, 244]);

function avcC(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): Uint8Array {
  const [, profile, compatibility, level] = sps[0]!;
  const { chroma, lumaExtra, chromaExtra } = pictureFormat('avc1', sps[0]!);
  return box(
    'avcC',
    Uint8Array.of(1, profile!, compatibility!, level!, 0xff, 0xe0 | sps.length),
    ...sps.flatMap(prefixed),
    Uint8Array.of(pps.length),
    ...pps.flatMap(prefixed),
    WITH_FORMAT.has(profile!)
      ? Uint8Array.of(0xfc | chroma, 0xf8 | lumaExtra, 0xf8 | chromaExtra, 0)
      : new Uint8Array(0),
  );
}

function hvcC(sets: readonly (readonly Uint8Array[])[], sps: Uint8Array): Uint8Array {
  const { general, chroma, lumaExtra, chromaExtra, temporalLayers, temporalNesting } = pictureFormat('hvc1', sps);
  const layers = (temporalLayers << 3) | (temporalNesting ? 4 : 0) | 3;
  const arrays = sets.flatMap((units, i) => [
    Uint8Array.of(0x80 | (32 + i)),
    u16(units.length),
    ...units.flatMap(prefixed),
  ]);
  return box(
    'hvcC',
    Uint8Array.of(1),
    general,
    // No spatial segmentation or parallelism is promised, and no frame rate.
    Uint8Array.of(0xf0, 0, 0xfc, 0xfc | chroma, 0xf8 | lumaExtra, 0xf8 | chromaExtra, 0, 0, layers, sets.length),
    ...arrays,
  );
}

/** ISO/IEC 14496-1 section 7.2.6: an elementary stream of MPEG-4 audio with its configuration. */
function esds(configuration: Uint8Array): Uint8Array {
  const specific = descriptor(5, configuration);
  const decoder = descriptor(4, Uint8Array.of(0x40, 0x15, 0, 0, 0), u32(0, 0), specific);
  return full('esds', 0, descriptor(3, u16(AUDIO_TRACK), Uint8Array.of(0), decoder, descriptor(6, Uint8Array.of(2))));
}

/** Opus in ISO BMFF, section 4.3.2: no pre-skip, no gain, the plain channel mapping. */
function dOps(channels: number): Uint8Array {
  return box('dOps', Uint8Array.of(0, channels), u16(0), u32(48_000), u16(0), Uint8Array.of(0));
}

function descriptor(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...parts);
  return concatBytes(Uint8Array.of(tag, 0x80, 0x80, 0x80 | (body.length >> 7), body.length & 127), body);
}

function prefixed(unit: Uint8Array): Uint8Array[] {
  return [u16(unit.length), unit];
}

function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 8);
  return concatBytes(u32(sizeBytes), utf8(type), ...parts);
}

/** A box with version 0 and flags. */
function full(type: string, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(type, u32(flags), ...parts);
}

function u16(...values: readonly number[]): Uint8Array {
  const writer = new ByteWriter(values.length * 2);
  for (const value of values) writer.u16(value);
  return writer.finish();
}

function u32(...values: readonly number[]): Uint8Array {
  const writer = new ByteWriter(values.length * 4);
  for (const value of values) writer.u32(value);
  return writer.finish();
}
