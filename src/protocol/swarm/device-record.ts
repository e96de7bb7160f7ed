import type { UnsignedEvent } from '../event.ts';
import type { DeviceKey } from '../ids.ts';
import { channelPlaceField } from './channel-place.ts';
import { DISCOVERY_AGE_MS, DISCOVERY_KIND } from './discovery-record.ts';

/** What every device record of a node says: the fields of 1.0 and where it is hosted. */
export interface DeviceFacts {
  device: DeviceKey;
  identityId: string;
  label: string;
  role: string;
  version: string;
  /** The gateway's key, or empty: then the field is left out. */
  hostGateway: string;
  /** Epoch ms; strictly increasing over the node's life. */
  updatedAt: number;
}

/** What only some may know: the fields of 1.1, and our extension. */
export interface DeviceDetails {
  /** URL of the old session, or empty: then the field is left out. */
  sessionUrl: string;
  uptimeS: number;
  peersKnown: number;
  peersConfirmed: number;
  camerasTotal: number;
  camerasEnabled: number;
  channelKey: Uint8Array;
  channelAddresses: readonly string[];
}

/** A node's device record of version 1.0, with `deviceKind` and `hostGatewayPk`; with `details` that of 1.1 and our extension. */
export function deviceRecordEvent(facts: DeviceFacts, details?: DeviceDetails): UnsignedEvent {
  const { device, identityId, label, role, version, hostGateway, updatedAt } = facts;
  const tags = [
    ['t', 'swarm_discovery'],
    ['type', 'device'],
    ['role', role],
    ['service', 'nvr'],
  ];
  if (details) tags.push(['cap', 'camera'], ['hello', 'signed']);
  const content = {
    devicePk: device,
    identityId,
    deviceLabel: label,
    updatedAt,
    expiresAt: updatedAt + DISCOVERY_AGE_MS,
    role,
    deviceKind: 'service',
    service: 'nvr',
    ...(hostGateway === '' ? {} : { hostGatewayPk: hostGateway }),
    serviceVersion: version,
    ...(details ? detailFields(details) : {}),
  };
  return {
    created_at: Math.floor(updatedAt / 1000),
    kind: DISCOVERY_KIND,
    tags,
    content: JSON.stringify(content),
  };
}

/** No `uiRepo` and its kin: which code a browser loads is not for a record to say. */
function detailFields(details: DeviceDetails): Record<string, unknown> {
  const { sessionUrl, channelAddresses } = details;
  return {
    ingestProtocols: ['onvif', 'rtsp'],
    capabilities: ['camera'],
    ...(sessionUrl === '' ? {} : { sessionWsUrl: sessionUrl }),
    allowUnsignedHelloMvp: false,
    metrics: {
      uptimeSec: details.uptimeS,
      peersKnown: details.peersKnown,
      peersConfirmed: details.peersConfirmed,
      camerasTotal: details.camerasTotal,
      camerasEnabled: details.camerasEnabled,
    },
    ...(channelAddresses.length === 0
      ? {}
      : { channel: channelPlaceField({ ...details, addresses: channelAddresses }) }),
  };
}
