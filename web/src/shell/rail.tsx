import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { type Page, useModel } from '../model/model.ts';
import { Icon, type IconName } from '../ui/icons.tsx';

const PAGES: readonly { page: Page; icon: IconName }[] = [
  { page: 'wall', icon: 'wall' },
  { page: 'health', icon: 'health' },
  { page: 'devices', icon: 'devices' },
  { page: 'cameras', icon: 'cameras' },
];

/** The pages: at the left, or within reach of the thumb on a phone. */
export function Rail({ onHelp }: { onHelp(): void }) {
  const { t } = useTranslation('shell');
  return (
    <nav className="shell-rail" aria-label={t('rail')}>
      {PAGES.map(({ page, icon }) => (
        <RailItem key={page} page={page} icon={icon} />
      ))}
      <div className="grow" />
      <button
        type="button"
        className="shell-rail-item shell-rail-help"
        aria-label={t('keys.help')}
        title={`${t('keys.help')} (?)`}
        onClick={onHelp}
      >
        <Icon name="keyboard" />
      </button>
      <RailItem page="settings" icon="settings" />
    </nav>
  );
}

function RailItem({ page, icon }: { page: Page; icon: IconName }) {
  const { t } = useTranslation('shell');
  const model = useModel();
  const here = useStore(model.page) === page;
  const name = t(`pages.${page}`);
  return (
    <a
      className="shell-rail-item"
      href={page === 'wall' ? './' : `./?page=${page}`}
      aria-current={here ? 'page' : undefined}
      aria-label={name}
      title={name}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        model.page.set(page);
      }}
    >
      <Icon name={icon} />
      <span aria-hidden="true">{name}</span>
    </a>
  );
}
