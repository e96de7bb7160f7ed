import type { Store } from '../engine/store.ts';
import type { Camera } from './cameras.ts';

const KEY = 'constitute-nvr.camera-names';
const NAMES_MAX = 2_048;

/** What cameras were called when their nodes told last, kept in this browser: tiles have names before a node is reached, and while it is away. */
export class CameraNames {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;
  #names: ReadonlyMap<string, string>;

  constructor(all: Pick<Store<readonly Camera[]>, 'get' | 'subscribe'>, storage: Pick<Storage, 'getItem' | 'setItem'>) {
    this.#storage = storage;
    this.#names = read(storage.getItem(KEY));
    all.subscribe(() => {
      const told = all.get();
      if (told.some(({ key, name }) => this.#names.get(key) !== name))
        this.#keep([...this.#names, ...told.map(({ key, name }) => [key, name] as const)]);
    });
  }

  of(key: string): string | null {
    return this.#names.get(key) ?? null;
  }

  /** Of a node's cameras nothing is kept any more. */
  forget(node: string): void {
    this.#keep([...this.#names].filter(([key]) => !key.startsWith(`${node}/`)));
  }

  #keep(names: readonly (readonly [string, string])[]): void {
    this.#names = new Map([...new Map(names)].slice(-NAMES_MAX));
    this.#storage.setItem(KEY, JSON.stringify(Object.fromEntries(this.#names)));
  }
}

function read(text: string | null): ReadonlyMap<string, string> {
  try {
    const kept = Object.entries(JSON.parse(text ?? '{}') as Record<string, unknown>);
    return new Map(kept.filter((each): each is [string, string] => typeof each[1] === 'string').slice(-NAMES_MAX));
  } catch {
    return new Map();
  }
}
