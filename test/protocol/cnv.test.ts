import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter, concatBytes, crc32c, equalBytes } from '../../src/bytes/index.ts';
import { ChunkSealer } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  type ClockState,
  chainKeyAt,
  chunkOf,
  chunkRange,
  encodeBoundHeader,
  encodeSegmentHeader,
  nextChainKey,
  openSegment,
  parseSegmentHeader,
  type SegmentHeader,
  type SegmentKind,
  segmentContext,
  segmentShape,
  unwrapFileKey,
  wrapFileKey,
} from '../../src/protocol/index.ts';

const SLOW = process.env['SLOW'] === '1';
const suite = createNodeSuite();
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const headers: fc.Arbitrary<SegmentHeader> = fc.record(
  {
    flags: fc.nat({ max: 31 }),
    segmentId: bytes(16),
    streamId: bytes(16),
    nodeId: bytes(32),
    seq: number,
    startUs: number,
    startMonoUs: number,
    bootId: bytes(16),
    clockState: fc.constantFrom<ClockState>('unknown', 'synced', 'holdover', 'camera'),
    kind: fc.constantFrom<SegmentKind>('video', 'thumbnails', 'events'),
    clockErrorMs: fc.nat({ max: 65_535 }),
    chainIndex: fc.nat({ max: 16_383 }),
    epochId: number,
    epochKeyId: bytes(16),
    prevLeaf: bytes(32),
  },
  { noNullPrototype: true },
);

test('headers encode and parse are inverse', () => {
  fc.assert(
    fc.property(headers, bytes(48), (header, wrapped) => {
      const bound = encodeBoundHeader(header);
      const parsed = parseSegmentHeader(encodeSegmentHeader(bound, wrapped));
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.value.header, header);
      assert.ok(equalBytes(parsed.value.wrappedKey, wrapped) && equalBytes(parsed.value.bound, bound));
    }),
  );
});

/** A five-chunk segment and everything to open it. */
function fiveChunks() {
  const random = new SeededRandom(4);
  const [epochKey, fileKey] = [random.bytes(32), random.bytes(32)];
  const header: SegmentHeader = {
    flags: 0,
    segmentId: random.bytes(16),
    streamId: random.bytes(16),
    nodeId: random.bytes(32),
    seq: 3,
    startUs: 1_795_000_000_000_000,
    startMonoUs: 5,
    bootId: random.bytes(16),
    clockState: 'unknown',
    kind: 'video',
    clockErrorMs: 0,
    chainIndex: 1,
    epochId: 1,
    epochKeyId: random.bytes(16),
    prevLeaf: random.bytes(32),
  };
  const bound = encodeBoundHeader(header);
  const wrapped = wrapFileKey(suite, nextChainKey(suite.hashes, epochKey), header.segmentId, bound, fileKey);
  const sealer = new ChunkSealer(suite, fileKey, random.bytes(24), segmentContext(suite.hashes, bound));
  const plaintext = random.bytes(4 * 16_384 + 4000);
  const parts: Uint8Array[] = [encodeSegmentHeader(bound, wrapped), sealer.header];
  for (let at = 0; at <= plaintext.length; at += 16_384) parts.push(sealer.seal(plaintext.subarray(at, at + 16_384)));
  return { file: concatBytes(...parts), plaintext, epochKey, fileKey };
}

const base = fiveChunks();

/** How far a reader comes that was given the file key, as a client is; throws where it releases a wrong byte. */
async function readAll(file: Uint8Array): Promise<'refused' | 'broken' | 'unterminated' | 'complete'> {
  const segment = await openSegment(suite, file.subarray(0, 568), base.fileKey);
  if (!segment) return 'refused';
  const shape = segmentShape(file.length)!;
  for (let k = 0; k <= shape.wholeChunks; k++) {
    const isFinal = k === shape.wholeChunks;
    if (isFinal && shape.tailSize === 0) return 'unterminated';
    const { start, end } = chunkRange(k);
    const plain = await segment.openChunk(k, file.subarray(start, isFinal ? file.length : end), isFinal);
    if (!plain) return 'broken';
    assert.ok(equalBytes(plain, base.plaintext.subarray(k * 16_384, k * 16_384 + plain.length)), 'no wrong byte');
  }
  return 'complete';
}

test('every single flipped bit of header, salt and commitment is refused, also with the checksum mended', async () => {
  assert.equal(await readAll(base.file), 'complete');
  const chainKey = chainKeyAt(suite.hashes, base.epochKey, 0, 1)!;
  const file = base.file.slice();
  const crc = file.slice(508, 512);
  let cases = 0;
  for (let bit = 0; bit < 568 * 8; bit++) {
    const at = bit >> 3;
    file[at]! ^= 1 << (bit & 7);
    assert.equal(await readAll(file), 'refused', `bit ${bit}`);
    if (at < 508) {
      file.set(new ByteWriter(4).u32(crc32c(file.subarray(0, 508))).finish(), 508);
      const parsed = parseSegmentHeader(file);
      // What a given file key cannot see (the wrapped copy of it), the chain key does.
      if (at < 256) assert.equal(await readAll(file), 'refused', `bit ${bit}, mended`);
      else assert.ok(!parsed.ok || (await unwrapFileKey(suite, chainKey, parsed.value)) === null, `bit ${bit}, mended`);
      file.set(crc, 508);
      cases += 1;
    }
    file[at]! ^= 1 << (bit & 7);
    cases += 1;
  }
  assert.equal(cases, 4544 + 4064);
});

test('a segment cut anywhere is never complete and never wrong', async () => {
  const step = SLOW ? 1 : 97;
  for (let length = 0; length < base.file.length; length += step) {
    const outcome = await readAll(base.file.subarray(0, length));
    assert.notEqual(outcome, 'complete', `cut to ${length}`);
  }
  for (let k = 0; k < 5; k++) {
    assert.equal(await readAll(base.file.subarray(0, chunkRange(k).start)), 'unterminated');
    assert.equal(await readAll(base.file.subarray(0, chunkRange(k).start + 16)), 'broken');
  }
});

test('chunks swapped, repeated, dropped, spliced or appended are refused', async () => {
  const chunk = (k: number) => base.file.subarray(chunkRange(k).start, chunkRange(k).end);
  const start = base.file.subarray(0, 568);
  const orders: number[][] = [];
  for (let a = 0; a < 5; a++) {
    orders.push([0, 1, 2, 3, 4].filter((k) => k !== a));
    for (let b = 0; b < 5; b++) {
      if (a === b) continue;
      orders.push([0, 1, 2, 3, 4].map((k) => (k === a ? b : k)));
      orders.push([0, 1, 2, 3, 4].map((k) => (k === a ? b : k === b ? a : k)));
      orders.push([...[0, 1, 2, 3, 4].slice(0, a), b, ...[0, 1, 2, 3, 4].slice(a)]);
    }
    orders.push([0, 1, 2, 3, 4, a]);
  }
  let refused = 0;
  for (const order of orders) {
    const isSame = order.join() === '0,1,2,3,4';
    assert.notEqual(await readAll(concatBytes(start, ...order.map(chunk))), isSame ? '' : 'complete', order.join());
    refused += 1;
  }
  assert.equal(refused, 70);
  const other = new ChunkSealer(suite, new Uint8Array(32), new Uint8Array(24), new Uint8Array(0));
  for (let k = 0; k < 4; k++) {
    const foreign = other.seal(base.plaintext.subarray(k * 16_384, (k + 1) * 16_384));
    const spliced = base.file.slice();
    spliced.set(foreign, chunkRange(k).start);
    assert.equal(await readAll(spliced), 'broken');
  }
  for (const extra of [1, 16, 100, 16_400]) {
    assert.notEqual(await readAll(concatBytes(base.file, new Uint8Array(extra))), 'complete');
  }
});

test('random bit flips in chunks release nothing wrong', async () => {
  const chance = new SeededRandom(9);
  for (let i = 0; i < (SLOW ? 5000 : 150); i++) {
    const file = base.file.slice();
    file[568 + chance.below(file.length - 568)]! ^= 1 << chance.below(8);
    assert.equal(await readAll(file), 'broken');
  }
});

test('whatever bytes come, the header parser answers', () => {
  const chance = new SeededRandom(5);
  let accepted = 0;
  for (let i = 0; i < (SLOW ? 200_000 : 5000); i++) {
    const file = base.file.slice(0, 512);
    for (let n = chance.below(4); n >= 0; n--) file[chance.below(512)] = chance.below(256);
    if (i % 2 === 0) file.set(new ByteWriter(4).u32(crc32c(file.subarray(0, 508))).finish(), 508);
    const parsed = parseSegmentHeader(i % 7 === 0 ? file.subarray(0, chance.below(513)) : file);
    if (parsed.ok) accepted += 1;
    else assert.match(parsed.reason, /^[a-z0-9 .]+$/);
  }
  assert.ok(accepted > 0);
});

test('chain keys step forward only, and never further than the epoch', () => {
  const key = new Uint8Array(32).fill(1);
  assert.equal(chainKeyAt(suite.hashes, key, 0, 16_384), null);
  assert.equal(chainKeyAt(suite.hashes, key, 0, 2 ** 31), null);
  assert.equal(chainKeyAt(suite.hashes, key, 5, 4), null);
  assert.equal(chainKeyAt(suite.hashes, key, 0, Number.NaN), null);
  const seen: number[] = [];
  const at3 = chainKeyAt(suite.hashes, key, 0, 3, (index) => seen.push(index))!;
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(chainKeyAt(suite.hashes, nextChainKey(suite.hashes, key), 1, 3), at3);
  assert.ok(chainKeyAt(suite.hashes, key, 0, 16_383));
});

test('arithmetic of offsets, chunks and sizes', () => {
  assert.deepEqual(chunkOf(0), { index: 0, within: 0 });
  assert.deepEqual(chunkOf(16_384), { index: 1, within: 0 });
  assert.deepEqual(chunkOf(2 ** 33 + 5), { index: 2 ** 19, within: 5 });
  assert.deepEqual(chunkRange(2), { start: 33_368, end: 49_768 });
  assert.equal(segmentShape(567), null);
  assert.equal(segmentShape(Number.NaN), null);
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 }), (plaintext) => {
      const size = 568 + plaintext + 16 * (Math.floor(plaintext / 16_384) + 1);
      const shape = segmentShape(size)!;
      assert.equal(shape.plaintextSize, plaintext);
      assert.equal(shape.chunkCount, Math.floor(plaintext / 16_384) + 1);
    }),
  );
});
