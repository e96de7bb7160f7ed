import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../engine/engine.ts';
import type { CommandResult } from '../engine/messages.ts';
import { errorText } from '../i18n/words.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Popover } from '../ui/popover.tsx';
import { toast } from '../ui/toast.tsx';
import type { PtzHold } from './ptz-hold.ts';

type Preset = CommandResult<'ptz.presets'>['presets'][number];

/** Places the head knows: go there, keep where it looks now, forget one. */
export function PtzPresets({ camera, hold, max }: { camera: Camera; hold: PtzHold; max: number }) {
  const { t } = useTranslation('wall');
  if (max === 0) return null;
  return (
    <Popover
      label={t('ptz.presets')}
      align="end"
      button={(opener) => <IconButton icon="preset" label={t('ptz.presets')} {...opener} />}
    >
      {(close) => <Presets camera={camera} hold={hold} max={max} close={close} />}
    </Popover>
  );
}

function Presets({ camera, hold, max, close }: { camera: Camera; hold: PtzHold; max: number; close(): void }) {
  const { t } = useTranslation('wall');
  const { engine } = useModel();
  const { node, source } = camera;
  const [presets, setPresets] = useState<readonly Preset[] | null>(null);
  const [name, setName] = useState('');
  const busy = useRef(false);

  const failed = useCallback(
    (error: unknown) => {
      if (!(error instanceof EngineFailure)) throw error;
      toast(errorText(t, error), { tone: 'gap' });
    },
    [t],
  );
  const ask = useCallback(async () => {
    try {
      setPresets((await engine.call(node, 'ptz.presets', { source }, AbortSignal.timeout(10_000))).presets);
    } catch (error) {
      setPresets([]);
      failed(error);
    }
  }, [engine, node, source, failed]);
  useEffect(() => void ask(), [ask]);

  const change = async (act: () => Promise<unknown>) => {
    // Nothing is disabled meanwhile: the focus would be lost, and with it the popover.
    if (busy.current) return;
    busy.current = true;
    try {
      await act();
      await ask();
    } catch (error) {
      failed(error);
    }
    busy.current = false;
  };
  return (
    <div className="wall-presets">
      <h2>{t('ptz.presets')}</h2>
      {presets === null && <p role="status">{t('ptz.presetsAsking')}</p>}
      {presets?.length === 0 && <p className="dim">{t('ptz.presetsNone')}</p>}
      <ul>
        {presets?.map((each) => (
          <li key={each.preset}>
            <button
              type="button"
              onClick={() => {
                void hold.recall(each.preset);
                close();
              }}
            >
              {each.name ?? t('ptz.presetUnnamed', { preset: each.preset })}
            </button>
            <IconButton
              icon="remove"
              label={t('ptz.presetForget', { name: each.name ?? each.preset })}
              onClick={() => void change(() => engine.call(node, 'ptz.forget', { source, preset: each.preset }))}
            />
          </li>
        ))}
      </ul>
      {presets !== null && presets.length < max && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const wished = name.trim();
            if (wished === '') return;
            void change(() => engine.call(node, 'ptz.save', { source, name: wished })).then(() => setName(''));
          }}
        >
          <input
            className="ui-input"
            value={name}
            maxLength={64}
            aria-label={t('ptz.presetName')}
            placeholder={t('ptz.presetName')}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit">{t('ptz.presetSave')}</Button>
        </form>
      )}
    </div>
  );
}
