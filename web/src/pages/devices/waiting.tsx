import { useTranslation } from 'react-i18next';
import type { CommandResult, DeviceKey } from '../../engine/messages.ts';
import { roleText } from '../../i18n/words.ts';
import { KeyText } from '../../shell/key-text.tsx';
import { Button, Time } from '../../ui/index.ts';

type Pending = CommandResult<'pairing.pending'>;
type Invitation = CommandResult<'devices.list'>['invitations'][number];

/** Who and what waits: devices to be approved, invitations, the code. Nothing where nothing waits. */
export function Waiting({
  pending,
  invitations,
  mayConfirm,
  onApprove,
  onReject,
  onCancelCode,
  onWithdraw,
  onConfirm,
}: {
  pending: Pending | null;
  invitations: readonly Invitation[];
  /** Owners decide who may speak for the identity. */
  mayConfirm: boolean;
  onApprove(device: Pending['devices'][number]): void;
  onReject(device: DeviceKey): void;
  onCancelCode(): void;
  onWithdraw(invitation: string): void;
  onConfirm(enrolment: Pending['enrolments'][number], accept: boolean): void;
}) {
  const { t } = useTranslation('devices');
  const code = pending?.code;
  const enrolments = mayConfirm ? (pending?.enrolments ?? []) : [];
  const devices = pending?.devices ?? [];
  if (!code && devices.length === 0 && invitations.length === 0 && enrolments.length === 0) return null;
  return (
    <section className="ui-section devices-waiting" aria-live="polite">
      <h2>{t('waiting.title')}</h2>
      <ul className="devices-list">
        {devices.map((each) => (
          <li key={each.device} className="devices-row devices-asks">
            <div className="grow">
              <b>{each.label}</b>
              <p className="dim">
                {t('waiting.device', { role: roleText(t, each.role) })} <Time at={each.since} show="relative" />
                {!each.present && ` · ${t('waiting.away')}`}
              </p>
              <KeyText value={each.device as DeviceKey} />
            </div>
            <Button kind="danger" onClick={() => onReject(each.device as DeviceKey)}>
              {t('waiting.reject')}
            </Button>
            <Button kind="main" onClick={() => onApprove(each)}>
              {t('waiting.approve')}
            </Button>
          </li>
        ))}
        {enrolments.map((each) => (
          <li key={each.signer} className="devices-row devices-asks">
            <div className="grow">
              <b>{each.identityLabel}</b>
              <p className="dim">{t('waiting.enrolment')}</p>
              <KeyText value={each.signer as DeviceKey} />
            </div>
            <Button kind="danger" onClick={() => onConfirm(each, false)}>
              {t('waiting.reject')}
            </Button>
            <Button kind="main" onClick={() => onConfirm(each, true)}>
              {t('waiting.trust')}
            </Button>
          </li>
        ))}
        {code && (
          <li className="devices-row">
            <div className="grow">
              <b>{t('waiting.code', { role: roleText(t, code.role) })}</b>
              <p className="dim">
                {t('waiting.expires')} <Time at={code.expiresAt} show="relative" /> ·{' '}
                {t('waiting.tries', { count: code.triesLeft })}
              </p>
            </div>
            <Button onClick={onCancelCode}>{t('waiting.takeBack')}</Button>
          </li>
        )}
        {invitations.map((each) => (
          <li key={each.id} className="devices-row">
            <div className="grow">
              <b id={`invitation-${each.id}`}>{t('waiting.invitation', { role: roleText(t, each.role) })}</b>
              <p className="dim">
                {t('waiting.expires')} <Time at={each.expiresAt} show="relative" />
              </p>
            </div>
            <Button aria-describedby={`invitation-${each.id}`} onClick={() => onWithdraw(each.id)}>
              {t('waiting.takeBack')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
