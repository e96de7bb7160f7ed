import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { DeviceKey } from '../../engine/messages.ts';
import { useModel } from '../../model/model.ts';
import { KeyText } from '../../shell/key-text.tsx';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/chip.tsx';
import { TextField } from '../../ui/field.tsx';
import { Time } from '../../ui/time.tsx';
import { Failure } from './failure.tsx';
import { NameFields, useNames } from './names.tsx';
import { pageAddress } from './page-origin.ts';
import { typedAddress, typedCode } from './typed-text.ts';

interface Waiting {
  node: DeviceKey;
  device: DeviceKey;
  expiresAt: number;
}

/** Eight digits read from somebody else's screen; perhaps that somebody must say yes. */
export function ByCode({ onDone }: { onDone(): void }) {
  const { t } = useTranslation('pairing');
  const { engine, chosenNode } = useModel();
  const [address, setAddress] = useState(pageAddress(location));
  const [digits, setDigits] = useState('');
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const [turnedAway, setTurnedAway] = useState(false);
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const [running, setRunning] = useState<AbortController | null>(null);
  const names = useNames(null);
  const run = useRef<AbortController | null>(null);
  useEffect(() => () => run.current?.abort(), []);

  const pair = async (event: FormEvent) => {
    event.preventDefault();
    const abort = new AbortController();
    run.current = abort;
    setRunning(abort);
    setFailure(null);
    setTurnedAway(false);
    let waited = false;
    const onWaits = (told: Waiting) => {
      waited = true;
      setWaiting(told);
    };
    const { label, name, site } = names;
    const wish = { address: typedAddress(address), digits: digits.replaceAll(' ', ''), label, name, site };
    try {
      chosenNode.set(await engine.pairByCode(wish, onWaits, abort.signal));
      onDone();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      if (!abort.signal.aborted) setFailure(error);
      setTurnedAway(waited && error.kind === 'denied' && !abort.signal.aborted);
      // Typed anew: a code that let this device wait is used up, one that was wrong is not this one.
      setDigits('');
    } finally {
      setRunning(null);
      setWaiting(null);
    }
  };

  if (waiting) {
    return (
      <div role="status">
        <h2>{t('code.waits')}</h2>
        <p>{t('code.waitsText')}</p>
        <h3>{t('code.thisDevice')}</h3>
        <div className="pairing-key">
          <KeyText value={waiting.device} large />
        </div>
        <h3>{t('code.node')}</h3>
        <div className="pairing-key">
          <KeyText value={waiting.node} />
        </div>
        <p className="pairing-foot">
          {t('code.waitsUntil')} <Time at={waiting.expiresAt} />
        </p>
        <Button onClick={() => running?.abort()}>{t('code.stop')}</Button>
      </div>
    );
  }
  const whole = digits.replaceAll(' ', '').length === 8 && address.trim() !== '';
  return (
    <form onSubmit={(event) => void pair(event)}>
      <p>{t('code.about')}</p>
      <div className="pairing-pair">
        <TextField
          label={t('code.digits')}
          value={digits}
          onChange={(text) => setDigits(typedCode(text))}
          className="pairing-digits"
          inputMode="numeric"
          autoComplete="one-time-code"
          placeholder="0000 0000"
          disabled={running !== null}
        />
        <TextField
          label={t('code.address')}
          value={address}
          onChange={setAddress}
          autoCapitalize="off"
          autoComplete="off"
          spellCheck={false}
          placeholder="192.168.1.20:8456"
          disabled={running !== null}
        />
      </div>
      <NameFields names={names} disabled={running !== null} />
      {failure && turnedAway && (
        <Notice tone="live" icon="warning" urgent>
          <p>
            {t('code.turnedAway')} {t('code.turnedAwayAdvice')}
          </p>
        </Notice>
      )}
      {failure && !turnedAway && <Failure failure={failure} addresses={[typedAddress(address)]} />}
      <div className="pairing-buttons">
        <Button kind="main" type="submit" disabled={running !== null || !whole || !names.complete}>
          {running ? t('pair.busy') : t('pair.do')}
        </Button>
        {running && <Button onClick={() => running.abort()}>{t('code.stop')}</Button>}
      </div>
      <Notice icon="info">
        <p>{t('code.once')}</p>
      </Notice>
    </form>
  );
}
