import { fromUtf8, utf8 } from '../../bytes/index.ts';
import { eventOf, type SignedEvent } from '../event.ts';
import { type DeviceKey, isDeviceKey } from '../ids.ts';
import { isZoneKey, ZONES_MAX } from './zone.ts';

/** A datagram of the old wire, version 1: one JSON object, unsigned but for the event in it (docs/protocol/swarm.md section 2). */
export type LegacyDatagram = LegacyGreeting | LegacyRecord | LegacyRequest;

/** `hello` and `ack`: who speaks. Nothing in it is proved. */
export interface LegacyGreeting {
  kind: 'hello' | 'ack';
  nodeName: string;
  device: DeviceKey;
  /** At most 16; what has not the form of a zone key is left out. */
  zones: string[];
  /** Epoch ms. */
  ts: number;
}

/** `record`: one signed event, shaped but not verified. */
export interface LegacyRecord {
  kind: 'record';
  zone: string;
  /** `device`, `identity`, `dht`, `signal`, `zone_presence`; only a label. */
  recordType: string;
  event: SignedEvent;
  ts: number;
}

/** `recordrequest`: asks for records of a zone; null targets ask for all of a type. */
export interface LegacyRequest {
  kind: 'recordrequest';
  zone: string;
  types: string[];
  identityId: string | null;
  device: string | null;
  dhtScope: string | null;
  dhtKey: string | null;
  hops: number;
  ts: number;
}

/** Why a datagram is not one of the old wire. */
export type LegacyReason = 'size' | 'text' | 'version' | 'kind' | 'shape' | 'event';

/** Largest datagram a gateway reads. */
export const LEGACY_DATAGRAM_MAX = 2_047;

const NAME_MAX = 64;
const TEXT_MAX = 256;
const TYPES_MAX = 8;

type Fields = Record<string, unknown>;

/** The message of a datagram, or a reason. Total; unknown fields are ignored, order is free. */
export function parseLegacyDatagram(bytes: Uint8Array): { message: LegacyDatagram } | { reason: LegacyReason } {
  if (bytes.length > LEGACY_DATAGRAM_MAX) return { reason: 'size' };
  const fields = fieldsOf(bytes);
  if (!fields) return { reason: 'text' };
  const { kind, v, ts } = fields;
  if (v !== 1) return { reason: 'version' };
  if (!isTime(ts)) return { reason: 'shape' };
  if (kind === 'hello' || kind === 'ack') return result(greetingOf(kind, fields, ts));
  if (kind === 'record') {
    const { zone, record_type: recordType } = fields;
    if (!isZoneKey(zone) || !isText(recordType, NAME_MAX)) return { reason: 'shape' };
    const event = eventOf(fields['event']);
    return event ? { message: { kind, zone, recordType, event, ts } } : { reason: 'event' };
  }
  if (kind === 'recordrequest') return result(requestOf(fields, ts));
  return { reason: 'kind' };
}

/** Bytes of a message in the wire's field order. */
export function encodeLegacyDatagram(message: LegacyDatagram): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(wireFields(message)));
}

function wireFields(message: LegacyDatagram): Fields {
  const { kind, ts } = message;
  if (kind === 'record') {
    const { id, pubkey, created_at, kind: eventKind, tags, content, sig } = message.event;
    const event = { id, pubkey, created_at, kind: eventKind, tags, content, sig };
    return { kind, v: 1, zone: message.zone, record_type: message.recordType, event, ts };
  }
  if (kind === 'recordrequest') {
    const { zone, types, identityId, device, dhtScope, dhtKey, hops } = message;
    const targets = { identity_id: identityId, device_pk: device, dht_scope: dhtScope, dht_key: dhtKey };
    return { kind, v: 1, zone, types, ...targets, hops, ts };
  }
  return { kind, v: 1, node_id: message.nodeName, device_pk: message.device, zones: message.zones, ts };
}

function greetingOf(kind: 'hello' | 'ack', fields: Fields, ts: number): LegacyGreeting | null {
  const { node_id: nodeName, device_pk: device, zones } = fields;
  if (!isText(nodeName, NAME_MAX) || typeof device !== 'string' || !isDeviceKey(device)) return null;
  if (!Array.isArray(zones) || !zones.every((zone) => typeof zone === 'string')) return null;
  return { kind, nodeName, device, zones: zones.filter(isZoneKey).slice(0, ZONES_MAX), ts };
}

function requestOf(fields: Fields, ts: number): LegacyRequest | null {
  const { zone, types, hops = 0 } = fields;
  if (!isZoneKey(zone) || !Array.isArray(types) || types.length > TYPES_MAX) return null;
  if (!types.every((type) => isText(type, NAME_MAX))) return null;
  if (typeof hops !== 'number' || !Number.isInteger(hops) || hops < 0 || hops > 255) return null;
  const identityId = targetOf(fields['identity_id']);
  const device = targetOf(fields['device_pk']);
  const dhtScope = targetOf(fields['dht_scope']);
  const dhtKey = targetOf(fields['dht_key']);
  if (identityId === undefined || device === undefined || dhtScope === undefined || dhtKey === undefined) return null;
  return { kind: 'recordrequest', zone, types, identityId, device, dhtScope, dhtKey, hops, ts };
}

/** A target's text, null where it names none, undefined where it is no target. */
function targetOf(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  return isText(value, TEXT_MAX) ? value : undefined;
}

function result<T extends LegacyDatagram>(message: T | null): { message: T } | { reason: 'shape' } {
  return message ? { message } : { reason: 'shape' };
}

function fieldsOf(bytes: Uint8Array): Fields | null {
  const text = fromUtf8(bytes);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && value.isWellFormed();
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
