import { useTranslation } from 'react-i18next';
import { useExportable } from '../export/use-exportable.ts';
import { TimeBar } from './time-bar.tsx';
import { useTimeCameras } from './time-cameras.ts';
import { Timeline } from './timeline.tsx';
import { useTimeActions, useTimeKeys } from './use-time-actions.ts';

/** The lower part of the screen: time. */
export default function TimeArea() {
  const { t } = useTranslation('time');
  const cameras = useTimeCameras();
  const actions = useTimeActions(cameras);
  const mayExport = useExportable().length > 0;
  useTimeKeys(actions, mayExport);
  if (cameras.length === 0) return null;
  return (
    <section className="time" aria-label={t('title')}>
      <TimeBar cameras={cameras} actions={actions} mayExport={mayExport} />
      <Timeline cameras={cameras} />
    </section>
  );
}
