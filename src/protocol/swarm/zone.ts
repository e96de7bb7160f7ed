import { toBase64Url, utf8 } from '../../bytes/index.ts';
import type { Hashes } from '../../crypto/index.ts';

/** A zone's key, `[A-Za-z0-9_-]{20}`: who knows it is a member. A secret among members. */
export const ZONE_KEY_LENGTH = 20;

/** Most zones of one node, and of one datagram. */
export const ZONES_MAX = 16;

const ZONE_KEY = /^[A-Za-z0-9_-]{20}$/;

/** True for a text that has the form of a zone key. */
export function isZoneKey(text: unknown): text is string {
  return typeof text === 'string' && ZONE_KEY.test(text);
}

/** The zone an identity's devices fall back to; `roomKey` is the room key as base64url text. */
export function zoneKeyOfIdentity(hashes: Hashes, identityId: string, roomKey: string): string {
  return zoneKeyOf(hashes, `${identityId}|${roomKey}`);
}

/** The key of a zone made by hand: `seed` is the base64url text of 8 random bytes. */
export function zoneKeyOfLabel(hashes: Hashes, label: string, seed: string): string {
  return zoneKeyOf(hashes, `${label.trim()}|${seed}`);
}

function zoneKeyOf(hashes: Hashes, text: string): string {
  return toBase64Url(hashes.sha256(utf8(text))).slice(0, ZONE_KEY_LENGTH);
}
