import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../i18n/use-formats.ts';
import { useModel } from '../model/model.ts';
import type { Gap, Lane } from './coverage-source.ts';
import type { EventMark } from './event-source.ts';
import { standingOf } from './lane-layout.ts';
import { eventText, type LaneWords, standingText } from './lane-words.ts';
import type { TimeCamera } from './time-cameras.ts';

/** Rows of the hidden table. */
const ROWS_MAX = 60;
/** What is read is renewed so often while it plays: more often nobody can listen. */
const TELL_MS = 1_000;

interface Props {
  cameras: readonly TimeCamera[];
  lanes: readonly Lane[];
  marks: ReadonlyMap<string, readonly EventMark[]>;
  describedBy: string;
  gapText(words: LaneWords, gap: Gap, now: number): string;
}

/** The timeline for those who do not see it: a slider that tells its value in words, and the gaps and events as a table. */
export function TimelineReader({ cameras, lanes, marks, describedBy, gapText }: Props) {
  const { playhead, timeView } = useModel();
  const { t, i18n } = useTranslation('time');
  const formats = useFormats();
  const [told, setTold] = useState({ at: playhead.now(), isLive: true, ...timeView.seen.get() });

  useEffect(() => {
    let soon: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      soon = undefined;
      setTold({ at: playhead.now(), isLive: playhead.state.get().kind === 'live', ...timeView.seen.get() });
    };
    const later = () => {
      soon ??= setTimeout(tell, 120);
    };
    const stops = [playhead.state.subscribe(later), timeView.seen.subscribe(later)];
    const timer = setInterval(() => {
      if (!document.hidden) tell();
    }, TELL_MS);
    return () => {
      clearInterval(timer);
      clearTimeout(soon);
      for (const stop of stops) stop();
    };
  }, [playhead, timeView]);

  const words: LaneWords = { t, formats };
  const long = new Intl.DateTimeFormat(i18n.language === 'en' ? 'en-GB' : i18n.language, {
    timeZone: formats.zone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
  });
  const when = `${long.format(told.at)} ${formats.time(told.at)}`;
  const standings = cameras.map(({ key, name }) => {
    const lane = lanes.find(({ camera }) => camera === key);
    return t('laneIs', {
      camera: name,
      standing: lane ? standingText(words, standingOf(lane, told.at)) : t('standing.unknown'),
    });
  });
  const now = Date.now();
  const rows = cameras
    .flatMap(({ key, name }) => {
      const lane = lanes.find(({ camera }) => camera === key);
      const seen = ({ from, to }: { from: number; to: number | null }) => from < told.to && (to ?? now) >= told.from;
      return [
        ...(lane?.gaps ?? [])
          .filter(seen)
          .map((gap) => ({ name, from: gap.from, id: `gap ${gap.from}`, text: gapText(words, gap, now) })),
        ...(marks.get(key) ?? [])
          .filter(seen)
          .map((event) => ({ name, from: event.from, id: `event ${event.id}`, text: eventText(words, event, now) })),
      ].map((row) => ({ ...row, id: `${key} ${row.id}` }));
    })
    .sort((a, b) => a.from - b.from);

  return (
    <>
      <div
        className="time-slider"
        role="slider"
        tabIndex={0}
        aria-label={t('timeline')}
        aria-orientation="horizontal"
        aria-valuemin={Math.floor(told.from / 1000)}
        aria-valuemax={Math.ceil(told.to / 1000)}
        aria-valuenow={Math.round(Math.min(Math.max(told.at, told.from), told.to) / 1000)}
        aria-valuetext={told.isLive ? t('valueLive', { when }) : t('valueAt', { when, lanes: standings.join(', ') })}
        aria-describedby={describedBy}
      />
      <div className="spoken">
        <table>
          <caption>
            {t('table.caption')}{' '}
            {t('showing', { from: formats.dateTime(told.from), to: formats.dateTime(Math.min(told.to, now)) })}
          </caption>
          <thead>
            <tr>
              <th scope="col">{t('table.camera')}</th>
              <th scope="col">{t('table.what')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, ROWS_MAX).map(({ id, name, text }) => (
              <tr key={id}>
                <td>{name}</td>
                <td>{text}</td>
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td colSpan={2}>{t('table.none')}</td>
              </tr>
            )}
          </tbody>
        </table>
        {rows.length > ROWS_MAX && <p>{t('table.more')}</p>}
      </div>
    </>
  );
}
