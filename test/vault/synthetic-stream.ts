import { concatBytes, utf8, zeros } from '../../src/bytes/index.ts';
import { type CapturedFragment, type ParsedInit, parseInitSegment, prft, type Run } from '../../src/media/index.ts';
import type { Random } from '../../src/platform/index.ts';

// Fragmented MP4 without an encoder: real boxes around a made-up picture, so that readers walk it as they would a camera's.

/** Ticks a second of the synthetic video track. */
export const TIMESCALE = 90_000;
/** Stands at the head of every sample: whoever finds it below a data folder found plaintext. */
export const PICTURE_MARK = utf8('\x00\x00\x00\x1e\x65PLAINTEXT-PICTURE-BYTES!');

const SPS = Uint8Array.of(0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0x88);
const PPS = Uint8Array.of(0x68, 0xce, 0x38, 0x80);

const u16 = (value: number) => Uint8Array.of(value >> 8, value & 255);
const u32 = (value: number) => Uint8Array.of(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
const u64 = (value: bigint) => concatBytes(u32(Number(value >> 32n)), u32(Number(value & 0xffff_ffffn)));

export function box(type: string, ...body: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concatBytes(...body);
  return concatBytes(u32(content.length + 8), utf8(type), content);
}

/** `ftyp` + `moov` of one H.264 track. */
export function syntheticInit(): ParsedInit {
  const avcC = box(
    'avcC',
    Uint8Array.of(1, 0x42, 0xc0, 0x1e, 0xff, 0xe1),
    u16(SPS.length),
    SPS,
    Uint8Array.of(1),
    u16(PPS.length),
    PPS,
  );
  const avc1 = box('avc1', zeros(6), u16(1), zeros(16), u16(640), u16(360), zeros(50), avcC);
  const stbl = box(
    'stbl',
    box('stsd', zeros(4), u32(1), avc1),
    box('stts', zeros(8)),
    box('stsc', zeros(8)),
    box('stsz', zeros(12)),
    box('stco', zeros(8)),
  );
  const mdia = box(
    'mdia',
    box('mdhd', zeros(12), u32(TIMESCALE), zeros(8)),
    box('hdlr', zeros(8), utf8('vide'), zeros(13)),
    box('minf', box('vmhd', u32(1), zeros(8)), stbl),
  );
  const moov = box(
    'moov',
    box('mvhd', zeros(100)),
    box('trak', box('tkhd', u32(3), zeros(8), u32(1), zeros(68)), mdia),
    box('mvex', box('trex', zeros(4), u32(1), u32(1), zeros(12))),
  );
  return parseInitSegment(concatBytes(box('ftyp', utf8('iso5'), u32(512), utf8('iso5')), moov));
}

export interface SyntheticOptions {
  /** Wall µs of the first fragment. */
  startUs: number;
  fragmentMs?: number;
  /** Every so many fragments begin with a keyframe. */
  keyframeEvery?: number;
  /** Bytes of each fragment's picture; called with its number. */
  pictureBytes?: (number: number) => number;
}

/** An endless camera: fragments that tile in time, with pictures drawn from `random`. */
export class SyntheticStream {
  readonly init = syntheticInit();
  readonly #random: Random;
  readonly #options: Required<SyntheticOptions>;
  #number = 0;
  #wallUs: number;
  #ticks = 0n;

  constructor(random: Random, options: SyntheticOptions) {
    this.#random = random;
    this.#options = { fragmentMs: 200, keyframeEvery: 5, pictureBytes: () => 3000, ...options };
    this.#wallUs = options.startUs;
  }

  get wallUs(): number {
    return this.#wallUs;
  }

  run(): Run {
    return { id: Buffer.from(this.#random.bytes(16)).toString('hex'), init: this.init, startUs: this.#wallUs };
  }

  /** Lets the camera's calendar go on without pictures. */
  skip(ms: number): void {
    this.#wallUs += ms * 1000;
  }

  next(monoUs = 0): CapturedFragment {
    const { fragmentMs, keyframeEvery, pictureBytes } = this.#options;
    const keyframe = this.#number % keyframeEvery === 0;
    const picture = concatBytes(PICTURE_MARK, this.#random.bytes(pictureBytes(this.#number)));
    const duration = (fragmentMs * TIMESCALE) / 1000;
    const moofOf = (dataOffset: number) =>
      box(
        'moof',
        box('mfhd', zeros(4), u32(this.#number + 1)),
        box(
          'traf',
          box('tfhd', u32(0x2_0000), u32(1)),
          box('tfdt', u32(0x0100_0000), u64(this.#ticks)),
          box(
            'trun',
            u32(0x701),
            u32(1),
            u32(dataOffset),
            u32(duration),
            u32(picture.length),
            u32(keyframe ? 0x0200_0000 : 0x0101_0000),
          ),
        ),
      );
    const fragment: CapturedFragment = {
      bytes: concatBytes(
        prft({ trackId: 1, wallUs: this.#wallUs, mediaTime: this.#ticks }),
        moofOf(moofOf(0).length + 8),
        box('mdat', picture),
      ),
      keyframe,
      startUs: this.#wallUs,
      endUs: this.#wallUs + fragmentMs * 1000,
      monoUs,
      sampleCount: 1,
      videoDecodeTime: this.#ticks,
    };
    this.#number += 1;
    this.#wallUs = fragment.endUs;
    this.#ticks += BigInt(duration);
    return fragment;
  }
}
