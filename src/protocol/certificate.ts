import { fromHex, toHex } from '../bytes/index.ts';
import { type Hashes, schnorrPublicKey, schnorrSign, schnorrVerify } from '../crypto/index.ts';
import { eventDigest, eventOf, type SignedEvent } from './event.ts';
import { type DeviceKey, isDeviceKey } from './ids.ts';

/** Event kind of a channel certificate; in nostr's ephemeral range, so that no relay keeps one. */
export const CERTIFICATE_KIND = 27420;
/** Most bytes of a certificate's JSON text. */
export const CERTIFICATE_BYTES_MAX = 2048;
/** Longest life a certificate may claim, seconds. */
export const CERTIFICATE_LIFE_S = 30 * 86_400;

const TAGS_MAX = 16;
const TAG_TEXT = /^[\x20-\x7e]{0,128}$/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,14})$/;
const KNOWN_TAGS = ['p', 'x25519', 'v', 'expiration', 'role'] as const;

export type CertificateRole = 'client' | 'node';

/** What a certificate says: `author` vouches that `channelKey` is its own, towards `node`, until `expiresAtS`. */
export interface CertificateClaim {
  author: DeviceKey;
  role: CertificateRole;
  /** Static X25519 public key, 32 bytes. */
  channelKey: Uint8Array;
  /** The node's x-only key (its own where role is `node`). */
  node: DeviceKey;
  /** Seconds since 1970. */
  createdAtS: number;
  expiresAtS: number;
}

/** What a certificate is measured against. */
export interface CertificateExpectation {
  role: CertificateRole;
  /** The static key the handshake proved. */
  channelKey: Uint8Array;
  node: DeviceKey;
  /** Epoch ms. */
  now: number;
  /** Ids whose signature has been checked before; consulted and fed. */
  verified?: { has(id: string): boolean; add(id: string): void };
}

/** Why a certificate is refused. */
export type CertificateReason = 'size' | 'shape' | 'role' | 'version' | 'key' | 'node' | 'expired' | 'id' | 'signature';

/** An unsigned certificate: an external signer takes `event` (and adds `pubkey`, `id`, `sig` itself), our own takes `digest`. */
export interface UnsignedCertificate {
  event: { pubkey: string; created_at: number; kind: number; tags: string[][]; content: string };
  /** SHA-256 of the canonical serialisation: the event id, and what BIP-340 signs. */
  digest: Uint8Array<ArrayBuffer>;
}

/** The event of a claim, still without a signature (docs/protocol/channel.md section 5). */
export function unsignedCertificate(hashes: Hashes, claim: CertificateClaim): UnsignedCertificate {
  const event = {
    pubkey: claim.author,
    created_at: claim.createdAtS,
    kind: CERTIFICATE_KIND,
    tags: [
      ['p', claim.node],
      ['x25519', toHex(claim.channelKey)],
      ['v', '2'],
      ['expiration', String(claim.expiresAtS)],
      ['role', claim.role],
    ],
    content: '',
  };
  return { event, digest: eventDigest(hashes, event) };
}

/**
 * A signed certificate as JSON text. `secretKey` is the author's secp256k1 scalar, `auxiliary` 32 random bytes for BIP-340.
 * The author follows from the key.
 */
export function signCertificate(
  hashes: Hashes,
  secretKey: Uint8Array,
  claim: Omit<CertificateClaim, 'author'>,
  auxiliary: Uint8Array,
): string {
  const author = toHex(schnorrPublicKey(secretKey)) as DeviceKey;
  const unsigned = unsignedCertificate(hashes, { ...claim, author });
  return toSignedCertificate(unsigned, schnorrSign(secretKey, unsigned.digest, auxiliary));
}

/** The certificate's JSON text, with the author's 64-byte signature over `digest`. */
export function toSignedCertificate({ event, digest }: UnsignedCertificate, signature: Uint8Array): string {
  return JSON.stringify({ id: toHex(digest), ...event, sig: toHex(signature) });
}

/** The claim of a certificate that holds, or why it does not. Total; the checks come in order of cost (channel.md section 5). */
export function verifyCertificate(
  hashes: Hashes,
  certificate: unknown,
  expected: CertificateExpectation,
): { claim: CertificateClaim } | { reason: CertificateReason } {
  const text = typeof certificate === 'string' ? certificate : JSON.stringify(certificate);
  if (text === undefined || text.length > CERTIFICATE_BYTES_MAX) return { reason: 'size' };
  const event = shapeOf(certificate);
  if (!event) return { reason: 'shape' };
  const { tags } = event;
  const [node, channelKeyHex, version, expiration, role] = KNOWN_TAGS.map((name) => tagValue(tags, name));
  const channelKey = channelKeyHex === null ? null : fromHex(channelKeyHex!, 32);
  if (!channelKey || !isDeviceKey(node ?? '') || !DECIMAL.test(expiration ?? '') || version === null) {
    return { reason: 'shape' };
  }
  if (role !== expected.role) return { reason: 'role' };
  if (version !== '2') return { reason: 'version' };
  if (channelKeyHex !== toHex(expected.channelKey)) return { reason: 'key' };
  if (node !== expected.node || (role === 'node' && event.pubkey !== node)) return { reason: 'node' };
  const expiresAtS = Number(expiration);
  const lifeS = expiresAtS - event.created_at;
  if (lifeS <= 0 || lifeS > CERTIFICATE_LIFE_S || expiresAtS * 1000 <= expected.now) return { reason: 'expired' };
  const digest = eventDigest(hashes, event);
  if (toHex(digest) !== event.id) return { reason: 'id' };
  if (!expected.verified?.has(event.id)) {
    if (!schnorrVerify(fromHex(event.pubkey)!, digest, fromHex(event.sig)!)) return { reason: 'signature' };
    expected.verified?.add(event.id);
  }
  const author = event.pubkey as DeviceKey;
  return { claim: { author, role, channelKey, node: expected.node, createdAtS: event.created_at, expiresAtS } };
}

/** The event of an object, or of a JSON text, where it has the shape of a certificate. */
function shapeOf(certificate: unknown): SignedEvent | null {
  let value = certificate;
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value);
    } catch {
      return null;
    }
  }
  const event = eventOf(value);
  if (!event || event.kind !== CERTIFICATE_KIND || event.content !== '') return null;
  return event.tags.length <= TAGS_MAX && event.tags.every(isTag) ? event : null;
}

function isTag(tag: string[]): boolean {
  return tag.length >= 2 && tag.length <= 4 && tag.every((text) => TAG_TEXT.test(text));
}

/** The value of a tag that stands exactly once, with nothing after it. */
function tagValue(tags: string[][], name: string): string | null {
  const found = tags.filter((tag) => tag[0] === name);
  return found.length === 1 && found[0]!.length === 2 ? found[0]![1]! : null;
}
