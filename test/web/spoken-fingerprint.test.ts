import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DeviceKey, keyFingerprint, spokenFingerprint } from '../../src/protocol/index.ts';

const { vectors } = JSON.parse(
  readFileSync(new URL('../vectors/spoken-fingerprint.json', import.meta.url), 'utf8'),
) as { vectors: { why: string; key: DeviceKey; words: string }[] };

for (const { why, key, words } of vectors) {
  test(`a fingerprint is spelt: ${why}`, () => assert.equal(spokenFingerprint(key), words));
}

/** Reads words back by search, which the program never does. */
function bitsOf(words: string): string {
  const consonants = 'bdfghjklmnprstvz';
  const vowels = 'aiou';
  return words
    .split(' ')
    .map((word) => {
      let bits = 0;
      for (const letter of word) {
        const vowel = vowels.indexOf(letter);
        bits = vowel < 0 ? bits * 16 + consonants.indexOf(letter) : bits * 4 + vowel;
      }
      return bits.toString(16).padStart(4, '0');
    })
    .join(' ');
}

test('the words say what the fingerprint in hexadecimal says', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const key = Buffer.from(bytes).toString('hex') as DeviceKey;
      assert.equal(bitsOf(spokenFingerprint(key)), keyFingerprint(key));
    }),
  );
});

test('what lies behind the first 128 bits changes nothing, any bit before does', () => {
  const key = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' as DeviceKey;
  const at = (index: number) =>
    (key.slice(0, index) + (key[index] === '0' ? '1' : '0') + key.slice(index + 1)) as DeviceKey;
  for (let index = 0; index < 64; index++) {
    assert.equal(spokenFingerprint(at(index)) === spokenFingerprint(key), index >= 32, `sign ${index}`);
  }
});
