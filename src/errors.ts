/** What a caller can decide on: retry on `unavailable`, stop on `internal`, ask again with other input on `invalid`. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'denied'
  | 'missing'
  | 'conflict'
  | 'exhausted'
  | 'unavailable'
  | 'corrupt'
  | 'cancelled'
  | 'internal';

/** Every kind, in the order of the wire's fixed integers (docs/protocol/channel.md). */
export const ERROR_KINDS: readonly ErrorKind[] = [
  'invalid',
  'unauthenticated',
  'denied',
  'missing',
  'conflict',
  'exhausted',
  'unavailable',
  'corrupt',
  'cancelled',
  'internal',
];

/** Stable name of one error, `ERR_<ROOM>_<WHAT>`; listed in docs/reference/errors.md. */
export type ErrorCode = `ERR_${string}`;

/**
 * The base of every error this project throws on purpose.
 *
 * `message` is lower case, says what was expected and what came, and holds no secret: it may be shown to an operator.
 * A remote device is told `code` and `kind` and a fixed text only.
 */
export class NvrError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;

  constructor(code: ErrorCode, kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'NvrError';
    this.code = code;
    this.kind = kind;
  }
}

/** True when `error` is an `NvrError`, of `kind` where one is named. */
export function isNvrError(error: unknown, kind?: ErrorKind): error is NvrError {
  return error instanceof NvrError && (kind === undefined || error.kind === kind);
}

/** Holds a promise between our own functions; a broken one is a fault of ours and is loud. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new NvrError('ERR_INTERNAL_ASSERTION', 'internal', `broken promise: ${message}`);
}
