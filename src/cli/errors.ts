import { NvrError } from '../errors.ts';

/** The command line cannot be meant. */
export function usageError(expected: string): NvrError {
  return new NvrError('ERR_CLI_USAGE', 'invalid', expected);
}

/** A time that cannot be read. */
export function timeRefused(text: string, expected: string): NvrError {
  return new NvrError('ERR_CLI_TIME', 'invalid', `cannot read the time "${text.slice(0, 64)}": expected ${expected}`);
}

/** Nothing that is named so. */
export function nothingNamed(what: string, name: string): NvrError {
  return new NvrError('ERR_CLI_NOT_FOUND', 'missing', `found no ${what} "${name.slice(0, 64)}"`);
}

/** More than one thing is named so. */
export function severalNamed(what: string, name: string, found: readonly string[]): NvrError {
  const some = found.slice(0, 4).join(', ');
  return new NvrError('ERR_CLI_AMBIGUOUS', 'invalid', `"${name.slice(0, 64)}" names more than one ${what}: ${some}`);
}

/** No picture in the time asked for. */
export function nothingRecorded(text: string): NvrError {
  return new NvrError('ERR_CLI_NOTHING_RECORDED', 'missing', text);
}

/** A file of that name is there. */
export function fileExists(path: string): NvrError {
  return new NvrError('ERR_CLI_FILE_EXISTS', 'conflict', `${path} exists already`);
}

/** The output cannot be written. */
export function outputFailed(path: string, reason: string, cause: unknown): NvrError {
  return new NvrError('ERR_CLI_OUTPUT', 'unavailable', `cannot write ${path}: ${reason}`, { cause });
}

/** A file of the pairing folder is not what we wrote. */
export function pairingRefused(path: string, reason: string): NvrError {
  return new NvrError('ERR_CLI_PAIRING_FILE', 'corrupt', `refused ${path}: ${reason}`);
}

/** No node is paired, or none of that name. */
export function notPaired(): NvrError {
  return new NvrError('ERR_CLI_NOT_PAIRED', 'missing', 'this user is paired with no node');
}

/** An invitation that cannot be used. */
export function invitationRefused(reason: string): NvrError {
  return new NvrError('ERR_CLI_INVITATION', 'invalid', reason);
}

/** What was typed is no code. */
export function codeRefused(): NvrError {
  return new NvrError('ERR_CLI_CODE', 'invalid', 'expected the eight digits that the node showed');
}

/** A camera that was tried showed nothing. */
export function cameraUnseen(reason: string): NvrError {
  return new NvrError('ERR_CLI_CAMERA', 'unavailable', reason);
}

/** The person, or the system, ended it. */
export function interrupted(): NvrError {
  return new NvrError('ERR_CLI_INTERRUPTED', 'cancelled', 'interrupted');
}

/** Verification found damage. */
export function damageFound(text: string): NvrError {
  return new NvrError('ERR_CLI_DAMAGE', 'corrupt', text);
}

/** Something went wrong that nobody foresaw. */
export function programFault(error: unknown): NvrError {
  const text = error instanceof Error ? error.message : String(error);
  return new NvrError('ERR_CLI_FAULT', 'internal', text, { cause: error });
}

/** No node runs on that folder. */
export function nodeNotRunning(folder: string): NvrError {
  return new NvrError('ERR_CLI_NOT_RUNNING', 'unavailable', `no node runs on ${folder}`);
}

/** Nobody who was asked knows where a node is. */
export function nodeNotFound(name: string): NvrError {
  return new NvrError('ERR_CLI_NODE_NOT_FOUND', 'missing', `nobody who was asked knows where ${name} is`);
}

/** A node answered what its own description does not allow. */
export function replyNotUnderstood(command: string, problems: string): NvrError {
  return new NvrError('ERR_CLI_REPLY', 'corrupt', `the reply to ${command} is not as described: ${problems}`);
}

/** What was fetched could not be made a picture of. */
export function pictureRefused(reason: string): NvrError {
  return new NvrError('ERR_CLI_PICTURE', 'corrupt', `no picture could be made: ${reason}`);
}

/** Somebody else steers the camera. */
export function headBusy(source: string, who: string, since: string): NvrError {
  return new NvrError('ERR_CLI_PTZ_HELD', 'conflict', `${source} is steered by ${who} since ${since}`);
}
