import type { PictureOptions } from './options.ts';

/** A straight movement in wall time: `from + perSecond * (clip(t, startUs, endUs) - startUs)`. */
export interface ViewMotion {
  from: number;
  perSecond: number;
  startUs: number;
  endUs: number;
}

/** What moves and colours the picture; absent parts do neither. */
export interface PictureView {
  /** Pan and tilt from -1 to 1 (right, up), zoom from 0 to 1. */
  motion: ((axis: 'pan' | 'tilt' | 'zoom') => ViewMotion) | null;
  /** Each from 0 to 100; 50 changes nothing. */
  levels: (() => { brightness: number; contrast: number; saturation: number }) | null;
  /** Calls the listener after each change; the returned function ends it. */
  onChange: (listener: () => void) => () => void;
}

/** The scene is larger than the picture by this factor in both directions, and full zoom doubles it again. */
const SCENE_FACTOR = 1.5;

/** Size of the scene a picture is cut out of, in pixels. */
export function sceneSize(
  { width, height }: PictureOptions,
  view: PictureView | undefined,
): { width: number; height: number } {
  const even = (value: number) => Math.round((value * SCENE_FACTOR) / 2) * 2;
  return view?.motion ? { width: even(width), height: even(height) } : { width, height };
}

/** What can be told to a running encoder: the filter, its option and the value. */
export interface ViewSetting {
  filter: 'scale@zoom' | 'crop@window' | 'eq@levels';
  option: string;
  value: string;
}

/**
 * Everything that places and colours the picture now. Movements are expressions in ffmpeg's `t`, which is seconds of wall time since
 * `originUs`, so that one word to the encoder moves the picture smoothly until it stops.
 */
export function viewSettings(view: PictureView, picture: PictureOptions, originUs: number): ViewSetting[] {
  const settings: ViewSetting[] = [];
  if (view.motion) {
    const scene = sceneSize(picture, view);
    const [pan, tilt, zoom] = (['pan', 'tilt', 'zoom'] as const).map((axis) =>
      expression(view.motion!(axis), originUs),
    );
    const scaled = (size: number) => `2*trunc(${size / 2}*(1+${zoom})+0.5)`;
    settings.push({ filter: 'scale@zoom', option: 'w', value: scaled(scene.width) });
    settings.push({ filter: 'scale@zoom', option: 'h', value: scaled(scene.height) });
    const edge = (size: number, shown: number) => `(${size}*(1+${zoom})-${shown})/2`;
    settings.push({ filter: 'crop@window', option: 'x', value: `${edge(scene.width, picture.width)}*(1+${pan})` });
    settings.push({ filter: 'crop@window', option: 'y', value: `${edge(scene.height, picture.height)}*(1-${tilt})` });
  }
  if (view.levels) {
    const { brightness, contrast, saturation } = view.levels();
    settings.push({ filter: 'eq@levels', option: 'brightness', value: short((brightness - 50) / 100) });
    settings.push({ filter: 'eq@levels', option: 'contrast', value: short(contrast / 50) });
    settings.push({ filter: 'eq@levels', option: 'saturation', value: short(saturation / 50) });
  }
  return settings;
}

/** The filters themselves, with these settings to begin with: the scene in, the picture out. */
export function viewFilters(
  view: PictureView,
  { width, height }: PictureOptions,
  settings: readonly ViewSetting[],
): string[] {
  const options = (filter: ViewSetting['filter'], ...fixed: string[]) =>
    `${filter}=${[...fixed, ...settings.filter((each) => each.filter === filter).map(({ option, value }) => `${option}='${value}'`)].join(':')}`;
  const target = (share: number, color: string) =>
    `drawbox=x=(iw-ih*${share})/2:y=(ih-ih*${share})/2:w=ih*${share}:h=ih*${share}:color=${color}:t=fill`;
  return [
    // A white square in a black one in the middle of the scene: what tells where the head looks.
    ...(view.motion ? [target(0.2, 'black'), target(0.1, 'white')] : []),
    ...(view.motion ? [options('scale@zoom', 'eval=frame', 'flags=fast_bilinear')] : []),
    // Sizes are rounded to even ones: without the last the shape of a pixel would follow, and with it the parameters of the stream.
    ...(view.motion ? [options('crop@window', `w=${width}`, `h=${height}`), 'setsar=1'] : []),
    ...(view.levels ? [options('eq@levels')] : []),
  ];
}

/** The line that tells a setting to ffmpeg on its standard input. */
export function commandLine({ filter, option, value }: ViewSetting): string {
  return `c${filter} -1 ${option} ${value}\n`;
}

function expression({ from, perSecond, startUs, endUs }: ViewMotion, originUs: number): string {
  if (perSecond === 0 || endUs <= startUs) return short(from);
  const start = ((startUs - originUs) / 1e6).toFixed(3);
  const end = ((endUs - originUs) / 1e6).toFixed(3);
  return `(${short(from)}+${short(perSecond)}*(clip(t,${start},${end})-${start}))`;
}

function short(value: number): string {
  return String(Math.round(value * 1e4) / 1e4);
}
