import { resolve } from 'node:path';
import { fromUtf8 } from '../bytes/index.ts';
import { usageError } from './errors.ts';
import type { World } from './world.ts';

/** A password with its line feed. */
const BYTES_MAX = 1024;

/** The password of one line in a file; `-` is standard input. Arguments and the environment are no place for one. */
export async function passwordFrom(world: World, file: string): Promise<string> {
  const bytes =
    file === '-' ? await world.terminal.input(BYTES_MAX) : await world.files.read(resolve(world.cwd, file), BYTES_MAX);
  const text = fromUtf8(bytes)?.replace(/\r?\n$/, '');
  if (!text || /[\n\r\0]/.test(text)) throw usageError('expected --password-file to name a file with one line of text');
  return text;
}

/** Asks the person without showing what is typed; null where nobody can be asked. */
export function askPassword(world: World, of: string): Promise<string | null> {
  return world.terminal.ask(`password of ${of} (nothing is shown; empty for none): `);
}
