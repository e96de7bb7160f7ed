import { useMemo, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { useExportable } from '../export/use-exportable.ts';
import { useModel } from '../model/model.ts';
import { TimeBar } from './time-bar.tsx';
import { chosenCameras, type TimeCamera, useTimeCameras } from './time-cameras.ts';
import { Timeline } from './timeline.tsx';
import { useTimeActions, useTimeKeys } from './use-time-actions.ts';

/** The lower part of the screen: time. */
export default function TimeArea() {
  const { t } = useTranslation('time');
  const cameras = useTimeCameras();
  const lanes = useLanes(cameras);
  const actions = useTimeActions(cameras);
  const mayExport = useExportable().length > 0;
  useTimeKeys(actions, mayExport);
  if (cameras.length === 0) return null;
  return (
    <section className="time" aria-label={t('title')}>
      <TimeBar cameras={cameras} actions={actions} mayExport={mayExport} />
      <Timeline cameras={lanes} />
    </section>
  );
}

/** A phone on its side: pictures need the height. */
const low = matchMedia('(max-height: 480px)');

/** The cameras that have a lane: all, or where the window is low the one that is looked at. */
function useLanes(cameras: readonly TimeCamera[]): readonly TimeCamera[] {
  const model = useModel();
  const chosen = useStore(model.wall.chosen);
  const enlarged = useStore(model.wall.enlarged);
  const isLow = useSyncExternalStore(
    (told) => {
      low.addEventListener('change', told);
      return () => low.removeEventListener('change', told);
    },
    () => low.matches,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: which one is looked at is read from the wall
  return useMemo(
    () => (isLow ? chosenCameras(model, cameras).slice(0, 1) : cameras),
    [model, cameras, isLow, chosen, enlarged],
  );
}
