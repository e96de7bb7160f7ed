import type { AeadKey, CryptoSuite, MaybePromise } from '../crypto/index.ts';
import { assert, NvrError } from '../errors.ts';

/** The largest Noise message, tag included (Noise section 3). */
export const NOISE_MESSAGE_MAX = 65_535;
/** Bytes a sealed message is longer than its plaintext. */
export const NOISE_TAG = 16;

/** Counters stay exact as a `number`; the specification would allow 2^64 - 2. */
const COUNTER_MAX = Number.MAX_SAFE_INTEGER;
const EMPTY = new Uint8Array(0);

/**
 * A Noise CipherState with a key: AES-256-GCM under a counter of its own (nonce = 4 zero bytes, 64-bit big-endian counter).
 *
 * Calls of one object must not overlap. Answers at once where the suite's AEAD does. Source: Noise revision 34 section 5.1.
 */
export class NoiseCipher {
  readonly #suite: CryptoSuite;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  #key: AeadKey;
  #counter: number;

  constructor(suite: CryptoSuite, key: AeadKey, counter = 0) {
    this.#suite = suite;
    this.#key = key;
    this.#counter = counter;
  }

  /** Messages sealed or opened so far under any key of this state. */
  get counter(): number {
    return this.#counter;
  }

  /** Seals one message; `ERR_PROTOCOL_LIMIT` (`exhausted`) beyond the size or counter limits. */
  seal(plaintext: Uint8Array, additional: Uint8Array = EMPTY): MaybePromise<Uint8Array<ArrayBuffer>> {
    if (plaintext.length > NOISE_MESSAGE_MAX - NOISE_TAG) throw limit('plaintext of a noise message is too long');
    this.#next();
    return this.#key.seal(this.#nonce, additional, plaintext);
  }

  /** Like `seal`, into a given place and at once; false, and nothing done, where the suite's AEAD has no such call. */
  sealInto(plaintext: Uint8Array, into: Uint8Array): boolean {
    if (!this.#key.sealInto) return false;
    assert(into.length === plaintext.length + NOISE_TAG && into.length <= NOISE_MESSAGE_MAX, 'room for the message');
    this.#next();
    this.#key.sealInto(this.#nonce, EMPTY, plaintext, into);
    return true;
  }

  /** Opens one message, or gives `null`; after a `null` the channel must end. */
  open(ciphertext: Uint8Array, additional: Uint8Array = EMPTY): MaybePromise<Uint8Array<ArrayBuffer> | null> {
    if (ciphertext.length > NOISE_MESSAGE_MAX || ciphertext.length < NOISE_TAG) return null;
    this.#next();
    return this.#key.open(this.#nonce, additional, ciphertext);
  }

  /** Noise `Rekey()`: a one-way step of the key; the counter runs on. */
  rekey(): MaybePromise<void> {
    this.#nonceView.setBigUint64(4, 0xffff_ffff_ffff_ffffn);
    const stream = this.#key.seal(this.#nonce, EMPTY, new Uint8Array(32));
    if (!(stream instanceof Promise)) {
      const key = this.#suite.aead.key(stream.subarray(0, 32));
      if (!(key instanceof Promise)) {
        this.#key = key;
        return;
      }
    }
    return (async () => {
      this.#key = await this.#suite.aead.key((await stream).subarray(0, 32));
    })();
  }

  #next(): void {
    if (this.#counter >= COUNTER_MAX) throw limit('the counter of a noise cipher is used up');
    this.#nonceView.setUint32(4, Math.floor(this.#counter / 2 ** 32));
    this.#nonceView.setUint32(8, this.#counter >>> 0);
    this.#counter++;
  }
}

function limit(text: string): NvrError {
  return new NvrError('ERR_PROTOCOL_LIMIT', 'exhausted', text);
}
