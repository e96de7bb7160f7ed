import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SampleRun, writeFragment } from '../../src/media/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { pictureTimes } from '../../web/src/engine/picture-times.ts';

const TIMESCALE = 90_000;
const init = {
  tracks: [{ id: 1, kind: 'video' as const, format: 'avc1', codec: 'avc1.64001f', timescale: TIMESCALE }],
  defaults: new Map([[1, { durationTicks: 3_600, sizeBytes: 0, flags: 0 }]]),
};

function run(decodeTime: number, durations: readonly number[]): SampleRun {
  const count = durations.length;
  return {
    decodeTime,
    durations: Uint32Array.from(durations),
    sizes: new Uint32Array(count).fill(3),
    count,
    data: new Uint8Array(3 * count),
  };
}

function box(type: string, ...parts: (number[] | Uint8Array)[]): Uint8Array {
  const body = parts.flatMap((part) => [...part]);
  return Uint8Array.from([...u32(8 + body.length), ...Buffer.from(type), ...body]);
}

function u32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

test('times of pictures are those that were written', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.array(fc.integer({ min: 1, max: 500_000 }), { minLength: 1, maxLength: 60 }),
      fc.boolean(),
      (decodeTime, durations, sound) => {
        const audio = sound ? run(7, [1_024, 1_024]) : null;
        const { bytes } = writeFragment(1, run(decodeTime, durations), true, audio);
        let at = decodeTime;
        const expected = durations.map((duration) => {
          const time = at / TIMESCALE;
          at += duration;
          return time;
        });
        assert.deepEqual(pictureTimes(bytes, init), expected);
      },
    ),
  );
});

test('pictures that are decoded out of order are told in the order they are shown, with default durations', () => {
  // Version 1, composition offsets: shown 2nd, 4th, 3rd.
  const offsets = [3_600, 7_200, -3_600 + 3_600];
  const trun = box('trun', [1, 0, 0x08, 0], u32(3), ...offsets.map(u32));
  const moof = box(
    'moof',
    box('traf', box('tfhd', [0, 0x02, 0, 0], u32(9)), box('tfdt', u32(0), u32(5))),
    box('traf', box('tfhd', [0, 0x02, 0, 0], u32(1)), box('tfdt', u32(0), u32(90_000)), trun),
  );
  assert.deepEqual(
    pictureTimes(moof, init).map((each) => Math.round((each - 1) * 25)),
    [1, 2, 3],
  );
});

test('any bytes give a list, of bounded length, in order', () => {
  const random = new SeededRandom(7);
  const { bytes } = writeFragment(1, run(123_456, new Array(25).fill(3_600)), true, run(5, [1_024]));
  const rounds = process.env['SLOW'] === '1' ? 100_000 : 6_000;
  let changed = 0;
  for (let i = 0; i < rounds; i++) {
    const copy = bytes.slice();
    for (const [place, value] of [...random.bytes(6)].map((each, at, all) => [
      each * 256 + all[(at + 1) % 6]!,
      all[5 - at]!,
    ])) {
      copy[place! % Math.min(copy.length, 420)] = value!;
    }
    const cut = i % 3 === 0 ? copy.subarray(0, random.bytes(1)[0]! * 2) : copy;
    const times = pictureTimes(cut, init);
    assert.ok(times.length <= 4_096);
    for (let at = 1; at < times.length; at++) assert.ok(times[at]! >= times[at - 1]!);
    if (times.length !== 25) changed++;
  }
  assert.ok(changed > rounds / 10, 'the changes reach what is read');
});
