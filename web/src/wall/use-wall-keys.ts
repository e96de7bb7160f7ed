import type { RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useModel } from '../model/model.ts';
import type { Layout } from '../model/wall.ts';
import { type Hotkey, useHotkeys } from '../ui/hotkeys.ts';
import { toggleFullScreen } from './full-screen.ts';
import { swapTiles, tileCount } from './geometry.ts';
import type { TileActs } from './tile.tsx';
import { movePlace } from './use-tile-drag.ts';

export interface WallKeysOptions {
  root: RefObject<HTMLElement | null>;
  /** Camera keys as they stand. */
  keys: readonly (string | null)[];
  layout: Layout;
  acts: ReadonlyMap<string, TileActs>;
  onChange(layout: Layout): void;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as const;

/** The keys of the wall; they go to the chosen tile, or to the first. */
export function useWallKeys({ root, keys, layout, acts, onChange }: WallKeysOptions): void {
  const { t } = useTranslation('wall');
  const { wall } = useModel();
  const here = () => wall.enlarged.get() ?? wall.chosen.get() ?? keys.find((each) => each !== null) ?? null;
  const choose = (key: string | null | undefined) => {
    if (!key) return;
    wall.chosen.set(key);
    if (wall.enlarged.get() !== null) wall.enlarged.set(key);
    const tiles = root.current?.querySelectorAll<HTMLElement>('.wall-tile') ?? [];
    // Which one is enlarged is drawn first: a hidden tile takes no focus.
    requestAnimationFrame(() => [...tiles].find((each) => each.dataset['camera'] === key)?.focus());
  };
  const move = (arrow: keyof typeof ARROWS, resize: boolean) => {
    const key = here();
    const index = layout.tiles.indexOf(key);
    if (key === null || index < 0) return;
    const [dx, dy] = ARROWS[arrow];
    if (layout.kind === 'free') return onChange(movePlace(layout, index, resize ? 'resize' : 'move', dx, dy));
    const to = index + (dx + dy);
    if (to >= 0 && to < tileCount(layout)) onChange(swapTiles(layout, index, to));
  };
  const arrows = (resize: boolean) =>
    (Object.keys(ARROWS) as (keyof typeof ARROWS)[]).map((arrow) => ({
      keys: `Ctrl${resize ? '+Shift' : ''}+${arrow}`,
      says: t(resize ? `keys.resize.${arrow}` : `keys.move.${arrow}`),
      run: () => move(arrow, resize),
      repeat: true,
    }));
  const hotkeys: Hotkey[] = [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => ({
      keys: String(number),
      says: t('keys.choose', { number }),
      run: () => choose(keys[number - 1]),
    })),
    {
      keys: 'Enter',
      says: t('keys.enlarge'),
      run: () => wall.enlarged.set(wall.enlarged.get() === null ? here() : null),
    },
    {
      keys: 'Escape',
      says: t('keys.back'),
      run: () => {
        const act = acts.get(here() ?? '');
        if (act?.closePtz() || act?.resetZoom()) return;
        if (wall.enlarged.get() !== null) wall.enlarged.set(null);
        else wall.chosen.set(null);
      },
    },
    { keys: 'f', says: t('fullScreen'), run: () => toggleFullScreen(root.current) },
    {
      keys: 'm',
      says: t('keys.sound'),
      run: () => wall.heard.update((heard) => (heard === here() ? null : here())),
    },
    { keys: 'z', says: t('zoomReset'), run: () => void acts.get(here() ?? '')?.resetZoom() },
    { keys: 's', says: t('snapshot'), run: () => acts.get(here() ?? '')?.snapshot() },
    ...arrows(false),
    ...(layout.kind === 'free' ? arrows(true) : []),
  ];
  useHotkeys(t('keys.title'), hotkeys);
}
