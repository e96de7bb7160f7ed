import { NvrError } from '../errors.ts';

/** No command of this name and version. The name is not repeated: it came from outside. */
export function unknownCommand(): NvrError {
  return new NvrError('ERR_COMMANDS_UNKNOWN', 'missing', 'expected a command of docs/protocol/commands.md');
}

/** Params are not as the command describes them; `problems` names places and rules, never values. */
export function paramsRefused(problems: string): NvrError {
  return new NvrError('ERR_COMMANDS_PARAMS', 'invalid', `expected params as described: ${problems}`);
}

/** The device's role does not allow this, or the device is no longer paired. */
export function denied(reason: string): NvrError {
  return new NvrError('ERR_COMMANDS_DENIED', 'denied', `refused: ${reason}`);
}

/** What was compared is not the fingerprint of the key that was named. */
export function fingerprintWrong(): NvrError {
  return new NvrError('ERR_COMMANDS_FINGERPRINT', 'invalid', 'expected the fingerprint of the key that was named');
}

/** No source of this id, or it has no such stream. */
export function sourceMissing(): NvrError {
  return new NvrError('ERR_COMMANDS_SOURCE', 'missing', 'expected a configured source and stream');
}

/** No segment of this id (any more). */
export function segmentMissing(): NvrError {
  return new NvrError(
    'ERR_COMMANDS_SEGMENT',
    'missing',
    'expected a stored segment, found none: it may have been pruned',
  );
}

/** The offset lies behind the end of the segment. */
export function offsetOutside(size: number): NvrError {
  return new NvrError('ERR_COMMANDS_RANGE', 'invalid', `expected an offset of at most ${size}`);
}

/** The file is shorter than the index says. */
export function segmentShort(): NvrError {
  return new NvrError('ERR_COMMANDS_SEGMENT_SHORT', 'corrupt', 'expected the whole stored segment, found less on disk');
}

/** One channel asked for too many live streams. */
export function tooManySubscriptions(limit: number): NvrError {
  return new NvrError('ERR_COMMANDS_SUBSCRIPTIONS', 'exhausted', `expected at most ${limit} live subscriptions`);
}

/** One channel is being sent too many snapshots. */
export function tooManySnapshots(limit: number): NvrError {
  return new NvrError('ERR_COMMANDS_SNAPSHOTS', 'exhausted', `expected at most ${limit} snapshots at once`);
}

/** No picture of the stream came in time. */
export function noPicture(): NvrError {
  return new NvrError('ERR_COMMANDS_NO_PICTURE', 'unavailable', 'no picture of this stream came in time');
}

/** The node does not speak ONVIF with the camera of this source. */
export function cameraNotKept(): NvrError {
  return new NvrError('ERR_COMMANDS_CAMERA_NONE', 'missing', 'expected a source whose camera is spoken to over onvif');
}

/** One channel watches too often. */
export function tooManyWatches(limit: number): NvrError {
  return new NvrError('ERR_COMMANDS_WATCHES', 'exhausted', `expected at most ${limit} watches over events`);
}

/** The caller went away or gave up. */
export function cancelled(): NvrError {
  return new NvrError('ERR_COMMANDS_CANCELLED', 'cancelled', 'the caller gave up');
}
