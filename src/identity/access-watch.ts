import type { Clock, Log } from '../platform/index.ts';
import {
  type Access,
  type AccessChange,
  accessInBook,
  type DeviceKey,
  type GrantBook,
  OWNER_ACCESS,
  sameAccess,
} from '../protocol/index.ts';
import type { DeviceList } from './device-list.ts';
import { bookOf } from './grant-rules.ts';

/**
 * What each device may do at this moment, and who is told when that changes: by a new list, by the end or beginning of a grant.
 *
 * Time here never runs back: it is the highest of the clock, of what it was before, and of what the list remembers.
 */
export class AccessWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #nodeId: DeviceKey;
  readonly #listeners = new Set<(change: AccessChange) => void>();
  /** What was told last, for every listed device; bounded by the list. */
  #told = new Map<DeviceKey, Access | null>();
  #book: GrantBook;
  #devices: readonly DeviceKey[] = [];
  #highestAt = 0;

  constructor({ clock, log }: { clock: Clock; log: Log }, nodeId: DeviceKey) {
    this.#clock = clock;
    this.#log = log;
    this.#nodeId = nodeId;
    this.#book = { node: nodeId, of: () => undefined };
  }

  /** The time by which grants are judged, epoch ms. */
  now(): number {
    this.#highestAt = Math.max(this.#highestAt, this.#clock.now());
    return this.#highestAt;
  }

  /** Raises the time to one that is known to have been; the clock may be behind. */
  raise(at: number): void {
    this.#highestAt = Math.max(this.#highestAt, at);
  }

  /** Sets the time back on purpose. */
  reset(at: number): void {
    this.#highestAt = at;
    this.sweep();
  }

  /** What a device may do, or null. The node's own key is the operator at the machine, who may all. */
  accessOf(device: DeviceKey, now = this.now()): Access | null {
    if (device === this.#nodeId) return OWNER_ACCESS;
    return accessInBook(this.#book, device, Math.max(now, this.now()));
  }

  /** Takes another list, and tells what changed by it. A list that remembers less than the one before set the time back on purpose. */
  adopt(after: DeviceList, before: DeviceList): void {
    if (after.highestAt < before.highestAt) this.#highestAt = after.highestAt;
    else this.raise(after.highestAt);
    this.#book = bookOf(after, this.#nodeId);
    this.#devices = after.devices.map(({ device }) => device);
    this.sweep();
  }

  /** Looks at the time, and tells what changed by it. */
  sweep(): void {
    const now = this.now();
    const before = this.#told;
    this.#told = new Map(this.#devices.map((device) => [device, accessInBook(this.#book, device, now)]));
    for (const device of new Set([...before.keys(), ...this.#devices])) {
      const access = this.#told.get(device) ?? null;
      if (!sameAccess(before.get(device) ?? null, access)) this.#tell({ device, access });
    }
  }

  /** Calls `listener` with each change; the returned function ends that. */
  onChange(listener: (change: AccessChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(change: AccessChange): void {
    const { device, access } = change;
    this.#log.debug(
      { device, role: access?.role ?? null, endsAt: access?.endsAt ?? null },
      'a device’s access changed',
    );
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (fault) {
        // The list is written already: one listener's fault must not hide the change from the others.
        this.#log.error({ device, fault: String(fault) }, 'could not tell of a changed access');
      }
    }
  }
}
