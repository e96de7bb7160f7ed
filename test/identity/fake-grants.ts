import { toHex } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey } from '../../src/crypto/index.ts';
import {
  type DeviceKey,
  type Grant,
  grantOf,
  type SignedEvent,
  type SignedGrant,
  signEvent,
  type UnsignedEvent,
  unsignedGrant,
} from '../../src/protocol/index.ts';

/** A device that can sign: its secret key and its public one. */
export interface Signer {
  secret: Uint8Array<ArrayBuffer>;
  key: DeviceKey;
}

/** A signing device, told apart by one octet. */
export function signer(octet: number): Signer {
  const secret = new Uint8Array(32).fill(octet);
  return { secret, key: toHex(schnorrPublicKey(secret)) as DeviceKey };
}

export function signed(secret: Uint8Array, event: UnsignedEvent): SignedEvent {
  return signEvent(nobleHashes, secret, event, new Uint8Array(32));
}

/** The event of a grant; what is left out is a viewer of everything, generation 1. */
export function grantEvent(
  secret: Uint8Array,
  grant: Pick<Grant, 'node' | 'subject'> & Partial<Grant>,
  createdAtS = 1_795_000_000,
): SignedEvent {
  const whole: Grant = {
    role: 'viewer',
    sources: 'all',
    rolesAt: [],
    actions: 'all',
    pastMs: null,
    notBefore: null,
    notAfter: null,
    generation: 1,
    by: null,
    ...grant,
  };
  return signed(secret, unsignedGrant(whole, createdAtS));
}

export function grantBy(secret: Uint8Array, grant: Parameters<typeof grantEvent>[1], createdAtS?: number): SignedGrant {
  return grantOf(grantEvent(secret, grant, createdAtS))!;
}
