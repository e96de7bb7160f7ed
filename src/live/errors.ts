import { NvrError } from '../errors.ts';

/** No recorder feeds this stream (any more). */
export function streamMissing(): NvrError {
  return new NvrError(
    'ERR_LIVE_STREAM_MISSING',
    'missing',
    'expected a stream that is recorded, found none of this name',
  );
}
