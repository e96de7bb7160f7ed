import type { Role } from '../call.ts';
import type { CommandName } from './catalogue.ts';

/**
 * What a role may do with a command: `yes`, `no`, `own` (only where it concerns the asking device itself), `lower` (only
 * where it concerns itself or viewers and operators).
 */
export type Right = 'yes' | 'no' | 'own' | 'lower';

/** Roles from least to most; each may do at least what the one before may. */
export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin', 'owner'];

const everybody = { viewer: 'yes', operator: 'yes', admin: 'yes', owner: 'yes' } as const;
const aboutDevices = { viewer: 'own', operator: 'own', admin: 'lower', owner: 'yes' } as const;

/** The one table of permission. `authorize` in `commands` reads it and nothing else decides. */
export const RIGHTS: Readonly<Record<CommandName, Readonly<Record<Role, Right>>>> = {
  'sources.list': everybody,
  'sources.states': everybody,
  'segments.list': everybody,
  'segments.get': everybody,
  'range.read': everybody,
  'live.subscribe': everybody,
  'live.unsubscribe': everybody,
  'status.get': everybody,
  'devices.list': { viewer: 'own', operator: 'own', admin: 'yes', owner: 'yes' },
  'devices.invite': { viewer: 'no', operator: 'no', admin: 'lower', owner: 'yes' },
  'devices.remove': aboutDevices,
  'devices.rename': aboutDevices,
};
