import { type Action, ROLE_ACTIONS } from '../access.ts';
import type { AuditEvent } from '../audit-entry.ts';
import type { Role } from '../call.ts';
import type { CommandName } from './catalogue.ts';

/**
 * What a role may do with a command: `yes`, `no`, `own` (only where it concerns the asking device itself), `lower` (only
 * where it concerns itself, or viewers and operators that may no more than the asking device).
 */
export type Right = 'yes' | 'no' | 'own' | 'lower';

/** One row of the table. */
export interface CommandRights extends Readonly<Record<Role, Right>> {
  /** What the grant must include as well, except where a device does it to itself; absent: nothing. */
  readonly action?: Action;
  /** How a call that succeeds is told in the audit log; absent: not at all, or by its family (live and playback). */
  readonly audit?: AuditEvent;
}

const everybody = { viewer: 'yes', operator: 'yes', admin: 'yes', owner: 'yes' } as const;
const setsUp = { viewer: 'no', operator: 'no', admin: 'yes', owner: 'yes' } as const;
const owners = { viewer: 'no', operator: 'no', admin: 'no', owner: 'yes' } as const;
const listsDevices = { viewer: 'own', operator: 'own', admin: 'yes', owner: 'yes' } as const;
const aboutDevices = { viewer: 'own', operator: 'own', admin: 'lower', owner: 'yes', action: 'grant' } as const;
const letsIn = { viewer: 'no', operator: 'no', admin: 'lower', owner: 'yes', action: 'grant' } as const;
const changed = { audit: 'changed' } as const;

/** Whoever's role has the action. */
function doing(action: Action): CommandRights {
  const right = (role: Role): Right => (ROLE_ACTIONS[role].includes(action) ? 'yes' : 'no');
  return { viewer: right('viewer'), operator: right('operator'), admin: right('admin'), owner: right('owner'), action };
}

/** The one table of permission. `authorize` in `commands` reads it and nothing else decides. */
export const RIGHTS: Readonly<Record<CommandName, CommandRights>> = {
  'sources.list': everybody,
  'sources.states': everybody,
  'sources.upsert': { ...doing('configure'), ...changed },
  'sources.settings': doing('configure'),
  'sources.remove': { ...doing('configure'), ...changed },
  'sources.test': doing('configure'),
  'cameras.discover': doing('configure'),
  'cameras.view': everybody,
  'cameras.time': doing('live'),
  'ptz.hold': doing('ptz'),
  'ptz.move': doing('ptz'),
  'ptz.stop': doing('ptz'),
  'ptz.goto': doing('ptz'),
  'ptz.recall': doing('ptz'),
  'ptz.presets': doing('live'),
  'ptz.save': { ...doing('ptz'), ...changed },
  'ptz.forget': { ...doing('ptz'), ...changed },
  'ptz.status': doing('live'),
  'imaging.get': doing('configure'),
  'imaging.set': { ...doing('configure'), ...changed },
  'snapshots.get': doing('live'),
  'segments.list': doing('playback'),
  'segments.get': doing('playback'),
  'range.read': doing('playback'),
  'timeline.coverage': doing('playback'),
  'calendar.days': doing('playback'),
  'gaps.list': doing('playback'),
  'live.subscribe': doing('live'),
  'live.unsubscribe': everybody,
  'events.list': doing('playback'),
  'events.watch': doing('live'),
  'status.get': everybody,
  'access.get': everybody,
  'devices.list': listsDevices,
  'devices.invite': { ...letsIn, ...changed },
  'invitations.remove': { ...setsUp, action: 'grant', ...changed },
  'devices.remove': { ...aboutDevices, audit: 'revoked' },
  'devices.rename': { ...aboutDevices, ...changed },
  'grants.list': listsDevices,
  'grants.put': { ...letsIn, audit: 'granted' },
  'grants.revoke': { ...aboutDevices, audit: 'revoked' },
  'grants.clock': { ...owners, ...changed },
  'pairing.code': { ...letsIn, ...changed },
  'pairing.cancel': { ...setsUp, action: 'grant', ...changed },
  'pairing.pending': { ...setsUp, action: 'grant' },
  'pairing.approve': { ...letsIn, ...changed },
  'pairing.reject': { ...letsIn, ...changed },
  'pairing.confirm': { ...owners, ...changed },
  'swarm.status': setsUp,
  'audit.list': owners,
  'keys.rewrap': { ...owners, ...changed },
};
