import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import { IconButton } from '../ui/button.tsx';
import { Menu, type MenuItem } from '../ui/popover.tsx';

const Imaging = lazy(() => import('./imaging.tsx'));

export interface TileControlsProps {
  cameraKey: string;
  camera: Camera | undefined;
  hasPicture: boolean;
  hasSound: boolean;
  ptz: boolean;
  imaging: boolean;
  zoomed: boolean;
  onSnapshot(): void;
  onResetZoom(): void;
  onPtz(): void;
  onTakeOff(): void;
}

/** What can be done with a tile; what it does not offer is not there. */
export function TileControls(props: TileControlsProps) {
  const { cameraKey, camera, hasPicture, hasSound, ptz, imaging, zoomed } = props;
  const { t } = useTranslation('wall');
  const { wall, page } = useModel();
  const enlarged = useStore(wall.enlarged) === cameraKey;
  const heard = useStore(wall.heard) === cameraKey;
  const [adjusting, setAdjusting] = useState(false);
  const more: MenuItem[] = [];
  if (imaging) more.push({ label: t('imaging.title'), icon: 'light', onSelect: () => setAdjusting(true) });
  if (camera) more.push({ label: t('aboutCamera'), icon: 'info', onSelect: () => page.set('cameras') });
  more.push({ label: t('takeOff'), icon: 'close', onSelect: props.onTakeOff });
  return (
    <div className="wall-controls">
      {zoomed && <IconButton icon="zoomOut" label={t('zoomReset')} keys="Z" onClick={props.onResetZoom} />}
      {ptz && <IconButton icon="ptz" label={t('ptz.open')} onClick={props.onPtz} />}
      {hasSound && (
        <IconButton
          icon={heard ? 'sound' : 'mute'}
          label={heard ? t('soundOff') : t('soundOn')}
          keys="M"
          pressed={heard}
          onClick={() => wall.heard.set(heard ? null : cameraKey)}
        />
      )}
      {hasPicture && <IconButton icon="snapshot" label={t('snapshot')} keys="S" onClick={props.onSnapshot} />}
      <IconButton
        icon={enlarged ? 'reduce' : 'enlarge'}
        label={enlarged ? t('reduce') : t('enlarge')}
        keys={enlarged ? 'Esc' : 'Enter'}
        onClick={() => wall.enlarged.set(enlarged ? null : cameraKey)}
      />
      <Menu
        label={t('more')}
        align="end"
        items={more}
        button={(opener) => <IconButton icon="more" label={t('more')} {...opener} />}
      />
      {adjusting && camera && (
        <Suspense>
          <Imaging camera={camera} onClose={() => setAdjusting(false)} />
        </Suspense>
      )}
    </div>
  );
}
