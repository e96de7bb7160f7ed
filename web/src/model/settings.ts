import { Store } from '../engine/store.ts';
import type { Language } from '../i18n/formats.ts';
import type { ThemeChoice } from '../ui/theme.ts';

const KEY = 'constitute-nvr.settings';

/** What this browser was told to show things like. Kept in it. */
export class Settings {
  /** Null: the browser's. */
  readonly language: Store<Language | null>;
  readonly theme: Store<ThemeChoice>;
  /** IANA zone times are shown in; null: the browser's. */
  readonly timeZone: Store<string | null>;
  /** Notices that were read and put away, by name. */
  readonly read: Store<readonly string[]>;

  constructor(storage: Pick<globalThis.Storage, 'getItem' | 'setItem'> | null) {
    const kept = parse(storage?.getItem(KEY) ?? null);
    this.language = new Store(kept.language);
    this.theme = new Store(kept.theme);
    this.timeZone = new Store(kept.timeZone);
    this.read = new Store(kept.read);
    const keep = () => {
      const { language, theme, timeZone, read } = this;
      const now: Kept = { language: language.get(), theme: theme.get(), timeZone: timeZone.get(), read: read.get() };
      storage?.setItem(KEY, JSON.stringify(now));
    };
    for (const store of [this.language, this.theme, this.timeZone, this.read]) store.subscribe(keep);
  }
}

interface Kept {
  language: Language | null;
  theme: ThemeChoice;
  timeZone: string | null;
  read: readonly string[];
}

function parse(text: string | null): Kept {
  let kept: Record<string, unknown> = {};
  try {
    kept = (JSON.parse(text ?? '{}') ?? {}) as typeof kept;
  } catch {
    // Somebody else's, or half written: as if nothing had been chosen.
  }
  const { language, theme, timeZone, read } = kept;
  return {
    language: language === 'en' || language === 'es' ? language : null,
    theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
    timeZone: typeof timeZone === 'string' ? timeZone : null,
    read: Array.isArray(read) ? read.filter((each) => typeof each === 'string') : [],
  };
}

/** The settings of this page. */
export const settings = new Settings((globalThis as { localStorage?: globalThis.Storage }).localStorage ?? null);
