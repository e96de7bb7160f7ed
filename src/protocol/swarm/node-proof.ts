import { concatBytes, equalBytesConstantTime, utf8 } from '../../bytes/index.ts';
import type { Hashes } from '../../crypto/index.ts';
import { NODE_HEADER_SIZE } from './node-datagram.ts';

/** What two nodes agreed on in a handshake: all of it enters the keys. */
export interface NodeTranscript {
  /** 16 bytes each: of the asker, the cookie the answerer gave it, of the answerer. */
  nonce: Uint8Array;
  cookie: Uint8Array;
  answerNonce: Uint8Array;
  /** X-only device keys, 32 bytes. */
  asker: Uint8Array;
  answerer: Uint8Array;
}

/** Keys of one session, one for each direction, 32 bytes. */
export interface SessionKeys {
  fromAsker: Uint8Array;
  fromAnswerer: Uint8Array;
}

const LABELS = {
  zone: utf8('constitute swarm/2 zone\0'),
  cookie: utf8('constitute swarm/2 cookie\0'),
  tag: utf8('constitute swarm/2 tag\0'),
  prove: utf8('constitute swarm/2 prove\0'),
  welcome: utf8('constitute swarm/2 welcome\0'),
  session: utf8('constitute swarm/2 session\0'),
  find: utf8('constitute swarm/2 find\0'),
  found: utf8('constitute swarm/2 found\0'),
};
const ZEROS_16 = new Uint8Array(16);

/** The secret of a zone from which its codes are made, 32 bytes; `zone` is the zone key as text. */
export function zoneSecret(hashes: Hashes, zone: string): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(LABELS.zone, utf8(zone)));
}

/**
 * The cookie for an address (`host:port`) and a nonce, 16 bytes: the node remembers `secret` only, and an address that
 * shows it again has received it.
 */
export function cookieOf(
  hashes: Hashes,
  secret: Uint8Array,
  address: string,
  nonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return hashes.hmacSha256(secret, concatBytes(LABELS.cookie, nonce, utf8(address))).slice(0, 16);
}

/** Proof that `author` knows a zone, bound to this cookie; to others it looks like chance. 16 bytes. */
export function zoneTag(
  hashes: Hashes,
  secret: Uint8Array,
  { nonce, cookie, author }: { nonce: Uint8Array; cookie: Uint8Array; author: Uint8Array },
): Uint8Array<ArrayBuffer> {
  return hashes.hmacSha256(secret, concatBytes(LABELS.tag, nonce, cookie, author)).slice(0, 16);
}

/** What the asker signs: its nonce, the cookie, the key it expects and every tag. */
export function proveDigest(
  hashes: Hashes,
  {
    nonce,
    cookie,
    expected,
    tags,
  }: { nonce: Uint8Array; cookie: Uint8Array; expected: Uint8Array; tags: Uint8Array[] },
): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(LABELS.prove, nonce, cookie, expected, ...tags));
}

/** What the answerer signs: the transcript and the zones it shares. */
export function welcomeDigest(hashes: Hashes, transcript: NodeTranscript, shared: number): Uint8Array<ArrayBuffer> {
  return hashes.sha256(
    concatBytes(LABELS.welcome, transcriptBytes(transcript), Uint8Array.of(shared >> 8, shared & 255)),
  );
}

/** Keys that only they have who know every shared zone; `zones` are the secrets in the order of the tags. */
export function sessionKeys(hashes: Hashes, zones: readonly Uint8Array[], transcript: NodeTranscript): SessionKeys {
  const root = hashes.hmacSha256(
    hashes.sha256(concatBytes(...zones)),
    concatBytes(LABELS.session, transcriptBytes(transcript)),
  );
  return {
    fromAsker: hashes.hmacSha256(root, Uint8Array.of(1)),
    fromAnswerer: hashes.hmacSha256(root, Uint8Array.of(2)),
  };
}

/** The check of a datagram within a session: a code over all of it, with zeros where the check stands. 16 bytes. */
export function datagramCode(hashes: Hashes, key: Uint8Array, datagram: Uint8Array): Uint8Array<ArrayBuffer> {
  const covered = concatBytes(datagram.subarray(0, 8), ZEROS_16, datagram.subarray(NODE_HEADER_SIZE));
  return hashes.hmacSha256(key, covered).slice(0, 16);
}

/** True where a datagram carries the code of that key. */
export function hasDatagramCode(hashes: Hashes, key: Uint8Array, datagram: Uint8Array): boolean {
  return equalBytesConstantTime(datagramCode(hashes, key, datagram), datagram.subarray(8, NODE_HEADER_SIZE));
}

/** FIND's proof of a zone, bound to the cookie and to the device asked for. 16 bytes. */
export function findTag(
  hashes: Hashes,
  secret: Uint8Array,
  { nonce, cookie, device }: { nonce: Uint8Array; cookie: Uint8Array; device: Uint8Array },
): Uint8Array<ArrayBuffer> {
  return hashes.hmacSha256(secret, concatBytes(LABELS.find, nonce, cookie, device)).slice(0, 16);
}

/** FOUND's check: that a member of the zone answers this very question. 16 bytes. */
export function foundCode(
  hashes: Hashes,
  secret: Uint8Array,
  { nonce, packed }: { nonce: Uint8Array; packed: Uint8Array },
): Uint8Array<ArrayBuffer> {
  return hashes.hmacSha256(secret, concatBytes(LABELS.found, nonce, packed)).slice(0, 16);
}

function transcriptBytes({ nonce, cookie, answerNonce, asker, answerer }: NodeTranscript): Uint8Array<ArrayBuffer> {
  return concatBytes(nonce, cookie, answerNonce, asker, answerer);
}
