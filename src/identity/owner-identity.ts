import {
  type DeviceKey,
  IDENTITY_DEVICES_MAX,
  isDeviceKey,
  isIdentityId,
  isJsonObject,
  isLabel,
  TIME_AT_MAX,
} from '../protocol/index.ts';
import { isCount } from './json-shapes.ts';
import type { SignedShape } from './signed-file.ts';

/** Most obeyed events that are remembered; each only for as long as it is fresh. */
export const OBEYED_MAX = 64;

/** The owner's identity, as this node has pinned it, and what its devices last said of it. */
export interface OwnerIdentity {
  /** `id-` and 16 characters, or empty: none is pinned yet. */
  identityId: string;
  label: string;
  /** Devices that the newest accepted record lists. */
  devices: readonly DeviceKey[];
  /** Epoch ms of the newest accepted record, as it says itself; 0 before the first. */
  updatedAt: number;
  /** Events that were obeyed, oldest first: each is obeyed once. */
  obeyed: readonly { id: string; at: number }[];
}

/** What `identity.json` looks like (docs/reference/devices.md section 3). */
export const OWNER_IDENTITY_SHAPE: SignedShape<OwnerIdentity> = {
  domain: 'constitute.identity/1',
  version: 1,
  bytesMax: 32 * 1024,
  empty: { identityId: '', label: '', devices: [], updatedAt: 0, obeyed: [] },
  write: ({ identityId, label, devices, updatedAt, obeyed }) => ({
    identityId,
    label,
    devices,
    updatedAt,
    obeyed: obeyed.map(({ id, at }) => ({ id, at })),
  }),
  read({ identityId, label, devices, updatedAt, obeyed }) {
    const isNone = identityId === '' && label === '';
    if (typeof identityId !== 'string' || typeof label !== 'string') return 'expected an identity';
    if (!isNone && !(isIdentityId(identityId) && isLabel(label))) return 'expected an identity';
    if (!isCount(updatedAt, TIME_AT_MAX)) return 'expected times';
    if (!isKeyList(devices)) return `expected at most ${IDENTITY_DEVICES_MAX} device keys, each once`;
    if (!Array.isArray(obeyed) || obeyed.length > OBEYED_MAX) return `expected at most ${OBEYED_MAX} events`;
    const events: { id: string; at: number }[] = [];
    for (const [i, entry] of obeyed.entries()) {
      const { id, at } = isJsonObject(entry) ? entry : {};
      // Ids have the shape of keys: 64 lower-case hex characters.
      if (typeof id !== 'string' || !isDeviceKey(id) || !isCount(at, TIME_AT_MAX))
        return `obeyed[${i}]: expected an event`;
      events.push({ id, at });
    }
    return { identityId, label, devices, updatedAt, obeyed: events };
  },
};

/** What is left where the identity is no longer ours; what was obeyed stays obeyed. */
export function unpinned({ obeyed }: OwnerIdentity): OwnerIdentity {
  return { identityId: '', label: '', devices: [], updatedAt: 0, obeyed };
}

function isKeyList(value: unknown): value is DeviceKey[] {
  if (!Array.isArray(value) || value.length > IDENTITY_DEVICES_MAX || new Set(value).size !== value.length)
    return false;
  return value.every((each) => typeof each === 'string' && isDeviceKey(each));
}
