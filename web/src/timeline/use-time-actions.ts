import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Model, useModel } from '../model/model.ts';
import { SPEEDS } from '../model/playhead.ts';
import { useHotkeys } from '../ui/hotkeys.ts';
import { toast } from '../ui/toast.tsx';
import { chosenCameras, type TimeCamera } from './time-cameras.ts';
import { eventFrom, gapFrom, type Jump, oldestOf } from './time-jumps.ts';

/** An arrow key moves so far while it plays; ms. */
const STRIDE_MS = 5_000;
/** Shortest stretch that is marked by keys; ms. */
const MARK_MS_MIN = 1_000;
/** What is marked with one key only is so long, as a share of the time shown. */
const MARK_SHARE = 0.05;

/** What buttons and keys do to time. */
export interface TimeActions {
  play(): void;
  live(): void;
  step(direction: 1 | -1): void;
  event(direction: 1 | -1): void;
  gap(direction: 1 | -1): void;
  oldest(): void;
  speed(direction: 1 | -1): void;
  zoom(direction: 1 | -1): void;
  mark(edge: 'from' | 'to' | null): void;
}

export function useTimeActions(cameras: readonly TimeCamera[]): TimeActions {
  const model = useModel();
  const { t } = useTranslation('time');
  return useMemo(() => {
    const { playhead, timeView, engine } = model;
    const go = (at: number) => {
      playhead.seek(at);
      timeView.keep(at, true);
    };
    const jump = (find: typeof eventFrom, direction: 1 | -1, none: string) => {
      find(engine.call, chosenCameras(model, cameras), playhead.now(), direction).then(
        (found: Jump | null) => (found ? go(found.at) : toast(none)),
        () => toast(t('cannotJump')),
      );
    };
    return {
      play() {
        const state = playhead.state.get();
        if (state.kind === 'live') playhead.seek(Date.now(), { playing: false });
        else playhead.setPlaying(!state.playing);
      },
      live() {
        playhead.goLive();
        timeView.present();
      },
      step(direction: 1 | -1) {
        const state = playhead.state.get();
        if (state.kind === 'past' && !state.playing) void playhead.step(direction);
        else go(playhead.now() + direction * STRIDE_MS);
      },
      event: (direction: 1 | -1) =>
        jump(eventFrom, direction, direction === 1 ? t('noEventForward') : t('noEventBack')),
      gap: (direction: 1 | -1) => jump(gapFrom, direction, direction === 1 ? t('noGapForward') : t('noGapBack')),
      oldest() {
        oldestOf(engine.call, chosenCameras(model, cameras)).then(
          (at) => at !== null && go(at),
          () => toast(t('cannotJump')),
        );
      },
      speed: (direction: 1 | -1) => changeSpeed(model, direction),
      zoom(direction: 1 | -1) {
        const { from, to } = timeView.seen.get();
        const cursor = playhead.now();
        timeView.zoomStep(direction, cursor >= from && cursor <= to ? cursor : (from + to) / 2);
      },
      mark: (edge: 'from' | 'to' | null) => mark(model, edge),
    };
  }, [model, cameras, t]);
}

function changeSpeed({ playhead }: Model, direction: 1 | -1): void {
  const state = playhead.state.get();
  if (state.kind === 'live') return;
  const at = SPEEDS.findIndex((each) => each >= state.speed);
  const speed = SPEEDS[Math.min(Math.max(at + direction, 0), SPEEDS.length - 1)]!;
  playhead.setSpeed(speed);
}

/** Marks a stretch by its edges, as the cursor stands. */
function mark({ playhead, selection, timeView }: Model, edge: 'from' | 'to' | null): void {
  if (edge === null) {
    selection.set(null);
    return;
  }
  const at = Math.round(playhead.now());
  const before = selection.get();
  const length = Math.max(MARK_MS_MIN, Math.round(timeView.span * MARK_SHARE));
  if (edge === 'from') {
    const to = before && before.to > at + MARK_MS_MIN ? before.to : Math.min(at + length, Date.now());
    selection.set({ from: Math.min(at, to - MARK_MS_MIN), to });
  } else {
    const from = before && before.from < at - MARK_MS_MIN ? before.from : at - length;
    selection.set({ from, to: at });
  }
}

/** The keys of time; listed by `?`. */
export function useTimeKeys(actions: TimeActions, mayExport: boolean): void {
  const { t } = useTranslation('time');
  const { exporting } = useModel();
  useHotkeys(t('keys'), [
    { keys: 'Space k', says: `${t('play')} / ${t('pause')}`, run: actions.play },
    { keys: 'l End', says: t('goLive'), run: actions.live },
    { keys: 'ArrowLeft ,', says: t('stepBack'), run: () => actions.step(-1), repeat: true },
    { keys: 'ArrowRight .', says: t('stepForward'), run: () => actions.step(1), repeat: true },
    { keys: 'Shift+ArrowLeft', says: t('eventBack'), run: () => actions.event(-1) },
    { keys: 'Shift+ArrowRight', says: t('eventForward'), run: () => actions.event(1) },
    { keys: 'Shift+G', says: t('gapBack'), run: () => actions.gap(-1) },
    { keys: 'g', says: t('gapForward'), run: () => actions.gap(1) },
    { keys: 'Home', says: t('oldest'), run: actions.oldest },
    { keys: 'PageUp +', says: t('zoomIn'), run: () => actions.zoom(1), repeat: true },
    { keys: 'PageDown -', says: t('zoomOut'), run: () => actions.zoom(-1), repeat: true },
    { keys: ']', says: t('faster'), run: () => actions.speed(1) },
    { keys: '[', says: t('slower'), run: () => actions.speed(-1) },
    { keys: 'i', says: t('select.begin'), run: () => actions.mark('from') },
    { keys: 'o', says: t('select.end'), run: () => actions.mark('to') },
    { keys: 'u', says: t('select.clear'), run: () => actions.mark(null) },
    ...(mayExport ? [{ keys: 'e', says: t('export'), run: () => exporting.set(true) }] : []),
  ]);
}
