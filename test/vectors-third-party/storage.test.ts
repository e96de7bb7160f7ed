import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { equalBytes } from '../../src/bytes/index.ts';
import {
  CHUNK_SIZE,
  ChunkSealer,
  type CryptoSuite,
  createNobleSuite,
  createWebSuite,
  deriveChunkedKeys,
  hkdfExpandSha256,
  hkdfExpandSha512,
  hkdfExtractSha256,
  hpkeKeySchedule,
  openChunked,
  SEALED_CHUNK_SIZE,
  xWingDecapsulate,
  xWingEncapsulate,
  xWingPairOfSeed,
  xWingPublicKey,
} from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';

const folder = process.env['CONSTITUTE_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors/third-party');
const random = new SeededRandom(1);
const suites: CryptoSuite[] = [
  createNodeSuite(),
  await createWebSuite(globalThis.crypto),
  createNobleSuite((length) => random.bytes(length)),
];

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const same = (a: Uint8Array | null, hex: string) => a !== null && equalBytes(a, bytes(hex));

// biome-ignore lint/suspicious/noExplicitAny: every file of others has its own shape
type Group = Record<string, any>;

/** Runs one file over every suite that fits it, says how many vectors that were, and skips plainly where it is absent. */
function vectors(file: string, run: (groups: Group[], all: Group) => Promise<number> | number): void {
  const path = join(folder, file);
  const skip = existsSync(path)
    ? false
    : `${path} is not there: set CONSTITUTE_VECTORS to the folder of published vectors`;
  test(`published vectors of ${file} agree`, { skip }, async () => {
    const all = JSON.parse(readFileSync(path, 'utf8')) as Group;
    const count = await run((Array.isArray(all) ? all : all['testGroups']) as Group[], all);
    assert.ok(count > 0);
    console.log(`vectors: ${file} ${count} run`);
  });
}

async function each(
  groups: Group[],
  check: (vector: Group, group: Group) => Promise<boolean> | boolean,
): Promise<number> {
  let count = 0;
  for (const group of groups) {
    for (const vector of group['tests'] as Group[]) {
      assert.ok(await check(vector, group), `vector ${vector['tcId']}: ${vector['comment'] ?? ''}`);
      count += 1;
    }
  }
  return count;
}

vectors('wycheproof_c2sp_chunked_encryption_aes_256_gcm.json', async (groups) => {
  let count = 0;
  for (const suite of suites) count += await each(groups, (vector) => chunked(suite, vector));
  return count;
});

/** Opens as a stream does: chunk after chunk until the end or a failure, and then what came out must be the longest valid prefix. */
async function chunked(suite: CryptoSuite, vector: Group): Promise<boolean> {
  const stored = Uint8Array.from(inflateSync(bytes(vector['ct'])));
  const [key, context] = [bytes(vector['key']), bytes(vector['ctx'])];
  const opener = await openChunked(suite, key, stored.subarray(0, 56), context);
  if ((vector['flags'] as string[]).includes('HeaderFailure')) return opener === null && vector['result'] === 'invalid';
  assert.ok(opener);
  const schedule = deriveChunkedKeys(suite.hashes, key, stored.subarray(0, 24), context);
  assert.ok(same(schedule.key, vector['aeadKey']) && same(schedule.base, vector['baseNonce']));

  const plain: Uint8Array[] = [];
  let complete = false;
  let failed = false;
  for (let at = 56, k = 0; !complete && !failed; at += SEALED_CHUNK_SIZE, k++) {
    const sealed = stored.subarray(at, at + SEALED_CHUNK_SIZE);
    const opened = await opener.open(k, sealed);
    if (opened === null) failed = true;
    else {
      plain.push(opened);
      complete = sealed.length < SEALED_CHUNK_SIZE;
    }
  }
  const message = Buffer.concat(plain);
  if (vector['msgSha512'] !== undefined) {
    assert.equal(message.length, vector['msgLength']);
    assert.ok(same(suite.hashes.sha512(message), vector['msgSha512']));
  }
  if (vector['result'] !== 'valid') return !complete;
  // And back: the same salt gives the same bytes.
  const sealer = new ChunkSealer(createNodeSuite(), key, stored.subarray(0, 24), context);
  const parts: Uint8Array[] = [sealer.header];
  for (let at = 0; at <= message.length; at += CHUNK_SIZE)
    parts.push(sealer.seal(message.subarray(at, at + CHUNK_SIZE)));
  return complete && Buffer.concat(parts).equals(stored);
}

vectors('wycheproof_aes_gcm.json', async (groups) => {
  const fitting = groups.filter(({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128);
  let count = 0;
  for (const suite of suites) {
    count += await each(fitting, async ({ key, iv, aad, msg, ct, tag, result }) => {
      const aead = await suite.aead.key(bytes(key));
      const opened = await aead.open(bytes(iv), bytes(aad), bytes(ct + tag));
      if (result !== 'valid') return opened === null;
      return same(opened, msg) && same(await aead.seal(bytes(iv), bytes(aad), bytes(msg)), ct + tag);
    });
  }
  return count;
});

for (const [file, size] of [
  ['wycheproof_hkdf_sha256.json', 32],
  ['wycheproof_hkdf_sha512.json', 64],
] as const) {
  vectors(file, async (groups) => {
    let count = 0;
    for (const { hashes } of suites) {
      count += await each(groups, ({ ikm, salt, info, size: length, okm, result }) => {
        if (result === 'invalid') {
          assert.throws(() => hkdfExpandSha256(hashes, new Uint8Array(32), bytes(info), length), { kind: 'internal' });
          return true;
        }
        if (size === 32) {
          const key = hkdfExtractSha256(hashes, bytes(salt), bytes(ikm));
          return same(hkdfExpandSha256(hashes, key, bytes(info), length), okm);
        }
        const key = hashes.hmacSha512(salt === '' ? new Uint8Array(64) : bytes(salt), bytes(ikm));
        return same(hkdfExpandSha512(hashes, key, bytes(info), length), okm);
      });
    }
    return count;
  });
}

for (const [file, hash] of [
  ['wycheproof_hmac_sha256.json', 'hmacSha256'],
  ['wycheproof_hmac_sha512.json', 'hmacSha512'],
] as const) {
  vectors(file, async (groups) => {
    let count = 0;
    for (const { hashes } of suites) {
      count += await each(groups, ({ key, msg, tag, result }, { tagSize }) => {
        const ours = hashes[hash](bytes(key), bytes(msg)).subarray(0, tagSize / 8);
        return same(ours, tag) === (result === 'valid');
      });
    }
    return count;
  });
}

vectors('wycheproof_x25519.json', async (groups) => {
  let count = 0;
  for (const suite of suites) {
    count += await each(groups, async (vector) => {
      const pair = await suite.x25519.fromScalar(bytes(vector['private']));
      const shared = await suite.x25519.shared(pair, bytes(vector['public']));
      // "acceptable": results some may refuse; we refuse the all-zero one and compute the others.
      if (/^0*$/.test(vector['shared'])) return shared === null;
      return same(shared, vector['shared']) || (vector['result'] !== 'valid' && shared === null);
    });
  }
  return count;
});

vectors('wycheproof_mlkem_768_keygen_seed.json', async (groups) => {
  let count = 0;
  for (const suite of suites) {
    count += await each(groups, async ({ seed, ek, result }) => {
      if (result !== 'valid') return true;
      return same((await suite.mlKem768.fromSeed(bytes(seed))).publicKey, ek);
    });
  }
  return count;
});

vectors('wycheproof_mlkem_768.json', async (groups) => {
  let count = 0;
  for (const suite of suites) {
    count += await each(groups, async ({ seed, ek, c, K, result }) => {
      if (seed.length !== 128) return result === 'invalid';
      const pair = await suite.mlKem768.fromSeed(bytes(seed));
      const secret = await suite.mlKem768.decapsulate(pair, bytes(c));
      if (result === 'invalid') return secret === null;
      return (ek === undefined || same(pair.publicKey, ek)) && same(secret, K);
    });
  }
  return count;
});

vectors('wycheproof_mlkem_768_encaps.json', async (groups) => {
  let count = 0;
  // Only noble takes the message from outside; the others are held to refusing what must be refused.
  for (const suite of suites) {
    count += await each(groups, async ({ m, ek, c, K, result }) => {
      const scripted = createNobleSuite(() => bytes(m));
      const sent = await (suite.name === 'noble' ? scripted : suite).mlKem768.encapsulate(bytes(ek));
      if (result === 'invalid') return sent === null;
      if (!sent) return false;
      return suite.name !== 'noble' || (same(sent.ciphertext, c) && same(sent.sharedSecret, K));
    });
  }
  return count;
});

vectors('hpke_pq.json', async (groups) => {
  let count = 0;
  for (const vector of groups.filter(({ kem_id, kdf_id }) => kem_id === 0x647a && kdf_id === 1)) {
    for (const suite of suites) {
      const pair = await xWingPairOfSeed(suite, bytes(vector['skRm']));
      assert.ok(same(xWingPublicKey(pair), vector['pkRm']), 'the public key');
      const secret = (await xWingDecapsulate(suite, pair, bytes(vector['enc'])))!;
      assert.ok(same(secret, vector['shared_secret']), 'the shared secret');
      const { key, baseNonce } = hpkeKeySchedule(suite.hashes, secret, bytes(vector['info']), vector['aead_id']);
      assert.ok(same(key, vector['key']) && same(baseNonce, vector['base_nonce']), 'key and nonce');
      const [first] = vector['encryptions'] as Group[];
      const opened = chacha20poly1305(key, baseNonce, bytes(first!['aad'])).decrypt(bytes(first!['ct']));
      assert.ok(same(opened, vector['pt'] ?? first!['pt']), 'the first message');
      count += 1;
    }
    // ikmE is the ML-KEM message, then the ephemeral X25519 scalar.
    const chance = [bytes(vector['ikmE']).subarray(0, 32), bytes(vector['ikmE']).subarray(32)];
    const scripted = createNobleSuite(() => chance.shift()!.slice());
    const sent = (await xWingEncapsulate(scripted, bytes(vector['pkRm'])))!;
    assert.ok(same(sent.enc, vector['enc']) && same(sent.sharedSecret, vector['shared_secret']), 'encapsulation');
    count += 1;
  }
  return count;
});
