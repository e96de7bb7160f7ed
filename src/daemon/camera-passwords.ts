import { join } from 'node:path';
import { toHex, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Random } from '../platform/index.ts';
import type { SourceId } from '../protocol/index.ts';

/** Below the data folder, mode 0700. */
const FOLDER = 'secrets/cameras';
/** Ours; a password file that a person put there is called otherwise and is left alone. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}\.[0-9a-f]{16}$/;

/**
 * Passwords of cameras that were set over a channel, one file each. A new password gets a new name, so that the change of
 * `config.yaml` is the one step in which it becomes valid; what neither that file nor its backup names is removed later.
 */
export class CameraPasswords {
  readonly #files: Files;
  readonly #random: Random;
  readonly #folder: string;

  constructor(deps: { files: Files; random: Random }, folder: string) {
    this.#files = deps.files;
    this.#random = deps.random;
    this.#folder = folder;
  }

  /** A path for a new password of that source, relative to the data folder. */
  freshPath(source: SourceId): string {
    return `${FOLDER}/${source}.${toHex(this.#random.bytes(8))}`;
  }

  async write(path: string, password: string): Promise<void> {
    await this.#files.makeFolder(join(this.#folder, FOLDER));
    await this.#files.replace(join(this.#folder, path), utf8(`${password}\n`), { mode: 0o600 });
  }

  /** Removes one that did not become valid. */
  async remove(path: string): Promise<void> {
    await this.#files.remove(join(this.#folder, path)).catch((error) => {
      if (!isNvrError(error, 'missing')) throw error;
    });
  }

  /** Removes those that none of the texts names. */
  async sweep(texts: readonly string[]): Promise<void> {
    for (const { name, kind } of await this.#files.list(join(this.#folder, FOLDER))) {
      if (kind !== 'file' || !NAME.test(name) || texts.some((text) => text.includes(name))) continue;
      await this.remove(`${FOLDER}/${name}`);
    }
  }
}
