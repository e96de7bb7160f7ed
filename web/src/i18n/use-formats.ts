import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { settings } from '../model/settings.ts';
import { createFormats, type Formats, type Language } from './formats.ts';

/** Numbers and times in the chosen language and zone. */
export function useFormats(): Formats {
  const { i18n } = useTranslation('shell');
  const zone = useStore(settings.timeZone);
  const language = i18n.language as Language;
  return useMemo(
    () => createFormats(language, zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone),
    [language, zone],
  );
}
