import { equalBytes } from '../../bytes/index.ts';
import { NONCE_SIZE } from './envelope.ts';

const OWN_PREFIX = 16;

/**
 * Both directions of an old session share one key. Our nonces are 16 random bytes of this session and a counter, so that a
 * frame of ours that comes back is known at once; those of the client are remembered, so that none works twice.
 */
export class SessionNonces {
  readonly #own: Uint8Array<ArrayBuffer>;
  readonly #count: DataView;
  readonly #seen = new Set<string>();
  readonly #max: number;
  #sent = 0;

  /** `prefix` is 16 random bytes. Remembers at most `max` nonces. */
  constructor(prefix: Uint8Array, max: number) {
    this.#own = new Uint8Array(NONCE_SIZE);
    this.#own.set(prefix.subarray(0, OWN_PREFIX));
    this.#count = new DataView(this.#own.buffer, OWN_PREFIX);
    this.#max = max;
  }

  /** True when nothing more may be taken: the session is worn out. */
  get full(): boolean {
    return this.#seen.size >= this.#max;
  }

  /** A nonce for the next frame of ours. */
  next(): Uint8Array<ArrayBuffer> {
    this.#count.setBigUint64(0, BigInt(this.#sent++));
    return this.#own.slice();
  }

  /** True for a nonce that is not ours and has not been kept. */
  isFresh(nonce: Uint8Array): boolean {
    return (
      !equalBytes(nonce.subarray(0, OWN_PREFIX), this.#own.subarray(0, OWN_PREFIX)) && !this.#seen.has(nameOf(nonce))
    );
  }

  /** Remembers the nonce of a frame that was genuine; junk must not fill the memory. */
  keep(nonce: Uint8Array): void {
    this.#seen.add(nameOf(nonce));
  }
}

const nameOf = (nonce: Uint8Array) => Buffer.from(nonce).toString('latin1');
