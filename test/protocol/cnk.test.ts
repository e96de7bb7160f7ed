import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { schnorrPublicKey, schnorrSign, xWingPairOfSeed, xWingPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  type EpochKeyFile,
  encodeEpochKeyFile,
  epochKeyCommitment,
  openAsRecipient,
  openWithKek,
  parseEpochKeyFile,
  type StanzaType,
  sealKekStanza,
  sealRecipientStanza,
  verifyEpochKeyFile,
} from '../../src/protocol/index.ts';

const SLOW = process.env['SLOW'] === '1';
const suite = createNodeSuite();
const random = new SeededRandom(2);
const secret = random.bytes(32);
const signer = schnorrPublicKey(secret);
const sign = (digest: Uint8Array) => schnorrSign(secret, digest, new Uint8Array(32));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const PLAIN = { noNullPrototype: true } as const;
const SIZES: Record<StanzaType, number> = { kek: 60, xWing: 1168, x25519: 80, passphrase: 84 };
const stanzas = fc
  .constantFrom<StanzaType>('kek', 'xWing', 'x25519', 'passphrase')
  .chain((type) => fc.record({ type: fc.constant(type), keyId: bytes(16), body: bytes(SIZES[type]) }, PLAIN));

const files: fc.Arbitrary<EpochKeyFile> = fc.record(
  {
    streamId: bytes(16),
    epochId: number,
    notBeforeUs: number,
    notAfterUs: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    commitment: bytes(32),
    generation: number,
    stanzas: fc.array(stanzas, { maxLength: 6 }),
  },
  PLAIN,
);

test('key files encode and parse are inverse, and their signature holds', () => {
  fc.assert(
    fc.property(files, (file) => {
      const parsed = parseEpochKeyFile(encodeEpochKeyFile(suite.hashes, file, signer, sign));
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.value.file, file);
      assert.ok(verifyEpochKeyFile(suite.hashes, parsed.value));
    }),
    { numRuns: 30 },
  );
});

async function managed(): Promise<{ file: EpochKeyFile; key: Uint8Array; kek: Uint8Array; seed: Uint8Array }> {
  const [key, kek, seed] = [random.bytes(32), random.bytes(32), random.bytes(32)];
  const place = {
    streamId: random.bytes(16),
    epochId: 4,
    notBeforeUs: 1000,
    commitment: epochKeyCommitment(suite.hashes, key),
  };
  const recipient = {
    keyId: new Uint8Array(16).fill(1),
    publicKey: xWingPublicKey(await xWingPairOfSeed(suite, seed)),
  };
  const stanzas = [
    sealKekStanza(suite, kek, random.bytes(12), place, key),
    (await sealRecipientStanza(suite, recipient, place, key))!,
  ];
  return { file: { ...place, notAfterUs: null, generation: 1, stanzas }, key, kek, seed };
}

test('node and device open the key; closing, adding and removing stanzas breaks no other', async () => {
  const { file, key, kek, seed } = await managed();
  const keyId = new Uint8Array(16).fill(1);
  const [forNode, forDevice] = file.stanzas;
  for (const changed of [
    file,
    { ...file, notAfterUs: 5000, generation: 2 },
    { ...file, stanzas: [forDevice!, { type: 'x25519' as const, keyId, body: random.bytes(80) }, forNode!] },
  ]) {
    assert.deepEqual(openWithKek(suite, kek, changed), key);
    assert.deepEqual(await openAsRecipient(suite, keyId, seed, changed), key);
  }
  assert.equal(openWithKek(suite, kek, { ...file, stanzas: [forDevice!] }), null);
  assert.equal(openWithKek(suite, random.bytes(32), file), null);
  assert.equal(await openAsRecipient(suite, new Uint8Array(16), seed, file), null);
});

test('a stanza moved to another stream, epoch or day does not open', async () => {
  const { file, kek, seed } = await managed();
  const keyId = new Uint8Array(16).fill(1);
  for (const moved of [
    { ...file, streamId: random.bytes(16) },
    { ...file, epochId: 5 },
    { ...file, notBeforeUs: 1001 },
    { ...file, commitment: random.bytes(32) },
  ]) {
    assert.equal(openWithKek(suite, kek, moved), null);
    assert.equal(await openAsRecipient(suite, keyId, seed, moved), null);
  }
});

test('a key that is not the committed one is not given out', async () => {
  const { file, kek } = await managed();
  const wrong = random.bytes(32);
  const forged = { ...file, stanzas: [sealKekStanza(suite, kek, random.bytes(12), file, wrong)] };
  assert.equal(openWithKek(suite, kek, forged), null);
});

test('every changed byte and every cut is refused', async () => {
  const { file } = await managed();
  const whole = encodeEpochKeyFile(suite.hashes, file, signer, sign);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(parseEpochKeyFile(whole.subarray(0, length)).ok, false, `cut to ${length}`);
  }
  const step = SLOW ? 1 : 29;
  for (let at = 0; at < whole.length; at += step) {
    const changed = whole.slice();
    changed[at]! ^= 1 << (at & 7);
    const parsed = parseEpochKeyFile(changed);
    assert.ok(!parsed.ok || !verifyEpochKeyFile(suite.hashes, parsed.value), `byte ${at}`);
  }
});

test('whatever bytes come, the parser answers within bounds', async () => {
  const { file } = await managed();
  const whole = encodeEpochKeyFile(suite.hashes, file, signer, sign);
  const chance = new SeededRandom(6);
  for (let i = 0; i < (SLOW ? 200_000 : 5000); i++) {
    const bytes = whole.slice(0, i % 5 === 0 ? chance.below(whole.length) : whole.length);
    for (let n = chance.below(5); n >= 0 && bytes.length > 0; n--)
      bytes[chance.below(Math.min(200, bytes.length))] = chance.below(256);
    const parsed = parseEpochKeyFile(bytes);
    if (parsed.ok) assert.ok(parsed.value.file.stanzas.length <= 256);
  }
  assert.deepEqual(parseEpochKeyFile(new Uint8Array(400_000)), { ok: false, reason: 'key file is too large' });
});
