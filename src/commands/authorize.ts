import {
  type Access,
  type Action,
  type Caller,
  type CommandName,
  type CommandRights,
  covers,
  type DeviceKey,
  earliestOf,
  may,
  RIGHTS,
  type Right,
  type Role,
  roleAt,
  sees,
} from '../protocol/index.ts';
import type { Concern } from './concern.ts';

/** Who asks for what; access is looked up now, not remembered from the handshake. */
export interface Question {
  caller: Caller;
  command: CommandName;
  concern: Concern;
  /** Epoch ms. */
  now: number;
  /** What a device may do, or null where it may nothing. */
  accessOf(device: DeviceKey, now: number): Access | null;
}

/** The answer, complete enough for an audit. */
export type Decision = Allowed | Refused;

export interface Allowed {
  allowed: true;
  /** That at the source it names, else that of the grant. */
  role: Role;
  right: Exclude<Right, 'no'>;
  access: Access;
  at: number;
}

export interface Refused {
  allowed: false;
  role: Role | null;
  reason: string;
  /** The caller must not learn that what it named exists. */
  hidden: boolean;
  at: number;
}

/**
 * The one place where permission is decided, from the caller's access, the table `RIGHTS` (docs/protocol/commands.md), what the call is
 * about, and the time.
 *
 * In this order: the device has access at all; its role, at the source where one is named, has the right; its grant
 * includes the action there; the source is one it may know of
 * and the recording not too old; the device concerned is itself or low enough.
 */
export function authorize(question: Question): Decision {
  const { caller, command, concern, now, accessOf } = question;
  const row = RIGHTS[command];
  const access = caller.via === 'v1' ? oldAccess(caller, accessOf(caller.device, now)) : accessOf(caller.device, now);
  if (!access) return refused(null, now, caller.via === 'v1' ? 'a paired device speaks version 2' : 'no access');
  const { source, startAt } = concern;
  const role = source === null ? access.role : roleAt(access, source);
  const here = { ...access, role };
  const right = row[role];
  if (right === 'no') return refused(role, now, `${role} may not`);
  if (caller.via === 'v1' && !OLD_COMMANDS.has(command)) return refused(role, now, 'not over the old session');
  const action = missingAction(row, here, question);
  if (action) return refused(role, now, `the grant has no ${action}`);
  if (source !== null && !sees(access, source)) return { ...refused(role, now, 'not its source'), hidden: true };
  if (startAt !== null && startAt < earliestOf(access, now)) {
    return { ...refused(role, now, 'before its window'), hidden: true };
  }
  const objection = right === 'yes' ? null : objectionAbout(right, access, question);
  return objection ? refused(role, now, objection) : { allowed: true, role, right, access, at: now };
}

/** All that the old session has words for. */
const OLD_COMMANDS: ReadonlySet<CommandName> = new Set([
  'sources.list',
  'sources.states',
  'segments.list',
  'segments.get',
  'cameras.discover',
  'sources.upsert',
  'sources.remove',
]);

/**
 * Callers of the old session have the role that the configuration gives their key, while it is not a paired device: viewers see, admins
 * also change cameras, and none of them gives anything away.
 */
function oldAccess(caller: Caller, paired: Access | null): Access | null {
  if (paired) return null;
  const actions: Action[] =
    caller.role === 'viewer' ? ['live', 'playback'] : ['live', 'playback', 'configure', 'delete'];
  return {
    role: caller.role,
    sources: 'all',
    rolesAt: new Map(),
    actions: new Set(actions),
    pastMs: null,
    endsAt: null,
  };
}

function missingAction(row: CommandRights, access: Access, { caller, concern }: Question): string | null {
  if (concern.action && !may(access, concern.action)) return concern.action;
  if (!row.action || may(access, row.action) || isSelf(caller, concern)) return null;
  return row.action;
}

/** True where a device does something to itself, and gives nothing away by it. */
function isSelf(caller: Caller, { device, role }: Concern): boolean {
  return device === caller.device && role === null;
}

function objectionAbout(
  right: Exclude<Right, 'no' | 'yes'>,
  access: Access,
  { caller, concern, now, accessOf }: Question,
): string | null {
  const { device, role } = concern;
  if (isSelf(caller, concern) || (device === null && role === null)) return null; // the command answers about the caller only
  if (right === 'own') return 'only about the device itself';
  // A device that may nothing is a low one: the command then says what there is.
  const concerned = device === null ? null : accessOf(device, now);
  if (!isLow(role) || !isLow(concerned?.role ?? null)) return 'only about viewers and operators';
  return concerned && !covers(access, concerned) ? 'only within its own sources and actions' : null;
}

function isLow(role: Role | null): boolean {
  return role === null || role === 'viewer' || role === 'operator';
}

function refused(role: Role | null, at: number, reason: string): Refused {
  return { allowed: false, role, reason, hidden: false, at };
}
