import { type SignedEvent, tagValues } from '../event.ts';
import { type DeviceKey, isDeviceKey } from '../ids.ts';
import { jsonObjectOf } from '../json-object.ts';
import { type ChannelPlace, channelPlaceOf } from './channel-place.ts';

/** Event kind of discovery records. */
export const DISCOVERY_KIND = 30_078;

/** What a discovery record says, after its own rules were checked. Its signature proves the author, nothing else. */
export type DiscoveryRecord = DeviceRecord | IdentityRecord | DhtRecord;

interface RecordBase {
  author: DeviceKey;
  /** Epoch ms; where the record does not say, its `created_at`. */
  updatedAt: number;
  /** Epoch ms, or null where it names none. */
  expiresAt: number | null;
}

export interface DeviceRecord extends RecordBase {
  type: 'device';
  role: string;
  service: string;
  /** A claim, until a trusted device's identity record lists the author. */
  identityId: string;
  /** Where and under which key its channel is reached; null where it does not say. */
  place: ChannelPlace | null;
}

export interface IdentityRecord extends RecordBase {
  type: 'identity';
  identityId: string;
  /** The devices it lists, its author among them. */
  devices: DeviceKey[];
}

export interface DhtRecord extends RecordBase {
  type: 'dht';
  scope: string;
  key: string;
}

/** Why a discovery record is refused; the signature is asked elsewhere, last. */
export type DiscoveryReason =
  | 'kind'
  | 'topic'
  | 'type'
  | 'stale'
  | 'future'
  | 'content'
  | 'expired'
  | 'author'
  | 'role';

/** How far ahead a record may be dated, and how old one may be, ms (docs/protocol/swarm.md section 3). */
export const DISCOVERY_AHEAD_MS = 600_000;
export const DISCOVERY_AGE_MS = 86_400_000;

const TEXT_MAX = 256;
const DEVICES_LISTED_MAX = 256;

/** What a discovery record says at `now` (epoch ms), or why it must not be used. Total; verifies no signature. */
export function discoveryRecordOf(
  event: SignedEvent,
  now: number,
): { record: DiscoveryRecord } | { reason: DiscoveryReason } {
  if (event.kind !== DISCOVERY_KIND) return { reason: 'kind' };
  if (!tagValues(event, 't').includes('swarm_discovery')) return { reason: 'topic' };
  const createdAt = event.created_at * 1000;
  if (event.created_at === 0 || createdAt + DISCOVERY_AGE_MS + 999 < now) return { reason: 'stale' };
  // Seconds are compared with seconds: the rule says 600 of them.
  if (event.created_at > Math.floor((now + DISCOVERY_AHEAD_MS) / 1000)) return { reason: 'future' };
  const content = jsonObjectOf(event.content);
  if (!content) return { reason: 'content' };
  const updatedAt = content['updatedAt'] ?? createdAt;
  const expiresAt = content['expiresAt'] ?? null;
  if (!isTime(updatedAt) || (expiresAt !== null && !isTime(expiresAt))) return { reason: 'content' };
  if (updatedAt > now + DISCOVERY_AHEAD_MS + 999) return { reason: 'future' };
  if (expiresAt !== null && expiresAt < now) return { reason: 'expired' };
  const base = { author: event.pubkey, updatedAt, expiresAt };
  const type = tagValues(event, 'type')[0];
  if (type === 'device') return deviceOf(event, content, base);
  if (type === 'identity') return identityOf(content, base);
  if (type === 'dht') return dhtOf(content, base);
  return { reason: 'type' };
}

function deviceOf(event: SignedEvent, content: Record<string, unknown>, base: RecordBase) {
  const { devicePk, role = '', service = '', identityId = '' } = content;
  if (devicePk !== base.author) return { reason: 'author' as const };
  if (!isText(role) || !isText(service) || !isText(identityId)) return { reason: 'content' as const };
  const tag = tagValues(event, 'role')[0];
  if (tag !== undefined && role !== '' && tag !== role) return { reason: 'role' as const };
  const record: DeviceRecord = { type: 'device', ...base, role, service, identityId, place: channelPlaceOf(content) };
  return { record };
}

function identityOf(content: Record<string, unknown>, base: RecordBase) {
  const { identityId, devicePks } = content;
  if (!isText(identityId) || identityId.trim() === '') return { reason: 'content' as const };
  if (!Array.isArray(devicePks) || devicePks.length > DEVICES_LISTED_MAX) return { reason: 'content' as const };
  if (!devicePks.every((key) => typeof key === 'string' && isDeviceKey(key))) return { reason: 'content' as const };
  const devices = devicePks as DeviceKey[];
  if (!devices.includes(base.author)) return { reason: 'author' as const };
  const record: IdentityRecord = { type: 'identity', ...base, identityId, devices };
  return { record };
}

function dhtOf(content: Record<string, unknown>, base: RecordBase) {
  const { scope, key, value, authorPk = '' } = content;
  if (!isText(scope) || !isText(key) || scope.trim() === '' || key.trim() === '' || value === undefined) {
    return { reason: 'content' as const };
  }
  if (authorPk !== '' && authorPk !== base.author) return { reason: 'author' as const };
  const record: DhtRecord = { type: 'dht', ...base, scope, key };
  return { record };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_MAX;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
