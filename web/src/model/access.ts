import { ACTIONS, type Action, isLower, ROLE_ACTIONS, ROLES } from '../../../src/protocol/access.ts';
import type { CommandResult, Role, SourceId } from '../engine/messages.ts';

export { ACTIONS, type Action, isLower, ROLE_ACTIONS, ROLES };
export type GrantFacts = CommandResult<'grants.list'>['grants'][number];

/** A lower role at one camera. */
export interface RoleAt {
  source: SourceId;
  role: Role;
}

/** What this device may at a node, as far as pages go by it. The node asks again for every command. */
export interface PageAccess {
  role: Role;
  /** All that it may; at a camera where its role is a lower one, less (`Camera.actions`). */
  actions: readonly Action[];
  /** The only sources it may know of; null: all, also those that come later. */
  sources: readonly SourceId[] | null;
  /** Cameras at which its role is a lower one. */
  rolesAt: readonly RoleAt[];
  /** When it ends by time, epoch ms; null: it does not. */
  endsAt: number | null;
}

/** As the node tells it. */
export function accessOf({ role, actions, sources, rolesAt, endsAt }: CommandResult<'access.get'>): PageAccess {
  return { role, actions, sources: sources ?? null, rolesAt: rolesAt ?? [], endsAt: endsAt ?? null };
}

/** True where this device has the action. */
export function may({ actions }: PageAccess, action: Action): boolean {
  return actions.includes(action);
}

/** Cameras it does not know of yet are for those who may know of all. */
export function mayAddCameras(access: PageAccess): boolean {
  return may(access, 'configure') && access.sources === null;
}

/** A node's clock and this browser's may differ so far. */
const CLOCKS_MS = 60_000;

/** True for a device that is turned away since `refusedAt` (epoch ms) because its right ended by time. */
export function endedByTime(access: PageAccess | null, refusedAt: number): boolean {
  return access !== null && access.endsAt !== null && access.endsAt <= refusedAt + CLOCKS_MS;
}

/** Roles this device may let in or give. */
export function rolesGivenBy(access: PageAccess): readonly Role[] {
  if (!may(access, 'grant')) return [];
  return access.role === 'owner' ? ROLES : ['viewer', 'operator'];
}

/** Actions this device may pass on within a role. */
export function actionsGivenBy(access: PageAccess, role: Role): readonly Action[] {
  return ROLE_ACTIONS[role].filter((action) => may(access, action));
}

/** Roles this device may let another of `role` have at one camera: none higher than its own there; the highest first. */
export function rolesGivenAt(access: PageAccess, role: Role, source: SourceId): readonly Role[] {
  const own = access.rolesAt.find((each) => each.source === source)?.role ?? access.role;
  return ROLES.filter((each) => !isLower(role, each) && !isLower(own, each)).reverse();
}

/** Another device at the same node. */
export interface OtherDevice {
  self: boolean;
  role?: Role | undefined;
}

/** What this page offers for a device in the list. */
export interface DeviceOffers {
  rename: boolean;
  /** Another role or other terms. */
  grant: boolean;
  /** Taking the grant away, the device stays paired. */
  revoke: boolean;
  remove: boolean;
}

/** Every device may rename, give up and remove itself; what it may with others follows its role. Nobody grants to itself. */
export function offersFor(access: PageAccess, other: OtherDevice): DeviceOffers {
  if (other.self) return { rename: true, grant: false, revoke: false, remove: true };
  const lower = access.role === 'admin' && other.role !== 'admin' && other.role !== 'owner';
  const manages = may(access, 'grant') && (access.role === 'owner' || lower);
  return { rename: manages, grant: manages, revoke: manages && other.role !== undefined, remove: manages };
}

/** What the pages show at all. */
export interface PageOffers {
  /** Adding, changing, testing and removing cameras. */
  configure: boolean;
  /** Inviting, codes, approvals. */
  invite: boolean;
  /** All devices of the node instead of this one only. */
  everyDevice: boolean;
  swarm: boolean;
  audit: boolean;
  /** Gaps and coverage of recordings. */
  playback: boolean;
  /** Pictures of now. */
  live: boolean;
}

/** By role and grant, as docs/protocol/commands.md has it. */
export function pageOffers(access: PageAccess | null): PageOffers {
  if (!access) {
    const none = { configure: false, invite: false, everyDevice: false };
    return { ...none, swarm: false, audit: false, playback: false, live: false };
  }
  const sets = access.role === 'admin' || access.role === 'owner';
  return {
    configure: may(access, 'configure'),
    invite: may(access, 'grant'),
    everyDevice: sets,
    swarm: sets,
    audit: access.role === 'owner',
    playback: may(access, 'playback'),
    live: may(access, 'live'),
  };
}
