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

/** The list of devices is not what this node wrote. */
export function devicesRefused(file: string, reason: string): NvrError {
  return new NvrError('ERR_IDENTITY_DEVICES_REFUSED', 'corrupt', `refused ${file}: ${reason}`);
}

/** The list on disk is older than one that was seen before: it was put back. */
export function devicesRolledBack(file: string, found: number, known: number): NvrError {
  return new NvrError(
    'ERR_IDENTITY_DEVICES_ROLLED_BACK',
    'corrupt',
    `expected generation ${known} or later in ${file}, found ${found}`,
  );
}

/** Removing this device would leave devices without an owner. */
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
