import { createHash } from 'node:crypto';

/** What a gateway reads and writes, with the wire's own names; written from the contract of the old wire and from nothing of `src`. */
export type GatewayMessage =
  | { kind: 'hello' | 'ack'; node_id: string; device_pk: string; zones: string[]; ts: number }
  | { kind: 'record'; zone: string; record_type: string; event: WireEvent; ts: number }
  | (GatewayQuestion & { kind: 'recordrequest'; ts: number });

/** What a `recordrequest` asks for; null targets ask for all. */
export interface GatewayQuestion {
  zone: string;
  types: string[];
  identity_id: string | null;
  device_pk: string | null;
  dht_scope: string | null;
  dht_key: string | null;
  hops: number;
}

export interface WireEvent {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  sig: string;
}

type Fields = Record<string, unknown>;

const strict = new TextDecoder('utf-8', { fatal: true });
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown, below: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < below;
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isTarget = (value: unknown): value is string | null => value === null || isText(value);

/** A datagram's message, or null: unknown fields and any order are fine, a wrong type, sign or range is not. */
export function readMessage(bytes: Uint8Array): GatewayMessage | null {
  const fields = parsed(bytes);
  if (fields?.['v'] !== 1) return null;
  const { kind, ts } = fields;
  if (!isCount(ts, 2 ** 53)) return null;
  if (kind === 'hello' || kind === 'ack') {
    const { node_id, device_pk, zones } = fields;
    return isText(node_id) && isText(device_pk) && isTexts(zones) ? { kind, node_id, device_pk, zones, ts } : null;
  }
  if (kind === 'record') {
    const { zone, record_type } = fields;
    const event = eventIn(fields['event']);
    return isText(zone) && isText(record_type) && event ? { kind, zone, record_type, event, ts } : null;
  }
  if (kind !== 'recordrequest') return null;
  const { zone, types, identity_id = null, device_pk = null, dht_scope = null, dht_key = null, hops = 0 } = fields;
  if (!isText(zone) || !isTexts(types) || !isCount(hops, 256)) return null;
  if (!isTarget(identity_id) || !isTarget(device_pk) || !isTarget(dht_scope) || !isTarget(dht_key)) return null;
  return { kind, zone, types, identity_id, device_pk, dht_scope, dht_key, hops, ts };
}

/** Bytes of a message, in the order of fields gateways write. */
export function writeMessage({ kind, ts, ...fields }: GatewayMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ kind, v: 1, ...fields, ts }));
}

/** True where the id is that of the fields and the signature that of the key; hex is looked at before it is decoded. */
export function isSigned(
  event: WireEvent,
  verify: (key: Uint8Array, digest: Uint8Array, signature: Uint8Array) => boolean,
): boolean {
  const { id, pubkey, sig } = event;
  if (!/^[0-9a-f]{64}$/.test(pubkey) || !/^[0-9a-f]{128}$/.test(sig)) return false;
  const digest = idOf(event);
  return digest.toString('hex') === id && verify(Buffer.from(pubkey, 'hex'), digest, Buffer.from(sig, 'hex'));
}

/** SHA-256 of an event's fields: its id. */
export function idOf({ pubkey, created_at, kind, tags, content }: Omit<WireEvent, 'id' | 'sig'>): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([0, pubkey, created_at, kind, tags, content]))
    .digest();
}

/** An event's content as an object, or null. */
export function contentOf(event: WireEvent): Fields | null {
  try {
    const value: unknown = JSON.parse(event.content);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

/** Values of an event's tags of one name. */
export function tagsOf(event: WireEvent, name: string): string[] {
  return event.tags.filter(([first]) => first === name).map((tag) => tag[1] ?? '');
}

function eventIn(value: unknown): WireEvent | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Fields;
  if (!isText(id) || !isText(pubkey) || !isText(content) || !isText(sig)) return null;
  if (!isCount(created_at, 2 ** 53) || !isCount(kind, 2 ** 32)) return null;
  if (!Array.isArray(tags) || !tags.every(isTexts)) return null;
  return { id, pubkey, created_at, kind, tags, content, sig };
}

function parsed(bytes: Uint8Array): Fields | null {
  try {
    const value: unknown = JSON.parse(strict.decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}
