import { NvrError } from '../errors.ts';

/** What the node says of itself, without any details, is too long for one datagram. */
export function factsTooLong(): NvrError {
  return new NvrError('ERR_SWARM_FACTS', 'invalid', 'expected facts of the node that fit into one datagram');
}
