import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { canScan, Scanner } from './scanner.tsx';
import { invitationFrom } from './typed-text.ts';

/** An invitation pasted, or seen by this device's camera. */
export function FindInvitation({ onFound }: { onFound(invitation: string): void }) {
  const { t } = useTranslation('pairing');
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const [scanning, setScanning] = useState(false);
  const take = (value: string) => {
    const found = invitationFrom(value);
    if (found) onFound(found);
    return found !== null;
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWrong(!take(text));
  };
  return (
    <form onSubmit={submit}>
      <p>{t('invitation.about')}</p>
      <Field label={t('invitation.paste')} hint={t('invitation.hint')} error={wrong ? t('invitation.wrong') : null}>
        {(control) => (
          <textarea
            {...control}
            value={text}
            rows={3}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            onChange={(event) => {
              setText(event.currentTarget.value);
              setWrong(false);
            }}
            onPaste={(event) => {
              if (take(event.clipboardData.getData('text'))) event.preventDefault();
            }}
          />
        )}
      </Field>
      <div className="pairing-buttons">
        <Button kind="main" type="submit" disabled={text.trim() === ''}>
          {t('invitation.go')}
        </Button>
        {canScan() && (
          <Button icon="qr" onClick={() => setScanning(true)}>
            {t('scan.do')}
          </Button>
        )}
      </div>
      {scanning && (
        <Scanner
          onClose={() => setScanning(false)}
          onText={(found) => {
            if (!take(found)) return false;
            setScanning(false);
            return true;
          }}
        />
      )}
    </form>
  );
}
