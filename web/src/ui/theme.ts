import type { Store } from '../engine/store.ts';

/** `auto`: as the system has it. */
export type ThemeChoice = 'auto' | 'light' | 'dark';

/** Puts the chosen theme on the page and keeps it there; told again when the system or the choice changes. */
export function applyTheme(choice: Store<ThemeChoice>): void {
  const light = matchMedia('(prefers-color-scheme: light)');
  const put = () => {
    const chosen = choice.get();
    const theme = chosen === 'auto' ? (light.matches ? 'light' : 'dark') : chosen;
    document.documentElement.dataset['theme'] = theme;
    const color = getComputedStyle(document.documentElement).getPropertyValue('--bg').trim();
    document.querySelector('meta[name=theme-color]')?.setAttribute('content', color);
    document.dispatchEvent(new Event('themechange'));
  };
  put();
  choice.subscribe(put);
  light.addEventListener('change', put);
}
