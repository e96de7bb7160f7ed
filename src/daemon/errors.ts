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
