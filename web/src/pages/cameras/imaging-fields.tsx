import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorText } from '../../i18n/words.ts';
import { useCommand } from '../../model/asked.ts';
import type { Camera } from '../../model/cameras.ts';
import { useModel } from '../../model/model.ts';
import { Choice, Notice } from '../../ui/index.ts';
import './cameras.css';

type Imaging = CommandResult<'imaging.get'>;
const SLIDERS = ['brightness', 'contrast', 'saturation', 'sharpness'] as const;
/** Cameras take their time: a moving slider asks this often at most. */
const EVERY_MS = 250;

/** How a camera makes its picture: sliders for what it lets be changed, sent while they move. */
export function ImagingFields({ camera }: { camera: Camera }) {
  const { engine } = useModel();
  const { t } = useTranslation('cameras');
  const formats = useFormats();
  const asked = useCommand(camera.node, 'imaging.get', { source: camera.source });
  const [own, setOwn] = useState<Imaging>({});
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const waiting = useRef<Imaging>({});
  const busy = useRef(false);
  const now: Imaging = { ...asked.value, ...own };

  const send = async () => {
    if (busy.current) return;
    busy.current = true;
    while (Object.keys(waiting.current).length > 0) {
      const wish = waiting.current;
      waiting.current = {};
      try {
        const has = await engine.call(camera.node, 'imaging.set', { source: camera.source, ...wish });
        setFailure(null);
        // What was moved meanwhile stays where the hand put it.
        setOwn({ ...has, ...waiting.current });
      } catch (error) {
        if (!(error instanceof EngineFailure)) throw error;
        setFailure(error);
        setOwn({});
        asked.again();
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    busy.current = false;
  };
  const put = (change: Imaging) => {
    setOwn((before) => ({ ...before, ...change }));
    waiting.current = { ...waiting.current, ...change };
    void send();
  };
  if (!asked.value && asked.failure) return <Notice tone="gap">{errorText(t, asked.failure)}</Notice>;
  if (!asked.value) return <p className="dim">{t('imaging.asking')}</p>;
  const offered = SLIDERS.filter((each) => now[each] !== undefined);
  return (
    <div className="cameras-imaging">
      {offered.map((each) => (
        <label key={each} className="cameras-slider">
          <span>{t(`imaging.${each}`)}</span>
          <input
            type="range"
            min={0}
            max={1}
            step={0.01}
            value={now[each]}
            aria-valuetext={formats.percent(now[each]!)}
            onChange={(event) => put({ [each]: event.currentTarget.valueAsNumber })}
          />
          <output>{formats.percent(now[each]!)}</output>
        </label>
      ))}
      {now.irCut && (
        <div className="cameras-line">
          <span className="ui-field-label">{t('imaging.irCut')}</span>
          <Choice
            label={t('imaging.irCut')}
            value={now.irCut}
            options={(['auto', 'on', 'off'] as const).map((key) => ({ key, label: t(`irCut.${key}`) }))}
            onChange={(irCut) => put({ irCut })}
          />
          <p className="dim cameras-small">{t('imaging.irCutHint')}</p>
        </div>
      )}
      {offered.length === 0 && !now.irCut && <p className="dim">{t('imaging.nothing')}</p>}
      {failure && (
        <Notice tone="gap" urgent>
          {errorText(t, failure)}
        </Notice>
      )}
      <p className="dim cameras-small">{t('imaging.hint')}</p>
    </div>
  );
}
