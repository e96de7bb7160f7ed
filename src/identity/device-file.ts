import type { SyncCryptoSuite } from '../crypto/index.ts';
import type { Clock, Files, Log, Random } from '../platform/index.ts';
import type { DeviceKey } from '../protocol/index.ts';
import { AccessWatch } from './access-watch.ts';
import { type DeviceList, deviceListShape, type ListedDevice } from './device-list.ts';
import type { FolderLock } from './folder-lock.ts';
import { SignedFile } from './signed-file.ts';

/** How far the time on disk may lag behind while a grant has an end. */
const TIME_LAG_MS = 600_000;

/** `devices.json` as it is now: what it says, what follows from it at this moment, when devices were last seen, the time it remembers. */
export class DeviceFile {
  /** What each device may do, and who is told when that changes. */
  readonly watch: AccessWatch;
  readonly #deps: { clock: Clock; log: Log };
  readonly #file: SignedFile<DeviceList>;
  /** `lastSeenAt` newer than on disk; bounded by the paired devices. */
  readonly #seen = new Map<DeviceKey, number>();

  constructor(
    deps: { clock: Clock; random: Random; log: Log; files: Files; suite: SyncCryptoSuite },
    { nodeId, ...place }: { path: string; lock: FolderLock; nodeKey: Uint8Array; nodeId: DeviceKey },
  ) {
    this.#deps = deps;
    this.watch = new AccessWatch(deps, nodeId);
    this.#file = new SignedFile(deps, {
      ...place,
      shape: deviceListShape(deps.suite.hashes, nodeId),
      onAdopted: (after, before) => this.watch.adopt(after, before),
    });
  }

  get list(): DeviceList {
    return this.#file.value;
  }

  /** Paired devices with when they were last seen. */
  devices(): ListedDevice[] {
    return this.list.devices.map((each) => this.#withSeen(each));
  }

  has(device: DeviceKey): boolean {
    return this.list.devices.some((each) => each.device === device);
  }

  /** Follows the disk. */
  refresh(): Promise<void> {
    return this.#file.refresh();
  }

  /** As `SignedFile.update`; what is only in memory goes along. */
  change(change: (list: DeviceList) => DeviceList | null): Promise<DeviceList> {
    return this.#file.update((list) => {
      const next = change(list);
      if (!next) return null;
      const highestAt = Math.max(next.highestAt, this.watch.now());
      return { ...next, highestAt, devices: next.devices.map((each) => this.#withSeen(each)) };
    });
  }

  /** Takes the clock as it is for the time from now on, also where it stands behind what was known. */
  async trustClock(): Promise<void> {
    const now = this.#deps.clock.now();
    await this.#file.update((list) => ({ ...list, highestAt: now, forgottenAt: Math.min(list.forgottenAt, now) }));
    this.watch.reset(now);
  }

  /** Notes that a device was here. */
  noteSeen(device: DeviceKey): void {
    if (this.has(device)) this.#seen.set(device, this.#deps.clock.now());
  }

  forgetSeen(device: DeviceKey): void {
    this.#seen.delete(device);
  }

  /** Writes when devices were last seen, and the time where something hangs on it; not doing so harms nothing. */
  async flush({ leaving }: { leaving: boolean }): Promise<void> {
    const { devices, highestAt } = this.list;
    const lag = this.watch.now() - highestAt;
    const isLate = devices.some(({ grant }) => grant?.notAfter != null) && lag >= (leaving ? 1_000 : TIME_LAG_MS);
    if (!isLate && !devices.some((each) => this.#withSeen(each) !== each)) return;
    try {
      await this.change((list) => list);
    } catch (error) {
      this.#deps.log.warn({ fault: String(error) }, 'could not note when devices were last seen');
    }
  }

  #withSeen(listed: ListedDevice): ListedDevice {
    const seenAt = this.#seen.get(listed.device) ?? 0;
    return seenAt > listed.lastSeenAt ? { ...listed, lastSeenAt: seenAt } : listed;
  }
}
