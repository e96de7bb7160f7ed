import { useTranslation } from 'react-i18next';
import type { LinkState } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { useModel } from '../model/model.ts';
import { Icon } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/popover.tsx';
import { bySite, useChosenNode } from './chosen-node.ts';
import { RoomChip, SealedChip, WholeChip } from './trust-chips.tsx';

/** Where we are, and how far it can be trusted. */
export function TopBar() {
  const { t } = useTranslation('shell');
  const model = useModel();
  const nodes = useStore(model.engine.nodes);
  const here = useChosenNode();
  const known = nodes.map(({ node, name, site, link }) => ({ node, name, site, link }));
  const items: (MenuItem | { head: string })[] = bySite(nodes).flatMap(({ site, nodes }) => [
    { head: site || t('noSite') },
    ...nodes.map((each) => ({
      label: each.name,
      hint: t(`links.${linkWord(each.link)}`),
      icon: 'node' as const,
      checked: each.node === here?.node,
      onSelect: () => model.chosenNode.set(each.node),
    })),
  ]);
  items.push(
    { head: t('more') },
    { label: t('addNode'), icon: 'plus', onSelect: () => model.page.set('pair') },
    { label: t('manageNodes'), icon: 'settings', onSelect: () => model.page.set('settings') },
  );
  return (
    <header className="shell-top">
      <svg className="shell-mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
        <circle cx="32" cy="32" r="22" fill="none" stroke="var(--sealed)" strokeWidth="7" />
        <circle cx="32" cy="32" r="8" fill="var(--sealed)" />
        <path d="M32 2v12M32 50v12" stroke="var(--sealed)" strokeWidth="7" strokeLinecap="round" />
      </svg>
      {here ? (
        <Menu
          label={t('nodes')}
          items={items}
          button={(opener) => (
            <button type="button" className="shell-place" {...opener}>
              <b>{here.site || here.name}</b>
              {here.site && <span className="dim">{here.name}</span>}
              {known.length > 1 && <span className="spoken">{t('chooseNode')}</span>}
              <Icon name="down" />
            </button>
          )}
        />
      ) : (
        <b>Constitute NVR</b>
      )}
      <div className="grow" />
      {here && (
        <div className="shell-chips">
          <SealedChip node={here} />
          <WholeChip node={here} />
          <RoomChip node={here} />
        </div>
      )}
    </header>
  );
}

/** The key of the words for a link. */
export function linkWord(link: LinkState): 'open' | 'connecting' | 'lost' | 'refused' {
  return link.kind;
}
