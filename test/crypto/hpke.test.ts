import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oracle from 'hpke';
import {
  type CryptoSuite,
  createNobleSuite,
  createWebSuite,
  generateXWingPair,
  hpkeOpen,
  hpkeSeal,
  X_WING_ENC_SIZE,
  X_WING_PUBLIC_KEY_SIZE,
  xWingPairOfSeed,
  xWingPublicKey,
} from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';

const random = new SeededRandom(1);
const suites: CryptoSuite[] = [
  createNodeSuite(),
  await createWebSuite(globalThis.crypto),
  createNobleSuite((length) => random.bytes(length)),
];
const theirs = new oracle.CipherSuite(oracle.KEM_MLKEM768_X25519, oracle.KDF_HKDF_SHA256, oracle.AEAD_AES_256_GCM);
const [info, additional, plaintext] = [random.bytes(16), random.bytes(40), random.bytes(32)];

for (const suite of suites) {
  test(`HPKE with X-Wing agrees with another implementation both ways (${suite.name})`, async () => {
    for (let i = 0; i < 5; i++) {
      const seed = random.bytes(32);
      const publicKey = xWingPublicKey(await xWingPairOfSeed(suite, seed));
      assert.equal(publicKey.length, X_WING_PUBLIC_KEY_SIZE);
      const theirPublic = await theirs.DeserializePublicKey(publicKey);
      const theirPrivate = await theirs.DeserializePrivateKey(seed);

      const sealed = (await hpkeSeal(suite, publicKey, info, additional, plaintext))!;
      assert.equal(sealed.enc.length, X_WING_ENC_SIZE);
      const options = { info, aad: additional };
      assert.deepEqual(
        new Uint8Array(await theirs.Open(theirPrivate, sealed.enc, sealed.ciphertext, options)),
        plaintext,
      );

      const sent = await theirs.Seal(theirPublic, plaintext, options);
      const enc = new Uint8Array(sent.encapsulatedSecret);
      const opened = await hpkeOpen(suite, seed, enc, info, additional, new Uint8Array(sent.ciphertext));
      assert.deepEqual(opened, plaintext);
    }
  });

  test(`HPKE opens nothing that was changed, and takes no malformed key (${suite.name})`, async () => {
    const pair = await generateXWingPair(suite);
    const { enc, ciphertext } = (await hpkeSeal(suite, xWingPublicKey(pair), info, additional, plaintext))!;
    const open = (e: Uint8Array, i: Uint8Array, a: Uint8Array, c: Uint8Array) => hpkeOpen(suite, pair, e, i, a, c);
    assert.deepEqual(await open(enc, info, additional, ciphertext), plaintext);
    for (const at of [0, 500, 1087, 1088, 1100]) {
      const changed = enc.slice();
      changed[at]! ^= 1;
      assert.equal(await open(changed, info, additional, ciphertext), null, `enc byte ${at}`);
    }
    assert.equal(await open(enc, additional, additional, ciphertext), null);
    assert.equal(await open(enc, info, info, ciphertext), null);
    assert.equal(await open(enc, info, additional, ciphertext.subarray(1)), null);
    assert.equal(await open(enc, info, additional, new Uint8Array(3)), null);
    assert.equal(await open(enc.subarray(1), info, additional, ciphertext), null);
    const other = await generateXWingPair(suite);
    assert.equal(await hpkeOpen(suite, other, enc, info, additional, ciphertext), null);
    const lowOrder = xWingPublicKey(pair);
    lowOrder.fill(0, 1184);
    assert.equal(await hpkeSeal(suite, lowOrder, info, additional, plaintext), null);
    assert.equal(await hpkeSeal(suite, lowOrder.subarray(1), info, additional, plaintext), null);
    const modulus = xWingPublicKey(pair);
    modulus.fill(0xff, 0, 100);
    assert.equal(await hpkeSeal(suite, modulus, info, additional, plaintext), null);
  });
}
