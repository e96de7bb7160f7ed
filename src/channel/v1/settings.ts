import { isZero, toHex, utf8 } from '../../bytes/index.ts';
import type { Hashes } from '../../crypto/index.ts';
import type { AuditSink, DeviceKey, Role } from '../../protocol/index.ts';
import { settingsRefused } from './errors.ts';
import type { Reach } from './reach.ts';

/** A device that the operator lets use the old session. Its key is only a claim: whoever knows the secret can make it. */
export interface V1Device {
  device: DeviceKey;
  /** Nobody is owner over the old session. */
  role: Exclude<Role, 'owner'>;
}

/** What the old session is given by the daemon; without it, it does not exist. */
export interface V1Deps {
  /** `id-` and 16 characters, or what the old configuration says; without `|`. */
  identityId: string;
  /** 32 bytes shared with every old client. Copied. */
  identitySecret: Uint8Array;
  /** 32 bytes: the node's fixed X25519 scalar for old sessions. Copied. */
  serverSecret: Uint8Array;
  /**
   * Who may come, asked anew for each hello and once a second for each session; `'any'`: whoever knows the secret, as viewer.
   * A session whose device is gone from it, or has another role, ends within a second.
   */
  devices(): 'any' | readonly V1Device[];
  /**
   * True for a device that is paired, was paired before, or was revoked: a key that ever spoke version 2 never speaks version 1
   * again. Asked when `devices` is.
   */
  isPaired(device: DeviceKey): boolean;
  /** From where it may be opened. */
  allowFrom: Reach;
  /** Told of sessions, and of refusals to whoever knew the secret. */
  audit: AuditSink;
}

/** SHA-256 over the lower-case hex of every key that stands in the published template: everybody has them. */
const TEMPLATE_KEYS: ReadonlySet<string> = new Set([
  'd0cf2f20ec4732510ca062f1df5db6e7e0b723809887a10f1329c53eb2312d7a',
  '09a1892657208cacccb855eb586f010502f63fba10e302ae2836d3484b59a38b',
  '6a2397834859dfb21f1e8f194054136de3f577f7435c455934997f4acbb39a15',
  '4e1d4274deddc67e0bfefcdd935e2ee034df1f6fba6fec13f3687f4535394ca5',
  'f8fb05f69a4bf7f8515dae3205a6e5b3f73d003ce8788add0a36b8f6f45d9a81',
]);
const IDENTITY_ID = /^[\x21-\x7b\x7d\x7e]{1,128}$/;
const PLACEHOLDER = 'REPLACE_WITH_IDENTITY_ID';

/** Throws `ERR_CHANNEL_V1_SETTINGS` (`invalid`) for settings under which no session may be opened; the text repeats none of them. */
export function checkSettings(hashes: Hashes, { identityId, identitySecret, serverSecret }: V1Deps): void {
  // Also keeps the proof's text unambiguous: `|` separates its fields.
  if (!IDENTITY_ID.test(identityId)) throw settingsRefused('an identity id of printable characters without |');
  if (identityId === PLACEHOLDER) throw settingsRefused('an identity id of your own, not the placeholder');
  for (const [name, secret] of [
    ['identity', identitySecret],
    ['server', serverSecret],
  ] as const) {
    if (secret.length !== 32 || isZero(secret)) throw settingsRefused(`32 random bytes as ${name} secret`);
    if (TEMPLATE_KEYS.has(toHex(hashes.sha256(utf8(toHex(secret)))))) {
      throw settingsRefused('secrets of your own, not those of the published template');
    }
  }
  if (toHex(identitySecret) === toHex(serverSecret)) throw settingsRefused('two different secrets');
}
