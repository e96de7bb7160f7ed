import { useTranslation } from 'react-i18next';
import type { EngineFailure } from '../../engine/engine.ts';
import { errorAdvice, errorText } from '../../i18n/words.ts';
import { Notice } from '../../ui/chip.tsx';
import { needsTls, originToAllow } from './page-origin.ts';

interface Props {
  failure: EngineFailure;
  /** Where the node was asked. */
  addresses?: readonly string[];
}

/** What went wrong and what to do. */
export function Failure({ failure, addresses = [] }: Props) {
  const { t } = useTranslation('pairing');
  const advice = errorAdvice(t, failure);
  const silent = failure.code === 'ERR_CLIENT_UNREACHABLE';
  const origin = silent ? originToAllow(location, addresses) : null;
  return (
    <Notice tone="live" icon="warning" urgent>
      <p>
        {errorText(t, failure)} {advice}
      </p>
      {silent && needsTls(location, addresses) && <p>{t('unreachable.tls')}</p>}
      {origin !== null && (
        <>
          <p>{t('unreachable.origin')}</p>
          <p>
            <code>{`origins: ${origin}`}</code>
          </p>
        </>
      )}
    </Notice>
  );
}
