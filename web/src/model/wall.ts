import { Store } from '../engine/store.ts';

/** How many tiles, or `free`: placed by hand on a grid of 12 by 12. */
export type LayoutKind = '1' | '2' | '4' | '9' | '16' | 'free';

/** Where a tile lies on the grid of 12 by 12, for `free`. */
export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Layout {
  kind: LayoutKind;
  /** Camera keys by tile; null: empty. */
  tiles: readonly (string | null)[];
  /** For `free` only, one for each tile. */
  places: readonly Place[];
}

export interface SavedLayout extends Layout {
  name: string;
}

const KEY = 'constitute-nvr.wall';

/** The wall: which camera stands where. Kept in this browser. */
export class Wall {
  readonly layout: Store<Layout>;
  readonly saved: Store<readonly SavedLayout[]>;
  /** The tile that fills the wall for a while, or null. */
  readonly enlarged = new Store<string | null>(null);
  /** The tile that keys and PTZ go to, or null. */
  readonly chosen = new Store<string | null>(null);
  /** The one camera whose sound is heard, or null. */
  readonly heard = new Store<string | null>(null);

  constructor(storage: Pick<globalThis.Storage, 'getItem' | 'setItem'> = localStorage) {
    const kept = read(storage.getItem(KEY));
    this.layout = new Store(kept.layout);
    this.saved = new Store(kept.saved);
    const keep = () => storage.setItem(KEY, JSON.stringify({ layout: this.layout.get(), saved: this.saved.get() }));
    this.layout.subscribe(keep);
    this.saved.subscribe(keep);
  }

  /** A camera that was removed leaves its place, in what is saved too. */
  forget(key: string): void {
    if (this.layout.get().tiles.includes(key)) this.layout.update((layout) => without(layout, key));
    if (this.saved.get().some(({ tiles }) => tiles.includes(key)))
      this.saved.update((all) => all.map((each) => ({ ...each, ...without(each, key) })));
  }
}

/** A free place goes with its camera; elsewhere it stays empty. */
function without({ kind, tiles, places }: Layout, key: string): Layout {
  const stays = (index: number) => kind !== 'free' || tiles[index] !== key;
  return {
    kind,
    tiles: tiles.filter((_, index) => stays(index)).map((each) => (each === key ? null : each)),
    places: places.filter((_, index) => stays(index)),
  };
}

function read(text: string | null): { layout: Layout; saved: SavedLayout[] } {
  const none = { layout: { kind: '4' as const, tiles: [], places: [] }, saved: [] };
  try {
    const { layout, saved } = JSON.parse(text ?? '') as { layout: unknown; saved: unknown };
    if (!isLayout(layout) || !Array.isArray(saved)) return none;
    return {
      layout,
      saved: saved.filter(
        (each): each is SavedLayout => isLayout(each) && typeof (each as SavedLayout).name === 'string',
      ),
    };
  } catch {
    return none;
  }
}

function isLayout(value: unknown): value is Layout {
  const { kind, tiles, places } = (value ?? {}) as Partial<Layout>;
  return ['1', '2', '4', '9', '16', 'free'].includes(kind ?? '') && Array.isArray(tiles) && Array.isArray(places);
}
