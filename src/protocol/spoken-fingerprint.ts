import type { DeviceKey } from './ids.ts';

/** Letters by value. Each word spells 16 bits: 4 and 2 and 4 and 2 and 4, the highest first (docs/protocol/pairing.md). */
const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';
/** Bits of a key that are spelt: the same as its fingerprint in hexadecimal shows. */
const WORDS = 8;

/**
 * The first 128 bits of a key as eight words of two syllables (`lusab babad …`), for people who compare two screens or read one aloud. It says
 * the same as `keyFingerprint`. The spelling is that of proquints (arXiv 0901.4016).
 */
export function spokenFingerprint(key: DeviceKey): string {
  const words: string[] = [];
  for (let index = 0; index < WORDS; index++)
    words.push(spell(Number.parseInt(key.slice(index * 4, index * 4 + 4), 16)));
  return words.join(' ');
}

/** A 16-bit number as one word of five letters. */
function spell(bits: number): string {
  const consonant = (shift: number) => CONSONANTS[(bits >> shift) & 15]!;
  const vowel = (shift: number) => VOWELS[(bits >> shift) & 3]!;
  return consonant(12) + vowel(10) + consonant(6) + vowel(4) + consonant(0);
}
