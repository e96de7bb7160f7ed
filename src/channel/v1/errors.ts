import { isNvrError, NvrError } from '../../errors.ts';

/** The old session cannot be opened with these settings. */
export const settingsRefused = (expected: string) =>
  new NvrError('ERR_CHANNEL_V1_SETTINGS', 'invalid', `expected ${expected} for the old session`);

/** A segment that only its owners can open. */
export const sealedToOwners = () =>
  new NvrError('ERR_CHANNEL_V1_SEALED', 'denied', 'this camera is sealed to its owners: version 1 cannot read it');

/** No segment of that name at that source. */
export const unknownSegment = () =>
  new NvrError('ERR_CHANNEL_V1_SEGMENT', 'missing', 'expected the name of a segment of this source');

/** No source of that id. */
export const unknownSource = () => new NvrError('ERR_CHANNEL_V1_SOURCE', 'missing', 'expected the id of a source');

/** Stored bytes that are not genuine, or another segment than the one asked for. */
export const damagedSegment = () =>
  new NvrError('ERR_CHANNEL_V1_DAMAGED', 'corrupt', 'the stored bytes of this segment are not genuine');

/** A command that went on for longer than it may. */
export const tookTooLong = () =>
  new NvrError('ERR_CHANNEL_V1_DEADLINE', 'unavailable', 'a command took longer than it may');

/** A command that this node does not have. */
export const notSupported = () =>
  new NvrError('ERR_CHANNEL_V1_UNSUPPORTED', 'missing', 'a command of the old session that this node does not have');

/** A wish for a camera that is incomplete; the texts are those of the first version. */
export const incompleteSource = (field: 'sourceId' | 'rtsp_url') =>
  new NvrError('ERR_CHANNEL_V1_INCOMPLETE', 'invalid', `${field} is required`);

/** What an old client is told of an error: fixed texts, never a cause, a path or a name. */
export function toldOfV1(error: unknown): string {
  if (!isNvrError(error)) return 'command failed';
  if (error.code === 'ERR_CHANNEL_V1_SEALED') return 'upgrade: this camera is read by version 2 clients only';
  if (error.code === 'ERR_CHANNEL_V1_UNSUPPORTED') return 'command not supported';
  if (error.code === 'ERR_CHANNEL_V1_INCOMPLETE') return error.message;
  switch (error.kind) {
    case 'denied':
    case 'unauthenticated':
      return 'not allowed';
    case 'missing':
      return 'not found';
    case 'invalid':
      return 'invalid request';
    case 'conflict':
      return 'conflict';
    case 'exhausted':
    case 'unavailable':
      return 'not available now';
    default:
      return 'command failed';
  }
}
