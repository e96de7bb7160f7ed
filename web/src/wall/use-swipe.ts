import { type PointerEvent, useRef } from 'react';
import { NOT_PICTURE } from './use-zoom.ts';

const FAR_PIXELS = 60;
const QUICK_MS = 600;

/** A quick sideways stroke of a finger over a large picture: on to the next camera, or back. */
export function useSwipe(step: (by: 1 | -1) => void, enabled: boolean) {
  const began = useRef<{ id: number; x: number; y: number; at: number } | null>(null);
  return {
    onPointerDownCapture(event: PointerEvent<HTMLElement>) {
      const target = event.target as Element;
      const tile = target.closest('.wall-tile');
      const fits =
        enabled && event.pointerType === 'touch' && event.isPrimary && tile && !tile.hasAttribute('data-zoomed');
      began.current =
        fits && !target.closest(NOT_PICTURE)
          ? { id: event.pointerId, x: event.clientX, y: event.clientY, at: event.timeStamp }
          : null;
    },
    onPointerUpCapture(event: PointerEvent<HTMLElement>) {
      const from = began.current;
      began.current = null;
      if (!from || from.id !== event.pointerId || event.timeStamp - from.at > QUICK_MS) return;
      const dx = event.clientX - from.x;
      if (Math.abs(dx) < FAR_PIXELS || Math.abs(event.clientY - from.y) > Math.abs(dx) / 2) return;
      step(dx < 0 ? 1 : -1);
    },
  };
}
