import type { SyncCryptoSuite } from '../crypto/index.ts';
import { assert } from '../errors.ts';
import type { Clock, Log } from '../platform/index.ts';
import {
  DEVICES_MAX,
  type DeviceKey,
  type Grant,
  type GrantTerms,
  grantOf,
  isLabel,
  ROLES,
  type Role,
  type SignedEvent,
  type SignedGrant,
  signEventWith,
  termsOfGrant,
  unsignedGrant,
  verifyGrant,
} from '../protocol/index.ts';
import type { HeldGrant, PairedDevice } from './api.ts';
import type { DeviceFile } from './device-file.ts';
import { type DeviceList, type ListedDevice, wrapKeyIdOf } from './device-list.ts';
import { devicesFull, deviceUnknown, grantOutdated, grantRefused } from './errors.ts';
import {
  accessIn,
  adoptedFrom,
  bookOf,
  checkedTerms,
  cutOff,
  nextGeneration,
  OWNER_TERMS,
  requireMayIssue,
  requireOwner,
  stateOf,
  type TermsWish,
  withGrant,
} from './grant-rules.ts';

/** How old, and how far ahead of us, a grant may be signed when it arrives. */
const GRANT_FRESH_MS = { past: 600_000, ahead: 120_000 } as const;

/** Who asks for a removal, and whether what hung on the removed device goes on, on the asker's word. */
export interface EndWish {
  /** The device that asks; absent: the operator at the machine. */
  by?: DeviceKey;
  adopt?: boolean;
}

export interface DeviceDeskOptions {
  nodeId: DeviceKey;
  /** BIP-340 by the node's device key over a 32-byte digest. */
  sign(digest: Uint8Array): Uint8Array;
  /** True for a device that the owner's identity lists. */
  isListed(device: DeviceKey): boolean;
}

/** The paired devices, the one grant each may have, and every change of either: all in one file, so that none is half done. */
export class DeviceDesk {
  readonly #deps: { clock: Clock; log: Log; suite: SyncCryptoSuite };
  readonly #file: DeviceFile;
  readonly #options: DeviceDeskOptions;

  constructor(deps: { clock: Clock; log: Log; suite: SyncCryptoSuite }, file: DeviceFile, options: DeviceDeskOptions) {
    this.#deps = deps;
    this.#file = file;
    this.#options = options;
  }

  /** Paired devices, in the order of pairing. */
  devices(): PairedDevice[] {
    return this.#file.devices().map(({ grant: _, ...plain }) => {
      return { ...plain, role: this.#file.watch.accessOf(plain.device)?.role ?? null };
    });
  }

  /** Their grants. */
  grants(): HeldGrant[] {
    return this.#file.list.devices.flatMap(({ device }) => this.#heldBy(device) ?? []);
  }

  /** True for a key that had a grant and is neither paired nor granted anything now. */
  isGone(device: DeviceKey): boolean {
    return !this.#file.has(device) && this.#file.list.revoked.some((each) => each.device === device);
  }

  /** True for a key that is paired or once was; for every key, once so many have gone that some are forgotten. */
  wasPaired(device: DeviceKey): boolean {
    return this.#file.has(device) || this.#file.list.forgottenAt > 0 || this.isGone(device);
  }

  /** Throws `ERR_IDENTITY_DEVICES_FULL` (`exhausted`) where this device could not be added. */
  requireRoom(device: DeviceKey): void {
    if (!this.#file.has(device) && this.#file.list.devices.length >= DEVICES_MAX) throw devicesFull(DEVICES_MAX);
  }

  /**
   * Stores a device that was let in, on the word of `by` (absent: the node's own), and gives its role. The first becomes owner; one
   * that has as much or more already keeps it. `ERR_IDENTITY_DEVICES_FULL`, `ERR_IDENTITY_GRANT_DENIED`.
   */
  async store(
    device: DeviceKey,
    told: { terms: GrantTerms; by?: DeviceKey; label?: string; wrapKey?: Uint8Array },
  ): Promise<Role> {
    const { clock, suite, log } = this.#deps;
    const { nodeId } = this.#options;
    const { label, wrapKey } = told;
    let role: Role = told.terms.role;
    await this.#file.change((list) => {
      const isFirst = list.devices.length === 0;
      const terms = isFirst ? OWNER_TERMS : told.terms;
      const before = list.devices.find((each) => each.device === device);
      const paired: ListedDevice = {
        device,
        label: label !== undefined && isLabel(label) ? label : standardLabel(device),
        wrapKey: wrapKey?.slice() ?? null,
        wrapKeyId: wrapKey ? wrapKeyIdOf(suite.hashes, wrapKey) : null,
        pairedAt: clock.now(),
        lastSeenAt: clock.now(),
        grant: before?.grant ?? null,
      };
      const stored = { ...withRoom(list, device), devices: [...without(list, device), paired] };
      const held = accessIn(list, nodeId, device, this.#file.watch.now());
      role = held && ROLES.indexOf(held.role) >= ROLES.indexOf(terms.role) ? held.role : terms.role;
      if (held?.role === role) return stored;
      return this.#granted(stored, device, terms, isFirst ? nodeId : (told.by ?? nodeId));
    });
    log.info({ device, role, by: told.by ?? null }, 'paired a device');
    return role;
  }

  /** Grants on the word of `by`: the node signs. `ERR_IDENTITY_GRANT_TERMS`, `ERR_IDENTITY_GRANT_DENIED`, `ERR_IDENTITY_DEVICE_UNKNOWN`. */
  async grant(device: DeviceKey, wish: TermsWish, by = this.#options.nodeId): Promise<HeldGrant> {
    const terms = checkedTerms(wish);
    await this.#file.change((list) => this.#granted(this.#withSubject(list, device), device, terms, by));
    return this.#heldBy(device)!;
  }

  /** Throws what `grant` would for a device yet unknown. */
  requireMayInvite(terms: GrantTerms, by = this.#options.nodeId): void {
    this.#requireMayGrant(this.#file.list, null, terms, by);
  }

  /**
   * Takes a grant that the caller's own key signed. Every check of `grant`, and: its text is canonical, it is for this node, fresh by
   * our time, exactly the next generation. `ERR_IDENTITY_GRANT_REFUSED` (`invalid`), `ERR_IDENTITY_GRANT_OUTDATED` (`conflict`).
   */
  async accept(event: SignedEvent, caller: DeviceKey): Promise<HeldGrant> {
    const { nodeId } = this.#options;
    const grant = grantOf(event);
    if (!grant) throw grantRefused('expected the shape of docs/protocol/grants.md');
    if (grant.node !== nodeId) throw grantRefused('expected a grant for this node');
    if (event.pubkey !== caller) throw grantRefused('expected the asking device as its author');
    let isVerified = false;
    await this.#file.change((list) => {
      const age = this.#file.watch.now() - grant.createdAtS * 1000;
      if (age > GRANT_FRESH_MS.past || age < -GRANT_FRESH_MS.ahead) throw grantRefused('expected a fresh date');
      const next = nextGeneration(list, grant.subject);
      const isForgotten = next === 1 && grant.createdAtS * 1000 <= list.forgottenAt;
      if (grant.generation !== next || isForgotten) throw grantOutdated(next);
      const known = this.#withSubject(list, grant.subject);
      this.#requireMayGrant(list, grant.subject, grant, caller);
      // Asked last: everything before it is cheaper.
      isVerified ||= verifyGrant(this.#deps.suite.hashes, grant);
      if (!isVerified) throw grantRefused('expected a good signature');
      return this.#ownedStill(list, withGrant(known, grant));
    });
    return this.#heldBy(grant.subject)!;
  }

  /** Takes a device's grant away, and leaves it paired; false where it has none. `ERR_IDENTITY_LAST_OWNER` (`conflict`). */
  revoke(device: DeviceKey, wish: EndWish = {}): Promise<boolean> {
    return this.#end(device, wish, { unpair: false });
  }

  /** Unpairs a device; false where it is not paired. `ERR_IDENTITY_LAST_OWNER` (`conflict`). */
  async remove(device: DeviceKey, wish: EndWish = {}): Promise<boolean> {
    const removed = await this.#end(device, wish, { unpair: true });
    this.#file.forgetSeen(device);
    return removed;
  }

  /** Names a device; false where it is not paired. */
  async rename(device: DeviceKey, label: string): Promise<boolean> {
    let found = false;
    await this.#file.change((list) => {
      found = list.devices.some((each) => each.device === device);
      if (!found) return null;
      return { ...list, devices: list.devices.map((each) => (each.device === device ? { ...each, label } : each)) };
    });
    return found;
  }

  async #end(device: DeviceKey, wish: EndWish, { unpair }: { unpair: boolean }): Promise<boolean> {
    const { nodeId: node } = this.#options;
    const { by = node, adopt = false } = wish;
    let found = false;
    await this.#file.change((list) => {
      const listed = list.devices.find((each) => each.device === device);
      found = listed !== undefined && (unpair || listed.grant !== null);
      if (!found) return null;
      const now = this.#file.watch.now();
      const issue = (grant: Grant) => this.#issue(grant);
      const cut = cutOff(adoptedFrom(list, { node, gone: device, by, now, all: adopt, issue }), device, now);
      return this.#ownedStill(list, unpair ? { ...cut, devices: without(cut, device) } : cut);
    });
    if (found) this.#deps.log.info({ device, by, adopt }, 'took a device’s right away');
    return found;
  }

  /** The list with a new grant for a device in it, on the word of `by`. */
  #granted(list: DeviceList, device: DeviceKey, terms: GrantTerms, by: DeviceKey): DeviceList {
    const { nodeId: node } = this.#options;
    this.#requireMayGrant(list, device, terms, by);
    const generation = nextGeneration(list, device);
    const grant = this.#issue({ ...terms, node, subject: device, generation, by: by === node ? null : by });
    return this.#ownedStill(list, withGrant(list, grant));
  }

  #requireMayGrant(list: DeviceList, subject: DeviceKey | null, terms: GrantTerms, issuer: DeviceKey): void {
    const { nodeId } = this.#options;
    if (subject === nodeId) throw grantRefused('expected another device than the node');
    const now = this.#file.watch.now();
    if (terms.notAfter !== null && terms.notAfter <= now) throw grantRefused('expected an end that is still to come');
    requireMayIssue(bookOf(list, nodeId), { issuer, subject, terms }, now);
  }

  /** The list with the subject of a grant among its devices: paired before, or listed by the identity and not removed here. */
  #withSubject(list: DeviceList, device: DeviceKey): DeviceList {
    if (list.devices.some((each) => each.device === device)) return list;
    const isRevoked = list.revoked.some((each) => each.device === device);
    if (isRevoked || device === this.#options.nodeId || !this.#options.isListed(device)) throw deviceUnknown();
    const now = this.#deps.clock.now();
    const listed: ListedDevice = {
      device,
      label: standardLabel(device),
      wrapKey: null,
      wrapKeyId: null,
      pairedAt: now,
      lastSeenAt: now,
      grant: null,
    };
    return { ...withRoom(list, device), devices: [...list.devices, listed] };
  }

  #ownedStill(before: DeviceList, after: DeviceList): DeviceList {
    requireOwner(before, after, this.#options.nodeId, this.#file.watch.now());
    return after;
  }

  #issue(grant: Grant): SignedGrant {
    const { nodeId, sign } = this.#options;
    const unsigned = unsignedGrant(grant, Math.floor(this.#file.watch.now() / 1000));
    const signed = grantOf(signEventWith(this.#deps.suite.hashes, nodeId, unsigned, sign));
    assert(signed, 'what we sign is a grant');
    return signed;
  }

  #heldBy(device: DeviceKey): HeldGrant | null {
    const grant = this.#file.list.devices.find((each) => each.device === device)?.grant;
    if (!grant) return null;
    const { generation, issuer, createdAtS } = grant;
    const state = stateOf(grant, this.#file.watch.accessOf(device), this.#file.watch.now());
    return { device, ...termsOfGrant(grant), generation, issuer, createdAt: createdAtS * 1000, state };
  }
}

function without({ devices }: DeviceList, device: DeviceKey): ListedDevice[] {
  return devices.filter((each) => each.device !== device);
}

function withRoom(list: DeviceList, device: DeviceKey): DeviceList {
  if (without(list, device).length >= DEVICES_MAX) throw devicesFull(DEVICES_MAX);
  return list;
}

/** What a device is called that gave no usable name. */
function standardLabel(device: DeviceKey): string {
  return `device ${device.slice(0, 8)}`;
}
