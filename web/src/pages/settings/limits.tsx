import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../engine/store.ts';
import { useModel } from '../../model/model.ts';
import { LimitsText } from '../../shell/limits-text.tsx';
import { Button } from '../../ui/button.tsx';
import { Dot } from '../../ui/chip.tsx';
import { Dialog } from '../../ui/dialog.tsx';

const H264 = 'video/mp4; codecs="avc1.64001f"';
const H265 = 'video/mp4; codecs="hvc1.1.6.L120.90"';

/** What this browser has, and what it means where it has not. */
export function LimitsSection() {
  const { t } = useTranslation('settings');
  const { engine } = useModel();
  const facts = useStore(engine.facts);
  const [why, setWhy] = useState(false);
  const plays = (type: string) => globalThis.MediaSource?.isTypeSupported(type) === true;
  const limits = [
    { key: 'crypto', fine: facts?.crypto === 'web' },
    { key: 'keys', fine: facts?.keysGuarded === true },
    { key: 'h264', fine: plays(H264) },
    { key: 'h265', fine: plays(H265) },
    { key: 'download', fine: isSecureContext && 'serviceWorker' in navigator },
    { key: 'scan', fine: 'BarcodeDetector' in globalThis },
  ] as const;
  return (
    <section className="ui-section" aria-labelledby="settings-limits">
      <h2 id="settings-limits">{t('limits.title')}</h2>
      <ul className="settings-limits">
        {limits.map(({ key, fine }) => (
          <li key={key}>
            <Dot tone={fine ? 'sealed' : 'gap'} />
            <div>
              <b>{t(`limits.${key}.${fine ? 'yes' : 'no'}`)}</b>
              <br />
              <span className="dim">{t(`limits.${key}.${fine ? 'yesText' : 'noText'}`)}</span>
              {key === 'crypto' && !fine && (
                <div>
                  <Button onClick={() => setWhy(true)}>{t('shell:noCrypto.why')}</Button>
                </div>
              )}
            </div>
          </li>
        ))}
      </ul>
      {why && (
        <Dialog title={t('shell:noCrypto.title')} onClose={() => setWhy(false)}>
          <LimitsText />
        </Dialog>
      )}
    </section>
  );
}
