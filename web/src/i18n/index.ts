import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Language } from './formats.ts';

/** One file for each language and area; each is a chunk of its own, loaded when the area is first shown. */
const TEXTS = import.meta.glob<Record<string, unknown>>('./{en,es}/*.json', { import: 'default' });
/** Needed for the first picture on the screen. */
const FIRST = ['shell', 'words'];

/** Loads the texts of a language (those of these areas at once, others when they are shown) and makes `useTranslation` work. */
export async function startI18n(language: Language, areas: readonly string[]): Promise<void> {
  const texts = {
    type: 'backend' as const,
    init() {},
    read(lng: string, area: string, done: (error: Error | null, texts: Record<string, unknown> | null) => void) {
      const load = TEXTS[`./${lng}/${area}.json`];
      if (!load) return done(new Error(`no texts of ${area} in ${lng}`), null);
      load().then(
        (found) => done(null, found),
        (error) => done(error as Error, null),
      );
    },
  };
  await i18next
    .use(texts)
    .use(initReactI18next)
    .init({
      lng: language,
      ns: [...FIRST, ...areas],
      defaultNS: 'shell',
      // Both languages have every key: a test holds them together.
      fallbackLng: false,
      returnEmptyString: false,
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    });
  document.documentElement.lang = language;
}

/** Changes the language of everything that is shown. */
export async function changeLanguage(language: Language): Promise<void> {
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
