import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { version } from '../../../package.json';
import { useCommand } from '../../model/asked.ts';
import { useChosenNode } from '../../shell/chosen-node.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';

/** Which version this is and of what it is made. */
export function AboutSection() {
  const { t } = useTranslation('settings');
  const [open, setOpen] = useState(false);
  const node = useChosenNode();
  const status = useCommand(node?.node ?? ('' as never), 'status.get', node ? {} : null);
  return (
    <section className="ui-section" aria-labelledby="settings-about">
      <h2 id="settings-about">{t('about.title')}</h2>
      <dl className="ui-facts">
        <dt>{t('about.viewer')}</dt>
        <dd>{version}</dd>
        {node && status.value && (
          <>
            <dt>{node.name}</dt>
            <dd>{status.value.node.version}</dd>
          </>
        )}
      </dl>
      <p className="settings-after">{t('about.private')}</p>
      <Button onClick={() => setOpen(true)}>{t('about.licences')}</Button>
      {open && <Licences onClose={() => setOpen(false)} />}
    </section>
  );
}

function Licences({ onClose }: { onClose(): void }) {
  const { t } = useTranslation('settings');
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    fetch('./licences.txt', { signal: abort.signal })
      .then((response) => (response.ok ? response.text() : Promise.reject(new Error(String(response.status)))))
      .then(setText, () => abort.signal.aborted || setText(t('about.noLicences')));
    return () => abort.abort();
  }, [t]);
  return (
    <Dialog title={t('about.licences')} onClose={onClose} width={760}>
      <pre className="settings-licences">{text}</pre>
    </Dialog>
  );
}
