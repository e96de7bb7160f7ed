import { ByteReader, toHex } from '../bytes/index.ts';
import { malformed } from './errors.ts';

/** `avc1.PPCCLL` of the three bytes behind the version in `avcC` (RFC 6381 section 3.3). */
export function avcCodec(profile: Uint8Array): string {
  return `avc1.${toHex(profile)}`;
}

/**
 * `hvc1.…` of bytes 1 to 12 of `hvcC` (ISO/IEC 14496-15 annex E.3): profile space and id, compatibility flags reversed, tier
 * and level, constraint bytes without trailing zeros.
 */
export function hevcCodec(format: string, general: Uint8Array): string {
  const reader = new ByteReader(general);
  const first = reader.u8();
  const space = ['', 'A', 'B', 'C'][first >> 6]!;
  const tier = first & 32 ? 'H' : 'L';
  let compatibility = reader.u32();
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) {
    reversed = (reversed << 1) | (compatibility & 1);
    compatibility >>>= 1;
  }
  const constraints = [...reader.bytes(6)];
  const level = reader.u8();
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const tail = constraints.map((byte) => `.${byte.toString(16).toUpperCase()}`).join('');
  return `${format}.${space}${first & 31}.${(reversed >>> 0).toString(16).toUpperCase()}.${tier}${level}${tail}`;
}

/** `mp4a.OO.A` of an `esds` body (ISO/IEC 14496-1 section 7.2.6): object type and, for MPEG-4 audio, its audio object type. */
export function mp4aCodec(descriptors: Uint8Array): string {
  const es = descriptor(new ByteReader(descriptors), 3);
  es.skip(2);
  const flags = es.u8();
  if (flags & 0x80) es.skip(2);
  if (flags & 0x40) es.skip(es.u8());
  if (flags & 0x20) es.skip(2);
  const config = descriptor(es, 4);
  const objectType = config.u8();
  if (objectType !== 0x40) return `mp4a.${objectType.toString(16)}`;
  config.skip(12);
  const specific = descriptor(config, 5);
  const first = specific.u8();
  const audioType = first >> 3;
  return `mp4a.40.${audioType === 31 ? 32 + (((first & 7) << 3) | (specific.u8() >> 5)) : audioType}`;
}

function descriptor(reader: ByteReader, tag: number): ByteReader {
  if (reader.u8() !== tag) throw malformed('an esds of another shape');
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = reader.u8();
    length = (length << 7) | (byte & 127);
    if (byte < 128) break;
  }
  return new ByteReader(reader.bytes(Math.min(length, reader.left)));
}
