import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../bytes/index.ts';
import { assert } from '../errors.ts';
import { jsonDepthWithin } from './frame-rpc.ts';
import type { HandshakeSuite } from './handshake-message.ts';
import { isJsonObject } from './json-object.ts';
import { isLabel } from './label.ts';

/** Most bytes of a payload of HS2, and of HS3 in suite 1. */
export const PAYLOAD_BYTES_MAX = 2048;
/** Most bytes of the payload of HS3 in suites 3 and 4, which carries an X-Wing key of 1,622 characters. */
export const PAIRING_PAYLOAD_BYTES_MAX = 4096;
/** Size of an X-Wing public key. */
export const WRAP_KEY_SIZE = 1216;

const DEPTH_MAX = 16;

/** What HS2 and HS3 carry. */
export interface HandshakePayload {
  /** The sender's certificate event: an object, not verified yet. */
  certificate: unknown;
  /** HS3 of suites 3 and 4: the device's name and its X-Wing public key. */
  pairing?: { label: string; wrapKey: Uint8Array };
}

/** Most bytes of the payload of HS3. */
export function finishPayloadMax(suite: HandshakeSuite): number {
  return suite === 1 ? PAYLOAD_BYTES_MAX : PAIRING_PAYLOAD_BYTES_MAX;
}

/** The JSON text of a payload, UTF-8. `certificate` is an event object, or its JSON text. */
export function encodePayload(payload: HandshakePayload): Uint8Array<ArrayBuffer> {
  const { certificate, pairing } = payload;
  const event = typeof certificate === 'string' ? JSON.parse(certificate) : certificate;
  const told = pairing ? { label: pairing.label, wrapKey: toBase64Url(pairing.wrapKey) } : {};
  const bytes = utf8(JSON.stringify({ certificate: event, caps: [], ...told }));
  assert(bytes.length <= (pairing ? PAIRING_PAYLOAD_BYTES_MAX : PAYLOAD_BYTES_MAX), 'a payload within its limit');
  return bytes;
}

/** The payload of HS2 (`pairing` false), or of HS3 (`pairing` where the suite is 3 or 4); null where it is anything else. Total. */
export function parsePayload(bytes: Uint8Array, pairing: boolean): HandshakePayload | null {
  if (bytes.length > (pairing ? PAIRING_PAYLOAD_BYTES_MAX : PAYLOAD_BYTES_MAX)) return null;
  const text = fromUtf8(bytes);
  if (text === null || !jsonDepthWithin(text, DEPTH_MAX)) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isJsonObject(value) || !isJsonObject(value['certificate'])) return null;
  const { certificate, label, wrapKey: wrapKeyText } = value;
  if (!pairing) return { certificate };
  if (typeof label !== 'string' || !isLabel(label) || typeof wrapKeyText !== 'string') return null;
  const wrapKey = fromBase64Url(wrapKeyText);
  return wrapKey?.length === WRAP_KEY_SIZE ? { certificate, pairing: { label, wrapKey } } : null;
}
