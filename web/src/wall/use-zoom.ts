import { type PointerEvent, type RefObject, useEffect, useRef, useState } from 'react';
import { NO_ZOOM, panBy, type Zoom, zoomAt } from './zoom.ts';

/** Enlarged so much by a double click. */
const DOUBLE = 2.5;
/** Two taps within this time and distance are a double tap. */
const DOUBLE_MS = 320;
const DOUBLE_PIXELS = 30;

/** What lies on a tile and is no picture. */
export const NOT_PICTURE = 'button, input, select, .wall-ptz, .ui-popover, dialog';

interface Touch {
  x: number;
  y: number;
}

/** Digital zoom of a tile: wheel, pinch, double click, drag while magnified. `reset` tells whether anything was magnified. */
export function useZoom(ref: RefObject<HTMLElement | null>, tile: { w: number; h: number }) {
  const [zoom, setZoom] = useState<Zoom>(NO_ZOOM);
  const size = useRef(tile);
  size.current = tile;
  const latest = useRef(zoom);
  latest.current = zoom;
  const touches = useRef(new Map<number, Touch>());
  const tapped = useRef<(Touch & { at: number }) | null>(null);
  const moved = useRef(0);

  const pointOf = (event: { clientX: number; clientY: number }): Touch => {
    const box = ref.current!.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  // A tile of another size shows the same part.
  const shape = `${Math.round(tile.w)} ${Math.round(tile.h)}`;
  const shaped = useRef({ shape, ...tile });
  useEffect(() => {
    const { w, h } = shaped.current;
    const { w: wide, h: high } = size.current;
    shaped.current = { shape, w: wide, h: high };
    if (w > 0 && h > 0)
      setZoom((each) =>
        each.scale === 1
          ? each
          : panBy({ ...each, x: (each.x * wide) / w, y: (each.y * high) / h }, 0, 0, size.current),
      );
  }, [shape]);

  useEffect(() => {
    const element = ref.current!;
    const onWheel = (event: WheelEvent) => {
      const shrinks = event.deltaY > 0;
      if ((shrinks && latest.current.scale === 1) || (event.target as Element).closest(NOT_PICTURE)) return;
      event.preventDefault();
      // A touchpad's pinch comes as a wheel with Ctrl, in small steps.
      const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : event.deltaMode === 1 ? 0.05 : 0.002));
      const box = element.getBoundingClientRect();
      const point = { x: event.clientX - box.left, y: event.clientY - box.top };
      setZoom((each) => zoomAt(each, factor, point, size.current));
    };
    // React's own wheel listeners may not hold back scrolling.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [ref]);

  const isControl = (event: PointerEvent) => (event.target as Element).closest(NOT_PICTURE) !== null;
  const double = (point: Touch) =>
    setZoom((each) => (each.scale > 1 ? NO_ZOOM : zoomAt(each, DOUBLE, point, size.current)));

  const handlers = {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (isControl(event) || event.button !== 0) return;
      const point = pointOf(event);
      touches.current.set(event.pointerId, point);
      if (touches.current.size === 1) moved.current = 0;
      if (zoom.scale > 1 || touches.current.size > 1) event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const before = touches.current.get(event.pointerId);
      if (!before) return;
      const point = pointOf(event);
      const others = [...touches.current].filter(([id]) => id !== event.pointerId);
      touches.current.set(event.pointerId, point);
      moved.current += Math.abs(point.x - before.x) + Math.abs(point.y - before.y);
      const other = others[0]?.[1];
      if (other) {
        const apart = (each: Touch) => Math.max(1, Math.hypot(each.x - other.x, each.y - other.y));
        const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
        setZoom((each) => zoomAt(each, apart(point) / apart(before), middle, size.current));
      } else if (latest.current.scale > 1)
        setZoom((each) => panBy(each, point.x - before.x, point.y - before.y, size.current));
    },
    onPointerUp(event: PointerEvent<HTMLElement>) {
      if (!touches.current.delete(event.pointerId) || touches.current.size > 0) return;
      const point = pointOf(event);
      if (moved.current > 8) return;
      const last = tapped.current;
      const near = last && Math.hypot(last.x - point.x, last.y - point.y) < DOUBLE_PIXELS;
      if (near && event.timeStamp - last.at < DOUBLE_MS) {
        tapped.current = null;
        double(point);
      } else tapped.current = { ...point, at: event.timeStamp };
    },
    onPointerCancel(event: PointerEvent<HTMLElement>) {
      touches.current.delete(event.pointerId);
    },
  };
  const reset = () => {
    const was = latest.current.scale > 1;
    setZoom(NO_ZOOM);
    return was;
  };
  return { zoom, handlers, reset };
}
