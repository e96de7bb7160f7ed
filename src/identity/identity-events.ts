import type { Hashes } from '../crypto/index.ts';
import { isNvrError } from '../errors.ts';
import type { Clock, Log } from '../platform/index.ts';
import {
  type Access,
  type DeviceKey,
  DISCOVERY_KIND,
  type IdentityRecordReason,
  type IdentityStatement,
  identityStatementOf,
  type SignedEvent,
  UPKEEP_FRESH_MS,
  type Upkeep,
  type UpkeepReason,
  upkeepOf,
  verifyEvent,
} from '../protocol/index.ts';
import { OBEYED_MAX, type OwnerIdentity, unpinned } from './owner-identity.ts';
import type { SignedFile } from './signed-file.ts';

/** Events that may wait for their turn; more are refused as `busy`. */
const WAITING_MAX = 64;
/** Signatures checked, and changes written: at most this many at once, and this many more in each minute. */
const CHECKS = { burst: 60, perMinute: 120 };
const WRITES = { burst: 6, perMinute: 6 };
/** A record that says the same again is written down only when it is this much newer, ms. */
const SAME_AGAIN_MS = 600_000;

/**
 * What became of an event: `obeyed`, `same` (nothing new in it), or why it was refused. `foreign`: another identity, or none is pinned;
 * `signer`: nobody we trust for this; `older`, `again`: not newer, obeyed before; `owner`: the last owner stays.
 */
export type EventVerdict =
  | 'obeyed'
  | 'same'
  | 'foreign'
  | 'signer'
  | 'signature'
  | 'older'
  | 'again'
  | 'owner'
  | 'rate'
  | 'busy'
  | 'failed'
  | IdentityRecordReason
  | UpkeepReason;

export interface IdentityEventsDeps {
  clock: Clock;
  log: Log;
  hashes: Hashes;
  nodeId: DeviceKey;
  file: SignedFile<OwnerIdentity>;
  /** The time by which trust is judged, epoch ms. */
  now(): number;
  accessOf(device: DeviceKey): Access | null;
  /** True for a key that was removed here and has not come back. */
  isRevoked(device: DeviceKey): boolean;
  /** Unpairs a device on the word of another; false where it is not paired. */
  remove(device: DeviceKey, by: DeviceKey): Promise<boolean>;
  rename(device: DeviceKey, label: string): Promise<boolean>;
}

/**
 * Hears what the swarm brings about the owner's identity, and believes none of it because of the way it came.
 *
 * An identity record counts when one of our owner devices, or a device that the record before listed, signed it. Only owner devices
 * of ours revoke and rename; every device may rename itself. One event at a time; each is obeyed once.
 */
export class IdentityEvents {
  readonly #deps: IdentityEventsDeps;
  readonly #checks: Budget;
  readonly #writes: Budget;
  readonly #verdicts = new Map<EventVerdict, number>();
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: IdentityEventsDeps) {
    this.#deps = deps;
    this.#checks = new Budget(deps.clock, CHECKS);
    this.#writes = new Budget(deps.clock, WRITES);
  }

  /** How often each verdict was given since the start. */
  verdicts(): Record<string, number> {
    return Object.fromEntries(this.#verdicts);
  }

  /** Takes one event in its turn. Never rejects. */
  hear(event: SignedEvent): Promise<EventVerdict> {
    if (this.#waiting >= WAITING_MAX) return Promise.resolve(this.#count('busy'));
    this.#waiting++;
    const turn = this.#tail.then(async () => {
      try {
        return this.#count(await this.#judge(event));
      } catch (fault) {
        this.#deps.log.error({ event: event.id, fault: String(fault) }, 'could not obey an event');
        return this.#count('failed');
      } finally {
        this.#waiting--;
      }
    });
    this.#tail = turn;
    return turn;
  }

  /** Resolves when everything heard so far is dealt with. */
  async settled(): Promise<void> {
    await this.#tail;
  }

  async #judge(event: SignedEvent): Promise<EventVerdict> {
    const now = this.#deps.now();
    if (event.kind === DISCOVERY_KIND) {
      const read = identityStatementOf(event, now);
      return 'reason' in read ? read.reason : this.#record(event, read.statement);
    }
    const read = upkeepOf(event, now);
    return 'reason' in read ? read.reason : this.#upkeep(event, read.upkeep);
  }

  async #record(event: SignedEvent, statement: IdentityStatement): Promise<EventVerdict> {
    const { file, log } = this.#deps;
    const known = file.value;
    const isOwner = this.#isOwner(event.pubkey);
    if (known.identityId === '' ? !isOwner : statement.identityId !== known.identityId) return 'foreign';
    if (!isOwner && !this.#isListed(event.pubkey)) return 'signer';
    if (statement.updatedAt <= known.updatedAt) return 'older';
    if (isSame(statement, known) && statement.updatedAt < known.updatedAt + SAME_AGAIN_MS) return 'same';
    const refused = this.#verify(event);
    if (refused) return refused;
    if (!this.#writes.take()) return 'rate';
    const { identityId, label, devices, updatedAt } = statement;
    const after = await file.update((value) => {
      const isOurs = value.identityId === '' || value.identityId === identityId;
      return isOurs && value.updatedAt < updatedAt ? { ...value, identityId, label, devices, updatedAt } : null;
    });
    if (after.updatedAt !== updatedAt) return 'older';
    log.info({ identity: identityId, devices: devices.length, signer: event.pubkey }, 'accepted an identity record');
    return 'obeyed';
  }

  async #upkeep(event: SignedEvent, upkeep: Upkeep): Promise<EventVerdict> {
    const { file, log } = this.#deps;
    const { identityId, label, obeyed } = file.value;
    if (identityId === '' || upkeep.identity !== label) return 'foreign';
    const isOwnName = upkeep.type === 'device_label_update' && upkeep.device === event.pubkey;
    const may = isOwnName ? this.#deps.accessOf(event.pubkey) !== null : this.#isOwner(event.pubkey);
    if (!may) return 'signer';
    if (obeyed.some(({ id }) => id === event.id)) return 'again';
    const refused = this.#verify(event);
    if (refused) return refused;
    if (!this.#writes.take()) return 'rate';
    // Done first, noted then: a crash in between repeats what is harmless to repeat.
    const verdict = await this.#obey(event, upkeep);
    if (verdict === 'owner') return verdict;
    const oldest = this.#deps.now() - UPKEEP_FRESH_MS.past - UPKEEP_FRESH_MS.ahead;
    await file.update((value) => {
      const fresh = value.obeyed.filter(({ at }) => at >= oldest).slice(1 - OBEYED_MAX);
      return { ...value, obeyed: [...fresh, { id: event.id, at: event.created_at * 1000 }] };
    });
    log.info({ event: upkeep.type, signer: event.pubkey, verdict }, 'obeyed an event of the identity');
    return verdict;
  }

  async #obey(event: SignedEvent, upkeep: Upkeep): Promise<EventVerdict> {
    const { file, nodeId, remove, rename } = this.#deps;
    switch (upkeep.type) {
      case 'identity_label_update':
        await file.update((value) => ({ ...value, label: upkeep.label }));
        return 'obeyed';
      case 'device_label_update':
        return (await rename(upkeep.device, upkeep.label)) ? 'obeyed' : 'same';
      default: {
        const { device } = upkeep;
        // We ourselves were put out: the identity is no longer ours, its devices stay as our operator paired them.
        if (device === nodeId) {
          await file.update(unpinned);
          return 'obeyed';
        }
        try {
          const removed = await remove(device, event.pubkey);
          const isListed = file.value.devices.includes(device);
          if (isListed) {
            await file.update((value) => ({ ...value, devices: value.devices.filter((each) => each !== device) }));
          }
          return removed || isListed ? 'obeyed' : 'same';
        } catch (error) {
          if (isNvrError(error, 'conflict') && error.code === 'ERR_IDENTITY_LAST_OWNER') return 'owner';
          throw error;
        }
      }
    }
  }

  #isOwner(device: DeviceKey): boolean {
    return device !== this.#deps.nodeId && this.#deps.accessOf(device)?.role === 'owner';
  }

  #isListed(device: DeviceKey): boolean {
    return this.#deps.file.value.devices.includes(device) && !this.#deps.isRevoked(device);
  }

  /** Asked last: everything before it is cheaper. */
  #verify(event: SignedEvent): EventVerdict | null {
    if (!this.#checks.take()) return 'rate';
    return verifyEvent(this.#deps.hashes, event) ? null : 'signature';
  }

  #count(verdict: EventVerdict): EventVerdict {
    this.#verdicts.set(verdict, (this.#verdicts.get(verdict) ?? 0) + 1);
    return verdict;
  }
}

function isSame({ label, devices }: IdentityStatement, known: OwnerIdentity): boolean {
  return (
    label === known.label &&
    devices.length === known.devices.length &&
    devices.every((each, i) => each === known.devices[i])
  );
}

/** So many at once, then so many a minute. */
class Budget {
  readonly #clock: Clock;
  readonly #limits: { burst: number; perMinute: number };
  #left: number;
  #at: number;

  constructor(clock: Clock, limits: { burst: number; perMinute: number }) {
    this.#clock = clock;
    this.#limits = limits;
    this.#left = limits.burst;
    this.#at = clock.monotonic();
  }

  take(): boolean {
    const now = this.#clock.monotonic();
    const { burst, perMinute } = this.#limits;
    this.#left = Math.min(burst, this.#left + ((now - this.#at) * perMinute) / 60_000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
