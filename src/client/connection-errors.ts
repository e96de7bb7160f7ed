import { type ErrorKind, NvrError } from '../errors.ts';
import type { RpcError } from '../protocol/index.ts';

/** The node's own answer to a request: its code, its kind, and the fixed text of that kind. */
export class RemoteError extends NvrError {
  /** After this long it is worth trying again, where the node said so. */
  readonly retryMs: number | null;

  constructor({ code, kind, message, retryMs }: RpcError) {
    super(code, kind, message);
    this.name = 'RemoteError';
    this.retryMs = retryMs ?? null;
  }
}

/** No address of the node could be reached. */
export const unreachableError = (address: string) =>
  new NvrError('ERR_CLIENT_UNREACHABLE', 'unavailable', `nothing answers at ${address}`);

/** Reached, but silent. */
export const timeoutError = (address: string) =>
  new NvrError('ERR_CLIENT_TIMEOUT', 'unavailable', `no answer in time from ${address}`);

/** Closed in answer to our hello. */
export const notAnsweredError = (address: string, pairing: boolean) =>
  new NvrError(
    'ERR_CLIENT_NOT_ANSWERED',
    pairing ? 'denied' : 'unavailable',
    pairing
      ? `${address} does not take this invitation: it was used, was withdrawn, has expired, or belongs to another node`
      : `${address} closed the connection at our hello: another node answers there, or it is too busy`,
  );

/** What answered is not the node we know. */
export const wrongNodeError = (address: string, why: string) =>
  new NvrError('ERR_CLIENT_WRONG_NODE', 'unauthenticated', `${address} is not the node that was paired: ${why}`);

/** The node proved itself and then turned us away. */
export const refusedError = (address: string, pairing: boolean) =>
  new NvrError(
    'ERR_CLIENT_REFUSED',
    'denied',
    pairing
      ? `the node at ${address} did not accept the pairing: ask for a new invitation`
      : `the node at ${address} does not accept this device: it may have been removed, or its clock may differ; pair again`,
  );

/** Our own certificate cannot work. */
export const certificateError = (reason: string) =>
  new NvrError('ERR_CLIENT_CERTIFICATE', 'invalid', `the certificate of this device does not fit: ${reason}`);

/** The invitation is too old by our clock. */
export const invitationExpiredError = () =>
  new NvrError('ERR_CLIENT_INVITATION_EXPIRED', 'invalid', 'the invitation has expired: ask for a new one');

/** The caller gave up. */
export const cancelledError = () => new NvrError('ERR_CLIENT_CANCELLED', 'cancelled', 'cancelled');

/** The channel is gone. */
export const closedError = () =>
  new NvrError('ERR_CLIENT_CLOSED', 'unavailable', 'the connection to the node is closed');

/** The node went silent. */
export const silentError = () => new NvrError('ERR_CLIENT_SILENT', 'unavailable', 'the node has gone silent');

/** The node said that it stops, or that the channel is too old. */
export const goingAwayError = () =>
  new NvrError('ERR_CLIENT_GOING_AWAY', 'unavailable', 'the node asked for a new connection');

/** The node broke the protocol, or somebody between did. */
export const protocolError = (why: string) =>
  new NvrError('ERR_CLIENT_PROTOCOL', 'corrupt', `the connection broke the protocol: ${why}`);

/** More requests wait than this side keeps. */
export const backlogError = () => new NvrError('ERR_CLIENT_BACKLOG', 'exhausted', 'too many requests wait');

/** A request that does not fit its frame. */
export const requestTooLargeError = () =>
  new NvrError('ERR_CLIENT_REQUEST_TOO_LARGE', 'invalid', 'the request does not fit one frame');

/** How telling an error of one address is beside those of others. */
const TELLING: readonly ErrorKind[] = ['unavailable', 'exhausted', 'corrupt', 'denied', 'unauthenticated'];

/** The error that says most of those that several addresses gave. */
export function mostTelling(errors: readonly NvrError[]): NvrError {
  return errors.reduce((best, each) => {
    const gain = TELLING.indexOf(each.kind) - TELLING.indexOf(best.kind);
    return gain > 0 || (gain === 0 && best.code === 'ERR_CLIENT_UNREACHABLE') ? each : best;
  });
}
