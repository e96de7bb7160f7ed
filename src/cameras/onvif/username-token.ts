import { concatBytes, utf8 } from '../../bytes/index.ts';
import type { CameraHashes, Credentials } from './credentials.ts';
import { WSS } from './namespaces.ts';
import { escapeXml } from './soap-message.ts';

/** Octets of a nonce: cameras remember each one for minutes, so that a question cannot be asked again by somebody else. */
export const TOKEN_NONCE_BYTES = 16;

/**
 * Header of WS-Security by which a question proves the password without telling it: SHA-1 of nonce, time and password, in base64
 * (OASIS UsernameToken Profile 1.0). `createdAt` is the time the camera judges by, epoch ms. No `mustUnderstand`: cameras that go by HTTP
 * alone would have to refuse the question.
 */
export function usernameToken(
  hashes: Pick<CameraHashes, 'sha1'>,
  { username, password }: Credentials,
  { nonce, createdAt }: { nonce: Uint8Array; createdAt: number },
): string {
  const created = new Date(createdAt).toISOString();
  const digest = hashes.sha1(concatBytes(nonce, utf8(created), utf8(password)));
  return (
    `<w:Security xmlns:w="${WSS.extension}" xmlns:u="${WSS.utility}"><w:UsernameToken>` +
    `<w:Username>${escapeXml(username)}</w:Username>` +
    `<w:Password Type="${WSS.digest}">${base64(digest)}</w:Password>` +
    `<w:Nonce EncodingType="${WSS.base64}">${base64(nonce)}</w:Nonce>` +
    `<u:Created>${created}</u:Created>` +
    '</w:UsernameToken></w:Security>'
  );
}

function base64(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets));
}
