/** Remembers what came lately in two generations: the older is forgotten when the younger is full or old enough. */
export class SeenEvents {
  readonly #max: number;
  readonly #lifeMs: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #bornMs = 0;

  /** At most `max` names in each generation; each is remembered for `lifeMs` to twice that, unless many come. */
  constructor(max: number, lifeMs: number) {
    this.#max = max;
    this.#lifeMs = lifeMs;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  has(name: string): boolean {
    return this.#young.has(name) || this.#old.has(name);
  }

  /** `nowMs` is monotonic. */
  add(name: string, nowMs: number): void {
    if (this.#young.size >= this.#max || nowMs - this.#bornMs >= this.#lifeMs) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#bornMs = nowMs;
    }
    this.#young.add(name);
  }
}
