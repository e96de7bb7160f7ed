import type { ByteReader } from '../bytes/index.ts';
import { ByteWriter, concatBytes, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import {
  type Box,
  bodyReader,
  boxesIn,
  findBox,
  MediaError,
  needBox,
  type ParsedInit,
  parseInitSegment,
} from '../media/index.ts';

/** Samples of one track at most: an hour at 250 a second. */
const SAMPLES_MAX = 1_000_000;
/** A fragment ends here even where no keyframe comes. */
const FRAGMENT_SECONDS = 1;
const SAMPLE_SYNC = 0x0200_0000;
const SAMPLE_NON_SYNC = 0x0101_0000;

interface Sample {
  at: number;
  size: number;
  /** Ticks from the track's first sample. */
  decodeTime: number;
  duration: number;
  compositionOffset: number;
  keyframe: boolean;
}

interface MovieTrack {
  id: number;
  timescale: number;
  samples: Sample[];
}

/** One fragment of a remuxed movie: `moof` + `mdat`, its place in time relative to the movie's first picture. */
export interface MovieFragment {
  bytes: Uint8Array<ArrayBuffer>;
  keyframe: boolean;
  /** Seconds from the movie's first picture. */
  start: number;
  end: number;
  sampleCount: number;
  /** `tfdt` of the video track, base included. */
  videoDecodeTime: bigint;
}

/** An ordinary MP4 file seen as fragmented: same samples, same sample descriptions, other tables. */
export interface FragmentedMovie {
  init: ParsedInit;
  /** Ticks of the video track that all fragments take together. */
  videoTicks: number;
  /** Fragments in order. `baseSeconds` is added to every decode time: within a run decode times go on. */
  fragments(baseSeconds: number): Generator<MovieFragment>;
}

/**
 * Reads a whole ordinary MP4 file (`ftyp`, `mdat`, `moov` with sample tables) of one H.264 or H.265 track and at most one audio track.
 *
 * Throws a `MediaError` (`ERR_MEDIA_MALFORMED`) where it is anything else, also where `moov` is missing because the file was never
 * finished. Edit lists are dropped. Every count is held against the bytes behind it before it is used.
 */
export function fragmentMovie(bytes: Uint8Array<ArrayBuffer>): FragmentedMovie {
  try {
    return readMovie(bytes);
  } catch (error) {
    if (isNvrError(error) && error.code === 'ERR_BYTES_SHORT') throw malformed('a table that is cut short');
    throw error;
  }
}

function readMovie(bytes: Uint8Array<ArrayBuffer>): FragmentedMovie {
  const moov = needBox(bytes, 'moov');
  const traks: Box[] = [];
  for (const box of boxesIn(bytes, moov.body, moov.end)) if (box.type === 'trak') traks.push(box);
  const kept = traks.filter((trak) => ['vide', 'soun'].includes(handlerOf(bytes, trak)));
  const init = parseInitSegment(writeInit(bytes, moov, kept));
  const byId = new Map(kept.map((trak) => [trackIdOf(bytes, trak), trak]));
  const tracks = init.tracks.map(({ id, timescale }) => ({
    id,
    timescale,
    samples: readSamples(bytes, needBox(bytes, 'mdia.minf.stbl', byId.get(id)!)),
  }));
  const [video] = tracks;
  if (!video?.samples[0]?.keyframe) throw malformed('a movie that does not begin with a keyframe');
  const last = video.samples.at(-1)!;
  return {
    init,
    videoTicks: last.decodeTime + last.duration,
    fragments: (baseSeconds) => fragmentsOf(bytes, tracks, baseSeconds),
  };
}

function* fragmentsOf(bytes: Uint8Array, tracks: MovieTrack[], baseSeconds: number): Generator<MovieFragment> {
  const [video, audio] = tracks as [MovieTrack, MovieTrack | undefined];
  let audioFrom = 0;
  let sequence = 1;
  for (let from = 0; from < video.samples.length; ) {
    const first = video.samples[from]!;
    let to = from + 1;
    while (
      to < video.samples.length &&
      !video.samples[to]!.keyframe &&
      video.samples[to]!.decodeTime - first.decodeTime < FRAGMENT_SECONDS * video.timescale
    ) {
      to += 1;
    }
    const ends = video.samples[to - 1]!;
    const end = (ends.decodeTime + ends.duration) / video.timescale;
    let audioTo = audioFrom;
    if (audio) {
      const isLast = to === video.samples.length;
      while (audioTo < audio.samples.length && (isLast || audio.samples[audioTo]!.decodeTime / audio.timescale < end)) {
        audioTo += 1;
      }
    }
    const parts = [{ track: video, samples: video.samples.slice(from, to) }];
    if (audio && audioTo > audioFrom) parts.push({ track: audio, samples: audio.samples.slice(audioFrom, audioTo) });
    yield {
      bytes: writeFragment(bytes, parts, sequence++, baseSeconds),
      keyframe: first.keyframe,
      start: first.decodeTime / video.timescale,
      end,
      sampleCount: to - from,
      videoDecodeTime: decodeTimeOf(video, first, baseSeconds),
    };
    [from, audioFrom] = [to, audioTo];
  }
}

function readSamples(bytes: Uint8Array, stbl: Box): Sample[] {
  const sizes = readSizes(bytes, stbl);
  const offsets = readOffsets(bytes, stbl, sizes);
  const samples: Sample[] = sizes.map((size, i) => {
    const at = offsets[i]!;
    if (at + size > bytes.length) throw malformed('a sample outside the file');
    return { at, size, decodeTime: 0, duration: 0, compositionOffset: 0, keyframe: true };
  });
  let time = 0;
  let at = 0;
  for (const [count, duration] of readRuns(bytes, needBox(bytes, 'stts', stbl))) {
    for (let i = 0; i < count && at < samples.length; i++, at++) {
      Object.assign(samples[at]!, { decodeTime: time, duration });
      time += duration;
    }
  }
  if (at < samples.length) throw malformed('fewer times than samples');
  const ctts = findBox(bytes, 'ctts', stbl);
  at = 0;
  for (const [count, offset] of ctts ? readRuns(bytes, ctts) : []) {
    for (let i = 0; i < count && at < samples.length; i++, at++) samples[at]!.compositionOffset = offset | 0;
  }
  const stss = findBox(bytes, 'stss', stbl);
  if (stss) {
    for (const sample of samples) sample.keyframe = false;
    const reader = tableReader(bytes, stss);
    for (let left = countOf(reader, 4); left > 0; left--) {
      const sample = samples[reader.u32() - 1];
      if (!sample) throw malformed('a keyframe outside the track');
      sample.keyframe = true;
    }
  }
  return samples;
}

function readSizes(bytes: Uint8Array, stbl: Box): number[] {
  const reader = tableReader(bytes, needBox(bytes, 'stsz', stbl));
  const same = reader.u32();
  const count = reader.u32();
  if (count > SAMPLES_MAX) throw malformed(`more than ${SAMPLES_MAX} samples`);
  if (same !== 0) {
    if (same * count > bytes.length) throw malformed('samples larger than the file');
    return Array.from({ length: count }, () => same);
  }
  if (count * 4 > reader.left) throw malformed('a table that is cut short');
  return Array.from({ length: count }, () => reader.u32());
}

/** Places of samples: chunks of the file (`stco`, `co64`) hold so many samples each (`stsc`). */
function readOffsets(bytes: Uint8Array, stbl: Box, sizes: number[]): number[] {
  const wide = findBox(bytes, 'co64', stbl);
  const chunkReader = tableReader(bytes, wide ?? needBox(bytes, 'stco', stbl));
  const chunks = Array.from({ length: countOf(chunkReader, wide ? 8 : 4) }, () =>
    wide ? Number(chunkReader.u64()) : chunkReader.u32(),
  );
  const reader = tableReader(bytes, needBox(bytes, 'stsc', stbl));
  const runs = Array.from({ length: countOf(reader, 12) }, () => {
    const run = { firstChunk: reader.u32(), perChunk: reader.u32() };
    reader.skip(4);
    return run;
  });
  const offsets: number[] = [];
  let run = 0;
  for (let chunk = 1; chunk <= chunks.length && offsets.length < sizes.length; chunk++) {
    while (run + 1 < runs.length && runs[run + 1]!.firstChunk <= chunk) run += 1;
    let at = chunks[chunk - 1]!;
    for (let left = runs[run]?.perChunk ?? 0; left > 0 && offsets.length < sizes.length; left--) {
      offsets.push(at);
      at += sizes[offsets.length - 1]!;
    }
  }
  if (offsets.length < sizes.length) throw malformed('fewer places than samples');
  return offsets;
}

/** `stts` and `ctts`: pairs of a count and a value. */
function* readRuns(bytes: Uint8Array, box: Box): Generator<[number, number]> {
  const reader = tableReader(bytes, box);
  for (let left = countOf(reader, 8); left > 0; left--) yield [reader.u32(), reader.u32()];
}

function tableReader(bytes: Uint8Array, box: Box): ByteReader {
  const reader = bodyReader(bytes, box);
  reader.skip(4);
  return reader;
}

function countOf(reader: ByteReader, entrySize: number): number {
  const count = reader.u32();
  if (count * entrySize > reader.left) throw malformed('a table that is cut short');
  return count;
}

function handlerOf(bytes: Uint8Array, trak: Box): string {
  const reader = bodyReader(bytes, needBox(bytes, 'mdia.hdlr', trak));
  reader.skip(8);
  return String.fromCharCode(...reader.bytes(4));
}

function trackIdOf(bytes: Uint8Array, trak: Box): number {
  const reader = bodyReader(bytes, needBox(bytes, 'tkhd', trak));
  reader.skip(reader.u32() >>> 24 === 1 ? 16 : 8);
  return reader.u32();
}

/** `ftyp` + `moov` with the same headers and sample descriptions, empty sample tables, and durations of zero. */
function writeInit(bytes: Uint8Array, moov: Box, traks: Box[]): Uint8Array<ArrayBuffer> {
  const mvhd = needBox(bytes, 'mvhd', moov);
  const trex = traks.map((trak) =>
    box('trex', new ByteWriter(24).u32(0).u32(trackIdOf(bytes, trak)).u32(1).zeros(12).finish()),
  );
  const moovOut = box(
    'moov',
    withoutDuration(bytes, mvhd),
    ...traks.map((trak) => writeTrak(bytes, trak)),
    box('mvex', ...trex),
  );
  const ftyp = box('ftyp', utf8('iso5'), u32(512), utf8('iso5iso6mp41'));
  return concatBytes(ftyp, moovOut);
}

function writeTrak(bytes: Uint8Array, trak: Box): Uint8Array {
  const mdia = needBox(bytes, 'mdia', trak);
  const minf = needBox(bytes, 'minf', mdia);
  const minfOut: Uint8Array[] = [];
  for (const each of boxesIn(bytes, minf.body, minf.end)) {
    if (each.type !== 'stbl') minfOut.push(bytes.subarray(each.start, each.end));
  }
  const stsd = needBox(bytes, 'stbl.stsd', minf);
  const empty = ['stts', 'stsc', 'stco'].map((type) => box(type, new Uint8Array(8)));
  minfOut.push(box('stbl', bytes.subarray(stsd.start, stsd.end), ...empty, box('stsz', new Uint8Array(12))));
  const hdlr = needBox(bytes, 'hdlr', mdia);
  return box(
    'trak',
    withoutDuration(bytes, needBox(bytes, 'tkhd', trak)),
    box(
      'mdia',
      withoutDuration(bytes, needBox(bytes, 'mdhd', mdia)),
      bytes.subarray(hdlr.start, hdlr.end),
      box('minf', ...minfOut),
    ),
  );
}

/** A copy of an `mvhd`, `tkhd` or `mdhd` whose duration is zero: fragments tell it. */
function withoutDuration(bytes: Uint8Array, header: Box): Uint8Array {
  const copy = bytes.slice(header.start, header.end);
  const body = header.body - header.start;
  const wide = copy[body] === 1;
  // version and flags, two times, then (track id and a reserved word, or the timescale), then the duration
  const at = body + 4 + (wide ? 16 : 8) + (header.type === 'tkhd' ? 8 : 4);
  if (at + (wide ? 8 : 4) > copy.length) throw malformed(`a short ${header.type}`);
  copy.fill(0, at, at + (wide ? 8 : 4));
  return copy;
}

function writeFragment(
  bytes: Uint8Array,
  parts: { track: MovieTrack; samples: Sample[] }[],
  sequence: number,
  baseSeconds: number,
): Uint8Array<ArrayBuffer> {
  const sizes = parts.map(({ samples }) => samples.reduce((sum, { size }) => sum + size, 0));
  const moofOf = (dataAt: number) => {
    let at = dataAt;
    const trafs = parts.map(({ track, samples }, i) => {
      const traf = writeTraf(track, samples, at, baseSeconds);
      at += sizes[i]!;
      return traf;
    });
    return box('moof', box('mfhd', u32(0), u32(sequence)), ...trafs);
  };
  const moof = moofOf(moofOf(0).length + 8);
  const data = parts.flatMap(({ samples }) => samples.map(({ at, size }) => bytes.subarray(at, at + size)));
  return concatBytes(moof, box('mdat', ...data));
}

function writeTraf(track: MovieTrack, samples: Sample[], dataOffset: number, baseSeconds: number): Uint8Array {
  const tfdt = new ByteWriter(12)
    .u32(0x0100_0000)
    .u64(decodeTimeOf(track, samples[0]!, baseSeconds))
    .finish();
  const trun = new ByteWriter(12 + samples.length * 16).u32(0x0100_0f01).u32(samples.length).u32(dataOffset);
  for (const { duration, size, keyframe, compositionOffset } of samples) {
    trun
      .u32(duration)
      .u32(size)
      .u32(keyframe ? SAMPLE_SYNC : SAMPLE_NON_SYNC)
      .u32(compositionOffset >>> 0);
  }
  return box('traf', box('tfhd', u32(0x0002_0000), u32(track.id)), box('tfdt', tfdt), box('trun', trun.finish()));
}

function decodeTimeOf(track: MovieTrack, sample: Sample, baseSeconds: number): bigint {
  return BigInt(Math.round(baseSeconds * track.timescale) + sample.decodeTime);
}

function box(type: string, ...body: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = body.reduce((sum, part) => sum + part.length, 8);
  return concatBytes(u32(size), utf8(type), ...body);
}

const u32 = (value: number) => new ByteWriter(4).u32(value).finish();
const malformed = (found: string) =>
  new MediaError('ERR_MEDIA_MALFORMED', 'corrupt', `expected an MP4 file of one camera, found ${found}`);
