import { useEffect, useRef, useState } from 'react';
import type { TileScreen } from '../player/tile-screen.ts';

/** A figure of the player, looked up twice a second while it is wanted. */
export function useFigure<T>(
  screen: TileScreen | null,
  wanted: boolean,
  pick: (stats: NonNullable<ReturnType<TileScreen['stats']>>) => T,
): T | null {
  const [value, setValue] = useState<T | null>(null);
  const latest = useRef(pick);
  latest.current = pick;
  useEffect(() => {
    if (!screen || !wanted) return;
    const look = () => {
      const stats = screen.stats();
      setValue(stats && latest.current(stats));
    };
    look();
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [screen, wanted]);
  return value;
}

type Shown = { [K in 'shows' | 'state' | 'pictured']: ReturnType<TileScreen[K]['get']> };

/** A store of the screen's, followed from when there is one. */
export function useScreen<K extends keyof Shown>(screen: TileScreen | null, what: K): Shown[K] | null {
  const [value, setValue] = useState<Shown[K] | null>(null);
  useEffect(() => {
    if (!screen) return;
    const store = screen[what];
    const read = () => setValue(store.get() as Shown[K]);
    read();
    return store.subscribe(read);
  }, [screen, what]);
  return value;
}
