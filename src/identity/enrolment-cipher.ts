import { createRequire } from 'node:module';
import type * as nip04 from 'nostr-tools/nip04';
import type { DeviceKey } from '../protocol/index.ts';

/** Loaded where a node is being enrolled, and nowhere else. */
let loaded: typeof nip04 | null = null;
const require = createRequire(import.meta.url);

/**
 * The text that the holder of `peer` enciphered for the holder of `secretKey` (NIP-04: `<base64>?iv=<base64>`), or null. Total.
 *
 * Its cipher proves nothing: whoever can change the message can change the text. What is read from it is believed only as far as
 * the signature of the event around it carries.
 */
export function decipherNip04(secretKey: Uint8Array, peer: DeviceKey, text: string): string | null {
  try {
    loaded ??= require('nostr-tools/nip04') as typeof nip04;
    return loaded.decrypt(secretKey, peer, text);
  } catch {
    return null;
  }
}
