import { NvrError } from '../errors.ts';

/** No network could be asked. */
export function searchRefused(cause: unknown): NvrError {
  return new NvrError('ERR_CAMERAS_SEARCH', 'unavailable', 'no network could be asked for cameras', { cause });
}
