import type { Engine } from '../engine/engine.ts';
import type { EngineError, FragmentPiece, GapPiece, InitPiece } from '../engine/messages.ts';
import { PastFeed } from './past-feed.ts';
import type { PictureIndex } from './past-index.ts';
import type { TileCamera } from './tile-player.ts';

/** Behind what a feed has brought, so far ahead it is waited for; beyond, another one begins; µs. */
const REACH_SLACK_US = 3_000_000;
/** So near to where a feed ended the next one is asked for; µs of picture. */
const NEAR_END_US = 4_000_000;
/** Fast motion comes to the end sooner: so many keyframes before. */
const NEAR_END_KEYS = 12;
/** What ended at the newest recording is asked for again after so long. */
export const AGAIN_MS = 700;
/** A recorder writes what it has about once a second, in whole chunks: when so much must have been recorded since, it is asked for at once. */
const EXPECTED_MS = 1_600;
const SOON_MS = 250;
/** With no more than this left, what the clocks expect does not count: they may differ. */
const SHORT_US = 1_500_000;
/** A node that could not answer is asked again after so long. */
const RETRY_MS = 2_500;
/** What the node will say again if asked again. */
const FINAL: readonly string[] = ['denied', 'missing', 'invalid', 'unauthenticated', 'corrupt'];

export interface SupplyNews {
  /** The first answer of a feed that begins elsewhere: what lies on the glass is let go of. Until then its picture stays. */
  renew(): void;
  init(piece: InitPiece): void;
  fragment(piece: FragmentPiece): void;
  /** Something new is known: a piece, a gap (in the index already), an end. */
  arrived(): void;
  lost(): void;
  /** Nothing comes any more. */
  failed(error: EngineError): void;
}

/**
 * Sees to it that the recordings about to be shown are on their way: one feed at a time, another one where the time is elsewhere, the next one
 * in time where that one ended at what was written so far.
 */
export class PastSupply {
  readonly #engine: Pick<Engine, 'play'>;
  readonly #camera: TileCamera;
  readonly #index: PictureIndex;
  readonly #news: SupplyNews;
  readonly #clock: () => number;
  readonly #calendar: () => number;
  #feed: PastFeed | null = null;

  /** `clock`: monotonic ms; `calendar`: epoch ms. */
  constructor(
    engine: Pick<Engine, 'play'>,
    camera: TileCamera,
    index: PictureIndex,
    news: SupplyNews,
    {
      clock = () => performance.now(),
      calendar = () => Date.now(),
    }: { clock?: () => number; calendar?: () => number } = {},
  ) {
    this.#engine = engine;
    this.#camera = camera;
    this.#index = index;
    this.#news = news;
    this.#clock = clock;
    this.#calendar = calendar;
  }

  /** What is under way, or was until its end; null before `want` and after `close`. */
  get feed(): PastFeed | null {
    return this.#feed;
  }

  /** The time that is shown (µs); `spacingMs`: only keyframes, none nearer to the one before; null: every picture. */
  want(atUs: number, spacingMs: number | null): void {
    const feed = this.#feed;
    if (!feed || feed.spacingMs !== spacingMs || feed.fromUs > atUs + 1_000) {
      this.open(atUs, spacingMs);
      return;
    }
    if (feed.endedAt === null) {
      const slack = spacingMs === null ? REACH_SLACK_US : 20 * REACH_SLACK_US;
      if (feed.begun && atUs > feed.reachUs + slack) this.open(atUs, spacingMs);
      else feed.order(this.#ahead(atUs, spacingMs));
      return;
    }
    const sinceMs = this.#clock() - feed.endedAt;
    if (feed.error) {
      if (sinceMs > RETRY_MS) this.open(atUs, spacingMs);
    } else if (this.#isDue(feed, atUs, sinceMs)) this.#goOn(feed);
  }

  /** Begins anew at a time. */
  open(fromUs: number, spacingMs: number | null): void {
    this.#index.clear();
    this.#begin({ fromUs, spacingMs }, true);
  }

  /** Pictures are wanted beyond what was ordered. */
  hurry(): void {
    this.#feed?.order(0);
  }

  /** What lies before was freed. */
  forget(beforeUs: number): void {
    if (this.#feed) this.#feed.fromUs = Math.max(this.#feed.fromUs, this.#index.fragments[0]?.startUs ?? beforeUs);
  }

  close(): void {
    this.#feed?.close();
    this.#feed = null;
  }

  #ahead(atUs: number, spacingMs: number | null): number {
    if (spacingMs === null) return this.#index.aheadUs(atUs) / 1e6;
    return this.#index.fragments.filter(({ startUs }) => startUs > atUs).length;
  }

  /** Whether it is time to ask for what was recorded since a feed ended. */
  #isDue({ reachUs, spacingMs }: PastFeed, atUs: number, sinceMs: number): boolean {
    const near = spacingMs === null ? NEAR_END_US : Math.max(NEAR_END_US, spacingMs * NEAR_END_KEYS * 1000);
    if (atUs < reachUs - near) return false;
    if (this.#index.gapAt(atUs)) return sinceMs >= RETRY_MS;
    if (this.#calendar() - reachUs / 1000 >= EXPECTED_MS) return sinceMs >= SOON_MS;
    return atUs >= reachUs - SHORT_US && sinceMs >= AGAIN_MS;
  }

  /** Goes on where that one ended; what it brought stays. */
  #goOn({ fromUs, reachUs, spacingMs }: PastFeed): void {
    this.#begin({ fromUs: reachUs, spacingMs, knownUs: reachUs }, false);
    this.#feed!.fromUs = fromUs;
  }

  #begin(wish: { fromUs: number; spacingMs: number | null; knownUs?: number }, elsewhere: boolean): void {
    this.close();
    let fresh = elsewhere;
    const renew = () => {
      if (fresh) this.#index.clear();
      if (fresh) this.#news.renew();
      fresh = false;
    };
    const news = {
      init: (piece: InitPiece) => {
        renew();
        this.#news.init(piece);
      },
      fragment: (piece: FragmentPiece) => {
        renew();
        this.#news.fragment(piece);
        this.#news.arrived();
      },
      gap: (piece: GapPiece) => {
        renew();
        this.#index.addGap(piece);
        this.#news.arrived();
      },
      lost: () => this.#news.lost(),
      ended: (error: EngineError | null) => {
        if (error && FINAL.includes(error.kind)) this.#news.failed(error);
        this.#news.arrived();
      },
    };
    this.#feed = new PastFeed(this.#engine, this.#camera, wish, news, this.#clock);
    this.#feed.order(0);
  }
}
