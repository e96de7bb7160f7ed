import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../engine/store.ts';
import { useModel } from '../../model/model.ts';
import { Tabs } from '../../ui/tabs.tsx';
import { ByCode } from './by-code.tsx';
import { ByInvitation } from './by-invitation.tsx';
import { FindInvitation } from './find-invitation.tsx';
import './pairing.css';

/** The way in: from an invitation to the wall in two presses. */
export default function PairingPage() {
  const { t } = useTranslation('pairing');
  const model = useModel();
  const invitation = useStore(model.invitation);
  const nodes = useStore(model.engine.nodes);
  const [way, setWay] = useState<'invitation' | 'code'>('invitation');
  const done = () => {
    model.invitation.set(null);
    model.page.set('wall');
  };
  // It is used once or never; who leaves the page has decided against it.
  useEffect(() => () => model.invitation.set(null), [model]);

  if (invitation !== null) {
    return (
      <div className="pairing">
        <ByInvitation
          key={invitation}
          invitation={invitation}
          onDone={done}
          onOther={() => model.invitation.set(null)}
        />
      </div>
    );
  }
  return (
    <div className="pairing">
      <h1>{t(nodes.length === 0 ? 'title' : 'titleMore')}</h1>
      <p className="dim">{t('about')}</p>
      <Tabs<'invitation' | 'code'>
        label={t('ways')}
        chosen={way}
        onChoose={setWay}
        tabs={[
          { key: 'invitation', label: t('invitation.tab') },
          { key: 'code', label: t('code.tab') },
        ]}
      >
        <div className="pairing-way">
          {way === 'invitation' ? (
            <FindInvitation onFound={(found) => model.invitation.set(found)} />
          ) : (
            <ByCode onDone={done} />
          )}
        </div>
      </Tabs>
    </div>
  );
}
