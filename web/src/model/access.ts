import { ACTIONS, type Action, ROLE_ACTIONS } from '../../../src/protocol/access.ts';
import type { CommandResult, Role } from '../engine/messages.ts';

export { ACTIONS, type Action, ROLE_ACTIONS };
export type GrantFacts = CommandResult<'grants.list'>['grants'][number];

/** Roles from least to most. */
export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin', 'owner'];

/** What this device may at a node, as far as pages go by it. The node asks again for every command. */
export interface PageAccess {
  role: Role;
  /** Its own grant, where it was told: it may take actions and sources away. */
  grant: Pick<GrantFacts, 'sources' | 'actions'> | null;
}

/** True where the role has the action and the grant did not take it away. */
export function may({ role, grant }: PageAccess, action: Action): boolean {
  return ROLE_ACTIONS[role].includes(action) && (grant?.actions?.includes(action) ?? true);
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
