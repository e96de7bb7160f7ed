import {
  type Access,
  accessInBook,
  type DeviceKey,
  GRANT_GENERATION_MAX,
  type Grant,
  type GrantBook,
  type GrantTerms,
  hangsOn,
  type IssueReason,
  objectionToIssue,
  orderedTerms,
  type SignedGrant,
  termsOfGrant,
} from '../protocol/index.ts';
import { type DeviceList, type ListedDevice, REVOKED_MAX } from './device-list.ts';
import { grantOutdated, issueDenied, lastOwner, termsRefused } from './errors.ts';

/** Terms wished for a device; what is left out is not narrowed. */
export type TermsWish = Pick<GrantTerms, 'role'> & Partial<GrantTerms>;

/** Makes the node sign a grant. */
export type IssueGrant = (grant: Grant) => SignedGrant;

const WIDEST = {
  sources: 'all',
  rolesAt: [],
  actions: 'all',
  pastMs: null,
  notBefore: null,
  notAfter: null,
} as const;

/** Everything for good: what the first device gets. */
export const OWNER_TERMS: GrantTerms = { role: 'owner', ...WIDEST };

const ISSUE_WORDS: Record<IssueReason, string> = {
  issuer: 'it may nothing itself',
  role: 'its role may not give this role, or not take from whoever has it',
  beyond: 'these sources, roles at them or actions are more than it may itself, or than it may take away',
  circle: 'its own right comes from that device, or from too many hands',
};

/** The grants of a list, to be walked from a device up to the node. Devices that are not listed have none. */
export function bookOf(list: DeviceList, node: DeviceKey): GrantBook {
  const grants = new Map(list.devices.flatMap(({ device, grant }) => (grant ? [[device, grant]] : [])));
  return { node, of: (device) => grants.get(device) };
}

/** The newest generation known of a key; 0 where none is. */
export function generationOf({ devices, revoked }: DeviceList, device: DeviceKey): number {
  const grant = devices.find((each) => each.device === device)?.grant;
  return grant?.generation ?? revoked.find((each) => each.device === device)?.generation ?? 0;
}

/** Terms as they are signed, nothing narrowed that was left out. `ERR_IDENTITY_GRANT_TERMS` (`invalid`). */
export function checkedTerms(wish: TermsWish): GrantTerms {
  const ordered = orderedTerms({ ...WIDEST, ...wish });
  if ('reason' in ordered) throw termsRefused(ordered.reason);
  return ordered;
}

/** Throws `ERR_IDENTITY_GRANT_DENIED` (`denied`) where the issuer may not put these terms on the subject. */
export function requireMayIssue(
  book: GrantBook,
  issue: { issuer: DeviceKey; subject: DeviceKey | null; terms: GrantTerms },
  now: number,
): void {
  const reason = objectionToIssue(book, issue, now);
  if (reason) throw issueDenied(ISSUE_WORDS[reason]);
}

/** The next generation of a key. `ERR_IDENTITY_GRANT_OUTDATED` (`conflict`) when four billion are used up. */
export function nextGeneration(list: DeviceList, device: DeviceKey): number {
  const next = generationOf(list, device) + 1;
  if (next > GRANT_GENERATION_MAX) throw grantOutdated(GRANT_GENERATION_MAX);
  return next;
}

/** The list with `grant` in force for its subject, which must be listed. */
export function withGrant(list: DeviceList, grant: SignedGrant): DeviceList {
  const { subject } = grant;
  return {
    ...list,
    devices: list.devices.map((each) => (each.device === subject ? { ...each, grant } : each)),
    revoked: list.revoked.filter((each) => each.device !== subject),
  };
}

/** The list without the grant of a device; its generation is remembered. `now` is epoch ms. */
export function withoutGrant(list: DeviceList, device: DeviceKey, now: number): DeviceList {
  const grant = list.devices.find((each) => each.device === device)?.grant;
  if (!grant) return list;
  const revoked = [
    ...list.revoked.filter((each) => each.device !== device),
    { device, generation: grant.generation, at: Math.max(now, grant.createdAtS * 1000) },
  ];
  // What is forgotten is covered by its date: no grant made up to then counts for a key we know nothing of.
  const forgotten = revoked.splice(0, Math.max(0, revoked.length - REVOKED_MAX));
  return {
    ...list,
    devices: list.devices.map((each) => (each.device === device ? { ...each, grant: null } : each)),
    revoked,
    forgottenAt: Math.max(list.forgottenAt, ...forgotten.map(({ at }) => at)),
  };
}

/** The list without a device's grant and without all that hung on it, over any number of hands: ended for good, not put to sleep. */
export function cutOff(list: DeviceList, device: DeviceKey, now: number): DeviceList {
  let result = withoutGrant(list, device, now);
  const ended = [device];
  for (let gone = ended.pop(); gone; gone = ended.pop()) {
    for (const { device: below, grant } of result.devices) {
      if (grant?.issuer !== gone) continue;
      result = withoutGrant(result, below, now);
      ended.push(below);
    }
  }
  return result;
}

/**
 * The list with every grant that hung on `gone` directly issued anew on the word of `by` (the node: on its own), as far as `by` may.
 * Without `all`, only what carries the right of `by` itself: whoever removes a device does not lose its own right by that.
 */
export function adoptedFrom(list: DeviceList, { node, gone, by, now, all, issue }: AdoptionWish): DeviceList {
  let result = list;
  if (by !== node && by !== gone && hangsOn(bookOf(list, node), by, gone)) result = rerooted(result, by, node, issue);
  if (!all || by === gone) return result;
  for (const { device, grant } of list.devices) {
    if (grant?.issuer !== gone || device === by || device === gone) continue;
    const terms = termsOfGrant(grant);
    if (objectionToIssue(bookOf(result, node), { issuer: by, subject: device, terms }, now)) continue;
    const generation = nextGeneration(result, device);
    result = withGrant(result, issue({ ...terms, node, subject: device, generation, by: by === node ? null : by }));
  }
  return result;
}

export interface AdoptionWish {
  node: DeviceKey;
  gone: DeviceKey;
  /** Who takes over; the node's own key for the operator at the machine. */
  by: DeviceKey;
  /** Epoch ms. */
  now: number;
  all: boolean;
  issue: IssueGrant;
}

/** Throws `ERR_IDENTITY_LAST_OWNER` (`conflict`) where a change would leave devices without an owner that had one before. */
export function requireOwner(before: DeviceList, after: DeviceList, node: DeviceKey, now: number): void {
  if (after.devices.length === 0 || hasOwner(after, node, now) || !hasOwner(before, node, now)) return;
  throw lastOwner();
}

/** What has become of a grant at `now`, epoch ms. */
export function stateOf(grant: SignedGrant, access: Access | null, now: number): GrantState {
  if (grant.notBefore !== null && now < grant.notBefore) return 'waiting';
  if (grant.notAfter !== null && now >= grant.notAfter) return 'ended';
  return access ? 'in-force' : 'cut-off';
}

/** `waiting` for its beginning, `ended` by time, `cut-off` because its issuer may not give it (any more). */
export type GrantState = 'in-force' | 'waiting' | 'ended' | 'cut-off';

/** What a listed device may do; null where it may nothing or is not listed. */
export function accessIn(list: DeviceList, node: DeviceKey, device: DeviceKey, now: number): Access | null {
  return accessInBook(bookOf(list, node), device, now);
}

function hasOwner(list: DeviceList, node: DeviceKey, now: number): boolean {
  const book = bookOf(list, node);
  return list.devices.some(({ device }: ListedDevice) => accessInBook(book, device, now)?.role === 'owner');
}

function rerooted(list: DeviceList, device: DeviceKey, node: DeviceKey, issue: IssueGrant): DeviceList {
  const grant = bookOf(list, node).of(device);
  if (!grant) return list;
  const generation = nextGeneration(list, device);
  return withGrant(list, issue({ ...termsOfGrant(grant), node, subject: device, generation, by: null }));
}
