import { assert } from '../errors.ts';

/** One step of a Noise message pattern. */
export type NoiseToken = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'e1' | 'ekem1' | 'psk';

/** A handshake pattern as the specification prints it: what is known beforehand, then the messages in turn. */
export interface NoisePatternText {
  /** The initiator's static key is known to the responder beforehand. */
  initiatorKnown?: boolean;
  /** The responder's static key is known to the initiator beforehand. */
  responderKnown?: boolean;
  /** Tokens of each message, the initiator's first, such as `'e, es'`. */
  messages: readonly string[];
}

/** A pattern with its modifiers applied. */
export interface NoisePattern {
  /** The whole protocol name, which is hashed into the handshake. */
  name: string;
  initiatorKnown: boolean;
  responderKnown: boolean;
  messages: readonly (readonly NoiseToken[])[];
  psk: boolean;
}

/** The patterns this project speaks (Noise revision 34 section 7.5). */
export const NOISE_PATTERNS: Readonly<Record<string, NoisePatternText>> = {
  XK: { responderKnown: true, messages: ['e, es', 'e, ee', 's, se'] },
  XX: { messages: ['e', 'e, ee, s, es', 's, se'] },
};

const NAME = /^Noise_([A-Z][A-Z0-9]*)((?:(?:hfs|psk[0-9])(?:\+(?:hfs|psk[0-9]))*)?)_25519(\+MLKEM768)?_AESGCM_SHA256$/;
const DH_TOKENS: readonly string[] = ['ee', 'es', 'se', 'ss'];

/**
 * The pattern behind a protocol name such as `Noise_XKhfs+psk0_25519+MLKEM768_AESGCM_SHA256`.
 *
 * Modifiers `pskN` (Noise section 9) and `hfs` (noise_hfs_spec: `e1` after the first `e`, or after the DH of that
 * message where there is one; `ekem1` after the first `ee`). A name this code does not know asserts: names are ours.
 */
export function noisePattern(name: string, patterns = NOISE_PATTERNS): NoisePattern {
  const parts = NAME.exec(name);
  const base = parts && patterns[parts[1]!];
  assert(parts && base, `a known noise protocol, not ${name}`);
  const modifiers = parts[2] === '' ? [] : parts[2]!.split('+');
  assert(modifiers.includes('hfs') === (parts[3] !== undefined), 'a KEM exactly with hfs');
  const messages = base.messages.map((line) => line.split(', ') as NoiseToken[]);
  for (const modifier of modifiers) {
    if (modifier === 'hfs') addKem(messages);
    else addPsk(messages, Number(modifier.slice(3)));
  }
  return {
    name,
    initiatorKnown: base.initiatorKnown ?? false,
    responderKnown: base.responderKnown ?? false,
    messages,
    psk: modifiers.some((modifier) => modifier.startsWith('psk')),
  };
}

function addPsk(messages: NoiseToken[][], place: number): void {
  assert(place <= messages.length, 'a psk inside the pattern');
  if (place === 0) messages[0]!.unshift('psk');
  else messages[place - 1]!.push('psk');
}

function addKem(messages: NoiseToken[][]): void {
  const first = messages.find((tokens) => tokens.includes('e'));
  const second = messages.find((tokens) => tokens.includes('ee'));
  assert(first && second, 'hfs on a pattern with e and ee');
  const dh = first.findIndex((token) => DH_TOKENS.includes(token));
  first.splice((dh >= 0 ? dh : first.indexOf('e')) + 1, 0, 'e1');
  second.splice(second.indexOf('ee') + 1, 0, 'ekem1');
}
