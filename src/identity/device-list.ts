import { fromBase64Url, toBase64Url, toHex } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import {
  DEVICES_MAX,
  type DeviceKey,
  eventOf,
  GRANT_GENERATION_MAX,
  grantOf,
  isDeviceKey,
  isJsonObject,
  isLabel,
  type SignedGrant,
  TIME_AT_MAX,
  verifyGrant,
  writeEvent,
} from '../protocol/index.ts';
import { isCount } from './json-shapes.ts';
import type { SignedShape } from './signed-file.ts';

/** Bytes of an X-Wing public key. */
export const WRAP_KEY_BYTES = 1216;

/** Most bytes of `devices.json`: 64 devices of at most about 12 KB, 256 revoked ones, and room. */
export const DEVICE_LIST_BYTES_MAX = 1024 * 1024;

/** Most devices without a grant whose last generation is remembered. */
export const REVOKED_MAX = 256;

/** One device that this node knows, and the one grant by which it may something. */
export interface ListedDevice {
  device: DeviceKey;
  /** What people call it. */
  label: string;
  /** X-Wing public key for storage keys, 1,216 bytes; null where it gave none. */
  wrapKey: Uint8Array | null;
  /** The first 16 bytes of SHA-256 of `wrapKey`, hex; null where there is none. */
  wrapKeyId: string | null;
  /** Epoch ms. */
  pairedAt: number;
  /** Epoch ms; may be a minute old on disk. */
  lastSeenAt: number;
  /** Null after it was taken away. */
  grant: SignedGrant | null;
}

/** A key that had a grant and has none: nothing up to this generation revives it. */
export interface RevokedDevice {
  device: DeviceKey;
  generation: number;
  /** Epoch ms; not before the grant was made. */
  at: number;
}

/** All of `devices.json`. */
export interface DeviceList {
  /** The latest time known, epoch ms: what has ended by it stays ended when the clock is set back. */
  highestAt: number;
  /** Epoch ms: a key whose generation is not known is given nothing by a grant made up to then. Above 0 once `revoked` overflowed. */
  forgottenAt: number;
  /** In the order of pairing. */
  devices: readonly ListedDevice[];
  /** Oldest first. */
  revoked: readonly RevokedDevice[];
}

/** Id of a storage key: the first 16 bytes of SHA-256 of the X-Wing public key, hex. */
export function wrapKeyIdOf(hashes: Hashes, wrapKey: Uint8Array): string {
  return toHex(hashes.sha256(wrapKey).subarray(0, 16));
}

/** What `devices.json` looks like (docs/reference/devices.md section 2). Grants found good once are not verified again. */
export function deviceListShape(hashes: Hashes, nodeId: DeviceKey): SignedShape<DeviceList> {
  let verified = new Set<string>();
  return {
    domain: 'constitute.devices/2',
    version: 2,
    bytesMax: DEVICE_LIST_BYTES_MAX,
    empty: { highestAt: 0, forgottenAt: 0, devices: [], revoked: [] },
    write: ({ highestAt, forgottenAt, devices, revoked }) => ({
      highestAt,
      forgottenAt,
      devices: devices.map(writeDevice),
      revoked: revoked.map(({ device, generation, at }) => ({ device, generation, at })),
    }),
    read({ highestAt, forgottenAt, devices: entries, revoked: gone }) {
      if (!isCount(highestAt, TIME_AT_MAX) || !isCount(forgottenAt, TIME_AT_MAX)) return 'expected times';
      if (!Array.isArray(entries) || entries.length > DEVICES_MAX) return `expected at most ${DEVICES_MAX} devices`;
      const seen = new Set<string>();
      const known = new Set<string>();
      const devices: ListedDevice[] = [];
      for (const [i, entry] of entries.entries()) {
        const device = readDevice(hashes, nodeId, entry);
        if (typeof device === 'string') return `devices[${i}]: ${device}`;
        if (seen.has(device.device)) return `devices[${i}]: expected each device once`;
        seen.add(device.device);
        if (device.grant) {
          const text = writeEvent(device.grant.event);
          if (!verified.has(text) && !verifyGrant(hashes, device.grant)) {
            return `devices[${i}]: expected a grant with a good signature`;
          }
          known.add(text);
        }
        devices.push(device);
      }
      const revoked = readRevoked(gone, devices);
      if (typeof revoked === 'string') return revoked;
      verified = known;
      return { highestAt, forgottenAt, devices, revoked };
    },
  };
}

function writeDevice({ device, label, wrapKey, wrapKeyId, pairedAt, lastSeenAt, grant }: ListedDevice) {
  const wrap = wrapKey ? toBase64Url(wrapKey) : null;
  return { device, label, pairedAt, lastSeenAt, wrapKeyId, wrapKey: wrap, grant: grant && inOrder(grant) };
}

function inOrder({ event }: SignedGrant) {
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return { id, pubkey, created_at, kind, tags, content, sig };
}

function readDevice(hashes: Hashes, nodeId: DeviceKey, entry: unknown): ListedDevice | string {
  if (!isJsonObject(entry)) return 'expected an object';
  const { device, label, pairedAt, lastSeenAt } = entry;
  if (typeof device !== 'string' || !isDeviceKey(device) || device === nodeId) return 'expected a device key';
  if (typeof label !== 'string' || !isLabel(label)) return 'expected a label';
  if (!isCount(pairedAt, TIME_AT_MAX) || !isCount(lastSeenAt, TIME_AT_MAX)) return 'expected times';
  const grant = readGrant(nodeId, device, entry['grant']);
  if (typeof grant === 'string') return grant;
  const plain = { device, label, pairedAt, lastSeenAt, grant };
  if (entry['wrapKey'] === null) {
    if (entry['wrapKeyId'] !== null) return 'expected no key id without a key';
    return { ...plain, wrapKey: null, wrapKeyId: null };
  }
  const wrapKey = typeof entry['wrapKey'] === 'string' ? fromBase64Url(entry['wrapKey']) : null;
  if (wrapKey?.length !== WRAP_KEY_BYTES) return `expected a storage key of ${WRAP_KEY_BYTES} bytes`;
  const wrapKeyId = wrapKeyIdOf(hashes, wrapKey);
  if (entry['wrapKeyId'] !== wrapKeyId) return 'expected the id of its storage key';
  return { ...plain, wrapKey, wrapKeyId };
}

function readGrant(nodeId: DeviceKey, device: DeviceKey, entry: unknown): SignedGrant | string | null {
  if (entry === null) return null;
  const event = eventOf(entry);
  const grant = event && grantOf(event);
  if (!grant) return 'expected a grant';
  return grant.node === nodeId && grant.subject === device ? grant : 'expected a grant of this device at this node';
}

function readRevoked(entries: unknown, devices: readonly ListedDevice[]): RevokedDevice[] | string {
  if (!Array.isArray(entries) || entries.length > REVOKED_MAX) return `expected at most ${REVOKED_MAX} revoked devices`;
  const granted = new Set<string>(devices.filter(({ grant }) => grant).map(({ device }) => device));
  const revoked: RevokedDevice[] = [];
  for (const [i, entry] of entries.entries()) {
    const { device, generation, at } = isJsonObject(entry) ? entry : {};
    if (typeof device !== 'string' || !isDeviceKey(device)) return `revoked[${i}]: expected a device key`;
    if (!isCount(generation, GRANT_GENERATION_MAX) || generation === 0) return `revoked[${i}]: expected a generation`;
    if (!isCount(at, TIME_AT_MAX)) return `revoked[${i}]: expected a time`;
    if (granted.has(device)) return `revoked[${i}]: expected each key once`;
    granted.add(device);
    revoked.push({ device, generation, at });
  }
  return revoked;
}
