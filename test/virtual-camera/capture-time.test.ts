import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  CAPTURE_TIME_UUID,
  captureTimeInSample,
  captureTimeNal,
  captureTimeOf,
} from '../../src/virtual-camera/capture-time.ts';

const codecs = ['h264', 'h265'] as const;

test('a capture time is laid out as documented', () => {
  const nal = captureTimeNal('h264', { captureUs: 1_795_000_000_123_456, frameNumber: 0x0102_0304 });
  assert.equal(
    Buffer.from(nal).toString('hex'),
    `06051c${Buffer.from(CAPTURE_TIME_UUID).toString('hex')}0006608b016112400102030480`,
  );
  assert.equal(Buffer.from(captureTimeNal('h265', { captureUs: 1, frameNumber: 1 })).toString('hex', 0, 4), '4e01051c');
});

test('every capture time comes back, and no start code hides in it', () => {
  const time = fc.record({ captureUs: fc.maxSafeNat(), frameNumber: fc.integer({ min: 0, max: 0xffff_ffff }) });
  fc.assert(
    fc.property(fc.constantFrom(...codecs), time, (codec, each) => {
      const nal = captureTimeNal(codec, each);
      assert.deepEqual(captureTimeOf(nal), { ...each });
      for (let i = 2; i < nal.length; i++) assert.ok(nal[i]! > 2 || nal[i - 1] !== 0 || nal[i - 2] !== 0);
      return true;
    }),
  );
  for (const captureUs of [0, 1, 256, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    assert.equal(captureTimeOf(captureTimeNal('h264', { captureUs, frameNumber: 0 }))!.captureUs, captureUs);
  }
});

test('a capture time is found behind another message and inside a sample', () => {
  const nal = captureTimeNal('h264', { captureUs: 77_777_777, frameNumber: 5 });
  const other = Uint8Array.of(6, 4, 3, 1, 2, 3, ...nal.subarray(1));
  assert.equal(captureTimeOf(other)?.frameNumber, 5);
  const sample = Buffer.concat([
    Buffer.of(0, 0, 0, 2, 9, 16),
    Buffer.of(0, 0, 0, nal.length),
    nal,
    Buffer.of(0, 0, 0, 1, 0x65),
  ]);
  assert.deepEqual(captureTimeInSample(sample), { captureUs: 77_777_777, frameNumber: 5 });
  assert.equal(captureTimeInSample(sample.subarray(0, 20)), null);
  assert.equal(captureTimeInSample(Buffer.of(0, 0, 0, 1, 0x65)), null);
});

test('any changed marker byte and any cut is no capture time', () => {
  for (const codec of codecs) {
    const nal = captureTimeNal(codec, { captureUs: 1_795_000_000_123_456, frameNumber: 0x0102_0304 });
    const uuidAt = codec === 'h264' ? 3 : 4;
    for (let i = 0; i < uuidAt + 16; i++) {
      if (codec === 'h264' && i === 0) continue; // nal_ref_idc is not ours to judge
      if (codec === 'h265' && i <= 1) continue; // nor are layer and temporal id
      const changed = Uint8Array.from(nal);
      changed[i]! ^= 0x10;
      assert.equal(captureTimeOf(changed), null, `${codec} byte ${i}`);
    }
    for (let length = 0; length < nal.length - 1; length++) {
      assert.equal(captureTimeOf(nal.subarray(0, length)), null, `${codec} cut at ${length}`);
    }
  }
});

test('no input makes the reader throw', () => {
  const random = new SeededRandom(11);
  const rounds = process.env['SLOW'] ? 100_000 : 5000;
  const seed = Uint8Array.from(captureTimeNal('h264', { captureUs: 5, frameNumber: 6 }));
  for (let i = 0; i < rounds; i++) {
    const bytes = i % 2 ? random.bytes(random.below(80)) : Uint8Array.from(seed);
    for (let k = random.below(4); k > 0 && bytes.length > 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    captureTimeOf(bytes);
    captureTimeInSample(bytes, 1 + random.below(4));
  }
});
