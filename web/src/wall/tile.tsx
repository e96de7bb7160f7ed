import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { StreamName } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { useFormats } from '../i18n/use-formats.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import { shownName } from '../model/shown-name.ts';
import { isPlayable } from '../player/media-buffer.ts';
import { chooseStream } from '../player/stream-choice.ts';
import { TileScreen } from '../player/tile-screen.ts';
import { toast } from '../ui/toast.tsx';
import type { Box } from './geometry.ts';
import { PtzPad } from './ptz-pad.tsx';
import { pictureOf, saveBlob, snapshotName } from './snapshot.ts';
import { TileControls } from './tile-controls.tsx';
import { codecName, sizeName, tileMessage } from './tile-message.ts';
import { TileMessageView } from './tile-message-view.tsx';
import { useOffers } from './use-abilities.ts';
import { useFigure, useScreen } from './use-screen.ts';
import { useSeen } from './use-seen.ts';
import { useZoom } from './use-zoom.ts';

/** What keys do with the chosen tile. */
export interface TileActs {
  snapshot(): void;
  resetZoom(): boolean;
  closePtz(): boolean;
}

export interface TileProps {
  cameraKey: string;
  camera: Camera | undefined;
  box: Box;
  /** It stands alone on the wall. */
  alone: boolean;
  index: number;
  onTakeOff(): void;
  /** A drag of the whole tile begins. */
  onDrag?: ((event: React.PointerEvent<HTMLElement>) => void) | undefined;
  acts: Map<string, TileActs>;
}

/** One camera on the wall: its picture, its name, its state in words, and what can be done with it. */
export function Tile({ cameraKey, camera, box, alone, index, onTakeOff, onDrag, acts }: TileProps) {
  const { t } = useTranslation('wall');
  const { engine, playhead, wall, cameras, names } = useModel();
  const formats = useFormats();
  const root = useRef<HTMLElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const bySize = useRef<StreamName | null>(null);
  const [screen, setScreen] = useState<TileScreen | null>(null);
  const [ptz, setPtz] = useState(false);
  const [used, setUsed] = useState(false);
  const past = useStore(playhead.state).kind === 'past';
  const chosen = useStore(wall.chosen) === cameraKey;
  const heard = useStore(wall.heard) === cameraKey;
  const nodes = useStore(engine.nodes);
  const all = useStore(cameras.all);
  const listed = all.some(({ node }) => node === cameraKey.split('/', 1)[0]);
  const seen = useSeen(root);
  const { zoom, handlers, reset } = useZoom(root, { w: box.w, h: box.h });
  const offers = useOffers(camera, used || chosen);

  useLayoutEffect(() => {
    const made = new TileScreen(engine, playhead, host.current!);
    setScreen(made);
    return () => made.close();
  }, [engine, playhead]);

  const shows = useScreen(screen, 'shows');
  const player = useScreen(screen, 'state') ?? { kind: 'idle' as const };
  const pictured = useScreen(screen, 'pictured') ?? false;
  const choice = camera
    ? chooseStream({
        offers: camera.streams.map(({ stream, tracks }) => {
          const state = camera.states[stream];
          const codecs = state?.picture?.codec ?? tracks.find(({ kind }) => kind === 'video')?.codec;
          const width = state?.picture?.width ?? tracks.find(({ kind }) => kind === 'video')?.width ?? null;
          const running = past || state === undefined || state.state === 'running';
          return { stream, width, running, playable: codecs ? isPlayable(codecs) : null };
        }),
        pixels: box.w * devicePixelRatio * zoom.scale,
        alone,
        before: bySize.current,
      })
    : null;
  const stream = choice?.stream;
  useLayoutEffect(() => {
    bySize.current = choice?.bySize ?? null;
  });
  const { node, source, enabled } = camera ?? {};
  const may = camera?.actions.includes(past ? 'playback' : 'live') ?? false;
  useEffect(() => {
    if (!screen) return;
    if (node && source && stream && may && (enabled || past)) screen.show({ node, source, stream, past });
    else if (!node || !enabled || !may) screen.show(null);
  }, [screen, node, source, stream, enabled, may, past]);
  useEffect(() => screen?.setSeen(seen), [screen, seen]);
  useEffect(() => screen?.setHeard(heard), [screen, heard]);
  useEffect(() => screen?.setSize(box.w, box.h), [screen, box.w, box.h]);

  const name = camera ? shownName(camera, all) : (names.of(cameraKey) ?? t('unknownCamera'));
  useEffect(() => screen?.setLabel(t('picture', { name })), [screen, name, t]);
  const link = nodes.find((each) => each.node === cameraKey.split('/', 1)[0])?.link;
  const recorder = shows ? camera?.states[shows.stream] : stream && camera?.states[stream];
  const message = tileMessage({ camera, link, listed, player, recorder: recorder || undefined, past });

  const snapshot = async () => {
    const video = screen?.video;
    const at = (screen?.shown()?.wallUs ?? Date.now() * 1000) / 1000;
    const blob = video && (await pictureOf(video));
    if (!blob) toast(t('noSnapshot'));
    else {
      const file = snapshotName(name, at, formats.zone);
      saveBlob(blob, file);
      toast(t('snapshotSaved', { file }));
    }
  };
  const openPtz = (open: boolean) => {
    // A head is not steered by a picture too small to see where it looks.
    if (open && box.w < 480) wall.enlarged.set(cameraKey);
    setPtz(open);
    if (!open) root.current?.focus({ preventScroll: true });
  };
  useEffect(() => {
    acts.set(cameraKey, {
      snapshot: () => void snapshot(),
      resetZoom: reset,
      closePtz: () => {
        if (ptz) openPtz(false);
        return ptz;
      },
    });
    return () => void acts.delete(cameraKey);
  });
  useEffect(() => {
    if (past) setPtz(false);
  }, [past]);

  const note = choice?.instead ? t('instead', { codec: codecName(codecOf(camera, choice.instead)) }) : null;
  return (
    <section
      ref={root}
      className="wall-tile"
      aria-label={name}
      aria-keyshortcuts={index < 9 ? String(index + 1) : undefined}
      data-camera={cameraKey}
      data-chosen={chosen ? '' : undefined}
      data-zoomed={zoom.scale > 1 ? '' : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys go to the tile that has the focus
      tabIndex={0}
      onFocus={() => wall.chosen.set(cameraKey)}
      onPointerEnter={() => setUsed(true)}
      onPointerLeave={() => setUsed(false)}
      {...handlers}
      onPointerDown={(event) => {
        handlers.onPointerDown(event);
        if (zoom.scale === 1) onDrag?.(event);
      }}
    >
      <div
        ref={host}
        className="wall-glass"
        style={zoom.scale > 1 ? { transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` } : undefined}
      />
      {message && <TileMessageView message={message} name={name} over={pictured} />}
      <TileMark
        past={shows?.past ?? past}
        live={player.kind === 'playing' && shows?.past === false}
        screen={screen}
        used={used || chosen}
      />
      <div className="wall-name">
        <b>{name}</b>
        {(used || chosen) && <TileFigures screen={screen} />}
        {zoom.scale > 1 && <span>{t('zoomed', { times: formats.number(zoom.scale) })}</span>}
        {note && <span className="wall-note">{note}</span>}
      </div>
      {ptz && camera && offers.ptz ? (
        <PtzPad camera={camera} offers={offers} onClose={() => openPtz(false)} />
      ) : (
        <TileControls
          cameraKey={cameraKey}
          camera={camera}
          hasPicture={pictured}
          hasSound={recorder?.sound !== undefined && recorder.sound.treatment !== 'none'}
          ptz={offers.ptz && !past}
          imaging={offers.imaging && !past}
          zoomed={zoom.scale > 1}
          onSnapshot={() => void snapshot()}
          onResetZoom={reset}
          onPtz={() => openPtz(true)}
          onTakeOff={onTakeOff}
        />
      )}
    </section>
  );
}

/** Live or recorded; how old the picture is, on the tile in use. */
function TileMark({
  past,
  live,
  screen,
  used,
}: {
  past: boolean;
  live: boolean;
  screen: TileScreen | null;
  used: boolean;
}) {
  const { t } = useTranslation('wall');
  const formats = useFormats();
  const delay = useFigure(screen, used && live, (each) => each.delayMs);
  if (past) return <span className="wall-mark">{t('recorded')}</span>;
  if (!live) return null;
  return (
    <span className="wall-mark" data-live="">
      <span className="spoken">{t('live')}</span>
      {used && delay !== null && (
        <span title={t('delayMeans')}>{t('delay', { time: formats.duration(Math.max(0, delay)) })}</span>
      )}
    </span>
  );
}

/** "1080p · 25 fps". */
function TileFigures({ screen }: { screen: TileScreen | null }) {
  const { t } = useTranslation('wall');
  const formats = useFormats();
  const size = useFigure(screen, true, ({ width, height }) => sizeName(width, height));
  const rate = useFigure(screen, true, ({ framesPerSecond }) => Math.round(framesPerSecond));
  if (!size) return null;
  return (
    <span>
      {size}
      {rate ? ` · ${t('fps', { rate: formats.number(rate, 0) })}` : ''}
    </span>
  );
}

function codecOf(camera: Camera | undefined, stream: 'main' | 'sub'): string {
  const tracks = camera?.streams.find((each) => each.stream === stream)?.tracks ?? [];
  return camera?.states[stream]?.picture?.codec ?? tracks[0]?.codec ?? '';
}
