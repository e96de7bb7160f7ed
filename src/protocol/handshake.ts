import { concatBytes, fromHex } from '../bytes/index.ts';
import type { CryptoSuite, KeyPair } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import {
  ANSWER_OVERHEAD,
  encodeHello,
  FINISH_OVERHEAD,
  HANDSHAKE_SUITES,
  type HandshakeReason,
  type HandshakeSuite,
  HINT_SIZE,
  handshakePrologue,
  invitationPsk,
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
import type { DeviceKey } from './ids.ts';
import { NoiseHandshake, type NoiseKeys } from './noise-handshake.ts';
import { noisePattern } from './noise-pattern.ts';

type Octets = Uint8Array<ArrayBuffer>;
const EMPTY = new Uint8Array(0);

/** What the client knows before it says hello. */
export interface InitiatorOptions {
  /** The node's x-only key and static X25519 key, from pairing. */
  nodeId: DeviceKey;
  nodeKey: Uint8Array;
  /** Our own static X25519 pair. */
  staticKey: KeyPair;
  /** Present: suite 3 with this invitation. Absent: suite 1. */
  invitation?: { id: Uint8Array; secret: Uint8Array };
}

/**
 * The client's half of the handshake as a pure state machine: `hello`, `readAnswer`, `finish`, once each, in this order.
 * Whoever drives it owns socket and clock, and verifies the certificate between `readAnswer` and `finish`.
 */
export class HandshakeInitiator {
  readonly #suite: CryptoSuite;
  readonly #nodeId: Uint8Array;
  readonly #hint: Uint8Array;
  readonly #suiteNumber: HandshakeSuite;
  readonly #noise: NoiseHandshake;

  constructor(suite: CryptoSuite, options: InitiatorOptions) {
    const { invitation } = options;
    this.#suite = suite;
    this.#nodeId = nodeIdBytes(options.nodeId);
    this.#suiteNumber = invitation ? 3 : 1;
    this.#hint = invitation?.id ?? new Uint8Array(HINT_SIZE);
    this.#noise = new NoiseHandshake(suite, {
      pattern: noisePattern(HANDSHAKE_SUITES[this.#suiteNumber]),
      initiator: true,
      prologue: handshakePrologue(this.#nodeId, { suite: this.#suiteNumber, hint: this.#hint }),
      staticKey: options.staticKey,
      remoteStatic: options.nodeKey,
      psks: invitation ? [invitationPsk(suite.hashes, this.#nodeId, invitation.id, invitation.secret)] : [],
    });
  }

  /** HS1. */
  async hello(): Promise<Octets> {
    const noise = await this.#noise.write(EMPTY);
    return encodeHello(this.#suite.hashes, this.#nodeId, { suite: this.#suiteNumber, hint: this.#hint, noise });
  }

  /** The payload of HS2; what opens proves that the node holds `nodeKey`. */
  async readAnswer(message: Uint8Array): Promise<HandshakePayload | HandshakeReason> {
    if (message[0] !== MESSAGE_ANSWER) return 'type';
    if (message.length < ANSWER_OVERHEAD || message.length > ANSWER_OVERHEAD + PAYLOAD_BYTES_MAX) return 'length';
    const payload = await this.#noise.read(message.subarray(1));
    return payload ? (parsePayload(payload, false) ?? 'payload') : 'noise';
  }

  /** HS3 and the keys of the channel. */
  async finish(payload: HandshakePayload): Promise<{ message: Octets; keys: NoiseKeys }> {
    assert((this.#suiteNumber === 3) === (payload.pairing !== undefined), 'pairing exactly in suite 3');
    const noise = await this.#noise.write(encodePayload(payload));
    return { message: concatBytes(Uint8Array.of(MESSAGE_FINISH), noise), keys: await this.#noise.split() };
  }
}

/** What the node answers with. */
export interface ResponderOptions {
  nodeId: DeviceKey;
  staticKey: KeyPair;
  /** The 16-byte secret of a waiting, unexpired invitation, or null. */
  invitationSecret(invitationId: Uint8Array): Uint8Array | null;
}

/** What HS3 proved. The certificate is not verified yet. */
export interface ClientProof {
  /** The client's static X25519 key: it holds the secret half. */
  remoteStatic: Uint8Array;
  payload: HandshakePayload;
  keys: NoiseKeys;
}

/**
 * The node's half as a pure state machine: `answer`, then `readFinish`, once each. A reason ends it; the peer is told none.
 */
export class HandshakeResponder {
  readonly #suite: CryptoSuite;
  readonly #options: ResponderOptions;
  #noise: NoiseHandshake | null = null;
  #suiteNumber: HandshakeSuite = 1;
  #invitationId: Octets | null = null;

  constructor(suite: CryptoSuite, options: ResponderOptions) {
    this.#suite = suite;
    this.#options = options;
  }

  /** 1 or 3, once `answer` has accepted a hello. */
  get suite(): HandshakeSuite {
    return this.#suiteNumber;
  }

  /** The invitation named by the hello, in suite 3. */
  get invitationId(): Octets | null {
    return this.#invitationId;
  }

  /** HS2 for an HS1. */
  async answer(message: Uint8Array, payload: HandshakePayload): Promise<Octets | HandshakeReason> {
    assert(this.#noise === null, 'one hello for each handshake');
    const nodeId = nodeIdBytes(this.#options.nodeId);
    const hello = parseHello(this.#suite.hashes, nodeId, message);
    if (typeof hello === 'string') return hello;
    const psks: Uint8Array[] = [];
    if (hello.suite === 3) {
      const secret = this.#options.invitationSecret(hello.hint);
      if (!secret) return 'invitation';
      psks.push(invitationPsk(this.#suite.hashes, nodeId, hello.hint, secret));
      this.#invitationId = hello.hint.slice() as Octets;
    }
    this.#suiteNumber = hello.suite;
    this.#noise = new NoiseHandshake(this.#suite, {
      pattern: noisePattern(HANDSHAKE_SUITES[hello.suite]),
      initiator: false,
      prologue: handshakePrologue(nodeId, hello),
      staticKey: this.#options.staticKey,
      psks,
    });
    const opened = await this.#noise.read(hello.noise);
    if (opened?.length !== 0) return 'noise';
    return concatBytes(Uint8Array.of(MESSAGE_ANSWER), await this.#noise.write(encodePayload(payload)));
  }

  /** What an HS3 proves. */
  async readFinish(message: Uint8Array): Promise<ClientProof | HandshakeReason> {
    assert(this.#noise, 'a hello before the finish');
    if (message[0] !== MESSAGE_FINISH) return 'type';
    const room = finishPayloadMax(this.#suiteNumber);
    if (message.length < FINISH_OVERHEAD || message.length > FINISH_OVERHEAD + room) return 'length';
    const bytes = await this.#noise.read(message.subarray(1));
    if (!bytes) return 'noise';
    const payload = parsePayload(bytes, this.#suiteNumber === 3);
    if (!payload) return 'payload';
    return { remoteStatic: this.#noise.remoteStatic!, payload, keys: await this.#noise.split() };
  }
}

function nodeIdBytes(nodeId: DeviceKey): Octets {
  const bytes = fromHex(nodeId, 32);
  assert(bytes, 'a node id of 64 hex characters');
  return bytes;
}
