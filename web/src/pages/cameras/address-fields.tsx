import { useTranslation } from 'react-i18next';
import { Choice, Field, SelectField, TextField, Toggle } from '../../ui/index.ts';
import type { FormPartProps } from './recording-fields.tsx';

/** Where a camera is and how it lets the node in. `refused`: it did not take these credentials. */
export function AddressFields({ form, faults, isNew, refused, onChange }: FormPartProps & { refused: boolean }) {
  const { t } = useTranslation('cameras');
  const logins = isNew ? (['given', 'none'] as const) : (['keep', 'given', 'none'] as const);
  const onvifs = isNew ? (['none', 'usual', 'given'] as const) : (['keep', 'usual', 'given', 'none'] as const);
  const placeholder = isNew ? 'rtsp://192.168.1.20/stream1' : t('form.asIs');
  return (
    <>
      <TextField
        label={t('form.url')}
        hint={isNew ? t('form.urlHint') : undefined}
        error={faults.url && t(`fault.${faults.url}`)}
        value={form.url}
        placeholder={placeholder}
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        onChange={(url) => onChange({ url })}
      />
      <TextField
        label={t('form.sub')}
        hint={isNew ? t('form.subHint') : undefined}
        error={faults.sub && t(`fault.${faults.sub}`)}
        value={form.sub}
        placeholder={isNew ? t('form.none') : t('form.asIs')}
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        disabled={form.noSub}
        onChange={(sub) => onChange({ sub })}
      />
      {!isNew && <Toggle label={t('form.noSub')} checked={form.noSub} onChange={(noSub) => onChange({ noSub })} />}
      <div className="cameras-line">
        <span className="ui-field-label">{t('form.login')}</span>
        <Choice
          label={t('form.login')}
          value={form.login}
          options={logins.map((key) => ({ key, label: t(`login.${key}`) }))}
          onChange={(login) => onChange({ login })}
        />
        {refused && (form.login !== 'given' || form.username === '') && (
          <span className="ui-field-error" role="alert">
            {t(form.login === 'keep' ? 'fault.loginRefused' : 'fault.loginNeeded')}
          </span>
        )}
      </div>
      {form.login === 'given' && (
        <div className="cameras-pair">
          <TextField
            label={t('form.username')}
            error={faults.username && t('fault.username')}
            value={form.username}
            autoComplete="off"
            spellCheck={false}
            autoCapitalize="none"
            onChange={(username) => onChange({ username })}
          />
          <TextField
            label={t('form.password')}
            hint={t('form.passwordHint')}
            error={refused && form.username !== '' && t('fault.loginRefused')}
            type="password"
            value={form.password}
            autoComplete="new-password"
            onChange={(password) => onChange({ password })}
          />
        </div>
      )}
      <Field label={t('form.onvif')} hint={t('form.onvifHint')}>
        {(control) => (
          <select
            {...control}
            value={form.onvif}
            onChange={(event) => onChange({ onvif: event.currentTarget.value as typeof form.onvif })}
          >
            {onvifs.map((key) => (
              <option key={key} value={key}>
                {t(`onvif.${key}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {form.onvif === 'given' && (
        <TextField
          label={t('form.onvifUrl')}
          error={faults.onvifUrl && t('fault.onvifUrl')}
          value={form.onvifUrl}
          placeholder="http://192.168.1.20/onvif/device_service"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          onChange={(onvifUrl) => onChange({ onvifUrl })}
        />
      )}
    </>
  );
}

/** How the streams are taken; seldom needed. */
export function TransportFields({ form, isNew, onChange }: FormPartProps) {
  const { t } = useTranslation('cameras');
  const asIs = { key: 'asIs', label: t('form.asIs') } as const;
  const transports = (['auto', 'tcp', 'udp'] as const).map((key) => ({ key, label: t(`transport.${key}`) }));
  const sounds = (['auto', 'copy', 'none'] as const).map((key) => ({ key, label: t(`audio.${key}`) }));
  return (
    <div className="cameras-pair">
      <SelectField
        label={t('transport.label')}
        value={form.transport ?? (isNew ? 'auto' : 'asIs')}
        options={isNew ? transports : [asIs, ...transports]}
        onChange={(value) => onChange({ transport: value === 'asIs' ? undefined : value })}
      />
      <SelectField
        label={t('audio.label')}
        value={form.audio ?? (isNew ? 'auto' : 'asIs')}
        options={isNew ? sounds : [asIs, ...sounds]}
        onChange={(value) => onChange({ audio: value === 'asIs' ? undefined : value })}
      />
    </div>
  );
}
