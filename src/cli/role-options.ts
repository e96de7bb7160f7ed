import { isLower, isSourceId, ROLES, type Role, type RoleAt } from '../protocol/index.ts';
import { usageError } from './errors.ts';

/** What `--at` is for, in every command that has it. */
export const AT_OPTION = 'a lower role at this source, as in nursery=viewer; again for each';

/** Gathers an option that may be given again. */
export function collected(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/** The role that `--role` names. */
export function roleNamed(text: string): Role {
  const role = ROLES.find((each) => each === text);
  if (!role) throw usageError(`expected --role to be one of ${ROLES.join(', ')}`);
  return role;
}

/** The lower roles that `--at` names beside a role; nothing where it was not given. */
export function rolesAtOf(texts: readonly string[] = [], role: Role): { rolesAt?: RoleAt[] } {
  const rolesAt: RoleAt[] = [];
  for (const text of texts) {
    const [, source = '', at] = /^([^=]*)=(.*)$/.exec(text) ?? [];
    const lower = ROLES.find((each) => each === at);
    if (!isSourceId(source) || !lower || !isLower(lower, role)) {
      throw usageError(`expected --at as SOURCE=ROLE, with a role lower than ${role}`);
    }
    if (rolesAt.some((each) => each.source === source)) throw usageError('expected --at once for each source');
    rolesAt.push({ source, role: lower });
  }
  return rolesAt.length > 0 ? { rolesAt } : {};
}
