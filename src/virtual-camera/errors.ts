import { NvrError } from '../errors.ts';

/** An option, flag or fault text that cannot be meant. */
export function optionsError(expectation: string): NvrError {
  return new NvrError('ERR_VIRTUAL_CAMERA_OPTIONS', 'invalid', expectation);
}

/** A fault that does not exist, has a wrong argument, or names a mount that is not offered. */
export function faultError(expectation: string): NvrError {
  return new NvrError('ERR_VIRTUAL_CAMERA_FAULT', 'invalid', expectation);
}

/** The address cannot be listened on: taken, or not of this machine. */
export function portError(host: string, port: number, cause: unknown): NvrError {
  return new NvrError('ERR_VIRTUAL_CAMERA_PORT', 'conflict', `expected to listen on ${host} port ${port}`, { cause });
}

/** No pair of neighbouring UDP ports was free. */
export function udpPortsError(cause: unknown): NvrError {
  return new NvrError('ERR_VIRTUAL_CAMERA_UDP', 'unavailable', 'expected two neighbouring free UDP ports', { cause });
}
