import { createHash } from 'node:crypto';
import type { Random } from '../../platform/index.ts';
import type { VirtualDeviceOptions } from '../device-api.ts';
import { resolveOptions } from '../options.ts';
import { uuidText } from './discovery-responder.ts';
import type { DeviceIdentity, DeviceProfile } from './world.ts';

/** Who a device is that is told nothing else: endpoint and hardware address are made of the serial number. */
export function identityOf(random: Random, options: VirtualDeviceOptions): DeviceIdentity {
  const serial = options.serial ?? `VC${Buffer.from(random.bytes(5)).toString('hex').toUpperCase()}`;
  const digest = createHash('sha256').update(`constitute virtual device ${serial}`).digest();
  digest[6] = (digest[6]! & 0x0f) | 0x80; // version 8: made in a way of our own
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return {
    serial,
    endpoint: options.endpoint ?? `urn:uuid:${uuidText(digest.subarray(0, 16))}`,
    name: options.name ?? 'Virtual camera',
    manufacturer: options.manufacturer ?? 'Constitute',
    model: options.model ?? 'Virtual Device',
    firmware: options.firmware ?? '1.0',
    hardwareAddress: `02:${[...digest.subarray(16, 21)].map((each) => each.toString(16).padStart(2, '0')).join(':')}`,
  };
}

/** One profile for each stream of the camera; `ERR_VIRTUAL_CAMERA_OPTIONS` (`invalid`). */
export function profilesOf(options: VirtualDeviceOptions): DeviceProfile[] {
  const { pictures } = resolveOptions(options.camera ?? {});
  return (['main', 'sub'] as const).flatMap((name) => {
    const picture = pictures[name];
    return picture ? [{ token: `profile_${name}`, mount: `/${name}` as const, ...picture }] : [];
  });
}
