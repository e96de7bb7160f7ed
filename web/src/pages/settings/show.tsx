import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../engine/store.ts';
import { LANGUAGES, type Language } from '../../i18n/formats.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { useModel } from '../../model/model.ts';
import { Choice, SelectField } from '../../ui/field.tsx';
import { useNow } from '../../ui/time.tsx';

const AUTO = 'auto';
/** Each in itself, so that everybody finds theirs. */
const NAMES: Readonly<Record<Language, string>> = { en: 'English', es: 'Español' };

/** Language, light or dark, and the zone of times. */
export function ShowSection() {
  const { t } = useTranslation('settings');
  const { settings } = useModel();
  const language = useStore(settings.language);
  const theme = useStore(settings.theme);
  const zone = useStore(settings.timeZone);
  const formats = useFormats();
  const now = useNow();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = useMemo(() => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((each) => each !== 'UTC')], []);
  return (
    <section className="ui-section" aria-labelledby="settings-show">
      <h2 id="settings-show">{t('show.title')}</h2>
      <div className="settings-row">
        <span id="settings-language">{t('show.language')}</span>
        <Choice<Language | typeof AUTO>
          label={t('show.language')}
          value={language ?? AUTO}
          onChange={(value) => settings.language.set(value === AUTO ? null : value)}
          options={[{ key: AUTO, label: t('show.auto') }, ...LANGUAGES.map((key) => ({ key, label: NAMES[key] }))]}
        />
      </div>
      <div className="settings-row">
        <span>{t('show.theme')}</span>
        <Choice
          label={t('show.theme')}
          value={theme}
          onChange={(value) => settings.theme.set(value)}
          options={[
            { key: 'auto', label: t('show.auto') },
            { key: 'light', label: t('show.light') },
            { key: 'dark', label: t('show.dark') },
          ]}
        />
      </div>
      <div className="settings-zone">
        <SelectField
          label={t('show.zone')}
          hint={`${t('show.zoneNow')} ${formats.exact(now)}`}
          value={zone ?? AUTO}
          onChange={(value) => settings.timeZone.set(value === AUTO ? null : value)}
          options={[
            { key: AUTO, label: t('show.zoneOwn', { zone: own }) },
            ...zones.map((key) => ({ key, label: key.replaceAll('_', ' ') })),
          ]}
        />
      </div>
    </section>
  );
}
