import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure, type InvitationFacts } from '../../engine/engine.ts';
import { useModel } from '../../model/model.ts';
import { KeyText } from '../../shell/key-text.tsx';
import { Button } from '../../ui/button.tsx';
import { Time } from '../../ui/time.tsx';
import { Failure } from './failure.tsx';
import { NameFields, useNames } from './names.tsx';

interface Props {
  invitation: string;
  onDone(): void;
  /** Another invitation, or the digits. */
  onOther(): void;
}

/** Whom the invitation is of, what to call things, and one press. */
export function ByInvitation({ invitation, onDone, onOther }: Props) {
  const { t } = useTranslation('pairing');
  const { engine, chosenNode } = useModel();
  const [facts, setFacts] = useState<InvitationFacts | null>(null);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const [busy, setBusy] = useState(false);
  const names = useNames(facts?.node ?? null);

  useEffect(() => {
    let here = true;
    engine.look(invitation).then(
      (found) => {
        if (!here) return;
        setFacts(found);
        if (found.expiresAt <= Date.now()) setFailure(failureOf('ERR_CLIENT_INVITATION_EXPIRED', 'invalid'));
      },
      (error) => here && setFailure(error as EngineFailure),
    );
    return () => {
      here = false;
    };
  }, [engine, invitation]);

  const pair = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const { label, name, site } = names;
      chosenNode.set(await engine.pair({ invitation, label, name, site }));
      onDone();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
      setBusy(false);
    }
  };

  if (!facts) {
    return failure ? (
      <>
        <h1>{t('invitation.unreadable')}</h1>
        <Failure failure={failure} />
        <Button onClick={onOther}>{t('other')}</Button>
      </>
    ) : null;
  }
  const over = failure?.code === 'ERR_CLIENT_INVITATION_EXPIRED' || failure?.code === 'ERR_CLIENT_NOT_ANSWERED';
  if (facts.known && !failure) {
    return (
      <>
        <h1>{t('known.title')}</h1>
        <p>{t('known.text')}</p>
        <div className="pairing-buttons">
          <Button kind="main" onClick={onDone}>
            {t('known.wall')}
          </Button>
        </div>
      </>
    );
  }
  return (
    <form onSubmit={(event) => void pair(event)}>
      <h1>{t('pair.title')}</h1>
      <p className="dim">{t('pair.compare')}</p>
      <div className="pairing-key">
        <KeyText value={facts.node} large />
      </div>
      <NameFields names={names} disabled={busy} />
      {failure && <Failure failure={failure} addresses={facts.addresses} />}
      <div className="pairing-buttons">
        {!over && (
          <Button kind="main" type="submit" disabled={busy || !names.complete} autoFocus>
            {busy ? t('pair.busy') : t('pair.do')}
          </Button>
        )}
        <Button kind={over ? 'main' : 'quiet'} onClick={onOther} disabled={busy}>
          {t('other')}
        </Button>
      </div>
      <p className="pairing-foot">
        {t('pair.at', { address: facts.addresses[0] })}
        {!over && (
          <>
            {' · '}
            {t('pair.expires')} <Time at={facts.expiresAt} show="relative" />
          </>
        )}
      </p>
    </form>
  );
}

function failureOf(code: string, kind: string): EngineFailure {
  return new EngineFailure({ code, kind, message: '' });
}
