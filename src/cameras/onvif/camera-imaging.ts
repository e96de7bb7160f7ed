import type { XmlElement } from '../../protocol/index.ts';
import type { Imaging, ImagingDriver } from '../api.ts';
import { CameraError } from '../errors.ts';
import { all, first, numberOf, textAt } from './element-reader.ts';
import type { Operation } from './vocabulary.ts';

/** What we call it, what the answers call it, and what the package's parameters call it. */
const LEVELS = [
  ['brightness', 'Brightness', 'brightness'],
  ['contrast', 'Contrast', 'contrast'],
  ['saturation', 'ColorSaturation', 'colorSaturation'],
  ['sharpness', 'Sharpness', 'sharpness'],
] as const;
type Level = (typeof LEVELS)[number][0];

/** What a camera lets be set: ranges of its own numbers, and modes of the filter. */
export interface ImagingOptions {
  ranges: Readonly<Record<Level, { min: number; max: number } | null>>;
  irCut: readonly NonNullable<Imaging['irCut']>[];
}

/** Reads a `GetOptionsResponse` of the imaging service. Total. */
export function imagingOptionsOf(response: XmlElement): ImagingOptions {
  const options = first(response, 'ImagingOptions');
  const ranges = Object.fromEntries(
    LEVELS.map(([name, element]) => {
      const [min, max] = [numberOf(textAt(options, element, 'Min')), numberOf(textAt(options, element, 'Max'))];
      return [name, min !== null && max !== null && min < max ? { min, max } : null];
    }),
  ) as ImagingOptions['ranges'];
  const irCut = all(options, 'IrCutFilterModes').flatMap(({ text }) => filterOf(text) ?? []);
  return { ranges, irCut: [...new Set(irCut)] };
}

/** Reads a `GetImagingSettingsResponse`; what has no range is left out. Total. */
export function imagingOf(response: XmlElement, { ranges }: ImagingOptions): Imaging {
  const settings = first(response, 'ImagingSettings');
  const found: Imaging = {};
  for (const [name, element] of LEVELS) {
    const [value, range] = [numberOf(textAt(settings, element)), ranges[name]];
    if (value === null || !range) continue;
    const share = (value - range.min) / (range.max - range.min);
    found[name] = Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000;
  }
  const irCut = filterOf(textAt(settings, 'IrCutFilter'));
  return irCut ? { ...found, irCut } : found;
}

/** How the imaging service is spoken to. */
export interface ImagingVoice {
  /** Runs what one call asks under one deadline; gives errors as drivers give them. */
  run<T>(signal: AbortSignal | undefined, task: (signal: AbortSignal) => Promise<T>): Promise<T>;
  say(operation: Operation, parameters: Record<string, string>, signal: AbortSignal): Promise<XmlElement>;
  /** Token of the picture sensor; `unsupported` where there is none. */
  sourceToken(signal: AbortSignal): Promise<string>;
}

/** Imaging of one camera. */
export function createImaging({ run, say, sourceToken }: ImagingVoice): ImagingDriver {
  let known: ImagingOptions | null = null;
  const options = async (token: string, signal: AbortSignal) => {
    known ??= imagingOptionsOf(await say('getVideoSourceOptions', { token }, signal));
    return known;
  };
  return {
    get: (signal) =>
      run(signal, async (signal) => {
        const token = await sourceToken(signal);
        const { ranges, irCut } = await options(token, signal);
        return imagingOf(await say('getImagingSettings', { token }, signal), { ranges, irCut });
      }),
    set: (wish, signal) =>
      run(signal, async (signal) => {
        const token = await sourceToken(signal);
        const { ranges, irCut } = await options(token, signal);
        const parameters: Record<string, string> = { token };
        for (const [name, , parameter] of LEVELS) {
          const share = wish[name];
          if (share === undefined) continue;
          const range = ranges[name];
          if (!range) throw new CameraError('unsupported', { detail: `it has no ${name} to set` });
          // As text: the package leaves out the number 0. Cameras with wide ranges count in whole numbers.
          const value = range.min + Math.min(1, Math.max(0, share)) * (range.max - range.min);
          parameters[parameter] = String(
            range.max - range.min >= 10 ? Math.round(value) : Math.round(value * 1_000) / 1_000,
          );
        }
        if (wish.irCut !== undefined) {
          if (!irCut.includes(wish.irCut))
            throw new CameraError('unsupported', { detail: 'it has no such mode of its filter' });
          parameters['irCutFilter'] = wish.irCut.toUpperCase();
        }
        if (Object.keys(parameters).length > 1) await say('setImagingSettings', parameters, signal);
      }),
  };
}

function filterOf(text: string): Imaging['irCut'] {
  const word = text.trim().toLowerCase();
  return word === 'on' || word === 'off' || word === 'auto' ? word : undefined;
}
