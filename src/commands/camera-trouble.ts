import { CameraError, type CameraTrouble } from '../cameras/index.ts';
import { NvrError } from '../errors.ts';
import type { SourceId } from '../protocol/index.ts';
import { cancelled, sourceMissing } from './errors.ts';
import type { SourcesView } from './views.ts';

/**
 * Asks a camera something for a caller. What the camera could not or would not do becomes an error of ours: a caller must not take
 * the camera's refusal of the node's password for a refusal of its own.
 */
export async function askCamera<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof CameraError ? cameraTroubled(error) : error;
  }
}

/** `ERR_COMMANDS_SOURCE` (`missing`) where no source of this id is configured. */
export function requireSource(sources: SourcesView, source: SourceId): void {
  if (!sources.list().some(({ id }) => id === source)) throw sourceMissing();
}

const MADE: Readonly<Record<CameraTrouble, (cause: CameraError) => NvrError>> = {
  unreachable: cameraUnreachable,
  unauthorized: cameraUnauthorized,
  unsupported: cameraUnable,
  malformed: cameraUnclear,
  refused: cameraRefused,
  cancelled: () => cancelled(),
};

function cameraTroubled(error: CameraError): NvrError {
  return MADE[error.trouble](error);
}

/** The camera did not answer. */
function cameraUnreachable(cause: CameraError): NvrError {
  return new NvrError('ERR_COMMANDS_CAMERA_UNREACHABLE', 'unavailable', 'the camera did not answer in time', { cause });
}

/** The camera refused the user name or password that the node has for it. */
function cameraUnauthorized(cause: CameraError): NvrError {
  const text = 'the camera refused the user name or password that the node has for it';
  return new NvrError('ERR_COMMANDS_CAMERA_UNAUTHORIZED', 'conflict', text, { cause });
}

/** The camera cannot do this. */
export function cameraUnable(cause?: CameraError): NvrError {
  const text = 'the camera does not have this ability';
  return new NvrError('ERR_COMMANDS_CAMERA_UNABLE', 'missing', text, { cause });
}

/** The camera answered what could not be understood. */
function cameraUnclear(cause: CameraError): NvrError {
  const text = 'the answer of the camera could not be understood';
  return new NvrError('ERR_COMMANDS_CAMERA_UNCLEAR', 'corrupt', text, { cause });
}

/** The camera said no, for a reason of its own. */
function cameraRefused(cause: CameraError): NvrError {
  return new NvrError('ERR_COMMANDS_CAMERA_REFUSED', 'conflict', 'the camera refused what it was asked', { cause });
}
