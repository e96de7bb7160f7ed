import { equalBytes } from '../bytes/index.ts';
import { type Box, bodyReader, boxesIn, findBox, needBox } from './boxes.ts';
import { avcCodec, hevcCodec, mp4aCodec } from './codec-strings.ts';
import { malformed, reading, tooLarge, unsupported } from './errors.ts';
import type { InitSegment, Track } from './fragment.ts';

/** Most tracks an init segment may declare; we use one video and one audio track. */
const TRACKS_MAX = 8;

/** Defaults of one track's samples (`trex`). */
export interface SampleDefaults {
  durationTicks: number;
  sizeBytes: number;
  flags: number;
}

/** An init segment with what only readers of fragments need. */
export interface ParsedInit extends InitSegment {
  defaults: Map<number, SampleDefaults>;
}

/**
 * Reads `ftyp` + `moov` as ffmpeg writes them for one camera stream.
 *
 * The video track comes first in `tracks`. Throws `ERR_MEDIA_MALFORMED` where there is not exactly one video track of H.264 or
 * H.265, more than one audio track, or anything is out of place. Source: ISO/IEC 14496-12 section 8, 14496-15.
 */
export function parseInitSegment(bytes: Uint8Array<ArrayBuffer>): ParsedInit {
  return reading('moov', () => {
    const moov = needBox(bytes, 'moov');
    const tracks: Track[] = [];
    const defaults = new Map<number, SampleDefaults>();
    for (const box of boxesIn(bytes, moov.body, moov.end)) {
      if (box.type === 'trak') {
        if (tracks.length === TRACKS_MAX) throw tooLarge('a number of tracks', TRACKS_MAX);
        const track = parseTrack(bytes, box);
        if (track) tracks.push(track);
      }
      if (box.type === 'mvex') parseDefaults(bytes, box, defaults);
    }
    tracks.sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'video' ? -1 : 1));
    const kinds = tracks.map((track) => track.kind).join(' ');
    if (kinds !== 'video' && kinds !== 'video audio') throw malformed(`tracks of kind '${kinds}'`);
    return { bytes, tracks, defaults };
  });
}

/**
 * True when fragments of both can stand behind either init segment: same tracks, timescales and decoder configuration, byte
 * for byte.
 */
export function sameConfiguration(a: InitSegment, b: InitSegment): boolean {
  return (
    a.tracks.length === b.tracks.length &&
    a.tracks.every((track, i) => {
      const other = b.tracks[i]!;
      return (
        track.id === other.id &&
        track.timescale === other.timescale &&
        track.format === other.format &&
        equalBytes(sampleDescription(a.bytes, track.id), sampleDescription(b.bytes, other.id))
      );
    })
  );
}

function sampleDescription(bytes: Uint8Array, trackId: number): Uint8Array {
  const moov = needBox(bytes, 'moov');
  for (const box of boxesIn(bytes, moov.body, moov.end)) {
    if (box.type !== 'trak' || trackIdOf(bytes, box) !== trackId) continue;
    const stsd = needBox(bytes, 'mdia.minf.stbl.stsd', box);
    return bytes.subarray(stsd.start, stsd.end);
  }
  throw malformed(`no track ${trackId}`);
}

function trackIdOf(bytes: Uint8Array, trak: Box): number {
  const reader = bodyReader(bytes, needBox(bytes, 'tkhd', trak));
  reader.skip(reader.u32() >>> 24 === 1 ? 16 : 8);
  return reader.u32();
}

function parseTrack(bytes: Uint8Array, trak: Box): Track | null {
  const handler = bodyReader(bytes, needBox(bytes, 'mdia.hdlr', trak));
  handler.skip(8);
  const kind = { vide: 'video' as const, soun: 'audio' as const }[String.fromCharCode(...handler.bytes(4))];
  if (!kind) return null;

  const header = bodyReader(bytes, needBox(bytes, 'mdia.mdhd', trak));
  header.skip(header.u32() >>> 24 === 1 ? 16 : 8);
  const timescale = header.u32();
  if (timescale === 0) throw malformed('a timescale of 0');

  const stsd = needBox(bytes, 'mdia.minf.stbl.stsd', trak);
  const [entry] = boxesIn(bytes, stsd.body + 8, stsd.end);
  if (!entry) throw malformed('a track without a sample description');
  const base = { id: trackIdOf(bytes, trak), kind, format: entry.type, timescale };
  return kind === 'video' ? videoTrack(bytes, entry, base) : audioTrack(bytes, entry, base);
}

type TrackBase = Pick<Track, 'id' | 'kind' | 'format' | 'timescale'>;

// Fixed fields in front of a sample entry's boxes: 14496-12 sections 12.1.3 and 12.2.3.
const VISUAL_ENTRY = 78;
const AUDIO_ENTRY = 28;

function videoTrack(bytes: Uint8Array, entry: Box, base: TrackBase): Track {
  const reader = bodyReader(bytes, entry);
  reader.skip(24);
  const size = { width: reader.u16(), height: reader.u16() };
  const inside: Box = { ...entry, body: entry.body + VISUAL_ENTRY };
  if (inside.body > entry.end) throw malformed('a short sample entry');
  if (entry.type === 'avc1' || entry.type === 'avc3') {
    return { ...base, ...size, ...readAvcConfiguration(bytes, needBox(bytes, 'avcC', inside)) };
  }
  if (entry.type === 'hvc1' || entry.type === 'hev1') {
    return { ...base, ...size, ...readHevcConfiguration(bytes, needBox(bytes, 'hvcC', inside), entry.type) };
  }
  throw unsupported(printable(entry.type));
}

/** `avcC`: 14496-15 section 5.3.3.1. */
function readAvcConfiguration(bytes: Uint8Array, box: Box) {
  const reader = bodyReader(bytes, box);
  const head = reader.bytes(6);
  const parameterSets: Uint8Array[] = [];
  for (let n = head[5]! & 31; n > 0; n--) parameterSets.push(reader.bytes(reader.u16()).slice());
  for (let n = reader.u8(); n > 0; n--) parameterSets.push(reader.bytes(reader.u16()).slice());
  return { codec: avcCodec(head.subarray(1, 4)), nalLengthSize: (head[4]! & 3) + 1, parameterSets };
}

/** `hvcC`: 14496-15 section 8.3.3.1. */
function readHevcConfiguration(bytes: Uint8Array, box: Box, format: string) {
  const reader = bodyReader(bytes, box);
  const head = reader.bytes(23);
  const parameterSets: Uint8Array[] = [];
  for (let arrays = head[22]!; arrays > 0; arrays--) {
    const type = reader.u8() & 63;
    for (let n = reader.u16(); n > 0; n--) {
      const unit = reader.bytes(reader.u16());
      if (type >= 32 && type <= 34) parameterSets.push(unit.slice());
    }
  }
  return { codec: hevcCodec(format, head.subarray(1, 13)), nalLengthSize: (head[21]! & 3) + 1, parameterSets };
}

function audioTrack(bytes: Uint8Array, entry: Box, base: TrackBase): Track {
  const reader = bodyReader(bytes, entry);
  reader.skip(16);
  const channels = reader.u16();
  reader.skip(6);
  const sampleRate = reader.u32() >>> 16;
  const inside: Box = { ...entry, body: entry.body + AUDIO_ENTRY };
  if (inside.body > entry.end) throw malformed('a short sample entry');
  if (entry.type === 'mp4a') {
    const esds = findBox(bytes, 'esds', inside);
    if (!esds) throw malformed('no esds');
    return { ...base, channels, sampleRate, codec: mp4aCodec(bytes.subarray(esds.body + 4, esds.end)) };
  }
  if (entry.type === 'Opus') return { ...base, channels, sampleRate, codec: 'opus' };
  return { ...base, channels, sampleRate, codec: printable(entry.type) };
}

function parseDefaults(bytes: Uint8Array, mvex: Box, into: Map<number, SampleDefaults>): void {
  for (const box of boxesIn(bytes, mvex.body, mvex.end)) {
    if (box.type !== 'trex') continue;
    if (into.size === TRACKS_MAX) throw tooLarge('a number of trex boxes', TRACKS_MAX);
    const reader = bodyReader(bytes, box);
    reader.skip(4);
    const id = reader.u32();
    reader.skip(4);
    into.set(id, { durationTicks: reader.u32(), sizeBytes: reader.u32(), flags: reader.u32() });
  }
}

function printable(type: string): string {
  return type.replace(/[^ -~]/g, '?');
}
