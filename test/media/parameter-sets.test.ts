import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/bytes/index.ts';
import { NvrError } from '../../src/errors.ts';
import {
  changedPicture,
  nalUnits,
  parameterSetKind,
  pictureSize,
  sequenceParameterSets,
  type Track,
} from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';

/** The NAL units of one picture, made by the real encoder. */
function encoded(encoder: 'libx264' | 'libx265', size: string, ...more: string[]): Uint8Array[] {
  const source = ['-f', 'lavfi', '-i', `color=size=${size}:rate=25`, '-frames:v', '1', '-c:v', encoder];
  const quiet = encoder === 'libx265' ? ['-x265-params', 'log-level=none:pools=1'] : [];
  const output = ['-f', encoder === 'libx264' ? 'h264' : 'hevc', 'pipe:1'];
  const run = spawnSync('ffmpeg', ['-v', 'error', ...source, '-preset', 'ultrafast', ...quiet, ...more, ...output]);
  assert.equal(run.status, 0, run.stderr.toString());
  const between = Buffer.from([0, 0, 1]).toString('latin1');
  const texts = run.stdout.toString('latin1').split(between);
  // A start code may have a fourth byte in front, which then ends the unit before.
  return texts
    .filter((text) => text.length > 1)
    .map((text) => Uint8Array.from(Buffer.from(text.replace(/\0$/, ''), 'latin1')));
}

function spsOf(format: string, units: Uint8Array[]): Uint8Array {
  const sps = units.find((unit) => parameterSetKind(format, unit) === 'sps');
  assert.ok(sps, 'a sequence parameter set');
  return sps;
}

const H264: [string, string, string[]][] = [
  ['a plain one', '160x96', ['-pix_fmt', 'yuv420p']],
  ['cropped to 1080 lines', '1920x1080', ['-pix_fmt', 'yuv420p']],
  ['cropped on both sides', '162x98', ['-pix_fmt', 'yuv420p']],
  ['interlaced', '320x200', ['-pix_fmt', 'yuv420p', '-flags', '+ildct+ilme', '-x264-params', 'tff=1']],
  ['with 4:2:2 colours', '162x98', ['-pix_fmt', 'yuv422p']],
  ['with 4:4:4 colours', '164x98', ['-pix_fmt', 'yuv444p']],
  ['with 10 bits', '176x144', ['-pix_fmt', 'yuv420p10le']],
  ['with scaling lists', '176x144', ['-pix_fmt', 'yuv420p', '-profile:v', 'high', '-x264-params', 'cqm=jvt:8x8dct=1']],
  ['very large', '4096x2160', ['-pix_fmt', 'yuv420p']],
];

test('H.264 sequence parameter sets tell the size of the picture', () => {
  for (const [name, size, more] of H264) {
    const { width, height } = pictureSize('avc1', spsOf('avc1', encoded('libx264', size, ...more)));
    assert.equal(`${width}x${height}`, size, name);
  }
});

test('H.265 sequence parameter sets tell the size of the picture', () => {
  const table: [string, string[]][] = [
    ['160x96', ['-pix_fmt', 'yuv420p']],
    ['1920x1080', ['-pix_fmt', 'yuv420p']],
    ['322x182', ['-pix_fmt', 'yuv422p']],
    ['164x98', ['-pix_fmt', 'yuv420p10le', '-x265-params', 'log-level=none:pools=1:temporal-layers=2']],
  ];
  for (const [size, more] of table) {
    const units = encoded('libx265', size, ...more);
    const { width, height } = pictureSize('hev1', spsOf('hev1', units));
    assert.equal(`${width}x${height}`, size);
    const kinds = units.map((unit) => parameterSetKind('hvc1', unit)).filter((kind) => kind !== null);
    assert.deepEqual(kinds, ['vps', 'sps', 'pps']);
  }
});

test('mutated and cut sets are read or refused, and quickly', () => {
  const random = new SeededRandom(9);
  const sets: [string, Uint8Array][] = [
    ['avc1', spsOf('avc1', encoded('libx264', '162x98', ...H264[7]![2]))],
    ['hev1', spsOf('hev1', encoded('libx265', '322x182', '-pix_fmt', 'yuv420p'))],
  ];
  const rounds = process.env['SLOW'] ? 200_000 : 5_000;
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const [format, source] = sets[round % 2]!;
    const bytes = source.slice(0, random.below(4) === 0 ? random.below(source.length) : source.length);
    for (let n = random.below(4); n > 0 && bytes.length > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    try {
      const { width, height } = pictureSize(format, bytes);
      assert.ok(width > 0 && width <= 65_535 && height > 0 && height <= 65_535);
    } catch (error) {
      assert.ok(error instanceof NvrError && error.kind === 'corrupt', `${error}`);
      refused++;
    }
  }
  assert.ok(refused > rounds / 50, `${refused} of ${rounds} refused`);
});

/** A sample with its units, as an MP4 file holds it. */
function sample(units: readonly Uint8Array[], lengthSize: number): Uint8Array {
  return concatBytes(
    ...units.flatMap((unit) => {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, unit.length);
      return [length.subarray(4 - lengthSize), unit];
    }),
  );
}

test('units come out of a sample as they went in; a torn sample gives its whole ones', () => {
  const unit = fc.uint8Array({ minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 10 }), fc.constantFrom(1, 2, 4), fc.nat(), (units, lengthSize, cut) => {
      const bytes = sample(units, lengthSize);
      const plain = (list: Iterable<Uint8Array>) => [...list].map((each) => [...each]);
      assert.deepEqual(plain(nalUnits(bytes, lengthSize)), plain(units));
      const torn = plain(nalUnits(bytes.subarray(0, cut % (bytes.length + 1)), lengthSize));
      assert.deepEqual(torn, plain(units).slice(0, torn.length));
    }),
  );
  assert.equal([...nalUnits(new Uint8Array(8_000), 4)].length, 0, 'empty units are passed over');
  const many = sample(
    Array.from({ length: 5_000 }, () => Uint8Array.of(1)),
    4,
  );
  assert.equal([...nalUnits(many, 4)].length, 1_000, 'a bound on their number');
});

test('a keyframe that brings other sets is seen, by size or in details', () => {
  const pictures = {
    plain: encoded('libx264', '160x96', '-pix_fmt', 'yuv420p'),
    large: encoded('libx264', '320x180', '-pix_fmt', 'yuv420p'),
    // The same size in another profile.
    other: encoded('libx264', '160x96', '-pix_fmt', 'yuv420p', '-profile:v', 'high', '-x264-params', '8x8dct=1'),
  };
  const sets = (units: Uint8Array[]) => units.filter((unit) => parameterSetKind('avc1', unit) !== null);
  const track: Track = {
    ...{ id: 1, kind: 'video', format: 'avc1', codec: '', timescale: 1 },
    ...{ nalLengthSize: 4, parameterSets: sets(pictures.plain) },
  };
  const keyframes = (units: Uint8Array[]) => sample(units, 4);
  const bare = pictures.plain.filter((unit) => parameterSetKind('avc1', unit) === null);
  assert.ok(bare.length > 0);
  assert.equal(changedPicture(track, keyframes(bare)), null, 'a sample without sets');
  assert.equal(changedPicture(track, keyframes(pictures.plain)), null);
  assert.equal(changedPicture(track, keyframes(pictures.large)), 'size');
  assert.equal(changedPicture(track, keyframes(pictures.other)), 'details');
  const known = sequenceParameterSets(track, keyframes(pictures.large));
  assert.deepEqual(known, [spsOf('avc1', pictures.large)]);
  assert.equal(changedPicture(track, keyframes(pictures.large), known), null, 'known from before');
  assert.equal(changedPicture(track, keyframes([Uint8Array.of(0x67, 0xff)])), 'size', 'a set that cannot be read');
  assert.equal(changedPicture(track, new Uint8Array(0)), null);
  assert.equal(changedPicture({ ...track, parameterSets: [] }, keyframes(pictures.plain)), 'size');
});
