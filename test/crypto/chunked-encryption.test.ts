import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CHUNK_SIZE,
  ChunkSealer,
  type CryptoSuite,
  createNobleSuite,
  createWebSuite,
  openChunked,
  openChunkedSync,
  SEALED_CHUNK_SIZE,
} from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';

const random = new SeededRandom(1);
const node = createNodeSuite();
const suites: CryptoSuite[] = [
  node,
  await createWebSuite(globalThis.crypto),
  createNobleSuite((length) => random.bytes(length)),
];
const context = random.bytes(20);

function seal(plaintext: Uint8Array) {
  const key = random.bytes(32);
  const sealer = new ChunkSealer(node, key, random.bytes(24), context);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at <= plaintext.length; at += CHUNK_SIZE) {
    chunks.push(sealer.seal(plaintext.subarray(at, at + CHUNK_SIZE)));
  }
  return { key, header: sealer.header, chunks };
}

test('every provider opens what was sealed, in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 3 * CHUNK_SIZE + 5 }), async (length) => {
      const plaintext = random.bytes(length);
      const { key, header, chunks } = seal(plaintext);
      for (const suite of suites) {
        const opener = (await openChunked(suite, key, header, context))!;
        for (let k = chunks.length - 1; k >= 0; k--) {
          const opened = await opener.open(k, chunks[k]!);
          assert.deepEqual(opened, plaintext.slice(k * CHUNK_SIZE, (k + 1) * CHUNK_SIZE));
        }
      }
    }),
    { numRuns: 12 },
  );
});

test('an opener has neither key, nor context, nor place to spare', async () => {
  const { key, header, chunks } = seal(random.bytes(CHUNK_SIZE + 9));
  assert.equal(await openChunked(node, random.bytes(32), header, context), null);
  assert.equal(await openChunked(node, key.subarray(1), header, context), null);
  assert.equal(await openChunked(node, key, header, context.subarray(1)), null);
  assert.equal(await openChunked(node, key, header.subarray(1), context), null);
  const opener = openChunkedSync(node, key, header, context)!;
  for (const index of [1, -1, 0.5, 2 ** 38, Number.NaN]) assert.equal(opener.open(index, chunks[0]!), null);
  assert.equal(opener.open(0, new Uint8Array(15)), null);
  assert.equal(opener.open(0, new Uint8Array(SEALED_CHUNK_SIZE + 1)), null);
  assert.ok(opener.open(0, chunks[0]!));
});

test('a sealer never meets one index twice', () => {
  const sealer = new ChunkSealer(node, random.bytes(32), random.bytes(24), context);
  sealer.seal(new Uint8Array(CHUNK_SIZE));
  assert.equal(sealer.count, 1);
  sealer.seal(new Uint8Array(3));
  assert.throws(() => sealer.seal(new Uint8Array(3)), { kind: 'internal' });
  const other = new ChunkSealer(node, random.bytes(32), random.bytes(24), context);
  assert.throws(() => other.seal(new Uint8Array(CHUNK_SIZE + 1)), { kind: 'internal' });
});
