import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { Dialog } from '../ui/dialog.tsx';
import { hotkeyGroups } from '../ui/hotkeys.ts';
import { keyNames } from '../ui/key-chord.ts';

/** Every key that works where we are. */
export function KeysHelp({ onClose }: { onClose(): void }) {
  const { t } = useTranslation('shell');
  const groups = useStore(hotkeyGroups);
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <div className="ui-keys">
        {groups.toReversed().map(({ title, hotkeys }) => (
          <section key={title} aria-label={title}>
            <h3>{title}</h3>
            <dl>
              {hotkeys.map(({ keys, says }) => (
                <Fragment key={keys}>
                  <dt>
                    {keys.split(' ').map((chord, index) => (
                      <Fragment key={chord}>
                        {index > 0 && <span className="dim">{t('keys.or')}</span>}
                        {keyNames(chord).map((name) => (
                          <kbd key={name}>{name}</kbd>
                        ))}
                      </Fragment>
                    ))}
                  </dt>
                  <dd>{says}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
