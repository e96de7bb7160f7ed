import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { concatBytes, equalBytes } from '../../src/bytes/index.ts';
import { NvrError } from '../../src/errors.ts';
import { boxesIn, type Fragment, FragmentReader, type ParsedInit, pictureSize } from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { type SampleMedia, sampleMedia } from '../support/sample-media.ts';

function read(bytes: Uint8Array, piece: () => number): { inits: ParsedInit[]; fragments: Fragment[] } {
  const reader = new FragmentReader();
  const inits: ParsedInit[] = [];
  const fragments: Fragment[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + piece());
    for (const item of reader.push(bytes.subarray(at, end))) {
      if ('init' in item) inits.push(item.init);
      else fragments.push(item.fragment);
    }
    at = end;
  }
  return { inits, fragments };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const cases: [string, SampleMedia, string[]][] = [
  ['H.264', {}, ['avc1.42c00b']],
  ['H.264 with AAC', { audio: 'aac' }, ['avc1.42c00b', 'mp4a.40.2']],
  ['H.264 with Opus', { audio: 'opus' }, ['avc1.42c00b', 'opus']],
  ['H.265', { codec: 'h265' }, ['hvc1.1.6.L30.90']],
];

for (const [name, media, codecs] of cases) {
  test(`${name}: init segment and fragments, whatever the cuts`, () => {
    const bytes = sampleMedia(media);
    const whole = read(bytes, () => bytes.length);
    assert.equal(whole.inits.length, 1);
    const [init] = whole.inits as [ParsedInit];
    assert.deepEqual(
      init.tracks.map((track) => track.codec.replace(/L30\..*/, 'L30.90')),
      codecs,
    );
    const video = init.tracks[0]!;
    assert.deepEqual([video.width, video.height], [160, 96]);
    const sps = video.parameterSets!.find((unit) =>
      video.format === 'avc1' ? (unit[0]! & 31) === 7 : unit[0]! >> 1 === 33,
    )!;
    assert.deepEqual(pictureSize(video.format, sps), { width: 160, height: 96 });

    assert.ok(whole.fragments.length >= 20, `${whole.fragments.length} fragments of at most 200 ms in 4 s`);
    assert.ok(whole.fragments[0]!.keyframe);
    assert.equal(whole.fragments.filter((fragment) => fragment.keyframe).length, 4);
    const samples = whole.fragments.flatMap((each) => each.tracks.filter((track) => track.id === video.id));
    assert.equal(
      samples.reduce((sum, each) => sum + each.sampleCount, 0),
      100,
    );
    let next = samples[0]!.baseDecodeTime;
    for (const each of samples) {
      assert.equal(each.baseDecodeTime, next, 'decode times tile');
      next += BigInt(each.duration);
    }
    assert.ok(Math.abs(Number(next - samples[0]!.baseDecodeTime) / video.timescale - 4) < 0.05);

    const random = new SeededRandom(3);
    for (const piece of [() => 1 + random.below(700), () => 1, () => 65_536]) {
      const cut = read(bytes, piece);
      assert.equal(cut.fragments.length, whole.fragments.length);
      assert.deepEqual(cut.fragments.at(-1), whole.fragments.at(-1));
    }
  });
}

test('a box that claims too much is refused before it is held', () => {
  const reader = new FragmentReader({ initBytesMax: 1000, fragmentBytesMax: 5000 });
  assert.throws(() => reader.push(Uint8Array.of(0, 0, 4, 0, 102, 116, 121, 112)), { code: 'ERR_MEDIA_TOO_LARGE' });
  const other = new FragmentReader();
  assert.throws(() => other.push(Uint8Array.of(0x7f, 255, 255, 255, 102, 116, 121, 112)), {
    code: 'ERR_MEDIA_TOO_LARGE',
  });
});

test('one huge keyframe is read, and its room is not kept', () => {
  const [first, second] = new FragmentReader().push(sampleMedia());
  assert.ok(first && 'init' in first && second && 'fragment' in second);
  const { bytes } = second.fragment;
  const mdat = [...boxesIn(bytes)].find((box) => box.type === 'mdat')!;
  const huge = concatBytes(bytes, new Uint8Array(12_000_000));
  new DataView(huge.buffer).setUint32(mdat.start, huge.length - mdat.start);
  const readers = Array.from({ length: 8 }, () => new FragmentReader());
  const before = process.memoryUsage().arrayBuffers;
  for (const reader of readers) {
    reader.push(first.init.bytes);
    const [item] = reader.push(huge);
    assert.ok(item && 'fragment' in item && item.fragment.bytes.length === huge.length);
    const [next] = reader.push(bytes);
    assert.ok(next && 'fragment' in next && equalBytes(next.fragment.bytes, bytes));
  }
  // What one collection finds is freed beside the program: a busy machine needs a few.
  let heldBytes = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10 && heldBytes >= 8 * 10_000_000; round++) {
    collect();
    heldBytes = process.memoryUsage().arrayBuffers - before;
  }
  assert.ok(heldBytes < 8 * 10_000_000, `${heldBytes} bytes are held by eight readers`);
});

test('things out of place are malformed, with a word for what was found', () => {
  const bytes = sampleMedia();
  const init = new FragmentReader().push(bytes).find((item) => 'init' in item)!;
  assert.ok('init' in init);
  const head = init.init.bytes;
  for (const [what, input] of [
    ['no ftyp', bytes.subarray(head.length)],
    ['mdat first', Buffer.concat([head, Buffer.from([0, 0, 0, 8]), Buffer.from('mdat')])],
    ['text', Buffer.from('<html>not found</html> and some more')],
    ['moov twice', Buffer.concat([head, head.subarray(28)])],
  ] as const) {
    assert.throws(() => new FragmentReader().push(input), { code: 'ERR_MEDIA_MALFORMED', kind: 'corrupt' }, what);
  }
});

test('another video codec is named as such; another sound is taken as it is', () => {
  const renamed = (from: string, to: string) => {
    const text = Buffer.from(sampleMedia({ audio: 'aac' }))
      .toString('latin1')
      .replace(from, to);
    return Uint8Array.from(Buffer.from(text, 'latin1'));
  };
  // The first occurrence is the brand in ftyp.
  const other = renamed('avc1mp41', 'iso6mp41');
  const video = Uint8Array.from(Buffer.from(Buffer.from(other).toString('latin1').replace('avc1', 'mp4v'), 'latin1'));
  assert.throws(() => new FragmentReader().push(video), { code: 'ERR_MEDIA_UNSUPPORTED', kind: 'corrupt' });
  const [init] = new FragmentReader().push(renamed('mp4a', 'ac-3'));
  assert.ok(init && 'init' in init);
  assert.deepEqual(
    init.init.tracks.map((track) => track.codec),
    ['avc1.42c00b', 'ac-3'],
  );
});

test('mutated streams end in fragments or a reason, never in anything else', () => {
  const random = new SeededRandom(11);
  const source = sampleMedia({ audio: 'aac', seconds: 1 }).slice(0, 6_000);
  const rounds = process.env['SLOW'] ? 100_000 : 3_000;
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = source.slice(0, random.below(10) === 0 ? random.below(source.length) : source.length);
    for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length || 1)] = random.below(256);
    try {
      new FragmentReader().push(bytes);
    } catch (error) {
      assert.ok(error instanceof NvrError && error.kind === 'corrupt', `${error}`);
      refused++;
    }
  }
  assert.ok(refused > rounds / 20, `${refused} of ${rounds} were refused`);
});
