import { fromUtf8, utf8 } from '../../bytes/index.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** Hashes that cameras prove passwords with; handed in, for `crypto` has none of the old ones. */
export interface CameraHashes {
  md5(data: Uint8Array): Uint8Array;
  sha1(data: Uint8Array): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
}

/** Text as the octets of its UTF-8, each as the character of its number: what a header of HTTP can carry. */
export function toHeader(text: string): string {
  return Array.from(utf8(text), (octet) => String.fromCharCode(octet)).join('');
}

/** The same back; a header that is no UTF-8 stays as it is. */
export function fromHeader(text: string): string {
  return fromUtf8(Uint8Array.from(text, (sign) => sign.charCodeAt(0) & 0xff)) ?? text;
}
