import type { Files } from '../platform/index.ts';

/**
 * Remembers that something may have changed in the data folder or one of its named folders. Looking at the disk four times a second
 * instead costs more than recording a camera.
 */
export class FolderWatch {
  readonly #files: Files;
  readonly #root: string;
  readonly #below: readonly string[];
  #stops: (() => void)[] = [];
  #watching = false;
  #changed = false;

  /** `below`: names of folders inside `root`, which need not be there yet. */
  constructor(files: Files, places: { root: string; below: readonly string[] }) {
    this.#files = files;
    this.#root = places.root;
    this.#below = places.below;
  }

  /** True where something may have changed since this was asked last; always, where the system does not tell. */
  take(): boolean {
    const changed = this.#changed || !this.#watching;
    this.#changed = false;
    return changed;
  }

  start(): void {
    const change = () => {
      this.#changed = true;
    };
    const root = this.#files.watch(this.#root, () => {
      change();
      // A folder may have come, or come anew.
      this.#restart();
    });
    this.#watching = root !== null;
    const below = this.#below.map((name) => this.#files.watch(`${this.#root}/${name}`, change));
    this.#stops = [root, ...below].filter((stop) => stop !== null);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#watching = false;
  }

  #restart(): void {
    this.stop();
    this.start();
  }
}
