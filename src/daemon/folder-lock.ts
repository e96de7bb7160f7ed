import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { folderInUse } from './errors.ts';

/** A lock on the data folder, held until `release`, and by nobody once this process is gone, however it ended. */
export interface HeldFolder {
  release(): void;
}

/**
 * Takes the data folder for this process, or throws `ERR_DAEMON_FOLDER_IN_USE` (`conflict`).
 *
 * Node has no file locks of its own; SQLite's are the kernel's, so neither a stale file nor a reused process number can
 * keep a node from starting.
 */
export function holdFolder(folder: string, holder: () => number | null): HeldFolder {
  const database = new DatabaseSync(join(folder, 'node.lock'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch {
    database.close();
    throw folderInUse(folder, holder());
  }
  return {
    release() {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}
