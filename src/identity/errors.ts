import { NvrError } from '../errors.ts';

/** A secret could not be used; `file` is named, never what is in it. */
export function secretMalformed(file: string, expected: string): NvrError {
  return new NvrError(
    'ERR_IDENTITY_SECRET_MALFORMED',
    'corrupt',
    `expected ${expected} in ${file}, found something else`,
  );
}

/** A secret that must be there is gone; making a new one would silently orphan what the old one protects. */
export function secretMissing(file: string): NvrError {
  return new NvrError(
    'ERR_IDENTITY_SECRET_MISSING',
    'missing',
    `expected ${file} beside the other keys, found none: put it back from a backup`,
  );
}

/** There is no node in this folder yet, and none was to be made. */
export function nodeMissing(folder: string): NvrError {
  return new NvrError(
    'ERR_IDENTITY_NODE_MISSING',
    'missing',
    `expected a node in ${folder}, found none: start it once`,
  );
}

/** A file that only this node writes is not what it wrote. */
export function fileRefused(file: string, reason: string): NvrError {
  return new NvrError('ERR_IDENTITY_FILE_REFUSED', 'corrupt', `refused ${file}: ${reason}`);
}

/** The file on disk is older than one that was seen before: it was put back. */
export function fileRolledBack(file: string, found: number, known: number): NvrError {
  return new NvrError(
    'ERR_IDENTITY_FILE_ROLLED_BACK',
    'corrupt',
    `expected generation ${known} or later in ${file}, found ${found}`,
  );
}

/** What is to be written would not fit into its file. */
export function fileTooLarge(file: string, bytesMax: number): NvrError {
  return new NvrError('ERR_IDENTITY_FILE_LARGE', 'exhausted', `expected at most ${bytesMax} bytes for ${file}`);
}

/** This change would leave devices without an owner. */
export function lastOwner(): NvrError {
  return new NvrError(
    'ERR_IDENTITY_LAST_OWNER',
    'conflict',
    'expected another owner to remain while other devices are paired',
  );
}

/** Too many paired devices. */
export function devicesFull(limit: number): NvrError {
  return new NvrError('ERR_IDENTITY_DEVICES_FULL', 'exhausted', `expected fewer than ${limit} paired devices`);
}

/** Too many invitations wait. */
export function invitationsFull(limit: number): NvrError {
  return new NvrError('ERR_IDENTITY_INVITATIONS_FULL', 'exhausted', `expected fewer than ${limit} waiting invitations`);
}

/** Another program holds the lock for too long. */
export function lockBusy(file: string): NvrError {
  return new NvrError('ERR_IDENTITY_BUSY', 'unavailable', `expected ${file} to be let go within its time, still held`);
}

/** The lock was taken away while we held it: what was to be written is built anew. */
export function lockLost(file: string): NvrError {
  return new NvrError('ERR_IDENTITY_LOCK_LOST', 'conflict', `expected to hold ${file} still, another program took it`);
}

/** The lock could not be written: the disk is full. */
export function lockUnwritten(file: string): NvrError {
  return new NvrError('ERR_IDENTITY_LOCK_UNWRITTEN', 'exhausted', `expected room on the disk for ${file}`);
}

/** Today's guesses at typed codes are used up: a new code would let nobody in. */
export function codeTriesSpent(limit: number): NvrError {
  return new NvrError(
    'ERR_IDENTITY_CODE_TRIES',
    'exhausted',
    `expected fewer than ${limit} wrong pairing codes within 24 hours: use an invitation`,
  );
}

/** The count of guesses cannot be read; taking it for empty would allow new ones. */
export function triesRefused(file: string): NvrError {
  return new NvrError(
    'ERR_IDENTITY_TRIES_REFUSED',
    'corrupt',
    `refused ${file}: expected the list of tries; remove it to begin anew`,
  );
}

/** Too many devices wait for approval. */
export function pendingFull(): NvrError {
  return new NvrError('ERR_IDENTITY_PENDING_FULL', 'exhausted', 'too many devices wait for approval');
}

/** No grant of this shape may be: the terms contradict themselves or the limits. */
export function termsRefused(reason: string): NvrError {
  return new NvrError('ERR_IDENTITY_GRANT_TERMS', 'invalid', `refused the terms of a grant: ${reason}`);
}

/** The signed grant is not one that could be taken: shape, author, node, signature or date. */
export function grantRefused(reason: string): NvrError {
  return new NvrError('ERR_IDENTITY_GRANT_REFUSED', 'invalid', `refused a grant: ${reason}`);
}

/** The grant does not follow the newest one of its device. */
export function grantOutdated(expected: number): NvrError {
  return new NvrError('ERR_IDENTITY_GRANT_OUTDATED', 'conflict', `expected a grant of generation ${expected}`);
}

/** Whoever issues this may not: the reason says what it lacks. */
export function issueDenied(reason: string): NvrError {
  return new NvrError('ERR_IDENTITY_GRANT_DENIED', 'denied', `refused to grant: ${reason}`);
}

/** The device is neither paired nor listed by the identity. */
export function deviceUnknown(): NvrError {
  return new NvrError(
    'ERR_IDENTITY_DEVICE_UNKNOWN',
    'missing',
    'expected a device that is paired, or listed by the identity',
  );
}

/** Another identity is pinned: that one is left first. */
export function identityPinned(): NvrError {
  return new NvrError('ERR_IDENTITY_PINNED', 'conflict', 'expected no other identity to be pinned');
}
