import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import { useModel } from '../model/model.ts';
import { CoverageSource } from './coverage-source.ts';
import { colorsOf, drawLanes, drawOverlay, labelFont } from './draw-lanes.ts';
import { EventSource } from './event-source.ts';
import { beginningOf, hitOf, laneAt, laneLayout } from './lane-layout.ts';
import { gapText, hitText } from './lane-words.ts';
import { tickLabels, tickWords } from './tick-labels.ts';
import type { TimeCamera } from './time-cameras.ts';
import { Scale } from './time-view.ts';
import { TimelineReader } from './timeline-reader.tsx';
import { useTimelineGestures } from './use-timeline-gestures.ts';
import { Zone } from './zone.ts';
import './timeline.css';

/** What the pointer is over. */
interface Pointed {
  x: number;
  y: number;
}

/** The lanes of time: what was recorded and when, with the cursor; dragged, zoomed, or walked by keys. */
export function Timeline({ cameras }: { cameras: readonly TimeCamera[] }) {
  const model = useModel();
  const { engine, playhead, timeView, selection, wall } = model;
  const { t, i18n } = useTranslation('time');
  const formats = useFormats();
  const zone = useMemo(() => new Zone(formats.zone), [formats.zone]);
  const words = useMemo(() => tickWords(i18n.language, formats.zone), [i18n.language, formats.zone]);
  const coverage = useMemo(() => new CoverageSource(engine), [engine]);
  const events = useMemo(() => new EventSource(engine), [engine]);
  const lanes = useStore(coverage.lanes);
  const marks = useStore(events.marks);
  const seen = useStore(timeView.seen);
  const marked = useStore(selection);
  const chosen = useStore(wall.chosen);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const field = useRef<HTMLDivElement>(null);
  const ground = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const pill = useRef<HTMLDivElement>(null);
  const helpId = useId();
  const coarse = useMemo(() => matchMedia('(pointer: coarse)').matches, []);
  const layout = useMemo(() => laneLayout(cameras.length, coarse), [cameras.length, coarse]);
  const scale = useMemo(() => new Scale(seen, Math.max(1, width)), [seen, width]);
  const tellsGesture = useTimelineGestures(field, { model, layout, setPointed });

  useEffect(
    () => () => {
      coverage.close();
      events.close();
    },
    [coverage, events],
  );

  useEffect(() => {
    const sizes = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)));
    sizes.observe(field.current!);
    const themed = () => setTheme((count) => count + 1);
    document.addEventListener('themechange', themed);
    return () => {
      sizes.disconnect();
      document.removeEventListener('themechange', themed);
    };
  }, []);

  useEffect(() => {
    if (width === 0) return;
    const { from, to } = seen;
    coverage.view(cameras, Math.max(0, Math.floor(from)), Math.ceil(to), width);
    // A drag passes many views: events are asked for where it rests.
    const rest = setTimeout(() => events.view(cameras, Math.max(0, Math.floor(from)), Math.ceil(to)), 150);
    return () => clearTimeout(rest);
  }, [coverage, events, cameras, seen, width]);

  // What is seen at first: what there is. Not any more once a hand is on it, or the past is shown.
  const fitted = useRef(false);
  useEffect(() => {
    if (fitted.current || width === 0) return;
    const { from, to } = timeView.seen.get();
    const keys = cameras.map(({ key }) => key);
    const first = beginningOf(lanes, keys, from, Math.min(to, Date.now()));
    const mine = playhead.state.get().kind !== 'live' || tellsGesture.current;
    if (first === null && !mine) return;
    fitted.current = true;
    timeView.fit(mine ? null : first);
  }, [lanes, cameras, width, timeView, playhead, tellsGesture]);

  // What stands still.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of theme changes the colours that are read
  useEffect(() => {
    const context = contextOf(ground.current, width, layout.height);
    if (!context) return;
    const colors = colorsOf(field.current!);
    const measure = (text: string, strong: boolean) => {
      context.font = labelFont(colors.font, strong);
      return context.measureText(text).width;
    };
    const { labels } = tickLabels(scale, zone, words, measure);
    drawLanes(context, {
      scale,
      layout,
      lanes: cameras.map(({ key }) => lanes.find((lane) => lane.camera === key) ?? null),
      marks: cameras.map(({ key }) => marks.get(key) ?? []),
      labels,
      colors,
      now: Date.now(),
    });
  }, [scale, layout, lanes, marks, cameras, words, zone, theme]);

  // What moves: as often as it moves by a pixel.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of theme changes the colours that are read
  useEffect(() => {
    const context = contextOf(overlay.current, width, layout.height);
    if (!context) return;
    const colors = colorsOf(field.current!);
    let timer: ReturnType<typeof setTimeout>;
    const draw = () => {
      clearTimeout(timer);
      const state = playhead.state.get();
      const cursor = playhead.now();
      // Under a hand, and while somebody looks at a standing picture, the view stands too.
      if (!tellsGesture.current && (state.kind === 'live' || state.playing)) timeView.tick();
      if (state.kind === 'past' && state.playing && !state.scrubbing && !tellsGesture.current)
        timeView.keep(cursor, true);
      const now = new Scale(timeView.seen.get(), Math.max(1, width));
      const isLive = state.kind === 'live';
      const hover = pointed ? now.at(pointed.x) : null;
      drawOverlay(context, { scale: now, layout, colors, cursor, isLive, hover, selection: marked });
      placePill(pill.current, isLive ? null : formats.time(cursor), now.x(cursor), width);
      const moves = isLive || state.playing;
      const wait = now.msPerPixel / 2 / (state.kind === 'past' ? state.speed : 1);
      timer = setTimeout(draw, moves ? Math.min(Math.max(wait, 33), 1_000) : 1_000);
    };
    draw();
    const unsubscribe = playhead.state.subscribe(draw);
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [playhead, timeView, layout, pointed, marked, width, formats, theme]);

  const hit = pointed && !tellsGesture.current ? pointedText(pointed) : null;
  function pointedText({ x, y }: Pointed) {
    const index = laneAt(layout, y, cameras.length);
    const at = scale.at(x);
    const now = Date.now();
    const exact = zone.isRepeated(at) ? formats.exact(at) : formats.moment(at, now);
    const lane = index === null ? undefined : lanes.find(({ camera }) => camera === cameras[index]!.key);
    if (!lane || at > now) return { at: exact, what: at > now ? t('ahead') : shiftText(at), kind: '' };
    const found = hitOf(lane, marks.get(lane.camera) ?? [], scale, x);
    return { at: exact, what: hitText({ t, formats }, found, now), kind: found.kind };
  }
  function shiftText(at: number) {
    const slack = 6 * scale.msPerPixel;
    const [shift] = zone.shifts(at - slack, at + slack);
    if (!shift) return '';
    const length = formats.duration(Math.abs(shift.after - shift.before) * 60_000);
    return shift.after < shift.before ? t('shiftBack', { length }) : t('shiftOn', { length });
  }

  return (
    <div className="time-lanes">
      <div className="time-names" style={{ paddingTop: layout.scale }} aria-hidden="true">
        {cameras.map(({ key, name }) => (
          <div
            key={key}
            className="time-name"
            data-chosen={key === chosen ? '' : undefined}
            data-small={layout.pitch < 16 ? '' : undefined}
            style={{ height: layout.pitch }}
            title={name}
          >
            {name}
          </div>
        ))}
      </div>
      <div className="time-field" ref={field} style={{ height: layout.height }}>
        <canvas ref={ground} className="time-canvas" />
        <canvas ref={overlay} className="time-canvas" />
        <div ref={pill} className="time-pill" aria-hidden="true" />
        {pointed && hit && (
          <div
            className="time-tip"
            data-kind={hit.kind}
            role="status"
            style={{ left: `clamp(90px, ${pointed.x}px, calc(100% - 90px))` }}
          >
            <b>{hit.at}</b>
            {hit.what && <span>{hit.what}</span>}
          </div>
        )}
        <TimelineReader cameras={cameras} lanes={lanes} marks={marks} describedBy={helpId} gapText={gapText} />
        <span id={helpId} className="spoken">
          {t('timelineHelp')}
        </span>
      </div>
    </div>
  );
}

/** Sharp at any density of the screen. */
function contextOf(canvas: HTMLCanvasElement | null, width: number, height: number): CanvasRenderingContext2D | null {
  const context = canvas?.getContext('2d');
  if (!canvas || !context || width === 0) return null;
  const density = Math.min(devicePixelRatio || 1, 3);
  const [wide, high] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  context.setTransform(density, 0, 0, density, 0, 0);
  return context;
}

/** The time at the cursor. */
function placePill(pill: HTMLElement | null, text: string | null, x: number, width: number): void {
  if (!pill) return;
  const hidden = text === null || x < -1 || x > width + 1;
  pill.hidden = hidden;
  if (hidden) return;
  if (pill.textContent !== text) pill.textContent = text;
  pill.style.left = `${Math.min(Math.max(x, 30), width - 30)}px`;
}
