import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, utf8 } from '../../src/bytes/index.ts';
import type { KeyPair } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { NOISE_MESSAGE_MAX, NoiseCipher } from '../../src/protocol/noise-cipher.ts';
import { NoiseHandshake } from '../../src/protocol/noise-handshake.ts';
import { noisePattern } from '../../src/protocol/noise-pattern.ts';
import { noble, node, suites } from './handshake-cast.ts';

const XK = 'Noise_XKhfs_25519+MLKEM768_AESGCM_SHA256';
const EMPTY = new Uint8Array(0);

test('hfs and psk put their tokens where their documents say', () => {
  const tokens = (name: string) => noisePattern(name).messages.map((line) => line.join(', '));
  const tail = '_25519+MLKEM768_AESGCM_SHA256';
  assert.deepEqual(tokens(XK), ['e, es, e1', 'e, ee, ekem1', 's, se']);
  assert.deepEqual(tokens(`Noise_XKhfs+psk0${tail}`), ['psk, e, es, e1', 'e, ee, ekem1', 's, se']);
  assert.deepEqual(tokens(`Noise_XXhfs${tail}`), ['e, e1', 'e, ee, ekem1, s, es', 's, se']);
  assert.deepEqual(tokens(`Noise_XXhfs+psk0${tail}`), ['psk, e, e1', 'e, ee, ekem1, s, es', 's, se']);
  assert.deepEqual(tokens('Noise_XXpsk3_25519_AESGCM_SHA256'), ['e', 'e, ee, s, es', 's, se, psk']);
  for (const name of ['Noise_ZZ_25519_AESGCM_SHA256', 'Noise_XKhfs_25519_AESGCM_SHA256', `Noise_XK${tail}`]) {
    assert.throws(() => noisePattern(name), { code: 'ERR_INTERNAL_ASSERTION' }, name);
  }
});

test('every suite shakes hands with every other by every pattern of ours', async () => {
  for (const name of [XK, 'Noise_XXhfs+psk0_25519+MLKEM768_AESGCM_SHA256', 'Noise_XX_25519_AESGCM_SHA256']) {
    for (const ours of suites) {
      for (const theirs of suites) {
        const pattern = noisePattern(name);
        const psks = pattern.psk ? [new Uint8Array(32).fill(5)] : [];
        const [a, b] = [await ours.x25519.generate(), await theirs.x25519.generate()];
        const known = pattern.responderKnown ? { remoteStatic: b.publicKey } : {};
        const prologue = utf8('the same prologue');
        const client = new NoiseHandshake(ours, { pattern, initiator: true, prologue, staticKey: a, psks, ...known });
        const server = new NoiseHandshake(theirs, { pattern, initiator: false, prologue, staticKey: b, psks });
        assert.ok(await server.read(await client.write(EMPTY)));
        assert.equal(toHex((await client.read(await server.write(utf8('two'))))!), toHex(utf8('two')));
        assert.equal(toHex((await server.read(await client.write(utf8('three'))))!), toHex(utf8('three')));
        const [one, two] = [await client.split(), await server.split()];
        assert.deepEqual(one.hash, two.hash);
        assert.deepEqual(server.remoteStatic, a.publicKey);
        for (const [from, to] of [
          [one, two],
          [two, one],
        ] as const) {
          for (let i = 0; i < 3; i++) {
            const sealed = await from.send.seal(utf8('words'));
            assert.deepEqual(await to.receive.open(sealed), utf8('words'));
            await from.send.rekey();
            await to.receive.rekey();
          }
        }
      }
    }
  }
});

test('a KEM key with coefficients out of range, and a zero DH, are refused without throwing', async () => {
  const staticKey = node.x25519.generate() as KeyPair;
  const prologue = EMPTY;
  const options = { pattern: noisePattern(XK), prologue };
  const badKem = {
    ...node,
    mlKem768: { ...node.mlKem768, generate: () => ({ publicKey: new Uint8Array(1184).fill(255), secret: null }) },
  };
  const lowOrder = {
    ...node,
    x25519: {
      ...node.x25519,
      generate: () => ({ publicKey: new Uint8Array(32), secret: (node.x25519.generate() as KeyPair).secret }),
    },
  };
  for (const bad of [badKem, lowOrder]) {
    const client = new NoiseHandshake(bad, { ...options, initiator: true, remoteStatic: staticKey.publicKey });
    const server = new NoiseHandshake(node, { ...options, initiator: false, staticKey });
    assert.equal(await server.read(await client.write(EMPTY)), null);
  }
  const nobleKey = (await noble.x25519.generate()) as KeyPair;
  const client = new NoiseHandshake(badKem, { ...options, initiator: true, remoteStatic: nobleKey.publicKey });
  const server = new NoiseHandshake(noble, { ...options, initiator: false, staticKey: nobleKey });
  assert.equal(await server.read(await client.write(EMPTY)), null);
});

test('a cipher refuses what is too long, too short, out of order, or changed', async () => {
  const key = new Uint8Array(32).fill(1);
  const cipher = () => new NoiseCipher(node, node.aead.key(key));
  await assert.rejects(async () => cipher().seal(new Uint8Array(NOISE_MESSAGE_MAX - 15)), {
    code: 'ERR_PROTOCOL_LIMIT',
  });
  const from = cipher();
  const first = await from.seal(new Uint8Array(NOISE_MESSAGE_MAX - 16));
  const second = await from.seal(utf8('second'));
  assert.equal((await cipher().open(first))!.length, NOISE_MESSAGE_MAX - 16);
  assert.equal(await cipher().open(new Uint8Array(NOISE_MESSAGE_MAX + 1)), null);
  assert.equal(await cipher().open(new Uint8Array(15)), null);
  assert.equal(await cipher().open(second), null, 'out of order');
  const to = cipher();
  await to.open(first);
  assert.equal(await to.open(first), null, 'twice');
  for (let at = 0; at < second.length; at++) {
    const changed = second.slice();
    changed[at]! ^= 1;
    assert.equal(await new NoiseCipher(node, node.aead.key(key), 1).open(changed), null);
  }
});

test('the counter is the 64-bit big-endian end of the nonce, also above 2^32, and stops at 2^53 - 1', async () => {
  const seen: string[] = [];
  const key = {
    seal: (nonce: Uint8Array) => {
      seen.push(toHex(nonce));
      return new Uint8Array(16);
    },
    open: () => null,
  };
  const at = async (counter: number) => new NoiseCipher(node, key, counter).seal(EMPTY);
  await at(0);
  await at(2 ** 32 + 7);
  await at(Number.MAX_SAFE_INTEGER - 1);
  assert.deepEqual(seen, ['000000000000000000000000', '000000000000000100000007', '00000000001ffffffffffffe']);
  await assert.rejects(at(Number.MAX_SAFE_INTEGER), { code: 'ERR_PROTOCOL_LIMIT', kind: 'exhausted' });
});

test('sealInto gives what seal gives, and says so where the suite has none', async () => {
  const random = new SeededRandom(5);
  const key = random.bytes(32);
  for (let i = 0; i < 20; i++) {
    const plaintext = random.bytes(random.below(40_000));
    const into = new Uint8Array(plaintext.length + 16);
    assert.equal(new NoiseCipher(node, node.aead.key(key), i).sealInto(plaintext, into), true);
    assert.deepEqual(into, await new NoiseCipher(node, node.aead.key(key), i).seal(plaintext));
  }
  const into = new Uint8Array(16);
  assert.equal(new NoiseCipher(noble, await noble.aead.key(key)).sealInto(EMPTY, into), false);
});
