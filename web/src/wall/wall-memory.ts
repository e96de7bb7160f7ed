/** What this browser remembers beside the layout. */
export interface WallMemory {
  /** Cameras that had their place offered; see `autoFill`. */
  known: readonly string[];
  /** Nobody has arranged the wall by hand: it grows with new cameras. */
  untouched: boolean;
}

const KEY = 'constitute-nvr.wall-memory';
const KNOWN_MAX = 2_048;

export function readWallMemory(storage: Pick<Storage, 'getItem'>): WallMemory {
  try {
    const { known, untouched } = JSON.parse(storage.getItem(KEY) ?? '') as { known: unknown; untouched: unknown };
    const keys = Array.isArray(known) ? known.filter((each) => typeof each === 'string').slice(-KNOWN_MAX) : [];
    return { known: keys, untouched: untouched === true };
  } catch {
    return { known: [], untouched: true };
  }
}

/** A camera that was removed: added again, it is new. */
export function forgetOnWall(storage: Pick<Storage, 'getItem' | 'setItem'>, key: string): void {
  const { known, untouched } = readWallMemory(storage);
  writeWallMemory(storage, { known: known.filter((each) => each !== key), untouched });
}

export function writeWallMemory(storage: Pick<Storage, 'setItem'>, memory: WallMemory): void {
  storage.setItem(KEY, JSON.stringify(memory));
}
