import { useTranslation } from 'react-i18next';

/** Why plain http takes something away, what it means and what helps. */
export function LimitsText() {
  const { t } = useTranslation('shell');
  return (
    <>
      <p>{t('noCrypto.because')}</p>
      <p>{t('noCrypto.means')}</p>
      <p>{t('noCrypto.still')}</p>
      <h3>{t('noCrypto.helps')}</h3>
      <ul>
        <li>{t('noCrypto.https')}</li>
        <li>{t('noCrypto.local')}</li>
        <li>{t('noCrypto.tunnel')}</li>
      </ul>
    </>
  );
}
