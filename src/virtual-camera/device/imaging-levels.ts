/** Settings of the picture in the camera's own range, 0 to 100; 50 changes nothing. */
export interface Levels {
  brightness: number;
  contrast: number;
  saturation: number;
  sharpness: number;
  irCut: 'ON' | 'OFF' | 'AUTO';
}

export const LEVEL_MAX = 100;

/** The settings of the picture, and who wants to know when they change. */
export class ImagingLevels {
  readonly #changed: () => void;
  #levels: Levels = { brightness: 50, contrast: 50, saturation: 50, sharpness: 50, irCut: 'AUTO' };

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get levels(): Readonly<Levels> {
    return this.#levels;
  }

  set(wish: Partial<Levels>): void {
    this.#levels = { ...this.#levels, ...wish };
    this.#changed();
  }
}
