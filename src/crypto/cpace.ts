import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { concatBytes, utf8, wipe } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import type { Hashes } from './suite.ts';

/** Sizes of CPACE-RISTRETTO255-SHA512: a public share, the randomness of a scalar, the key both sides end with. */
export const CPACE_SHARE_SIZE = 32;
export const CPACE_SEED_SIZE = 64;
export const CPACE_KEY_SIZE = 64;

const DSI = utf8('CPaceRistretto255');
const DSI_KEY = utf8('CPaceRistretto255_ISK');
/** Input block of SHA-512: the generator's string is padded so that the password fills no block with anything else. */
const HASH_BLOCK = 128;
const ORDER = ristretto255.Point.Fn.ORDER;

type Octets = Uint8Array<ArrayBuffer>;

/** What both sides must agree on before they begin. */
export interface CpaceInput {
  /** The shared password, or what is derived from it. Secret. */
  password: Uint8Array;
  /** Names the two parties and their protocol; may be empty. */
  channel: Uint8Array;
  /** Names this one run; fresh for each. */
  sessionId: Uint8Array;
}

/** A message of one side: its share, and data bound to the key. */
export interface CpaceMessage {
  /** A ristretto255 element, 32 bytes. */
  share: Uint8Array;
  additional: Uint8Array;
}

/**
 * One side of CPace (CPACE-RISTRETTO255-SHA512): from a weak password to a strong key, with one guess for each run.
 *
 * `key` may be asked once. Scalars are wiped as far as JavaScript can (a bigint cannot). Pure: randomness is handed in.
 * Source: draft-irtf-cfrg-cpace-21, sections 6 and 7, initiator-responder setting.
 */
export class Cpace {
  readonly #hashes: Hashes;
  readonly #sessionId: Uint8Array;
  #scalar: bigint | null;
  /** This side's share, 32 bytes. */
  readonly share: Octets;

  /** `seed` is 64 fresh random bytes; it is wiped. */
  constructor(hashes: Hashes, input: CpaceInput, seed: Uint8Array) {
    this.#hashes = hashes;
    this.#sessionId = input.sessionId.slice();
    this.#scalar = scalarOf(seed);
    wipe(seed);
    this.share = multiply(cpaceGenerator(hashes, input), this.#scalar)!;
  }

  /**
   * The 64-byte key both sides share where their inputs were the same, with both messages in it; null where the peer's share
   * encodes no element, or the neutral one, or is our own come back.
   */
  key(initiator: CpaceMessage, responder: CpaceMessage): Octets | null {
    assert(this.#scalar !== null, 'a key asked for once');
    const scalar = this.#scalar;
    this.#scalar = null;
    const ours = equal(initiator.share, this.share);
    const theirs = ours ? responder.share : initiator.share;
    if (ours === equal(responder.share, this.share)) return null;
    const point = cpaceScalarMult(scalar, theirs);
    if (!point) return null;
    const parts = [DSI_KEY, this.#sessionId, point].map(withLength);
    const transcript = [initiator, responder].flatMap(({ share, additional }) => [
      withLength(share),
      withLength(additional),
    ]);
    const text = concatBytes(...parts, ...transcript);
    const key = this.#hashes.sha512(text);
    wipe(text, point, ...parts);
    return key;
  }
}

/** The generator of a run, as 32 bytes: the string of section 7.1 hashed to an element. Secret: it is a test of the password. */
export function cpaceGenerator(hashes: Hashes, { password, channel, sessionId }: CpaceInput): Octets {
  const head = concatBytes(withLength(DSI), withLength(password));
  const padding = new Uint8Array(Math.max(0, HASH_BLOCK - 1 - head.length));
  const text = concatBytes(head, withLength(padding), withLength(channel), withLength(sessionId));
  const uniform = hashes.sha512(text);
  const point = ristretto255_hasher.deriveToCurve!(uniform);
  wipe(head, text, uniform);
  return point.toBytes() as Octets;
}

/** `scalar * element`, 32 bytes; null where `share` encodes none, or the product is neutral (scalar_mult_vfy). */
export function cpaceScalarMult(scalar: bigint, share: Uint8Array): Octets | null {
  return share.length === CPACE_SHARE_SIZE ? multiply(share, scalar) : null;
}

/** A scalar from 64 uniform little-endian bytes: reduced, and never zero. */
function scalarOf(seed: Uint8Array): bigint {
  assert(seed.length === CPACE_SEED_SIZE, 'a seed of 64 bytes');
  let value = 0n;
  for (let i = seed.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(seed[i]!);
  const scalar = value % ORDER;
  assert(scalar !== 0n, 'a seed from a working source of chance');
  return scalar;
}

function multiply(element: Uint8Array, scalar: bigint): Octets | null {
  try {
    const point = ristretto255.Point.fromBytes(element);
    if (point.is0()) return null;
    const product = point.multiply(scalar);
    return product.is0() ? null : (product.toBytes() as Octets);
  } catch {
    return null;
  }
}

/** `prepend_len` of the draft: a LEB128 length, then the bytes. */
function withLength(bytes: Uint8Array): Octets {
  const length: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push(left < 128 ? left : (left & 127) | 128);
    if (left < 128) break;
  }
  return concatBytes(Uint8Array.from(length), bytes);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
