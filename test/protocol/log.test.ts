import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes, equalBytes } from '../../src/bytes/index.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  createLeaf,
  encodeLeaf,
  encodeLogHeader,
  type LeafType,
  leafHash,
  MerkleTree,
  parseLeaf,
  parseLogHeader,
  placeOfConfigLeaf,
  type SegmentState,
  type SourceId,
  type StreamName,
  streamAssignedLeaf,
} from '../../src/protocol/index.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const fields = fc.record({
  chunkCount: fc.nat({ max: 0xffff_ffff }),
  fileBytes: number,
  segmentId: bytes(16),
  streamId: bytes(16),
  seq: number,
  startUs: number,
  endUs: number,
  startMonoUs: number,
  endMonoUs: number,
  bootId: bytes(16),
  prevLeaf: bytes(32),
  headerHash: bytes(32),
  chunkRoot: bytes(32),
  lostFrames: number,
  cause: fc.nat({ max: 65_535 }),
  detail: fc.nat({ max: 255 }),
  epochId: number,
  generation: number,
});
const TYPES: readonly LeafType[] = ['segment', 'prune', 'gap', 'key', 'clock', 'boot', 'config'];

test('leaves encode and parse are inverse for every type', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...TYPES),
      fc.constantFrom<SegmentState>('final', 'recovered', 'aborted'),
      fields,
      (type, state, given) => {
        const leaf = createLeaf(type, { ...given, state: type === 'segment' || type === 'prune' ? state : null });
        const encoded = encodeLeaf(leaf);
        assert.equal(encoded.length, 256);
        const parsed = parseLeaf(encoded);
        assert.ok(parsed.ok);
        assert.deepEqual(parsed.value, leaf);
      },
    ),
  );
});

test('a changed byte gives another leaf or none, a cut one none', () => {
  const leaf = encodeLeaf(createLeaf('segment', { state: 'final', seq: 4, fileBytes: 999, chunkCount: 1 }));
  const hash = leafHash(nobleHashes, leaf);
  for (let at = 0; at < 256; at++) {
    const changed = leaf.slice();
    changed[at]! ^= 1;
    const parsed = parseLeaf(changed);
    if (parsed.ok)
      assert.ok(equalBytes(encodeLeaf(parsed.value), changed), 'what is accepted is exactly what was read');
    assert.ok(!equalBytes(leafHash(nobleHashes, changed), hash));
    assert.equal(parseLeaf(leaf.subarray(0, at)).ok, false);
  }
  const chance = new SeededRandom(1);
  for (let i = 0; i < 5000; i++) {
    const changed = leaf.slice();
    for (let n = chance.below(6); n >= 0; n--) changed[chance.below(256)] = chance.below(256);
    const parsed = parseLeaf(changed);
    if (parsed.ok) assert.ok(equalBytes(encodeLeaf(parsed.value), changed));
  }
});

test('log headers encode and parse are inverse; anything else is refused', () => {
  const header = { nodeId: new Uint8Array(32).fill(1), logId: new Uint8Array(16).fill(2) };
  const encoded = encodeLogHeader(header);
  assert.deepEqual(parseLogHeader(encoded), { ok: true, value: header });
  for (let at = 0; at < 16; at++) {
    const changed = encoded.slice();
    changed[at]! ^= 1;
    assert.equal(parseLogHeader(changed).ok, false, `byte ${at}`);
  }
  for (let length = 0; length < 64; length++) assert.equal(parseLogHeader(encoded.subarray(0, length)).ok, false);
});

test('a config leaf names its source and stream, the longest id too', () => {
  for (const sourceId of ['a', 'front-door_2', `a${'b'.repeat(62)}`] as SourceId[]) {
    for (const stream of ['main', 'sub'] as StreamName[]) {
      const leaf = streamAssignedLeaf({ sourceId, stream, streamId: new Uint8Array(16).fill(3) }, {});
      const parsed = parseLeaf(encodeLeaf(leaf));
      assert.ok(parsed.ok);
      assert.deepEqual(placeOfConfigLeaf(parsed.value), { sourceId, stream });
    }
  }
  const leaf = streamAssignedLeaf({ sourceId: 'front' as SourceId, stream: 'main', streamId: new Uint8Array(16) }, {});
  assert.equal(placeOfConfigLeaf({ ...leaf, detail: 3 }), null);
  assert.equal(placeOfConfigLeaf({ ...leaf, cause: 9 }), null);
  assert.equal(placeOfConfigLeaf({ ...leaf, headerHash: new Uint8Array(32).fill(0x2e) }), null);
  assert.equal(placeOfConfigLeaf(createLeaf('boot', {})), null);
});

/** RFC 6962 section 2.1, word for word: the slow, obvious second implementation. */
function slowRoot(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return nobleHashes.sha256(new Uint8Array(0));
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nobleHashes.sha256(concatBytes(Uint8Array.of(1), slowRoot(leaves.slice(0, k)), slowRoot(leaves.slice(k))));
}

test('the growing tree has the root of RFC 6962 at every size', () => {
  const tree = new MerkleTree(nobleHashes);
  const leaves: Uint8Array[] = [];
  for (let size = 0; size <= 70; size++) {
    assert.deepEqual(tree.root(), slowRoot(leaves), `size ${size}`);
    const leaf = leafHash(nobleHashes, Uint8Array.of(size));
    leaves.push(leaf);
    tree.add(leaf);
    assert.equal(tree.count, size + 1);
  }
});
