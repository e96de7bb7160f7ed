import { hash } from 'node:crypto';

/** Hashes that cameras prove passwords with, of OpenSSL: two of them too old for anything of ours. Octets in and out. */
export const nodeCameraHashes = {
  md5: (data: Uint8Array): Uint8Array => hash('md5', data, 'buffer'),
  sha1: (data: Uint8Array): Uint8Array => hash('sha1', data, 'buffer'),
  sha256: (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer'),
};
