/** Standard base64 with its padding. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** Octets of standard base64, or null; exactly one text, padded, is accepted for each byte string. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 !== 0) return null;
  // Node skips what is no digit and takes the URL-safe alphabet too: only a text that comes out again is the one.
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? Uint8Array.from(bytes) : null;
}
