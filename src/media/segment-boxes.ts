import { ByteReader, ByteWriter, concatBytes, utf8 } from '../bytes/index.ts';
import { type Box, bodyReader, boxesIn } from './boxes.ts';
import { malformed, reading, tooLarge } from './errors.ts';

/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_TO_UNIX_S = 2_208_988_800;
/** Sizes of what we write, in bytes. */
export const PRFT_BYTES = 32;
export const TFRA_ENTRY_BYTES = 19;
const TFRA_HEAD_BYTES = 24;
const MFRO_BYTES = 16;
/** Smallest box that can stand as padding. */
export const FREE_BYTES_MIN = 8;
/** Entries of one `tfra` we read: a keyframe every 40 ms for an hour. */
const ENTRIES_MAX = 100_000;

/** Wall time of a fragment's first video sample. */
export interface ReferenceTime {
  trackId: number;
  /** Whole µs since the epoch. */
  wallUs: number;
  /** Decode time of that sample in its track's ticks. */
  mediaTime: bigint;
}

/** One keyframe of a segment's index. */
export interface KeyframeEntry {
  /** Decode time in the video track's ticks. */
  time: bigint;
  /** Where its `moof` begins, from the segment's plaintext byte 0. */
  moofAt: number;
}

/** `prft` version 1, 32 bytes (ISO/IEC 14496-12 section 8.16.5); flags 24: the time the sample was taken, by our clock. */
export function prft(reference: ReferenceTime): Uint8Array<ArrayBuffer> {
  const seconds = Math.floor(reference.wallUs / 1_000_000);
  const fraction = Math.round(((reference.wallUs - seconds * 1_000_000) * 2 ** 32) / 1_000_000);
  return new ByteWriter(PRFT_BYTES)
    .u32(PRFT_BYTES)
    .bytes(utf8('prft'))
    .u32(0x0100_0018)
    .u32(reference.trackId)
    .u32((seconds + NTP_TO_UNIX_S) % 2 ** 32)
    .u32(fraction)
    .u64(reference.mediaTime)
    .finish();
}

/**
 * A fragment with its `prft` in front. Where the fragment came from a `FragmentReader` the room is already there, and nothing is
 * copied: both then share their bytes.
 */
export function withReferenceTime(
  fragment: Uint8Array<ArrayBuffer>,
  reference: ReferenceTime,
): Uint8Array<ArrayBuffer> {
  const box = prft(reference);
  if (fragment.byteOffset !== PRFT_BYTES) return concatBytes(box, fragment);
  const whole = new Uint8Array(fragment.buffer, 0, PRFT_BYTES + fragment.length);
  whole.set(box);
  return whole;
}

/** Reads a `prft` box. Times are taken to lie in the NTP era that ends in 2036, or in the one after it. */
export function readPrft(bytes: Uint8Array, box: Box): ReferenceTime {
  return reading('prft', () => {
    const reader = bodyReader(bytes, box);
    const wide = reader.u32() >>> 24 === 1;
    const trackId = reader.u32();
    const ntpSeconds = reader.u32();
    const fraction = reader.u32();
    const seconds = ntpSeconds - NTP_TO_UNIX_S + (ntpSeconds < NTP_TO_UNIX_S ? 2 ** 32 : 0);
    const wallUs = seconds * 1_000_000 + Math.round((fraction * 1_000_000) / 2 ** 32);
    return { trackId, wallUs, mediaTime: wide ? reader.u64() : BigInt(reader.u32()) };
  });
}

/** A `free` box of exactly `sizeBytes` (8 or more), its body zero. */
export function free(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return new ByteWriter(sizeBytes)
    .u32(sizeBytes)
    .bytes(utf8('free'))
    .zeros(sizeBytes - FREE_BYTES_MIN)
    .finish();
}

/**
 * `mfra` with one `tfra` version 1 and the closing `mfro` (ISO/IEC 14496-12 section 8.8.9 to 8.8.11): 19 bytes an entry, time
 * and offset 64 bits wide, traf, trun and sample number one byte each and always 1. Its last four bytes are its own size.
 */
export function mfra(trackId: number, entries: readonly KeyframeEntry[]): Uint8Array<ArrayBuffer> {
  const tfraBytes = TFRA_HEAD_BYTES + entries.length * TFRA_ENTRY_BYTES;
  const sizeBytes = 8 + tfraBytes + MFRO_BYTES;
  const writer = new ByteWriter(sizeBytes).u32(sizeBytes).bytes(utf8('mfra'));
  writer.u32(tfraBytes).bytes(utf8('tfra')).u32(0x0100_0000).u32(trackId).u32(0).u32(entries.length);
  for (const { time, moofAt } of entries) writer.u64(time).u64(moofAt).u8(1).u8(1).u8(1);
  return writer.u32(MFRO_BYTES).bytes(utf8('mfro')).u32(0).u32(sizeBytes).finish();
}

/** Size of the `mfra` at the end of a segment's plaintext, told by its last 4 bytes; null where it cannot be one. */
export function mfraSize(tail: Uint8Array, plaintextBytes: number): number | null {
  if (tail.length < 4) return null;
  const sizeBytes = new ByteReader(tail.subarray(tail.length - 4)).u32();
  const smallest = 8 + TFRA_HEAD_BYTES + MFRO_BYTES;
  return sizeBytes >= smallest && sizeBytes <= Math.min(plaintextBytes, smallest + ENTRIES_MAX * TFRA_ENTRY_BYTES)
    ? sizeBytes
    : null;
}

/** Reads an `mfra` as `mfra` writes it. Throws `ERR_MEDIA_MALFORMED` for another shape. */
export function readMfra(bytes: Uint8Array): { trackId: number; entries: KeyframeEntry[] } {
  return reading('mfra', () => {
    const [box] = boxesIn(bytes);
    if (box?.type !== 'mfra' || box.end !== bytes.length) throw malformed('something else than an mfra');
    const [tfra] = boxesIn(bytes, box.body, box.end);
    if (tfra?.type !== 'tfra') throw malformed('an mfra without tfra');
    const reader = bodyReader(bytes, tfra);
    if (reader.u32() !== 0x0100_0000) throw malformed('a tfra of another version');
    const trackId = reader.u32();
    if (reader.u32() !== 0) throw malformed('a tfra of another entry size');
    const count = reader.u32();
    if (count > ENTRIES_MAX) throw tooLarge('a number of tfra entries', ENTRIES_MAX);
    if (count * TFRA_ENTRY_BYTES !== reader.left) throw malformed('a tfra of another length');
    const entries: KeyframeEntry[] = [];
    for (let i = 0; i < count; i++) {
      entries.push({ time: reader.u64(), moofAt: reader.u64Number() });
      reader.skip(3);
    }
    return { trackId, entries };
  });
}
