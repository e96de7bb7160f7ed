/** A magnified picture: `scale` times as large, moved by so many pixels of the tile. */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export const NO_ZOOM: Zoom = { scale: 1, x: 0, y: 0 };
export const ZOOM_MAX = 8;

interface Size {
  w: number;
  h: number;
}

/** Magnified by `factor` around a point of the tile that stays where it is. */
export function zoomAt(zoom: Zoom, factor: number, point: { x: number; y: number }, tile: Size): Zoom {
  const scale = Math.max(1, Math.min(ZOOM_MAX, zoom.scale * factor));
  const grown = scale / zoom.scale;
  return held({ scale, x: point.x - (point.x - zoom.x) * grown, y: point.y - (point.y - zoom.y) * grown }, tile);
}

export function panBy(zoom: Zoom, dx: number, dy: number, tile: Size): Zoom {
  return held({ ...zoom, x: zoom.x + dx, y: zoom.y + dy }, tile);
}

/** The tile is always filled: nothing beside the picture is shown. */
function held({ scale, x, y }: Zoom, { w, h }: Size): Zoom {
  if (scale <= 1.001) return NO_ZOOM;
  return {
    scale,
    x: Math.max(w * (1 - scale), Math.min(0, x)),
    y: Math.max(h * (1 - scale), Math.min(0, y)),
  };
}
