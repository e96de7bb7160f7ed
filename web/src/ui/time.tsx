import { useEffect, useState } from 'react';
import { useFormats } from '../i18n/use-formats.ts';

/** Epoch ms, renewed every `everyMs` while the page is seen. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export interface TimeProps {
  /** Epoch ms. */
  at: number;
  /** `both`: "14:22:07 4 h 12 m ago" (today) or "21 Nov, 14:22 3 d ago". */
  show?: 'both' | 'absolute' | 'relative';
}

/** A moment: the time with the relative one beside it, the zone on hover. */
export function Time({ at, show = 'both' }: TimeProps) {
  useNow(10_000);
  // What was told since the last tick is not yet to come.
  const now = Date.now();
  const formats = useFormats();
  return (
    <time className="ui-time" dateTime={new Date(at).toISOString()} title={formats.exact(at)}>
      {show !== 'relative' && formats.moment(at, now)}
      {show === 'relative' && formats.relative(at, now)}
      {show === 'both' && <small>{formats.relative(at, now)}</small>}
    </time>
  );
}
