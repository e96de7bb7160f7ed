import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { useModel } from '../model/model.ts';
import type { Layout, LayoutKind, SavedLayout } from '../model/wall.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/field.tsx';
import type { IconName } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/popover.tsx';
import { FREE_MAX } from './geometry.ts';

const KINDS: readonly { kind: LayoutKind; icon: IconName }[] = [
  { kind: '1', icon: 'layout1' },
  { kind: '2', icon: 'layout2' },
  { kind: '4', icon: 'layout4' },
  { kind: '9', icon: 'layout9' },
  { kind: '16', icon: 'layout16' },
  { kind: 'free', icon: 'layoutFree' },
];
const SAVED_MAX = 24;

export interface WallToolsProps {
  layout: Layout;
  onKind(kind: LayoutKind): void;
  onChange(layout: Layout): void;
  /** One more tile of the free layout. */
  onAddTile(): void;
  /** Absent where the browser has no full screen. */
  onFullScreen?: (() => void) | undefined;
}

/** Layouts, saved ones, full screen. */
export function WallTools({ layout, onKind, onChange, onAddTile, onFullScreen }: WallToolsProps) {
  const { t } = useTranslation('wall');
  const { wall } = useModel();
  const saved = useStore(wall.saved);
  const [managing, setManaging] = useState(false);
  const items: (MenuItem | { head: string })[] = KINDS.map(({ kind, icon }) => ({
    label: t(`layouts.${kind}`),
    icon,
    checked: layout.kind === kind,
    onSelect: () => onKind(kind),
  }));
  if (layout.kind === 'free' && layout.places.length < FREE_MAX)
    items.push({ label: t('addTile'), icon: 'plus', onSelect: onAddTile });
  if (saved.length > 0) {
    items.push({ head: t('savedLayouts') });
    for (const { name, kind, tiles, places } of saved)
      items.push({
        key: `saved ${name}`,
        label: name,
        icon: KINDS.find((each) => each.kind === kind)!.icon,
        onSelect: () => onChange({ kind, tiles, places }),
      });
  }
  items.push({ label: t('saveLayout'), icon: 'save', onSelect: () => setManaging(true) });
  const icon = KINDS.find(({ kind }) => kind === layout.kind)!.icon;
  return (
    <>
      <Menu
        label={t('layout')}
        align="end"
        items={items}
        button={(opener) => <IconButton icon={icon} label={t('layout')} {...opener} />}
      />
      {onFullScreen && <IconButton icon="fullScreen" label={t('fullScreen')} keys="F" onClick={onFullScreen} />}
      {managing && <SavedLayouts layout={layout} onClose={() => setManaging(false)} />}
    </>
  );
}

/** Keeps the layout under a name; takes kept ones away. */
function SavedLayouts({ layout, onClose }: { layout: Layout; onClose(): void }) {
  const { t } = useTranslation('wall');
  const { wall } = useModel();
  const saved = useStore(wall.saved);
  const [name, setName] = useState('');
  const wished = name.trim();
  const replaces = saved.some((each) => each.name === wished);
  const full = saved.length >= SAVED_MAX && !replaces;
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (wished === '' || full) return;
    const kept: SavedLayout = { ...layout, name: wished };
    wall.saved.update((all) => [...all.filter((each) => each.name !== wished), kept]);
    onClose();
  };
  return (
    <Dialog title={t('saveLayoutTitle')} width={420} onClose={onClose}>
      <form className="wall-save" onSubmit={save}>
        <TextField
          label={t('layoutName')}
          hint={replaces ? t('layoutReplaces') : undefined}
          error={full ? t('layoutsFull') : null}
          value={name}
          maxLength={48}
          autoFocus
          onChange={setName}
        />
        <Button type="submit" kind="main" disabled={wished === '' || full}>
          {t('save')}
        </Button>
      </form>
      {saved.length > 0 && (
        <ul className="wall-saved" aria-label={t('savedLayouts')}>
          {saved.map((each) => (
            <li key={each.name}>
              <span className="grow">{each.name}</span>
              <IconButton
                icon="remove"
                label={t('removeLayout', { name: each.name })}
                onClick={() => wall.saved.update((all) => all.filter(({ name }) => name !== each.name))}
              />
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
