import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../engine/store.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { installOffer } from '../../shell/install.ts';
import { Button } from '../../ui/button.tsx';

interface Kept {
  used: number | null;
  lasting: boolean | null;
}

/** The page as an app, and what it keeps in this browser. */
export function AppSection() {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const offer = useStore(installOffer);
  const [kept, setKept] = useState<Kept>({ used: null, lasting: null });
  const installed = matchMedia('(display-mode: standalone)').matches;

  useEffect(() => {
    let here = true;
    const storage = navigator.storage as StorageManager | undefined;
    void Promise.all([storage?.estimate?.(), storage?.persisted?.()]).then(([estimate, lasting]) => {
      if (here) setKept({ used: estimate?.usage ?? null, lasting: lasting ?? null });
    });
    return () => {
      here = false;
    };
  }, []);

  const install = installed ? 'installed' : offer ? 'offered' : isSecureContext ? 'byMenu' : 'insecure';
  return (
    <section className="ui-section" aria-labelledby="settings-app">
      <h2 id="settings-app">{t('app.title')}</h2>
      <p>{t(`app.${install}`)}</p>
      {offer && !installed && (
        <Button icon="download" onClick={() => void offer.prompt()}>
          {t('app.install')}
        </Button>
      )}
      <h3 className="settings-sub">{t('app.kept')}</h3>
      <p>{t('app.keptText')}</p>
      <dl className="ui-facts">
        {kept.used !== null && (
          <>
            <dt>{t('app.used')}</dt>
            <dd>{formats.bytes(kept.used)}</dd>
          </>
        )}
        {kept.lasting !== null && (
          <>
            <dt>{t('app.lasting')}</dt>
            <dd>
              {t(kept.lasting ? 'app.lastingYes' : 'app.lastingNo')}{' '}
              {!kept.lasting && (
                <Button
                  onClick={() =>
                    void navigator.storage.persist().then((lasting) => setKept((before) => ({ ...before, lasting })))
                  }
                >
                  {t('app.lastingAsk')}
                </Button>
              )}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
