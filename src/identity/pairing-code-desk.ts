import type { Hashes } from '../crypto/index.ts';
import { assert, isNvrError } from '../errors.ts';
import type { Clock, Files, Log, Random } from '../platform/index.ts';
import { type DeviceKey, type GrantTerms, PAIRING_CODE_EXPIRES_MS, type Role } from '../protocol/index.ts';
import type { ProvedDevice } from './api.ts';
import { Enrolment, type EnrolmentDeps, type EnrolmentOptions } from './enrolment.ts';
import { pendingFull } from './errors.ts';
import type { FolderLock } from './folder-lock.ts';
import type { TermsWish } from './grant-rules.ts';
import { type PairingCode, PairingCodeStore } from './pairing-code-store.ts';
import { type AwaitedDecision, type PendingDevice, PendingDevices } from './pending-devices.ts';

/** A code just made; `digits` are shown once and kept nowhere. */
export interface MadeCode {
  id: string;
  /** Eight digits. */
  digits: string;
  role: Role;
  approve: boolean;
  /** Epoch ms. */
  expiresAt: number;
}

/** What may be told of the code that waits. */
export interface WaitingCode {
  id: string;
  role: Role;
  approve: boolean;
  expiresAt: number;
  /** Wrong guesses it takes yet. */
  triesLeft: number;
}

/** What became of an attempt to pair by code; for the audit log. */
export interface PairingOutcome {
  what: 'paired' | 'guessed' | 'waits' | 'rejected' | 'expired' | 'late';
  /** Null where no device is proved: a guess. */
  device: DeviceKey | null;
  /** Where it came from, numeric, without port; empty where unknown. */
  address: string;
}

export interface PairingDeskDeps {
  clock: Clock;
  random: Random;
  log: Log;
  files: Files;
  hashes: Hashes;
  lock: FolderLock;
  /** True where this device could be stored: room in the list, and a storage key that works. */
  fits(hello: Pick<ProvedDevice, 'device' | 'wrapKey'>): Promise<boolean>;
  /** The node's own key, and what it does for an enrolment. */
  node(): Pick<EnrolmentDeps, 'nodeId' | 'sign' | 'decipher'>;
  /** The terms wished for, in full, where `by` (null: the operator) may give them; throws what `Identity.invite` throws. */
  terms(wish: TermsWish, by: DeviceKey | null): GrantTerms;
  /** Stores a device as paired, on the word of `by` (absent: the operator's), and gives the role it has then. */
  store(
    device: DeviceKey,
    told: { terms: GrantTerms; by?: DeviceKey; label?: string; wrapKey?: Uint8Array },
  ): Promise<Role>;
}

export interface PairingDeskOptions {
  /** The folder of codes and tries. */
  folder: string;
  /** Every device that comes with a code needs approval, whatever the code says. */
  approveAlways: boolean;
}

/** Pairing by typed code: the one code, the guesses at it, and the devices that wait for approval. */
export class PairingDesk {
  readonly #deps: PairingDeskDeps;
  readonly #options: PairingDeskOptions;
  readonly #store: PairingCodeStore;
  readonly #pending: PendingDevices;
  #enrolment: Enrolment | null = null;
  readonly #listeners = new Set<(outcome: PairingOutcome) => void>();

  constructor(deps: PairingDeskDeps, options: PairingDeskOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#store = new PairingCodeStore(deps, options.folder);
    this.#pending = new PendingDevices(deps.clock, ({ device, address }) =>
      this.#tell({ what: 'expired', device, address }),
    );
  }

  /** Follows the disk. */
  refresh(): Promise<void> {
    return this.#store.refresh();
  }

  /** Turns away whoever waits. */
  stop(): void {
    this.#pending.clear();
  }

  /**
   * Makes the one code that waits, in place of any before, to these terms, on the word of `by` (absent: the operator's); `expiresMs`
   * within `PAIRING_CODE_EXPIRES_MS`. `ERR_IDENTITY_CODE_TRIES` (`exhausted`), `ERR_IDENTITY_TRIES_REFUSED` (`corrupt`),
   * `ERR_IDENTITY_GRANT_TERMS`, `ERR_IDENTITY_GRANT_DENIED`.
   */
  async make(wish: TermsWish & { approve?: boolean; expiresMs?: number; by?: DeviceKey }): Promise<MadeCode> {
    const { standard, min, max } = PAIRING_CODE_EXPIRES_MS;
    const { approve = false, expiresMs = standard, by, ...asked } = wish;
    assert(Number.isInteger(expiresMs) && expiresMs >= min && expiresMs <= max, 'an expiry within its limits');
    const issuer = this.#issuer(by);
    const terms = this.#deps.terms(asked, issuer);
    const needed = approve || this.#options.approveAlways;
    const { code, digits } = await this.#deps.lock.run(() =>
      this.#store.make({ terms, by: issuer, approve: needed, expiresMs }),
    );
    return { id: code.id, digits, role: terms.role, approve: code.approve, expiresAt: code.expiresAt };
  }

  /** Takes the waiting code back; false where none waits. */
  cancel(): Promise<boolean> {
    return this.#deps.lock.run(() => this.#store.cancel());
  }

  /** The code that waits, or null. */
  code(): WaitingCode | null {
    const { code, triesLeft } = this.#store;
    if (!code) return null;
    const { id, terms, expiresAt } = code;
    return { id, role: terms.role, approve: this.#needsApproval(code), expiresAt, triesLeft };
  }

  /** Wrong guesses left until one of the last 24 hours is a day old. */
  triesLeftToday(): number {
    return this.#store.triesLeftToday;
  }

  /** What the handshake needs: the code while a guess may be judged, or null. */
  waiting(): { id: string; secret: Uint8Array } | null {
    const code = this.#store.open;
    return code && { id: code.id, secret: code.secret };
  }

  /** Counts a guess before it is judged, and gives whom to tell the judgement; null where it must not be judged. */
  async guess(codeId: string, address: string): Promise<((right: boolean) => Promise<void>) | null> {
    if (!(await this.#store.spend(codeId))) return null;
    return async (right) => {
      if (right) return this.#store.giveBack(codeId);
      const { triesLeft, triesLeftToday } = this.#store;
      this.#deps.log.warn({ address, triesLeft, triesLeftToday }, 'refused a wrong pairing code');
      this.#tell({ what: 'guessed', device: null, address });
    };
  }

  /**
   * A device that proved its key and knew the code: pairs it, or enters it among those who wait. Exactly one device gets so far
   * by one code. Null refuses, also where it waits now (see `awaiting`). `ERR_IDENTITY_PENDING_FULL` (`exhausted`).
   */
  async admit(hello: ProvedDevice): Promise<{ role: Role } | null> {
    const { device, codeId = '', label, wrapKey, address = '' } = hello;
    if (!(await this.#deps.fits(hello))) return null;
    const waiting = this.#store.code;
    if (waiting?.id === codeId && this.#needsApproval(waiting) && this.#pending.isFull) throw pendingFull();
    // Burnt before anything is stored: a crash in between costs a code, never lets it be used twice.
    const code = await this.#store.burn(codeId);
    if (!code) {
      this.#tell({ what: 'late', device, address });
      return null;
    }
    const { terms, by } = code;
    if (!this.#needsApproval(code)) return this.#pair({ device, address }, { terms, ...toldBy(by, label, wrapKey) });
    this.#pending.add(device, {
      label: label ?? `device ${device.slice(0, 8)}`,
      wrapKey: wrapKey?.slice() ?? null,
      role: terms.role,
      terms,
      address,
    });
    this.#deps.log.info({ device, code: code.id }, 'a device waits for approval');
    this.#tell({ what: 'waits', device, address });
    return null;
  }

  /** The decision on a device that waits, for a channel it has just opened; null where it does not wait. */
  awaiting(device: DeviceKey): AwaitedDecision | null {
    return this.#pending.await(device);
  }

  /** Devices that wait for approval, longest first. */
  pending(): PendingDevice[] {
    return this.#pending.list();
  }

  /**
   * Lets the waiting device of exactly this key in, to these terms, on the word of `by` (absent: the operator's); null where it does not
   * wait (any more). `ERR_IDENTITY_GRANT_TERMS`, `ERR_IDENTITY_GRANT_DENIED`, `ERR_IDENTITY_DEVICES_FULL`: it waits on.
   */
  async approve(device: DeviceKey, wish: TermsWish & { label?: string; by?: DeviceKey }): Promise<Role | null> {
    const { label, by, ...asked } = wish;
    const issuer = this.#issuer(by);
    const terms = this.#deps.terms(asked, issuer);
    const taken = this.#pending.take(device);
    if (!taken) return null;
    const { facts } = taken;
    const told = toldBy(issuer, label ?? facts.label, facts.wrapKey ?? undefined);
    let role: Role;
    try {
      role = await this.#deps.store(device, { terms, ...told });
    } catch (error) {
      this.#pending.putBack(taken);
      throw error;
    }
    this.#tell({ what: 'paired', device, address: facts.address });
    taken.answer?.({ role });
    return role;
  }

  /** Turns a waiting device away; false where it does not wait. */
  reject(device: DeviceKey): boolean {
    const taken = this.#pending.take(device);
    taken?.answer?.(null);
    if (taken) this.#tell({ what: 'rejected', device, address: taken.facts.address });
    return taken !== null;
  }

  /**
   * Makes the enrolment of this node with an identity of version 1; it asks nobody before its `start`. At most one at a time: the
   * last made answers below.
   */
  enrol(hooks: Pick<EnrolmentDeps, 'publish' | 'onEnrolled'>, options: EnrolmentOptions): Enrolment {
    this.#enrolment = new Enrolment({ ...this.#deps, ...this.#deps.node(), ...hooks }, options);
    return this.#enrolment;
  }

  /** Answers to the enrolment that nobody vouched for yet. */
  enrolments(): { signer: DeviceKey; identityId: string; label: string; at: number }[] {
    return this.#enrolment?.candidates() ?? [];
  }

  /** Takes or dismisses such an answer; false where it does not wait. */
  async confirm(signer: DeviceKey, accept: boolean): Promise<boolean> {
    if (!this.#enrolment) return false;
    return accept ? this.#enrolment.accept(signer) : this.#enrolment.dismiss(signer);
  }

  /** Calls `listener` with what becomes of each attempt; the returned function ends that. */
  onOutcome(listener: (outcome: PairingOutcome) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stores a device that needs nobody's approval. Null where whoever made the code may no longer let it in. */
  async #pair(
    { device, address }: { device: DeviceKey; address: string },
    told: Parameters<PairingDeskDeps['store']>[1],
  ): Promise<{ role: Role } | null> {
    try {
      const role = await this.#deps.store(device, told);
      this.#tell({ what: 'paired', device, address });
      return { role };
    } catch (error) {
      if (!isNvrError(error, 'denied') && !isNvrError(error, 'invalid')) throw error;
      this.#deps.log.warn({ device, by: told.by ?? null, reason: error.message }, 'refused a pairing');
      this.#tell({ what: 'rejected', device, address });
      return null;
    }
  }

  /** Null for the node's own key: the operator at the machine. */
  #issuer(by: DeviceKey | undefined): DeviceKey | null {
    return by === undefined || by === this.#deps.node().nodeId ? null : by;
  }

  #needsApproval({ approve }: PairingCode): boolean {
    return approve || this.#options.approveAlways;
  }

  #tell(outcome: PairingOutcome): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(outcome);
      } catch (fault) {
        this.#deps.log.error({ fault: String(fault) }, 'could not tell what became of a pairing');
      }
    }
  }
}

function toldBy(
  by: DeviceKey | null,
  label: string | undefined,
  wrapKey: Uint8Array | undefined,
): { by?: DeviceKey; label?: string; wrapKey?: Uint8Array } {
  return { ...(by ? { by } : {}), ...(label ? { label } : {}), ...(wrapKey ? { wrapKey } : {}) };
}
