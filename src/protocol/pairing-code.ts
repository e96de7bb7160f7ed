import { ByteWriter, concatBytes, utf8, wipe } from '../bytes/index.ts';
import { CPACE_SHARE_SIZE, type CpaceInput, type CpaceMessage, type Hashes } from '../crypto/index.ts';
import {
  HANDSHAKE_VERSION,
  type HandshakeReason,
  HINT_SIZE,
  MESSAGE_CODE_ANSWER,
  MESSAGE_CODE_HELLO,
} from './handshake-message.ts';
import type { DeviceKey } from './ids.ts';

/** Digits of a typed code; what a guess can be right about once in 10^8. */
export const PAIRING_CODE_DIGITS = 8;
/** Size of what a code is turned into, and of a run's session id. */
export const PAIRING_SECRET_SIZE = 32;
export const PAIRING_SESSION_SIZE = HINT_SIZE;
/** Sizes of the two messages before HS1. */
export const CODE_HELLO_SIZE = 4 + PAIRING_SESSION_SIZE + CPACE_SHARE_SIZE;
export const CODE_ANSWER_SIZE = 4 + CPACE_SHARE_SIZE;

/** How long a code is good for: by default, at least, at most. */
export const PAIRING_CODE_EXPIRES_MS = { standard: 600_000, min: 60_000, max: 3_600_000 } as const;
/** Wrong guesses that a code takes, and that a node takes in 24 hours, whatever the code. */
export const PAIRING_TRIES = { perCode: 5, perDay: 20 } as const;

const SUITE = 4;
const LABEL = 'constitute-pairing-code/1\0';
const CHANNEL_PARTIES = ['constitute client', 'constitute node'];
const HELLO_HEAD = Uint8Array.of(MESSAGE_CODE_HELLO, HANDSHAKE_VERSION, SUITE, 0);
const ANSWER_HEAD = Uint8Array.of(MESSAGE_CODE_ANSWER, HANDSHAKE_VERSION, SUITE, 0);
const CODE = /^[0-9]{8}$/;

/** The eight digits in what a person typed (spaces and hyphens between them are passed over), or null. */
export function readPairingCode(text: string): string | null {
  if (text.length > 32) return null;
  const digits = text.replace(/[\s-]/g, '');
  return CODE.test(digits) ? digits : null;
}

/** A code as people read it: `1234 5678`. */
export function printPairingCode(code: string): string {
  return `${code.slice(0, 4)} ${code.slice(4)}`;
}

/** Eight digits, each equally likely, from a source of random bytes. */
export function makePairingCode(random: { bytes(length: number): Uint8Array }): string {
  // Above this multiple of 10^8 the smaller codes would be likelier.
  const limit = 42 * 10 ** PAIRING_CODE_DIGITS;
  for (;;) {
    const bytes = random.bytes(4);
    const value = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
    wipe(bytes);
    if (value < limit) return String(value % 10 ** PAIRING_CODE_DIGITS).padStart(PAIRING_CODE_DIGITS, '0');
  }
}

/** What CPace is given of a code, 32 bytes. No less secret than the code itself: 10^8 hashes find it again. */
export function pairingSecret(hashes: Hashes, code: string): Uint8Array<ArrayBuffer> {
  return hashes.sha256(utf8(`${LABEL}${code}`));
}

/** CPace's input of one run (docs/protocol/pairing.md section 5). */
export function pairingInput(secret: Uint8Array, sessionId: Uint8Array): CpaceInput {
  const parties = CHANNEL_PARTIES.map((name) => concatBytes(Uint8Array.of(name.length), utf8(name)));
  return { password: secret, channel: concatBytes(...parties), sessionId };
}

/** The first message: the client's session id (16 bytes) and share. */
export function encodeCodeHello(sessionId: Uint8Array, share: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter(CODE_HELLO_SIZE)
    .bytes(HELLO_HEAD)
    .bytes(sessionId, PAIRING_SESSION_SIZE)
    .bytes(share, CPACE_SHARE_SIZE)
    .finish();
}

/** The first message taken apart, views of it; total. That the share is an element is CPace's to find out. */
export function parseCodeHello(message: Uint8Array): { sessionId: Uint8Array; cpace: CpaceMessage } | HandshakeReason {
  const reason = headReason(message, HELLO_HEAD, CODE_HELLO_SIZE);
  if (reason) return reason;
  const sessionId = message.subarray(4, 4 + PAIRING_SESSION_SIZE);
  return { sessionId, cpace: { share: message.subarray(4 + PAIRING_SESSION_SIZE), additional: HELLO_HEAD } };
}

/** The node's answer: its share. */
export function encodeCodeAnswer(share: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter(CODE_ANSWER_SIZE).bytes(ANSWER_HEAD).bytes(share, CPACE_SHARE_SIZE).finish();
}

/** The node's answer taken apart; total. */
export function parseCodeAnswer(message: Uint8Array): { cpace: CpaceMessage } | HandshakeReason {
  const reason = headReason(message, ANSWER_HEAD, CODE_ANSWER_SIZE);
  return reason ?? { cpace: { share: message.subarray(4), additional: ANSWER_HEAD } };
}

/** What CPace's key is good for: Noise's psk, the key of mac1, and the name of both messages in the prologue; 32 bytes each. */
export interface CodeKeys {
  psk: Uint8Array<ArrayBuffer>;
  mac: Uint8Array<ArrayBuffer>;
  transcript: Uint8Array<ArrayBuffer>;
}

/** Derives `CodeKeys` from CPace's 64-byte key, which is wiped, and the two messages as they were on the wire. */
export function codeKeys(hashes: Hashes, key: Uint8Array, hello: Uint8Array, answer: Uint8Array): CodeKeys {
  const derive = (purpose: string) => hashes.sha256(concatBytes(utf8(`${LABEL}${purpose}\0`), key));
  const keys = { psk: derive('psk'), mac: derive('mac1'), transcript: hashes.sha256(concatBytes(hello, answer)) };
  wipe(key);
  return keys;
}

/**
 * What people compare: the first 128 bits of a key in eight groups of four, short enough to read aloud, long enough not to be
 * imitated by trying keys.
 */
export function keyFingerprint(key: DeviceKey): string {
  return key.slice(0, 32).match(/.{4}/g)!.join(' ');
}

function headReason(message: Uint8Array, head: Uint8Array, size: number): HandshakeReason | null {
  if (message.length !== size) return 'length';
  const reasons = ['type', 'version', 'suite', 'flags'] as const;
  const wrong = head.findIndex((byte, i) => message[i] !== byte);
  return wrong < 0 ? null : reasons[wrong]!;
}
