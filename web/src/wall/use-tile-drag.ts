import { type PointerEvent, useEffect, useRef, useState } from 'react';
import type { Layout, Place } from '../model/wall.ts';
import { type Box, cellsOf, clampPlace, type Size, swapTiles } from './geometry.ts';
import { NOT_PICTURE } from './use-zoom.ts';

export interface TileDragOptions {
  layout: Layout;
  boxes: readonly Box[];
  wall: Size;
  enabled: boolean;
  onChange(layout: Layout): void;
}

interface Drag {
  pointer: number;
  tile: number;
  kind: 'move' | 'resize';
  startX: number;
  startY: number;
  dx: number;
  dy: number;
  /** Moved far enough to be a drag and no click. */
  begun: boolean;
}

const BEGIN_PIXELS = 8;

/** Dragging tiles: onto another to swap with it; in the free layout to another place, or to another size by the corner. */
export function useTileDrag({ layout, boxes, wall, enabled, onChange }: TileDragOptions) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const latest = useRef({ drag, layout, boxes, wall, onChange });
  latest.current = { drag, layout, boxes, wall, onChange };
  const active = drag !== null;

  useEffect(() => {
    if (!active) return;
    const set = (next: Drag | null) => {
      latest.current.drag = next;
      setDrag(next);
    };
    const onMove = (event: globalThis.PointerEvent) => {
      const now = latest.current.drag;
      if (!now || event.pointerId !== now.pointer) return;
      const dx = event.clientX - now.startX;
      const dy = event.clientY - now.startY;
      set({ ...now, dx, dy, begun: now.begun || Math.hypot(dx, dy) > BEGIN_PIXELS });
    };
    const onUp = (event: globalThis.PointerEvent) => {
      const { drag: now, layout, boxes, wall, onChange } = latest.current;
      if (!now || event.pointerId !== now.pointer) return;
      set(null);
      if (!now.begun || event.type === 'pointercancel') return;
      if (layout.kind === 'free') onChange(placed(layout, now, wall));
      else {
        const to = targetOf(now, boxes);
        if (to !== null) onChange(swapTiles(layout, now.tile, to));
      }
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      set(null);
    };
    addEventListener('pointermove', onMove);
    addEventListener('pointerup', onUp);
    addEventListener('pointercancel', onUp);
    addEventListener('keydown', onKey, true);
    return () => {
      removeEventListener('pointermove', onMove);
      removeEventListener('pointerup', onUp);
      removeEventListener('pointercancel', onUp);
      removeEventListener('keydown', onKey, true);
    };
  }, [active]);

  const begun = drag?.begun ? drag : null;
  return {
    dragging: begun !== null,
    /** The tile that is moved, and the one it would be swapped with. */
    from: begun?.tile ?? null,
    to: begun && layout.kind !== 'free' ? targetOf(begun, boxes) : null,
    begin(event: PointerEvent<HTMLElement>, tile: number, kind: 'move' | 'resize') {
      // A finger on a picture scrolls or zooms it; handles are for any pointer.
      if (!enabled || event.button !== 0 || (event.pointerType === 'touch' && kind === 'move')) return;
      if ((event.target as Element).closest(NOT_PICTURE)) return;
      const { pointerId: pointer, clientX: startX, clientY: startY } = event;
      setDrag({ pointer, tile, kind, startX, startY, dx: 0, dy: 0, begun: false });
    },
    /** Where the moved tile is drawn; null for all others. */
    boxOf(tile: number): Box | null {
      const box = boxes[tile];
      if (!begun || begun.tile !== tile || !box) return null;
      const { dx, dy, kind } = begun;
      if (kind === 'resize') return { ...box, w: Math.max(80, box.w + dx), h: Math.max(60, box.h + dy) };
      return { ...box, x: box.x + dx, y: box.y + dy };
    },
  };
}

function targetOf({ tile, dx, dy }: Drag, boxes: readonly Box[]): number | null {
  const box = boxes[tile];
  if (!box) return null;
  const x = box.x + box.w / 2 + dx;
  const y = box.y + box.h / 2 + dy;
  const found = boxes.findIndex((each, index) => {
    return index !== tile && x >= each.x && x <= each.x + each.w && y >= each.y && y <= each.y + each.h;
  });
  return found < 0 ? null : found;
}

function placed(layout: Layout, { tile, kind, dx, dy }: Drag, wall: Size): Layout {
  const cells = cellsOf({ w: dx, h: dy }, wall);
  return movePlace(layout, tile, kind, cells.w, cells.h);
}

/** The free layout with one tile moved or resized by so many cells. */
export function movePlace(
  layout: Layout,
  tile: number,
  kind: 'move' | 'resize',
  columns: number,
  rows: number,
): Layout {
  const place = layout.places[tile];
  if (!place) return layout;
  const moved: Place =
    kind === 'move'
      ? { ...place, x: place.x + columns, y: place.y + rows }
      : { ...place, w: place.w + columns, h: place.h + rows };
  return { ...layout, places: layout.places.map((each, index) => (index === tile ? clampPlace(moved) : each)) };
}
