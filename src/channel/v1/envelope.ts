import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { fromUtf8, utf8 } from '../../bytes/index.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { readObject, textOf, writeSorted } from './strict-json.ts';

/** Bytes of an envelope's nonce. */
export const NONCE_SIZE = 24;

/** What the wire says of an envelope that is none, in the order in which it is asked. */
export const ENVELOPE_ERRORS = {
  envelope: 'invalid cipher envelope',
  type: 'expected cipher envelope',
  nonce: 'invalid nonce encoding',
  'nonce length': 'invalid nonce length',
  data: 'invalid cipher data',
  decrypt: 'decrypt failed',
} as const;
export type EnvelopeReason = keyof typeof ENVELOPE_ERRORS;

/** A sealed message as it travels. */
export interface Envelope {
  /** 24 bytes. */
  nonce: Uint8Array<ArrayBuffer>;
  /** Ciphertext and 16-byte tag. */
  sealed: Uint8Array<ArrayBuffer>;
}

/** The envelope in a text frame, or why there is none. Total; nothing is opened yet. */
export function parseEnvelope(text: string): Envelope | EnvelopeReason {
  const object = readObject(text);
  if (!object) return 'envelope';
  const [type, nonceText, data] = [textOf(object, 'type'), textOf(object, 'nonce'), textOf(object, 'data')];
  if (type === null || nonceText === null || data === null) return 'envelope';
  if (type !== 'cipher') return 'type';
  const nonce = fromBase64(nonceText);
  if (!nonce) return 'nonce';
  if (nonce.length !== NONCE_SIZE) return 'nonce length';
  const sealed = fromBase64(data);
  return sealed ? { nonce, sealed } : 'data';
}

/** The text inside an envelope (null where it is not UTF-8), or `decrypt` where key or bytes are others. */
export function openEnvelope(key: Uint8Array, { nonce, sealed }: Envelope): { text: string | null } | 'decrypt' {
  try {
    return { text: fromUtf8(xchacha20poly1305(key, nonce).decrypt(sealed)) };
  } catch {
    return 'decrypt';
  }
}

/** A text frame with `text` sealed: XChaCha20-Poly1305 without associated data. A nonce must never come twice under one key. */
export function sealEnvelope(key: Uint8Array, nonce: Uint8Array, text: string): string {
  const sealed = xchacha20poly1305(key, nonce).encrypt(utf8(text));
  return writeSorted({ type: 'cipher', nonce: toBase64(nonce), data: toBase64(sealed) });
}
