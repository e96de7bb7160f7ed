import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LinkState, NodeState } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { errorText } from '../i18n/words.ts';
import { endedByTime } from '../model/access.ts';
import { useAccess } from '../model/asked.ts';
import { useModel } from '../model/model.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { useNow } from '../ui/time.tsx';
import { LimitsText } from './limits-text.tsx';
import { RefusedDialog } from './refused.tsx';

/** A link that comes back within this is not spoken of. */
const PATIENCE_MS = 1_500;
/** The end of this device's right is told so long before. */
const ENDS_SOON_MS = 86_400_000;
const NO_CRYPTO = 'no-webcrypto';

/** What a person should know of links and of this browser, in a line each. */
export function NodeNotices() {
  const { engine } = useModel();
  const nodes = useStore(engine.nodes);
  const troubled = nodes.filter(({ link }) => link.kind !== 'open');
  return (
    <div className="shell-notices" aria-live="polite">
      <CryptoNotice />
      {troubled.map((node) => (
        <LinkNotice key={node.node} node={node} />
      ))}
      {nodes.map((node) => (
        <EndsNotice key={node.node} node={node} />
      ))}
    </div>
  );
}

function CryptoNotice() {
  const { t } = useTranslation('shell');
  const { engine, settings } = useModel();
  const facts = useStore(engine.facts);
  const read = useStore(settings.read);
  const [open, setOpen] = useState(false);
  if (facts?.crypto !== 'noble') return null;
  return (
    <>
      {!read.includes(NO_CRYPTO) && (
        <div className="shell-notice">
          <Icon name="info" />
          <p>{t('noCrypto.line')}</p>
          <Button onClick={() => setOpen(true)}>{t('noCrypto.why')}</Button>
          <Button kind="quiet" onClick={() => settings.read.update((all) => [...all, NO_CRYPTO])}>
            {t('understood')}
          </Button>
        </div>
      )}
      {open && (
        <Dialog title={t('noCrypto.title')} onClose={() => setOpen(false)}>
          <LimitsText />
        </Dialog>
      )}
    </>
  );
}

/** This device's right will end by itself, and soon. */
function EndsNotice({ node }: { node: NodeState }) {
  const { t } = useTranslation('shell');
  const formats = useFormats();
  const now = useNow();
  const endsAt = useAccess(node.node)?.endsAt ?? null;
  const [read, setRead] = useState<number | null>(null);
  if (endsAt === null || endsAt === read || endsAt - now > ENDS_SOON_MS || endsAt <= now) return null;
  return (
    <div className="shell-notice">
      <Icon name="info" />
      <p>
        {t('ends.line', { name: node.name, time: formats.moment(endsAt, now) })}{' '}
        <span className="dim" aria-hidden="true">
          {formats.relative(endsAt, now)}
        </span>
      </p>
      <Button kind="quiet" onClick={() => setRead(endsAt)}>
        {t('understood')}
      </Button>
    </div>
  );
}

function LinkNotice({ node }: { node: NodeState }) {
  const { t } = useTranslation('shell');
  const { engine, cameras } = useModel();
  const formats = useFormats();
  const now = useNow();
  const [open, setOpen] = useState(false);
  const access = useStore(cameras.access).get(node.node) ?? null;
  const { link, name } = node;
  if (link.kind === 'refused') {
    return (
      <>
        <div className="shell-notice" role="alert">
          <Icon name="warning" />
          <p>
            {endedByTime(access, link.since)
              ? t('refused.ended', { name, time: formats.moment(access!.endsAt!, now) })
              : t('refused.line', { name })}
          </p>
          <Button onClick={() => setOpen(true)}>{t('refused.more')}</Button>
        </div>
        {open && <RefusedDialog node={node} onClose={() => setOpen(false)} />}
      </>
    );
  }
  if (link.kind === 'open' || now - link.since < PATIENCE_MS) return null;
  return (
    <div className="shell-notice">
      <Icon name="linkLost" />
      <p>
        {t('lost.line', { name, since: formats.moment(link.since, now) })} {reason(link)} <NextTry link={link} />
      </p>
      <Button onClick={() => engine.wake()}>{t('lost.now')}</Button>
    </div>
  );

  function reason(state: LinkState): string {
    return state.kind === 'lost' ? errorText(t, { code: state.reason, kind: 'unavailable' }) : '';
  }
}

function NextTry({ link }: { link: LinkState }) {
  const { t } = useTranslation('shell');
  const formats = useFormats();
  const now = useNow();
  if (link.kind !== 'lost') return <span className="dim">{t('lost.trying')}</span>;
  const waits = Math.max(0, link.retryAt - now);
  // Counted for eyes only: a reader would be told every second.
  return (
    <span className="dim" aria-hidden="true">
      {waits < 1_000 ? t('lost.trying') : t('lost.next', { when: formats.relative(link.retryAt, now) })}
    </span>
  );
}
