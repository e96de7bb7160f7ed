import { type RefObject, useEffect, useRef } from 'react';
import type { Model } from '../model/model.ts';
import type { PlayheadState } from '../model/playhead.ts';
import type { LaneLayout } from './lane-layout.ts';
import { Scale } from './time-view.ts';

/** Pixels of the wheel that double or halve the time shown. */
const WHEEL_PX = 240;
/** Let go this near to the present, it is live; px. */
const LIVE_PX = 6;
/** Inertia: speed left after a ms, and below which it rests (px/ms). */
const GLIDE = 0.994;
const REST = 0.02;
/** A press that moves less is a tap; px. */
const TAP_PX = 4;
/** A finger may be the first of two: the cursor comes to it when it moves, is lifted, or has lain so long; ms. */
const LAIN_MS = 120;

interface Wish {
  model: Model;
  layout: LaneLayout;
  setPointed(pointed: { x: number; y: number } | null): void;
}

/**
 * Pointers and the wheel on the timeline: a drag on the lanes moves the cursor, a drag on the scale moves time (and glides on), two fingers or the
 * wheel zoom about themselves, Shift and a drag mark a stretch. What is returned is true while a gesture goes on.
 */
export function useTimelineGestures(field: RefObject<HTMLDivElement | null>, wish: Wish): RefObject<boolean> {
  const busy = useRef(false);
  const latest = useRef(wish);
  latest.current = wish;
  useEffect(() => {
    const element = field.current!;
    const { playhead, timeView, selection } = latest.current.model;
    const still = matchMedia('(prefers-reduced-motion: reduce)');
    const pointers = new Map<number, { x: number; y: number }>();
    let mode: 'scrub' | 'pan' | 'mark' | 'pinch' | null = null;
    let start = { x: 0, at: 0 };
    let last = { x: 0, time: 0, speed: 0 };
    let pinch = { distance: 1, middle: 0 };
    let gliding = 0;
    let wished: number | null = null;
    let frame = 0;
    let lying: ReturnType<typeof setTimeout> | undefined;
    /** Where the cursor was before a finger that has not moved yet. */
    let aside: { at: number; state: PlayheadState } | null = null;

    const place = ({ clientX, clientY }: { clientX: number; clientY: number }) => {
      const box = element.getBoundingClientRect();
      return { x: clientX - box.left, y: clientY - box.top };
    };
    const scale = () => new Scale(timeView.seen.get(), Math.max(1, element.clientWidth));
    const stopGlide = () => {
      cancelAnimationFrame(gliding);
      gliding = 0;
    };
    const stopLying = () => {
      clearTimeout(lying);
      lying = undefined;
    };
    // The cursor follows once a picture of the screen, however many moves there are.
    const scrub = (at: number) => {
      stopLying();
      wished = at;
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        if (wished !== null && mode === 'scrub') playhead.seek(wished, { scrubbing: true });
      });
    };
    const settle = () => {
      stopLying();
      cancelAnimationFrame(frame);
      frame = 0;
      if (wished === null) return;
      const at = wished;
      wished = null;
      if (Date.now() - at < LIVE_PX * scale().msPerPixel || at >= Date.now()) playhead.goLive();
      else playhead.seek(at);
    };
    const glide = (speed: number) => {
      if (still.matches || Math.abs(speed) < REST) return;
      let [at, left] = [performance.now(), speed];
      const move = (now: number) => {
        const ms = Math.min(now - at, 50);
        at = now;
        left *= GLIDE ** ms;
        timeView.pan(-left * ms * scale().msPerPixel);
        gliding = Math.abs(left) > REST ? requestAnimationFrame(move) : 0;
      };
      gliding = requestAnimationFrame(move);
    };
    // The first finger of a pinch leaves the cursor where it was.
    const putBack = ({ at, state }: NonNullable<typeof aside>) => {
      wished = null;
      settle();
      const now = playhead.state.get();
      if (now.kind !== 'past' || !now.scrubbing) return;
      if (state.kind === 'live') playhead.goLive();
      else playhead.seek(at);
    };
    const beginPinch = () => {
      if (mode === 'scrub') {
        if (aside) putBack(aside);
        else settle();
      }
      mode = 'pinch';
      pinch = spread([...pointers.values()]);
    };

    const onDown = (event: PointerEvent) => {
      if (event.button !== 0) return;
      stopGlide();
      const at = place(event);
      pointers.set(event.pointerId, at);
      element.setPointerCapture(event.pointerId);
      busy.current = true;
      if (pointers.size === 2) return beginPinch();
      if (pointers.size > 2) return;
      start = { x: at.x, at: scale().at(at.x) };
      last = { x: at.x, time: event.timeStamp, speed: 0 };
      if (event.shiftKey) {
        mode = 'mark';
        selection.set(null);
      } else if (at.y < latest.current.layout.scale) mode = 'pan';
      else {
        mode = 'scrub';
        latest.current.setPointed(null);
        wished = start.at;
        aside = event.pointerType === 'touch' ? { at: playhead.now(), state: playhead.state.get() } : null;
        if (event.pointerType === 'touch') lying = setTimeout(() => scrub(start.at), LAIN_MS);
        else scrub(start.at);
      }
    };
    const onMove = (event: PointerEvent) => {
      const at = place(event);
      if (!pointers.has(event.pointerId)) {
        if (event.pointerType !== 'touch') latest.current.setPointed(at);
        return;
      }
      pointers.set(event.pointerId, at);
      if (mode === 'pinch' && pointers.size >= 2) {
        const now = spread([...pointers.values()]);
        timeView.zoom(pinch.distance / now.distance, scale().at(now.middle));
        timeView.pan(-(now.middle - pinch.middle) * scale().msPerPixel);
        pinch = now;
      } else if (mode === 'scrub') {
        if (aside && Math.abs(at.x - start.x) < TAP_PX) return;
        aside = null;
        scrub(scale().at(at.x));
      } else if (mode === 'pan') {
        const ms = Math.max(1, event.timeStamp - last.time);
        last = { x: at.x, time: event.timeStamp, speed: last.speed * 0.6 + ((at.x - last.x) / ms) * 0.4 };
        timeView.pan(start.at - scale().at(at.x));
      } else if (mode === 'mark') {
        const to = scale().at(at.x);
        if (Math.abs(at.x - start.x) < TAP_PX) return;
        const [from, until] = [Math.min(start.at, to), Math.min(Math.max(start.at, to), Date.now())];
        selection.set(from < until ? { from: Math.round(from), to: Math.round(until) } : null);
      }
    };
    const onUp = (event: PointerEvent) => {
      if (!pointers.delete(event.pointerId)) return;
      if (pointers.size > 0) return;
      const ended = mode;
      mode = null;
      busy.current = false;
      if (ended === 'scrub') settle();
      if (ended === 'pan') {
        const at = place(event);
        // A tap on the scale goes there; a drag glides on.
        if (Math.abs(at.x - start.x) < TAP_PX && event.type === 'pointerup') {
          wished = start.at;
          settle();
        } else if (event.timeStamp - last.time < 60) glide(last.speed);
      }
      if (event.pointerType === 'touch' && ended === 'scrub') {
        // A finger has no hover: what it let go of is told for a while.
        latest.current.setPointed(place(event));
        setTimeout(() => !busy.current && latest.current.setPointed(null), 2_500);
      }
    };
    const onLeave = () => {
      if (!busy.current) latest.current.setPointed(null);
    };
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      stopGlide();
      const line = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 200 : 1;
      const [dx, dy] = [event.deltaX * line, event.deltaY * line];
      const { x } = place(event);
      if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) timeView.pan((dx || dy) * scale().msPerPixel);
      else timeView.zoom(2 ** (Math.min(Math.max(dy, -400), 400) / WHEEL_PX), scale().at(x));
    };
    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onUp);
    element.addEventListener('pointercancel', onUp);
    element.addEventListener('pointerleave', onLeave);
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      stopGlide();
      stopLying();
      cancelAnimationFrame(frame);
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onUp);
      element.removeEventListener('pointercancel', onUp);
      element.removeEventListener('pointerleave', onLeave);
      element.removeEventListener('wheel', onWheel);
    };
  }, [field]);
  return busy;
}

function spread(points: readonly { x: number; y: number }[]): { distance: number; middle: number } {
  const [a, b] = [points[0]!, points[1]!];
  return { distance: Math.max(20, Math.abs(a.x - b.x)), middle: (a.x + b.x) / 2 };
}
