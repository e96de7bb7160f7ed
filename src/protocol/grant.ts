import type { Hashes } from '../crypto/index.ts';
import { ACTIONS, type Access, type Action, isLower, ROLE_ACTIONS } from './access.ts';
import type { Role } from './call.ts';
import { type SignedEvent, type UnsignedEvent, verifyEvent } from './event.ts';
import { type DeviceKey, isDeviceKey, isSourceId, type SourceId } from './ids.ts';
import { isJsonObject, jsonObjectOf } from './json-object.ts';

/** Event kind of a grant; in nostr's ephemeral range, so that no relay keeps one. */
export const GRANT_KIND = 27421;

/** Most sources that one grant may name, and at which it may lower the role. */
export const GRANT_SOURCES_MAX = 64;

/** Longest look-back window a grant may name: a hundred years, ms. */
export const GRANT_PAST_MS_MAX = 3_155_760_000_000;

/** Latest time a grant may name, epoch ms (the year 2255). */
export const GRANT_TIME_MAX = 9_007_199_254_740;

/** Highest generation. */
export const GRANT_GENERATION_MAX = 0xffff_ffff;

/** A lower role at one source. */
export interface RoleAt {
  source: SourceId;
  role: Role;
}

/** What a grant gives, apart from who says so (docs/protocol/grants.md section 2). */
export interface GrantTerms {
  role: Role;
  /** `'all'`, or 1 to 64 source ids, sorted. */
  sources: 'all' | readonly SourceId[];
  /** Lower roles at some of those sources, at most 64, sorted by source. */
  rolesAt: readonly RoleAt[];
  /** `'all'` of the role's, or some of them, in the order of `ACTIONS`. */
  actions: 'all' | readonly Action[];
  /** How far back recordings may be seen, ms; null: all. */
  pastMs: number | null;
  /** Epoch ms from which it holds; null: at once. */
  notBefore: number | null;
  /** Epoch ms at which it ends; null: never. */
  notAfter: number | null;
}

/** One grant: `issuer` says that `subject` may this at `node`. */
export interface Grant extends GrantTerms {
  node: DeviceKey;
  subject: DeviceKey;
  /** Counts the grants of this subject at this node from 1; a newer one replaces the older. */
  generation: number;
  /** On whose word the node signed, where another device asked it to; null otherwise. */
  by: DeviceKey | null;
}

/** A grant as its event tells it. */
export interface SignedGrant extends Grant {
  /** Whose authority it hangs on: `by`, or the author; the node itself is the root. */
  issuer: DeviceKey;
  /** Seconds since 1970. */
  createdAtS: number;
  event: SignedEvent;
}

/** Why a set of terms is no grant. */
export type TermsReason = 'sources' | 'roles' | 'actions' | 'past' | 'times' | 'owner';

/** The event of a grant, still without a signature. The terms must be in order (`orderedTerms`). */
export function unsignedGrant(grant: Grant, createdAtS: number): UnsignedEvent {
  return {
    created_at: createdAtS,
    kind: GRANT_KIND,
    tags: [
      ['p', grant.subject],
      ['node', grant.node],
    ],
    content: contentText(grant),
  };
}

/** The grant in an event, or null where it is none. Total; one grant has exactly one text. No signature is verified. */
export function grantOf(event: SignedEvent): SignedGrant | null {
  if (event.kind !== GRANT_KIND || event.tags.length !== 2) return null;
  const [[p, subject, ...more] = [], [n, node, ...others] = []] = event.tags;
  if (p !== 'p' || n !== 'node' || more.length > 0 || others.length > 0) return null;
  if (!isDeviceKey(subject ?? '') || !isDeviceKey(node ?? '')) return null;
  const read = termsOf(event.content);
  if (!read) return null;
  const grant: Grant = { node: node as DeviceKey, subject: subject as DeviceKey, ...read };
  if (contentText(grant) !== event.content) return null;
  if (grant.subject === grant.node || grant.subject === event.pubkey || grant.subject === grant.by) return null;
  if (grant.by !== null && (event.pubkey !== grant.node || grant.by === grant.node)) return null;
  return { ...grant, issuer: grant.by ?? event.pubkey, createdAtS: event.created_at, event };
}

/** True where the event's id and signature hold. About 1.3 ms. */
export function verifyGrant(hashes: Hashes, { event }: SignedGrant): boolean {
  return verifyEvent(hashes, event);
}

/** The terms of a grant, or of whatever else has them, and nothing beside. */
export function termsOfGrant(from: GrantTerms): GrantTerms {
  const { role, sources, rolesAt, actions, pastMs, notBefore, notAfter } = from;
  return { role, sources, rolesAt, actions, pastMs, notBefore, notAfter };
}

/** True for a list of lower roles as far as its shape goes; `orderedTerms` looks at the values. */
export function isRolesAt(value: unknown): value is RoleAt[] {
  if (!Array.isArray(value) || value.length > GRANT_SOURCES_MAX) return false;
  return value.every((each) => isJsonObject(each) && typeof each['source'] === 'string' && isRoleText(each['role']));
}

/**
 * Terms in the one order in which they are signed (sources sorted, actions as in `ACTIONS`, all of the role's told as `'all'`),
 * or why they are no terms. Owners have everything for good: nothing of theirs can be narrowed or lapse.
 */
export function orderedTerms(terms: GrantTerms): GrantTerms | { reason: TermsReason } {
  const { role, pastMs, notBefore, notAfter } = terms;
  const sources = terms.sources === 'all' ? 'all' : [...terms.sources].sort();
  const actions = terms.actions === 'all' ? 'all' : ACTIONS.filter((each) => terms.actions.includes(each));
  if (sources !== 'all' && !isSourceList(sources)) return { reason: 'sources' };
  const rolesAt = terms.rolesAt.map(({ source, role: at }) => ({ source, role: at })).sort(bySource);
  const lowered = rolesAt.map(({ source }) => source);
  if (rolesAt.length > 0 && !isSourceList(lowered)) return { reason: 'roles' };
  if (sources !== 'all' && !lowered.every((each) => sources.includes(each))) return { reason: 'roles' };
  if (!rolesAt.every((each) => isLower(each.role, role))) return { reason: 'roles' };
  if (actions !== 'all') {
    const asked = terms.actions.length;
    if (asked === 0 || actions.length !== asked || !actions.every((each) => ROLE_ACTIONS[role].includes(each))) {
      return { reason: 'actions' };
    }
  }
  if (pastMs !== null && !isWhole(pastMs, 1, GRANT_PAST_MS_MAX)) return { reason: 'past' };
  if (notBefore !== null && !isWhole(notBefore, 0, GRANT_TIME_MAX)) return { reason: 'times' };
  if (notAfter !== null && !isWhole(notAfter, (notBefore ?? 0) + 1, GRANT_TIME_MAX)) return { reason: 'times' };
  const ordered: GrantTerms = { role, sources, rolesAt, actions, pastMs, notBefore, notAfter };
  if (actions !== 'all' && actions.length === ROLE_ACTIONS[role].length) ordered.actions = 'all';
  const narrowed = [ordered.sources, ordered.actions].some((each) => each !== 'all') || rolesAt.length > 0;
  if (role === 'owner' && (narrowed || pastMs !== null || notBefore !== null || notAfter !== null)) {
    return { reason: 'owner' };
  }
  return ordered;
}

/** What the terms alone give while they hold. */
export function accessOfTerms({ role, sources, rolesAt, actions, pastMs, notAfter }: GrantTerms): Access {
  return {
    role,
    sources: sources === 'all' ? 'all' : new Set(sources),
    rolesAt: new Map(rolesAt.map((each) => [each.source, each.role])),
    actions: actions === 'all' ? 'all' : new Set(actions),
    pastMs,
    endsAt: notAfter,
  };
}

function contentText(grant: Grant): string {
  const { role, sources, rolesAt, actions, pastMs, notBefore, notAfter, generation, by } = grant;
  const lowered = rolesAt.length > 0 ? { rolesAt } : {};
  return JSON.stringify({ v: 1, role, sources, ...lowered, actions, pastMs, notBefore, notAfter, generation, by });
}

function termsOf(content: string): Omit<Grant, 'node' | 'subject'> | null {
  const json = jsonObjectOf(content);
  if (json?.['v'] !== 1) return null;
  const { role, sources, rolesAt = [], actions, pastMs, notBefore, notAfter, generation, by } = json;
  if (!isRoleText(role)) return null;
  if (sources !== 'all' && !isTexts(sources, GRANT_SOURCES_MAX)) return null;
  if (!isRolesAt(rolesAt)) return null;
  if (actions !== 'all' && !isTexts(actions, ACTIONS.length)) return null;
  if (![pastMs, notBefore, notAfter].every((each) => each === null || typeof each === 'number')) return null;
  if (!isWhole(generation, 1, GRANT_GENERATION_MAX)) return null;
  if (by !== null && (typeof by !== 'string' || !isDeviceKey(by))) return null;
  // The shapes are right; `orderedTerms` looks at the values, and the text is compared with the one we would write.
  const terms = orderedTerms({ role, sources, rolesAt, actions, pastMs, notBefore, notAfter } as GrantTerms);
  return 'reason' in terms ? null : { ...terms, generation, by };
}

function isRoleText(value: unknown): value is Role {
  return typeof value === 'string' && Object.hasOwn(ROLE_ACTIONS, value);
}

function bySource(a: RoleAt, b: RoleAt): number {
  return a.source < b.source ? -1 : a.source > b.source ? 1 : 0;
}

function isSourceList(sources: readonly string[]): boolean {
  if (sources.length === 0 || sources.length > GRANT_SOURCES_MAX) return false;
  return sources.every((each, i) => isSourceId(each) && each !== sources[i - 1]);
}

function isTexts(value: unknown, most: number): value is string[] {
  return Array.isArray(value) && value.length <= most && value.every((each) => typeof each === 'string');
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
}
