import { useEffect, useRef } from 'react';
import { Store } from '../engine/store.ts';
import { type KeyPress, matches } from './key-chord.ts';

/** A key and what it does. */
export interface Hotkey {
  /** Such as `l`, `Shift+ArrowLeft`, `?`, `1`; several with a space between: `ArrowLeft ,`. */
  keys: string;
  /** What it does, in words, for the page of keys. */
  says: string;
  run(event: KeyboardEvent): void;
  /** Also while the key is held down. */
  repeat?: boolean;
}

export interface HotkeyGroup {
  title: string;
  hotkeys: readonly Hotkey[];
}

/** Every group of keys that works now, the newest last. */
export const hotkeyGroups = new Store<readonly HotkeyGroup[]>([]);

/**
 * Binds keys while the component is mounted and `active`. They do nothing while somebody writes or a dialog is open; the newest binding of a key
 * wins. `?` lists them all.
 */
export function useHotkeys(title: string, hotkeys: readonly Hotkey[], active = true): void {
  const latest = useRef(hotkeys);
  latest.current = hotkeys;
  const shape = hotkeys.map(({ keys, says, repeat }) => `${keys}\n${says}\n${repeat ?? false}`).join('\0');
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the keys do is read at the moment of the key
  useEffect(() => {
    if (!active) return;
    const group: HotkeyGroup = {
      title,
      hotkeys: latest.current.map((each, index) => ({ ...each, run: (event) => latest.current[index]?.run(event) })),
    };
    hotkeyGroups.update((all) => [...all, group]);
    return () => hotkeyGroups.update((all) => all.filter((each) => each !== group));
  }, [title, shape, active]);
}

/** Listens for keys; once in the app. Returns how to end it. */
export function listenForHotkeys(target: Document = document): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || isTaken(event)) return;
    for (const { hotkeys } of hotkeyGroups.get().toReversed()) {
      const found = hotkeys.find(({ keys }) => keys.split(' ').some((chord) => matches(chord, event as KeyPress)));
      if (!found) continue;
      event.preventDefault();
      if (!event.repeat || found.repeat) found.run(event);
      return;
    }
  };
  target.addEventListener('keydown', onKey);
  return () => target.removeEventListener('keydown', onKey);
}

/** Somebody writes, or the key already means something where the focus is. */
function isTaken(event: KeyboardEvent): boolean {
  const at = event.target;
  if (!(at instanceof Element)) return false;
  if (document.querySelector('dialog[open]:modal')) return true;
  if (at.matches('input:not([type=checkbox], [type=radio], [type=button]), textarea, select')) return true;
  const presses = event.key === ' ' || event.key === 'Enter';
  if (presses && at.closest('button, a[href], input, summary, [role=button]')) return true;
  return (
    event.key.startsWith('Arrow') && at.closest('[role=tablist], [role=radiogroup], [role=menu], [role=grid]') !== null
  );
}
