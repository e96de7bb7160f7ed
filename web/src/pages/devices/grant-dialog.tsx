import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { EngineFailure } from '../../engine/engine.ts';
import type { CommandResult, DeviceKey } from '../../engine/messages.ts';
import { errorAdvice, errorText } from '../../i18n/words.ts';
import { type GrantFacts, type PageAccess, rolesGivenBy } from '../../model/access.ts';
import { useModel } from '../../model/model.ts';
import { KeyText } from '../../shell/key-text.tsx';
import { Button, Dialog, Notice, TextField, toast } from '../../ui/index.ts';
import { formOfGrant, type TermsForm as Terms, termsFault, termsOf, widest } from './terms.ts';
import { TermsForm } from './terms-form.tsx';

type Pending = CommandResult<'pairing.pending'>['devices'][number];

export type GrantSubject =
  /** A paired device whose rights are changed, or given anew. */
  | { kind: 'change'; device: DeviceKey; label: string; grant: GrantFacts | null }
  /** A device that waits to be let in. */
  | { kind: 'approve'; pending: Pending };

/** Says what a device may, and puts that in force. */
export function GrantDialog({
  node,
  access,
  subject,
  onDone,
  onClose,
}: {
  node: DeviceKey;
  access: PageAccess;
  subject: GrantSubject;
  onDone(): void;
  onClose(): void;
}) {
  const { engine } = useModel();
  const { t } = useTranslation('devices');
  const [terms, setTerms] = useState<Terms>(() => firstTerms(access, subject));
  const [label, setLabel] = useState(subject.kind === 'approve' ? subject.pending.label : subject.label);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<EngineFailure | null>(null);
  const fault = termsFault(terms, Date.now());

  const put = async () => {
    setBusy(true);
    setFailure(null);
    try {
      if (subject.kind === 'change') {
        await engine.call(node, 'grants.put', { device: subject.device, ...termsOf(terms) });
        toast(t('grant.done', { name: subject.label }), { tone: 'sealed' });
      } else {
        const { device, fingerprint } = subject.pending;
        const name = label.trim();
        const { approved } = await engine.call(node, 'pairing.approve', {
          device,
          fingerprint,
          ...termsOf(terms),
          role: terms.role,
          ...(name ? { label: name } : {}),
        });
        toast(t(approved ? 'approve.done' : 'approve.gone', { name }), { tone: approved ? 'sealed' : 'gap' });
      }
      onDone();
      onClose();
    } catch (error) {
      if (!(error instanceof EngineFailure)) throw error;
      setFailure(error);
      setBusy(false);
    }
  };
  const approving = subject.kind === 'approve';
  return (
    <Dialog
      title={approving ? t('approve.title') : t('grant.title', { name: subject.label })}
      width={620}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button kind="main" disabled={busy || fault !== null} onClick={() => void put()}>
            {t(approving ? 'approve.action' : 'grant.action')}
          </Button>
        </>
      }
    >
      {approving && (
        <>
          <p>{t('approve.compare')}</p>
          <p>
            <KeyText value={subject.pending.device} large />
          </p>
          <TextField
            label={t('approve.label')}
            hint={t('approve.labelHint')}
            maxLength={64}
            value={label}
            onChange={setLabel}
          />
        </>
      )}
      <TermsForm node={node} access={access} terms={terms} fault={fault} onChange={setTerms} />
      {!approving && <p className="dim devices-small">{t('grant.hangs')}</p>}
      {failure && (
        <Notice tone="live" urgent>
          <p>{errorText(t, failure)}</p>
          <p className="dim">{errorAdvice(t, failure)}</p>
        </Notice>
      )}
    </Dialog>
  );
}

function firstTerms(access: PageAccess, subject: GrantSubject): Terms {
  const roles = rolesGivenBy(access);
  if (subject.kind === 'change' && subject.grant) return formOfGrant(subject.grant);
  // What its code promised, not one camera more, unless somebody says so here.
  if (subject.kind === 'approve' && roles.includes(subject.pending.role)) return formOfGrant(subject.pending);
  return widest(access, roles[0]!);
}
