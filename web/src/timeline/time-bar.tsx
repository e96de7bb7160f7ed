import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { useModel } from '../model/model.ts';
import { FULL_SPEED_MAX, SPEEDS } from '../model/playhead.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Menu } from '../ui/popover.tsx';
import { CalendarDialog } from './calendar-dialog.tsx';
import type { TimeCamera } from './time-cameras.ts';
import { SPANS } from './time-view.ts';
import type { TimeActions } from './use-time-actions.ts';
import { Zone } from './zone.ts';

/** How often the time is drawn while it runs. */
const CLOCK_MS = 200;
const SPAN_NAMES = ['minute', 'tenMinutes', 'hour', 'sixHours', 'day', 'week', 'month', 'year'] as const;
const SPAN_CHOICES = [...SPANS, 365 * 86_400_000];

interface Props {
  cameras: readonly TimeCamera[];
  actions: TimeActions;
  mayExport: boolean;
}

/** The time that is shown, and what can be done to it. */
export function TimeBar({ cameras, actions, mayExport }: Props) {
  const { playhead, timeView, selection, exporting } = useModel();
  const { t } = useTranslation('time');
  const formats = useFormats();
  const state = useStore(playhead.state);
  const waiting = useStore(playhead.waiting);
  const marked = useStore(selection);
  const [calendar, setCalendar] = useState(false);
  const isLive = state.kind === 'live';
  const playing = isLive || state.playing;
  const at = useShownTime(playing);
  const now = Date.now();
  const speed = isLive ? 1 : state.speed;
  const repeated = new Zone(formats.zone).isRepeated(at);
  const offset = repeated ? (formats.exact(at).match(/UTC[^)]*/)?.[0] ?? '') : '';

  return (
    <div className="time-bar">
      <div className="time-shown">
        <time className="time-now" dateTime={new Date(at).toISOString()} title={formats.exact(at)}>
          {formats.time(at)}
          {repeated && <small title={t('repeated', { time: formats.time(at), offset })}>{offset}</small>}
        </time>
        <span className="time-date">
          <span>{formats.date(at, now)}</span>
          <span className="time-relative" data-live={isLive ? '' : undefined}>
            {isLive ? t('liveNow') : formats.relative(at, now)}
          </span>
          {waiting && !isLive && <span className="time-wait">{t('wait')}</span>}
        </span>
      </div>
      {marked && (
        <span className="time-marked">
          {t('select.text', {
            length: formats.duration(marked.to - marked.from),
            from: formats.moment(marked.from, now),
            to: formats.time(marked.to),
          })}
          <IconButton icon="close" label={t('select.clear')} keys="U" onClick={() => actions.mark(null)} />
        </span>
      )}
      <div className="time-buttons time-moves">
        <IconButton icon="eventBack" label={t('eventBack')} keys="⇧ ←" onClick={() => actions.event(-1)} />
        <span className="time-group">
          <IconButton icon="stepBack" label={t('stepBack')} keys="←" onClick={() => void playhead.step(-1)} />
          <IconButton
            icon={playing ? 'pause' : 'play'}
            label={playing ? t('pause') : t('play')}
            keys="Space"
            kind="plain"
            onClick={actions.play}
          />
          <IconButton
            icon="stepForward"
            label={t('stepForward')}
            keys="→"
            disabled={isLive}
            onClick={() => void playhead.step(1)}
          />
        </span>
        <IconButton
          icon="eventForward"
          label={t('eventForward')}
          keys="⇧ →"
          disabled={isLive}
          onClick={() => actions.event(1)}
        />
        <Menu
          label={t('speed')}
          align="end"
          button={(opener) => (
            <Button
              kind="quiet"
              className="time-speed"
              disabled={isLive}
              aria-label={`${t('speed')}: ${t('speedValue', { speed: formats.number(speed, 2) })}`}
              {...opener}
            >
              {t('speedValue', { speed: formats.number(speed, 2) })}
            </Button>
          )}
          items={SPEEDS.map((each) => ({
            label: t('speedValue', { speed: formats.number(each, 2) }),
            ...(each > FULL_SPEED_MAX ? { hint: t('speedKeyframes') } : each > 2 ? { hint: t('speedSilent') } : {}),
            checked: each === speed,
            onSelect: () => playhead.setSpeed(each),
          }))}
        />
      </div>
      <div className="time-buttons time-places">
        <IconButton
          icon="zoomOut"
          label={t('zoomOut')}
          keys="−"
          className="time-wide"
          onClick={() => actions.zoom(-1)}
        />
        <Menu
          label={t('span')}
          align="end"
          button={(opener) => <IconButton icon="clock" label={t('span')} className="time-wide" {...opener} />}
          items={SPAN_CHOICES.map((span, index) => ({
            label: t(`spans.${SPAN_NAMES[index]!}`),
            onSelect: () => timeView.setSpan(span, playhead.now()),
          }))}
        />
        <IconButton icon="zoomIn" label={t('zoomIn')} keys="+" className="time-wide" onClick={() => actions.zoom(1)} />
        <IconButton icon="calendar" label={t('calendar')} onClick={() => setCalendar(true)} />
        {mayExport && (
          <>
            <Button className="time-words" onClick={() => exporting.set(true)}>
              {t('export')}
            </Button>
            <IconButton
              icon="download"
              className="time-brief"
              label={t('export')}
              onClick={() => exporting.set(true)}
            />
          </>
        )}
        <button
          type="button"
          className="time-live"
          aria-pressed={isLive}
          title={isLive ? t('liveNow') : `${t('goLive')} (L)`}
          onClick={actions.live}
        >
          <span className="time-live-dot" aria-hidden="true" />
          {t('live')}
        </button>
      </div>
      {calendar && (
        <CalendarDialog
          cameras={cameras}
          at={at}
          onClose={() => setCalendar(false)}
          onChoose={(chosen) => {
            setCalendar(false);
            playhead.seek(chosen);
            timeView.keep(chosen, true);
          }}
        />
      )}
    </div>
  );
}

/** Epoch ms that the wall shows; renewed while it runs. */
function useShownTime(playing: boolean): number {
  const { playhead } = useModel();
  const [at, setAt] = useState(() => playhead.now());
  useEffect(() => {
    const draw = () => setAt(playhead.now());
    draw();
    const unsubscribe = playhead.state.subscribe(draw);
    const timer = setInterval(() => {
      if (!document.hidden && (playing || playhead.state.get().kind === 'live')) draw();
    }, CLOCK_MS);
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }, [playhead, playing]);
  return at;
}
