import { type SignedEvent, tagValues, type UnsignedEvent } from '../event.ts';
import type { DeviceKey } from '../ids.ts';
import { jsonObjectOf } from '../json-object.ts';

import { isZoneKey } from './zone.ts';

/** Event kind of app events. */
export const APP_EVENT_KIND = 1;

/** What an app event says of itself, after its own rules were checked. */
export interface AppEvent {
  /** `zone_presence`, `pair_request`, `device_revoked`… */
  type: string;
  /** Zones its `z` tags name; empty where it names none. */
  zones: string[];
  /** Presence only: the sender's role. */
  role: string;
}

/** Why an app event is refused; the signature is asked elsewhere, last. */
export type AppEventReason = 'kind' | 'topic' | 'stale' | 'future' | 'content';

/** How old and how far ahead (ms) `created_at` may be. */
export interface FreshWindow {
  past: number;
  ahead: number;
}

const TYPE_MAX = 64;
const PAYLOAD_AHEAD_MS = 120_000;
const PAYLOAD_PAST_MS = 600_000;
const PRESENCE_TTL_S = 120;

/** What an app event says at `now` (epoch ms), or why it must not be used. Total; verifies no signature. */
export function appEventOf(
  event: SignedEvent,
  now: number,
  { past, ahead }: FreshWindow,
): { app: AppEvent } | { reason: AppEventReason } {
  if (event.kind !== APP_EVENT_KIND) return { reason: 'kind' };
  if (!tagValues(event, 't').includes('constitute')) return { reason: 'topic' };
  const createdAt = event.created_at * 1000;
  // A second is the grain of `created_at`.
  if (createdAt + past + 999 < now) return { reason: 'stale' };
  if (createdAt > now + ahead) return { reason: 'future' };
  const content = jsonObjectOf(event.content);
  if (!content) return { reason: 'content' };
  const { type, ts, ttl, role = '', devicePk } = content;
  if (typeof type !== 'string' || type === '' || type.length > TYPE_MAX) return { reason: 'content' };
  const late = payloadReason(ts, ttl, now);
  if (late) return { reason: late };
  if (type === 'zone_presence' && devicePk !== event.pubkey) return { reason: 'content' };
  if (typeof role !== 'string' || role.length > TYPE_MAX) return { reason: 'content' };
  return { app: { type, role, zones: tagValues(event, 'z').filter(isZoneKey) } };
}

/** Presence in a zone as the old wire tells it; times are epoch ms. `swarm` is `host:port` or empty. */
export function presenceEvent(presence: {
  zone: string;
  device: DeviceKey;
  swarm: string;
  role: string;
  version: string;
  now: number;
}): UnsignedEvent {
  const { zone, device, swarm, role, version, now } = presence;
  const who = { type: 'zone_presence', zone, devicePk: device, swarm, role };
  return {
    created_at: Math.floor(now / 1000),
    kind: APP_EVENT_KIND,
    tags: [
      ['t', 'constitute'],
      ['z', zone],
    ],
    content: JSON.stringify({ ...who, service: 'nvr', serviceVersion: version, ts: now, ttl: PRESENCE_TTL_S }),
  };
}

/** The payload's own time: none is fine; with `ttl` (seconds) it lasts that long after `ts`, else ten minutes. */
function payloadReason(ts: unknown, ttl: unknown, now: number): 'stale' | 'future' | 'content' | null {
  if (ts === undefined) return ttl === undefined || isPositive(ttl) ? null : 'content';
  if (!isPositive(ts) || (ttl !== undefined && !isPositive(ttl))) return 'content';
  if (ts > now + PAYLOAD_AHEAD_MS) return 'future';
  const endsAt = ttl === undefined ? ts + PAYLOAD_PAST_MS : ts + ttl * 1000;
  return endsAt < now ? 'stale' : null;
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}
