import { parseCameraUrl } from '../media/index.ts';
import { type CommandParams, checkParams } from '../protocol/index.ts';
import { usageError } from './errors.ts';
import type { ReachOptions } from './reach.ts';
import { askPassword, passwordFrom } from './secret-input.ts';
import type { World } from './world.ts';

/** What `source add`, `source change` and `source test` may be told. */
export interface SourceOptions extends ReachOptions {
  name?: string;
  url?: string;
  sub?: string;
  username?: string;
  passwordFile?: string;
  onvif?: string | true;
  hardware?: string;
  find?: boolean;
  transport?: string;
  reader?: string;
  audio?: string;
  record?: string;
  recordSub?: string;
  schedule?: string[];
  on?: string[];
  before?: string;
  after?: string;
  keep?: string;
  size?: string;
  enable?: boolean;
  disable?: boolean;
  clear?: string[];
  /** False with `--no-test`. */
  test?: boolean;
}

/** Where a camera is and who one is there; a password is asked for where nobody named a file with it. */
export async function addressesOf(world: World, source: string | undefined, options: SourceOptions) {
  for (const url of [options.url, options.sub]) {
    // Arguments can be read by every user of this machine while the program runs.
    if (url !== undefined && parseCameraUrl(url).credentials) {
      throw usageError('expected a url without user and password: give --username and --password-file');
    }
  }
  const { url, sub, username, passwordFile, onvif, transport } = options;
  const asked = async () =>
    username === undefined ? undefined : ((await askPassword(world, source ?? username)) ?? undefined);
  const password = passwordFile === undefined ? await asked() : await passwordFrom(world, passwordFile);
  return { url, sub, username, password, onvif, transport };
}

/** Params as the node will check them; refused in words (`ERR_CLI_USAGE`). */
export function checkedParams<N extends 'sources.upsert' | 'sources.remove' | 'sources.test'>(
  command: N,
  params: unknown,
): CommandParams<N> {
  const outcome = checkParams(command, params);
  if ('problems' in outcome) throw usageError(outcome.problems);
  return outcome.params as CommandParams<N>;
}
