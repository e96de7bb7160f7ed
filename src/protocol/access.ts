import type { Role } from './call.ts';
import type { DeviceKey, SourceId } from './ids.ts';

/** What a grant may be narrowed to; the role's table says which of them a role has at all (docs/protocol/grants.md). */
export const ACTIONS = ['live', 'playback', 'export', 'ptz', 'configure', 'delete', 'grant'] as const;
export type Action = (typeof ACTIONS)[number];

/** What each role has at all. What only owners may (transfer, storage keys, the audit log) is a matter of role, not of action. */
export const ROLE_ACTIONS: Readonly<Record<Role, readonly Action[]>> = {
  viewer: ['live', 'playback'],
  operator: ['live', 'playback', 'export', 'ptz'],
  admin: ACTIONS,
  owner: ACTIONS,
};

/** Roles from least to most; each may do at least what the one before may. */
export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin', 'owner'];

/** What a device may do at this moment, worked out from its grants by `identity`; `authorize` reads it and nothing else. */
export interface Access {
  role: Role;
  /** `'all'`, or the only sources it may know of. */
  sources: 'all' | ReadonlySet<SourceId>;
  /** Sources, of those it may know of, at which its role is a lower one. */
  rolesAt: ReadonlyMap<SourceId, Role>;
  /** `'all'` of the role's, or only these of them. */
  actions: 'all' | ReadonlySet<Action>;
  /** How far back recordings may be seen, ms before now; null: all. */
  pastMs: number | null;
  /** Epoch ms at which it ends; null: never. */
  endsAt: number | null;
}

/** What an owner has: everything, for good. */
export const OWNER_ACCESS: Access = {
  role: 'owner',
  sources: 'all',
  rolesAt: new Map(),
  actions: 'all',
  pastMs: null,
  endsAt: null,
};

/** The change of one device's access; null: it has none (any more). */
export interface AccessChange {
  device: DeviceKey;
  access: Access | null;
}

/** True where the role has the action and the grant did not take it away: for what is about no source. */
export function may({ role, actions }: Access, action: Action): boolean {
  return ROLE_ACTIONS[role].includes(action) && (actions === 'all' || actions.has(action));
}

/** True for a source the device may know of. */
export function sees({ sources }: Access, source: SourceId): boolean {
  return sources === 'all' || sources.has(source);
}

/** The role that counts at a source. */
export function roleAt({ role, rolesAt }: Access, source: SourceId): Role {
  return rolesAt.get(source) ?? role;
}

/** True where the device may know of the source and has the action there. */
export function mayAt(access: Access, action: Action, source: SourceId): boolean {
  return sees(access, source) && may({ ...access, role: roleAt(access, source) }, action);
}

/** True where the first is a lower role than the second. */
export function isLower(role: Role, than: Role): boolean {
  return ROLES.indexOf(role) < ROLES.indexOf(than);
}

/** Epoch ms before which no recording may be seen; 0 where all may be. */
export function earliestOf({ pastMs }: Access, now: number): number {
  return pastMs === null ? 0 : Math.max(0, now - pastMs);
}

/**
 * What is left of `access` where its giver has `giver`: the role stays, except at sources where the giver's own is a lower one; all else
 * is what both allow.
 */
export function narrowed(access: Access, giver: Access): Access {
  const sources = common(access.sources, giver.sources);
  return {
    role: access.role,
    sources,
    rolesAt: lowestAt(access, giver, sources),
    actions: common(access.actions, giver.actions),
    pastMs: least(access.pastMs, giver.pastMs),
    endsAt: least(access.endsAt, giver.endsAt),
  };
}

/**
 * True where `part` is nowhere wider than `whole` in sources and actions, and has no higher role at any source where that of `whole` is
 * lowered. Roles beside those, look-back and end are not compared.
 */
export function covers(whole: Access, part: Access): boolean {
  if (!within(part.sources, whole.sources) || ![...actionsOf(part)].every((action) => may(whole, action))) return false;
  return [...whole.rolesAt].every(([source, role]) => {
    if (!sees(part, source)) return true;
    const isHigher = isLower(role, roleAt(part, source));
    return !isHigher && [...actionsOf(part, source)].every((action) => mayAt(whole, action, source));
  });
}

/** True where both say the same. */
export function sameAccess(a: Access | null, b: Access | null): boolean {
  if (!a || !b) return a === b;
  const plain = a.role === b.role && a.pastMs === b.pastMs && a.endsAt === b.endsAt;
  if (!plain || a.rolesAt.size !== b.rolesAt.size) return false;
  const sameRoles = [...a.rolesAt].every(([source, role]) => b.rolesAt.get(source) === role);
  return sameRoles && sameSet(a.sources, b.sources) && sameSet(a.actions, b.actions);
}

/** The actions of an access, listed: those at `source`, or those that are about no source. */
export function actionsOf(access: Access, source?: SourceId): ReadonlySet<Action> {
  return new Set(ACTIONS.filter((each) => (source === undefined ? may(access, each) : mayAt(access, each, source))));
}

/** At each of `sources` where one of both is lowered, the lower role of the two; none where that is no lower one than `access` has. */
function lowestAt(access: Access, giver: Access, sources: Some<SourceId>): ReadonlyMap<SourceId, Role> {
  const lowest = new Map<SourceId, Role>();
  for (const source of new Set([...access.rolesAt.keys(), ...giver.rolesAt.keys()])) {
    const [own, given] = [roleAt(access, source), giver.rolesAt.get(source)];
    const role = given && isLower(given, own) ? given : own;
    if (isLower(role, access.role) && (sources === 'all' || sources.has(source))) lowest.set(source, role);
  }
  return lowest;
}

type Some<T> = 'all' | ReadonlySet<T>;

function common<T>(a: Some<T>, b: Some<T>): Some<T> {
  if (a === 'all') return b;
  return b === 'all' ? a : new Set([...a].filter((each) => b.has(each)));
}

function within<T>(part: Some<T>, whole: Some<T>): boolean {
  return whole === 'all' || (part !== 'all' && [...part].every((each) => whole.has(each)));
}

function sameSet<T>(a: Some<T>, b: Some<T>): boolean {
  return a === b || (within(a, b) && within(b, a));
}

function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
