import { ByteWriter, concatBytes, equalBytesConstantTime, isZero, utf8 } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';

/** The WebSocket subprotocol and path of the channel. */
export const CHANNEL_SUBPROTOCOL = 'constitute.session.v2';
export const CHANNEL_PATH = '/session/v2';
/** The one close code. */
export const CHANNEL_CLOSE_CODE = 4000;
/** Longest WebSocket message a peer may send; a sealed frame needs 65,536. */
export const CHANNEL_MESSAGE_MAX = 65_600;

/** First byte of a WebSocket message. */
export const MESSAGE_HELLO = 0x01;
export const MESSAGE_ANSWER = 0x02;
export const MESSAGE_FINISH = 0x03;
export const MESSAGE_CODE_HELLO = 0x04;
export const MESSAGE_CODE_ANSWER = 0x05;
export const MESSAGE_SEALED = 0x10;

export const HANDSHAKE_VERSION = 2;
/** Noise protocols by suite number: 1 known device, 3 pairing by invitation, 4 pairing by typed code. */
export const HANDSHAKE_SUITES = {
  1: 'Noise_XKhfs_25519+MLKEM768_AESGCM_SHA256',
  3: 'Noise_XKhfs+psk0_25519+MLKEM768_AESGCM_SHA256',
  4: 'Noise_XXhfs+psk0_25519+MLKEM768_AESGCM_SHA256',
} as const;
export type HandshakeSuite = keyof typeof HANDSHAKE_SUITES;

/** Size of HS1, of HS2 and HS3 beside their payloads, and of a hint. HS2 of suite 4 also holds the node's static key. */
export const HELLO_SIZE = 1284;
export const ANSWER_OVERHEAD = 1153;
export const CODE_ANSWER_OVERHEAD = ANSWER_OVERHEAD + 48;
export const FINISH_OVERHEAD = 65;
export const HINT_SIZE = 16;

const MAC_SIZE = 16;
const NOISE_AT = 36;
const PROLOGUE_LABEL = 'constitute-session/2\0';
const MAC_LABEL = 'constitute mac1 v2';
const PSK_LABEL = 'constitute-invitation/1\0';

/** HS1 taken apart; the views point into the message. */
export interface Hello {
  suite: HandshakeSuite;
  /** 16 bytes: the invitation id in suite 3, the session id in suite 4, zero in suite 1. */
  hint: Uint8Array;
  /** Noise message 1. */
  noise: Uint8Array;
}

/** Why a handshake message is refused. Never told to the peer. */
export type HandshakeReason =
  | 'length'
  | 'type'
  | 'version'
  | 'suite'
  | 'flags'
  | 'hint'
  | 'mac'
  | 'invitation'
  | 'code'
  | 'noise'
  | 'payload';

/** HS1. `addressee`, 32 bytes, keys mac1: the node's id; in suite 4, where the client knows no id, a key the code gave. */
export function encodeHello(hashes: Hashes, addressee: Uint8Array, hello: Hello): Uint8Array<ArrayBuffer> {
  return new ByteWriter(HELLO_SIZE)
    .u8(MESSAGE_HELLO)
    .bytes(negotiated(hello))
    .bytes(mac1(hashes, addressee, hello))
    .bytes(hello.noise)
    .finish();
}

/** HS1, of one of `suites`, with everything checked that needs no key agreement, in the order of channel.md section 3.1. Total. */
export function parseHello(
  hashes: Hashes,
  addressee: Uint8Array,
  message: Uint8Array,
  suites: readonly HandshakeSuite[] = [1, 3],
): Hello | HandshakeReason {
  if (message.length !== HELLO_SIZE) return 'length';
  if (message[0] !== MESSAGE_HELLO) return 'type';
  if (message[1] !== HANDSHAKE_VERSION) return 'version';
  const suite = suites.find((each) => each === message[2]);
  if (suite === undefined) return 'suite';
  if (message[3] !== 0) return 'flags';
  const hello: Hello = { suite, hint: message.subarray(4, 4 + HINT_SIZE), noise: message.subarray(NOISE_AT) };
  if (suite === 1 && !isZero(hello.hint)) return 'hint';
  const mac = message.subarray(NOISE_AT - MAC_SIZE, NOISE_AT);
  return equalBytesConstantTime(mac1(hashes, addressee, hello), mac) ? hello : 'mac';
}

/** The Noise prologue: whom it is meant for (in suite 4 the hash of the two messages before), and everything negotiated in the open. */
export function handshakePrologue(addressee: Uint8Array, hello: Omit<Hello, 'noise'>): Uint8Array<ArrayBuffer> {
  return concatBytes(utf8(PROLOGUE_LABEL), addressee, negotiated(hello));
}

/** The 32-byte psk of an invitation's 16-byte secret (pairing.md section 2). */
export function invitationPsk(
  hashes: Hashes,
  nodeId: Uint8Array,
  invitationId: Uint8Array,
  secret: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(utf8(PSK_LABEL), nodeId, invitationId, secret));
}

/** ver || suite || flags || hint */
function negotiated({ suite, hint }: Omit<Hello, 'noise'>): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(HANDSHAKE_VERSION, suite, 0), hint);
}

function mac1(hashes: Hashes, addressee: Uint8Array, hello: Hello): Uint8Array {
  const key = hashes.sha256(concatBytes(utf8(MAC_LABEL), addressee));
  return hashes.hmacSha256(key, concatBytes(negotiated(hello), hello.noise)).subarray(0, MAC_SIZE);
}
