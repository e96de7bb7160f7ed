import { Store } from '../engine/store.ts';

/** What is seen of time; epoch ms. */
export interface Seen {
  from: number;
  to: number;
}

/** Narrowest and widest; ms. */
export const SPAN_MS_MIN = 1_000;
export const SPAN_MS_MAX = 400 * 86_400_000;
/** Behind the present there is a little room, as a share of the span. */
const EDGE = 0.03;
/** One press of a button or key. */
const ZOOM_STEP = 2;
/** While it plays the cursor is kept inside this share of the view. */
const KEEP = [0.04, 0.92] as const;

/** Where little was recorded so far, so much is shown at first. */
const FIT_MS_MIN = 600_000;

/** Stretches of a time for its buttons, ms. */
export const SPANS = [60_000, 600_000, 3_600_000, 6 * 3_600_000, 86_400_000, 7 * 86_400_000, 30 * 86_400_000] as const;

/** The part of time that the timeline shows: zoomed about a point, moved, or held to the present. */
export class TimeView {
  readonly seen: Store<Seen>;
  readonly #now: () => number;
  /** The present is kept at the right end. */
  #holds = true;
  /** Somebody chose what is seen. */
  #chosen = false;

  constructor(now: () => number = () => Date.now(), spanMs = 6 * 3_600_000) {
    this.#now = now;
    this.seen = new Store(this.#atEdge(spanMs));
  }

  get span(): number {
    const { from, to } = this.seen.get();
    return to - from;
  }

  /** The present stands at the right end and stays there. */
  get holdsPresent(): boolean {
    return this.#holds;
  }

  /** Time passed: what is held to the present moves with it. */
  tick(): void {
    if (this.#holds) this.seen.set(this.#atEdge(this.span));
  }

  /**
   * What is recorded begins there (null: leave it as it is). Once, and only while nobody has chosen what to see: so much is shown that it fills
   * the view, at most what is shown already.
   */
  fit(from: number | null): void {
    if (!this.#chosen && from !== null) {
      this.seen.set(this.#atEdge(clamp((this.#now() - from) * 1.1, FIT_MS_MIN, this.span)));
    }
    this.#chosen = true;
  }

  /** `factor` below 1: closer. `anchor` (epoch ms) stays where it is. */
  zoom(factor: number, anchor: number): void {
    this.#chosen = true;
    const { from, to } = this.seen.get();
    const span = clamp((to - from) * factor, SPAN_MS_MIN, SPAN_MS_MAX);
    const share = (anchor - from) / (to - from);
    // The present stays at its edge when it is what one looks at.
    if (this.#holds && anchor >= this.#now() - (to - from) * 0.02) {
      this.seen.set(this.#atEdge(span));
    } else this.#show(anchor - share * span, span);
  }

  zoomStep(direction: 1 | -1, anchor: number): void {
    this.zoom(direction === 1 ? 1 / ZOOM_STEP : ZOOM_STEP, anchor);
  }

  setSpan(spanMs: number, anchor: number): void {
    this.zoom(spanMs / this.span, anchor);
  }

  /** Shows later times for positive `ms`. */
  pan(ms: number): void {
    this.#show(this.seen.get().from + ms, this.span);
  }

  /** Shows just that stretch, with a little around it. */
  show(from: number, to: number): void {
    const span = clamp((to - from) * 1.1, SPAN_MS_MIN, SPAN_MS_MAX);
    this.#show((from + to) / 2 - span / 2, span);
  }

  /** The present at the right end. */
  present(): void {
    this.#holds = true;
    this.seen.set(this.#atEdge(this.span));
  }

  /** Moves as little as needed for `at` to be seen; with `margin`, not at its very edge. */
  keep(at: number, margin = false): void {
    const { from } = this.seen.get();
    const span = this.span;
    const [low, high] = margin ? KEEP : [0, 1];
    if (at < from + span * low) this.#show(at - span * (margin ? 0.3 : low), span);
    else if (at > from + span * high && !this.#holds) this.#show(at - span * (margin ? 0.15 : high), span);
  }

  #show(from: number, span: number): void {
    this.#chosen = true;
    const edge = this.#now() + span * EDGE;
    this.#holds = from + span >= edge - span * 1e-6;
    const to = Math.max(Math.min(from + span, edge), span);
    this.seen.set({ from: to - span, to });
  }

  #atEdge(span: number): Seen {
    const to = this.#now() + span * EDGE;
    return { from: to - span, to };
  }
}

/** Pixels and times of one drawing. */
export class Scale {
  readonly from: number;
  readonly to: number;
  readonly width: number;

  constructor({ from, to }: Seen, width: number) {
    this.from = from;
    this.to = to;
    this.width = width;
  }

  x(at: number): number {
    return ((at - this.from) / (this.to - this.from)) * this.width;
  }

  at(x: number): number {
    return this.from + (x / this.width) * (this.to - this.from);
  }

  get msPerPixel(): number {
    return (this.to - this.from) / Math.max(1, this.width);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
