import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, toHex, utf8 } from '../../src/bytes/index.ts';
import { ChunkSealer, createNobleSuite, deriveChunkedKeys } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  chainKeyAt,
  encodeBoundHeader,
  encodeSegmentHeader,
  openSegment,
  parseSegmentHeader,
  segmentContext,
  segmentShape,
  unwrapFileKey,
  wrapFileKey,
  wrapKeyOf,
} from '../../src/protocol/index.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const random = new SeededRandom(1);

for (const suite of [createNodeSuite(), createNobleSuite((length) => random.bytes(length))]) {
  test(`the written vector of the format comes out bit for bit (${suite.name})`, async () => {
    const { hashes } = suite;
    const epochKey = filled(0x11, 32);
    const header = {
      flags: 0,
      segmentId: filled(0x22, 16),
      streamId: filled(0x33, 16),
      nodeId: filled(0x44, 32),
      seq: 7,
      startUs: 1_795_000_000_000_000,
      startMonoUs: 123_456_789,
      bootId: filled(0x55, 16),
      clockState: 'synced',
      kind: 'video',
      clockErrorMs: 5,
      chainIndex: 2,
      epochId: 20_778,
      epochKeyId: hashes.sha256(concatBytes(utf8('constitute.cnk/2 ekid'), epochKey)).subarray(0, 16),
      prevLeaf: filled(0, 32),
    } as const;
    assert.equal(toHex(header.epochKeyId), '711aa7df7644447994e406699528a2ce');
    const chainKey = chainKeyAt(hashes, epochKey, 0, 2)!;
    assert.equal(toHex(chainKey), 'af051d74211208cc4e6805504f6d90239f42ce9a1820c5c752b0ff847945d5c1');
    assert.equal(
      toHex(wrapKeyOf(hashes, chainKey, header.segmentId)),
      '733e4bebf2c6311796109e05e98581c7a03854ffed06c7cbcf0b1443ace24ba1',
    );
    const bound = encodeBoundHeader(header);
    assert.equal(toHex(hashes.sha256(bound)), 'bc8e3f981d69607dc5c3ccf8730fc6fc7b4f48720c1c7ed4c0cd5b34f99c6438');
    const fileKey = filled(0x66, 32);
    const wrapped = wrapFileKey(suite, chainKey, header.segmentId, bound, fileKey);
    assert.equal(
      toHex(wrapped),
      '16e2d36a544962446cdb4a9faebb3347e7ad7950726f1813bf55bce743e3d148dcae36fc8058e9577ab3511da7880941',
    );
    const head = encodeSegmentHeader(bound, wrapped);
    assert.equal(toHex(head.subarray(508)), '0d6aa264');
    const salt = filled(0x77, 24);
    const context = segmentContext(hashes, bound);
    const keys = deriveChunkedKeys(hashes, fileKey, salt, context);
    assert.equal(toHex(keys.base), '26599fc0f03cc4126d6bf878');
    assert.equal(toHex(keys.commitment), 'c39b36d7f729d13f40c5063efb0774a4a22b416a8f53c18398459769d72fbe55');
    const sealer = new ChunkSealer(suite, fileKey, salt, context);
    const first = sealer.seal(filled(0, 16_384));
    const last = sealer.seal(utf8('end'));
    assert.equal(toHex(last), 'd8b54a1bb0ac190590d8d65f79f785f5415b7f');
    const file = concatBytes(head, sealer.header, first, last);
    assert.equal(file.length, 16_987);
    assert.equal(toHex(hashes.sha256(file)), 'a8c476feb667e8437544e79a15cc270bec08aae47e99500d6fcbaeebd2ee03a0');

    const parsed = parseSegmentHeader(file);
    assert.ok(parsed.ok);
    assert.deepEqual({ ...parsed.value.header }, header);
    assert.deepEqual(await unwrapFileKey(suite, chainKey, parsed.value), fileKey);
    const segment = (await openSegment(suite, file.subarray(0, 568), fileKey))!;
    assert.deepEqual(await segment.openChunk(0, first, false), filled(0, 16_384));
    assert.deepEqual(await segment.openChunk(1, last, true), utf8('end'));
    assert.equal(await segment.openChunk(0, first, true), null);
    assert.equal(await segment.openChunk(1, first, false), null);
    assert.equal(await segment.openChunk(0, last, true), null);
    assert.deepEqual(segmentShape(file.length), {
      wholeChunks: 1,
      tailSize: 19,
      chunkCount: 2,
      plaintextSize: 16_387,
    });
  });
}
