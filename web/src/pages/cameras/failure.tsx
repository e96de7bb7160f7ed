import { useTranslation } from 'react-i18next';
import type { EngineFailure } from '../../engine/engine.ts';
import { errorAdvice, errorText } from '../../i18n/words.ts';
import { Notice } from '../../ui/index.ts';

/** Why a camera could not be found, tried or stored, and what to do; the words of this page first. */
export function Failure({ failure }: { failure: EngineFailure }) {
  const { t } = useTranslation('cameras');
  const own = t(`error.${failure.code}.name`, { defaultValue: '' });
  const advice = own ? t(`error.${failure.code}.advice`, { defaultValue: '' }) : errorAdvice(t, failure);
  return (
    <Notice tone="gap" urgent>
      <p>{own || errorText(t, failure)}</p>
      {advice && <p className="dim">{advice}</p>}
    </Notice>
  );
}
