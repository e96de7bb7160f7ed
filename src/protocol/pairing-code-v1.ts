import { toBase64Url, utf8 } from '../bytes/index.ts';
import type { Hashes } from '../crypto/index.ts';
import { type SignedEvent, tagValues, type UnsignedEvent } from './event.ts';
import { type DeviceKey, isDeviceKey } from './ids.ts';
import { jsonObjectOf } from './json-object.ts';
import { isLabel } from './label.ts';

/** Version 1 kind and tag of what devices of an identity say to each other. */
const APP_KIND = 1;
const APP_TAG = 'constitute';
/** Seconds a version 1 reader takes a request seriously. */
const REQUEST_TTL_S = 120;
/** Most characters of an enciphered room key, and of what is inside. */
const ROOM_KEY_TEXT_MAX = 14_000;
/** Most devices of an identity that are taken in. */
export const IDENTITY_DEVICES_MAX = 64;

const IDENTITY_ID = /^id-[A-Za-z0-9_-]{16}$/;
const CODE_HASH = /^[A-Za-z0-9_-]{43}$/;
const CIPHERTEXT = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\?iv=[A-Za-z0-9+/]{22}==$/;

export const isIdentityId = (text: string): boolean => IDENTITY_ID.test(text);
export const isCodeHash = (text: string): boolean => CODE_HASH.test(text);

/** Version 1 hash of a pairing code: b64url(SHA-256(label | code)), both trimmed. Whoever sees it has the code at once. */
export function codeHashV1(hashes: Hashes, label: string, code: string): string {
  return toBase64Url(hashes.sha256(utf8(`${label.trim()}|${code.trim()}`)));
}

/** Name of a nostr key as a device. */
export function deviceDid(device: DeviceKey): string {
  return `did:device:nostr:${device}`;
}

/** What a node says that asks an identity to take it in. */
export interface PairRequestFacts {
  device: DeviceKey;
  /** What people call the node. */
  deviceLabel: string;
  /** Label of the identity. */
  identity: string;
  codeHash: string;
  /** `req-nvr-` and 12 hex characters. */
  requestId: string;
  /** Epoch ms. */
  now: number;
  /** The one zone it is meant for. */
  zone: string;
}

/** A `pair_request` for one zone, unsigned. It never holds the code itself (ecosystem contract 1.10, with the fixes of 9.2). */
export function pairRequest(facts: PairRequestFacts): UnsignedEvent {
  const { device, deviceLabel, identity, codeHash, requestId, now, zone } = facts;
  const content = {
    codeHash,
    deviceDid: deviceDid(device),
    deviceLabel,
    devicePk: device,
    identity,
    requestId,
    ts: now,
    ttl: REQUEST_TTL_S,
    type: 'pair_request',
  };
  const tags = [
    ['t', APP_TAG],
    ['i', identity],
    ['z', zone],
  ];
  return { created_at: Math.floor(now / 1000), kind: APP_KIND, tags, content: JSON.stringify(content) };
}

/** A `pair_approve` or `pair_reject`, taken apart; nothing about it is proved. */
export interface PairAnswer {
  type: 'pair_approve' | 'pair_reject';
  identity: string;
  /** Null where it names none: we do not send ours, so its writer may not know it. */
  code: string | null;
  toPk: DeviceKey;
  fromPk: DeviceKey;
  /** NIP-04 text; empty in a rejection. */
  encryptedRoomKey: string;
}

/** Why an event that means to be an answer to a request is none. */
export type PairAnswerReason = 'tags' | 'fields';

/** The answer in an event; null where it is about something else; total. The event's id and signature are not looked at. */
export function pairAnswerOf(event: SignedEvent): PairAnswer | PairAnswerReason | null {
  if (event.kind !== APP_KIND) return null;
  const json = jsonObjectOf(event.content);
  const type = json?.['type'];
  if (!json || (type !== 'pair_approve' && type !== 'pair_reject')) return null;
  const { identity, code, toPk, fromPk, encryptedRoomKey } = json;
  const labels = tagValues(event, 'i');
  if (!tagValues(event, 't').includes(APP_TAG)) return 'tags';
  if (typeof identity !== 'string' || !isLabel(identity)) return 'fields';
  // A tag that names another label than the content would be shown to one reader and obeyed by another.
  if (labels.some((label) => label !== identity)) return 'tags';
  if (typeof toPk !== 'string' || !isDeviceKey(toPk) || typeof fromPk !== 'string' || !isDeviceKey(fromPk)) {
    return 'fields';
  }
  const named = code === undefined || code === null || code === '' ? null : code;
  if (named !== null && (typeof named !== 'string' || named.length > 64)) return 'fields';
  const answer = { type, identity, code: named, toPk, fromPk } as const;
  if (type === 'pair_reject') return { ...answer, encryptedRoomKey: '' };
  if (typeof encryptedRoomKey !== 'string' || encryptedRoomKey.length > ROOM_KEY_TEXT_MAX) return 'fields';
  return CIPHERTEXT.test(encryptedRoomKey) ? { ...answer, encryptedRoomKey } : 'fields';
}

/** What an approval tells of the identity. Its room key is not read: a node has no use for it. */
export interface IdentityTold {
  identityId: string;
  devices: { device: DeviceKey; label: string }[];
}

/**
 * The identity in the deciphered text of an approval, or null; total. NIP-04 protects nothing against change, so every field is
 * held to its form: an id of ours, 1 to 64 devices, each once, labels that may be shown.
 */
export function identityTold(text: string): IdentityTold | null {
  const json = text.length > ROOM_KEY_TEXT_MAX ? null : jsonObjectOf(text);
  const identityId = json?.['identityId'];
  const list = json?.['devices'];
  if (typeof identityId !== 'string' || !IDENTITY_ID.test(identityId)) return null;
  if (!Array.isArray(list) || list.length === 0 || list.length > IDENTITY_DEVICES_MAX) return null;
  const devices = new Map<DeviceKey, string>();
  for (const each of list) {
    if (typeof each !== 'object' || each === null) return null;
    const { pk, label } = each as Record<string, unknown>;
    if (typeof pk !== 'string' || !isDeviceKey(pk) || devices.has(pk)) return null;
    devices.set(pk, typeof label === 'string' && isLabel(label) ? label : '');
  }
  return { identityId, devices: [...devices].map(([device, label]) => ({ device, label })) };
}
