import { useEffect, useRef } from 'react';

/** Calls `letGo` when a hand can have let go without telling: the window lost the focus, or the page is not seen any more. */
export function useLetGo(letGo: () => void): void {
  const latest = useRef(letGo);
  latest.current = letGo;
  useEffect(() => {
    const run = () => latest.current();
    const hidden = () => {
      if (document.hidden) run();
    };
    window.addEventListener('blur', run);
    window.addEventListener('pagehide', run);
    document.addEventListener('visibilitychange', hidden);
    return () => {
      window.removeEventListener('blur', run);
      window.removeEventListener('pagehide', run);
      document.removeEventListener('visibilitychange', hidden);
    };
  }, []);
}
