import { useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../../i18n/use-formats.ts';
import { stateText } from '../../i18n/words.ts';
import type { Camera } from '../../model/cameras.ts';
import { Dot, IconButton, Menu, type MenuItem, type Tone, useNow } from '../../ui/index.ts';
import { visibleRows } from '../../ui/visible-rows.ts';
import { LastPicture } from './last-picture.tsx';

/** Pixels of a row, the line below it included; the style sheet has the same. */
const ROW = 84;

export interface CameraListProps {
  cameras: readonly Camera[];
  label: string;
  onOpen(camera: Camera): void;
  /** What may be done with a camera. */
  actions(camera: Camera): readonly MenuItem[];
}

/** Cameras with their last picture and state; of long lists only what is seen is drawn. */
export function CameraList({ cameras, label, onOpen, actions }: CameraListProps) {
  const list = useRef<HTMLUListElement>(null);
  const [view, setView] = useState({ top: 0, height: 1_200 });
  useLayoutEffect(() => {
    const page = list.current?.closest('.ui-page');
    if (!page || !list.current) return;
    const look = () => {
      const top = page.getBoundingClientRect().top - list.current!.getBoundingClientRect().top;
      // Only steps of whole rows matter.
      setView((before) => {
        const next = { top: Math.floor(Math.max(0, top) / ROW) * ROW, height: page.clientHeight };
        return before.top === next.top && before.height === next.height ? before : next;
      });
    };
    look();
    page.addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      page.removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, []);
  const rows = visibleRows(cameras.length, ROW, view.top, view.height);
  return (
    <ul
      ref={list}
      className="cameras-list"
      aria-label={label}
      style={{ paddingTop: rows.before, paddingBottom: rows.after }}
    >
      {cameras.slice(rows.first, rows.last).map((camera, index) => (
        <li
          key={camera.key}
          className="cameras-row"
          aria-setsize={cameras.length}
          aria-posinset={rows.first + index + 1}
        >
          <CameraRow camera={camera} onOpen={onOpen} actions={actions(camera)} />
        </li>
      ))}
    </ul>
  );
}

function CameraRow({
  camera,
  onOpen,
  actions,
}: {
  camera: Camera;
  onOpen(camera: Camera): void;
  actions: readonly MenuItem[];
}) {
  const { t } = useTranslation('cameras');
  const { tone, words, more } = useStateWords(camera);
  return (
    <>
      <LastPicture camera={camera} />
      <div className="cameras-row-name">
        <button type="button" className="cameras-open" onClick={() => onOpen(camera)}>
          {camera.name}
        </button>
        <span className="cameras-row-state">
          <Dot tone={tone} />
          <span>
            {words}
            {more && ` · ${more}`}
          </span>
        </span>
      </div>
      <div className="cameras-row-streams">
        {camera.streams.map(({ stream }) => (
          <StreamLine key={stream} camera={camera} stream={stream} />
        ))}
      </div>
      {actions.length > 0 && (
        <Menu
          label={t('list.actions', { name: camera.name })}
          align="end"
          items={actions}
          button={(opener) => <IconButton icon="more" label={t('list.actions', { name: camera.name })} {...opener} />}
        />
      )}
    </>
  );
}

function StreamLine({ camera, stream }: { camera: Camera; stream: 'main' | 'sub' }) {
  const { t } = useTranslation('cameras');
  const formats = useFormats();
  const state = camera.states[stream];
  const facts = state?.state === 'running' && [
    state.picture && `${state.picture.width} × ${state.picture.height}`,
    state.framesPerSecond !== undefined && t('unit.fps', { value: formats.number(state.framesPerSecond, 0) }),
    state.bitsPerSecond !== undefined && formats.bitRate(state.bitsPerSecond),
  ];
  return (
    <span className="cameras-stream">
      <span className="dim">{t(`stream.${stream}`)}</span>{' '}
      {facts ? facts.filter(Boolean).join(' · ') : state ? stateText(t, state) : '–'}
    </span>
  );
}

/** The state of a camera in one line: the worse of its streams. */
export function useStateWords(camera: Camera): { tone: Tone; words: string; more: string | null } {
  const { t } = useTranslation('cameras');
  const formats = useFormats();
  const now = useNow(1_000);
  if (!camera.reachable) return { tone: 'gap', words: t('list.unreachable'), more: null };
  if (!camera.enabled) return { tone: 'none', words: t('list.disabled'), more: null };
  const states = camera.streams.flatMap(({ stream }) => camera.states[stream] ?? []);
  const worst = states.find(({ state }) => state !== 'running') ?? states[0];
  if (!worst) return { tone: 'none', words: t('list.unknown'), more: null };
  const runs = worst.state === 'running';
  const stored = worst.recording === undefined || worst.recording === 'yes' || worst.recording === 'event';
  const tone: Tone = runs ? (stored || worst.recording === 'unsure' ? 'sealed' : 'none') : 'gap';
  const more =
    worst.retryAt === undefined
      ? t('list.since', { time: formats.moment(worst.since, now) })
      : t('list.retry', { time: formats.relative(Math.max(worst.retryAt, now), now) });
  return { tone, words: stateText(t, worst), more };
}
