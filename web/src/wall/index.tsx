import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import type { DeviceKey } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { mayAddCameras } from '../model/access.ts';
import { useAccess } from '../model/asked.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';
import type { Layout, LayoutKind } from '../model/wall.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Empty } from '../ui/chip.tsx';
import { autoFill, fillEmpty } from './auto-fill.ts';
import { CameraPicker } from './camera-picker.tsx';
import { toggleFullScreen } from './full-screen.ts';
import {
  type Box,
  boxesOf,
  changeKind,
  freePlace,
  PHONE_WIDTH,
  padded,
  phoneBoxes,
  putCamera,
  type Size,
  tileCount,
} from './geometry.ts';
import { Tile, type TileActs } from './tile.tsx';
import { useSize } from './use-seen.ts';
import { useSwipe } from './use-swipe.ts';
import { useTileDrag } from './use-tile-drag.ts';
import { useWallKeys } from './use-wall-keys.ts';
import { readWallMemory, type WallMemory, writeWallMemory } from './wall-memory.ts';
import { WallTools } from './wall-tools.tsx';
import './wall.css';

/** The wall: cameras in a layout, live or where the playhead stands. */
export default function Wall() {
  const { t } = useTranslation('wall');
  const { wall, cameras, playhead, page, engine } = useModel();
  const root = useRef<HTMLElement>(null);
  const size = useSize(root);
  const layout = useStore(wall.layout);
  const all = useStore(cameras.all);
  const nodes = useStore(engine.nodes);
  const enlarged = useStore(wall.enlarged);
  const chosen = useStore(wall.chosen);
  const byKey = useMemo(() => new Map(all.map((each) => [each.key, each])), [all]);
  const touch = useAutoFill(all);
  const acts = useRef(new Map<string, TileActs>()).current;
  const phone = size.w > 0 && size.w < PHONE_WIDTH;
  const [large, setLarge] = useState<string | null>(null);

  const change = useCallback(
    (next: Layout) => {
      touch();
      wall.layout.set(next);
    },
    [wall, touch],
  );
  const onKind = (kind: LayoutKind) => {
    const shaped = changeKind(layout, kind, size);
    change(
      kind === 'free'
        ? shaped
        : fillEmpty(
            shaped,
            all.filter((each) => each.enabled).map((each) => each.key),
          ),
    );
    wall.enlarged.set(null);
  };
  const tiles = padded(layout.tiles, tileCount(layout));
  const shown = phone ? phoneTiles(tiles, large) : tiles.map((key, index) => ({ key, index }));
  const boxes = phone ? phoneBoxes(shown.length, size.w) : boxesOf(layout, size);
  const whole: Box = { x: 0, y: 0, w: size.w, h: size.h };
  const isEnlarged = enlarged !== null && tiles.includes(enlarged);
  const count = tiles.filter((each) => each !== null).length;
  const drag = useTileDrag({ layout, boxes, wall: size, enabled: !phone && !isEnlarged, onChange: change });
  const step = (by: 1 | -1) => {
    const keys = (count > 1 ? tiles : all.map(({ key }) => key)).filter((each) => each !== null);
    const from = keys.indexOf(isEnlarged ? enlarged : (shown[0]?.key ?? ''));
    const next = keys[(from + by + keys.length) % keys.length];
    if (!next) return;
    if (count <= 1) change(putCamera(layout, 0, next));
    else if (isEnlarged) wall.enlarged.set(next);
    setLarge(next);
    wall.chosen.set(next);
  };
  const swipe = useSwipe(step, phone || isEnlarged);
  useWallKeys({ root, keys: shown.map(({ key }) => key), layout, acts, onChange: change });
  useEffect(() => playhead.leader.set(chosen), [playhead, chosen]);
  // What is not on the wall any more is neither chosen, enlarged nor heard.
  useEffect(() => {
    for (const store of [wall.chosen, wall.enlarged, wall.heard]) {
      const key = store.get();
      if (key !== null && !layout.tiles.includes(key)) store.set(null);
    }
  }, [wall, layout]);

  const open = nodes.find(({ link }) => link.kind === 'open');
  const access = useAccess(open?.node ?? ('' as DeviceKey));
  const configures = access !== null && mayAddCameras(access);
  const nothing = count === 0 && all.length === 0;
  return (
    <section
      ref={root}
      className="wall"
      aria-label={t('wall')}
      data-phone={phone ? '' : undefined}
      data-enlarged={isEnlarged ? '' : undefined}
      data-dragging={drag.dragging ? '' : undefined}
      {...swipe}
    >
      <h1 className="spoken">{t('wall')}</h1>
      <Tools layout={layout} size={size} root={root} onKind={onKind} onChange={change} />
      {nothing && access && (
        <Empty title={t('noCameras')} icon="cameras">
          <p>{configures ? t('noCamerasAdd') : t('noCamerasAsk')}</p>
          {configures && (
            <Button kind="main" icon="plus" onClick={() => page.set('cameras')}>
              {t('addCamera')}
            </Button>
          )}
        </Empty>
      )}
      {!nothing && size.w > 0 && (
        <div className="wall-field" style={phone && !isEnlarged ? { height: bottomOf(boxes) } : undefined}>
          {shown.map(({ key, index }, position) => {
            const box = drag.boxOf(index) ?? boxes[position];
            if (!box) return null;
            const full = isEnlarged && key === enlarged;
            const away = isEnlarged && !full;
            const tile = full ? whole : box;
            return (
              <div
                key={key ?? `empty ${index}`}
                className="wall-slot"
                data-moving={drag.from === index ? '' : undefined}
                data-target={drag.to === index ? '' : undefined}
                hidden={away}
                style={{ left: tile.x, top: tile.y, width: tile.w, height: tile.h }}
                onClickCapture={phone && !isEnlarged && position > 0 && key ? () => setLarge(key) : undefined}
              >
                {key === null ? (
                  <CameraPicker
                    cameras={all}
                    shown={layout.tiles}
                    onPick={(camera) => change(putCamera(layout, index, camera))}
                    onRemove={layout.kind === 'free' ? () => change(withoutTile(layout, index)) : undefined}
                  />
                ) : (
                  <Tile
                    cameraKey={key}
                    camera={byKey.get(key)}
                    box={tile}
                    alone={full || count === 1}
                    index={position}
                    acts={acts}
                    onTakeOff={() =>
                      change(layout.kind === 'free' ? withoutTile(layout, index) : putCamera(layout, index, null))
                    }
                    onDrag={phone || full ? undefined : (event) => drag.begin(event, index, 'move')}
                  />
                )}
                {!phone && !isEnlarged && layout.kind === 'free' && (
                  <span
                    className="wall-resize"
                    aria-hidden="true"
                    onPointerDown={(event) => drag.begin(event, index, 'resize')}
                  />
                )}
              </div>
            );
          })}
        </div>
      )}
    </section>
  );
}

/** In the bar at the top, where there is one. */
function Tools(props: {
  layout: Layout;
  size: Size;
  root: React.RefObject<HTMLElement | null>;
  onKind(kind: LayoutKind): void;
  onChange(layout: Layout): void;
}) {
  const { t } = useTranslation('wall');
  const { wall } = useModel();
  const enlarged = useStore(wall.enlarged);
  const [bar, setBar] = useState<Element | null>(null);
  useEffect(() => setBar(document.querySelector('.shell-top')), []);
  const { layout, root, onKind, onChange } = props;
  const tools = (
    <div className="wall-tools">
      {enlarged !== null && (
        <IconButton icon="reduce" label={t('reduce')} keys="Esc" onClick={() => wall.enlarged.set(null)} />
      )}
      <WallTools
        layout={layout}
        onKind={onKind}
        onChange={onChange}
        onAddTile={() => {
          const places = [...layout.places, freePlace(layout.places)];
          onChange({ ...layout, places, tiles: padded(layout.tiles, places.length) });
        }}
        onFullScreen={document.fullscreenEnabled ? () => toggleFullScreen(root.current) : undefined}
      />
    </div>
  );
  return bar ? createPortal(tools, bar) : tools;
}

/** Cameras nobody has seen come to the wall; gives what says that somebody arranged it by hand. */
function useAutoFill(all: readonly Camera[]): () => void {
  const { wall } = useModel();
  const memory = useRef<WallMemory | null>(null);
  memory.current ??= readWallMemory(localStorage);
  useEffect(() => {
    const { known, untouched } = memory.current!;
    const keys = all.filter(({ enabled }) => enabled).map(({ key }) => key);
    const filled = autoFill({ layout: wall.layout.get(), known }, keys, untouched);
    if (filled.known === known) return;
    memory.current = { known: filled.known, untouched };
    writeWallMemory(localStorage, memory.current);
    wall.layout.set(filled.layout);
  }, [all, wall]);
  return useCallback(() => {
    if (!memory.current!.untouched) return;
    memory.current = { ...memory.current!, untouched: false };
    writeWallMemory(localStorage, memory.current);
  }, []);
}

/** On a phone: those with a camera, the large one first, one empty place at the end where there is room. */
function phoneTiles(tiles: readonly (string | null)[], large: string | null) {
  const filled = tiles.map((key, index) => ({ key, index })).filter(({ key }) => key !== null);
  const first = filled.filter(({ key }) => key === large);
  const empty = tiles.indexOf(null);
  const rest = filled.filter(({ key }) => key !== large);
  return [...first, ...rest, ...(empty >= 0 ? [{ key: null, index: empty }] : [])];
}

function withoutTile(layout: Layout, tile: number): Layout {
  return {
    ...layout,
    tiles: layout.tiles.filter((_, index) => index !== tile),
    places: layout.places.filter((_, index) => index !== tile),
  };
}

function bottomOf(boxes: readonly Box[]): number {
  return Math.max(0, ...boxes.map(({ y, h }) => y + h));
}
