import { fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Clock, Files, Random } from '../platform/index.ts';
import { lockBusy, lockLost, lockUnwritten } from './errors.ts';

/** A lock whose file shows the same token for this long belongs to a program that died. Holders need milliseconds. */
const STALE_MS = 5_000;
/** How long a lock is waited for. */
const WAIT_MS_MAX = 15_000;
const RETRY_MS = 40;
const TOKEN_BYTES_MAX = 64;

/**
 * One writer at a time among programs that share a folder: a file that must not exist, with a random token in it.
 *
 * A holder that was held up longer than `STALE_MS` may lose the lock; it learns so from `held`, which it asks right before
 * and right after writing, and starts over.
 */
export class FolderLock {
  readonly #deps: { files: Files; clock: Clock; random: Random };
  readonly #path: string;
  /** Callers of this process queue here. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(deps: { files: Files; clock: Clock; random: Random }, path: string) {
    this.#deps = deps;
    this.#path = path;
  }

  /**
   * Runs `task` alone. `held` rejects with `ERR_IDENTITY_LOCK_LOST` (`conflict`) once the lock is no longer ours.
   * `ERR_IDENTITY_BUSY` (`unavailable`) when another program holds it for too long.
   */
  run<T>(task: (held: () => Promise<void>) => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => this.#runAlone(task));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  async #runAlone<T>(task: (held: () => Promise<void>) => Promise<T>): Promise<T> {
    const token = await this.#acquire();
    try {
      return await task(async () => {
        if ((await this.#holder(this.#path)) !== token) throw lockLost(this.#path);
      });
    } finally {
      if ((await this.#holder(this.#path)) === token) await this.#remove(this.#path);
    }
  }

  async #acquire(): Promise<string> {
    const { clock, random } = this.#deps;
    const token = toHex(random.bytes(16));
    const startedAt = clock.monotonic();
    let seen: string | null = null;
    let seenAt = startedAt;
    while (!(await this.#create(token))) {
      const now = clock.monotonic();
      const holder = await this.#holder(this.#path);
      if (holder === null) continue;
      if (holder !== seen) {
        seen = holder;
        seenAt = now;
      } else if (now - seenAt >= STALE_MS) {
        await this.#breakStale(token);
        continue;
      }
      if (now - startedAt >= WAIT_MS_MAX) throw lockBusy(this.#path);
      await clock.sleep(RETRY_MS);
    }
    return token;
  }

  async #create(token: string): Promise<boolean> {
    const { files } = this.#deps;
    try {
      const handle = await files.create(this.#path);
      let written = 0;
      try {
        written = await handle.write(utf8(token), 0);
      } finally {
        await handle.close();
        // A full disk takes the name and not the token: a lock that nobody could recognise as his own.
        if (written < token.length) await this.#remove(this.#path);
      }
      if (written < token.length) throw lockUnwritten(this.#path);
      return true;
    } catch (error) {
      if (isNvrError(error, 'conflict')) return false;
      throw error;
    }
  }

  /** Moves the dead lock aside first: of several who see it dead, one succeeds, and a lock is never removed by its name alone. */
  async #breakStale(token: string): Promise<void> {
    const aside = `${this.#path}.${token}`;
    try {
      await this.#deps.files.rename(this.#path, aside);
    } catch (error) {
      if (isNvrError(error, 'missing')) return;
      throw error;
    }
    await this.#remove(aside);
  }

  /** The token in a lock file; null where there is none. */
  async #holder(path: string): Promise<string | null> {
    try {
      return fromUtf8(await this.#deps.files.read(path, TOKEN_BYTES_MAX)) ?? '';
    } catch (error) {
      if (isNvrError(error, 'missing')) return null;
      throw error;
    }
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#deps.files.remove(path);
    } catch (error) {
      if (!isNvrError(error, 'missing')) throw error;
    }
  }
}
