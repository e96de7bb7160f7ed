import { type ErrorCode, type ErrorKind, isNvrError, NvrError } from '../errors.ts';

/** The stream or its channel is gone: nobody listens any more. */
export const closedError = () => new NvrError('ERR_CHANNEL_CLOSED', 'cancelled', 'the stream is closed');

/** The reader gave no room for too long. */
export const stalledError = () =>
  new NvrError('ERR_CHANNEL_STALLED', 'exhausted', 'the reader gave no room for too long');

/** A result or notification that does not fit a frame: its command must page. */
export const replyTooLargeError = () =>
  new NvrError('ERR_CHANNEL_REPLY_TOO_LARGE', 'internal', 'a reply does not fit its frame');

/** A REQ body that is no request. */
export const requestError = () => new NvrError('ERR_CHANNEL_REQUEST', 'invalid', 'expected a JSON-RPC request');

/** One stream too many. */
export const streamsError = () => new NvrError('ERR_CHANNEL_STREAMS', 'exhausted', 'too many requests at once');

/** Too many bytes of requests are being answered. */
export const busyError = () => new NvrError('ERR_CHANNEL_BUSY', 'exhausted', 'too many bytes of requests at once');

/** A device, or an address, sends more commands than it may. */
export class RateError extends NvrError {
  /** After this long one more is within the limit. */
  readonly retryMs: number;

  constructor(retryMs: number) {
    super('ERR_CHANNEL_RATE', 'exhausted', 'too many commands: wait as long as the answer says');
    this.retryMs = retryMs;
  }
}

/** The channel takes no new requests: the node stops, or the channel is too old. */
export const goingAwayError = () =>
  new NvrError('ERR_CHANNEL_GOING_AWAY', 'unavailable', 'the channel takes no new requests');

/** What a device is told of an error: code and kind, never text, cause or path. */
export function toldOf(error: unknown): { code: ErrorCode; kind: ErrorKind; retryMs?: number } {
  if (error instanceof RateError) return { code: error.code, kind: error.kind, retryMs: error.retryMs };
  if (isNvrError(error)) return { code: error.code, kind: error.kind };
  return { code: 'ERR_CHANNEL_INTERNAL', kind: 'internal' };
}
