import type { Caller, CommandName, DeviceKey, Right, Role } from '../protocol/index.ts';
import { RIGHTS } from '../protocol/index.ts';

/** Who asks for what; roles are looked up now, not remembered from the handshake. */
export interface Question {
  caller: Caller;
  command: CommandName;
  /** Checked params. */
  params: unknown;
  /** Epoch ms. */
  now: number;
  /** The role a device has now, or null where it is not paired. */
  roleOf(device: DeviceKey): Role | null;
}

/** The answer, complete enough for an audit. */
export type Decision =
  | { allowed: true; role: Role; right: Exclude<Right, 'no'>; at: number }
  | { allowed: false; role: Role | null; reason: string; at: number };

/**
 * The one place where permission is decided, by the table `RIGHTS` (docs/protocol/commands.md).
 *
 * `own` and `lower` look at what the command is about: the device named by `params.device`, or the role that
 * `params.role` would give away.
 */
export function authorize({ caller, command, params, now, roleOf }: Question): Decision {
  const role = roleOf(caller.device);
  if (!role) return { allowed: false, role, reason: 'the device is not paired', at: now };
  const right = RIGHTS[command][role];
  const reason = right === 'no' ? `${role} may not` : objection(right, caller, params as Target, roleOf);
  if (right === 'no' || reason) return { allowed: false, role, reason: reason ?? '', at: now };
  return { allowed: true, role, right, at: now };
}

interface Target {
  device?: DeviceKey;
  role?: Role;
}

function objection(
  right: Exclude<Right, 'no'>,
  caller: Caller,
  { device, role }: Target,
  roleOf: (device: DeviceKey) => Role | null,
): string | null {
  if (right === 'yes' || device === caller.device) return null;
  if (device === undefined && role === undefined) return null; // the command answers about the caller only
  if (right === 'own') return 'only about the device itself';
  // A device that is not paired is treated as a low one: the command then says that there is none.
  const concerned = role ?? roleOf(device!) ?? 'viewer';
  return concerned === 'viewer' || concerned === 'operator' ? null : 'only about viewers and operators';
}
