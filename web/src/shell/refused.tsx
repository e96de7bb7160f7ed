import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodeState } from '../engine/messages.ts';
import { useModel } from '../model/model.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Time } from '../ui/time.tsx';
import { toast } from '../ui/toast.tsx';
import { KeyText } from './key-text.tsx';

/** The node does not let this device in any more: what that means and what can be done. */
export function RefusedDialog({ node, onClose }: { node: NodeState; onClose(): void }) {
  const { t } = useTranslation('shell');
  const { engine, page } = useModel();
  const [busy, setBusy] = useState(false);
  const forget = async () => {
    setBusy(true);
    await engine.forget(node.node);
    toast(t('refused.forgotten', { name: node.name }));
    onClose();
  };
  return (
    <Dialog
      title={t('refused.title', { name: node.name })}
      onClose={onClose}
      footer={
        <>
          <Button kind="danger" onClick={() => void forget()} disabled={busy}>
            {t('refused.forget')}
          </Button>
          <Button
            onClick={() => {
              onClose();
              page.set('pair');
            }}
          >
            {t('refused.pair')}
          </Button>
          <Button kind="main" onClick={() => engine.wake()}>
            {t('lost.now')}
          </Button>
        </>
      }
    >
      <p>{t('refused.text')}</p>
      <p>{t('refused.do')}</p>
      <dl className="ui-facts">
        <dt>{t('refused.since')}</dt>
        <dd>
          <Time at={node.link.since} />
        </dd>
        <dt>{t('refused.device')}</dt>
        <dd>
          <KeyText value={node.device} />
        </dd>
      </dl>
    </Dialog>
  );
}
