import type { DeviceFaults } from '../device-api.ts';

/** The faults of a device; subscriptions are forgotten in the moment that fault is set. */
export class FaultSwitches implements DeviceFaults {
  wrongAddresses = false;
  slowMs: number | null = null;
  hang = false;
  malformed: DeviceFaults['malformed'] = null;
  hugeBytes: number | null = null;
  withoutProfiles: readonly string[] = [];
  readonly #forget: () => void;
  #forgets = false;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  get forgetSubscriptions(): boolean {
    return this.#forgets;
  }

  set forgetSubscriptions(forgets: boolean) {
    this.#forgets = forgets;
    if (forgets) this.#forget();
  }
}
