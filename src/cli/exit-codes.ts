import type { ErrorKind } from '../errors.ts';

/** What a command that went well ends with. */
export const EXIT_OK = 0;
/** Ended by Ctrl-C or SIGTERM: what shells expect of an interrupted program. */
export const EXIT_INTERRUPTED = 130;

/** Exit code of each kind of error; docs/cli.md has the same table and a test keeps it so. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  internal: 1,
  invalid: 2,
  missing: 3,
  denied: 4,
  unauthenticated: 5,
  unavailable: 6,
  conflict: 7,
  exhausted: 8,
  corrupt: 9,
  cancelled: EXIT_INTERRUPTED,
};
