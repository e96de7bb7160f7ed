import type { SignedEvent, UnsignedEvent } from './event.ts';
import type { DeviceKey } from './ids.ts';
import { jsonObjectOf } from './json-object.ts';
import { isLabel } from './label.ts';
import { IDENTITY_DEVICES_MAX, isIdentityId } from './pairing-code-v1.ts';
import { DISCOVERY_KIND, type DiscoveryReason, discoveryRecordOf } from './swarm/discovery-record.ts';

/** How long an identity record is good for, ms, by the contract. */
export const IDENTITY_RECORD_LIFE_MS = 86_400_000;

/** How far ahead of us an identity record may be dated, ms: one from far ahead would shut out all that follow. */
export const IDENTITY_RECORD_AHEAD_MS = 120_000;

/** What an identity says of itself: who belongs to it. The author is one of `devices`; that makes it no more trusted. */
export interface IdentityStatement {
  /** `id-` and 16 characters of b64url. */
  identityId: string;
  label: string;
  /** 1 to 64 device keys, each once. */
  devices: DeviceKey[];
  /** Epoch ms; the newest statement holds. */
  updatedAt: number;
}

/** Why an identity record is refused: a reason of every discovery record, or `identity` (its id, label or list). */
export type IdentityRecordReason = DiscoveryReason | 'identity';

/** The statement of an identity record at `now` (epoch ms), or why it is refused. Total; verifies no signature, trusts nobody. */
export function identityStatementOf(
  event: SignedEvent,
  now: number,
): { statement: IdentityStatement } | { reason: IdentityRecordReason } {
  const read = discoveryRecordOf(event, now);
  if ('reason' in read) return read;
  const { record } = read;
  if (record.type !== 'identity') return { reason: 'type' };
  const { identityId, devices, updatedAt } = record;
  const label = jsonObjectOf(event.content)?.['label'];
  const isKnown = isIdentityId(identityId) && typeof label === 'string' && isLabel(label);
  const isBounded = devices.length <= IDENTITY_DEVICES_MAX && new Set(devices).size === devices.length;
  if (!isKnown || !isBounded) return { reason: 'identity' };
  if (updatedAt > now + IDENTITY_RECORD_AHEAD_MS) return { reason: 'future' };
  return { statement: { identityId, label, devices, updatedAt } };
}

/** An identity record, still without a signature; its author must be one of the devices. `updatedAt` is epoch ms. */
export function identityRecordEvent(statement: IdentityStatement, serviceVersion: string): UnsignedEvent {
  const { identityId, label, devices, updatedAt } = statement;
  const expiresAt = updatedAt + IDENTITY_RECORD_LIFE_MS;
  return {
    created_at: Math.floor(updatedAt / 1000),
    kind: DISCOVERY_KIND,
    tags: [
      ['t', 'swarm_discovery'],
      ['type', 'identity'],
    ],
    content: JSON.stringify({ identityId, label, devicePks: devices, updatedAt, expiresAt, serviceVersion }),
  };
}
