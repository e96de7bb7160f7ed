import type { Engine } from '../engine/engine.ts';
import { Store } from '../engine/store.ts';
import type { Playhead } from '../model/playhead.ts';
import { LivePlayer } from './live-player.ts';
import { PastPlayer } from './past-player.ts';
import type { ShownPicture, TileCamera, TilePlayer, TileState, TileStats } from './tile-player.ts';

/** What a tile is to show. */
export interface ScreenOrder extends TileCamera {
  /** The playhead stands in the past. */
  past: boolean;
}

/** The element a screen draws on; who measures the wall finds the screen by it. */
export interface GlassElement extends HTMLElement {
  tileScreen?: TileScreen;
}

interface Layer {
  order: ScreenOrder;
  video: HTMLVideoElement;
  player: TilePlayer;
}

/** So much of a picture may lie outside of its tile. */
const FILLS = 0.04;
/** A new picture does not come then: what it was to follow makes room for the words. */
const HOPELESS: readonly TileState['kind'][] = ['gap', 'unplayable', 'ended', 'failed'];

/**
 * The glass of a tile. Where another stream of the camera, or another time, is asked for, what is shown stays until the new one has its first
 * picture; another camera's picture is taken away at once. While nobody sees the tile nothing runs.
 */
export class TileScreen {
  readonly state = new Store<TileState>({ kind: 'idle' });
  /** What is seen now; null before the first order. */
  readonly shows = new Store<ScreenOrder | null>(null);
  /** Pictures have been seen since the camera was chosen: something stands on the glass. */
  readonly pictured = new Store(false);
  readonly #playerOf: (past: boolean) => TilePlayer;
  readonly #host: HTMLElement;
  #front: Layer | null = null;
  #next: Layer | null = null;
  #seen = false;
  #heard = false;
  #label = '';
  #shape = 0;

  constructor(
    engine: Engine,
    playhead: Playhead,
    host: GlassElement,
    playerOf: (past: boolean) => TilePlayer = (past) =>
      past ? new PastPlayer(engine, playhead) : new LivePlayer(engine),
  ) {
    this.#playerOf = playerOf;
    this.#host = host;
    host.tileScreen = this;
  }

  show(order: ScreenOrder | null): void {
    if (!order) {
      this.#clear();
      return;
    }
    if (this.#next && same(this.#next.order, order)) return;
    this.#drop(this.#next);
    this.#next = null;
    if (this.#front && same(this.#front.order, order)) {
      this.state.set(this.#front.player.state());
      return;
    }
    if (this.#front && (this.#front.order.node !== order.node || this.#front.order.source !== order.source))
      this.#clear();
    const layer = this.#layer(order);
    if (this.#front && this.#seen) this.#next = layer;
    else {
      this.#drop(this.#front);
      this.#bring(layer);
    }
    if (this.#seen) layer.player.start();
  }

  /** Whether anybody can see the tile. */
  setSeen(seen: boolean): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (seen) this.#front?.player.start();
    else {
      // What was about to be shown begins when somebody looks again.
      if (this.#next && this.#front) {
        this.#drop(this.#front);
        this.#bring(this.#next);
        this.#next = null;
      }
      this.#front?.player.stop();
    }
  }

  setHeard(heard: boolean): void {
    this.#heard = heard;
    if (this.#front) this.#front.video.muted = !heard;
  }

  /** What screen readers call the picture. */
  setLabel(label: string): void {
    this.#label = label;
    this.#front?.video.setAttribute('aria-label', label);
  }

  /** The tile's size: a picture that is almost of its shape fills it, others are shown whole. */
  setSize(w: number, h: number): void {
    this.#shape = h > 0 ? w / h : 0;
    for (const layer of [this.#front, this.#next]) if (layer) this.#fit(layer.video);
  }

  get video(): HTMLVideoElement | null {
    return this.#front?.video ?? null;
  }

  stats(): TileStats | null {
    return this.#front?.player.stats() ?? null;
  }

  shown(): ShownPicture | null {
    return this.#front?.player.shown() ?? null;
  }

  close(): void {
    this.#clear();
  }

  #layer(order: ScreenOrder): Layer {
    const video = document.createElement('video');
    video.className = 'wall-video';
    video.muted = true;
    video.playsInline = true;
    video.disablePictureInPicture = true;
    video.preload = 'auto';
    video.setAttribute('aria-label', this.#label);
    const player = this.#playerOf(order.past);
    const layer: Layer = { order, video, player };
    // Behind what is shown, yet seen: a browser draws no pictures of what is hidden.
    this.#host.prepend(video);
    video.addEventListener('resize', () => this.#fit(video));
    player.attach(video);
    player.setCamera({ node: order.node, source: order.source, stream: order.stream });
    player.onPicture(() => {
      if (layer === this.#front) this.pictured.set(true);
      else this.#swap(layer);
    });
    player.onState((state) => {
      // While another one is on its way this is still what is seen.
      if (layer === this.#front) this.state.set(state);
      else if (layer === this.#next && HOPELESS.includes(state.kind)) this.#swap(layer);
    });
    return layer;
  }

  #fit(video: HTMLVideoElement): void {
    const { videoWidth, videoHeight } = video;
    const stretch = videoHeight > 0 && this.#shape > 0 ? videoWidth / videoHeight / this.#shape : 0;
    video.toggleAttribute('data-fills', Math.abs(stretch - 1) < FILLS);
  }

  #swap(layer: Layer): void {
    if (layer !== this.#next) return;
    const before = this.#front;
    this.#next = null;
    this.#bring(layer);
    this.#drop(before);
    if (layer.player.shown()) this.pictured.set(true);
  }

  #bring(layer: Layer): void {
    this.#front = layer;
    layer.video.muted = !this.#heard;
    this.shows.set(layer.order);
    this.state.set(layer.player.state());
  }

  #drop(layer: Layer | null): void {
    if (!layer) return;
    layer.player.close();
    layer.video.removeAttribute('src');
    layer.video.load();
    layer.video.remove();
  }

  #clear(): void {
    this.#drop(this.#next);
    this.#drop(this.#front);
    this.#next = null;
    this.#front = null;
    this.pictured.set(false);
    this.shows.set(null);
    this.state.set({ kind: 'idle' });
  }
}

function same(a: ScreenOrder, b: ScreenOrder): boolean {
  return a.node === b.node && a.source === b.source && a.stream === b.stream && a.past === b.past;
}
