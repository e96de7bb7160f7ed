import { NvrError } from '../errors.ts';

/** This device waits for somebody's approval, and its caller does not. */
export const pendingError = (address: string) =>
  new NvrError('ERR_CLIENT_PENDING', 'denied', `the node at ${address} waits for an owner to approve this device`);

/** No code waits there, as far as a stranger is told. */
export const codeNotTakenError = (address: string) =>
  new NvrError(
    'ERR_CLIENT_CODE_NOT_TAKEN',
    'denied',
    `${address} takes no code now: none waits there, or one was mistyped a moment ago`,
  );

/** The node heard the code and turned away. */
export const codeWrongError = (address: string) =>
  new NvrError('ERR_CLIENT_CODE_WRONG', 'denied', `${address} does not know this code: it may be mistyped`);

/** What answers does not know the code: not the node that showed it. */
export const codeUnknownError = (address: string, why: string) =>
  new NvrError(
    'ERR_CLIENT_CODE_UNKNOWN',
    'unauthenticated',
    `what answers at ${address} is not the node that showed the code: ${why}`,
  );
