import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NodeState } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { endedByTime } from '../model/access.ts';
import { useModel } from '../model/model.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Time } from '../ui/time.tsx';
import { toast } from '../ui/toast.tsx';
import { forgetNode } from '../wall/forget-node.ts';
import { KeyText } from './key-text.tsx';

/** The node does not let this device in any more: what that means and what can be done. */
export function RefusedDialog({ node, onClose }: { node: NodeState; onClose(): void }) {
  const { t } = useTranslation('shell');
  const model = useModel();
  const { engine, cameras, page } = model;
  const formats = useFormats();
  const access = useStore(cameras.access).get(node.node) ?? null;
  const ended = endedByTime(access, node.link.since);
  const [busy, setBusy] = useState(false);
  const forget = async () => {
    setBusy(true);
    await forgetNode(model, node.node);
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
      <p>{ended ? t('refused.endedText', { time: formats.moment(access!.endsAt!, Date.now()) }) : t('refused.text')}</p>
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
