import type { Clock } from '../platform/index.ts';
import { type DeviceKey, type GrantTerms, keyFingerprint, PENDING_MAX, type Role } from '../protocol/index.ts';

/** How long a device may wait for approval. */
export const PENDING_MS = 600_000;

/** A device that proved its key and knew a code, and waits for somebody who may let it in. */
export interface PendingDevice {
  device: DeviceKey;
  /** `keyFingerprint` of it: what both sides show and compare. */
  fingerprint: string;
  /** What it calls itself: nobody vouches for that. */
  label: string;
  wrapKey: Uint8Array | null;
  /** The role its code promised. */
  role: Role;
  /** All that its code promised. */
  terms: GrantTerms;
  /** Where it came from, numeric, without port; empty where unknown. */
  address: string;
  /** Epoch ms. */
  since: number;
  expiresAt: number;
  /** True while a channel of it is open. */
  present: boolean;
}

/** What a channel is given to wait by. */
export interface AwaitedDecision {
  expiresAt: number;
  decided: Promise<{ role: Role } | null>;
  leave(): void;
}

/** A place among those who wait. */
export interface Waiter {
  readonly facts: Omit<PendingDevice, 'present'>;
  /** Answers the one channel that waits now; null while there is none. */
  answer: ((decision: { role: Role } | null) => void) | null;
  cancelEnd: () => void;
}

/**
 * Devices that wait for approval, in memory only: at most 12, each for 10 minutes, one place for each key. What is decided is
 * decided about a key, so another device that comes meanwhile has another place and swaps nothing.
 */
export class PendingDevices {
  readonly #clock: Clock;
  readonly #onExpired: (facts: Waiter['facts']) => void;
  readonly #waiters = new Map<DeviceKey, Waiter>();

  constructor(clock: Clock, onExpired: (facts: Waiter['facts']) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get isFull(): boolean {
    return this.#waiters.size >= PENDING_MAX;
  }

  /** Those who wait, longest first. */
  list(): PendingDevice[] {
    return [...this.#waiters.values()].map(({ facts, answer }) => ({ ...facts, present: answer !== null }));
  }

  /** Enters a device; one that waits already begins anew, with what it says now. The caller looked at `isFull`. */
  add(device: DeviceKey, told: Pick<PendingDevice, 'label' | 'wrapKey' | 'role' | 'terms' | 'address'>): void {
    this.take(device)?.answer?.(null);
    const since = this.#clock.now();
    const facts = { device, fingerprint: keyFingerprint(device), ...told, since, expiresAt: since + PENDING_MS };
    this.#enter({ facts, answer: null, cancelEnd: () => {} }, PENDING_MS);
  }

  /** The decision on a waiting device, for a channel it has just opened; null where it does not wait. An older channel gives way. */
  await(device: DeviceKey): AwaitedDecision | null {
    const waiter = this.#waiters.get(device);
    if (!waiter) return null;
    waiter.answer?.(null);
    const { promise, resolve } = Promise.withResolvers<{ role: Role } | null>();
    waiter.answer = resolve;
    const leave = () => {
      if (waiter.answer === resolve) waiter.answer = null;
    };
    return { expiresAt: waiter.facts.expiresAt, decided: promise, leave };
  }

  /** Takes a device out, for whoever decides: of two at once only one gets it. The taker answers it, or puts it back. */
  take(device: DeviceKey): Waiter | null {
    const waiter = this.#waiters.get(device);
    if (!waiter) return null;
    this.#waiters.delete(device);
    waiter.cancelEnd();
    return waiter;
  }

  /** Puts a device back that was taken, with the time it has left; it may have come anew meanwhile. */
  putBack(waiter: Waiter): void {
    const { device, expiresAt } = waiter.facts;
    if (this.#waiters.has(device) || this.isFull) waiter.answer?.(null);
    else this.#enter(waiter, Math.min(PENDING_MS, Math.max(0, expiresAt - this.#clock.now())));
  }

  /** Turns everybody away. */
  clear(): void {
    for (const device of [...this.#waiters.keys()]) this.take(device)?.answer?.(null);
  }

  #enter(waiter: Waiter, ms: number): void {
    const { device } = waiter.facts;
    this.#waiters.set(device, waiter);
    waiter.cancelEnd = this.#clock.after(ms, () => {
      this.#waiters.delete(device);
      waiter.answer?.(null);
      this.#onExpired(waiter.facts);
    });
  }
}
