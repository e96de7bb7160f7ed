import type { Layout, LayoutKind, Place } from '../model/wall.ts';

/** Where a tile lies, in pixels from the wall's corner. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Size {
  w: number;
  h: number;
}

/** Columns and rows of the free layout. */
export const FREE_GRID = 12;
export const TILES: Readonly<Record<Exclude<LayoutKind, 'free'>, number>> = {
  '1': 1,
  '2': 2,
  '4': 4,
  '9': 9,
  '16': 16,
};
export const FREE_MAX = 16;
/** Pixels between tiles. */
export const BETWEEN = 6;
const PICTURE = 16 / 9;
/** Below it the wall is a phone's: one large picture, the others in two columns. */
export const PHONE_WIDTH = 600;

/** Cells of a pattern; the first tile may be a large one. */
interface Pattern {
  columns: number;
  rows: number;
  large: number;
}

const PATTERNS: Readonly<Record<Exclude<LayoutKind, 'free'>, readonly Pattern[]>> = {
  '1': [{ columns: 1, rows: 1, large: 1 }],
  '2': [
    { columns: 2, rows: 1, large: 1 },
    { columns: 1, rows: 2, large: 1 },
  ],
  '4': [
    { columns: 2, rows: 2, large: 1 },
    { columns: 4, rows: 3, large: 3 },
    { columns: 3, rows: 4, large: 3 },
  ],
  '9': [
    { columns: 3, rows: 3, large: 1 },
    { columns: 4, rows: 3, large: 2 },
    { columns: 3, rows: 4, large: 2 },
  ],
  '16': [{ columns: 4, rows: 4, large: 1 }],
};

/** How many tiles a layout has. */
export function tileCount(layout: Layout): number {
  return layout.kind === 'free' ? layout.places.length : TILES[layout.kind];
}

/**
 * The boxes of a layout's tiles on a wall of this size. Tiles have the shape of pictures, and of the patterns of a layout the one is taken that
 * shows the most of them: on a wide wall four cameras are a large one and three beside it.
 */
export function boxesOf(layout: Layout, wall: Size): Box[] {
  if (layout.kind === 'free') return layout.places.map((place) => freeBox(place, wall));
  const fitted = PATTERNS[layout.kind].map((pattern) => fit(pattern, wall));
  const area = (boxes: readonly Box[]) => boxes.reduce((sum, { w, h }) => sum + w * h, 0);
  // Equal tiles are the plain choice: another pattern must be worth it.
  return fitted.reduce((best, each) => (area(each) > area(best) * 1.08 ? each : best));
}

/** The boxes on a phone: the first large, the others in two columns below (a single one as large as it); the wall is as high as they need. */
export function phoneBoxes(count: number, width: number): Box[] {
  const large = width / PICTURE;
  const w = (width - BETWEEN) / 2;
  const h = w / PICTURE;
  return Array.from({ length: count }, (_, index) => {
    if (index === 0 || count === 2) return { x: 0, y: index * (large + BETWEEN), w: width, h: large };
    const row = Math.floor((index - 1) / 2);
    return { x: ((index - 1) % 2) * (w + BETWEEN), y: large + BETWEEN + row * (h + BETWEEN), w, h };
  });
}

function fit({ columns, rows, large }: Pattern, wall: Size): Box[] {
  const cellW = Math.max(1, (wall.w - BETWEEN * (columns - 1)) / columns);
  const cellH = Math.max(1, (wall.h - BETWEEN * (rows - 1)) / rows);
  const w = Math.min(cellW, cellH * PICTURE);
  const h = w / PICTURE;
  const left = (wall.w - columns * w - BETWEEN * (columns - 1)) / 2;
  const top = (wall.h - rows * h - BETWEEN * (rows - 1)) / 2;
  const box = (column: number, row: number, span: number): Box => ({
    x: left + column * (w + BETWEEN),
    y: top + row * (h + BETWEEN),
    w: w * span + BETWEEN * (span - 1),
    h: h * span + BETWEEN * (span - 1),
  });
  const boxes = [box(0, 0, large)];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      if (row >= large || column >= large) boxes.push(box(column, row, 1));
  return boxes;
}

function freeBox({ x, y, w, h }: Place, wall: Size): Box {
  const column = (wall.w + BETWEEN) / FREE_GRID;
  const row = (wall.h + BETWEEN) / FREE_GRID;
  return { x: x * column, y: y * row, w: Math.max(1, w * column - BETWEEN), h: Math.max(1, h * row - BETWEEN) };
}

/** A place with whole cells, inside the grid, at least 2 by 2. */
export function clampPlace({ x, y, w, h }: Place): Place {
  const wide = Math.round(Math.max(2, Math.min(FREE_GRID, w)));
  const high = Math.round(Math.max(2, Math.min(FREE_GRID, h)));
  return {
    x: Math.round(Math.max(0, Math.min(FREE_GRID - wide, x))),
    y: Math.round(Math.max(0, Math.min(FREE_GRID - high, y))),
    w: wide,
    h: high,
  };
}

/** Pixels of a drag as cells of the free grid. */
export function cellsOf(pixels: Size, wall: Size): Size {
  return { w: pixels.w / ((wall.w + BETWEEN) / FREE_GRID), h: pixels.h / ((wall.h + BETWEEN) / FREE_GRID) };
}

/** Room for one more tile of the free layout: the first 4 by 4, 3 by 3 or 2 by 2 that is empty; the corner where none is. */
export function freePlace(places: readonly Place[]): Place {
  const taken = (place: Place) =>
    places.some(
      (each) =>
        place.x < each.x + each.w &&
        each.x < place.x + place.w &&
        place.y < each.y + each.h &&
        each.y < place.y + place.h,
    );
  for (const side of [4, 3, 2]) {
    for (let y = 0; y + side <= FREE_GRID; y++)
      for (let x = 0; x + side <= FREE_GRID; x++)
        if (!taken({ x, y, w: side, h: side })) return { x, y, w: side, h: side };
  }
  return { x: FREE_GRID - 4, y: FREE_GRID - 4, w: 4, h: 4 };
}

/** A layout of another kind with the same cameras in the same order; nothing that has a camera is lost while there is room. */
export function changeKind(layout: Layout, kind: LayoutKind, wall: Size): Layout {
  if (kind === layout.kind) return layout;
  if (kind !== 'free') {
    const filled = layout.tiles.filter((each) => each !== null);
    const count = TILES[kind];
    const kept = layout.tiles.slice(0, count);
    const tiles = kept.filter((each) => each !== null).length === filled.length ? kept : filled.slice(0, count);
    return { kind, tiles: padded(tiles, count), places: [] };
  }
  // Begins as it looks now, on whole cells.
  const boxes = boxesOf(layout, wall);
  const count = Math.max(1, layout.tiles.findLastIndex((each) => each !== null) + 1);
  const cell = cellsOf({ w: 1, h: 1 }, wall);
  const places = boxes
    .slice(0, count)
    .map(({ x, y, w, h }) => clampPlace({ x: x * cell.w, y: y * cell.h, w: w * cell.w, h: h * cell.h }));
  return { kind, tiles: padded(layout.tiles.slice(0, count), count), places };
}

export function padded(tiles: readonly (string | null)[], count: number): (string | null)[] {
  return Array.from({ length: count }, (_, index) => tiles[index] ?? null);
}

/** Swaps what two tiles show; in the free layout they keep their places. */
export function swapTiles(layout: Layout, from: number, to: number): Layout {
  const tiles = padded(layout.tiles, tileCount(layout));
  [tiles[from], tiles[to]] = [tiles[to] ?? null, tiles[from] ?? null];
  return { ...layout, tiles };
}

/** Puts a camera into a tile (null: empties it); where it stood before is emptied. */
export function putCamera(layout: Layout, tile: number, camera: string | null): Layout {
  const tiles = padded(layout.tiles, tileCount(layout)).map((each) =>
    camera !== null && each === camera ? null : each,
  );
  tiles[tile] = camera;
  return { ...layout, tiles };
}
