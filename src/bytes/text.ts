const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEX = '0123456789abcdef';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** UTF-8 octets of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/** Text of UTF-8 octets, or `null` where they are not well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += HEX[byte >> 4]! + HEX[byte & 15]!;
  return out;
}

/** Octets of lower-case hexadecimal text, or `null` where it is anything else or not `length` octets long. */
export function fromHex(text: string, length?: number): Uint8Array<ArrayBuffer> | null {
  if (text.length % 2 !== 0 || (length !== undefined && text.length !== length * 2)) return null;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = HEX.indexOf(text[i * 2]!);
    const low = HEX.indexOf(text[i * 2 + 1]!);
    if (high < 0 || low < 0) return null;
    out[i] = (high << 4) | low;
  }
  return out;
}

/** URL-safe base64 without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += BASE64URL[word >> 18]! + BASE64URL[(word >> 12) & 63]!;
    if (left > 1) out += BASE64URL[(word >> 6) & 63]!;
    if (left > 2) out += BASE64URL[word & 63]!;
  }
  return out;
}

/** Octets of URL-safe base64 without padding, or `null`; exactly one text is accepted for each byte string. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  const tail = text.length % 4;
  if (tail === 1) return null;
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let offset = 0;
  for (let i = 0; i < text.length; i += 4) {
    const size = Math.min(4, text.length - i);
    let word = 0;
    for (let k = 0; k < 4; k++) {
      const digit = k < size ? BASE64URL.indexOf(text[i + k]!) : 0;
      if (digit < 0) return null;
      word = (word << 6) | digit;
    }
    if (size === 2 && (word & 0xffff) !== 0) return null;
    if (size === 3 && (word & 0xff) !== 0) return null;
    out[offset++] = (word >> 16) & 255;
    if (size > 2) out[offset++] = (word >> 8) & 255;
    if (size > 3) out[offset++] = word & 255;
  }
  return out;
}
