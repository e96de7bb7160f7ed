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
export const MESSAGE_SEALED = 0x10;

export const HANDSHAKE_VERSION = 2;
/** Noise protocols by suite number: 1 known device, 3 pairing by invitation. */
export const HANDSHAKE_SUITES = {
  1: 'Noise_XKhfs_25519+MLKEM768_AESGCM_SHA256',
  3: 'Noise_XKhfs+psk0_25519+MLKEM768_AESGCM_SHA256',
} as const;
export type HandshakeSuite = keyof typeof HANDSHAKE_SUITES;

/** Size of HS1, of HS2 and HS3 beside their payloads, and of a hint. */
export const HELLO_SIZE = 1284;
export const ANSWER_OVERHEAD = 1153;
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
  /** 16 bytes: the invitation id in suite 3, zero in suite 1. */
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
  | 'noise'
  | 'payload';

/** HS1 for node `nodeId` (32 bytes). */
export function encodeHello(hashes: Hashes, nodeId: Uint8Array, hello: Hello): Uint8Array<ArrayBuffer> {
  return new ByteWriter(HELLO_SIZE)
    .u8(MESSAGE_HELLO)
    .bytes(negotiated(hello))
    .bytes(mac1(hashes, nodeId, hello))
    .bytes(hello.noise)
    .finish();
}

/** HS1 with everything checked that needs no key agreement, in the order of channel.md section 3.1. Total. */
export function parseHello(hashes: Hashes, nodeId: Uint8Array, message: Uint8Array): Hello | HandshakeReason {
  if (message.length !== HELLO_SIZE) return 'length';
  if (message[0] !== MESSAGE_HELLO) return 'type';
  if (message[1] !== HANDSHAKE_VERSION) return 'version';
  const suite = message[2];
  if (suite !== 1 && suite !== 3) return 'suite';
  if (message[3] !== 0) return 'flags';
  const hello: Hello = { suite, hint: message.subarray(4, 4 + HINT_SIZE), noise: message.subarray(NOISE_AT) };
  if (suite === 1 && !isZero(hello.hint)) return 'hint';
  const mac = message.subarray(NOISE_AT - MAC_SIZE, NOISE_AT);
  return equalBytesConstantTime(mac1(hashes, nodeId, hello), mac) ? hello : 'mac';
}

/** The Noise prologue: everything negotiated in the open, and whom it is meant for. */
export function handshakePrologue(nodeId: Uint8Array, hello: Omit<Hello, 'noise'>): Uint8Array<ArrayBuffer> {
  return concatBytes(utf8(PROLOGUE_LABEL), nodeId, negotiated(hello));
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

function mac1(hashes: Hashes, nodeId: Uint8Array, hello: Hello): Uint8Array {
  const key = hashes.sha256(concatBytes(utf8(MAC_LABEL), nodeId));
  return hashes.hmacSha256(key, concatBytes(negotiated(hello), hello.noise)).subarray(0, MAC_SIZE);
}
