import { concatBytes, utf8, wipe } from '../bytes/index.ts';
import { type CryptoSuite, hkdfSha256, type KeyPair } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import { NOISE_MESSAGE_MAX, NOISE_TAG, NoiseCipher } from './noise-cipher.ts';
import type { NoisePattern, NoiseToken } from './noise-pattern.ts';

type Octets = Uint8Array<ArrayBuffer>;

const EMPTY = new Uint8Array(0);
const DH_LENGTH = 32;
const KEM_PUBLIC_KEY = 1184;
const KEM_CIPHERTEXT = 1088;

/** What a handshake starts with. Keys that the pattern does not use are left out. */
export interface NoiseOptions {
  pattern: NoisePattern;
  initiator: boolean;
  prologue: Uint8Array;
  staticKey?: KeyPair;
  /** The peer's static public key, where the pattern says it is known. */
  remoteStatic?: Uint8Array;
  /** 32 bytes each, in the order of their tokens. */
  psks?: readonly Uint8Array[];
}

/** The two directions after the handshake, and the hash that names this channel. */
export interface NoiseKeys {
  send: NoiseCipher;
  receive: NoiseCipher;
  /** `h`, 32 bytes. */
  hash: Octets;
}

/**
 * A Noise HandshakeState with its SymmetricState: X25519, AES-256-GCM, SHA-256, and ML-KEM-768 where the pattern has hfs.
 *
 * Pure: no clock, no socket; ephemeral keys come from `suite`. Calls must not overlap. `read` gives `null` for whatever does
 * not fit (and the object is of no more use); calls out of turn are our own fault and assert.
 * Source: Noise revision 34 section 5, noise_hfs_spec.
 */
export class NoiseHandshake {
  readonly #suite: CryptoSuite;
  readonly #options: NoiseOptions;
  #chainingKey: Octets;
  #hash: Octets;
  #cipher: NoiseCipher | null = null;
  #ephemeral: KeyPair | null = null;
  #kem: KeyPair | null = null;
  #remoteEphemeral: Uint8Array | null = null;
  #remoteKem: Uint8Array | null = null;
  #remoteStatic: Uint8Array | null;
  #pskIndex = 0;
  #turn = 0;
  #dead = false;

  constructor(suite: CryptoSuite, options: NoiseOptions) {
    const { pattern, initiator, prologue, staticKey, remoteStatic } = options;
    this.#suite = suite;
    this.#options = options;
    this.#remoteStatic = remoteStatic ?? null;
    const name = utf8(pattern.name);
    this.#hash = name.length <= 32 ? concatBytes(name, new Uint8Array(32 - name.length)) : suite.hashes.sha256(name);
    this.#chainingKey = this.#hash.slice();
    this.#mixHash(prologue);
    const known = (ours: boolean): Uint8Array => {
      const key = ours ? staticKey?.publicKey : remoteStatic;
      assert(key?.length === DH_LENGTH, 'the static keys of the pattern');
      return key;
    };
    if (pattern.initiatorKnown) this.#mixHash(known(initiator));
    if (pattern.responderKnown) this.#mixHash(known(!initiator));
  }

  /** True once every message has been written or read. */
  get done(): boolean {
    return this.#turn === this.#options.pattern.messages.length;
  }

  /** The peer's static key, once known. */
  get remoteStatic(): Uint8Array | null {
    return this.#remoteStatic;
  }

  /** The next message, ours to write. */
  async write(payload: Uint8Array): Promise<Octets> {
    const parts: Uint8Array[] = [];
    for (const token of this.#tokens(true)) {
      const part = await this.#writeToken(token);
      if (part) parts.push(part);
    }
    parts.push(await this.#sealAndHash(payload));
    const message = concatBytes(...parts);
    assert(message.length <= NOISE_MESSAGE_MAX, 'a noise message within its limit');
    return message;
  }

  /** The payload of the next message, the peer's; `null` where anything about it is wrong. */
  async read(message: Uint8Array): Promise<Octets | null> {
    const tokens = this.#tokens(false);
    const rest = { bytes: message };
    let good = message.length <= NOISE_MESSAGE_MAX;
    for (const token of tokens) good &&= await this.#readToken(token, rest);
    const payload = good ? await this.#openAndHash(rest.bytes) : null;
    this.#dead = payload === null;
    return payload;
  }

  /** The transport keys; once, at the end. */
  async split(): Promise<NoiseKeys> {
    assert(this.done && !this.#dead, 'a finished handshake');
    this.#dead = true;
    const keys = hkdfSha256(this.#suite.hashes, EMPTY, this.#chainingKey, EMPTY, 64);
    const first = new NoiseCipher(this.#suite, await this.#suite.aead.key(keys.subarray(0, 32)));
    const second = new NoiseCipher(this.#suite, await this.#suite.aead.key(keys.subarray(32)));
    wipe(keys, this.#chainingKey);
    const [send, receive] = this.#options.initiator ? [first, second] : [second, first];
    return { send, receive, hash: this.#hash };
  }

  #tokens(writing: boolean): readonly NoiseToken[] {
    assert(!this.#dead && !this.done, 'a handshake that is still going on');
    assert(((this.#turn % 2 === 0) === this.#options.initiator) === writing, 'turns taken in order');
    return this.#options.pattern.messages[this.#turn++]!;
  }

  async #writeToken(token: NoiseToken): Promise<Uint8Array | null> {
    switch (token) {
      case 'e':
        this.#ephemeral = await this.#suite.x25519.generate();
        await this.#mixEphemeral(this.#ephemeral.publicKey);
        return this.#ephemeral.publicKey;
      case 's':
        assert(this.#options.staticKey, 'our static key');
        return this.#sealAndHash(this.#options.staticKey.publicKey);
      case 'e1':
        this.#kem = await this.#suite.mlKem768.generate();
        return this.#sealAndHash(this.#kem.publicKey);
      case 'ekem1': {
        const sent = await this.#suite.mlKem768.encapsulate(this.#remoteKem!);
        assert(sent, 'a KEM key that was checked when it was read');
        const part = await this.#sealAndHash(sent.ciphertext);
        await this.#mixKey(sent.sharedSecret);
        return part;
      }
      default:
        assert(await this.#mixToken(token), 'a shared secret that is not zero');
        return null;
    }
  }

  async #readToken(token: NoiseToken, rest: { bytes: Uint8Array }): Promise<boolean> {
    switch (token) {
      case 'e': {
        const key = take(rest, DH_LENGTH);
        if (!key) return false;
        this.#remoteEphemeral = key;
        await this.#mixEphemeral(key);
        return true;
      }
      case 's': {
        const key = await this.#openField(rest, DH_LENGTH);
        this.#remoteStatic = key;
        return key !== null;
      }
      case 'e1': {
        const key = await this.#openField(rest, KEM_PUBLIC_KEY);
        // FIPS 203 asks for a check of the key's coefficients: encapsulating once is that check, whoever the provider is.
        if (!key || !(await this.#suite.mlKem768.encapsulate(key))) return false;
        this.#remoteKem = key;
        return true;
      }
      case 'ekem1': {
        const ciphertext = await this.#openField(rest, KEM_CIPHERTEXT);
        const secret = ciphertext && (await this.#suite.mlKem768.decapsulate(this.#kem!, ciphertext));
        if (!secret) return false;
        await this.#mixKey(secret);
        return true;
      }
      default:
        return this.#mixToken(token);
    }
  }

  /** Tokens that put nothing on the wire. False where a shared secret is zero. */
  async #mixToken(token: NoiseToken): Promise<boolean> {
    if (token === 'psk') {
      const psk = this.#options.psks?.[this.#pskIndex++];
      assert(psk?.length === 32, 'a psk of 32 bytes');
      await this.#mixKeyAndHash(psk);
      return true;
    }
    const { initiator, staticKey } = this.#options;
    const ourStatic = token === 'ss' || token === (initiator ? 'se' : 'es');
    const theirStatic = token === 'ss' || token === (initiator ? 'es' : 'se');
    const ours = ourStatic ? staticKey : this.#ephemeral;
    const theirs = theirStatic ? this.#remoteStatic : this.#remoteEphemeral;
    assert(ours && theirs, `the keys of ${token}`);
    const secret = await this.#suite.x25519.shared(ours, theirs);
    if (!secret) return false;
    await this.#mixKey(secret);
    return true;
  }

  async #mixEphemeral(publicKey: Uint8Array): Promise<void> {
    this.#mixHash(publicKey);
    if (this.#options.pattern.psk) await this.#mixKey(publicKey);
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = this.#suite.hashes.sha256(concatBytes(this.#hash, data));
  }

  async #mixKey(secret: Uint8Array): Promise<void> {
    const keys = hkdfSha256(this.#suite.hashes, secret, this.#chainingKey, EMPTY, 64);
    this.#chainingKey = keys.slice(0, 32);
    this.#cipher = new NoiseCipher(this.#suite, await this.#suite.aead.key(keys.subarray(32)));
    wipe(keys);
  }

  async #mixKeyAndHash(psk: Uint8Array): Promise<void> {
    const keys = hkdfSha256(this.#suite.hashes, psk, this.#chainingKey, EMPTY, 96);
    this.#chainingKey = keys.slice(0, 32);
    this.#mixHash(keys.subarray(32, 64));
    this.#cipher = new NoiseCipher(this.#suite, await this.#suite.aead.key(keys.subarray(64)));
    wipe(keys);
  }

  async #sealAndHash(plaintext: Uint8Array): Promise<Uint8Array> {
    const sealed = this.#cipher ? await this.#cipher.seal(plaintext, this.#hash) : plaintext;
    this.#mixHash(sealed);
    return sealed;
  }

  async #openAndHash(sealed: Uint8Array): Promise<Octets | null> {
    const plaintext = this.#cipher ? await this.#cipher.open(sealed, this.#hash) : sealed.slice();
    if (plaintext) this.#mixHash(sealed);
    return plaintext;
  }

  async #openField(rest: { bytes: Uint8Array }, length: number): Promise<Octets | null> {
    const sealed = take(rest, length + (this.#cipher ? NOISE_TAG : 0));
    return sealed && this.#openAndHash(sealed);
  }
}

/** Cuts a field from the front of `rest`, as a copy; null where too little is left. */
function take(rest: { bytes: Uint8Array }, length: number): Uint8Array | null {
  if (rest.bytes.length < length) return null;
  const field = rest.bytes.slice(0, length);
  rest.bytes = rest.bytes.subarray(length);
  return field;
}
