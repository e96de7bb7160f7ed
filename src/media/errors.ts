import { NvrError } from '../errors.ts';

/** Video that is not what it should be; the message says what was expected and what was found. */
export class MediaError extends NvrError {}

/** Bytes that are not fragmented MP4 of the form we take. */
export function malformed(found: string): MediaError {
  return new MediaError('ERR_MEDIA_MALFORMED', 'corrupt', `expected fragmented MP4, found ${found}`);
}

/** Video we do not record: neither H.264 nor H.265. */
export function unsupported(format: string): MediaError {
  return new MediaError('ERR_MEDIA_UNSUPPORTED', 'corrupt', `expected video in H.264 or H.265, found ${format}`);
}

/** A count or size beyond its named limit. */
export function tooLarge(what: string, limit: number): MediaError {
  return new MediaError('ERR_MEDIA_TOO_LARGE', 'corrupt', `expected ${what} of at most ${limit}`);
}

/** Runs a reading of fields and turns "bytes ran out" into `ERR_MEDIA_MALFORMED`. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NvrError && error.code.startsWith('ERR_BYTES_'))
      throw malformed(`a ${what} that is cut short`);
    throw error;
  }
}
