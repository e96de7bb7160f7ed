import { toHex, utf8 } from '../bytes/index.ts';

/** What a server asks for: one challenge of a `WWW-Authenticate` header (RFC 7235 section 4.1, RFC 7616, RFC 7617). */
export type Challenge = { scheme: 'basic'; realm: string } | DigestChallenge;

/** `qop` is `auth` where the server offers it, null where it knows none (RFC 2069, as most cameras). */
export interface DigestChallenge {
  scheme: 'digest';
  realm: string;
  nonce: string;
  opaque: string | null;
  algorithm: 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess';
  qop: 'auth' | null;
  /** The last answer was right, its nonce too old. */
  stale: boolean;
}

/** One answer to a Digest challenge. */
export interface DigestQuestion {
  challenge: DigestChallenge;
  method: string;
  /** As it stands in the request line. */
  uri: string;
  username: string;
  password: string;
  /** A fresh random text of letters and digits; used where the challenge has a `qop` or a `-sess` algorithm. */
  cnonce: string;
  /** How often this nonce has been used, this time included: from 1. */
  nc: number;
  /** Hashes of octets, 16 and 32 bytes. */
  md5(data: Uint8Array): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
}

const HEADER_MAX = 8_192;
const CHALLENGES_MAX = 8;
const PARAMETERS_MAX = 32;
const ALGORITHMS = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] as const;

/** The value of `Authorization` that answers a Digest challenge: RFC 7616 section 3.4, without `qop` RFC 2069. */
export function digestAnswer(question: DigestQuestion): string {
  const { challenge, method, uri, username, password, cnonce, nc } = question;
  const { realm, nonce, opaque, algorithm, qop } = challenge;
  const hash = (text: string) => toHex((algorithm.startsWith('SHA') ? question.sha256 : question.md5)(utf8(text)));
  const secret = hash(`${username}:${realm}:${password}`);
  const first = algorithm.endsWith('-sess') ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const second = hash(`${method}:${uri}`);
  const count = nc.toString(16).padStart(8, '0');
  const response = hash(
    qop === null ? `${first}:${nonce}:${second}` : `${first}:${nonce}:${count}:${cnonce}:${qop}:${second}`,
  );
  const fields = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
  ];
  // Servers that never said a word of algorithms may not know the word.
  if (algorithm !== 'MD5') fields.push(`algorithm=${algorithm}`);
  if (opaque !== null) fields.push(`opaque=${quoted(opaque)}`);
  if (qop !== null) fields.push(`qop=${qop}`, `nc=${count}`);
  if (qop !== null || algorithm.endsWith('-sess')) fields.push(`cnonce="${cnonce}"`);
  return `Digest ${fields.join(', ')}`;
}

/** The value of `Authorization` for Basic (RFC 7617), as UTF-8. Whoever listens reads the password: see `chooseChallenge`. */
export function basicAnswer(username: string, password: string): string {
  return `Basic ${base64(utf8(`${username}:${password}`))}`;
}

/**
 * The challenge to answer: Digest by SHA-256 before MD5 before Basic, so that no password leaves in clear where a hash does. Null
 * where none is understood, or only Basic is left and `basic` forbids it.
 */
export function chooseChallenge(challenges: readonly Challenge[], { basic }: { basic: boolean }): Challenge | null {
  const digests = challenges.filter((each) => each.scheme === 'digest');
  const strong = digests.find((each) => each.algorithm.startsWith('SHA'));
  return strong ?? digests[0] ?? (basic ? (challenges.find((each) => each.scheme === 'basic') ?? null) : null);
}

/**
 * Challenges in the values of `WWW-Authenticate`, one or more in each, in their order. What is not understood (another scheme,
 * another algorithm, no nonce, `qop` without `auth`) is left out. Total; looks at 8,192 characters of each value.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const found: Challenge[] = [];
  for (const value of values.slice(0, CHALLENGES_MAX)) {
    for (const { scheme, fields } of schemesIn(value.slice(0, HEADER_MAX))) {
      const challenge = scheme === 'basic' ? basicOf(fields) : scheme === 'digest' ? digestOf(fields) : null;
      if (challenge && found.length < CHALLENGES_MAX) found.push(challenge);
    }
  }
  return found;
}

const PIECE = /\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64})(?:\s*=\s*(?:"((?:[^"\\]|\\.){0,4096})"|([^\s,"]{0,1024})))?/y;

/** Takes a header apart: a word without `=` begins a scheme, one with `=` belongs to the scheme before it. */
function schemesIn(text: string): { scheme: string; fields: Map<string, string> }[] {
  const found: { scheme: string; fields: Map<string, string> }[] = [];
  PIECE.lastIndex = 0;
  for (let n = 0; n < CHALLENGES_MAX * PARAMETERS_MAX; n++) {
    const match = PIECE.exec(text);
    if (!match) break;
    const [, word, inQuotes, plain] = match;
    const value = inQuotes?.replace(/\\(.)/g, '$1') ?? plain;
    const current = found.at(-1);
    if (value === undefined) found.push({ scheme: word!.toLowerCase(), fields: new Map() });
    else if (current && !current.fields.has(word!.toLowerCase())) current.fields.set(word!.toLowerCase(), value);
  }
  return found;
}

function basicOf(fields: ReadonlyMap<string, string>): Challenge {
  return { scheme: 'basic', realm: fields.get('realm') ?? '' };
}

function digestOf(fields: ReadonlyMap<string, string>): Challenge | null {
  const nonce = fields.get('nonce');
  const named = (fields.get('algorithm') ?? 'MD5').toLowerCase();
  const algorithm = ALGORITHMS.find((each) => each.toLowerCase() === named);
  const offered = fields
    .get('qop')
    ?.toLowerCase()
    .split(',')
    .map((each) => each.trim());
  if (nonce === undefined || nonce === '' || !algorithm) return null;
  // An empty list is how some cameras say that they know none.
  const qop = offered === undefined || offered.join('') === '' ? null : offered.includes('auth') ? 'auth' : undefined;
  if (qop === undefined) return null;
  return {
    scheme: 'digest',
    realm: fields.get('realm') ?? '',
    nonce,
    opaque: fields.get('opaque') ?? null,
    algorithm,
    qop,
    stale: fields.get('stale')?.toLowerCase() === 'true',
  };
}

/** A quoted string; what could end the header is left out. */
function quoted(text: string): string {
  return `"${text.replace(/[\r\n\0]/g, '').replace(/["\\]/g, '\\$&')}"`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard base64 with padding (RFC 4648 section 4). */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const signs = Math.min(bytes.length - at, 3) + 1;
    for (let i = 0; i < 4; i++) text += i < signs ? ALPHABET[(group >> (18 - 6 * i)) & 63] : '=';
  }
  return text;
}
