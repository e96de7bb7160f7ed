import {
  ByteReader,
  ByteWriter,
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  toBase64Url,
  toHex,
  utf8,
} from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import { assert, isNvrError } from '../errors.ts';
import type { DeviceKey } from './ids.ts';
import { decodeAddress, encodeAddress } from './invitation-address.ts';

const VERSION = 1;
const ID_SIZE = 16;
const KEY_SIZE = 32;
const SECRET_SIZE = 16;
const CHECKSUM_SIZE = 4;
const FIXED_SIZE = 1 + ID_SIZE + KEY_SIZE + KEY_SIZE + SECRET_SIZE + 4 + 1;
const CHECKSUM_LABEL = 'constitute invitation v1';

/** Most addresses in an invitation, and most characters of its text. */
export const INVITATION_ADDRESSES_MAX = 8;
export const INVITATION_TEXT_MAX = 4096;

/** What an invitation tells a new device. Holds a secret: show it to nobody else. */
export interface InvitationCode {
  /** 16 random bytes. */
  id: Uint8Array;
  nodeId: DeviceKey;
  /** The node's static X25519 key, 32 bytes. */
  channelKey: Uint8Array;
  /** 16 random bytes. */
  secret: Uint8Array;
  /** Epoch ms; whole seconds on the wire, rounded down. */
  expiresAt: number;
  /** `host:port`, best first, 1 to 8. */
  addresses: readonly string[];
}

/** Why a text is no invitation. */
export type InvitationReason = 'size' | 'base64' | 'version' | 'checksum' | 'addresses';

/**
 * The text of an invitation: `<viewerUrl>#i=<code>`, or the code alone without `viewerUrl`.
 * Fields out of their limits, and addresses in no known form, are our own fault and assert (check with `encodeAddress`).
 */
export function printInvitation(hashes: Hashes, invitation: InvitationCode, viewerUrl?: string): string {
  const { id, nodeId, channelKey, secret, expiresAt, addresses } = invitation;
  const node = fromHex(nodeId, KEY_SIZE);
  assert(node, 'a node id of 64 hex characters');
  const encoded = addresses.map(encodeAddress);
  assert(encoded.length >= 1 && encoded.length <= INVITATION_ADDRESSES_MAX, '1 to 8 addresses');
  const fixed = new ByteWriter(FIXED_SIZE)
    .u8(VERSION)
    .bytes(id, ID_SIZE)
    .bytes(node, KEY_SIZE)
    .bytes(channelKey, KEY_SIZE)
    .bytes(secret, SECRET_SIZE)
    .u32(Math.floor(expiresAt / 1000))
    .u8(encoded.length)
    .finish();
  const parts = encoded.map((address) => {
    assert(address, 'addresses of the form host:port');
    return address;
  });
  const body = concatBytes(fixed, ...parts);
  const code = toBase64Url(concatBytes(body, checksum(hashes, body)));
  return viewerUrl === undefined ? code : `${viewerUrl}#i=${code}`;
}

/** The invitation in a text as `printInvitation` gives it (whole, from `#` on, or the code alone), or why there is none. Total. */
export function parseInvitation(hashes: Hashes, text: string): InvitationCode | InvitationReason {
  if (text.length > INVITATION_TEXT_MAX) return 'size';
  const fragment = text.trim().split('#').at(-1)!;
  const bytes = fromBase64Url(fragment.startsWith('i=') ? fragment.slice(2) : fragment);
  if (!bytes) return 'base64';
  if (bytes.length < FIXED_SIZE + CHECKSUM_SIZE) return 'size';
  if (bytes[0] !== VERSION) return 'version';
  const body = bytes.subarray(0, bytes.length - CHECKSUM_SIZE);
  if (!equalBytes(checksum(hashes, body), bytes.subarray(body.length))) return 'checksum';
  const reader = new ByteReader(body);
  reader.skip(1);
  const id = reader.bytes(ID_SIZE).slice();
  const nodeId = toHex(reader.bytes(KEY_SIZE)) as DeviceKey;
  const channelKey = reader.bytes(KEY_SIZE).slice();
  const secret = reader.bytes(SECRET_SIZE).slice();
  const expiresAt = reader.u32() * 1000;
  const addresses = readAddresses(reader);
  return addresses ? { id, nodeId, channelKey, secret, expiresAt, addresses } : 'addresses';
}

function readAddresses(reader: ByteReader): string[] | null {
  const count = reader.u8();
  if (count < 1 || count > INVITATION_ADDRESSES_MAX) return null;
  const addresses: string[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const address = decodeAddress(reader);
      if (address === null) return null;
      addresses.push(address);
    }
  } catch (error) {
    if (isNvrError(error, 'corrupt')) return null;
    throw error;
  }
  return reader.left === 0 ? addresses : null;
}

function checksum(hashes: Hashes, body: Uint8Array): Uint8Array {
  return hashes.sha256(concatBytes(utf8(CHECKSUM_LABEL), body)).subarray(0, CHECKSUM_SIZE);
}
