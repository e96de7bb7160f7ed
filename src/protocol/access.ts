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

/** What a device may do at this moment, worked out from its grants by `identity`; `authorize` reads it and nothing else. */
export interface Access {
  role: Role;
  /** `'all'`, or the only sources it may know of. */
  sources: 'all' | ReadonlySet<SourceId>;
  /** `'all'` of the role's, or only these of them. */
  actions: 'all' | ReadonlySet<Action>;
  /** How far back recordings may be seen, ms before now; null: all. */
  pastMs: number | null;
  /** Epoch ms at which it ends; null: never. */
  endsAt: number | null;
}

/** What an owner has: everything, for good. */
export const OWNER_ACCESS: Access = { role: 'owner', sources: 'all', actions: 'all', pastMs: null, endsAt: null };

/** The change of one device's access; null: it has none (any more). */
export interface AccessChange {
  device: DeviceKey;
  access: Access | null;
}

/** True where the role has the action and the grant did not take it away. */
export function may({ role, actions }: Access, action: Action): boolean {
  return ROLE_ACTIONS[role].includes(action) && (actions === 'all' || actions.has(action));
}

/** True for a source the device may know of. */
export function sees({ sources }: Access, source: SourceId): boolean {
  return sources === 'all' || sources.has(source);
}

/** Epoch ms before which no recording may be seen; 0 where all may be. */
export function earliestOf({ pastMs }: Access, now: number): number {
  return pastMs === null ? 0 : Math.max(0, now - pastMs);
}

/** What is left of `access` where its giver has `giver`: the role stays, all else is what both allow. */
export function narrowed(access: Access, giver: Access): Access {
  return {
    role: access.role,
    sources: common(access.sources, giver.sources),
    actions: common(access.actions, giver.actions),
    pastMs: least(access.pastMs, giver.pastMs),
    endsAt: least(access.endsAt, giver.endsAt),
  };
}

/** True where `part` is nowhere wider than `whole` in sources and actions. Roles, look-back and end are not compared. */
export function covers(whole: Access, part: Access): boolean {
  return within(part.sources, whole.sources) && [...actionsOf(part)].every((action) => may(whole, action));
}

/** True where both say the same. */
export function sameAccess(a: Access | null, b: Access | null): boolean {
  if (!a || !b) return a === b;
  const plain = a.role === b.role && a.pastMs === b.pastMs && a.endsAt === b.endsAt;
  return plain && sameSet(a.sources, b.sources) && sameSet(a.actions, b.actions);
}

/** The actions of an access, listed. */
export function actionsOf(access: Access): ReadonlySet<Action> {
  return new Set(ROLE_ACTIONS[access.role].filter((action) => may(access, action)));
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
