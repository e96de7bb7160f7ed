import { useTranslation } from 'react-i18next';
import type { Camera } from '../model/cameras.ts';
import { IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { Menu, type MenuItem } from '../ui/popover.tsx';

export interface CameraPickerProps {
  cameras: readonly Camera[];
  /** Keys on the wall already. */
  shown: readonly (string | null)[];
  onPick(camera: string): void;
  /** Takes the empty tile away. */
  onRemove?: (() => void) | undefined;
}

/** An empty tile: which camera shall stand here. */
export function CameraPicker({ cameras, shown, onPick, onRemove }: CameraPickerProps) {
  const { t } = useTranslation('wall');
  const nodes = [...new Set(cameras.map(({ node }) => node))];
  const items = nodes.flatMap((node): (MenuItem | { head: string })[] => {
    const own = cameras.filter((each) => each.node === node);
    const { site, nodeName } = own[0]!;
    const head = nodes.length > 1 ? [{ head: [site, nodeName].filter(Boolean).join(' · ') }] : [];
    return [
      ...head,
      ...own.map((each) => ({
        key: each.key,
        label: each.name,
        hint: shown.includes(each.key) ? t('onWall') : undefined,
        onSelect: () => onPick(each.key),
      })),
    ];
  });
  return (
    <div className="wall-empty">
      {items.length > 0 && (
        <Menu
          label={t('chooseCamera')}
          items={items}
          search={{ label: t('searchCamera'), none: t('noSuchCamera') }}
          button={(opener) => (
            <button type="button" className="wall-empty-button" {...opener}>
              <Icon name="plus" />
              {t('chooseCamera')}
            </button>
          )}
        />
      )}
      {onRemove && <IconButton icon="close" label={t('removeTile')} className="wall-empty-remove" onClick={onRemove} />}
    </div>
  );
}
