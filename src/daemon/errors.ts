import { NvrError } from '../errors.ts';

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends NvrError {
  /** One sentence each: place, path, what was expected. */
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    const count = problems.length === 1 ? 'one mistake' : `${problems.length} mistakes`;
    super('ERR_DAEMON_CONFIG', 'invalid', `${file} has ${count}:\n${problems.map((each) => `  ${each}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Another node runs on this folder. */
export function folderInUse(folder: string, pid: number | null): NvrError {
  const who = pid === null ? '' : ` (process ${pid})`;
  return new NvrError('ERR_DAEMON_FOLDER_IN_USE', 'conflict', `another node runs on ${folder}${who}`);
}

/** The address cannot be listened on. */
export function listenRefused(address: string, reason: string, cause: unknown): NvrError {
  const text = `cannot listen on ${address}: ${reason}; choose another with listen in config.yaml`;
  return new NvrError('ERR_DAEMON_LISTEN', 'conflict', text, { cause });
}

/** A file of ours in the data folder was changed by something else. */
export function fileRefused(file: string, reason: string): NvrError {
  return new NvrError('ERR_DAEMON_FILE', 'corrupt', `refused ${file}: ${reason}`);
}

/** No source of this id is configured. */
export function sourceMissing(): NvrError {
  return new NvrError('ERR_DAEMON_SOURCE_MISSING', 'missing', 'expected the id of a configured source');
}

/** A source of this id is configured already. */
export function sourceKnown(): NvrError {
  return new NvrError('ERR_DAEMON_SOURCE_KNOWN', 'conflict', 'expected a new id, a source of this one is configured');
}

/** With this wish the configuration would have mistakes; `problems` name rules and never what was written. */
export function sourceRefused(problems: readonly string[]): NvrError {
  const text = `expected a source that makes sense: ${problems.slice(0, 5).join('; ')}`;
  return new NvrError('ERR_DAEMON_SOURCE_REFUSED', 'invalid', text);
}

/** Stored credentials would be sent to a host they were not given for. */
export function credentialsNotForThisHost(): NvrError {
  const text = 'expected the password again beside another host: the stored one is not sent there';
  return new NvrError('ERR_DAEMON_CREDENTIALS', 'invalid', text);
}

/** So many cameras are tried at once already. */
export function testsBusy(limit: number): NvrError {
  return new NvrError('ERR_DAEMON_TESTS', 'exhausted', `expected at most ${limit} tests of cameras at once`);
}

/** So many passwords of cameras are not kept. */
export function secretsFull(limit: number): NvrError {
  return new NvrError('ERR_DAEMON_SECRETS_FULL', 'exhausted', `expected at most ${limit} sealed passwords of cameras`);
}

/** `config.yaml` was changed by hand and has mistakes: nothing is written over it. */
export function configBroken(): NvrError {
  const text = 'expected config.yaml without mistakes: it was changed on the machine and must be corrected there';
  return new NvrError('ERR_DAEMON_CONFIG_BROKEN', 'conflict', text);
}

/** `config.yaml`, or a file beside it, could not be written; nothing has changed. */
export function configNotWritten(cause: unknown): NvrError {
  return new NvrError('ERR_DAEMON_CONFIG_WRITE', 'unavailable', 'the configuration could not be written', { cause });
}

/** The node is starting or stopping. */
export function nodeNotRunning(): NvrError {
  return new NvrError('ERR_DAEMON_NOT_RUNNING', 'unavailable', 'the node is starting or stopping');
}
