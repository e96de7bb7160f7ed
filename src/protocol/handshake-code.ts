import { concatBytes, equalBytes, wipe } from '../bytes/index.ts';
import { Cpace, type CpaceMessage, type CryptoSuite, type KeyPair } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import type { ClientProof } from './handshake.ts';
import {
  CODE_ANSWER_OVERHEAD,
  encodeHello,
  FINISH_OVERHEAD,
  HANDSHAKE_SUITES,
  type HandshakeReason,
  handshakePrologue,
  MESSAGE_ANSWER,
  MESSAGE_FINISH,
  parseHello,
} from './handshake-message.ts';
import {
  encodePayload,
  finishPayloadMax,
  type HandshakePayload,
  PAYLOAD_BYTES_MAX,
  parsePayload,
} from './handshake-payload.ts';
import { NoiseHandshake, type NoiseKeys } from './noise-handshake.ts';
import { noisePattern } from './noise-pattern.ts';
import {
  type CodeKeys,
  codeKeys,
  encodeCodeAnswer,
  encodeCodeHello,
  pairingInput,
  parseCodeAnswer,
  parseCodeHello,
} from './pairing-code.ts';

type Octets = Uint8Array<ArrayBuffer>;
const EMPTY = new Uint8Array(0);

/** What the client has: a code, keys of its own, and chance. */
export interface CodeInitiatorOptions {
  /** `pairingSecret` of the typed code. */
  secret: Uint8Array;
  /** Our own static X25519 pair. */
  staticKey: KeyPair;
  /** 16 fresh random bytes. */
  sessionId: Uint8Array;
  /** 64 fresh random bytes; wiped. */
  seed: Uint8Array;
}

/**
 * The client's half of pairing by typed code (suite 4) as a pure state machine: `greet`, `readGreeting`, `hello`, `readAnswer`,
 * `finish`, once each, in this order. It never runs twice: whoever plays the node gets one guess at the code for each run.
 */
export class CodeInitiator {
  readonly #suite: CryptoSuite;
  readonly #options: CodeInitiatorOptions;
  readonly #cpace: Cpace;
  readonly #greeting: Octets;
  #keys: CodeKeys | null = null;
  #noise: NoiseHandshake | null = null;

  constructor(suite: CryptoSuite, options: CodeInitiatorOptions) {
    this.#suite = suite;
    this.#options = options;
    const { secret, sessionId, seed } = options;
    this.#cpace = new Cpace(suite.hashes, pairingInput(secret, sessionId), seed);
    this.#greeting = encodeCodeHello(sessionId, this.#cpace.share);
  }

  /** PC1. */
  greet(): Octets {
    return this.#greeting;
  }

  /** Takes PC2; null where it fits. */
  readGreeting(message: Uint8Array): HandshakeReason | null {
    const parsed = parseCodeAnswer(message);
    if (typeof parsed === 'string') return parsed;
    const ours = parseCodeHello(this.#greeting) as { cpace: CpaceMessage };
    const key = this.#cpace.key(ours.cpace, parsed.cpace);
    if (!key) return 'code';
    this.#keys = codeKeys(this.#suite.hashes, key, this.#greeting, message);
    this.#noise = noiseOf(this.#suite, this.#options, this.#options.sessionId, this.#keys, true);
    return null;
  }

  /** HS1. */
  async hello(): Promise<Octets> {
    assert(this.#noise && this.#keys, 'a greeting before the hello');
    const noise = await this.#noise.write(EMPTY);
    const hello = encodeHello(this.#suite.hashes, this.#keys.mac, { suite: 4, hint: this.#options.sessionId, noise });
    wipe(this.#keys.mac, this.#keys.psk);
    return hello;
  }

  /** The payload of HS2, and the static key whose secret half the node holds; what opens proves that it knows the code. */
  async readAnswer(message: Uint8Array): Promise<{ payload: HandshakePayload; nodeKey: Uint8Array } | HandshakeReason> {
    assert(this.#noise, 'a hello before the answer');
    if (message[0] !== MESSAGE_ANSWER) return 'type';
    if (message.length < CODE_ANSWER_OVERHEAD || message.length > CODE_ANSWER_OVERHEAD + PAYLOAD_BYTES_MAX) {
      return 'length';
    }
    const bytes = await this.#noise.read(message.subarray(1));
    if (!bytes) return 'noise';
    const payload = parsePayload(bytes, false);
    return payload ? { payload, nodeKey: this.#noise.remoteStatic! } : 'payload';
  }

  /** HS3 and the keys of the channel. */
  async finish(payload: HandshakePayload): Promise<{ message: Octets; keys: NoiseKeys }> {
    assert(this.#noise && payload.pairing, 'an answer before the finish, and what a pairing tells');
    const noise = await this.#noise.write(encodePayload(payload));
    return { message: concatBytes(Uint8Array.of(MESSAGE_FINISH), noise), keys: await this.#noise.split() };
  }
}

/** What the node has. */
export interface CodeResponderOptions {
  /** `pairingSecret` of the waiting code. */
  secret: Uint8Array;
  staticKey: KeyPair;
  /** 64 fresh random bytes; wiped. */
  seed: Uint8Array;
}

/**
 * The node's half of suite 4 as a pure state machine: `greet`, `judge`, `answer`, `readFinish`, once each. A reason ends it; the
 * peer is told none. Until `judge` nothing was said that tells a right code from a wrong one, so counting tries there counts all.
 */
export class CodeResponder {
  readonly #suite: CryptoSuite;
  readonly #options: CodeResponderOptions;
  #sessionId: Octets | null = null;
  #keys: CodeKeys | null = null;
  #noise: NoiseHandshake | null = null;

  constructor(suite: CryptoSuite, options: CodeResponderOptions) {
    this.#suite = suite;
    this.#options = options;
  }

  /** PC2 for a PC1. */
  greet(message: Uint8Array): Octets | HandshakeReason {
    assert(!this.#sessionId, 'one greeting for each handshake');
    const parsed = parseCodeHello(message);
    if (typeof parsed === 'string') return parsed;
    const { secret, seed } = this.#options;
    this.#sessionId = parsed.sessionId.slice() as Octets;
    const cpace = new Cpace(this.#suite.hashes, pairingInput(secret, this.#sessionId), seed);
    const answer = encodeCodeAnswer(cpace.share);
    const ours = parseCodeAnswer(answer) as { cpace: CpaceMessage };
    const key = cpace.key(parsed.cpace, ours.cpace);
    if (!key) return 'code';
    this.#keys = codeKeys(this.#suite.hashes, key, message, answer);
    return answer;
  }

  /** Takes HS1; null where it proves that the client knows the code, `mac` or `noise` where it does not. */
  async judge(message: Uint8Array): Promise<HandshakeReason | null> {
    assert(this.#keys && this.#sessionId && !this.#noise, 'a greeting before the hello');
    const keys = this.#keys;
    const hello = parseHello(this.#suite.hashes, keys.mac, message, [4]);
    if (typeof hello === 'string') return hello;
    if (!equalBytes(hello.hint, this.#sessionId)) return 'hint';
    this.#noise = noiseOf(this.#suite, this.#options, this.#sessionId, keys, false);
    const opened = await this.#noise.read(hello.noise);
    wipe(keys.mac, keys.psk);
    return opened?.length === 0 ? null : 'noise';
  }

  /** HS2. */
  async answer(payload: HandshakePayload): Promise<Octets> {
    assert(this.#noise, 'a hello before the answer');
    return concatBytes(Uint8Array.of(MESSAGE_ANSWER), await this.#noise.write(encodePayload(payload)));
  }

  /** What an HS3 proves. */
  async readFinish(message: Uint8Array): Promise<ClientProof | HandshakeReason> {
    assert(this.#noise, 'an answer before the finish');
    if (message[0] !== MESSAGE_FINISH) return 'type';
    if (message.length < FINISH_OVERHEAD || message.length > FINISH_OVERHEAD + finishPayloadMax(4)) return 'length';
    const bytes = await this.#noise.read(message.subarray(1));
    if (!bytes) return 'noise';
    const payload = parsePayload(bytes, true);
    if (!payload) return 'payload';
    return { remoteStatic: this.#noise.remoteStatic!, payload, keys: await this.#noise.split() };
  }
}

function noiseOf(
  suite: CryptoSuite,
  { staticKey }: { staticKey: KeyPair },
  sessionId: Uint8Array,
  { psk, transcript }: CodeKeys,
  initiator: boolean,
): NoiseHandshake {
  const prologue = handshakePrologue(transcript, { suite: 4, hint: sessionId });
  const pattern = noisePattern(HANDSHAKE_SUITES[4]);
  return new NoiseHandshake(suite, { pattern, initiator, prologue, staticKey, psks: [psk] });
}
