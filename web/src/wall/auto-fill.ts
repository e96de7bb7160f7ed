import type { Layout } from '../model/wall.ts';
import { FREE_MAX, freePlace, padded, TILES, tileCount } from './geometry.ts';

/** The wall, and the cameras it has seen so far. */
export interface Filled {
  layout: Layout;
  /** Cameras that had their chance; those taken off the wall are not put back. */
  known: readonly string[];
}

const KNOWN_MAX = 2_048;
const STEPS = ['1', '2', '4', '9', '16'] as const;

/**
 * Puts cameras nobody has seen yet on the wall: into empty tiles, and while nobody arranged it by hand (`untouched`) the layout grows with them. Gives
 * back what it was given where nothing is new.
 */
export function autoFill({ layout, known }: Filled, cameras: readonly string[], untouched: boolean): Filled {
  const fresh = cameras.filter((each) => !known.includes(each) && !layout.tiles.includes(each));
  const seen = cameras.filter((each) => !known.includes(each));
  if (seen.length === 0) return { layout, known };
  const tiles = padded(layout.tiles, tileCount(layout));
  const places = [...layout.places];
  for (const camera of fresh) {
    const empty = tiles.indexOf(null);
    if (empty >= 0) tiles[empty] = camera;
    else if (layout.kind === 'free' ? tiles.length < FREE_MAX : untouched && tiles.length < TILES['16']) {
      tiles.push(camera);
      if (layout.kind === 'free') places.push(freePlace(places));
    }
  }
  const count = tiles.filter((each) => each !== null).length;
  let { kind } = layout;
  if (kind !== 'free' && untouched) kind = STEPS.find((each) => TILES[each] >= count) ?? '16';
  const shown =
    kind === 'free'
      ? tiles
      : padded(
          tiles.filter((each) => each !== null),
          TILES[kind],
        );
  return {
    layout: { kind, tiles: untouched || kind === 'free' ? shown : tiles, places },
    known: [...known, ...seen].slice(-KNOWN_MAX),
  };
}

/** Fills empty tiles with cameras that are not on the wall, in their order. */
export function fillEmpty(layout: Layout, cameras: readonly string[]): Layout {
  const rest = cameras.filter((each) => !layout.tiles.includes(each));
  const tiles = padded(layout.tiles, tileCount(layout)).map((each) => each ?? rest.shift() ?? null);
  return { ...layout, tiles };
}
