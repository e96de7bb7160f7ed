import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { MovieSink } from '../client/index.ts';
import { fileExists, outputFailed, usageError } from './errors.ts';
import type { Terminal } from './terminal.ts';

export interface MovieOutputOptions {
  /** Path of the first part, or `-` for standard output. */
  path: string;
  /** Overwrites files that are there. */
  force: boolean;
  /** Keeps what was written when it is broken off. */
  keepPartial: boolean;
}

/**
 * The file or files a movie goes into. A part is written beside its place as `.part` and takes its name when it is whole,
 * so that a broken-off transfer leaves nothing that looks finished.
 */
export class MovieOutput {
  readonly #terminal: Terminal;
  readonly #options: MovieOutputOptions;
  /** Parts that are whole, in order. */
  readonly paths: string[] = [];
  #open: { handle: FileHandle; path: string } | null = null;
  #failed = false;

  constructor(terminal: Terminal, options: MovieOutputOptions) {
    this.#terminal = terminal;
    this.#options = options;
    if (options.path === '-' && terminal.outInteractive) {
      throw usageError('expected -o FILE, or standard output going somewhere else than a terminal');
    }
  }

  /** Refuses at once what would be refused after the transfer. `ERR_CLI_FILE_EXISTS` (`conflict`), `ERR_CLI_OUTPUT`. */
  async check(): Promise<void> {
    const { path, force } = this.#options;
    if (path === '-') return;
    if (!force && (await exists(path))) throw fileExists(path);
    if (!(await exists(dirname(path)))) throw outputFailed(path, 'its folder does not exist', null);
  }

  /** Opens a part; with a number from 2 on the name gets it before its ending. */
  async openPart(part: number): Promise<MovieSink> {
    if (this.#options.path === '-') return this.#openStandardOutput(part);
    const path = partPath(this.#options.path, part);
    if (!this.#options.force && (await exists(path))) throw fileExists(path);
    const handle = await told(path, () => open(partialPath(path), 'w', 0o600));
    this.#open = { handle, path };
    return {
      write: async (bytes) => {
        await told(path, () => writeAll(handle, bytes)).catch((error) => {
          this.fail();
          throw error;
        });
      },
      close: () => this.#finish(),
    };
  }

  /** Ends what is open after a failure: removes it, or keeps it as `.part` where that was asked for. */
  async abandon(): Promise<void> {
    const left = this.#open;
    this.#open = null;
    if (!left) return;
    await left.handle.close().catch(() => {});
    if (this.#options.keepPartial) this.#terminal.err(`kept ${partialPath(left.path)}\n`);
    else await rm(partialPath(left.path), { force: true });
  }

  async #finish(): Promise<void> {
    const whole = this.#open;
    if (!whole || this.#failed) return;
    this.#open = null;
    await told(whole.path, async () => {
      await whole.handle.close();
      await rename(partialPath(whole.path), whole.path);
    });
    this.paths.push(whole.path);
  }

  /** Says that what is open is not whole: closing it then gives it no name, and `abandon` decides what becomes of it. */
  fail(): void {
    this.#failed = true;
  }

  #openStandardOutput(part: number): MovieSink {
    if (part > 1) {
      throw outputFailed('-', 'the picture changed its format, which needs a second file: use -o FILE', null);
    }
    return { write: (bytes) => this.#terminal.outBytes(bytes), close: async () => void this.paths.push('-') };
  }
}

/** `a.mp4`, `a-2.mp4`, `a-3.mp4`. */
export function partPath(path: string, part: number): string {
  if (part === 1) return path;
  const ending = extname(path);
  return join(dirname(path), `${basename(path, ending)}-${part}${ending}`);
}

const partialPath = (path: string) => `${path}.part`;

async function exists(path: string): Promise<boolean> {
  return stat(path || '.').then(
    () => true,
    () => false,
  );
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** Says which file it was when the disk refuses. */
async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw outputFailed(path, (error as NodeJS.ErrnoException).code ?? 'unknown', error);
  }
}
