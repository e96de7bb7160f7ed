import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as oracle from 'hpke';
import { ByteWriter, concatBytes, crc32c, fromHex, toHex } from '../../src/bytes/index.ts';
import {
  type CryptoSuite,
  createNobleSuite,
  createWebSuite,
  hpkeKeySchedule,
  hpkeOpen,
  nobleHashes,
  xWingDecapsulate,
  xWingPairOfSeed,
  xWingPublicKey,
} from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  chainKeyAt,
  chunkRange,
  encodeLeaf,
  leafHash,
  MerkleTree,
  openAsRecipient,
  openSegment,
  openWithKek,
  parseEpochKeyFile,
  parseLeaf,
  parseLogHeader,
  parseSegmentHeader,
  segmentShape,
  unwrapFileKey,
  verifyEpochKeyFile,
} from '../../src/protocol/index.ts';
import {
  type Change,
  type CnkBase,
  type CnkCase,
  type CnvBase,
  type CnvCase,
  plaintextOf,
  storageVectors,
} from './storage-vectors.ts';

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../vectors/${name}.json`), 'utf8')) as T;
const cnv = read<{ bases: CnvBase[]; cases: CnvCase[] }>('cnv');
const cnk = read<{ bases: CnkBase[]; cases: CnkCase[]; hpke: Record<string, string>[] }>('cnk');
const log = read<{
  header: string;
  nodeId: string;
  logId: string;
  emptyRoot: string;
  leaves: { name: string; bytes: string; hash: string; rootSoFar: string }[];
  refused: { name: string; leaf: string; change: Change }[];
}>('log');

const random = new SeededRandom(3);
const suites: CryptoSuite[] = [
  createNodeSuite(),
  await createWebSuite(globalThis.crypto),
  createNobleSuite((length) => random.bytes(length)),
];
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));

function changed(file: Uint8Array, change: Change): Uint8Array<ArrayBuffer> {
  let out = file.slice();
  if (change.xor) out[change.xor.at]! ^= change.xor.with;
  if (change.cutTo !== undefined) out = out.slice(0, change.cutTo);
  if (change.append) out = concatBytes(out, fromHex(change.append)!);
  if (change.chunks) {
    const chunks = change.chunks.map((k) => file.subarray(chunkRange(k).start, chunkRange(k).end));
    out = concatBytes(file.subarray(0, 568), ...chunks);
  }
  if (change.mendCrc) out.set(new ByteWriter(4).u32(crc32c(out.subarray(0, 508))).finish(), 508);
  return out;
}

/** Reads a file as a careful reader does, from its epoch key, and says how far it came. */
async function readCnv(suite: CryptoSuite, file: Uint8Array, epochKey: Uint8Array) {
  const parsed = parseSegmentHeader(file);
  if (!parsed.ok) return { end: 'header', chunks: [] as Uint8Array[] };
  const chainKey = chainKeyAt(suite.hashes, epochKey, 0, parsed.value.header.chainIndex)!;
  const fileKey = await unwrapFileKey(suite, chainKey, parsed.value);
  const segment = fileKey && (await openSegment(suite, file, fileKey));
  if (!segment) return { end: 'key', chunks: [] };
  const shape = segmentShape(file.length)!;
  const chunks: Uint8Array[] = [];
  for (let k = 0; k < shape.wholeChunks; k++) {
    const plain = await segment.openChunk(k, file.subarray(chunkRange(k).start, chunkRange(k).end), false);
    if (!plain) return { end: 'chunk', chunks };
    chunks.push(plain);
  }
  if (shape.tailSize === 0) return { end: 'unterminated', chunks };
  const tail = await segment.openChunk(shape.wholeChunks, file.subarray(chunkRange(shape.wholeChunks).start), true);
  if (!tail) return { end: 'chunk', chunks };
  return { end: 'complete', chunks: [...chunks, tail] };
}

test('the published vectors are what their maker makes', async () => {
  for (const [name, content] of Object.entries(await storageVectors())) {
    assert.deepEqual(read(name), JSON.parse(JSON.stringify(content)), name);
  }
});

for (const suite of suites) {
  test(`every .cnv vector reads as told (${suite.name})`, async () => {
    for (const base of cnv.bases) {
      const file = bytesOf(base.file);
      assert.equal(toHex(nobleHashes.sha256(file)), base.sha256);
      const { end, chunks } = await readCnv(suite, file, fromHex(base.epochKey)!);
      assert.equal(end, 'complete', base.name);
      assert.deepEqual(concatBytes(...chunks), plaintextOf(base.plaintextBytes), base.name);
      assert.ok(await openSegment(suite, file, fromHex(base.fileKey)!));
    }
    for (const { name, base, change, expect, chunksOpened } of cnv.cases) {
      const from = cnv.bases.find((each) => each.name === base)!;
      const { end, chunks } = await readCnv(suite, changed(bytesOf(from.file), change), fromHex(from.epochKey)!);
      assert.equal(end, expect, name);
      if (chunksOpened !== undefined) assert.equal(chunks.length, chunksOpened, name);
      const prefix = plaintextOf(from.plaintextBytes).subarray(0, concatBytes(...chunks).length);
      assert.deepEqual(concatBytes(...chunks), prefix.slice(), `${name}: nothing wrong is released`);
    }
  });

  test(`every .cnk vector reads as told (${suite.name})`, async () => {
    for (const base of cnk.bases) {
      const parsed = parseEpochKeyFile(bytesOf(base.file));
      assert.ok(parsed.ok, base.name);
      assert.ok(verifyEpochKeyFile(suite.hashes, parsed.value), base.name);
      const { file } = parsed.value;
      const key = fromHex(base.epochKey);
      const withKek = openWithKek(createNodeSuite(), fromHex(base.kek)!, file);
      assert.deepEqual(withKek, base.opensWithKek ? key : null, base.name);
      const [keyId, seed] = [fromHex(base.recipientKeyId)!, fromHex(base.recipientSeed)!];
      assert.deepEqual(await openAsRecipient(suite, keyId, seed, file), base.opensAsRecipient ? key : null, base.name);
      assert.equal(await openAsRecipient(suite, keyId, new Uint8Array(32), file), null);
    }
  });
}

test('every HPKE vector of our suite opens, here and elsewhere', async () => {
  const theirs = new oracle.CipherSuite(oracle.KEM_MLKEM768_X25519, oracle.KDF_HKDF_SHA256, oracle.AEAD_AES_256_GCM);
  for (const vector of cnk.hpke) {
    const part = (name: string) => fromHex(vector[name]!)!;
    for (const suite of suites) {
      const pair = await xWingPairOfSeed(suite, part('seed'));
      assert.deepEqual(xWingPublicKey(pair), part('publicKey'));
      assert.deepEqual(await xWingDecapsulate(suite, pair, part('enc')), part('sharedSecret'));
      const { key, baseNonce } = hpkeKeySchedule(suite.hashes, part('sharedSecret'), part('info'));
      assert.deepEqual([toHex(key), toHex(baseNonce)], [vector['key'], vector['baseNonce']]);
      const rest = [part('enc'), part('info'), part('additional'), part('ciphertext')] as const;
      assert.deepEqual(await hpkeOpen(suite, pair, ...rest), part('plaintext'));
    }
    const secretKey = await theirs.DeserializePrivateKey(part('seed'));
    const options = { info: part('info'), aad: part('additional') };
    const opened = await theirs.Open(secretKey, part('enc'), part('ciphertext'), options);
    assert.deepEqual(new Uint8Array(opened), part('plaintext'));
  }
});

test('every changed .cnk vector is refused as told', () => {
  for (const { name, base, change, expect } of cnk.cases) {
    const from = cnk.bases.find((each) => each.name === base)!;
    const parsed = parseEpochKeyFile(changed(bytesOf(from.file), change));
    assert.equal(parsed.ok, expect !== 'form', name);
    if (parsed.ok) assert.equal(verifyEpochKeyFile(nobleHashes, parsed.value), false, name);
  }
});

test('every log vector reads as told', () => {
  const header = parseLogHeader(fromHex(log.header)!);
  assert.ok(header.ok && toHex(header.value.nodeId) === log.nodeId && toHex(header.value.logId) === log.logId);
  const tree = new MerkleTree(nobleHashes);
  assert.equal(toHex(tree.root()), log.emptyRoot);
  for (const { name, bytes, hash, rootSoFar } of log.leaves) {
    const parsed = parseLeaf(fromHex(bytes)!);
    assert.ok(parsed.ok, name);
    assert.equal(toHex(encodeLeaf(parsed.value)), bytes, name);
    assert.equal(toHex(leafHash(nobleHashes, fromHex(bytes)!)), hash);
    tree.add(fromHex(hash)!);
    assert.equal(toHex(tree.root()), rootSoFar);
  }
  for (const { name, leaf, change } of log.refused) {
    const from = log.leaves.find((each) => each.name === leaf)!;
    assert.equal(parseLeaf(changed(fromHex(from.bytes)!, change)).ok, false, name);
  }
});
