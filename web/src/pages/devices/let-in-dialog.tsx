import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult, NodeState } from '../../engine/messages.ts';
import { useFormats } from '../../i18n/use-formats.ts';
import { errorAdvice, errorText, roleText } from '../../i18n/words.ts';
import { type PageAccess, rolesGivenBy } from '../../model/access.ts';
import { useModel } from '../../model/model.ts';
import { Button, Dialog, Notice, SelectField, Tabs, Toggle, toast, useNow } from '../../ui/index.ts';
import { QrCode } from './qr.tsx';
import { type TermsForm as Terms, termsFault, termsOf, widest } from './terms.ts';
import { TermsForm } from './terms-form.tsx';

type Invitation = CommandResult<'devices.invite'>;
type Code = CommandResult<'pairing.code'>;

const MINUTE_MS = 60_000;
/** For how long an invitation is good; a code at most an hour. */
const LINK_TIMES = [10, 60, 24 * 60] as const;
const CODE_TIMES = [10, 30, 60] as const;

/** Lets one more device in: by a link or its picture, or by eight digits to type. What it may is said first. */
export function LetInDialog({
  node,
  access,
  device,
  onClose,
}: {
  node: NodeState;
  access: PageAccess;
  /** What came since the invitation was made: a device that paired, by its name. */
  device: string | null;
  onClose(): void;
}) {
  const { engine } = useModel();
  const { t } = useTranslation('devices');
  const formats = useFormats();
  const [way, setWay] = useState<'link' | 'code'>('link');
  const [terms, setTerms] = useState<Terms>(() => widest(access, rolesGivenBy(access)[0]!));
  const [minutes, setMinutes] = useState<number>(10);
  const [approve, setApprove] = useState(true);
  const [made, setMade] = useState<{ kind: 'link'; told: Invitation } | { kind: 'code'; told: Code } | null>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const fault = termsFault(terms, Date.now());
  const times: readonly number[] = way === 'link' ? LINK_TIMES : CODE_TIMES;

  const make = async () => {
    setBusy(true);
    setFailure(null);
    const wish = { ...termsOf(terms), expiresMs: minutes * MINUTE_MS };
    try {
      if (way === 'link') setMade({ kind: 'link', told: await engine.call(node.node, 'devices.invite', wish) });
      else setMade({ kind: 'code', told: await engine.call(node.node, 'pairing.code', { ...wish, approve }) });
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={t(made ? (made.kind === 'code' ? 'invite.readyCode' : 'invite.ready') : 'invite.title', {
        node: node.name,
      })}
      width={620}
      onClose={onClose}
      footer={
        made ? (
          <Button kind="main" onClick={onClose}>
            {t('done')}
          </Button>
        ) : (
          <Button kind="main" disabled={busy || fault !== null} onClick={() => void make()}>
            {t(way === 'link' ? 'invite.make' : 'code.make')}
          </Button>
        )
      }
    >
      {made ? (
        <>
          {device !== null && (
            <Notice tone="sealed" urgent>
              {t('invite.came', { name: device })}
            </Notice>
          )}
          {made.kind === 'link' ? <InvitationShown told={made.told} /> : <CodeShown told={made.told} node={node} />}
          <p className="dim devices-small">
            {t('invite.grants', { role: roleText(t, made.told.role) })} <Ends at={made.told.expiresAt} />
          </p>
        </>
      ) : (
        <Tabs
          label={t('invite.way')}
          tabs={[
            { key: 'link', label: t('invite.link') },
            { key: 'code', label: t('code.tab') },
          ]}
          chosen={way}
          onChoose={(chosen) => {
            setWay(chosen);
            setMinutes(10);
          }}
        >
          <div className="devices-tab">
            <p className="dim">{t(way === 'link' ? 'invite.about' : 'code.about')}</p>
            <TermsForm node={node.node} access={access} terms={terms} fault={fault} onChange={setTerms} />
            <SelectField
              label={t('invite.expires')}
              value={String(minutes)}
              options={times.map((each) => ({ key: String(each), label: formats.duration(each * MINUTE_MS) }))}
              onChange={(chosen) => setMinutes(Number(chosen))}
            />
            {way === 'code' && (
              <Toggle label={t('code.approve')} hint={t('code.approveHint')} checked={approve} onChange={setApprove} />
            )}
            {failure && (
              <Notice tone="live" urgent>
                <p>{errorText(t, failure)}</p>
                <p className="dim">{errorAdvice(t, failure)}</p>
              </Notice>
            )}
          </div>
        </Tabs>
      )}
    </Dialog>
  );
}

/** The link and its picture. Whoever has either may pair once. */
function InvitationShown({ told }: { told: Invitation }) {
  const { t } = useTranslation('devices');
  return (
    <div className="devices-invitation">
      <QrCode text={told.invitation} label={t('invite.qr')} />
      <div>
        <p>{t('invite.how')}</p>
        <textarea
          className="ui-input devices-link"
          readOnly
          rows={4}
          aria-label={t('invite.link')}
          value={told.invitation}
          onFocus={(event) => event.currentTarget.select()}
        />
        <Button icon="copy" onClick={() => void copy(told.invitation, t('copied'), t('notCopied'))}>
          {t('copy')}
        </Button>
        <p className="dim devices-small">{t('invite.secret')}</p>
      </div>
    </div>
  );
}

/** Eight digits in two groups; they are told once. */
function CodeShown({ told, node }: { told: Code; node: NodeState }) {
  const { t } = useTranslation('devices');
  const address = node.link.kind === 'open' ? node.link.address : (node.addresses[0] ?? '');
  return (
    <>
      <p>{t('code.how', { address })}</p>
      <p className="devices-code" role="img" aria-label={told.code.split('').join(' ')}>
        {told.code.slice(0, 4)} {told.code.slice(4)}
      </p>
      <p className="dim">{t(told.approve ? 'code.thenApprove' : 'code.once')}</p>
    </>
  );
}

/** Until when, counting down. */
function Ends({ at }: { at: number }) {
  const { t } = useTranslation('devices');
  const formats = useFormats();
  const now = useNow(1_000);
  return <span>{at > now ? t('invite.ends', { time: formats.relative(at, now) }) : t('invite.over')}</span>;
}

/** Puts a text where it can be pasted; without the clipboard (plain http) by the old way of a selection. */
export async function copy(text: string, done: string, not: string): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else if (!copySelected(text)) throw new Error('no clipboard');
    toast(done);
  } catch {
    toast(not, { tone: 'gap' });
  }
}

function copySelected(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'spoken';
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}
