import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { DeviceKey } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorAdvice, errorText } from '../../i18n/words.ts';
import { useModel } from '../../model/model.ts';
import { Confirm, Notice, Toggle, toast } from '../../ui/index.ts';
import { forgetNode } from '../../wall/forget-node.ts';

/** Unpairs a device, or takes its rights away; says what it loses and what hangs on it. */
export function RemoveDialog({
  node,
  device,
  label,
  self,
  kind,
  dependants,
  onDone,
  onClose,
}: {
  node: DeviceKey;
  device: DeviceKey;
  label: string;
  self: boolean;
  kind: 'remove' | 'revoke';
  /** Names of the devices whose rights end with it. */
  dependants: readonly string[];
  onDone(): void;
  onClose(): void;
}) {
  const model = useModel();
  const { engine } = model;
  const { t } = useTranslation('devices');
  const formats = useFormats();
  const [adopt, setAdopt] = useState(true);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const hangs = dependants.length > 0 && !self;
  const run = async () => {
    setBusy(true);
    try {
      await engine.call(node, kind === 'remove' ? 'devices.remove' : 'grants.revoke', {
        device,
        ...(hangs ? { adopt } : {}),
      });
      toast(t(`${kind}.done`, { name: label }), { tone: 'sealed' });
      // This browser's keys for the node are of no more use.
      if (self && kind === 'remove') await forgetNode(model, node);
      onDone();
      onClose();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
      setBusy(false);
    }
  };
  return (
    <Confirm
      title={t(self ? `${kind}.titleSelf` : `${kind}.title`, { name: label })}
      action={t(self && kind === 'remove' ? 'menu.leave' : `${kind}.action`)}
      busy={busy}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p>{t(self ? `${kind}.losesSelf` : `${kind}.loses`)}</p>
      {kind === 'remove' && !self && <p className="dim">{t('remove.past')}</p>}
      {dependants.length > 0 && (
        <p>
          {t('remove.hang', { list: formats.list(dependants.slice(0, 8)), count: dependants.length })}{' '}
          {self && t('remove.endsSelf')}
        </p>
      )}
      {hangs && <Toggle label={t('remove.adopt')} hint={t('remove.adoptHint')} checked={adopt} onChange={setAdopt} />}
      {failure && (
        <Notice tone="live" urgent>
          <p>{errorText(t, failure)}</p>
          <p className="dim">{errorAdvice(t, failure)}</p>
        </Notice>
      )}
    </Confirm>
  );
}
