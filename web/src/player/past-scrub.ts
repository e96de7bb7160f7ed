import type { Engine, Feed } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapPiece, InitPiece } from '../engine/messages.ts';
import type { Laid, Picture, PictureIndex } from './past-index.ts';
import type { TileCamera } from './tile-player.ts';

/** Questions on their way at once; the newest wish waits, those between are passed over. */
const ASKS_MAX = 2;
/** Pictures kept while the cursor is being dragged. */
const KEPT_MAX = 200;

export interface ScrubOut {
  lay(init: InitPiece, fragment: FragmentPiece): void;
  show(picture: Picture): void;
  gap(gap: GapPiece): void;
  /** A stretch of the glass may be freed. */
  free(from: number, to: number): void;
  failed(error: EngineError): void;
}

/** What was learned: at `toUs` the picture is that of the keyframe at `fromUs`. */
interface Known {
  fromUs: number;
  toUs: number;
}

/** Pictures while somebody searches: of the keyframe before the cursor, the newest wish first. */
export class PastScrub {
  readonly #engine: Pick<Engine, 'keyframe' | 'play'>;
  readonly #camera: TileCamera;
  readonly #index: PictureIndex;
  readonly #out: ScrubOut;
  #known: Known[] = [];
  #gaps: GapPiece[] = [];
  #asking = 0;
  #wish: number | null = null;
  #asked = 0;
  #latest = 0;
  #active = false;
  #why: Feed | null = null;
  #life = new AbortController();

  constructor(engine: Pick<Engine, 'keyframe' | 'play'>, camera: TileCamera, index: PictureIndex, out: ScrubOut) {
    this.#engine = engine;
    this.#camera = camera;
    this.#index = index;
    this.#out = out;
  }

  /** The cursor is there; µs. */
  want(atUs: number): void {
    if (!this.#active) {
      this.#active = true;
      this.#index.clear();
      this.#life = new AbortController();
    }
    if (atUs === this.#wish) return;
    this.#wish = atUs;
    const gap = this.#gaps.find((each) => each.startUs <= atUs && atUs < (each.endUs ?? Number.POSITIVE_INFINITY));
    if (gap) {
      this.#out.gap(gap);
      return;
    }
    const known = this.#known.find(({ fromUs, toUs }) => fromUs <= atUs && atUs <= toUs);
    const laid = known && this.#index.lastAt(known.fromUs);
    if (laid && laid.startUs === known.fromUs) {
      this.#latest = ++this.#asked;
      this.#show(laid);
    } else this.#ask();
  }

  /** The cursor was let go. */
  rest(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#wish = null;
    this.#known = [];
    this.#gaps = [];
    this.#life.abort();
    this.#why?.close();
    this.#why = null;
  }

  close(): void {
    this.rest();
  }

  #ask(): void {
    if (this.#asking >= ASKS_MAX || this.#wish === null) return;
    const atUs = this.#wish;
    const order = ++this.#asked;
    const { signal } = this.#life;
    this.#asking++;
    this.#engine
      .keyframe({ ...this.#camera, at: Math.max(0, Math.floor(atUs / 1000)) }, signal)
      .then(
        (answer) => {
          if (signal.aborted) return;
          if (!answer) return order > this.#latest ? this.#askWhy(atUs) : undefined;
          const { init, fragment } = answer;
          this.#out.lay(init, fragment);
          this.#known.push({ fromUs: fragment.startUs, toUs: Math.max(atUs, fragment.endUs) });
          this.#forget();
          if (order < this.#latest) return;
          this.#latest = order;
          const laid = this.#index.lastAt(fragment.startUs);
          if (laid) this.#show(laid);
        },
        (error: EngineError) => {
          // One missed picture is nothing; what the node refuses it will refuse again.
          if (!signal.aborted && ['denied', 'missing'].includes(error.kind)) this.#out.failed(error);
        },
      )
      .finally(() => {
        this.#asking--;
        if (this.#active && this.#wish !== atUs) this.#ask();
      });
  }

  /** Nothing was recorded there: a reading that takes no picture tells why. */
  #askWhy(atUs: number): void {
    this.#why?.close();
    const why = this.#engine.play(
      { ...this.#camera, from: Math.floor(atUs / 1000) },
      {
        piece: (piece) => {
          why.close();
          if (piece.kind !== 'gap' || !this.#active) return;
          this.#gaps.push(piece);
          this.#out.gap(piece);
        },
        ended: () => {
          if (!this.#active) return;
          const rest: GapPiece = { kind: 'gap', startUs: atUs, endUs: null, cause: 'unknown' };
          this.#out.gap(rest);
        },
      },
    );
    this.#why = why;
  }

  #show(laid: Laid): void {
    const picture = this.#index.pictureAt(laid.startUs);
    if (picture) this.#out.show(picture);
  }

  #forget(): void {
    while (this.#known.length > KEPT_MAX) {
      const { fromUs } = this.#known.shift()!;
      const laid = this.#index.lastAt(fromUs);
      if (!laid || laid.startUs !== fromUs || this.#known.some((each) => each.fromUs === fromUs)) continue;
      const { from, to } = this.#index.drop(laid);
      this.#out.free(from, to);
    }
  }
}
