import { useTranslation } from 'react-i18next';
import { spokenFingerprint } from '../../../src/protocol/spoken-fingerprint.ts';
import type { DeviceKey } from '../engine/messages.ts';
import './key-text.css';

/** A key as people compare it: eight words, and the same in signs. */
export function KeyText({ value, large = false }: { value: DeviceKey; large?: boolean }) {
  const { t } = useTranslation('shell');
  const words = spokenFingerprint(value).split(' ');
  return (
    <span className="key-text" data-large={large ? '' : undefined}>
      <span className="key-text-words">
        {/* Words may come twice; their place is what tells them apart. */}
        {words.map((word, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity
          <b key={place}>{word}</b>
        ))}
      </span>
      <code title={t('keyHex')}>{value.slice(0, 32).match(/.{4}/g)!.join(' ')}</code>
    </span>
  );
}
