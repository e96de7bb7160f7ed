import type { Engine, Feed } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapPiece, InitPiece } from '../engine/messages.ts';
import type { TileCamera } from './tile-player.ts';

/** So much picture may lie ready behind the shown one; s. */
const AHEAD_S = 12;
/** Keyframes that may lie ready. */
const KEYS_AHEAD = 24;
/** Asked for in batches: one message for several fragments. */
const BATCH = 4;
/** What comes first begins so much later than asked: nothing lies before it, and no gap was told for it; µs. */
const MISSING_US = 500_000;

export interface FeedNews {
  init(piece: InitPiece): void;
  fragment(piece: FragmentPiece): void;
  gap(piece: GapPiece): void;
  /** The channel is away; it goes on by itself. */
  lost(): void;
  ended(error: EngineError | null): void;
}

/**
 * Recordings of one stream from a time on, no faster than they are used. Knows from where to where it has come; pieces that were had
 * already (a feed that goes on where another ended begins with the keyframe before) are left out.
 */
export class PastFeed {
  /** Only keyframes come, none nearer to the one before (ms); null: every picture. */
  readonly spacingMs: number | null;
  /** From here on everything is known (µs): pictures or gaps. */
  fromUs: number;
  /** Up to here. */
  reachUs: number;
  /** `performance.now()` at its end; null while it goes on. */
  endedAt: number | null = null;
  error: EngineError | null = null;
  /** An answer of any kind was had. */
  begun = false;
  readonly #feed: Feed;
  #ordered = 0;
  #durationS = 0.2;
  #fragments = 0;

  constructor(
    engine: Pick<Engine, 'play'>,
    camera: TileCamera,
    wish: { fromUs: number; spacingMs: number | null; knownUs?: number },
    news: FeedNews,
    clock: () => number = () => performance.now(),
  ) {
    const { fromUs, spacingMs, knownUs } = wish;
    this.fromUs = fromUs;
    this.reachUs = knownUs ?? fromUs;
    this.spacingMs = spacingMs;
    const order = {
      ...camera,
      from: Math.max(0, Math.floor(fromUs / 1000)),
      ...(spacingMs === null ? {} : { keyframesOnly: true, spacing: spacingMs }),
    };
    this.#feed = engine.play(order, {
      piece: (piece) => {
        if (piece.kind === 'init') return news.init(piece);
        if (piece.kind === 'gap') {
          this.begun = true;
          this.fromUs = Math.min(this.fromUs, piece.startUs);
          if (piece.endUs !== null) this.reachUs = Math.max(this.reachUs, piece.endUs);
          return news.gap(piece);
        }
        this.#ordered = Math.max(0, this.#ordered - 1);
        if (knownUs !== undefined && piece.endUs <= knownUs + 1_000) return;
        if (this.#fragments++ === 0) {
          // Before the first recording, and where the oldest ones were removed, there is no gap in the log.
          if (!this.begun && knownUs === undefined && piece.startUs > fromUs + MISSING_US)
            news.gap({ kind: 'gap', startUs: fromUs, endUs: piece.startUs, cause: 'unknown' });
          this.fromUs = Math.min(this.fromUs, piece.startUs);
        }
        this.begun = true;
        this.#durationS += ((piece.endUs - piece.startUs) / 1e6 - this.#durationS) * 0.2;
        this.reachUs = Math.max(this.reachUs, piece.endUs);
        news.fragment(piece);
      },
      event: (name) => {
        if (name === 'play.lost') news.lost();
      },
      ended: (error) => {
        this.endedAt = clock();
        this.error = error;
        news.ended(error);
      },
    });
  }

  /** Orders as much as there is room for; `aheadS`: picture (or keyframes, counted) that lies ready. */
  order(ahead: number): void {
    if (this.endedAt !== null) return;
    const room =
      this.spacingMs === null ? Math.ceil((AHEAD_S - ahead) / Math.max(this.#durationS, 0.02)) : KEYS_AHEAD - ahead;
    const count = room - this.#ordered;
    if (count < BATCH && !(count > 0 && this.#ordered === 0)) return;
    // A first answer shows how long a fragment is; until then no more than some seconds are ordered.
    const granted = this.#fragments === 0 ? Math.min(count, 16) : count;
    if (granted <= 0 || (this.#fragments === 0 && this.#ordered >= 16)) return;
    this.#ordered += granted;
    this.#feed.more(granted);
  }

  close(): void {
    this.#feed.close();
  }
}
