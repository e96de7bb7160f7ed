import type { CameraEvent } from '../api.ts';
import type { Notification } from './notification.ts';

/** Topics and sources whose state is remembered. */
const STATES_MAX = 256;
/** Messages remembered so as not to be taken twice. */
const SEEN_MAX = 256;

/**
 * Makes events of messages: what repeats a state, or was delivered before, is left out; what several topics tell of the same thing is
 * one event, from the first that begins to the last that ends.
 */
export class EventTracker {
  /** What is active, by kind and name: topics and sources that say so. */
  readonly #active = new Map<string, Set<string>>();
  readonly #seen = new Set<string>();
  #states = 0;

  /** The event a message makes at `at` (node's epoch ms), or null where it says nothing new. */
  take({ kind, name, active, cameraAt, initial, about, same }: Notification, at: number): CameraEvent | null {
    // States told on request are as true the second time; what changed did so once.
    if (!initial && cameraAt !== null && !this.#isNew(active === null ? `moment ${same}` : same)) return null;
    const event = { kind, name, active, at, cameraAt, initial };
    if (active === null) return event;
    const thing = `${kind} ${name ?? ''}`;
    const sayers = this.#active.get(thing) ?? new Set<string>();
    const before = sayers.size > 0;
    if (!active) {
      if (sayers.delete(about)) this.#states -= 1;
      if (sayers.size === 0) this.#active.delete(thing);
    } else if (!sayers.has(about) && this.#states < STATES_MAX) {
      this.#active.set(thing, sayers.add(about));
      this.#states += 1;
    }
    return before === sayers.size > 0 ? null : event;
  }

  /** Nobody knows what goes on any more. Moments that were delivered are remembered; states are told anew, some with their old times. */
  lost(): void {
    this.#active.clear();
    this.#states = 0;
    for (const same of this.#seen) if (!same.startsWith('moment ')) this.#seen.delete(same);
  }

  #isNew(same: string): boolean {
    if (this.#seen.has(same)) return false;
    this.#seen.add(same);
    const [oldest] = this.#seen;
    if (this.#seen.size > SEEN_MAX && oldest !== undefined) this.#seen.delete(oldest);
    return true;
  }
}
