import {
  ByteWriter,
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64Url,
  toHex,
  utf8,
} from '../bytes/index.ts';
import { type Hashes, schnorrVerify } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import { DEVICES_MAX, type DeviceKey, isDeviceKey, isLabel, ROLES, type Role, TIME_AT_MAX } from '../protocol/index.ts';

/** Bytes of an X-Wing public key. */
export const WRAP_KEY_BYTES = 1216;

/** Most bytes of `devices.json`: 64 devices of about 2 KB, and room. */
export const DEVICE_LIST_BYTES_MAX = 256 * 1024;

const DOMAIN = utf8('constitute.devices/1\0');
const ROLE_OCTET: Record<Role, number> = { viewer: 1, operator: 2, admin: 3, owner: 4 };

/** One device that this node knows. */
export interface PairedDevice {
  device: DeviceKey;
  role: Role;
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
}

/** The whole list, as one generation of the file. */
export interface DeviceList {
  /** Counts the writings of the file, from 1; never falls. 0: no file yet. */
  generation: number;
  devices: readonly PairedDevice[];
}

/** Id of a storage key: the first 16 bytes of SHA-256 of the X-Wing public key, hex. */
export function wrapKeyIdOf(hashes: Hashes, wrapKey: Uint8Array): string {
  return toHex(hashes.sha256(wrapKey).subarray(0, 16));
}

/** What the node signs (BIP-340): SHA-256 over the canonical bytes of docs/reference/devices.md. */
export function deviceListDigest(hashes: Hashes, nodeId: DeviceKey, list: DeviceList): Uint8Array<ArrayBuffer> {
  const node = fromHex(nodeId, 32);
  assert(node, 'a device key is hex');
  const head = new ByteWriter(32 + 8 + 2).bytes(node).u64(list.generation).u16(list.devices.length).finish();
  return hashes.sha256(concatBytes(DOMAIN, head, ...list.devices.map(canonicalDevice)));
}

/** The text of `devices.json`, UTF-8; `signature` is 64 bytes over `deviceListDigest`. */
export function writeDeviceList(nodeId: DeviceKey, list: DeviceList, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const devices = list.devices.map(({ device, role, label, wrapKey, wrapKeyId, pairedAt, lastSeenAt }) => ({
    device,
    role,
    label,
    pairedAt,
    lastSeenAt,
    wrapKeyId,
    wrapKey: wrapKey ? toBase64Url(wrapKey) : null,
  }));
  const { generation } = list;
  return utf8(`${JSON.stringify({ version: 1, nodeId, generation, devices, signature: toHex(signature) }, null, 2)}\n`);
}

/**
 * Reads `devices.json`: the list, or the reason why it is refused. Total; bounded by the size its caller read.
 * Every field is checked, then that this node signed exactly these statements, then the layout: one list has one text.
 */
export function readDeviceList(hashes: Hashes, nodeId: DeviceKey, bytes: Uint8Array): DeviceList | { reason: string } {
  const text = fromUtf8(bytes);
  const json = text === null ? null : parseObject(text);
  if (!json) return { reason: 'expected one JSON object' };
  if (json['version'] !== 1) return { reason: 'expected version 1' };
  if (json['nodeId'] !== nodeId) return { reason: 'expected the list of this node, found one of another' };
  const { generation, devices: entries } = json;
  if (!isCount(generation, Number.MAX_SAFE_INTEGER) || generation === 0) return { reason: 'expected a generation' };
  if (!Array.isArray(entries) || entries.length > DEVICES_MAX)
    return { reason: `expected at most ${DEVICES_MAX} devices` };
  const devices: PairedDevice[] = [];
  for (const [i, entry] of entries.entries()) {
    const device = readDevice(hashes, entry);
    if (typeof device === 'string') return { reason: `devices[${i}]: ${device}` };
    if (devices.some((other) => other.device === device.device))
      return { reason: `devices[${i}]: expected each device once` };
    devices.push(device);
  }
  const signature = typeof json['signature'] === 'string' ? fromHex(json['signature'], 64) : null;
  if (!signature) return { reason: 'expected a signature of 64 bytes in hex' };
  const list = { generation, devices };
  if (!schnorrVerify(fromHex(nodeId, 32)!, deviceListDigest(hashes, nodeId, list), signature)) {
    return { reason: 'the signature is not this node’s: the file was changed by something else' };
  }
  if (!equalBytes(writeDeviceList(nodeId, list, signature), bytes)) return { reason: 'expected the layout we write' };
  return list;
}

function canonicalDevice({ device, role, label, wrapKey, pairedAt, lastSeenAt }: PairedDevice): Uint8Array {
  const name = utf8(label);
  const key = wrapKey ?? new Uint8Array(0);
  return new ByteWriter(32 + 1 + 8 + 8 + 2 + name.length + 2 + key.length)
    .bytes(fromHex(device, 32)!)
    .u8(ROLE_OCTET[role])
    .u64(pairedAt)
    .u64(lastSeenAt)
    .u16(name.length)
    .bytes(name)
    .u16(key.length)
    .bytes(key)
    .finish();
}

function readDevice(hashes: Hashes, entry: unknown): PairedDevice | string {
  if (!isObject(entry)) return 'expected an object';
  const { device, role, label, pairedAt, lastSeenAt } = entry;
  if (typeof device !== 'string' || !isDeviceKey(device)) return 'expected a device key';
  if (!isRole(role)) return 'expected a role';
  if (typeof label !== 'string' || !isLabel(label)) return 'expected a label';
  if (!isCount(pairedAt, TIME_AT_MAX) || !isCount(lastSeenAt, TIME_AT_MAX)) return 'expected times';
  if (entry['wrapKey'] === null) {
    if (entry['wrapKeyId'] !== null) return 'expected no key id without a key';
    return { device, role, label, wrapKey: null, wrapKeyId: null, pairedAt, lastSeenAt };
  }
  const wrapKey = typeof entry['wrapKey'] === 'string' ? fromBase64Url(entry['wrapKey']) : null;
  if (wrapKey?.length !== WRAP_KEY_BYTES) return `expected a storage key of ${WRAP_KEY_BYTES} bytes`;
  const wrapKeyId = wrapKeyIdOf(hashes, wrapKey);
  if (entry['wrapKeyId'] !== wrapKeyId) return 'expected the id of its storage key';
  return { device, role, label, wrapKey, wrapKeyId, pairedAt, lastSeenAt };
}

/** A JSON object, or null. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** True for a whole number from 0 to `max`. */
export function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

export function isRole(value: unknown): value is Role {
  return ROLES.includes(value as Role);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
