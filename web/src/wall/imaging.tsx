import { useTranslation } from 'react-i18next';
import type { Camera } from '../model/cameras.ts';
import { ImagingFields } from '../pages/cameras/imaging-fields.tsx';
import { Dialog } from '../ui/dialog.tsx';

/** How a camera makes its picture, beside the picture itself: what is changed is seen at once. */
export default function Imaging({ camera, onClose }: { camera: Camera; onClose(): void }) {
  const { t } = useTranslation('wall');
  return (
    <Dialog title={t('imaging.of', { name: camera.name })} width={380} aside onClose={onClose}>
      <ImagingFields camera={camera} />
    </Dialog>
  );
}
