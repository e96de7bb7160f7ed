import { type SignedEvent, tagValues, type UnsignedEvent } from './event.ts';
import { type DeviceKey, isDeviceKey } from './ids.ts';
import { jsonObjectOf } from './json-object.ts';
import { isLabel } from './label.ts';
import { APP_EVENT_KIND, type AppEventReason, appEventOf } from './swarm/app-event.ts';

/** How old and how far ahead (ms) an upkeep event may be. */
export const UPKEEP_FRESH_MS = { past: 600_000, ahead: 120_000 } as const;

/** What one device of an identity tells the others about a third (docs/protocol/grants.md section 8). */
export type Upkeep =
  | { type: 'device_revoked' | 'device_blocked'; identity: string; device: DeviceKey }
  | { type: 'device_label_update'; identity: string; device: DeviceKey; label: string }
  | { type: 'identity_label_update'; identity: string; label: string };

/** Why an upkeep event is refused: a reason of every app event, `type` (another event), `identity` (bound to none). */
export type UpkeepReason = AppEventReason | 'type' | 'identity';

/**
 * What an upkeep event asks for at `now` (epoch ms), or why it says nothing to us. Total; verifies no signature, trusts nobody.
 * The `i` tag and the field `identity` must name the same identity, by its label.
 */
export function upkeepOf(event: SignedEvent, now: number): { upkeep: Upkeep } | { reason: UpkeepReason } {
  const read = appEventOf(event, now, UPKEEP_FRESH_MS);
  if ('reason' in read) return read;
  const content = jsonObjectOf(event.content)!;
  const { identity, targetPk, devicePk, deviceLabel, newLabel } = content;
  const { type } = read.app;
  if (!isUpkeepType(type)) return { reason: 'type' };
  const tags = tagValues(event, 'i');
  if (typeof identity !== 'string' || !isLabel(identity)) return { reason: 'identity' };
  if (tags.length !== 1 || tags[0] !== identity) return { reason: 'identity' };
  if (type === 'identity_label_update') {
    return isText(newLabel) ? { upkeep: { type, identity, label: newLabel } } : { reason: 'content' };
  }
  const device = type === 'device_label_update' ? devicePk : targetPk;
  if (typeof device !== 'string' || !isDeviceKey(device)) return { reason: 'content' };
  if (type !== 'device_label_update') return { upkeep: { type, identity, device } };
  return isText(deviceLabel) ? { upkeep: { type, identity, device, label: deviceLabel } } : { reason: 'content' };
}

/** An upkeep event, still without a signature, as devices of the ecosystem send it. `now` is epoch ms. */
export function upkeepEvent(upkeep: Upkeep, now: number): UnsignedEvent {
  return {
    created_at: Math.floor(now / 1000),
    kind: APP_EVENT_KIND,
    tags: [
      ['t', 'constitute'],
      ['i', upkeep.identity],
    ],
    content: JSON.stringify(contentFrom(upkeep)),
  };
}

function contentFrom(upkeep: Upkeep): Record<string, string> {
  const { type, identity } = upkeep;
  switch (type) {
    case 'device_revoked':
      return { type, identity, targetPk: upkeep.device };
    case 'device_blocked':
      return { type, identity, targetPk: upkeep.device, reason: '' };
    case 'device_label_update': {
      const { device, label } = upkeep;
      return { type, identity, devicePk: device, deviceDid: `did:device:nostr:${device}`, deviceLabel: label };
    }
    case 'identity_label_update':
      return { type, identity, newLabel: upkeep.label };
  }
}

function isUpkeepType(type: string): type is Upkeep['type'] {
  return ['device_revoked', 'device_blocked', 'device_label_update', 'identity_label_update'].includes(type);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && isLabel(value);
}
