import { useEffect } from 'react';
import { listenForHotkeys } from './hotkeys.ts';

/** Listens for keys as long as the app is there. */
export function useListenForHotkeys(): void {
  useEffect(() => listenForHotkeys(), []);
}
