import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { videoArguments } from '../../src/virtual-camera/encoder-arguments.ts';
import {
  readStrip,
  STRIP_FRAME_MODULUS,
  STRIP_TIME_MODULUS,
  stripCells,
  stripHeight,
  stripTime,
} from '../../src/virtual-camera/time-strip.ts';

/** Cells as the filters draw them, written down a second time from the document. */
function cellsOf(frame: number, timeMs: number): number[] {
  const bits = [
    frame.toString(2).padStart(16, '0'),
    timeMs.toString(2).padStart(20, '0'),
    ((frame + 7 * timeMs) % 251).toString(2).padStart(8, '0'),
  ].join('');
  return [...`10${bits.slice(0, 22)}01${bits.slice(22)}`].map((bit) => (bit === '1' ? 235 : 16));
}

const codes = fc.record({ frame: fc.nat(STRIP_FRAME_MODULUS - 1), timeMs: fc.nat(STRIP_TIME_MODULUS - 1) });

test('a strip says what was drawn, and every wrong cell is noticed', () => {
  fc.assert(
    fc.property(codes, fc.nat(47), (code, wrong) => {
      const cells = cellsOf(code.frame, code.timeMs);
      assert.deepEqual(readStrip(cells), { ...code });
      cells[wrong] = 251 - cells[wrong]!;
      assert.equal(readStrip(cells), null);
    }),
  );
});

test('other pictures are no strip', () => {
  assert.equal(readStrip([]), null);
  assert.equal(readStrip(new Array(48).fill(0)), null);
  assert.equal(readStrip(new Array(48).fill(255)), null);
  assert.equal(readStrip(new Array(48).fill(Number.NaN)), null);
  assert.equal(readStrip(cellsOf(5, 77).map((value) => 100 + value / 5)), null);
});

test('a time of the strip is the whole time nearest to the one that is known', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1.6e12, max: 1.9e12 }), fc.integer({ min: -500_000, max: 500_000 }), (at, off) => {
      assert.equal(stripTime(at % STRIP_TIME_MODULUS, at + off), at);
    }),
  );
});

for (const [codec, width, height] of [
  ['h264', 1280, 720],
  ['h264', 640, 360],
  ['h264', 160, 96],
  ['h265', 322, 182],
] as const) {
  test(`what ffmpeg draws is read from the decoded ${codec} picture of ${width}x${height}`, () => {
    const beforeMs = Date.now();
    const originUs = (beforeMs - 1234) * 1000 + 567;
    const picture = { width, height, fps: 25, gop: 50, bitrate: 400_000 };
    const args = videoArguments(codec, picture, originUs);
    const output = args.pop()!;
    const encoded = spawnSync('ffmpeg', [...args, '-frames:v', '6', output], { maxBuffer: 1 << 26 });
    const decode = ['-v', 'error', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
    const raw = spawnSync('ffmpeg', [...decode.slice(0, -1), '-fps_mode', 'passthrough', 'pipe:1'], {
      input: encoded.stdout,
      maxBuffer: 1 << 26,
    }).stdout;
    const afterMs = Date.now();
    const cells = stripCells(width, height);
    assert.ok(cells.every(({ y }) => y >= height - stripHeight(height) && y < height));
    assert.equal(raw.length, 6 * width * height, encoded.stderr.toString());
    let last = 0;
    for (let at = 0; at < 6; at++) {
      const code = readStrip(cells.map(({ x, y }) => raw[at * width * height + y * width + x]!));
      assert.ok(code, `picture ${at}`);
      assert.equal(code.frame, at);
      const time = stripTime(code.timeMs, beforeMs);
      assert.ok(time >= beforeMs && time <= afterMs, `${time} of ${beforeMs} to ${afterMs}`);
      assert.ok(time > last);
      last = time;
    }
  });
}
