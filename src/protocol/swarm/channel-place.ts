import { fromBase64Url, toBase64Url } from '../../bytes/index.ts';
import { encodeAddress } from '../invitation-address.ts';

/**
 * Where a node's channel is reached and under which key: our extension of the device record, bound to the device key by the
 * record's signature. Programs that do not know it ignore the field.
 */
export interface ChannelPlace {
  /** The node's static X25519 key, 32 bytes. */
  channelKey: Uint8Array<ArrayBuffer>;
  /** `host:port` texts, best first, one to four. */
  addresses: string[];
}

/** Version of the field; readers ignore fields of another. */
export const CHANNEL_PLACE_VERSION = 2;

/** Most addresses of a record. */
export const CHANNEL_ADDRESSES_MAX = 4;

const ADDRESS_MAX = 260;
/** Characters of 32 bytes in base64url. */
const KEY_LENGTH = 43;

/** The value of the field `channel`: `{"v":2,"key":<base64url>,"addresses":[…]}`. */
export function channelPlaceField({ channelKey, addresses }: { channelKey: Uint8Array; addresses: readonly string[] }) {
  return {
    v: CHANNEL_PLACE_VERSION,
    key: toBase64Url(channelKey),
    addresses: addresses.slice(0, CHANNEL_ADDRESSES_MAX),
  };
}

/** The place a record's content names, or null where it names none in a version and form we know. Total. */
export function channelPlaceOf(content: Readonly<Record<string, unknown>>): ChannelPlace | null {
  const field = content['channel'];
  if (typeof field !== 'object' || field === null) return null;
  const { v, key, addresses } = field as Record<string, unknown>;
  if (v !== CHANNEL_PLACE_VERSION || typeof key !== 'string' || !Array.isArray(addresses)) return null;
  const channelKey = key.length === KEY_LENGTH ? fromBase64Url(key) : null;
  if (!channelKey || addresses.length === 0 || addresses.length > CHANNEL_ADDRESSES_MAX) return null;
  if (!addresses.every(isAddress)) return null;
  return { channelKey, addresses };
}

function isAddress(text: unknown): text is string {
  return typeof text === 'string' && text.length <= ADDRESS_MAX && encodeAddress(text) !== null;
}
