import { type Access, covers, may, narrowed } from './access.ts';
import type { Role } from './call.ts';
import { accessOfTerms, type GrantTerms, type SignedGrant } from './grant.ts';
import type { DeviceKey } from './ids.ts';

/** Most grants on the way from a device up to the node. Admins end the way below them; owners may follow owners. */
export const GRANT_CHAIN_MAX = 8;

/** The grants in force, one for each device, and the node they lead to. */
export interface GrantBook {
  node: DeviceKey;
  of(device: DeviceKey): SignedGrant | undefined;
}

/** Why a grant may not be issued. */
export type IssueReason = 'issuer' | 'role' | 'beyond' | 'circle';

/**
 * What a device may do at `now` (epoch ms), or null for nothing: its own grant, as far as its giver could still give it at this
 * moment, and so on up to the node. Grants are trusted to be verified; the walk is bounded by `GRANT_CHAIN_MAX`.
 */
export function accessInBook(book: GrantBook, device: DeviceKey, now: number, depth = 0): Access | null {
  const grant = book.of(device);
  if (!grant || depth >= GRANT_CHAIN_MAX) return null;
  if (grant.notBefore !== null && now < grant.notBefore) return null;
  if (grant.notAfter !== null && now >= grant.notAfter) return null;
  const access = accessOfTerms(grant);
  if (grant.issuer === book.node) return access;
  const giver = accessInBook(book, grant.issuer, now, depth + 1);
  if (!giver || !mayIssue(giver, grant.role)) return null;
  return narrowed(access, giver);
}

/** True where a device with this access may issue a grant of that role at all: owners any, admins viewers and operators. */
export function mayIssue(giver: Access, role: Role): boolean {
  if (!may(giver, 'grant')) return false;
  return giver.role === 'owner' || role === 'viewer' || role === 'operator';
}

/**
 * Null where `issuer` may put these terms on `subject` at `now`, else the reason: `issuer` it has no access, `role` not that role (to
 * give, or to take away from whoever has it), `beyond` sources, roles at them or actions wider than its own, `circle` its own right hangs on the
 * subject, or the way up would be too long. A `subject` that is null is one not known yet. The node may all.
 */
export function objectionToIssue(
  book: GrantBook,
  issue: { issuer: DeviceKey; subject: DeviceKey | null; terms: GrantTerms },
  now: number,
): IssueReason | null {
  const { issuer, subject, terms } = issue;
  if (issuer === book.node) return null;
  const giver = accessInBook(book, issuer, now);
  if (!giver) return 'issuer';
  const before = subject && accessInBook(book, subject, now);
  if (!mayIssue(giver, terms.role) || (before && !mayIssue(giver, before.role))) return 'role';
  if (!covers(giver, accessOfTerms(terms)) || (before && !covers(giver, before))) return 'beyond';
  return hangsOn(book, issuer, subject) ? 'circle' : null;
}

/** True where the right of `device` goes back to `root` at some step, or is `root`'s own; a way too long counts as such. */
export function hangsOn(book: GrantBook, device: DeviceKey, root: DeviceKey | null): boolean {
  let at = device;
  for (let steps = 0; steps < GRANT_CHAIN_MAX - 1; steps++) {
    if (at === root) return true;
    const grant = book.of(at);
    if (!grant || grant.issuer === book.node) return false;
    at = grant.issuer;
  }
  return true;
}
