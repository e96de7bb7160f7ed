import { useTranslation } from 'react-i18next';
import type { EngineFailure } from '../../engine/engine.ts';
import { errorAdvice, errorText } from '../../i18n/words.ts';
import { Notice } from '../../ui/chip.tsx';

/** What went wrong and what to do. */
export function Failure({ failure }: { failure: EngineFailure }) {
  const { t } = useTranslation('words');
  const advice = errorAdvice(t, failure);
  return (
    <Notice tone="live" icon="warning" urgent>
      <p>
        {errorText(t, failure)} {advice}
      </p>
    </Notice>
  );
}
