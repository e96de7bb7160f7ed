import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/bytes/index.ts';
import {
  type AssembledPicture,
  type AudioDescription,
  type Fragment,
  FragmentReader,
  MovieBuilder,
  type MovieTrouble,
  nalUnits,
  type ParsedInit,
  PictureAssembler,
  parameterSetKind,
  parseFragment,
} from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { payloadsOf, type Sample, samplesOf } from '../support/rtp-stream.ts';
import { type SampleMedia, sampleMedia } from '../support/sample-media.ts';

interface Source {
  init: ParsedInit;
  pictures: (Sample & { keyframe: boolean })[];
  sounds: Sample[];
  sets: Uint8Array[];
}

function source(options: SampleMedia): Source {
  const [first, ...rest] = new FragmentReader().push(sampleMedia(options));
  assert.ok(first && 'init' in first);
  const { init } = first;
  const fragments = rest.flatMap((item) => ('fragment' in item ? item.fragment : []));
  const pictures = fragments.flatMap((fragment) =>
    samplesOf(fragment, init, init.tracks[0]!.id).map((each, i) => ({
      ...each,
      keyframe: i === 0 && fragment.keyframe,
    })),
  );
  const audio = init.tracks[1];
  const sounds = audio ? fragments.flatMap((fragment) => samplesOf(fragment, init, audio.id)) : [];
  return { init, pictures, sounds, sets: init.tracks[0]!.parameterSets! };
}

const AAC: AudioDescription = {
  codec: 'aac',
  configuration: Uint8Array.of(0x11, 0x88),
  timescale: 48_000,
  sampleRate: 48_000,
  channels: 1,
};

/** A builder fed packet by packet, and what came of it. */
class Rig {
  readonly items: Fragment[] = [];
  init: ParsedInit | null = null;
  trouble: MovieTrouble | null = null;
  readonly builder: MovieBuilder;
  readonly random = new SeededRandom(11);
  readonly codec: 'H264' | 'H265';
  nowMs = 1_000;

  constructor(codec: 'H264' | 'H265', sets: readonly Uint8Array[], audio: AudioDescription | null = null) {
    this.codec = codec;
    this.builder = new MovieBuilder(
      { codec, parameterSets: sets, audio },
      {
        onInit: (init) => {
          assert.equal(this.init, null);
          this.init = init;
        },
        onFragment: (fragment) => this.items.push(fragment),
        onTrouble: (trouble) => {
          this.trouble = trouble;
        },
      },
    );
  }

  picture(bytes: Uint8Array, timestamp: number, { lost = false, drop = -1 } = {}): void {
    this.builder.arrived(this.nowMs);
    const payloads = payloadsOf(this.codec, bytes, this.random);
    let missing = lost;
    for (const [i, payload] of payloads.entries()) {
      if (i === drop) missing = true;
      else {
        // Somewhere in a larger buffer, as packets lie in what was read.
        const held = concatBytes(new Uint8Array(7), payload, Uint8Array.of(0xaa));
        const marker = i === payloads.length - 1;
        this.builder.assembler.packet(held, 7, 7 + payload.length, { timestamp: timestamp >>> 0, marker }, missing);
        missing = false;
      }
    }
  }

  get movie(): Uint8Array {
    return concatBytes(this.init!.bytes, ...this.items.map((each) => each.bytes));
  }

  samples(track = 0): Sample[] {
    return this.items.flatMap((each) => samplesOf(each, this.init!, track + 1));
  }
}

for (const codec of ['h264', 'h265'] as const) {
  test(`${codec}: pictures come out as they went in, with their times, whatever way they were cut`, () => {
    const { pictures, sets } = source({ codec, inBand: true });
    const rig = new Rig(codec === 'h264' ? 'H264' : 'H265', sets);
    // The 32 bits wrap inside.
    let timestamp = 2 ** 32 - 90_000;
    for (const { bytes } of pictures) {
      rig.picture(bytes, timestamp);
      timestamp += 3_600;
      rig.nowMs += 40;
    }
    rig.builder.finish();
    assert.equal(rig.trouble, null);
    const out = rig.samples();
    assert.equal(out.length, pictures.length);
    for (const [i, { bytes, duration }] of out.entries()) {
      assert.deepEqual(bytes, pictures[i]!.bytes, `picture ${i}`);
      assert.equal(duration, 3_600);
    }
    // Read again by the reader of strangers' movies, and by ffmpeg.
    const [first, ...rest] = new FragmentReader().push(rig.movie);
    assert.ok(first && 'init' in first);
    assert.deepEqual(first.init.tracks, rig.init!.tracks);
    let endTicks = 0n;
    for (const [i, item] of rest.entries()) {
      assert.ok('fragment' in item);
      const parsed = parseFragment(item.fragment.bytes, first.init);
      const { bytes: _, ...told } = rig.items[i]!;
      assert.deepEqual(
        { tracks: parsed.tracks, keyframe: parsed.keyframe, firstVideoSample: parsed.firstVideoSample },
        told,
      );
      assert.equal(parsed.tracks[0]!.baseDecodeTime, endTicks, 'fragments tile');
      endTicks += BigInt(parsed.tracks[0]!.duration);
      assert.ok(parsed.tracks[0]!.duration <= 18_000, 'at most 200 ms');
      assert.equal(parsed.keyframe, i % 5 === 0, 'each keyframe begins one');
    }
    const [track] = rig.init!.tracks;
    assert.deepEqual([track!.width, track!.height, track!.format], [160, 96, codec === 'h264' ? 'avc1' : 'hvc1']);
    const shown = spawnSync('ffmpeg', ['-v', 'warning', '-i', 'pipe:0', '-f', 'null', '-'], { input: rig.movie });
    assert.equal(shown.stderr.toString(), '');
  });
}

test('the decoder configuration says what ffmpeg says of the same picture', () => {
  for (const codec of ['h264', 'h265'] as const) {
    const { pictures, sets, init } = source({ codec });
    const rig = new Rig(codec === 'h264' ? 'H264' : 'H265', sets);
    rig.picture(pictures[0]!.bytes, 0);
    rig.builder.finish();
    const [ours, theirs] = [rig.init!.tracks[0]!, init.tracks[0]!];
    assert.equal(ours.codec, theirs.codec);
    assert.deepEqual(ours.parameterSets, theirs.parameterSets);
    assert.deepEqual([ours.width, ours.height, ours.nalLengthSize], [theirs.width, theirs.height, 4]);
  }
});

test("the stream's own parameter sets count more than the description; without any there is no movie", () => {
  const large = source({ inBand: true, size: '320x180' });
  const small = source({ inBand: true });
  const rig = new Rig('H264', small.sets);
  rig.picture(large.pictures[0]!.bytes, 0);
  rig.builder.finish();
  assert.equal(rig.init!.tracks[0]!.width, 320);

  const plain = source({});
  const bare = new Rig('H264', [Uint8Array.of(0x67, 1), Uint8Array.of(0x68, 2)]);
  for (let i = 0; i < 6; i++) bare.picture(plain.pictures[0]!.bytes, i * 3_600);
  assert.equal(bare.trouble, 'undescribed');
  assert.deepEqual(bare.items, []);
});

test('a picture of many slices with repeated parameter sets is one picture', () => {
  // Each slice in front with the sets again and a marker of its own, all with one timestamp, as some servers send them.
  const { pictures, sets } = source({ inBand: true });
  const rig = new Rig('H264', []);
  for (const [i, { bytes, keyframe }] of pictures.slice(0, 26).entries()) {
    const timestamp = i * 3_600;
    rig.builder.arrived((rig.nowMs += 40));
    for (const unit of nalUnits(bytes, 4)) {
      // A second slice that is no first one: first_mb_in_slice is not 0.
      const again = parameterSetKind('avc1', unit) === null && keyframe ? [...sets, unit, second(unit)] : [unit];
      for (const each of again) rig.builder.assembler.packet(each, 0, each.length, { timestamp, marker: true }, false);
    }
  }
  rig.builder.finish();
  assert.equal(rig.samples().length, 26);
});

/** The same unit as a slice that begins elsewhere in the picture. */
function second(unit: Uint8Array): Uint8Array {
  const copy = unit.slice();
  copy[1] = copy[1]! & 0x7f;
  return copy;
}

test('what is lost costs its own unit; a keyframe with a hole is none', () => {
  const { pictures, sets } = source({ inBand: true, size: '640x360' });
  const rig = new Rig('H264', sets);
  let damagedKeyframes = 0;
  for (const [i, { bytes, keyframe }] of pictures.entries()) {
    const drop = keyframe && i === 25 ? 2 : i === 30 ? 0 : -1;
    if (keyframe && drop >= 0) damagedKeyframes++;
    rig.picture(bytes, i * 3_600, { drop });
    rig.nowMs += 40;
  }
  rig.builder.finish();
  assert.equal(damagedKeyframes, 1);
  assert.equal(rig.items.filter((each) => each.keyframe).length, pictures.filter((each) => each.keyframe).length - 1);
  const ticks = rig.items.reduce((sum, each) => sum + each.tracks[0]!.duration, 0);
  assert.equal(ticks, pictures.length * 3_600, 'time goes on over what is missing');
  for (const { bytes } of rig.samples()) {
    const lengths = [...nalUnits(bytes, 4)].reduce((sum, unit) => sum + 4 + unit.length, 0);
    assert.equal(lengths, bytes.length, 'samples hold whole units only');
  }
});

test('timestamps: jumps are told, pictures out of order are told, small disorder is lived with', () => {
  const { pictures, sets } = source({ inBand: true });
  const play = (times: readonly number[], everyMs = 40) => {
    const rig = new Rig('H264', sets);
    for (const [i, time] of times.entries()) {
      rig.picture(pictures[i % pictures.length]!.bytes, time);
      rig.nowMs += everyMs;
    }
    rig.builder.finish();
    return rig;
  };
  const steady = Array.from({ length: 30 }, (_, i) => i * 3_600);
  assert.equal(play(steady).trouble, null);
  assert.equal(play(steady.map((time, i) => time + (i > 20 ? 900_000 : 0))).trouble, 'jump');
  assert.equal(play(steady.map((time, i) => time - (i > 20 ? 900_000 : 0))).trouble, 'jump');
  assert.equal(
    play(
      steady.map((time, i) => time + (i > 20 ? 900_000 : 0)),
      11_000,
    ).trouble,
    null,
    'a pause is no jump',
  );
  // Shown order 0 2 1 4 3 …: what B-frames look like.
  assert.equal(play(steady.map((_, i) => (i + (i % 2 ? 1 : -1)) * 3_600)).trouble, 'reordered');
  const disordered = play(steady.map((time, i) => (i === 10 ? time - 5_000 : time)));
  assert.equal(disordered.trouble, null);
  const ticks = disordered.samples().map((each) => each.duration);
  assert.ok(ticks.every((each) => each >= 1));
  assert.equal(
    ticks.slice(0, -1).reduce((sum, each) => sum + each, 0),
    29 * 3_600,
  );
  // Slow and fast streams.
  const slow = play(
    steady.map((time) => time * 25),
    1_000,
  );
  assert.ok(slow.items.every((each) => each.tracks[0]!.sampleCount === 1));
  assert.equal(
    play(
      steady.map(() => 0),
      0,
    ).trouble,
    null,
  );
});

test('sound goes with its picture: it tiles, begins with it, follows its reports, and never grows', () => {
  const { pictures, sounds, sets } = source({ inBand: true, audio: 'aac' });
  for (const told of [true, false]) {
    const rig = new Rig('H264', sets, AAC);
    if (told) rig.builder.align(90_000, 5_000);
    let heard = 0;
    for (const [i, { bytes }] of pictures.entries()) {
      rig.picture(bytes, 90_000 + i * 3_600);
      rig.nowMs += 40;
      rig.builder.arrived(rig.nowMs);
      for (; heard * 1_024 < (i + 1) * 1_920 - 1_024; heard++) {
        const { bytes: sound } = sounds[heard]!;
        rig.builder.sound(sound, 0, sound.length, (5_000 + heard * 1_024) >>> 0, 1_024);
      }
    }
    rig.builder.finish();
    const out = rig.samples(1);
    assert.ok(out.length >= heard - 2 && out.length <= heard, `${out.length} of ${heard}`);
    assert.deepEqual(out.at(-1)!.bytes, sounds[heard - 1]!.bytes);
    let end: bigint | null = null;
    for (const { tracks } of rig.items) {
      const track = tracks.find((each) => each.id === 2);
      if (!track) continue;
      assert.equal(track.baseDecodeTime, end ?? track.baseDecodeTime);
      end = track.baseDecodeTime + BigInt(track.duration);
    }
    assert.ok(Math.abs(Number(end) - heard * 1_024) <= (told ? 0 : 4_000), `${end} beside ${heard * 1_024}`);
    const shown = spawnSync('ffmpeg', ['-v', 'warning', '-i', 'pipe:0', '-f', 'null', '-'], { input: rig.movie });
    assert.equal(shown.stderr.toString(), '');
  }
  // A picture that stops while the sound goes on: bounded, and the stream goes on after it.
  const rig = new Rig('H264', sets, AAC);
  rig.picture(pictures[0]!.bytes, 0);
  rig.picture(pictures[1]!.bytes, 3_600);
  for (let i = 0; i < 5_000; i++) {
    rig.nowMs += 21;
    rig.builder.arrived(rig.nowMs);
    rig.builder.sound(new Uint8Array(2_000), 0, 2_000, i * 1_024, 1_024);
  }
  rig.picture(pictures[2]!.bytes, 7_200 + 90 * 105_000);
  rig.builder.finish();
  assert.equal(rig.trouble, null);
  assert.ok(rig.items.reduce((sum, each) => sum + each.bytes.length, 0) < 1_000_000);
});

test('whatever packets hold, pictures stay bounded, and units whole', () => {
  const random = new SeededRandom(23);
  for (const codec of ['H264', 'H265'] as const) {
    const { pictures } = source({ codec: codec === 'H264' ? 'h264' : 'h265', inBand: true });
    const told: AssembledPicture[] = [];
    const assembler: PictureAssembler = new PictureAssembler(codec, (picture) => {
      told.push(picture);
      const bytes = assembler.bytes.subarray(picture.from, picture.to);
      const whole = [...nalUnits(bytes, 4)].reduce((sum, unit) => sum + 4 + unit.length, 0);
      assert.equal(whole, bytes.length);
      if (random.below(3)) assembler.consume(picture.to);
    });
    for (let round = 0; round < (process.env['SLOW'] ? 100_000 : 3_000); round++) {
      const { bytes } = pictures[random.below(pictures.length)]!;
      for (const payload of payloadsOf(codec, bytes.subarray(0, 3_000), random)) {
        const copy = payload.slice(0, random.below(5) ? payload.length : random.below(payload.length + 1));
        for (let n = random.below(3); n > 0 && copy.length > 0; n--)
          copy[random.below(Math.min(copy.length, 8))] = random.below(256);
        const fields = { timestamp: random.below(4) ? round : random.below(2 ** 31), marker: random.below(2) === 0 };
        assembler.packet(copy, 0, copy.length, fields, random.below(10) === 0);
      }
      assert.ok(assembler.bytes.length <= 12 * 1024 * 1024);
    }
    assert.ok(told.length > 1_000, `${told.length}`);
  }
});

test('an endless picture takes no more than its room', () => {
  const assembler = new PictureAssembler('H264', () => {});
  const piece = new Uint8Array(60_000).fill(0x41);
  piece[0] = 28;
  for (let i = 0; i < 400; i++) {
    piece[1] = i === 0 ? 0x85 : 5;
    assembler.packet(piece, 0, piece.length, { timestamp: 1, marker: false }, false);
  }
  assert.ok(assembler.bytes.length <= 12 * 1024 * 1024);
});

test('a builder holds no more than a picture and a fragment, however long it runs', () => {
  const { pictures, sets } = source({ inBand: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), (fps) => {
      const rig = new Rig('H264', sets);
      for (let i = 0; i < 120; i++) {
        rig.picture(pictures[i % pictures.length]!.bytes, Math.round((i * 90_000) / fps));
        rig.nowMs += 1_000 / fps;
        assert.ok(rig.builder.assembler.bytes.length <= 1024 * 1024);
      }
      rig.builder.finish();
      for (const { tracks } of rig.items) {
        assert.ok(tracks[0]!.sampleCount === 1 || tracks[0]!.duration <= 18_000);
      }
      assert.equal(rig.samples().length, 120);
    }),
    { numRuns: 20 },
  );
});
