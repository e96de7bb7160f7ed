import { ROLES, type Role } from '../protocol/index.ts';

/** True for a whole number from 0 to `max`. */
export function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

export function isRole(value: unknown): value is Role {
  return ROLES.includes(value as Role);
}
