/** What of a keyboard event counts. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/**
 * True where a press is the chord: modifiers (`Shift`, `Ctrl`, `Alt`) joined with `+` in front of the key as the browser names it. `Ctrl` is
 * Command on a Mac. Letters are the same in both cases; for signs made with Shift (`?`) no Shift is asked.
 */
export function matches(chord: string, press: KeyPress): boolean {
  const parts = chord === '+' ? ['+'] : chord.split(/\+(?=.)/);
  const key = parts.at(-1)!;
  const wants = (name: string) => parts.slice(0, -1).includes(name);
  const wanted = key === 'Space' ? ' ' : key;
  const same = wanted.length === 1 ? press.key.toLowerCase() === wanted.toLowerCase() : press.key === wanted;
  // Whether a sign needs Shift depends on the keyboard.
  const sign = wanted.length === 1 && !/[a-z ]/i.test(wanted);
  return (
    same &&
    wants('Ctrl') === (press.ctrlKey || press.metaKey) &&
    wants('Alt') === press.altKey &&
    (sign || wants('Shift') === press.shiftKey)
  );
}

/** The keys of a chord as they are printed on a keyboard: `Shift+ArrowLeft` is `Shift`, `←`. */
export function keyNames(chord: string): string[] {
  const printed: Record<string, string> = {
    ArrowLeft: '←',
    ArrowRight: '→',
    ArrowUp: '↑',
    ArrowDown: '↓',
    Escape: 'Esc',
    PageUp: 'PgUp',
    PageDown: 'PgDn',
  };
  const parts = chord === '+' ? ['+'] : chord.split(/\+(?=.)/);
  return parts.map((part) => printed[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
