import { createHash } from 'node:crypto';
import { equalBytesConstantTime, fromUtf8, utf8 } from '../bytes/index.ts';
import type { Credentials } from './options.ts';
import { pathOf } from './rtsp-message.ts';

export const REALM = 'Constitute virtual camera';

/** `ok`, or why not; `stale` means the answer was right for a nonce that is no longer ours. */
export type Verdict = 'ok' | 'stale' | 'refused';

/** What is asked of a client: the value of WWW-Authenticate. */
export function challenge(scheme: 'basic' | 'digest', nonce: string, stale: boolean): string {
  if (scheme === 'basic') return `Basic realm="${REALM}"`;
  return `Digest realm="${REALM}", nonce="${nonce}"${stale ? ', stale=TRUE' : ''}`;
}

/**
 * Judges an Authorization header: Basic (RFC 7617) or Digest with MD5 (RFC 2617; without qop, as cameras have it, and with
 * qop=auth where a client insists). Digest's `uri` must name the mount that is asked for. Total.
 */
export function judge(
  credentials: Credentials,
  request: { method: string; url: string; authorization: string | undefined },
  nonce: string,
): Verdict {
  const match = /^(\w{1,16}) +(.*)$/.exec(request.authorization ?? '');
  if (!match || match[1]!.toLowerCase() !== credentials.scheme) return 'refused';
  return credentials.scheme === 'basic'
    ? judgeBasic(credentials, match[2]!)
    : judgeDigest(credentials, request, match[2]!, nonce);
}

function judgeBasic(credentials: Credentials, text: string): Verdict {
  const decoded = fromUtf8(Buffer.from(text, 'base64')) ?? '';
  return sameSecret(decoded, `${credentials.username}:${credentials.password}`) ? 'ok' : 'refused';
}

function judgeDigest(
  credentials: Credentials,
  request: { method: string; url: string },
  text: string,
  nonce: string,
): Verdict {
  const fields = digestFields(text);
  const uri = fields.get('uri') ?? '';
  const given = fields.get('nonce') ?? '';
  if (fields.get('username') !== credentials.username || fields.get('realm') !== REALM) return 'refused';
  if ((fields.get('algorithm') ?? 'MD5').toUpperCase() !== 'MD5' || !covers(uri, request.url)) return 'refused';
  const ha1 = md5(`${credentials.username}:${REALM}:${credentials.password}`);
  const ha2 = md5(`${request.method}:${uri}`);
  const qop = fields.get('qop');
  if (qop !== undefined && qop !== 'auth') return 'refused';
  const middle = qop === undefined ? given : `${given}:${fields.get('nc') ?? ''}:${fields.get('cnonce') ?? ''}:${qop}`;
  if (!sameSecret(fields.get('response') ?? '', md5(`${ha1}:${middle}:${ha2}`))) return 'refused';
  return given === nonce ? 'ok' : 'stale';
}

/** `name=value` and `name="value"` pairs; the first of a name counts. */
export function digestFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const match of text.matchAll(/([A-Za-z]{1,20}) *= *(?:"([^"]{0,4096})"|([^\s,"]{0,512}))/g)) {
    const name = match[1]!.toLowerCase();
    if (!fields.has(name)) fields.set(name, match[2] ?? match[3] ?? '');
  }
  return fields;
}

/** Some clients sign the whole URL, some its path, some always that of the presentation: it must lead to what is asked. */
function covers(uri: string, url: string): boolean {
  const signed = uri.startsWith('/') ? pathOf(`rtsp://x${uri}`) : pathOf(uri);
  const asked = pathOf(url);
  if (signed === null || asked === null) return false;
  return signed === asked || (signed !== '/' && asked.startsWith(`${signed}/`));
}

/** Whether two texts are the same, in a time that tells nothing. */
export function sameSecret(given: string, expected: string): boolean {
  // Hashed first, so that neither length nor place of a difference shows in the time taken.
  const digest = (text: string) => createHash('sha256').update(utf8(text)).digest();
  return equalBytesConstantTime(digest(given), digest(expected));
}

function md5(text: string): string {
  return createHash('md5').update(utf8(text)).digest('hex');
}
