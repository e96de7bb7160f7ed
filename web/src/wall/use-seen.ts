import { type RefObject, useEffect, useState } from 'react';

/** True while an element is on the screen and the page is looked at. */
export function useSeen(ref: RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  const [looked, setLooked] = useState(() => !document.hidden);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new IntersectionObserver((entries) => setNear(entries.at(-1)!.isIntersecting));
    observer.observe(element);
    const onVisibility = () => setLooked(!document.hidden);
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [ref]);
  return near && looked;
}

/** Width and height of an element's inside, in CSS pixels; 0 before it is laid out. */
export function useSize(ref: RefObject<HTMLElement | null>): { w: number; h: number } {
  const [size, setSize] = useState({ w: 0, h: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const style = getComputedStyle(element);
      const inside = (all: number, ...paddings: string[]) =>
        all - paddings.reduce((sum, each) => sum + Number.parseFloat(each), 0);
      const w = inside(element.clientWidth, style.paddingLeft, style.paddingRight);
      const h = inside(element.clientHeight, style.paddingTop, style.paddingBottom);
      setSize((before) => (before.w === w && before.h === h ? before : { w, h }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
