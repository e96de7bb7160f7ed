import { type ErrorCode, type ErrorKind, NvrError } from '../errors.ts';
import type { CameraTrouble } from './api.ts';

/** No network could be asked. */
export function searchRefused(cause: unknown): NvrError {
  return new NvrError('ERR_CAMERAS_SEARCH', 'unavailable', 'no network could be asked for cameras', { cause });
}

/** No interface that was named can be asked. */
export function interfaceMissing(name: string): NvrError {
  return new NvrError('ERR_CAMERAS_INTERFACE', 'missing', `found no interface "${name}" with an IPv4 address`);
}

/** The host that was named leads nowhere. */
export function hostMissing(host: string): NvrError {
  return new NvrError('ERR_CAMERAS_HOST', 'missing', `found no address of "${host}"`);
}

/** Too many searches wait for each other. */
export function searchesBusy(): NvrError {
  return new NvrError('ERR_CAMERAS_BUSY', 'exhausted', 'eight searches for cameras wait already');
}

/** Nobody waits for the search any more. */
export function searchCancelled(): NvrError {
  return new NvrError('ERR_CAMERAS_SEARCH_CANCELLED', 'cancelled', 'the search for cameras was given up');
}

/** No camera is kept for that source. */
export function cameraNone(source: string): NvrError {
  return new NvrError('ERR_CAMERAS_NONE', 'missing', `no camera is kept in touch with for ${source}`);
}

/** Another camera answers where this one should be. */
export function cameraForeign(source: string): NvrError {
  return new NvrError('ERR_CAMERAS_FOREIGN', 'conflict', `another camera answers at the address of ${source}`);
}

/** What each trouble is called outside. */
const TROUBLES: Readonly<Record<CameraTrouble, readonly [ErrorCode, ErrorKind, string]>> = {
  unreachable: ['ERR_CAMERAS_UNREACHABLE', 'unavailable', 'the camera did not answer in time'],
  unauthorized: ['ERR_CAMERAS_UNAUTHORIZED', 'unauthenticated', 'the camera refused the user name or password'],
  unsupported: ['ERR_CAMERAS_UNSUPPORTED', 'missing', 'the camera does not have this ability'],
  malformed: ['ERR_CAMERAS_MALFORMED', 'corrupt', 'the answer of the camera could not be understood'],
  refused: ['ERR_CAMERAS_REFUSED', 'denied', 'the camera refused what it was asked'],
  cancelled: ['ERR_CAMERAS_CANCELLED', 'cancelled', 'the question to the camera was given up'],
};

/** Why a camera did not do what it was asked. `detail` is for the operator: words of ours, never those of the camera. */
export class CameraError extends NvrError {
  readonly trouble: CameraTrouble;
  /** Local names of the codes and details of a SOAP fault, outermost first, at most 16: `Sender`, `NotAuthorized`; else empty. */
  readonly fault: readonly string[];

  constructor(trouble: CameraTrouble, options: { detail?: string; fault?: readonly string[]; cause?: unknown } = {}) {
    const { detail, fault = [], cause } = options;
    const [code, kind, text] = TROUBLES[trouble];
    super(code, kind, detail === undefined ? text : `${text}: ${detail}`, cause === undefined ? undefined : { cause });
    this.trouble = trouble;
    this.fault = fault;
  }
}

/** Somebody else steers this camera. By whom and since when is told by `ptz.status`: an error has no place for it. */
export function headHeld(source: string): NvrError {
  return new NvrError('ERR_CAMERAS_PTZ_HELD', 'conflict', `somebody else steers ${source}`);
}

/** The lease has ended, or never was the caller's. */
export function leaseEnded(): NvrError {
  return new NvrError('ERR_CAMERAS_PTZ_LEASE', 'conflict', 'expected the lease that holds this camera now');
}

/** The camera was told to stop and did not confirm it. */
export function headNotStopped(cause: unknown): NvrError {
  return new NvrError('ERR_CAMERAS_PTZ_UNSTOPPED', 'unavailable', 'the camera did not confirm that it stopped moving', {
    cause,
  });
}

/** Too many pictures are fetched from cameras at once. */
export function snapshotsBusy(limit: number): NvrError {
  return new NvrError('ERR_CAMERAS_SNAPSHOTS', 'exhausted', `expected at most ${limit} pictures fetched at once`);
}

/** The trouble an error tells of; what no driver should throw counts as an answer that was not understood. */
export function troubleOf(error: unknown): CameraTrouble {
  return error instanceof CameraError ? error.trouble : 'malformed';
}

/** The file of events cannot be used. */
export function eventsFailed(cause: unknown): NvrError {
  return new NvrError('ERR_CAMERAS_EVENTS', 'unavailable', 'the file of events could not be opened', { cause });
}

/** A cursor of no page of ours. */
export function eventsCursorInvalid(): NvrError {
  return new NvrError('ERR_CAMERAS_EVENTS_CURSOR', 'invalid', 'expected a cursor of a page of events');
}
