import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../engine/engine.ts';
import type { CommandResult } from '../engine/messages.ts';
import { errorText } from '../i18n/words.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import { Dialog } from '../ui/dialog.tsx';
import { SelectField } from '../ui/field.tsx';

type Values = CommandResult<'imaging.get'>;

const SLIDERS = ['brightness', 'contrast', 'saturation', 'sharpness'] as const;
const FILTERS = ['auto', 'on', 'off'] as const;
/** Cameras take their time: a moving slider asks this often at most. */
const EVERY_MS = 250;

/** How a camera makes its picture, as far as it lets that be changed; seen on the wall at once. */
export default function Imaging({ camera, onClose }: { camera: Camera; onClose(): void }) {
  const { t } = useTranslation('wall');
  const { engine } = useModel();
  const { node, source, name } = camera;
  const [values, setValues] = useState<Values | null>(null);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const waiting = useRef<Values>({});
  const busy = useRef(false);

  useEffect(() => {
    const abort = new AbortController();
    engine.call(node, 'imaging.get', { source }, abort.signal).then(setValues, (error) => {
      if (!abort.signal.aborted && error instanceof EngineFailure) setFailure(error);
    });
    return () => abort.abort();
  }, [engine, node, source]);

  const send = async () => {
    if (busy.current) return;
    busy.current = true;
    while (Object.keys(waiting.current).length > 0) {
      const wish = waiting.current;
      waiting.current = {};
      try {
        const now = await engine.call(node, 'imaging.set', { source, ...wish });
        setFailure(null);
        // What was moved meanwhile stays where the hand put it.
        setValues({ ...now, ...waiting.current });
      } catch (error) {
        if (error instanceof EngineFailure) setFailure(error);
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    busy.current = false;
  };
  const change = (wish: Values) => {
    setValues((before) => ({ ...before, ...wish }));
    waiting.current = { ...waiting.current, ...wish };
    void send();
  };
  return (
    <Dialog title={t('imaging.of', { name })} width={380} onClose={onClose}>
      <div className="wall-imaging">
        {failure && <p role="alert">{errorText(t, failure)}</p>}
        {!values && !failure && <p role="status">{t('imaging.asking')}</p>}
        {values &&
          SLIDERS.filter((each) => values[each] !== undefined).map((each) => (
            <label key={each}>
              {t(`imaging.${each}`)}
              <input
                type="range"
                min={0}
                max={1}
                step={0.01}
                value={values[each]}
                onChange={(event) => change({ [each]: Number(event.currentTarget.value) })}
              />
            </label>
          ))}
        {values?.irCut !== undefined && (
          <SelectField
            label={t('imaging.irCut')}
            hint={t('imaging.irCutHint')}
            value={values.irCut}
            options={FILTERS.map((key) => ({ key, label: t(`imaging.filter.${key}`) }))}
            onChange={(irCut) => change({ irCut })}
          />
        )}
      </div>
    </Dialog>
  );
}
