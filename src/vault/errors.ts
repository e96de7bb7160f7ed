import { type ErrorCode, type ErrorKind, isNvrError, NvrError } from '../errors.ts';

/** What the vault throws on purpose. */
export class VaultError extends NvrError {}

const make = (code: ErrorCode, kind: ErrorKind, message: string, cause?: unknown) =>
  new VaultError(code, kind, message, cause === undefined ? undefined : { cause });

export const notRunning = () => make('ERR_VAULT_STOPPED', 'cancelled', 'expected a running vault, found it stopped');

export const streamBusy = (streamId: string) =>
  make('ERR_VAULT_STREAM_BUSY', 'conflict', `expected one writer of stream ${streamId}, found another one open`);

export const streamMoved = (streamId: string, place: string) =>
  make('ERR_VAULT_STREAM_MOVED', 'conflict', `expected stream ${streamId} where it was assigned, at ${place}`);

export const outOfOrder = (what: string) =>
  make('ERR_VAULT_ORDER', 'internal', `expected another order of calls: ${what}`);

export const segmentMissing = (id: string) =>
  make('ERR_VAULT_SEGMENT_MISSING', 'missing', `expected segment ${id} in the vault, found none`);

export const segmentDamaged = (id: string, reason: string, cause?: unknown) =>
  make('ERR_VAULT_SEGMENT_DAMAGED', 'corrupt', `expected segment ${id} to be readable: ${reason}`, cause);

export const sealed = (id: string) =>
  make('ERR_VAULT_SEALED', 'denied', `expected a key the node may open for segment ${id}, found none`);

export const vaultFull = (reason: string, cause?: unknown) =>
  make('ERR_VAULT_FULL', 'exhausted', `recording is held: ${reason}`, cause);

export const writeFailed = (what: string, cause: unknown) =>
  make('ERR_VAULT_WRITE_FAILED', 'unavailable', `${what} could not be written`, cause);

export const logForeign = (found: string) =>
  make('ERR_VAULT_LOG_FOREIGN', 'corrupt', `expected this node's log, found ${found}`);

export const auditForeign = (found: string) =>
  make('ERR_VAULT_AUDIT_FOREIGN', 'corrupt', `expected this node's audit log, found ${found}`);

export const auditMissing = () => make('ERR_VAULT_AUDIT_MISSING', 'missing', 'expected an audit log, found none');

export const vaultLocked = (cause?: unknown) =>
  make(
    'ERR_VAULT_LOCKED',
    'conflict',
    'expected to be alone with the vault, found it open elsewhere: stop the node first',
    cause,
  );

export const indexFailed = (what: string, cause: unknown) =>
  make('ERR_VAULT_INDEX_FAILED', 'unavailable', `the index could not ${what}`, cause);

export const cursorInvalid = () =>
  make('ERR_VAULT_CURSOR_INVALID', 'invalid', 'expected a cursor of this listing, found something else');

export const importKeyRefused = (reason: string) => make('ERR_VAULT_IMPORT_KEY', 'invalid', reason);

/** Gives a failed write its kind once: a full disk is `exhausted`, anything else `unavailable`. */
export function writeError(what: string, cause: unknown): NvrError {
  if (cause instanceof VaultError) return cause;
  if (isNvrError(cause, 'exhausted')) return vaultFull(`the disk is full (${what})`, cause);
  return writeFailed(what, cause);
}
