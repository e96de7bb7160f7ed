import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/index.ts';
import { type CryptoSuite, createNobleSuite, createWebSuite } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';

const random = new SeededRandom(1);
const suites: CryptoSuite[] = [
  createNodeSuite(),
  await createWebSuite(globalThis.crypto),
  createNobleSuite((length) => random.bytes(length)),
];

for (const ours of suites) {
  for (const theirs of suites) {
    test(`${ours.name} and ${theirs.name} agree on every primitive`, async () => {
      const data = utf8('the same words');
      for (const hash of ['sha256', 'sha512', 'sha3_256'] as const) {
        assert.deepEqual(ours.hashes[hash](data), theirs.hashes[hash](data));
      }
      assert.deepEqual(ours.hashes.hmacSha256(data, data), theirs.hashes.hmacSha256(data, data));
      assert.deepEqual(ours.hashes.hmacSha512(data, data), theirs.hashes.hmacSha512(data, data));

      const key = random.bytes(32);
      const nonce = random.bytes(12);
      const sealed = await (await ours.aead.key(key)).seal(nonce, data, random.bytes(100));
      assert.equal(sealed.length, 116);
      assert.ok(await (await theirs.aead.key(key)).open(nonce, data, sealed));
      sealed[5]! ^= 1;
      assert.equal(await (await theirs.aead.key(key)).open(nonce, data, sealed), null);
      assert.equal(await (await theirs.aead.key(key)).open(nonce, data, sealed.subarray(0, 15)), null);

      const scalar = random.bytes(32);
      const a = await ours.x25519.fromScalar(scalar);
      assert.deepEqual(a.publicKey, (await theirs.x25519.fromScalar(scalar)).publicKey);
      const b = await theirs.x25519.generate();
      assert.deepEqual(await ours.x25519.shared(a, b.publicKey), await theirs.x25519.shared(b, a.publicKey));
      assert.equal(await ours.x25519.shared(a, new Uint8Array(32)), null);
      assert.equal(await ours.x25519.shared(a, new Uint8Array(31)), null);

      const seed = random.bytes(64);
      const kem = await ours.mlKem768.fromSeed(seed);
      assert.deepEqual(kem.publicKey, (await theirs.mlKem768.fromSeed(seed)).publicKey);
      const sent = (await theirs.mlKem768.encapsulate(kem.publicKey))!;
      assert.deepEqual(await ours.mlKem768.decapsulate(kem, sent.ciphertext), sent.sharedSecret);
      assert.equal(await ours.mlKem768.decapsulate(kem, sent.ciphertext.subarray(1)), null);
      assert.equal(await ours.mlKem768.encapsulate(kem.publicKey.subarray(1)), null);
      const fresh = await ours.mlKem768.generate();
      assert.equal(fresh.publicKey.length, 1184);
    });
  }
}
